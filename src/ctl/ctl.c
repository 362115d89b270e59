/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The program around the commands: the tables of commands, options and exit
 * statuses, from which the arguments are read and the usage is printed.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/names.h"
#include "util/lockers.h"

#ifdef LBCLUSTER_STORE_DIR
#define DEFAULT_STORE LBCLUSTER_STORE_DIR
#endif
#ifndef DEFAULT_STORE
#define DEFAULT_STORE "/var/lib/lbcluster"
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "(no version)"
#endif

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

enum { STORE_PATH_SIZE = 4096 };

static const struct command commands[] = {
	{ "list", "[PATH]", "clusters, services of a cluster, real services of a service",
	    ctl_list, 0, 1, CTL_RECURSIVE, STORE_READ },
	{ "info", "PATH", "what is set of a real service, a service or a cluster",
	    ctl_info, 1, 1, 0, STORE_READ },
	{ "statistics", "[PATH]", "what was measured of a real service, or of all below",
	    ctl_statistics, 0, 1, 0, STORE_READ },
	{ "enable", "PATH", "make a real service part of its service",
	    ctl_set, 1, 1, 0, STORE_WRITE },
	{ "disable", "PATH", "take a real service out of its service",
	    ctl_set, 1, 1, 0, STORE_WRITE },
	{ "enable-fallback", "PATH", "make a real service the fallback of its service",
	    ctl_set, 1, 1, 0, STORE_WRITE },
	{ "disable-fallback", "PATH", "make it the fallback no longer",
	    ctl_set, 1, 1, 0, STORE_WRITE },
	{ "set-weight", "PATH WEIGHT", "set the weight of a real service, 0 to 65535",
	    ctl_set, 2, 2, 0, STORE_WRITE },
	{ "job", "[ID]", "status of a job, or of all jobs",
	    ctl_job, 0, 1, 0, STORE_READ },
	{ "load", "FILE", "bring an inventory file into the store",
	    ctl_load, 1, 1, CTL_PRUNE | CTL_RESET | CTL_DRY_RUN, STORE_CREATE },
	{ "discover", "haproxy SOCKET", "write a running HAProxy as an inventory file",
	    ctl_discover, 2, 2,
	    CTL_CLUSTER | CTL_LOAD | CTL_DRY_RUN | CTL_CHANGE_PLANE, STORE_CREATE },
	{ "export", "[PATH]", "write the store as an inventory file",
	    ctl_export, 0, 1, 0, STORE_READ },
	{ "import-statistics", "FILE|-", "store what a collector measured, as JSON lines",
	    ctl_import, 1, 1, 0, STORE_WRITE },
	{ "oid", "PATH", "numeric OIDs of a row, and commands to read and set it",
	    ctl_oid, 1, 1, 0, STORE_READ },
	{ "remove", "PATH", "remove a row and all below it",
	    ctl_remove, 1, 1, 0, STORE_WRITE },
	{ "doctor", "", "what keeps lbcluster from working, and what repairs it",
	    ctl_doctor, 0, 0, CTL_AGENTX | CTL_SNMP | CTL_WRITE, STORE_READ },
};

/* 'flag' 0: an option of the program, not of a command. */
static const struct ctl_option {
	const char	*name;
	int		 letter;
	const char	*argument;
	unsigned int	 flag;
	const char	*help;
} options[] = {
	{ "store", 's', "DIR", 0,
	    "directory of the store, else $LBCLUSTER_STORE, else " DEFAULT_STORE },
	{ "format", 'f', "table|json", 0, "form of what is printed: table" },
	{ "help", 'h', NULL, 0, "print this" },
	{ "version", 'V', NULL, 0, "print the version" },
	{ "recursive", 'r', NULL, CTL_RECURSIVE, "list: all real services below" },
	{ "prune", 'p', NULL, CTL_PRUNE, "load: remove what the file does not name" },
	{ "reset", 'R', NULL, CTL_RESET,
	    "load: set weight, fallback and enabled as the file says, by jobs" },
	{ "dry-run", 'n', NULL, CTL_DRY_RUN, "load: show the difference, change nothing" },
	{ "cluster", 'c', "NAME", CTL_CLUSTER, "discover: name of the cluster, else haproxy" },
	{ "load", 'l', NULL, CTL_LOAD, "discover: bring it into the store at once" },
	{ "change-plane", 'P', NULL, CTL_CHANGE_PLANE,
	    "discover --load: also change the plane of a cluster that exists" },
	{ "agentx", 'x', "ADDRESS", CTL_AGENTX,
	    "doctor: AgentX master, a path or tcp:HOST:PORT, else as lbclusterd.conf has it" },
	{ "snmp", 'S', "ARGS", CTL_SNMP, "doctor: how to ask, else as snmp.conf says" },
	{ "write", 'w', NULL, CTL_WRITE, "doctor: try a SET that changes nothing" },
};

