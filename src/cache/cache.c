/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The cache as a whole: loads, what is gone, what is asked of it; see cache.h.
 */
#include "cache/cache.h"

#include <stdlib.h>
#include <string.h>

#include "cache/cache_private.h"

void
cache_services_each(struct cache *cache, void (*fn)(struct cache_service *service, void *arg),
    void *arg)
{
	for (uint32_t i = 0; i < cache->clusters.n; i++) {
		const struct cache_cluster *cluster =
		    (const struct cache_cluster *)cache->clusters.rows[i];

		for (uint32_t j = 0; j < cluster->services.n; j++)
			fn((struct cache_service *)cluster->services.rows[j], arg);
	}
}

/* -- what is gone ------------------------------------------------------------------------------ */

static void
statistics_forget(struct cache_real *real)
{
	memset(&real->statistics, 0, sizeof(real->statistics));
	cache_dirty(real->service);
}

static void
statistics_forget_below(struct cache_service *service, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < service->reals.n; i++)
		statistics_forget((struct cache_real *)service->reals.rows[i]);
}

static enum err_code
take_removed(void *arg, enum store_kind kind, uint32_t id)
{
	struct cache *cache = ((struct cache_intake *)arg)->cache;
	void *row;

	switch (kind) {
	case STORE_CLUSTER:
		if ((row = idmap_get(&cache->cluster_by_id, id)) != NULL)
			cache_cluster_remove(cache, row);
		break;
	case STORE_SERVICE:
		if ((row = idmap_get(&cache->service_by_id, id)) != NULL)
			cache_service_remove(cache, row);
		break;
	case STORE_REAL:
		if ((row = idmap_get(&cache->real_by_id, id)) != NULL)
			cache_real_remove(cache, row);
		break;
	case STORE_JOB:
		if ((row = tree_list_find(&cache->jobs, id)) != NULL)
			cache_job_remove(cache, row);
		break;
	case STORE_STATISTICS:
		if (id == 0)	/* the file was made anew */
			cache_services_each(cache, statistics_forget_below, NULL);
		else if ((row = idmap_get(&cache->real_by_id, id)) != NULL)
			statistics_forget(row);
		break;
	}
	return ERR_OK;
}

static void
take_totals(void *arg, const struct store_totals *totals)
{
	struct cache *cache = ((struct cache_intake *)arg)->cache;
	struct store_totals shown = cache->totals;

	cache->totals = *totals;
	cache->config_changes = totals->config_changes;
	/* Rows that the store counts there may not have been read yet: cache_refresh() adds. */
	cache->totals.config_changes = shown.config_changes;
	if (cache->changes_ahead > 0 && shown.config_last_change > totals->config_last_change)
		cache->totals.config_last_change = shown.config_last_change;
}

/* After a load over an cache that was there: rows that did not come are gone.
 * Rows that stayed keep their counters. */
static void
sweep(struct cache *cache)
{
	for (uint32_t i = cache->jobs.n; i-- > 0;)
		if (cache->jobs.rows[i]->generation != cache->generation)
			cache_job_remove(cache, (struct cache_job *)cache->jobs.rows[i]);
	for (uint32_t i = cache->clusters.n; i-- > 0;) {
		struct cache_cluster *cluster =
		    (struct cache_cluster *)cache->clusters.rows[i];

		for (uint32_t j = cluster->services.n; j-- > 0;) {
			struct cache_service *service =
			    (struct cache_service *)cluster->services.rows[j];

			for (uint32_t k = service->reals.n; k-- > 0;)
				if (service->reals.rows[k]->generation != cache->generation)
					cache_real_remove(cache,
					    (struct cache_real *)service->reals.rows[k]);
			if (service->row.generation != cache->generation)
				cache_service_remove(cache, service);
		}
		if (cluster->row.generation != cache->generation)
			cache_cluster_remove(cache, cluster);
	}
	cache_dead_bury(cache);
	cache_pending_recount(cache);
}

