/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "cache/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache_private.h"
#include "util/clock.h"

/* -- rows ------------------------------------------------------------------------------ */

static void
on_cluster(void *arg, void *row, bool first, const void *columns)
{
	struct cache_cluster *cluster = row;

	(void)arg;
	(void)first;
	cluster->plane_status = ((const struct cluster_row *)columns)->plane_status;
	cluster->changed = true;
}

static void
on_service(void *arg, void *row, bool first, const void *columns)
{
	const struct service_row *stored = columns;
	struct cache_service *service = row;

	(void)first;
	service->protocol = stored->protocol;
	service->stored_enabled = stored->enabled;
	service->has_check = model_params_check(stored->params);
	cache_service_show(arg, service);
}

static void
on_real(void *arg, void *row, bool first, const void *columns)
{
	const struct real_row *stored = columns;
	struct cache *cache = arg;
	struct cache_real *real = row;

	(void)first;
	cache_server_join(real, stored);
	real->stored = cache_settings_key(stored->enabled, stored->fallback, stored->weight) &
	    0xffffff;
	real->has_check = model_params_check(stored->params);
	cache_settings_show(cache, real);
	if (cache->jobs_ahead == 0 || real->last_change < stored->last_change)
		real->last_change = stored->last_change;
	real->last_job = stored->last_job;
}

/* -- statistics ------------------------------------------------------------------------ */

static enum err_code
on_statistics(void *arg, const struct statistics *columns)
{
	struct cache *cache = arg;
	struct cache_real *real = tree_find(&cache->tree, STORE_REAL, columns->real_id);

	uint32_t before;

	if (real == NULL)	/* the real service was removed */
		return ERR_OK;
	before = real->statistics.present;
	if (!cache_numbers_set(&real->statistics, columns))
		return ERR_NOMEM;
	if (before & columns->present & STAT_PRESENT_ACTIVE &&
	    cache->tree.loaded && real->statistics.active != columns->active) {
		real->active_last_change = cache->now;
		real->active_transitions++;
		cache_active_note(cache, real, columns);
	}
	real->statistics.active = columns->active;
	real->statistics.role = (uint8_t)columns->role;
	real->statistics.last_update = columns->last_update;
	real->statistics.counters_since = columns->counters_since;
	cache_service_changed(cache_service_of(real));
	return ERR_OK;
}

static void
service_statistics_forget(struct cache_service *service)
{
	if (service->counted == NULL)
		return;
	cache_statistics_clear(&service->counted->statistics);
	free(service->counted);
	service->counted = NULL;
}

static enum err_code
on_service_statistics(void *arg, const struct statistics *columns)
{
	struct cache *cache = arg;
	struct cache_service *service = tree_find(&cache->tree, STORE_SERVICE,
	    columns->service_id);
	struct cache_counted *counted;

	if (service == NULL)	/* the service was removed */
		return ERR_OK;
	if (columns->present == 0 && columns->algorithm[0] == '\0') {
		service_statistics_forget(service);
		return ERR_OK;
	}
	if (service->counted == NULL)
		service->counted = calloc(1, sizeof(*service->counted));
	counted = service->counted;
	if (counted == NULL || !cache_numbers_set(&counted->statistics, columns))
		return ERR_NOMEM;
	snprintf(counted->algorithm, sizeof(counted->algorithm), "%s", columns->algorithm);
	counted->statistics.last_update = columns->last_update;
	counted->statistics.counters_since = columns->counters_since;
	return ERR_OK;
}

static void
statistics_forget(struct cache_real *real)
{
	cache_statistics_clear(&real->statistics);
	cache_service_changed(cache_service_of(real));
}

static void
statistics_forget_all(struct cache *cache)
{
	struct tree_branch *cluster;
	struct cache_service *service;
	struct cache_real *real;

	TREE_FOREACH(cluster, i, &cache->tree.root.children) {
		TREE_FOREACH(service, j, &cluster->children) {
			service_statistics_forget(service);
			TREE_FOREACH(real, k, &service->branch.children)
				statistics_forget(real);
		}
	}
}

