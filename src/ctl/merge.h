/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Merges an inventory into the store: adds and updates the rows that the inventory names and,
 * with 'prune', removes others. Weight, fallback and enabled of a real service that exists
 * belong to its operators. They change only with 'reset', by the rules and with jobs, as any
 * other setting.
 */
#ifndef CTL_MERGE_H
#define CTL_MERGE_H

#include "ctl/inventory.h"
#include "ctl/progress.h"
#include "model/rules.h"

/* One difference: '+' and '-' for a row, '~' for a column of a row. */
struct merge_change {
	char			 sign;
	const struct path	*path;
	const char		*column, *from, *to;	/* NULL for a row */
};

/* A setting, and where it comes from. */
struct merge_setting {
	struct change	change;
	struct path	path;
	int		line;
};

/* Which rows that the inventory does not name are removed: none, those in the clusters that it
 * names, or all. */
enum merge_prune { MERGE_PRUNE_NONE, MERGE_PRUNE_NAMED, MERGE_PRUNE_ALL };

struct merge {
	/* Filled by the caller. */
	struct store		*store;
	const struct inventory	*file;
	enum merge_prune	 prune;
	bool			 reset;
	bool			 keep_plane;	/* another plane of a cluster is ERR_PRECOND */
	struct diagnostics	*diagnostics;	/* gets warnings */
	struct progress		*progress;
	struct err		*err;
	void			(*report)(void *arg, const struct merge_change *change);
	void			*report_arg;	/* 'report' may be NULL */
	/* Results: numbers of rows, and of jobs for settings. */
	size_t			 added, updated, removed, unchanged, jobs;
	size_t			 clusters_kept;	/* by MERGE_PRUNE_NAMED */
	/* Private. */
	struct inventory	*stored;
	struct merge_setting	*settings;
	size_t			 n, n_room;
};

/* Merges all but the settings of real services that exist, within a transaction. The caller
 * commits or rolls back. */
enum err_code merge_run(struct merge *merge);
/* Sets the settings that 'reset' changes, after merge_run(): they are judged by the rows that the
 * store has now. */
enum err_code merge_settings_apply(struct merge *merge);

/* Frees the private members. */
void merge_done(struct merge *merge);

#endif