/* -- the whole ----------------------------------------------------------------------- */

struct cache *
cache_new(void)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (cache != NULL) {
		cache->stale_after_s = STALE_AFTER_DEFAULT_S;
		cache->loading = true;
	}
	return cache;
}

void
cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->jobs.n > 0)
		cache_job_remove(cache, (struct cache_job *)cache->jobs.rows[cache->jobs.n - 1]);
	for (uint32_t i = 0; i < cache->clusters.n; i++)
		cache_cluster_free(cache, (struct cache_cluster *)cache->clusters.rows[i]);
	tree_list_done(&cache->clusters);
	tree_list_done(&cache->cluster_names.list);
	tree_list_done(&cache->jobs);
	idmap_done(&cache->cluster_by_id);
	idmap_done(&cache->service_by_id);
	idmap_done(&cache->real_by_id);
	free(cache);
}

enum err_code
cache_refresh(struct cache *cache, struct store *store, size_t limit, int64_t now,
    bool *ret_more, struct err *err)
{
	struct cache_intake intake = { .cache = cache, .now = now };
	const struct store_sink sink = {
		.arg = &intake, .cluster = cache_take_cluster, .service = cache_take_service,
		.real = cache_take_real, .job = cache_take_job, .statistics = cache_take_statistics,
		.removed = take_removed, .totals = take_totals, .look = cache_take_look,
	};
	bool more;
	enum err_code code;

	code = store_changes(store, &cache->cursor, &sink, limit, &more, err);
	if (code == ERR_GONE) {
		memset(&cache->cursor, 0, sizeof(cache->cursor));
		cache->generation++;
		cache->loading = true;
		more = true;
		code = ERR_OK;
	}
	cache_dead_bury(cache);
	if (code != ERR_OK) {
		if (cache->loaded)	/* for the rows that came before the error */
			cache_derive(cache, now, false);
		return code;
	}
	cache->behind = more;
	if (!more)	/* each change is in the rows that were read, or ahead of them */
		cache->totals.config_changes = cache->config_changes + cache->changes_ahead;
	if (cache->loading && !more) {
		sweep(cache);
		cache_derive(cache, now, !cache->loaded);
		cache->loading = false;
		cache->loaded = true;
	} else if (cache->loaded) {
		cache_derive(cache, now, false);
	}
	*ret_more = more;
	return ERR_OK;
}

bool
cache_behind(const struct cache *cache)
{
	return cache->behind;
}

bool
cache_loaded(const struct cache *cache)
{
	return cache->loaded;
}

uint64_t
cache_version(const struct cache *cache)
{
	return cache->version;
}

uint32_t
cache_stale_after(const struct cache *cache)
{
	return cache->stale_after_s;
}

const struct store_totals *
cache_totals(const struct cache *cache)
{
	return &cache->totals;
}

uint32_t
cache_services_count(const struct cache *cache)
{
	return (uint32_t)idmap_count(&cache->service_by_id);
}

uint32_t
cache_reals_count(const struct cache *cache)
{
	return (uint32_t)idmap_count(&cache->real_by_id);
}

uint32_t
cache_reals_stale(const struct cache *cache)
{
	return cache->reals_stale;
}

uint32_t
cache_jobs_active(const struct cache *cache)
{
	return cache->jobs_active;
}

struct tree_list *
cache_clusters(struct cache *cache)
{
	return &cache->clusters;
}

struct tree_names *
cache_cluster_names(struct cache *cache)
{
	return &cache->cluster_names;
}

struct tree_list *
cache_jobs(struct cache *cache)
{
	return &cache->jobs;
}

struct cache_real *
cache_real_find(struct cache *cache, uint32_t id)
{
	return idmap_get(&cache->real_by_id, id);
}

struct cache_service *
cache_service_find(struct cache *cache, uint32_t id)
{
	return idmap_get(&cache->service_by_id, id);
}
