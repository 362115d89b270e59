/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The worker of one cluster does one round after the other:
 *
 *          +---------------------- interval, or a new job -----------------------------+
 *          v                                                                           |
 *        poll --> claim jobs, compare --differences--> commands --> second poll --> record
 *          |                  \------------ none ----------------------------------->--^
 *          +-- no answer --> jobs wait with the error; again after a growing delay
 *
 * A job changes the store, and a restart changes the data plane. Both make a difference, and the
 * same commands end it. Only the worker knows what happened to the data plane and the jobs, so it
 * logs that.
 */
#ifndef DRIVER_WORKER_H
#define DRIVER_WORKER_H

#include "driver/driver_config.h"
#include "driver/driver_tree.h"
#include "driver/plan.h"
#include "util/loop.h"

/* The files of the store. */
enum worker_file { WORKER_MAIN, WORKER_STATISTICS, WORKER_FILES };

/* What all workers of a driver share; the driver owns it. If a file of the store is locked, one
 * worker waits for it, and then no worker writes to it for 'rest_ms'. Otherwise a hundred clusters
 * would wait one after the other and block the loop. */
struct worker_shared {
	struct loop			*loop;
	struct store			*store;
	struct driver_tree		*tree;
	const struct driver_config	*config;
	const struct plane_kind_ops	*ops;
	const char			*title;		/* of the data plane, for people */
	struct health			*health;
	void				(*round_done)(void *arg, bool ok);
	void				*arg;
	int64_t				 rest_ms;
	int64_t				 rests_until_ms[WORKER_FILES];
};

/* Starts to serve a cluster, with a round at once. NULL: out of memory. */
struct worker *worker_new(struct worker_shared *shared, struct driver_cluster *cluster);

/* Not allowed in a callback of the worker. NULL is allowed. */
void worker_free(struct worker *worker);

/* The cluster has a new job: starts a round as soon as possible. */
void worker_wake(struct worker *worker);

#endif
