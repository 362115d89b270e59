/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The picture of the store in memory, from which all reads are answered: rows in
 * the order of their index, names beside them, statistics, derived status and
 * sums. It follows the store in slices; between two slices every row is whole.
 * Only this room writes it; others read its structures.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "tree/tree_list.h"
#include "model/model.h"
#include "model/status.h"
#include "store/store.h"

/* Sums over statistics: what is present is added. */
struct cache_sums {
	struct status_tally	tally;
	uint32_t		stale;		/* enabled rows without fresh statistics */
	uint64_t		weight;		/* over enabled ones that are not fallback */
	uint64_t		number[STAT_TOTAL_CONNECTIONS];
	int64_t			oldest_update;	/* among enabled ones; 0 if one has none */
	bool			any_enabled;
	uint32_t		present;	/* what any row has, bits of statistics.present */
};

struct cache_cluster {
	struct tree_row		 row;
	const char		*plane;		/* into node.texts */
	const char		*plane_message;
	enum plane_status	 plane_status;	/* as the driver recorded it */
	struct driver_poll	 look;		/* the driver's latest, time 0: none is known */
	int64_t			 look_seen_ms;	/* clock_steady_ms() when it was read */
	int64_t			 look_age_s;	/* and how old it was then */
	struct tree_list	 services;
	struct tree_names	 service_names;
	struct cache_sums	 sums;
	enum lb_status		 status;
	int64_t			 status_last_change;
	uint32_t		 services_up;
	bool			 dirty;		/* sums are to be made again */
	bool			 derived;	/* status was known before */
};

struct cache_service {
	struct tree_row		 row;
	struct cache_cluster	*cluster;
	const char		*address;	/* into node.texts */
	const char		*port;
	enum protocol		 protocol;
	struct tree_list	 reals;
	struct tree_names	 real_names;
	struct cache_sums	 sums;
	enum lb_status		 status;
	int64_t			 status_last_change;
	int64_t			 stale_at;	/* when the next row gets stale; 0: none will */
	uint32_t		 fallback_id;	/* 0 if none */
	uint32_t		 fallback_uses;
	bool			 on_fallback;
	bool			 news;		/* some row below has any */
	bool			 mourning;	/* some of its rows are dead */
	bool			 dirty;
	bool			 derived;
};

struct cache_real {
	struct tree_row		 row;
	struct cache_service	*service;
	uint16_t		 address_at;	/* offsets in node.texts */
	uint16_t		 port_at;
	uint16_t		 reason_at;
	uint16_t		 weight;
	bool			 fallback;
	bool			 enabled;
	bool			 was_held;	/* settings kept it from work, and changed */
	uint8_t			 news;		/* not told yet, see inside.h */
	uint32_t		 last_job;
	uint32_t		 pending_jobs;
	uint32_t		 active_transitions;
	uint32_t		 settings_before;	/* for NEWS_CONFIG */
	uint32_t		 stored : 24;		/* settings of the store's row, as a key */
	uint32_t		 freshness : 8;		/* as last derived; 0: never was */
	int64_t			 last_change;
	int64_t			 active_last_change;
	struct statistics	 statistics;
};

struct cache_job {
	struct tree_row		 row;		/* its "name" is the cluster's */
	struct job_row		 columns;		/* texts point into node.texts */
	bool			 ahead;		/* released; the store has it as held yet */
	bool			 counted;	/* in changes_ahead */
};

/* What managers are told of, by the numbers of the notifications. */
enum cache_event_kind {
	EVENT_ACTIVE = 1,	/* of a real service: values active, enum oper_status */
	EVENT_CONFIG,		/* enabled, fallback, weight, last job */
	EVENT_SERVICE,		/* enum lb_status, on fallback, active and enabled rows */
	EVENT_JOB_END,		/* none: what ended changes no more */
	EVENT_STALE,		/* of the first real service of many: how many are not current */
	EVENT_FRESH,
};

enum { EVENT_KINDS = EVENT_FRESH, EVENT_VALUES = 4 };

/* A change, with the values of its time. */
struct cache_event {
	enum cache_event_kind	kind;
	uint32_t		id;		/* of the real service, the service or the job */
	uint32_t		before, after;	/* what changed; nothing did if they are equal */
	uint32_t		values[EVENT_VALUES];
	int64_t			time;		/* statistics.last_update */
};

struct cache;

/* NULL without memory. */
struct cache *cache_new(void);
void cache_free(struct cache *cache);

/* Age in seconds after which statistics are stale, 1..86400. */
void cache_stale_after_set(struct cache *cache, uint32_t seconds, int64_t now);
uint32_t cache_stale_after(const struct cache *cache);

/* Takes in at most 'limit' changed rows. *ret_more: call again. The first load, and
 * one after the store's file was replaced, becomes visible when it is complete as
 * far as rows were not there before. 'now' is clock_wall_s(). The errors are those
 * of store_changes(); the cache stays what it was. */
enum err_code cache_refresh(struct cache *cache, struct store *store, size_t limit,
    int64_t now, bool *ret_more, struct err *err);

/* Calls fn(arg, event) from now on for each change that cache_refresh(), cache_tick()
 * or cache_set_release() takes in, when all rows are whole again. Not for what is
 * merely found: at a load, or by another idea of what is stale. NULL ends it. */
void cache_events_set(struct cache *cache,
    void (*fn)(void *arg, const struct cache_event *event), void *arg);

/* True while the last cache_refresh() has left something for the next one. */
bool cache_behind(const struct cache *cache);

/* Changes whenever a cluster, service or real service comes or goes: positions in
 * the lists are good as long as it stays. */
uint64_t cache_version(const struct cache *cache);

/* True once a load was complete. */
bool cache_loaded(const struct cache *cache);

/* SET 'set' is released, which made the held jobs first..first+n-1: they and what they change
 * show at once as the store will have them after its next write. */
void cache_set_release(struct cache *cache, const struct store_set *set, uint32_t first,
    size_t n, int64_t now);

/* Time goes by: statistics get stale. Call about once a second. */
void cache_tick(struct cache *cache, int64_t now);

/* Facts about the whole store, as of the last refresh. */
const struct store_totals *cache_totals(const struct cache *cache);
/* Rows in all, and those whose statistics are not current. */
uint32_t cache_services_count(const struct cache *cache);
uint32_t cache_reals_count(const struct cache *cache);
uint32_t cache_reals_stale(const struct cache *cache);
uint32_t cache_jobs_active(const struct cache *cache);

/* The lists from which everything hangs. */
struct tree_list *cache_clusters(struct cache *cache);
struct tree_names *cache_cluster_names(struct cache *cache);
struct tree_list *cache_jobs(struct cache *cache);

/* NULL if there is none. */
struct cache_real *cache_real_find(struct cache *cache, uint32_t id);
struct cache_service *cache_service_find(struct cache *cache, uint32_t id);

/* lbcClusterPlaneStatus and lbcClusterPlaneMessage. 'readable': statistics can be read. */
void cache_plane_view(const struct cache_cluster *cluster, bool readable, int64_t now,
    struct plane_view *ret);

/* lbcRealStatsFreshness. */
enum freshness cache_real_freshness(const struct cache *cache, const struct cache_real *real,
    int64_t now);
/* lbcRealOperStatus. */
enum oper_status cache_real_status(const struct cache *cache, const struct cache_real *real,
    int64_t now);

static inline const char *
cache_name(const struct tree_row *node)
{
	return node->texts;
}

#endif
