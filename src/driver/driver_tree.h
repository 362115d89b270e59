/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The driver's tree of the store: clusters, services and real services, each with what the
 * driver itself knows of it, and which clusters have queued jobs. The driver reads statistics
 * only at its start. It writes them itself, and continues from the totals that were stored.
 */
#ifndef DRIVER_TREE_H
#define DRIVER_TREE_H

#include "driver/foreign.h"
#include "driver/health.h"
#include "driver/measure.h"
#include "tree/tree.h"

struct driver_real {
	struct tree_row		 row;
	/* The settings as stored, or as set by a job that the driver claimed since. */
	uint16_t		 weight;
	bool			 fallback, enabled;
	uint32_t		 stored[REAL_COLUMNS];	/* by enum real_column */
	struct measure		 measure;
	struct statistics	 written;	/* the latest row; last_update 0: none */
	struct foreign		 foreign[FOREIGN_REAL_SETTINGS];
	bool			 ours;		/* lbcluster set its state to drain or maint */
	enum plane_state	 wanted;
	size_t			 place;		/* its number in the targets of the round, from 1;
						 * 0: it was added since */
	const struct plane_server *server;	/* plan_bind(); NULL: not in the data plane */
	enum health_state	 health;	/* of its check, as of the round */
	const char		*health_message;	/* until the next round; NULL: none */
	uint16_t		 held_back;	/* of its weight, by the slow start */
	int64_t			 drain_since_ms;	/* 0: does not drain */
	bool			 awaits_check;		/* it is down until its checks pass */
	bool			 has_check;		/* model_params_check() */
	bool			 check_set;		/* health_set() has the row as it is */
	bool			 active_written, active;	/* the latest row of statistics */
};

struct driver_service {
	union {
		struct tree_row		row;
		struct tree_branch	branch;
	};
	enum protocol		 protocol;
	/* As those of a real service: its setting, and that of the targets of the round. */
	bool			 enabled, stored_enabled, target_enabled;
	bool			 has_check;	/* model_params_check() */
	bool			 awaits_check;	/* see plan.h */
	size_t			 place;		/* as that of a real service */
	const struct plane_service *found;	/* plan_bind(); NULL: nothing to report */
	const struct plane_service_counts *counted;	/* plan_bind(); NULL: nothing */
	struct measure		 measure;
	struct statistics	 written;	/* the latest row; last_update 0: none */
	char			 algorithm[STAT_ALGORITHM_MAX + 1];	/* of that row */
	struct foreign		 foreign;	/* of FOREIGN_SERVICE */
	/* Options of the service. */
	bool			 failed_drain;	/* on-failure = drain */
	int64_t			 drain_ms;	/* drain-time; 0: none is set */
};

struct driver_cluster {
	union {
		struct tree_row		row;
		struct tree_branch	branch;
	};
	bool			 of_kind;	/* its data plane is of the driver's kind */
	bool			 mine;		/* the driver serves it */
	bool			 checked;	/* a service or real service has a check */
	bool			 has_status;	/* a driver has recorded a status of its plane */
	bool			 round_due;	/* a job is new, or a check has a new result */
	size_t			 repairs;	/* settings that were restored */
	/* The settings that the latest repair restored, and its time on both clocks. */
	size_t			 repaired;
	int64_t			 repaired_ms, repaired_s;
	struct worker		*worker;
	uint64_t		 earlier_pid;	/* as in the last poll */
	bool			 earlier_unseen;
	const char		*fallback_problem;	/* as in the last poll */
};

struct driver_tree {
	struct row_tree		 tree;		/* is the first member for struct tree_ops */
	const char		*kind;		/* of data planes */
	bool			 only_checked;	/* serves no cluster without checks */
	void			(*on_detach)(struct driver_cluster *cluster);
	struct health		*health;	/* loses the rows that are deleted; may be NULL */
	bool			 resumed;	/* the statistics were read */
	uint32_t		 changes;	/* of rows, so far */
	uint32_t		 statistics_lost;	/* how often their file was replaced */
	uint32_t		 stale_after_s;	/* of lbclusterd */
};

static inline struct driver_service *
driver_service_of(const struct driver_real *real)
{
	return (struct driver_service *)(void *)real->row.parent;
}

static inline struct driver_cluster *
driver_cluster_of(const struct driver_real *real)
{
	return (struct driver_cluster *)(void *)real->row.parent->row.parent;
}

/* True if both the real service and its service are enabled. */
static inline bool
driver_real_enabled(const struct driver_real *real)
{
	return real->enabled && driver_service_of(real)->enabled;
}

/* 'on_detach' frees cluster->worker, which may be NULL, and sets it to NULL. The tree calls it
 * when a cluster is deleted, its kind or parameters change, or all rows are read again. */
void driver_tree_init(struct driver_tree *tree, const char *kind,
    void (*on_detach)(struct driver_cluster *cluster));
void driver_tree_done(struct driver_tree *tree);

/* Reads all changes. Returns the errors of store_changes(), and ERR_BUSY if all rows have to be
 * read a second time; the tree is complete otherwise. */
enum err_code driver_tree_refresh(struct driver_tree *tree, struct store *store,
    struct err *err);

/* Returns the real service with this id, or NULL. */
struct driver_real *driver_real_find(const struct driver_tree *tree, uint32_t id);

/* Returns the number of real services of a cluster. */
uint32_t driver_cluster_reals(const struct driver_cluster *cluster);

/* Returns the services and real services of a cluster, to be freed, and sets the place of each.
 * 'drain_ms' is for services without a drain time of their own. Without 'texts' the texts are
 * NULL. NULL without memory. */
struct plane_target *driver_cluster_targets(struct driver_cluster *cluster, int64_t drain_ms,
    bool texts, size_t *ret_n);

/* Returns the cluster as the data plane gets it. */
struct plane_cluster driver_cluster_plane(const struct driver_cluster *cluster,
    const struct store *store);

/* Returns the weight that the data plane should have now. */
static inline uint32_t
driver_real_weight_now(const struct driver_real *real)
{
	return (uint32_t)(real->weight - real->held_back);
}

/* Return and set the setting in a column of a real service. */
uint32_t driver_real_value(const struct driver_real *real, enum real_column column);
void driver_real_value_set(struct driver_real *real, enum real_column column, uint32_t value);

#endif
