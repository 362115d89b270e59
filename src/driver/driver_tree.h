/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the store says, in memory, as a driver needs it: the clusters of its kind of
 * data plane with their services and real services, and which of them have work
 * waiting. Kept fresh by what changed. Statistics are read once, at the start: the driver
 * itself writes them, and goes on from what it wrote before it was restarted.
 */
#ifndef DRIVER_TREE_H
#define DRIVER_TREE_H

#include <sys/queue.h>

#include "driver/foreign.h"
#include "driver/measure.h"
#include "store/store.h"
#include "util/idmap.h"

enum { DRIVER_COLUMNS = REAL_WEIGHT + 1 };

struct driver_real {
	LIST_ENTRY(driver_real)	 entry;
	struct driver_service	*service;
	uint32_t		 id;
	char			 name[MODEL_NAME_MAX + 1];
	/* As the driver works by it: 'stored', or what a job that it claimed since asks for. */
	uint16_t		 weight;
	bool			 fallback, enabled;
	uint32_t		 stored[DRIVER_COLUMNS];
	char			*reason;	/* as the store has it */
	char			*address, *port;	/* as the store has them */
	/* The driver's own. */
	struct measure		 measure;
	struct foreign		 foreign[FOREIGN_SETTINGS];
	bool			 ours;		/* lbcluster ordered the drain or maint it has */
	enum plane_state	 wanted;
	bool			 reserve;	/* a fallback that lbcluster brings in */
	enum real_role		 role;
	int64_t			 drain_since_ms;	/* 0: does not drain */
	bool			 awaits_check;		/* it is down until its checks pass */
};

struct driver_service {
	LIST_ENTRY(driver_service)	 entry;
	struct driver_cluster		*cluster;
	uint32_t			 id;
	char				 name[MODEL_NAME_MAX + 1];
	LIST_HEAD(, driver_real)	 reals;
	bool				 awaits_check;	/* the driver's own: plan.h */
};

struct driver_cluster {
	LIST_ENTRY(driver_cluster)	 entry;
	uint32_t			 id;
	char				 name[MODEL_NAME_MAX + 1];
	char				*params;
	bool				 mine;		/* of the driver's kind */
	bool				 jobs_queued;	/* a new job is queued */
	uint32_t			 reals;
	size_t				 repairs;	/* settings that were restored */
	LIST_HEAD(, driver_service)	 services;
	struct worker			*worker;		/* the driver's own */
	uint64_t			 earlier_pid;	/* as in the last look */
	bool				 earlier_unseen;
};

LIST_HEAD(driver_clusters, driver_cluster);

struct driver_tree {
	const char		*kind;
	/* A cluster goes, or its kind or parameters change: the driver is to let go of
	 * cluster->worker, which is NULL then. */
	void			(*on_detach)(struct driver_cluster *cluster);
	struct driver_clusters	 clusters;
	struct idmap		 by_id[STORE_REAL + 1];	/* enum store_kind */
	struct store_cursor	 cursor;
	bool			 resumed;	/* the statistics were read */
};

void driver_tree_init(struct driver_tree *tree, const char *kind,
    void (*on_detach)(struct driver_cluster *cluster));
void driver_tree_done(struct driver_tree *tree);

/* Reads all that changed. Afterwards the tree is whole, unless it returns an
 * error of store_changes(), or ERR_BUSY because the store was replaced meanwhile. */
enum err_code driver_tree_refresh(struct driver_tree *tree, struct store *store, struct err *err);

/* NULL if there is none. */
struct driver_real *driver_real_find(const struct driver_tree *tree, uint32_t id);

/* The value of the column that a job is for, and another one for it. */
uint32_t driver_real_value(const struct driver_real *real, enum job_operation operation);
void driver_real_value_set(struct driver_real *real, enum job_operation operation, uint32_t value);

#endif
