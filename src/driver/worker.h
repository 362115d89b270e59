/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The work on one cluster, round after round:
 *
 *          +------------------------ interval, or a new job ---------------------+
 *          v                                                                     |
 *        poll --> claim jobs, compare --differences--> commands --> poll again --> record
 *          |                  \--------------- none -------------------------->--^
 *          +--not reached--> jobs wait with the reason, again after a growing delay
 *
 * Repairing and carrying out are the same: a job changed what the store says, a
 * restart of the data plane changed what is. Never logs above debug but for what
 * happened to the data plane, which nobody above could tell.
 */
#ifndef DRIVER_WORKER_H
#define DRIVER_WORKER_H

#include "driver/driver_config.h"
#include "driver/driver_tree.h"
#include "driver/plan.h"
#include "util/loop.h"

/* What all works of a driver share; belongs to the driver. Where the store is locked one of
 * them waits for it, and then none for 'rest_ms': a hundred clusters that wait in turn would
 * leave the loop no time. */
struct worker_shared {
	struct loop			*loop;
	struct store			*store;
	struct driver_tree			*tree;
	const struct driver_config	*config;
	const struct plane_kind_ops	*ops;
	void				(*round_done)(void *arg, bool ok);
	void				*arg;
	int64_t				 rest_ms;	/* after the store was locked */
	int64_t				 rests_until_ms;
};

/* Begins to work on a cluster, with a round at once. NULL without memory. */
struct worker *worker_new(struct worker_shared *shared, struct driver_cluster *cluster);

/* At any time but from within a round. NULL is fine. */
void worker_free(struct worker *worker);

/* The cluster has a new job: a round as soon as may be. */
void worker_wake(struct worker *worker);

#endif
