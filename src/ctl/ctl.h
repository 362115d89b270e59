/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What all commands of lbclusterctl share: messages, paths, the store, exit statuses.
 * A command prints data to 'out' and messages to 'err'. No command judges a change:
 * the store does, by the same rules as for SNMP.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdio.h>
#include <sys/types.h>

#include "ctl/out.h"
#include "ctl/path_hint.h"
#include "model/model.h"
#include "store/store.h"
#include "util/err.h"
#include "util/memory.h"

/* Scripts may rely on these values: lbclusterctl(1), EXIT STATUS. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILURE = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3,
	CTL_PRECOND = 4,
	CTL_BUSY = 5,
	CTL_REFUSED = 6,
	CTL_UNKNOWN = 7,	/* doctor and diff only */
	/* status only, which exits with 0, 1 or 2 for what it shows: any error. Monitoring plugins
	 * have the same numbers. */
	CTL_NO_STATUS = 3,
	CTL_JOB_OPEN = 8,	/* settings are stored; a job has not ended, */
	CTL_JOB_FAILED = 9,	/* or has ended and has not succeeded */
};

/* Options of single commands, as bits: struct command has the bits of its options. */
enum {
	CTL_SERVICES = 1 << 30,
	CTL_RECURSIVE = 1 << 0,
	CTL_PRUNE = 1 << 1,
	CTL_RESET = 1 << 2,
	CTL_DRY_RUN = 1 << 3,
	CTL_CLUSTER = 1 << 4,
	CTL_LOAD = 1 << 5,
	CTL_AGENTX = 1 << 6,
	CTL_SNMP = 1 << 7,
	CTL_WRITE = 1 << 8,
	CTL_CHANGE_PLANE = 1 << 9,
	CTL_PRUNE_DISCOVERED = 1 << 10,
	CTL_COMPARE_SETTINGS = 1 << 11,
	CTL_PROBLEMS = 1 << 12,
	CTL_WATCH = 1 << 13,
	CTL_OUTPUT = 1 << 14,
	CTL_NO_WAIT = 1 << 15,
	CTL_TIMEOUT = 1 << 16,
	CTL_YES = 1 << 17,
	CTL_JOBS_OPEN = 1 << 18,
	CTL_JOBS_FAILED = 1 << 19,
	CTL_SINCE = 1 << 20,
	CTL_OPTIONS = 31,	/* bits at most */
};

enum {
	CTL_STORE_WAIT_MS = 5000,	/* limit of a wait for another process's lock, */
	CTL_HINT_WAIT_MS = 250,		/* the same to complete a message, */
	CTL_READER_WAIT_MS = 1000,	/* and for lbclusterd to read a change */
	CTL_JOBS_WAIT_S = 60,		/* for the ends of jobs, without --timeout */
};

struct ctl {
	FILE			*out;
	int			 out_errno;	/* of the first failed flush of 'out', or 0 */
	FILE			*err;
	const char		*store_dir;
	enum out_format		 format;
	bool			 quiet;		/* 'out' is /dev/null */
	bool			 help, version;	/* to print in place of the command */
	unsigned int		 flags;
	const char		*arguments[CTL_OPTIONS];	/* ctl_argument() returns one */
	const struct ctl_table	*table;
	const struct command	*command;	/* NULL: the arguments name none */
	char			**operands;
	int			 n_operands;
	int			 level;		/* exit status of status without an error */
	const struct path	*path;		/* the operand PATH; NULL: all rows */
	struct path		 path_given;
	struct store		*store;
	struct err		 error;		/* of the call that ended the command */
};

/* When ctl_main() opens the store. */
enum ctl_open { CTL_OPEN_FIRST, CTL_OPEN_LATER };

enum { CTL_MANY = 1 << 20 };	/* operands, for 'max' */

/* A command. arguments.c reads the command line by it, cmd_help.c prints it, cmd_complete.c
 * completes it, and scripts/lint-commands compares it with lbclusterctl(1). */