static const struct {
	enum ctl_exit	 status;
	const char	*help;
} exits[] = {
	{ CTL_OK, "done, or nothing to do" },
	{ CTL_FAILURE, "any other failure; doctor: something has FAILed" },
	{ CTL_USAGE, "wrong usage" },
	{ CTL_NOT_FOUND, "does not exist" },
	{ CTL_PRECOND, "precondition failed" },
	{ CTL_BUSY, "the store is busy" },
	{ CTL_REFUSED,
	    "the store cannot be used: missing, foreign, newer, corrupt, read-only, full" },
	{ CTL_UNSEEN, "doctor: nothing has FAILed, and some check could not be seen" },
};

/* Errors about a row or the store, once it is open. */
static const enum ctl_exit exit_of_error[] = {
	[ERR_OK] = CTL_OK,
	[ERR_NOMEM] = CTL_FAILURE,
	[ERR_INVALID] = CTL_FAILURE,
	[ERR_RANGE] = CTL_FAILURE,
	[ERR_NOT_FOUND] = CTL_NOT_FOUND,
	[ERR_PRECOND] = CTL_PRECOND,
	[ERR_LIMIT] = CTL_FAILURE,
	[ERR_BUSY] = CTL_BUSY,
	[ERR_READONLY] = CTL_REFUSED,
	[ERR_FULL] = CTL_REFUSED,
	[ERR_FOREIGN] = CTL_REFUSED,
	[ERR_NEWER] = CTL_REFUSED,
	[ERR_CORRUPT] = CTL_REFUSED,
	[ERR_GONE] = CTL_FAILURE,
	[ERR_DOUBT] = CTL_FAILURE,
	[ERR_IO] = CTL_REFUSED,
};

/* -- talk ------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 0)))
say(struct ctl *ctl, const char *fmt, va_list ap)
{
	fputs("lbclusterctl: ", ctl->err);
	vfprintf(ctl->err, fmt, ap);
	fputc('\n', ctl->err);
}

void
ctl_say(struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ctl, fmt, ap);
	va_end(ap);
}

enum ctl_exit
ctl_failure(struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ctl, fmt, ap);
	va_end(ap);
	return CTL_FAILURE;
}

/* "usage: lbclusterctl list [-r] [PATH]", with the options that the command takes. */
static void
usage_print(struct ctl *ctl)
{
	fprintf(ctl->err, "usage: lbclusterctl %s", ctl->command->name);
	for (size_t i = 0; i < ROWS(options); i++) {
		if ((options[i].flag & ctl->command->flags) == 0)
			continue;
		fprintf(ctl->err, " [-%c%s%s]", options[i].letter,
		    options[i].argument != NULL ? " " : "",
		    options[i].argument != NULL ? options[i].argument : "");
	}
	fprintf(ctl->err, "%s%s\n", ctl->command->operands[0] != '\0' ? " " : "",
	    ctl->command->operands);
}

enum ctl_exit
ctl_usage(struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ctl, fmt, ap);
	va_end(ap);
	if (ctl->command == NULL)
		fputs("try \"lbclusterctl --help\"\n", ctl->err);
	else
		usage_print(ctl);
	return CTL_USAGE;
}

