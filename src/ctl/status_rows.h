/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rows of "lbclusterctl status": the tree of the cache, which derives status and sums for SNMP
 * too.
 */
#ifndef CTL_STATUS_ROWS_H
#define CTL_STATUS_ROWS_H

#include "cache/cache.h"
#include "ctl/path_hint.h"

/* What a row means to a person on call; the highest one is the exit status. */
enum status_level { LEVEL_WELL, LEVEL_WRONG, LEVEL_DOWN };

/* How a status is shown. */
enum status_look { LOOK_GOOD, LOOK_IDLE, LOOK_WARNING, LOOK_BAD, LOOK_UNKNOWN, LOOKS };

struct status_row {
	enum path_depth			 depth;
	const struct tree_row		*row;		/* one of the next three */
	const struct cache_cluster	*cluster;
	const struct cache_service	*service;	/* NULL for a cluster */
	const struct cache_real		*real;		/* NULL for a cluster or service */
	bool				 context;	/* only shown because of a row below it */
	const char			*status;	/* label of LBCLUSTER-MIB */
	enum status_look		 look;
	enum status_level		 level;
	const struct plane_view		*plane;		/* of the cluster */
	bool				 serves;	/* a real service gets new connections */
	bool				 in_reserve;	/* a fallback that may get them later */
	/* The weights of the real services of the service that get new connections. */
	uint64_t			 served_weight;
};

/* What is shown, and what was found. The caller sets the first members. */
struct status_view {
	struct cache			*cache;
	bool				 readable;	/* the statistics */
	int64_t				 now;
	const struct path		*patterns;	/* path_matches(); none: all rows */
	size_t				 n_patterns;
	bool				 problems;	/* only rows that are not LEVEL_WELL */
	/* Of the rows that the patterns select, after status_view_count(). */
	enum status_level		 level;
	size_t				 clusters, reals;
	size_t				 services[STATUS_UNKNOWN + 1];	/* by enum lb_status */
};

/* Calls fn(arg, row) for each row that is shown, a row before those below it, sorted by name
 * (strverscmp(3)), the fallback last. Ends when fn returns false. False without memory. */
bool status_view_each(struct status_view *view,
    bool (*fn)(void *arg, const struct status_row *row), void *arg);

/* Sets the counts. False without memory. */
bool status_view_count(struct status_view *view);

/* Returns the first pattern that no row matches, or NULL. */
const struct path *status_view_unmatched(struct status_view *view);

/* Returns the sums of a cluster or service; NULL for a real service. */
const struct cache_sums *status_row_sums(const struct status_row *row);

/* Returns a number of the row, or a sum of it. False if it was not measured. */
bool status_row_number(const struct status_row *row, enum stat_number which, uint64_t *ret);

/* True if the data plane of the row's cluster does not answer, or no driver polls it. The status of
 * a service is then that of the last poll, until its statistics are stale. The row of the cluster
 * is LEVEL_WRONG; if no pattern selects that row, the first selected rows below it are. */
bool status_row_is_unpolled(const struct status_row *row);

/* Returns the percentage of new connections that a real service gets by its weight: 0 if it gets
 * none, as while it is inactive. While the status is unknown, a fallback counts as in reserve and
 * any other real service as active. False for a real service that is disabled, for a fallback in
 * reserve, and for a weight above 0 while no real service of its service gets new connections. */
bool status_row_share(const struct status_row *row, unsigned int *ret);

#endif
