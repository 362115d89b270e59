/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "cache/cache_private.h"

#include <string.h>

#include "util/clock.h"

void
cache_service_changed(struct cache_service *service)
{
	service->changed = true;
	cache_cluster_of(service)->changed = true;
}

enum freshness
cache_real_freshness(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	return status_freshness(real->statistics.last_update, now, cache->stale_after_s);
}

struct status_real
cache_status_of(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	const struct cache_statistics *statistics = &real->statistics;
	struct status_real status = {
		.enabled = real->enabled, .fallback = real->fallback,
		.active = statistics->active, .weight = real->weight,
		.freshness = cache_real_freshness(cache, real, now),
	};

	/* Without a value of 'active' it is not known whether the row is active. */
	if (!(statistics->present & STAT_PRESENT_ACTIVE))
		status.freshness = FRESHNESS_NEVER;
	if (status.freshness == FRESHNESS_FRESH)
		status.role = (enum real_role)statistics->role;
	return status;
}

enum oper_status
cache_real_status(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	struct status_real status = cache_status_of(cache, real, now);

	return status_real(&status, &cache_service_of(real)->sums.tally);
}

/* The reason of a real service with fresh statistics for which the driver recorded none. */
static const char *
fresh_reason(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	const struct status_tally *tally = &cache_service_of(real)->sums.tally;

	if (!(real->statistics.present & STAT_PRESENT_ACTIVE))
		return "statistics have no value for active";
	return cache_real_status(cache, real, now) == OPER_STANDBY &&
	    status_drained(tally) == DRAINED_TO_FALLBACK ? STATUS_OTHERS_DRAINED : "";
}

/* The reason of a real service with stale statistics. If the driver runs and cannot reach the data
 * plane, the message of the cluster has the details. */
static const char *
stale_reason(const struct cache_cluster *cluster, int64_t now)
{
	return cache_plane_status(cluster, true, now) == PLANE_STATUS_UNREACHABLE ?
	    "statistics are stale: the data plane is unreachable" :
	    "statistics are stale; start the collector or the driver";
}

const char *
cache_real_reason(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	const char *reason = tree_text(&real->row, TREE_REASON);

	if (reason[0] != '\0' || !real->enabled)
		return reason;
	if (!cache_service_of(real)->enabled)
		return "its service is disabled";
	switch (cache_real_freshness(cache, real, now)) {
	case FRESHNESS_FRESH:
		return fresh_reason(cache, real, now);
	case FRESHNESS_STALE:
		return stale_reason(cache_cluster_of(cache_service_of(real)), now);
	case FRESHNESS_NEVER:
		return "no statistics yet";
	}
	return "";
}

const char *
cache_service_reason(const struct cache_service *service)
{
	const struct status_tally *tally = &service->sums.tally;
	/* Without a driver it is unknown when the fallback is used. */
	bool none = strcmp(tree_text(&cache_cluster_of(service)->row, TREE_PLANE), "none") == 0;

	if (service->enabled && tally->reals > 0 && tally->enabled == 0)
		return "each real service is disabled: clients get no answer";
	switch (status_drained(tally)) {
	case DRAINED_NO:
		if (!status_on_fallback(tally) || tally->plain > 0)
			break;
		return none ? "every server except the fallback is disabled" :
		    "every server except the fallback is disabled: the fallback gets the new"
		    " connections";
	case DRAINED_TO_FALLBACK:
		return none ?
		    "every active server except the fallback has weight 0" :
		    "every active server except the fallback has weight 0: the fallback gets the"
		    " new connections";
	case DRAINED_ALL:
		return "every active server has weight 0: no server gets new connections";
	}
	return "";
}

/* Returns the steady clock in seconds, plus 1: 0 means that the real service is not down. */
static uint32_t
steady_s(void)
{
	return (uint32_t)(clock_steady_ms() / 1000) + 1;
}

uint32_t
cache_real_downtime(const struct cache_real *real)
{
	return real->downtime_s +
	    (real->down_since_s == 0 ? 0 : steady_s() - real->down_since_s);
}

void
cache_downtime_note(struct cache_real *real, bool down)
{
	if (down == (real->down_since_s != 0))
		return;
	real->downtime_s = cache_real_downtime(real);
	real->down_since_s = down ? steady_s() : 0;
}

/* Returns the latest poll of a cluster, NULL if it cannot be read. Sets *now to the time of the
 * poll plus its age by the steady clock, which does not change if the clock is set. */
static const struct driver_poll *
cluster_poll(const struct cache_cluster *cluster, bool readable, int64_t *now)
{
	const struct driver_poll *poll = &cluster->poll;

	if (poll->time == 0)
		return readable ? poll : NULL;
	*now = poll->time + cluster->poll_age_s +
	    (clock_steady_ms() - cluster->poll_seen_ms) / 1000;
	return poll;
}

void
cache_plane_view(const struct cache_cluster *cluster, bool readable, int64_t now,
    struct plane_view *ret)
{
	const struct driver_poll *poll = cluster_poll(cluster, readable, &now);

	status_plane(tree_text(&cluster->row, TREE_PLANE), cluster->sums.checked,
	    cluster->plane_status, tree_text(&cluster->row, TREE_PLANE_MESSAGE), poll, now, ret);
}

enum plane_status
cache_plane_status(const struct cache_cluster *cluster, bool readable, int64_t now)
{
	const struct driver_poll *poll = cluster_poll(cluster, readable, &now);

	return status_plane_status(tree_text(&cluster->row, TREE_PLANE), cluster->sums.checked,
	    cluster->plane_status, poll, now);
}
