/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterd's copy of the store in memory, which answers all GETs: the tree of rows, their
 * statistics, jobs, derived status and sums. cache_refresh() reads a limited number of rows;
 * between two calls every row is complete. Other rooms read these structs and never write
 * them.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "model/model.h"
#include "model/status.h"
#include "tree/tree.h"

/* Statistics of a real service or service. */
struct cache_statistics {
	uint32_t	 present;	/* as in struct statistics */
	bool		 active;
	uint8_t		 role;		/* enum real_role */
	int64_t		 last_update;
	int64_t		 counters_since;
	uint8_t		*numbers;	/* those that are present, see cache_number() */
};

/* Returns a number of statistics; 0 if it is absent. A number other than a counter or a bit rate
 * stops at UINT32_MAX, as a Gauge32 does. */
uint64_t cache_number(const struct cache_statistics *statistics, enum stat_number which);

/* Sums of the statistics of many rows. A number that a row lacks adds nothing. */
struct cache_sums {
	struct status_tally	tally;
	uint32_t		stale;		/* enabled rows without fresh statistics */
	uint64_t		weight;		/* of enabled rows that are not fallback */
	uint64_t		number[STAT_TOTAL_CONNECTIONS];
	int64_t			oldest_update;	/* of the enabled rows; 0 if one has none */
	bool			any_enabled;
	bool			checked;	/* a service or real service has a check */
	uint32_t		present;	/* numbers of any row, bits of statistics.present */
};

/* Real services by 'server_id'. Only src/cache uses it. */
struct cache_servers {
	struct tree_list	list;
	uint32_t		sorted;		/* the first ones are sorted */
};

struct cache_cluster {
	union {
		struct tree_row		row;
		struct tree_branch	branch;
	};
	enum plane_status	 plane_status;	/* as the driver recorded it */
	struct driver_poll	 poll;		/* the driver's latest; time 0: none is known */
	int64_t			 poll_seen_ms;	/* clock_steady_ms() when lbclusterd read it */
	int64_t			 poll_age_s;	/* its age at that time */
	struct cache_sums	 sums;
	enum lb_status		 status;
	int64_t			 status_last_change;
	uint32_t		 services_up;
	bool			 changed;	/* sums and status must be derived again */
	bool			 derived;	/* they were derived before */
	bool			 has_deleted_reals;	/* some rows of these lists are deleted */
	struct cache_servers	 servers;	/* the real services of all services, by server */
	struct tree_names	 real_names;	/* the same by name */
};

/* What a data plane counts for a service itself. */
struct cache_counted {
	struct cache_statistics	 statistics;
	char			 algorithm[STAT_ALGORITHM_MAX + 1];	/* "" if unknown */
};

struct cache_service {
	union {
		struct tree_row		row;
		struct tree_branch	branch;
	};
	enum protocol		 protocol;
	bool			 enabled;
	bool			 stored_enabled;	/* of the store's row */
	bool			 has_check;	/* model_params_check() */
	uint32_t		 pending_jobs;
	int64_t			 touched;	/* when 'enabled' changed or its job ended */
	struct cache_sums	 sums;
	struct cache_counted	*counted;	/* NULL: the data plane counts nothing for it */
	enum lb_status		 status;
	int64_t			 status_last_change;
	int64_t			 stale_at;	/* when the next row gets stale; 0: no row will */
	uint32_t		 fallback_id;	/* 0 if none */
	uint32_t		 fallback_uses;
	bool			 on_fallback;
	bool			 has_pending;	/* a real service has pending events */
	bool			 changed;
	bool			 derived;
};

struct cache_real {
	struct tree_row		 row;
	uint16_t		 weight;
	bool			 fallback;
	bool			 enabled;
	bool			 was_kept_out;	/* by settings that have changed since */
	bool			 has_check;	/* model_params_check() */
	uint8_t			 pending;	/* events not reported yet, see cache_private.h */
	uint32_t		 last_job;
	uint32_t		 pending_jobs;
	uint32_t		 active_transitions;
	uint32_t		 settings_before;	/* of the pending event */
	uint32_t		 stored : 24;	/* cache_settings_key() of the store's row */
	uint32_t		 freshness : 8;	/* as last derived; 0: never derived */
	uint32_t		 server_id;	/* number of its name in the cluster; 0: none */
	int64_t			 last_change;
	int64_t			 active_last_change;
	struct cache_statistics	 statistics;
	/* lbcRealStatsDowntime: until the current downtime; when that began, in seconds of
	 * clock_steady_ms(), 0 if the real service is not down. */
	uint32_t		 downtime_s, down_since_s;
};

struct cache_job {
	struct tree_row		 row;		/* its name is that of the cluster */
	struct job_row		 columns;	/* the texts are in row.name */
	bool			 ahead;		/* released here, still held in the store */
	bool			 counted;	/* in cache.changes_ahead */
};

/* The kinds of changes, by the numbers of the notifications of the MIB. */
enum cache_event_kind {
	EVENT_ACTIVE = 1,	/* a real service; values: active, enum oper_status */
	EVENT_CONFIG,		/* a real service; values: enabled, fallback, weight, last job */
	EVENT_SERVICE,		/* a service; values: enum lb_status, on fallback, active rows,
				 * enabled rows */
	EVENT_JOB_END,		/* a job; it does not change any more */
	EVENT_STALE,		/* the first of many real services; value: how many are stale */
	EVENT_FRESH,
};