struct command {
	const char	*name;
	/* As usage shows them. cmd_complete.c knows the names in capital letters. */
	const char	*operands;
	const char	*help;		/* one line, of at most 58 characters */
	const char	*example;	/* arguments for a shell */
	enum ctl_exit	(*run)(struct ctl *ctl);
	int		 min, max;	/* number of operands */
	/* Least depth of the first operand; NONE: not a path, or the command reads its operands. */
	enum path_depth	 path;
	enum ctl_open	 open;
	enum store_mode	 mode;
	unsigned int	 flags;		/* options that the command has */
};

/* An option of all commands, or of those that have its flag. */
struct ctl_option {
	const char	*name;
	int		 letter;	/* 0: none */
	/* As usage shows it; NULL: none. "[=all]": only after the long option, may be omitted. */
	const char	*argument;
	unsigned int	 flag;		/* 0: an option of all commands */
	const char	*help;
};

struct ctl_table {
	const struct command	*commands;
	size_t			 n_commands;
	const struct ctl_option	*options;
	size_t			 n_options;
	const char *const	*exits;		/* what each exit status means, from 0 on */
	size_t			 n_exits;
};

extern const struct ctl_table ctl_tables;

/* Runs lbclusterctl with its arguments. */
enum ctl_exit ctl_main(int argc, char **argv, FILE *out, FILE *err);

/* Returns the argument of the option with this flag; NULL if there is none. */
const char *ctl_argument(const struct ctl *ctl, unsigned int flag);

/* Returns the standard error for a progress line; NULL with --quiet or if it is not a terminal. */
FILE *ctl_terminal(const struct ctl *ctl);

