/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command help, and usage. Both print the tables of commands and options.
 */
#include <ctype.h>
#include <stdio.h>

#include "ctl/arguments.h"
#include "ctl/ctl.h"

static bool
is_own_option(const struct ctl_option *option, const struct command *command)
{
	return (option->flag & command->flags) != 0;
}

/* Prints the options of a command as " [-lnP] [-c NAME]": first the letters of options without
 * an argument, then the others. */
static void
options_print(const struct ctl_table *table, const struct command *command, FILE *file)
{
	const char *begin = " [-", *end = "";

	for (size_t i = 0; i < table->n_options; i++) {
		const struct ctl_option *option = &table->options[i];

		if (!is_own_option(option, command) || option->argument != NULL ||
		    option->letter == 0)
			continue;
		fprintf(file, "%s%c", begin, option->letter);
		begin = "";
		end = "]";
	}
	fputs(end, file);
	for (size_t i = 0; i < table->n_options; i++) {
		const struct ctl_option *option = &table->options[i];
		const char *argument = option->argument != NULL ? option->argument : "";

		if (!is_own_option(option, command) ||
		    (option->argument == NULL && option->letter != 0))
			continue;
		if (option->letter != 0 && argument[0] != '[')
			fprintf(file, " [-%c %s]", option->letter, argument);
		else
			fprintf(file, " [--%s%s%s]", option->name,
			    argument[0] == '\0' || argument[0] == '[' ? "" : " ", argument);
	}
}

void
usage_print(const struct ctl *ctl, FILE *file)
{
	const struct command *command = ctl->command;

	if (command == NULL) {
		fputs("\"lbclusterctl help\" lists the commands\n", file);
		return;
	}
	fprintf(file, "usage: lbclusterctl %s", command->name);
	options_print(ctl->table, command, file);
	fprintf(file, "%s%s\n", command->operands[0] != '\0' ? " " : "", command->operands);
}

static void
option_print(FILE *file, const struct ctl_option *option)
{
	char name[64], letter[8] = "    ";
	const char *argument = option->argument != NULL ? option->argument : "";

	if (option->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	snprintf(name, sizeof(name), "--%s%s%s", option->name,
	    argument[0] == '\0' || argument[0] == '[' ? "" : " ", argument);
	fprintf(file, "  %s%-19s  %s\n", letter, name, option->help);
}

static void
command_help_print(const struct ctl *ctl)
{
	const struct command *command = ctl->command;

	usage_print(ctl, ctl->out);
	fprintf(ctl->out, "\n%c%s.\n\n", toupper((unsigned char)command->help[0]),
	    command->help + 1);
	for (size_t i = 0; i < ctl->table->n_options; i++) {
		if (is_own_option(&ctl->table->options[i], command))
			option_print(ctl->out, &ctl->table->options[i]);
	}
	fprintf(ctl->out, "%sExample:\n  lbclusterctl %s\n\nlbclusterctl(1) has more; "
	    "\"lbclusterctl help\" shows the common options.\n",
	    command->flags != 0 ? "\n" : "", command->example);
}

void
help_print(const struct ctl *ctl)
{
	const struct ctl_table *table = ctl->table;

	if (ctl->command != NULL) {
		command_help_print(ctl);
		return;
	}
	fputs("usage: lbclusterctl [-jq] [-s DIR] [-f table|json] COMMAND\n\nCommands:\n",
	    ctl->out);
	for (size_t i = 0; i < table->n_commands; i++)
		fprintf(ctl->out, "  %-17s  %s\n", table->commands[i].name,
		    table->commands[i].help);
	fputs("\"lbclusterctl help COMMAND\" shows the options of a command, and an example.\n"
	    "Commands and long options may be abbreviated.\n\n"
	    "PATH is cluster, cluster/service or cluster/service/server. status, job,\n"
	    "remove and commands that change settings also accept patterns: 'web/*/web-1'.\n\n"
	    "Options of all commands:\n", ctl->out);
	for (size_t i = 0; i < table->n_options; i++) {
		if (table->options[i].flag == 0)
			option_print(ctl->out, &table->options[i]);
	}
	fputs("\nExit status:\n", ctl->out);
	for (size_t i = 0; i < table->n_exits; i++)
		fprintf(ctl->out, "  %zu  %s\n", i, table->exits[i]);
	fputs("status: 0 all is well, 1 something is wrong, 2 a service is down, 3 an error\n",
	    ctl->out);
}

enum ctl_exit
cmd_help(struct ctl *ctl)
{
	struct ctl of = *ctl;

	of.command = NULL;
	if (ctl->n_operands > 0) {
		of.command = command_find(ctl->table, ctl->operands[0]);
		if (of.command == NULL)
			return command_refuse(ctl, ctl->operands[0]);
	}
	help_print(&of);
	return CTL_OK;
}