const char *
ctl_without_path(const char *text, const struct path *path)
{
	char name[PATH_TEXT_SIZE];
	size_t length = strlen(path_text(path, name));

	return strncmp(text, name, length) == 0 && strncmp(text + length, ": ", 2) == 0 ?
	    text + length + 2 : text;
}

void
ctl_not_found_explain(struct ctl *ctl, const struct path *path, struct err *err)
{
	char text[PATH_TEXT_SIZE], hint[NAMES_TEXT_SIZE];
	enum path_depth depth = DEPTH_CLUSTER, deepest = path_depth(path);
	struct path part = { .cluster = "" };

	/* The store's text begins with the part of the path that is missing. */
	memcpy(part.cluster, path->cluster, sizeof(part.cluster));
	if (depth < deepest && ctl_without_path(err->text, &part) == err->text) {
		memcpy(part.service, path->service, sizeof(part.service));
		depth = DEPTH_SERVICE;
	}
	if (depth < deepest && ctl_without_path(err->text, &part) == err->text) {
		part = *path;
		depth = DEPTH_REAL;
	}
	err_set(err, ERR_NOT_FOUND, "%s: %s%s", path_text(&part, text), err_name(ERR_NOT_FOUND),
	    names_hint(ctl, &part, depth, hint));
}

/* Another program kept a lock until the wait was over: 'text' says on which file. */
static void
say_busy(struct ctl *ctl, const char *text)
{
	static const char *const files[] = { "lbcluster.db", "lbcluster-stats.db",
	    "lbcluster-stats.db-shm", "lbcluster-stats.db.lock" };
	char paths[ROWS(files)][STORE_PATH_SIZE], who[LOCKERS_TEXT_SIZE];
	const char *pointers[ROWS(files)];

	for (size_t i = 0; i < ROWS(files); i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", ctl->store_dir, files[i]);
		pointers[i] = paths[i];
	}
	if (lockers_text(pointers, ROWS(files), who)[0] != '\0')
		ctl_say(ctl, "%s; held by %s", text, who);
	else
		ctl_say(ctl, "%s; \"fuser %s/*\" shows who uses it", text, ctl->store_dir);
}

enum ctl_exit
ctl_error(struct ctl *ctl, const struct path *path, const struct err *err)
{
	char text[PATH_TEXT_SIZE];
	struct err why = *err;

	if (path != NULL && err->code == ERR_NOT_FOUND) {
		ctl_not_found_explain(ctl, path, &why);
		ctl_say(ctl, "%s", why.text);
	} else if (path != NULL && err->code == ERR_PRECOND) {
		ctl_say(ctl, "%s: %s: %s", path_text(path, text), err_name(err->code),
		    ctl_without_path(err->text, path));
	} else if (err->code == ERR_BUSY) {
		say_busy(ctl, err->text);
	} else {
		ctl_say(ctl, "%s", err->text);
	}
	return exit_of_error[err->code];
}

/* -- paths ------------------------------------------------------------------ */

enum path_depth
path_depth(const struct path *path)
{
	if (path->real[0] != '\0')
		return DEPTH_REAL;
	if (path->service[0] != '\0')
		return DEPTH_SERVICE;
	return path->cluster[0] != '\0' ? DEPTH_CLUSTER : DEPTH_NONE;
}

/* A path that ends too early: the message lists what is below, if the store can be read. */
static enum ctl_exit
path_too_short(struct ctl *ctl, const struct path *path)
{
	char text[NAMES_TEXT_SIZE];
	struct err err;

	if (store_open(ctl->store_dir, STORE_READ, CTL_LOOK_WAIT_MS, &ctl->store, &err) != ERR_OK)
		ctl->store = NULL;
	names_above(ctl, path, text);
	store_close(ctl->store);
	ctl->store = NULL;
	return ctl_usage(ctl, "%s", text);
}

