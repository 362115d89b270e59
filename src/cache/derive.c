/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Status and sums of services and clusters, derived from their rows when one of the rows
 * changed or became stale. A sum is always computed from all rows, because a sum that is only
 * adjusted can drift.
 */
#include "cache/cache_private.h"

#include <string.h>

/* -- sums ------------------------------------------------------------------------------ */

static void
oldest_add(struct cache_sums *sums, int64_t update)
{
	if (!sums->any_enabled || update < sums->oldest_update)
		sums->oldest_update = update;
	sums->any_enabled = true;
}

/* A sum stops at the highest number. */
static void
number_add(uint64_t *to, uint64_t more)
{
	if (__builtin_add_overflow(*to, more, to))
		*to = UINT64_MAX;
}

static void
sums_add_real(struct cache_sums *sums, const struct cache *cache, const struct cache_real *real,
    int64_t now)
{
	const struct cache_statistics *statistics = &real->statistics;
	struct status_real status = cache_status_of(cache, real, now);

	status_tally_add(&sums->tally, &status);
	sums->present |= statistics->present;
	sums->checked |= real->has_check;
	sums->stale += real->enabled && cache_real_freshness(cache, real, now) != FRESHNESS_FRESH;
	if (real->enabled && !real->fallback)
		sums->weight += real->weight;
	for (enum stat_number i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		if (statistics->present & 1u << i)
			number_add(&sums->number[i], cache_number(statistics, i));
	if (real->enabled)
		oldest_add(sums, statistics->last_update);
}

static void
sums_add_sums(struct cache_sums *sums, const struct cache_sums *more)
{
	sums->tally.reals += more->tally.reals;
	sums->tally.enabled += more->tally.enabled;
	sums->tally.active += more->tally.active;
	sums->checked |= more->checked;
	sums->present |= more->present;
	for (enum stat_number i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		number_add(&sums->number[i], more->number[i]);
	if (more->any_enabled)
		oldest_add(sums, more->oldest_update);
}

/* -- services and clusters ------------------------------------------------------------ */

static void
stale_at_add(struct cache_service *service, const struct cache *cache, int64_t last_update,
    int64_t now)
{
	int64_t at;

	/* A sum that overflows is a time that never comes. */
	if (__builtin_add_overflow(last_update, (int64_t)cache->stale_after_s + 1, &at))
		return;
	if (last_update != 0 && at > now && (service->stale_at == 0 || at < service->stale_at))
		service->stale_at = at;
}

static void
service_status_set(struct cache_service *service, int64_t now, bool first)
{
	enum lb_status status = status_service(&service->sums.tally);
	bool on_fallback = status_on_fallback(&service->sums.tally);

	if (service->derived && !first) {
		if (status != service->status)
			service->status_last_change = now;
		if (on_fallback && !service->on_fallback)
			service->fallback_uses++;
	}
	service->status = status;
	service->on_fallback = on_fallback;
}

static void
service_derive(struct cache *cache, struct cache_service *service, int64_t now, bool first)
{
	uint32_t stale_before = service->sums.stale;
	uint32_t key_before = cache_service_key(service);
	struct cache_real *real;

	memset(&service->sums, 0, sizeof(service->sums));
	service->sums.tally.disabled = !service->enabled;
	service->sums.checked = service->has_check;
	service->stale_at = 0;
	service->fallback_id = 0;
	TREE_FOREACH(real, i, &service->branch.children) {
		cache_freshness_note(cache, real, now);
		sums_add_real(&service->sums, cache, real, now);
		cache_downtime_note(real, cache_real_status(cache, real, now) == OPER_INACTIVE);
		stale_at_add(service, cache, real->statistics.last_update, now);
		if (real->fallback)
			service->fallback_id = real->row.id;
	}
	cache->reals_stale += service->sums.stale - stale_before;
	service_status_set(service, now, first);
	cache_service_report(cache, service,
	    service->derived ? key_before : cache_service_key(service), now);
	service->derived = true;
	service->changed = false;
}

static void
cluster_derive(struct cache *cache, struct cache_cluster *cluster, int64_t now, bool first)
{
	enum lb_status status = STATUS_DISABLED;
	struct cache_service *service;

	memset(&cluster->sums, 0, sizeof(cluster->sums));
	cluster->services_up = 0;
	TREE_FOREACH(service, i, &cluster->branch.children) {
		if (service->changed)
			service_derive(cache, service, now, first);
		sums_add_sums(&cluster->sums, &service->sums);
		cluster->services_up += service->status == STATUS_UP;
		status = status_cluster_add(status, service->status);
	}
	if (cluster->derived && !first && status != cluster->status)
		cluster->status_last_change = now;
	cluster->status = status;
	cluster->derived = true;
	cluster->changed = false;
}

void
cache_derive(struct cache *cache, int64_t now, bool first)
{
	struct cache_cluster *cluster;

	TREE_FOREACH(cluster, i, &cache->tree.root.children) {
		if (cluster->changed)
			cluster_derive(cache, cluster, now, first);
	}
	cache_freshness_report(cache);
}

/* -- time ------------------------------------------------------------------------------ */

/* Marks the services in which a row becomes stale until a time; INT64_MAX: all services. */
static void
services_mark(struct cache *cache, int64_t until)
{
	struct tree_branch *cluster;
	struct cache_service *service;

	TREE_FOREACH(cluster, i, &cache->tree.root.children)
		TREE_FOREACH(service, j, &cluster->children)
			if (until == INT64_MAX ||
			    (service->stale_at != 0 && service->stale_at <= until))
				cache_service_changed(service);
}

void
cache_time_set(struct cache *cache, int64_t now)
{
	if (now < cache->now)
		services_mark(cache, INT64_MAX);
	cache->now = now;
}

void
cache_tick(struct cache *cache, int64_t now)
{
	if (!cache->tree.loaded)
		return;
	cache_time_set(cache, now);
	services_mark(cache, now);
	cache_derive(cache, now, false);
}

void
cache_stale_after_set(struct cache *cache, uint32_t seconds, int64_t now)
{
	cache->stale_after_s = seconds;
	if (!cache->tree.loaded)
		return;
	services_mark(cache, INT64_MAX);
	cache->silent = true;
	cache_derive(cache, now, false);
	cache->silent = false;
}