enum { EVENT_KINDS = EVENT_FRESH, EVENT_VALUES = 4 };

/* A change, with the values at its time. */
struct cache_event {
	enum cache_event_kind	kind;
	uint32_t		id;		/* of the real service, the service or the job */
	uint32_t		before, after;	/* keys of what changed; equal: no change */
	uint32_t		values[EVENT_VALUES];
	int64_t			time;		/* statistics.last_update */
};

struct cache {
	struct row_tree		tree;		/* is the first member for struct tree_ops */
	struct tree_list	jobs;
	struct store_totals	totals;		/* as of the last refresh */
	uint32_t		stale_after_s;	/* older statistics are stale */
	uint32_t		reals_stale;	/* enabled ones without fresh statistics */
	uint32_t		jobs_active;	/* unfinished jobs */
	/* Only for src/cache. */
	int64_t			now;		/* of the latest refresh or tick */
	uint32_t		jobs_ahead;	/* jobs with 'ahead' */
	uint32_t		changes_ahead;	/* changes that these jobs make */
	uint32_t		config_changes;	/* as the store counts them */
	bool			silent;		/* changes are not reported now */
	void			(*event_fn)(void *arg, const struct cache_event *event);
	void			*event_arg;
	uint32_t		went_stale, went_fresh;	/* id of the first one, or 0 */
};

static inline struct cache_service *
cache_service_of(const struct cache_real *real)
{
	return (struct cache_service *)(void *)real->row.parent;
}

static inline struct cache_cluster *
cache_cluster_of(const struct cache_service *service)
{
	return (struct cache_cluster *)(void *)service->row.parent;
}

/* A server is the real services of one name in the services of a cluster; the one with the lowest
 * id stands for it. Returns the first server whose number is at least 'least', or NULL. */
struct cache_real *cache_server_first(struct cache_cluster *cluster, uint64_t least);
/* Returns the real services of server 'id' by id, valid until the next change of the cache. */
struct cache_real *const *cache_server_reals(struct cache_cluster *cluster, uint32_t id,
    uint32_t *ret_n);
/* Returns the counts of the real services of the server of 'first'. *ret_conns: the sum of their
 * active connections; *ret_measured: one of them at least has a number of active connections. */
struct status_tally cache_server_tally(const struct cache *cache, const struct cache_real *first,
    int64_t now, uint64_t *ret_conns, bool *ret_measured);

/* Returns an empty cache; NULL if out of memory. */
struct cache *cache_new(void);
void cache_free(struct cache *cache);

/* Sets the age after which statistics are stale, in 1..86400 seconds. */
void cache_stale_after_set(struct cache *cache, uint32_t seconds, int64_t now);

/* Reads at most 'limit' changed rows of the store. *ret_more: call again. 'now' is
 * clock_wall_s(). Status and sums are derived once a full read was complete (tree.loaded). The
 * errors are those of store_changes(); rows that came before an error remain. */
enum err_code cache_refresh(struct cache *cache, struct store *store, size_t limit,
    int64_t now, bool *ret_more, struct err *err);

/* Reports from now on each change of a refresh, a release or a tick with fn(arg, event), when
 * all rows are complete. A full read and cache_stale_after_set() report no change. NULL ends
 * the reports. */
void cache_events_set(struct cache *cache,
    void (*fn)(void *arg, const struct cache_event *event), void *arg);

/* Shows the result of a released SET at once, as the store will have it after its next write.
 * SET 'set' made the held jobs first..first+n-1. */
void cache_set_release(struct cache *cache, const struct store_set *set, uint32_t first,
    size_t n, int64_t now);

/* Marks the services whose statistics became stale. 'now' is clock_wall_s(). Call it about once a
 * second. */
void cache_tick(struct cache *cache, int64_t now);

/* Returns lbcClusterPlaneStatus and lbcClusterPlaneMessage. 'readable': the statistics file
 * can be read. */
void cache_plane_view(const struct cache_cluster *cluster, bool readable, int64_t now,
    struct plane_view *ret);
/* Returns lbcClusterPlaneStatus alone, without the cost of a message. */
enum plane_status cache_plane_status(const struct cache_cluster *cluster, bool readable,
    int64_t now);

/* True if 'job' is open and no driver polls its cluster. ret_view then has the cluster's view, with
 * the message that names the driver. 'readable' and 'now' are as for cache_plane_view(). */
bool cache_job_unattended(const struct cache *cache, const struct cache_job *job, bool readable,
    int64_t now, struct plane_view *ret_view);

/* Returns lbcRealStatsDowntime. */
uint32_t cache_real_downtime(const struct cache_real *real);

/* Returns lbcRealStatsFreshness. */
enum freshness cache_real_freshness(const struct cache *cache, const struct cache_real *real,
    int64_t now);
/* Returns lbcRealOperStatus. */
enum oper_status cache_real_status(const struct cache *cache, const struct cache_real *real,
    int64_t now);
/* Returns lbcRealOperStatusReason: the data plane's reason, or that of lbclusterd if it has none.
 * The text is valid until the next cache_refresh(). */
const char *cache_real_reason(const struct cache *cache, const struct cache_real *real,
    int64_t now);
/* Returns a message about what lbcServiceStatus does not show: each real service, or each one
 * except the fallback, is disabled; or every active member has weight 0, see status_drained().
 * Otherwise "". */
const char *cache_service_reason(const struct cache_service *service);

#endif
