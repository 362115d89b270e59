/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The program lbclusterctl: tables of commands, options and exit statuses. They serve both to
 * read the arguments and to print the usage.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "ctl/ctl.h"

/* Rows: name, operands, help, function, least and most operands, depth of PATH, open, mode,
 * options. */
static const struct command commands[] = {
	{ "list", "[PATH]", "list clusters, services of a cluster, real services of a service",
	    cmd_list, 0, 1, DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, CTL_RECURSIVE },
	{ "info", "PATH", "show the settings of a cluster, service or real service",
	    cmd_info, 1, 1, DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "statistics", "[PATH]", "show the statistics of a real service, or of all below PATH",
	    cmd_statistics, 0, 1, DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "enable", "PATH", "enable a real service, a service, or a server everywhere",
	    cmd_set, 1, 1, DEPTH_SERVICE, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "disable", "PATH", "disable a real service, a service, or a server everywhere",
	    cmd_set, 1, 1, DEPTH_SERVICE, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "enable-fallback", "PATH", "make a real service the fallback of its service",
	    cmd_set, 1, 1, DEPTH_REAL, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "disable-fallback", "PATH", "make a real service no longer the fallback",
	    cmd_set, 1, 1, DEPTH_REAL, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "set-weight", "PATH WEIGHT", "set the weight of a real service, 0 to 65535",
	    cmd_set, 2, 2, DEPTH_REAL, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "job", "[ID]", "show the status of a job, or of all jobs",
	    cmd_job, 0, 1, DEPTH_NONE, CTL_OPEN_LATER, STORE_READ, 0 },
	{ "load", "FILE|-", "load an inventory file into the store",
	    cmd_load, 1, 1, DEPTH_NONE, CTL_OPEN_LATER, STORE_CREATE,
	    CTL_PRUNE | CTL_RESET | CTL_DRY_RUN },
	{ "discover", "SOURCE [FILE]",
	    "write an inventory file of haproxy SOCKET, ipvs or ldirectord FILE",
	    cmd_discover, 1, 2, DEPTH_NONE, CTL_OPEN_LATER, STORE_CREATE,
	    CTL_CLUSTER | CTL_LOAD | CTL_DRY_RUN | CTL_CHANGE_PLANE },
	{ "export", "[PATH]", "write an inventory file of the store",
	    cmd_export, 0, 1, DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "import-statistics", "FILE|-", "store statistics of a collector, JSON lines",
	    cmd_import, 1, 1, DEPTH_NONE, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "oid", "PATH", "show the OIDs of a row, and commands to read and set it",
	    cmd_oid, 1, 1, DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "remove", "PATH", "remove a row and all rows below it",
	    cmd_remove, 1, 1, DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_WRITE, 0 },
	{ "doctor", "", "check the installation, and show how to repair it",
	    cmd_doctor, 0, 0, DEPTH_NONE, CTL_OPEN_LATER, STORE_READ,
	    CTL_AGENTX | CTL_SNMP | CTL_WRITE },
};

/* 'flag' is 0 for an option of lbclusterctl itself. Two commands may use a letter for different
 * options. */
static const struct ctl_option {
	const char	*name;
	int		 letter;
	const char	*argument;
	unsigned int	 flag;
	const char	*help;
} options[] = {
	{ "store", 's', "DIR", 0,
	    "directory of the store; default: $LBCLUSTER_STORE, or " LBCLUSTER_STORE_DIR },
	{ "format", 'f', "table|json", 0, "output format; default: table" },
	{ "help", 'h', NULL, 0, "print this help" },
	{ "version", 'V', NULL, 0, "print the version" },
	{ "recursive", 'r', NULL, CTL_RECURSIVE, "list: all real services below PATH" },
	{ "prune", 'p', NULL, CTL_PRUNE, "load: remove rows that the file does not name" },
	{ "reset", 'R', NULL, CTL_RESET,
	    "load: set weight, fallback and enabled to the values of the file, by jobs" },
	{ "dry-run", 'n', NULL, CTL_DRY_RUN, "load: show the differences, change nothing" },
	{ "cluster", 'c', "NAME", CTL_CLUSTER,
	    "discover: name of the cluster; default: haproxy or ipvs" },
	{ "load", 'l', NULL, CTL_LOAD, "discover: load the inventory into the store" },
	{ "change-plane", 'P', NULL, CTL_CHANGE_PLANE,
	    "discover --load: also change the plane of an existing cluster" },
	{ "agentx", 'x', "ADDRESS", CTL_AGENTX,
	    "doctor: AgentX master, a path or tcp:HOST:PORT; default: that of lbclusterd.conf" },
	{ "snmp", 'S', "ARGS", CTL_SNMP,
	    "doctor: arguments of snmpget; default: those of snmp.conf" },
	{ "write", 'w', NULL, CTL_WRITE, "doctor: try a SET that changes nothing" },
};