enum ctl_exit
ctl_path(struct ctl *ctl, const char *text, enum path_depth least, struct path *ret)
{
	char whole[PATH_TEXT_SIZE + 1];
	size_t length = strlen(text);
	struct err err;

	/* Completion by a shell adds a slash. One too many is a mistake. */
	if (length > 1 && length < sizeof(whole) && text[length - 1] == '/' &&
	    text[length - 2] != '/') {
		memcpy(whole, text, length - 1);
		whole[length - 1] = '\0';
		text = whole;
	}
	if (path_parse(text, ret, &err) != ERR_OK)
		return ctl_usage(ctl, "%s", err.text);
	return path_depth(ret) < least ? path_too_short(ctl, ret) : CTL_OK;
}

enum { ACCOUNT_SIZE = 64 };

/* A name of the account database, or else the number. */
static const char *
account_text(const char *name, unsigned int number, char buf[ACCOUNT_SIZE])
{
	if (name != NULL)
		snprintf(buf, ACCOUNT_SIZE, "%s", name);
	else
		snprintf(buf, ACCOUNT_SIZE, "%u", number);
	return buf;
}

/* Says that the user is not in the group of the store. False where that is not the reason. */
static bool
say_not_permitted(struct ctl *ctl)
{
	int mode = ctl->command->mode == STORE_READ ? R_OK | X_OK : R_OK | W_OK | X_OK;
	char user[ACCOUNT_SIZE], group[ACCOUNT_SIZE];
	const struct passwd *passwd;
	const struct group *entry;
	struct stat st;

	if (eaccess(ctl->store_dir, mode) == 0 || errno != EACCES ||
	    stat(ctl->store_dir, &st) == -1)
		return false;
	if (!S_ISDIR(st.st_mode)) {
		ctl_say(ctl, "%s: is not a directory; give the directory of the store with -s",
		    ctl->store_dir);
		return true;
	}
	passwd = getpwuid(geteuid());
	account_text(passwd == NULL ? NULL : passwd->pw_name, geteuid(), user);
	entry = getgrgid(st.st_gid);
	account_text(entry == NULL ? NULL : entry->gr_name, st.st_gid, group);
	if ((st.st_mode & S_IRWXG) != S_IRWXG || st.st_gid == 0)
		ctl_say(ctl, "%s: %s; be root, or its owner", ctl->store_dir, strerror(EACCES));
	else
		ctl_say(ctl, "%s: %s: user %s is not in group %s; be root, or run "
		    "\"usermod -aG %s %s\" as root and log in again", ctl->store_dir,
		    strerror(EACCES), user, group, group, user);
	return true;
}

static void
left_out_report(void *arg, bool repaired, const char *text)
{
	(void)repaired;
	ctl_say(arg, "%s", text);
}

/* Names the rows that a damaged store has and this command will not show. What the search
 * cannot read the command itself cannot read either, and says so. */
static void
left_out_say(struct ctl *ctl)
{
	struct err err;

	if (store_left_out_find(ctl->store, &err) == ERR_OK)
		store_left_out_report(ctl->store, left_out_report, ctl);
}

enum ctl_exit
ctl_open(struct ctl *ctl)
{
	enum store_mode mode = ctl->command->mode;
	struct err err;

	/* A store is not made for a look. */
	if (mode == STORE_CREATE && (ctl->flags & CTL_DRY_RUN) != 0)
		mode = STORE_WRITE;
	if (store_open(ctl->store_dir, mode, CTL_STORE_WAIT_MS, &ctl->store, &err) == ERR_OK) {
		if (mode == STORE_READ)
			left_out_say(ctl);
		return CTL_OK;
	}
	if (err.code == ERR_BUSY) {
		say_busy(ctl, err.text);
		return CTL_BUSY;
	}
	if (err.code == ERR_NOT_FOUND)
		ctl_say(ctl, "%s; give the directory of the store with -s, or make a new one with "
		    "\"lbclusterctl load\"", err.text);
	else if (!say_not_permitted(ctl))
		ctl_say(ctl, "%s", err.text);
	return CTL_REFUSED;
}

/* Keeps the reason of the first failure: later calls change errno. */
static void
output_flush(struct ctl *ctl)
{
	if (fflush(ctl->out) != 0 && ctl->out_errno == 0)
		ctl->out_errno = errno;
}

