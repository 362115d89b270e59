/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The cache's inside. Only src/cache includes this.
 */
#ifndef CACHE_PRIVATE_H
#define CACHE_PRIVATE_H

#include "cache/cache.h"
#include "util/idmap.h"

struct cache {
	struct tree_list	clusters;
	struct tree_names	cluster_names;
	struct tree_list	jobs;
	struct idmap		cluster_by_id;
	struct idmap		service_by_id;
	struct idmap		real_by_id;
	struct store_cursor	cursor;
	struct store_totals	totals;
	uint64_t		version;	/* of what rows there are */
	uint32_t		stale_after_s;
	uint32_t		reals_stale;
	uint32_t		jobs_active;
	uint32_t		jobs_ahead;	/* cache_job.ahead */
	uint32_t		changes_ahead;	/* that these make */
	uint32_t		config_changes;	/* as stored; the totals count those as well */
	uint8_t			generation;	/* of the load under way */
	bool			loading;	/* a full load is not complete yet */
	bool			loaded;		/* one was */
	bool			mourning;	/* some service has dead rows */
	bool			behind;		/* the last refresh came to its limit */
	bool			quiet;		/* changes are not of the world, but of us */
	void			(*event_fn)(void *arg, const struct cache_event *event);
	void			*event_arg;
	uint32_t		went_stale, went_fresh;	/* the first one of this round, or 0 */
};

/* What the functions of the store's sink work on. */
struct cache_intake {
	struct cache	*cache;
	int64_t		 now;
};

/* cache_real.news */
enum { NEWS_ACTIVE = 1, NEWS_CONFIG = 2 };

/* True if changes are told, not merely found. */
static inline bool
cache_telling(const struct cache *cache)
{
	return cache->event_fn != NULL && cache->loaded && !cache->loading && !cache->quiet;
}

/* Texts one after the other in one block, the name first; NULL without memory.
 * ret_at[i] is where text i starts. */
char *cache_texts_make(size_t n, const char *const texts[], size_t ret_at[]);

/* Functions of the sink, for rows; 'arg' is a struct cache_intake. */
enum err_code cache_take_cluster(void *arg, const struct cluster_row *row);
enum err_code cache_take_service(void *arg, const struct service_row *row);
enum err_code cache_take_real(void *arg, const struct real_row *row);
enum err_code cache_take_statistics(void *arg, const struct statistics *row);
enum err_code cache_take_look(void *arg, const struct driver_poll *look);
enum err_code cache_take_job(void *arg, const struct job_row *row);

/* A row goes, with all that is below it. */
void cache_cluster_remove(struct cache *cache, struct cache_cluster *cluster);
void cache_service_remove(struct cache *cache, struct cache_service *service);
void cache_job_remove(struct cache *cache, struct cache_job *job);
/* Nothing finds it any more; it leaves the lists together with others, before anybody
 * reads them: in cache_dead_bury(). */
void cache_real_remove(struct cache *cache, struct cache_real *real);
void cache_dead_bury(struct cache *cache);
/* Frees one that stays in its lists, at the end of all. */
void cache_cluster_free(struct cache *cache, struct cache_cluster *cluster);

/* After a load from another file, where a number may stand for another row: counts the
 * unfinished jobs of each anew. */
void cache_pending_recount(struct cache *cache);

/* Before a row takes in what is new: notes what managers are to be told of it once its
 * service is derived. The settings of a row that was not there before are none. */
void cache_settings_follow(struct cache *cache, struct cache_real *real, uint32_t after);
/* Shows the settings of a row: those of the store, changed by released jobs that the store has
 * as held yet. */
void cache_settings_show(struct cache *cache, struct cache_real *real);
void cache_active_follow(struct cache *cache, struct cache_real *real,
    const struct statistics *row);
/* True if a job ends with 'row' and managers want to know it: not of one that was undone
 * with its SET before anybody was told of it. */
bool cache_job_ends(const struct cache_job *job, const struct job_row *row);

/* Tells of a service what is new in it; 'before' is cache_service_key() of before. */
void cache_service_tell(struct cache *cache, struct cache_service *service, uint32_t before,
    int64_t now);
void cache_job_tell(struct cache *cache, const struct cache_job *job);
/* Follows the freshness of a row. */
void cache_freshness_follow(struct cache *cache, struct cache_real *real, int64_t now);
/* Tells at the end of a round what many rows may have in common. */
void cache_round_tell(struct cache *cache);

/* What it takes to be a change of these. */
uint32_t cache_settings_key(bool enabled, bool fallback, uint16_t weight);
uint32_t cache_service_key(const struct cache_service *service);

/* Calls fn(service, arg) for all of them, by number within clusters. It removes none. */
void cache_services_each(struct cache *cache,
    void (*fn)(struct cache_service *service, void *arg), void *arg);

/* Marks what is to be derived again. */
void cache_dirty(struct cache_service *service);

/* Makes status and sums again where marked. 'found' is true for states merely
 * found, which are no changes: at the first load. */
void cache_derive(struct cache *cache, int64_t now, bool found);

#endif
