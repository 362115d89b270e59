/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command line tool: what every command needs. A command is a row of a
 * table; it gets its operands, prints data to 'out' and talk to 'err', and
 * returns the exit status. Nothing here judges a change: the store does, by the
 * same rules as for SNMP.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include "ctl/out.h"
#include "model/model.h"
#include "store/store.h"
#include "util/err.h"

/* A script may rely on these: lbclusterctl(1), EXIT STATUS. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILURE = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3,
	CTL_PRECOND = 4,
	CTL_BUSY = 5,
	CTL_REFUSED = 6,
	CTL_UNSEEN = 7,		/* doctor alone */
};

/* Options of single commands. */
enum {
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
};

enum {
	CTL_STORE_WAIT_MS = 5000,	/* longest wait for another process's lock, */
	CTL_LOOK_WAIT_MS = 250,		/* where the answer is only for a message, */
	CTL_READER_WAIT_MS = 1000,	/* and for lbclusterd to read a change */
};

struct ctl {
	FILE			*out;
	int			 out_errno;	/* of the first flush of 'out' that failed, or 0 */
	FILE			*err;
	const char		*store_dir;
	enum out_format		 format;
	unsigned int		 flags;
	const char		*cluster;	/* of CTL_CLUSTER */
	const char		*agentx;	/* of CTL_AGENTX */
	const char		*snmp;		/* of CTL_SNMP */
	const struct command	*command;
	struct store		*store;
};

struct command {
	const char	*name;
	const char	*operands;	/* as usage shows them */
	const char	*help;
	enum ctl_exit	(*run)(struct ctl *ctl, char **operands, int n);
	int		 min, max;	/* how many operands */
	unsigned int	 flags;		/* options it takes */
	enum store_mode	 mode;		/* what it does to the store */
};

/* Runs the program with its arguments. */
enum ctl_exit ctl_main(int argc, char **argv, FILE *out, FILE *err);

/* "lbclusterctl: text" on 'err'. */
void ctl_say(struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says it and returns CTL_FAILURE, or CTL_USAGE. */
enum ctl_exit ctl_failure(struct ctl *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
enum ctl_exit ctl_usage(struct ctl *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes of an error of the store, ERR_NOT_FOUND for a part of 'path', one that also says what
 * exists instead. */
void ctl_not_found_explain(struct ctl *ctl, const struct path *path, struct err *err);

/* The text of an error without the path that it begins with. */
const char *ctl_without_path(const char *text, const struct path *path);

/* Says what went wrong with the store or a row of it, and returns the exit status
 * of err->code. 'path' may be NULL. */
enum ctl_exit ctl_error(struct ctl *ctl, const struct path *path, const struct err *err);

/* A name for a SET, at random and not 0. */
uint64_t ctl_token(void);

/* How deep a path goes. */
enum path_depth { DEPTH_NONE, DEPTH_CLUSTER, DEPTH_SERVICE, DEPTH_REAL };

enum path_depth path_depth(const struct path *path);

/* The path of an operand, with or without a slash at its end. CTL_USAGE with a message if it
 * is not a path, or ends above 'least'; that message lists what is below. */
enum ctl_exit ctl_path(struct ctl *ctl, const char *text, enum path_depth least,
    struct path *ret);

/* Opens the store as the command needs it, once the operands are seen to be right;
 * ctl_main() closes it. */
enum ctl_exit ctl_open(struct ctl *ctl);

/* Both, for an operand that may name any row; NULL names none, and *ret is not set. */
enum ctl_exit ctl_open_path(struct ctl *ctl, const char *text, struct path *ret);

/* The commands. */
enum ctl_exit ctl_list(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_info(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_statistics(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_set(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_job(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_load(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_export(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_import(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_oid(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_remove(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_discover(struct ctl *ctl, char **operands, int n);
enum ctl_exit ctl_doctor(struct ctl *ctl, char **operands, int n);

/* What "load" does, with an inventory in memory; 'name' is for its diagnostics. The plane of a
 * cluster that exists is changed only with CTL_CHANGE_PLANE. */
struct inventory;
enum ctl_exit ctl_load_inventory(struct ctl *ctl, struct inventory *inventory,
    const char *name);

/* Prints a job as job.status() of the API tells it. */
enum ctl_exit ctl_job_print(struct ctl *ctl, uint32_t id);

#endif