static const struct {
	enum ctl_exit	 status;
	const char	*help;
} exits[] = {
	{ CTL_OK, "done, or nothing to do" },
	{ CTL_FAILURE, "any other failure; doctor: a check says FAIL" },
	{ CTL_USAGE, "wrong usage" },
	{ CTL_NOT_FOUND, "does not exist" },
	{ CTL_PRECOND, "precondition failed" },
	{ CTL_BUSY, "the store is busy" },
	{ CTL_REFUSED,
	    "the store cannot be used: missing, foreign, newer, damaged, read-only, full" },
	{ CTL_UNKNOWN, "doctor: no check says FAIL, and a check could not be made" },
};

/* Values of getopt_long(3): LONG and the row for a long option, its letter for a short one. */
enum { LONG = 1 << 8 };

/* -- usage ------------------------------------------------------------------ */

static void
help_print(FILE *file)
{
	fputs("usage: lbclusterctl [-s DIR] [-f table|json] COMMAND\n\nCommands:\n", file);
	for (size_t i = 0; i < ROWS(commands); i++)
		fprintf(file, "  %-18s %-11s  %s\n", commands[i].name, commands[i].operands,
		    commands[i].help);
	fputs("PATH is cluster, cluster/service or cluster/service/server; for enable and disable\n"
	    "also cluster/*/server, the server in all services of the cluster.\n\nOptions:\n",
	    file);
	for (size_t i = 0; i < ROWS(options); i++)
		fprintf(file, "  -%c, --%-12s %-10s  %s\n", options[i].letter, options[i].name,
		    options[i].argument != NULL ? options[i].argument : "", options[i].help);
	fputs("\nExit status:\n", file);
	for (size_t i = 0; i < ROWS(exits); i++)
		fprintf(file, "  %d  %s\n", (int)exits[i].status, exits[i].help);
}

/* Prints "usage: lbclusterctl list [-r] [PATH]", with the options of the command. */
static void
usage_print(const struct ctl *ctl)
{
	const struct command *command = ctl->command;

	if (command == NULL) {
		fputs("try \"lbclusterctl --help\"\n", ctl->err);
		return;
	}
	fprintf(ctl->err, "usage: lbclusterctl %s", command->name);
	for (size_t i = 0; i < ROWS(options); i++) {
		if ((options[i].flag & command->flags) != 0)
			fprintf(ctl->err, " [-%c%s%s]", options[i].letter,
			    options[i].argument != NULL ? " " : "",
			    options[i].argument != NULL ? options[i].argument : "");
	}
	fprintf(ctl->err, "%s%s\n", command->operands[0] != '\0' ? " " : "", command->operands);
}