/* A script that asks snmpd next is to see what this command did: waits for lbclusterd. */
static void
reader_wait(struct ctl *ctl)
{
	struct err err;

	if (ctl->store == NULL || ctl->command->mode == STORE_READ ||
	    (ctl->flags & CTL_DRY_RUN) != 0)
		return;
	output_flush(ctl);
	if (store_reader_wait(ctl->store, "lbclusterd", CTL_READER_WAIT_MS, &err) != ERR_OK)
		ctl_say(ctl, "lbclusterd: has not read the change within %d s, SNMP may still "
		    "show the old values; \"lbclusterctl doctor\" finds out why",
		    CTL_READER_WAIT_MS / 1000);
}

enum ctl_exit
ctl_open_path(struct ctl *ctl, const char *text, struct path *ret)
{
	enum ctl_exit status = CTL_OK;

	if (text != NULL)
		status = ctl_path(ctl, text, DEPTH_CLUSTER, ret);
	return status == CTL_OK ? ctl_open(ctl) : status;
}

/* -- the program ------------------------------------------------------------ */

static void
help(FILE *file)
{
	fputs("usage: lbclusterctl [-s DIR] [-f table|json] COMMAND\n\nCommands:\n", file);
	for (size_t i = 0; i < ROWS(commands); i++)
		fprintf(file, "  %-18s %-11s  %s\n", commands[i].name, commands[i].operands,
		    commands[i].help);
	fputs("PATH is cluster, cluster/service or cluster/service/server.\n\nOptions:\n", file);
	for (size_t i = 0; i < ROWS(options); i++)
		fprintf(file, "  -%c, --%-12s %-10s  %s\n", options[i].letter, options[i].name,
		    options[i].argument != NULL ? options[i].argument : "", options[i].help);
	fputs("\nExit status:\n", file);
	for (size_t i = 0; i < ROWS(exits); i++)
		fprintf(file, "  %d  %s\n", (int)exits[i].status, exits[i].help);
}

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < ROWS(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static const struct ctl_option *
option_find(int letter)
{
	for (size_t i = 0; i < ROWS(options); i++) {
		if (options[i].letter == letter)
			return &options[i];
	}
	return NULL;
}

/* What an option of the program does. *ret_done: there is nothing more to do. */
static enum ctl_exit
option_take(struct ctl *ctl, const struct ctl_option *option, const char *argument,
    bool *ret_done)
{
	switch (option->letter) {
	case 's':
		/* An unset variable of a script, and not the root directory. */
		if (argument[0] == '\0')
			return ctl_usage(ctl, "-s: the name of the directory is empty");
		ctl->store_dir = argument;
		break;
	case 'f':
		if (strcmp(argument, "table") != 0 && strcmp(argument, "json") != 0)
			return ctl_usage(ctl, "-f %s: is not a form; give table or json", argument);
		ctl->format = strcmp(argument, "json") == 0 ? OUT_JSON : OUT_TABLE;
		break;
	case 'c':
		ctl->cluster = argument;
		ctl->flags |= option->flag;
		break;
	case 'x':
		ctl->agentx = argument;
		ctl->flags |= option->flag;
		break;
	case 'S':
		ctl->snmp = argument;
		ctl->flags |= option->flag;
		break;
	case 'h':
		help(ctl->out);
		*ret_done = true;
		break;
	case 'V':
		fprintf(ctl->out, "lbclusterctl %s\n", PACKAGE_VERSION);
		*ret_done = true;
		break;
	default:
		ctl->flags |= option->flag;
	}
	return CTL_OK;
}

/* getopt(3) takes "-1" for an option. To a person it is a number, and no option is a digit. */
static bool
is_negative_number(const char *word)
{
	return word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

/* The tables that getopt_long(3) needs. */
static void
options_describe(struct option longs[ROWS(options) + 1], char shorts[2 * ROWS(options) + 3])
{
	size_t n = 0;

	memset(longs, 0, (ROWS(options) + 1) * sizeof(longs[0]));
	shorts[n++] = '-';	/* an operand is handed out as option 1, in its place */
	shorts[n++] = ':';
	for (size_t i = 0; i < ROWS(options); i++) {
		longs[i].name = options[i].name;
		longs[i].has_arg = options[i].argument != NULL;
		longs[i].val = options[i].letter;
		shorts[n++] = (char)options[i].letter;
		if (options[i].argument != NULL)
			shorts[n++] = ':';
	}
	shorts[n] = '\0';
}

/* Options may stand anywhere; "--" ends them. The operands are moved to the front of 'argv',
 * after the name of the program: *ret_n are there. */
static enum ctl_exit
options_read(struct ctl *ctl, int argc, char **argv, int *ret_n, bool *ret_done)
{
	struct option longs[ROWS(options) + 1];
	char shorts[2 * ROWS(options) + 3];
	enum ctl_exit status = CTL_OK;
	int letter, n = 1;

	options_describe(longs, shorts);
	optind = 0;	/* glibc: read from the start, with its own state made new */
	while (status == CTL_OK && !*ret_done) {
		const struct ctl_option *option;

		if (optind > 0 && optind < argc && is_negative_number(argv[optind])) {
			argv[n++] = argv[optind++];
			continue;
		}
		letter = getopt_long(argc, argv, shorts, longs, NULL);
		if (letter == -1)
			break;
		option = option_find(letter);
		if (letter == 1)
			argv[n++] = optarg;
		else if (letter == ':')
			status = ctl_usage(ctl, "%s: its argument is missing", argv[optind - 1]);
		else if (option == NULL)
			status = ctl_usage(ctl, "%s: is not an option", argv[optind - 1]);
		else
			status = option_take(ctl, option, optarg, ret_done);
	}
	while (optind < argc)
		argv[n++] = argv[optind++];
	*ret_n = n - 1;
	return status;
}

/* "; similar: list", or nothing. */
static const char *
command_hint(const char *name, char hint[NAMES_TEXT_SIZE])
{
	struct names names = { .wanted = name };
	size_t used = 0;

	for (size_t i = 0; i < ROWS(commands); i++)
		names_add(&names, commands[i].name);
	hint[0] = '\0';
	for (size_t i = 0; i < names.n_near; i++)
		used += (size_t)snprintf(hint + used, NAMES_TEXT_SIZE - used, "%s%s",
		    i == 0 ? "; similar: " : ", ", names.near[i]);
	return hint;
}

/* The command and what was given to it. */
static enum ctl_exit
command_check(struct ctl *ctl, char **words, int n)
{
	char hint[NAMES_TEXT_SIZE];

	if (n == 0)
		return ctl_usage(ctl, "a command is missing");
	ctl->command = command_find(words[0]);
	if (ctl->command == NULL)
		return ctl_usage(ctl, "%s: is not a command%s", words[0],
		    command_hint(words[0], hint));
	for (size_t i = 0; i < ROWS(options); i++) {
		if ((ctl->flags & options[i].flag & ~ctl->command->flags) != 0)
			return ctl_usage(ctl, "--%s: is not an option of %s", options[i].name,
			    ctl->command->name);
	}
	if (n - 1 < ctl->command->min)
		return ctl_usage(ctl, "%s: an operand is missing", ctl->command->name);
	if (n - 1 > ctl->command->max)
		return ctl_usage(ctl, "%s: is one operand too many", words[ctl->command->max + 1]);
	return CTL_OK;
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
		ctl.store_dir = DEFAULT_STORE;
	status = options_read(&ctl, argc, argv, &n, &done);
	if (status == CTL_OK && !done)
		status = command_check(&ctl, argv + 1, n);
	if (status == CTL_OK && !done)
		status = ctl.command->run(&ctl, argv + 2, n - 1);
	reader_wait(&ctl);
	store_close(ctl.store);
	output_flush(&ctl);
	if (ctl.out_errno != 0 || ferror(out)) {
		ctl_say(&ctl, "standard output: %s",
		    strerror(ctl.out_errno != 0 ? ctl.out_errno : EIO));
		if (status == CTL_OK)
			status = CTL_FAILURE;
	}
	return status;
}