/* Prints "lbclusterctl: MESSAGE" to 'err'. */
void ctl_message(struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Print a message and return CTL_FAILURE, or CTL_USAGE, for which ctl_main() prints the usage. */
#define ctl_failure(ctl, ...) (ctl_message(ctl, __VA_ARGS__), CTL_FAILURE)
#define ctl_usage(ctl, ...) (ctl_message(ctl, __VA_ARGS__), CTL_USAGE)

/* Replaces the message of ERR_NOT_FOUND for 'path' by one that also names what exists. */
void ctl_not_found_explain(struct ctl *ctl, const struct path *path, struct err *err);

/* Returns the text of an error without the path that it begins with. */
const char *ctl_without_path(const char *text, const struct path *path);

/* Returns the exit status of 'code', which a command ends with, and prints the message of
 * ctl->error. If ctl->error is of another code, a callback returned 'code' without a message,
 * and the name of the code is printed. */
enum ctl_exit ctl_finish(struct ctl *ctl, enum err_code code);

/* Parses a path that may end with a slash, as completion by a shell adds one. ERR_INVALID: 'text'
 * is not a path. */
enum err_code ctl_path_parse(const char *text, struct path *ret, struct err *err);

/* Parses a path as ctl_path_parse() does. Each of its names may be a pattern of fnmatch(3). */
enum err_code ctl_pattern_parse(const char *text, struct path *ret, struct err *err);

/* Returns ERR_NOT_FOUND, with a message in ctl->error: no row has a path of 'pattern', or the row
 * that its first names give does not exist. */
enum err_code ctl_pattern_not_found(struct ctl *ctl, const struct path *pattern);

/* What a command does with rows. */
struct ctl_rows {
	enum err_code	(*cluster)(void *arg, const struct cluster_row *row);
	enum err_code	(*service)(void *arg, const struct path *path,
			    const struct service_row *row);
	enum err_code	(*real)(void *arg, const struct store_real_view *view);
	const size_t	*n;	/* how many rows the functions have counted */
};

/* Calls the functions for the rows that a path or a pattern names and, unless 'named_only', for the
 * rows below them. ERR_NOT_FOUND with a message in ctl->error: there are none. */
enum err_code ctl_rows_each(struct ctl *ctl, const struct path *path, bool named_only,
    const struct ctl_rows *rows, void *arg);

/* Reports a path that ends above rows of depth 'least'; names the rows below it, if the store can
 * be read. Returns CTL_USAGE. For use before ctl_open(). */
enum ctl_exit ctl_path_too_short(struct ctl *ctl, const struct path *path, enum path_depth least);

/* Opens the store in the mode of the command; ctl_main() closes it. Prints why it failed. */
enum ctl_exit ctl_open(struct ctl *ctl);
/* Prints why a command that reads does not use the statistics, once. */
void ctl_statistics_report(struct ctl *ctl);

/* Return the name of a user or a group, or its number if it has no name; in 'buf'. */
enum { CTL_NAME_SIZE = 64 };
const char *ctl_user(uid_t uid, char buf[CTL_NAME_SIZE]);
const char *ctl_group(gid_t gid, char buf[CTL_NAME_SIZE]);

/* Returns the user who runs lbclusterctl, for the jobs that it makes: "alice (uid 1000)", with
 * sudo(8) "root (uid 0), sudo of alice (uid 1000)"; in 'buf'. */
enum { CTL_ORIGIN_SIZE = 2 * CTL_NAME_SIZE + 64 };
const char *ctl_origin(char buf[CTL_ORIGIN_SIZE]);

/* Formats the state of a job, with the cause of a failure: "failed: rejected". Returns 'buf'. */
enum { CTL_JOB_STATUS_SIZE = 64 };
const char *ctl_job_status(const struct job_row *row, char buf[CTL_JOB_STATUS_SIZE]);

/* Prints jobs by their ids, with the keys of job.status() of the API. Jobs that ended and that the
 * store removed because of job-max-rows are counted in a message. */
enum ctl_exit ctl_jobs_print(struct ctl *ctl, const uint32_t *ids, size_t n, enum out_shape shape);

/* Waits until the jobs have ended, 'timeout_s' at most, and no longer for jobs whose cluster no
 * driver polls. Prints which jobs failed or are open. Returns CTL_OK, CTL_JOB_OPEN,
 * CTL_JOB_FAILED, or the status of an error of the store. */
enum ctl_exit ctl_jobs_wait(struct ctl *ctl, const uint32_t *ids, size_t n, int64_t timeout_s);

/* -- the commands, rows of ctl_table.c ------------------------------------------------------- */

enum ctl_exit cmd_status(struct ctl *ctl);
enum ctl_exit cmd_list(struct ctl *ctl);
enum ctl_exit cmd_info(struct ctl *ctl);
enum ctl_exit cmd_statistics(struct ctl *ctl);
enum ctl_exit cmd_set(struct ctl *ctl);
enum ctl_exit cmd_job(struct ctl *ctl);
enum ctl_exit cmd_history(struct ctl *ctl);
enum ctl_exit cmd_load(struct ctl *ctl);
enum ctl_exit cmd_export(struct ctl *ctl);
enum ctl_exit cmd_import(struct ctl *ctl);
enum ctl_exit cmd_oid(struct ctl *ctl);
enum ctl_exit cmd_remove(struct ctl *ctl);
enum ctl_exit cmd_discover(struct ctl *ctl);
enum ctl_exit cmd_diff(struct ctl *ctl);
enum ctl_exit cmd_doctor(struct ctl *ctl);
enum ctl_exit cmd_store(struct ctl *ctl);
enum ctl_exit cmd_complete(struct ctl *ctl);
enum ctl_exit cmd_help(struct ctl *ctl);

/* Prints the usage of ctl->command, or how to list the commands if it is NULL. */
void usage_print(const struct ctl *ctl, FILE *file);
/* Prints the help of ctl->command, or of lbclusterctl if it is NULL. */
void help_print(const struct ctl *ctl);

/* Does what "load" does with an inventory of discover; 'name' is for its messages. The plane of
 * a cluster that exists changes only with CTL_CHANGE_PLANE. */
struct inventory;
enum ctl_exit cmd_load_inventory(struct ctl *ctl, struct inventory *inventory, const char *name);

#endif