/* -- options ---------------------------------------------------------------- */

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < ROWS(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static bool
option_is_of(const struct ctl_option *option, const struct command *command)
{
	return option->flag == 0 || (command != NULL && (option->flag & command->flags) != 0);
}

/* Returns the option that a letter is for this command. Commands use a letter for different
 * options; a letter that the command does not have is that of the first row. 'letter' may also be
 * the value of a long option, LONG and its row. */
static const struct ctl_option *
option_find(const struct command *command, int letter)
{
	const struct ctl_option *found = NULL;

	if (letter >= LONG)
		return &options[letter - LONG];
	for (size_t i = 0; i < ROWS(options); i++) {
		if (options[i].letter == letter && option_is_of(&options[i], command))
			return &options[i];
		if (options[i].letter == letter && found == NULL)
			found = &options[i];
	}
	return found;
}

/* Returns the command of a command line whose options are not read yet, because they depend on it:
 * the first word that is the name of a command. */
static const struct command *
command_expected(int argc, char **argv)
{
	const struct command *command = NULL;
	const struct ctl_option *option;

	for (int i = 1; i < argc && command == NULL; i++) {
		if (argv[i][0] != '-')
			command = command_find(argv[i]);
		else if ((option = option_find(NULL, argv[i][1])) != NULL && option->flag == 0 &&
		    option->argument != NULL && argv[i][2] == '\0')
			i++;	/* the argument of -s or -f may be a name of a command */
	}
	return command;
}

/* Applies an option. 'argument' is "" for an option without one. *ret_done: the program has
 * nothing more to do. */
static enum ctl_exit
option_apply(struct ctl *ctl, const struct ctl_option *option, const char *argument, bool *ret_done)
{
	/* An unset variable of a script is an empty argument; no option accepts one. */
	if (option->argument != NULL && argument[0] == '\0')
		return ctl_usage(ctl, "-%c: the argument is empty; give %s", option->letter,
		    option->argument);
	ctl->flags |= option->flag;
	switch (option->letter) {
	case 's':
		ctl->store_dir = argument;
		break;
	case 'f':
		if (strcmp(argument, "json") != 0 && strcmp(argument, "table") != 0)
			return ctl_usage(ctl, "-f: unknown format %s; give table or json",
			    argument);
		ctl->format = argument[0] == 'j' ? OUT_JSON : OUT_TABLE;
		break;
	case 'c':
		ctl->cluster = argument;
		break;
	case 'x':
		ctl->agentx = argument;
		break;
	case 'S':
		ctl->snmp = argument;
		break;
	case 'h':
		help_print(ctl->out);
		*ret_done = true;
		break;
	case 'V':
		fprintf(ctl->out, "lbclusterctl %s\n", PACKAGE_VERSION);
		*ret_done = true;
		break;
	default:
		break;
	}
	return CTL_OK;
}

/* Reports an option that does not exist, that lacks its argument, or that got an argument and
 * accepts none. 'word' is the word of the command line with the option: "-ab", "--long=x".
 * 'letter' is the value of the option, 0 for an unknown long option. */
static enum ctl_exit
option_refuse(struct ctl *ctl, const char *word, int letter)
{
	const struct ctl_option *option = option_find(ctl->command, letter);
	char text[] = { '-', (char)letter, '\0' };

	if (word[0] != '-' || word[1] != '-')
		word = text;
	if (option == NULL)
		return ctl_usage(ctl, "%s: is not an option", word);
	if (ctl->command != NULL && !option_is_of(option, ctl->command))
		return ctl_usage(ctl, "%s: is not an option of %s", word, ctl->command->name);
	if (option->argument == NULL)
		return ctl_usage(ctl, "%s: --%s accepts no argument", word, option->name);
	return ctl_usage(ctl, "%s: its argument %s is missing", word, option->argument);
}

/* getopt(3) would read "-1" as an option; no option of lbclusterctl is a digit. */
static bool
is_negative_number(const char *word)
{
	return word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

/* Fills the tables that getopt_long(3) needs. A short option accepts an argument if the option that
 * the command has for the letter does. */
static void
options_describe(const struct command *command, struct option longs[ROWS(options) + 1],
    char shorts[2 * ROWS(options) + 3])
{
	size_t n = 0;

	memset(longs, 0, (ROWS(options) + 1) * sizeof(longs[0]));
	shorts[n++] = '-';	/* returns operands in their place, as option 1 */
	shorts[n++] = ':';
	for (size_t i = 0; i < ROWS(options); i++) {
		longs[i].name = options[i].name;
		longs[i].has_arg = options[i].argument != NULL;
		longs[i].val = LONG + (int)i;
		if (option_find(command, options[i].letter) != &options[i])
			continue;
		shorts[n++] = (char)options[i].letter;
		if (options[i].argument != NULL)
			shorts[n++] = ':';
	}
	shorts[n] = '\0';
}

/* Reads options, which may be anywhere before "--". Moves the *ret_n operands to the front of
 * 'argv', after the name of the program. */
static enum ctl_exit
options_read(struct ctl *ctl, int argc, char **argv, int *ret_n, bool *ret_done)
{
	struct option longs[ROWS(options) + 1];
	char shorts[2 * ROWS(options) + 3];
	enum ctl_exit status = CTL_OK;
	int letter, n = 1;

	ctl->command = command_expected(argc, argv);
	options_describe(ctl->command, longs, shorts);
	optind = 0;	/* glibc: starts again, with a new state */
	while (status == CTL_OK && !*ret_done) {
		const struct ctl_option *option;
		int at = optind > 0 ? optind : 1;	/* of the word; "-ab" has two options */

		if (optind > 0 && optind < argc && is_negative_number(argv[optind])) {
			argv[n++] = argv[optind++];
			continue;
		}
		letter = getopt_long(argc, argv, shorts, longs, NULL);
		if (letter == -1)
			break;
		option = option_find(ctl->command, letter);
		if (letter == 1)
			argv[n++] = optarg;
		else if (option == NULL)
			status = option_refuse(ctl, argv[at], optopt);
		else
			status = option_apply(ctl, option, optarg == NULL ? "" : optarg, ret_done);
	}
	while (optind < argc)
		argv[n++] = argv[optind++];
	*ret_n = n - 1;
	return status;
}

/* -- operands --------------------------------------------------------------- */

static enum ctl_exit
command_unknown(struct ctl *ctl, const char *name)
{
	struct names names = { .wanted = name };
	char hint[NAMES_TEXT_SIZE];

	for (size_t i = 0; i < ROWS(commands); i++)
		names_add(&names, commands[i].name);
	return ctl_usage(ctl, "%s: is not a command%s", name, names_similar(&names, NULL, hint));
}

/* Finds the command in words[0], and checks its options and the number of its operands. */
static enum ctl_exit
command_check(struct ctl *ctl, char **words, int n)
{
	const struct command *command;

	ctl->command = NULL;
	if (n == 0)
		return ctl_usage(ctl, "a command is missing");
	command = ctl->command = command_find(words[0]);
	if (command == NULL)
		return command_unknown(ctl, words[0]);
	for (size_t i = 0; i < ROWS(options); i++) {
		if ((ctl->flags & options[i].flag & ~command->flags) != 0)
			return ctl_usage(ctl, "--%s: is not an option of %s", options[i].name,
			    command->name);
	}
	if (n - 1 < command->min)
		return ctl_usage(ctl, "%s: an operand is missing", command->name);
	if (n - 1 > command->max)
		return ctl_usage(ctl, "%s: is one operand too many", words[command->max + 1]);
	for (int i = 1; i < n; i++) {
		if (words[i][0] == '\0')
			return ctl_usage(ctl, "%s: operand %d of %d is empty", command->name, i,
			    n - 1);
	}
	if (ctl->format == OUT_JSON && (ctl->flags & (CTL_LOAD | CTL_DRY_RUN)) == 0 &&
	    (command->run == cmd_export || command->run == cmd_discover))
		return ctl_usage(ctl, "-f json: %s writes an inventory file; \"lbclusterctl -f "
		    "json list -r\" writes JSON", command->name);
	return CTL_OK;
}

/* Reports a path that ends above the rows of the command. Lists the rows below it, if the store can
 * be read. */
static enum ctl_exit
path_too_short(struct ctl *ctl, const struct path *path)
{
	char text[NAMES_TEXT_SIZE];

	if (store_open(ctl->store_dir, STORE_READ, CTL_HINT_WAIT_MS, &ctl->store,
	    &ctl->error) != ERR_OK)
		ctl->store = NULL;
	names_above(ctl->store, path, ctl->command->path, text);
	store_close(ctl->store);
	ctl->store = NULL;
	return ctl_usage(ctl, "%s", text);
}

static enum ctl_exit
path_operand(struct ctl *ctl)
{
	enum err_code (*parse)(const char *text, struct path *ret, struct err *err);

	if (ctl->command->path == DEPTH_NONE || ctl->n_operands == 0)
		return CTL_OK;
	parse = ctl->command->path == DEPTH_SERVICE ? ctl_server_path_parse : ctl_path_parse;
	if (parse(ctl->operands[0], &ctl->path_given, &ctl->error) != ERR_OK)
		return ctl_usage(ctl, "%s", ctl->error.text);
	if (path_depth(&ctl->path_given) < ctl->command->path)
		return path_too_short(ctl, &ctl->path_given);
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

enum ctl_exit
ctl_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct ctl ctl = { .out = out, .err = err, .format = OUT_TABLE };
	enum ctl_exit status;
	bool done = false;
	int n = 0;

	ctl.store_dir = store_dir_named(NULL);
	if (ctl.store_dir == NULL)
		ctl.store_dir = LBCLUSTER_STORE_DIR;
	status = options_read(&ctl, argc, argv, &n, &done);
	if (status == CTL_OK && !done)
		status = command_run(&ctl, argv + 1, n);
	if (status == CTL_USAGE)
		usage_print(&ctl);
	reader_wait(&ctl);
	ctl_statistics_report(&ctl);
	store_close(ctl.store);
	output_flush(&ctl);
	if (ctl.out_errno != 0 || ferror(out)) {
		ctl_message(&ctl, "standard output: %s",
		    strerror(ctl.out_errno != 0 ? ctl.out_errno : EIO));
		if (status == CTL_OK)
			status = CTL_FAILURE;
	}
	return status;
}