static enum err_code
on_removed(void *arg, enum store_kind kind, uint32_t id)
{
	struct cache *cache = arg;
	void *row = kind == STORE_JOB ? (void *)tree_list_find(&cache->jobs, id) :
	    tree_find(&cache->tree, kind == STORE_STATISTICS ? STORE_REAL : STORE_SERVICE, id);

	if (kind == STORE_STATISTICS && id == 0)	/* the statistics file is a new one */
		statistics_forget_all(cache);
	else if (kind == STORE_STATISTICS && row != NULL)
		statistics_forget(row);
	else if (kind == STORE_SERVICE_STATISTICS && row != NULL)
		service_statistics_forget(row);
	else if (kind == STORE_JOB && row != NULL)
		cache_job_remove(cache, row);
	return ERR_OK;
}

static void
on_deleted(void *arg, enum store_kind kind, void *row)
{
	struct cache *cache = arg;

	if (kind == STORE_REAL) {
		statistics_forget(row);
		cache_cluster_of(cache_service_of(row))->has_deleted_reals = true;
	}
	if (kind == STORE_CLUSTER)
		cache_servers_free(row);
	if (kind == STORE_SERVICE) {
		service_statistics_forget(row);
		cache->reals_stale -= ((struct cache_service *)row)->sums.stale;
		cache_cluster_of(row)->changed = true;
	}
}

/* The age of a poll that comes while lbclusterd runs is counted by a clock that no one sets. A
 * poll that a full read finds may be of a time at which the wall clock was ahead. */
static enum err_code
on_poll(void *arg, const struct driver_poll *poll)
{
	const struct cache *cache = arg;
	struct cache_cluster *cluster = tree_find(&cache->tree, STORE_CLUSTER, poll->cluster_id);
	bool found = !cache->tree.loaded || cache->tree.loading;

	if (cluster == NULL || (cluster->poll.time == poll->time &&
	    cluster->poll.interval_ms == poll->interval_ms))
		return ERR_OK;
	cluster->poll = *poll;
	cluster->poll_seen_ms = clock_steady_ms();
	cluster->poll_age_s = !found && poll->time > cache->now ? 0 : cache->now - poll->time;
	return ERR_OK;
}

/* Keeps the number of changes that is shown: the rows of the new number may not be read yet.
 * cache_refresh() shows it when they are. */
static void
on_totals(void *arg, const struct store_totals *totals)
{
	struct cache *cache = arg;
	struct store_totals shown = cache->totals;

	cache->totals = *totals;
	cache->config_changes = totals->config_changes;
	cache->totals.config_changes = shown.config_changes;
	if (cache->changes_ahead > 0 && shown.config_last_change > totals->config_last_change)
		cache->totals.config_last_change = shown.config_last_change;
}

/* -- the cache as a whole -------------------------------------------------------------- */

static const struct tree_ops tree_ops = {
	.size = {
		[STORE_CLUSTER] = sizeof(struct cache_cluster),
		[STORE_SERVICE] = sizeof(struct cache_service),
		[STORE_REAL] = sizeof(struct cache_real),
	},
	.changed = {
		[STORE_CLUSTER] = on_cluster, [STORE_SERVICE] = on_service,
		[STORE_REAL] = on_real,
	},
	.reserve = cache_server_reserve,
	.reap = cache_servers_reap,
	.deleted = on_deleted,
	.sink = {
		.job = cache_on_job, .statistics = on_statistics, .removed = on_removed,
		.totals = on_totals, .poll = on_poll,
		.service_statistics = on_service_statistics,
	},
};

struct cache *
cache_new(void)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (cache != NULL) {
		tree_init(&cache->tree, &tree_ops);
		cache->stale_after_s = STALE_AFTER_DEFAULT_S;
	}
	return cache;
}

void
cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->jobs.n > 0)
		cache_job_remove(cache, (void *)cache->jobs.rows[cache->jobs.n - 1]);
	tree_list_done(&cache->jobs);
	tree_done(&cache->tree);
	free(cache);
}

enum err_code
cache_refresh(struct cache *cache, struct store *store, size_t limit, int64_t now,
    bool *ret_more, struct err *err)
{
	bool loading = cache->tree.loading, loaded = cache->tree.loaded;
	enum err_code code;

	cache_time_set(cache, now);
	code = tree_refresh(&cache->tree, store, limit, ret_more, err);
	if (loading && !cache->tree.loading)
		cache_jobs_sweep(cache);
	if (code == ERR_OK && !*ret_more)
		cache->totals.config_changes = cache->config_changes + cache->changes_ahead;
	if (cache->tree.loaded) {	/* also after an error, for the rows that came before it */
		cache->silent = loading;
		cache_derive(cache, now, !loaded);
		cache->silent = false;
	}
	return code;
}
