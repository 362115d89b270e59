/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The program lbclusterctl: reads its arguments, opens the store and runs the command.
 */
#include <errno.h>
#include <string.h>

#include "ctl/arguments.h"
#include "ctl/ctl.h"

/* -- operands --------------------------------------------------------------- */

/* Returns the name that usage shows for operand 'at', such as "WEIGHT" for 1 of "PATH... WEIGHT",
 * and its length. */
static const char *
operand_name(const struct command *command, int at, int *ret_length)
{
	const char *name = command->operands;

	for (; at > 0 && strchr(name, ' ') != NULL; at--)
		name = strchr(name, ' ') + 1;
	*ret_length = (int)strcspn(name, " .");
	return name;
}

/* Checks the operands, of which words[0] is the name of the command. */
static enum ctl_exit
command_check(struct ctl *ctl, char **words, int n)
{
	const struct command *command = ctl->command;
	const char *name;
	int length;

	if (n == 0)
		return ctl_usage(ctl, "a command is missing");
	if (command == NULL)
		return command_refuse(ctl, words[0]);
	if (n - 1 < command->min) {
		name = operand_name(command, n - 1, &length);
		return ctl_usage(ctl, "%s: the operand %.*s is missing", command->name, length,
		    name);
	}
	if (n - 1 > command->max)
		return ctl_usage(ctl, "%s: is one operand too many", words[command->max + 1]);
	for (int i = 1; i < n && command->run != cmd_complete; i++) {
		if (words[i][0] == '\0')
			return ctl_usage(ctl, "%s: operand %d of %d is empty", command->name, i,
			    n - 1);
	}
	if (ctl->format == OUT_HTML && command->run != cmd_status)
		return ctl_usage(ctl, "-f html: only status writes a page");
	if (ctl->format == OUT_JSON && (ctl->flags & (CTL_LOAD | CTL_DRY_RUN)) == 0 &&
	    (command->run == cmd_export || command->run == cmd_discover))
		return ctl_usage(ctl, "-f json: %s writes an inventory file; \"lbclusterctl -f "
		    "json list -r\" writes JSON", command->name);
	return CTL_OK;
}

static enum ctl_exit
path_operand(struct ctl *ctl)
{
	if (ctl->command->path == DEPTH_NONE || ctl->n_operands == 0)
		return CTL_OK;
	if (strpbrk(ctl->operands[0], "*?[") != NULL)
		return ctl_usage(ctl, "%s: is a pattern; %s accepts the path of one row",
		    ctl->operands[0], ctl->command->name);
	if (ctl_path_parse(ctl->operands[0], &ctl->path_given, &ctl->error) != ERR_OK)
		return ctl_usage(ctl, "%s", ctl->error.text);
	ctl->path = &ctl->path_given;
	return CTL_OK;
}

/* -- the program ------------------------------------------------------------ */

/* Keeps errno of the first failed write, because later calls change errno. */
static void
output_flush(struct ctl *ctl)
{
	if (fflush(ctl->out) != 0 && ctl->out_errno == 0)
		ctl->out_errno = errno;
}

/* Waits for lbclusterd, so that a script that asks snmpd next sees what the command changed. */
static void
reader_wait(struct ctl *ctl)
{
	if (ctl->store == NULL || ctl->command->mode == STORE_READ ||
	    (ctl->flags & CTL_DRY_RUN) != 0)
		return;
	output_flush(ctl);
	if (store_reader_wait(ctl->store, "lbclusterd", CTL_READER_WAIT_MS, &ctl->error) != ERR_OK)
		ctl_message(ctl, "lbclusterd: has not read the change within %d s, SNMP may still "
		    "show the old values; \"lbclusterctl doctor\" finds out why",
		    CTL_READER_WAIT_MS / 1000);
}

/* Prints what the option --help or --version requests. */
static enum ctl_exit
help_run(struct ctl *ctl, char **words, int n)
{
	if (ctl->help && ctl->command == NULL && n > 0)
		return command_refuse(ctl, words[0]);
	if (ctl->help)
		help_print(ctl);
	else
		fprintf(ctl->out, "lbclusterctl %s\n", PACKAGE_VERSION);
	return CTL_OK;
}

static enum ctl_exit
command_run(struct ctl *ctl, char **words, int n)
{
	enum ctl_exit status = command_check(ctl, words, n);

	ctl->operands = words + 1;
	ctl->n_operands = n - 1;
	if (status == CTL_OK)
		status = path_operand(ctl);
	if (status == CTL_OK && ctl->command->open == CTL_OPEN_FIRST)
		status = ctl_open(ctl);
	return status == CTL_OK ? ctl->command->run(ctl) : status;
}

/* Replaces the standard output of --quiet. */
static enum ctl_exit
output_discard(struct ctl *ctl)
{
	FILE *null = fopen("/dev/null", "w");

	if (null == NULL)
		return ctl_failure(ctl, "/dev/null: %s", strerror(errno));
	ctl->out = null;
	return CTL_OK;
}

static enum ctl_exit
arguments_run(struct ctl *ctl, int argc, char **argv)
{
	enum ctl_exit status;
	int n;

	status = arguments_read(ctl, argc, argv, &n);
	if (status == CTL_OK && ctl->quiet)
		status = output_discard(ctl);
	if (status != CTL_OK)
		return status;
	if (ctl->help || ctl->version)
		return help_run(ctl, argv + 1, n);
	return command_run(ctl, argv + 1, n);
}

enum ctl_exit
ctl_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct ctl ctl = { .out = out, .err = err, .format = OUT_TABLE, .table = &ctl_tables };
	enum ctl_exit status;

	ctl.store_dir = store_dir_named(NULL);
	if (ctl.store_dir == NULL)
		ctl.store_dir = LBCLUSTER_STORE_DIR;
	status = arguments_run(&ctl, argc, argv);
	if (status == CTL_USAGE)
		usage_print(&ctl, err);
	reader_wait(&ctl);
	ctl_statistics_report(&ctl);
	store_close(ctl.store);
	output_flush(&ctl);
	if (ctl.out_errno != 0 || ferror(ctl.out)) {
		ctl_message(&ctl, "standard output: %s",
		    strerror(ctl.out_errno != 0 ? ctl.out_errno : EIO));
		if (status == CTL_OK)
			status = CTL_FAILURE;
	}
	if (ctl.out != out)
		fclose(ctl.out);
	if (ctl.command != NULL && ctl.command->run == cmd_status)
		return status == CTL_OK ? (enum ctl_exit)ctl.level : CTL_NO_STATUS;
	return status;
}
