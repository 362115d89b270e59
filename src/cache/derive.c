/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Status and sums of services and clusters, made again from their rows when one
 * of them changed or got stale. Made anew, not added to and subtracted from: a sum
 * that is made anew cannot drift.
 */
#include "cache/cache_private.h"

#include <string.h>

void
cache_dirty(struct cache_service *service)
{
	service->dirty = true;
	service->cluster->dirty = true;
}

static struct status_real
status_of(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	const struct statistics *statistics = &real->statistics;
	struct status_real status = {
		.enabled = real->enabled, .fallback = real->fallback,
		.active = statistics->active, .weight = real->weight,
		.freshness = status_freshness(statistics->last_update, now,
		    cache->stale_after_s),
	};

	/* Statistics without a value of 'active' say nothing about activity. */
	if (!(statistics->present & STAT_PRESENT_ACTIVE))
		status.freshness = FRESHNESS_NEVER;
	if (status.freshness == FRESHNESS_FRESH)
		status.role = statistics->role;
	return status;
}

enum freshness
cache_real_freshness(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	return status_freshness(real->statistics.last_update, now, cache->stale_after_s);
}

enum oper_status
cache_real_status(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	struct status_real status = status_of(cache, real, now);

	return status_real(&status, &real->service->sums.tally);
}

/* -- sums --------------------------------------------------------------------------- */

static void
oldest_add(struct cache_sums *sums, int64_t update)
{
	if (!sums->any_enabled || update < sums->oldest_update)
		sums->oldest_update = update;
	sums->any_enabled = true;
}

static void
sums_add_real(struct cache_sums *sums, const struct cache *cache, const struct cache_real *real,
    int64_t now)
{
	const struct statistics *statistics = &real->statistics;
	struct status_real status = status_of(cache, real, now);

	status_tally_add(&sums->tally, &status);
	sums->present |= statistics->present;
	sums->stale += real->enabled && cache_real_freshness(cache, real, now) != FRESHNESS_FRESH;
	if (real->enabled && !real->fallback)
		sums->weight += real->weight;
	for (int i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		if (statistics->present & 1u << i &&
		    __builtin_add_overflow(sums->number[i], statistics->number[i],
		    &sums->number[i]))
			sums->number[i] = UINT64_MAX;
	if (real->enabled)
		oldest_add(sums, statistics->last_update);
}

static void
sums_add_sums(struct cache_sums *sums, const struct cache_sums *more)
{
	sums->tally.reals += more->tally.reals;
	sums->tally.enabled += more->tally.enabled;
	sums->tally.active += more->tally.active;
	sums->present |= more->present;
	for (int i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		if (__builtin_add_overflow(sums->number[i], more->number[i],
		    &sums->number[i]))
			sums->number[i] = UINT64_MAX;
	if (more->any_enabled)
		oldest_add(sums, more->oldest_update);
}

/* -- services and clusters ------------------------------------------------------------ */

static void
stale_at_add(struct cache_service *service, const struct cache *cache, int64_t last_update,
    int64_t now)
{
	int64_t at;

	/* A time that far ahead never comes. */
	if (__builtin_add_overflow(last_update, (int64_t)cache->stale_after_s + 1, &at))
		return;
	if (last_update != 0 && at > now && (service->stale_at == 0 || at < service->stale_at))
		service->stale_at = at;
}

static void
service_derive(struct cache *cache, struct cache_service *service, int64_t now, bool found)
{
	uint32_t stale_before = service->sums.stale;
	uint32_t key_before = cache_service_key(service);
	enum lb_status status;
	bool on_fallback;

	memset(&service->sums, 0, sizeof(service->sums));
	service->stale_at = 0;
	service->fallback_id = 0;
	for (uint32_t i = 0; i < service->reals.n; i++) {
		struct cache_real *real = (struct cache_real *)service->reals.rows[i];

		cache_freshness_follow(cache, real, now);
		sums_add_real(&service->sums, cache, real, now);
		stale_at_add(service, cache, real->statistics.last_update, now);
		if (real->fallback)
			service->fallback_id = real->row.id;
	}
	cache->reals_stale += service->sums.stale - stale_before;
	status = status_service(&service->sums.tally);
	on_fallback = status_on_fallback(&service->sums.tally);
	if (service->derived && !found) {
		if (status != service->status)
			service->status_last_change = now;
		if (on_fallback && !service->on_fallback)
			service->fallback_uses++;
	}
	service->status = status;
	service->on_fallback = on_fallback;
	cache_service_tell(cache, service,
	    service->derived ? key_before : cache_service_key(service), now);
	service->derived = true;
	service->dirty = false;
}

static void
cluster_derive(struct cache *cache, struct cache_cluster *cluster, int64_t now, bool found)
{
	enum lb_status status = STATUS_DISABLED;

	memset(&cluster->sums, 0, sizeof(cluster->sums));
	cluster->services_up = 0;
	for (uint32_t i = 0; i < cluster->services.n; i++) {
		struct cache_service *service =
		    (struct cache_service *)cluster->services.rows[i];

		if (service->dirty)
			service_derive(cache, service, now, found);
		sums_add_sums(&cluster->sums, &service->sums);
		cluster->services_up += service->status == STATUS_UP;
		status = status_cluster_add(status, service->status);
	}
	if (cluster->derived && !found && status != cluster->status)
		cluster->status_last_change = now;
	cluster->status = status;
	cluster->derived = true;
	cluster->dirty = false;
}

void
cache_derive(struct cache *cache, int64_t now, bool found)
{
	for (uint32_t i = 0; i < cache->clusters.n; i++) {
		struct cache_cluster *cluster =
		    (struct cache_cluster *)cache->clusters.rows[i];

		if (cluster->dirty)
			cluster_derive(cache, cluster, now, found);
	}
	cache_round_tell(cache);
}

/* -- time ------------------------------------------------------------------------------ */

static void
old_mark(struct cache_service *service, void *now)
{
	if (service->stale_at != 0 && service->stale_at <= *(int64_t *)now)
		cache_dirty(service);
}

static void
any_mark(struct cache_service *service, void *arg)
{
	(void)arg;
	cache_dirty(service);
}

void
cache_tick(struct cache *cache, int64_t now)
{
	if (!cache->loaded)
		return;
	cache_services_each(cache, old_mark, &now);
	cache_derive(cache, now, false);
}

void
cache_stale_after_set(struct cache *cache, uint32_t seconds, int64_t now)
{
	cache->stale_after_s = seconds;
	if (!cache->loaded)
		return;
	cache_services_each(cache, any_mark, NULL);
	cache->quiet = true;
	cache_derive(cache, now, false);
	cache->quiet = false;
}
