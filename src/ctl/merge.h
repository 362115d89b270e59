/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lays an inventory over what the store has: adds and updates what it names, with
 * 'prune' removes what it does not. Weight, fallback and enabled of a real service
 * that exists belong to those who operate it: they change only with 'reset', and
 * then as any other setting does, by the rules and with jobs.
 */
#ifndef CTL_MERGE_H
#define CTL_MERGE_H

#include "ctl/inventory.h"
#include "ctl/progress.h"
#include "model/rules.h"

/* One difference: '+', '-', or '~' with what changes. 'column' NULL: the row. */
struct merge_change {
	char			 sign;
	const struct path	*path;
	const char		*column, *from, *to;
};

/* Where a setting to change comes from. */
struct merge_setting {
	struct path	path;
	int		line;
};

struct merge {
	/* Filled by the caller. */
	struct store		*store;
	const struct inventory	*file;
	bool			 prune, reset;
	bool			 keep_plane;	/* of a cluster that exists: ERR_PRECOND */
	struct diagnostics	*diagnostics;	/* gets warnings */
	struct progress		*progress;
	struct err		*err;
	void			(*tell)(void *arg, const struct merge_change *change);
	void			*tell_arg;	/* 'tell' may be NULL */
	/* What came of it, in rows; jobs of settings. */
	size_t			 added, updated, removed, unchanged, jobs;
	/* Its own. */
	struct inventory	*stored;
	struct change		*changes;	/* settings, one of each */
	struct merge_setting	*settings;
	size_t			 n, room;
};

/* Does it, within store_begin(): the caller commits or rolls back. */
enum err_code merge_run(struct merge *merge);

/* Frees what is its own. */
void merge_done(struct merge *merge);

#endif
