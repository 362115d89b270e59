/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Changes that managers are notified of. A row notes its changes while lbclusterd reads the
 * store. They are reported when the service is derived, so that the values of an event fit
 * together.
 */
#include "cache/cache_private.h"

void
cache_events_set(struct cache *cache, void (*fn)(void *arg, const struct cache_event *event),
    void *arg)
{
	cache->event_fn = fn;
	cache->event_arg = arg;
}

uint32_t
cache_settings_key(bool enabled, bool fallback, uint16_t weight)
{
	return (uint32_t)enabled << KEY_ENABLED_BIT | (uint32_t)fallback << KEY_FALLBACK_BIT |
	    weight;
}

uint32_t
cache_service_key(const struct cache_service *service)
{
	return (uint32_t)service->status << 1 | (service->on_fallback ? 1 : 0);
}

/* -- changes of a row ------------------------------------------------------------------ */

static bool
is_reporting(const struct cache *cache)
{
	return cache->event_fn != NULL && cache->tree.loaded && !cache->tree.loading &&
	    !cache->silent;
}

static void
pending_add(const struct cache *cache, struct cache_real *real, uint8_t pending)
{
	if (!is_reporting(cache))
		return;
	real->pending |= pending;
	cache_service_of(real)->has_pending = true;
}

/* True if by its settings a data plane may give the row no work. */
static bool
is_kept_out(const struct cache_real *real)
{
	return !real->enabled || real->weight == 0 || real->fallback;
}

void
cache_settings_note(struct cache *cache, struct cache_real *real, uint32_t after)
{
	uint32_t before = cache_settings_key(real->enabled, real->fallback, real->weight);

	if (real->row.name == NULL /* the row is new */ || before == after)
		return;
	real->was_kept_out |= is_kept_out(real);
	if ((real->pending & PENDING_CONFIG) == 0)
		real->settings_before = before;
	pending_add(cache, real, PENDING_CONFIG);
}

/* True if a SET explains that the row became 'active' or inactive. The store does not record
 * the cause. A disabled row, or one of a disabled service, is explained by that setting.
 * Otherwise a setting changed since the previous measurement, or a job of the row or of its
 * service ended since then or is unfinished, and the old settings kept out a row that comes up,
 * or the new ones keep out a row that goes down. A row that goes down while its settings let it
 * work has failed. */
static bool
is_by_set(const struct cache *cache, const struct cache_real *real, bool active)
{
	int64_t since = real->statistics.last_update;
	const struct cache_service *service = cache_service_of(real);
	const struct cache_job *job = (const void *)tree_list_find(&cache->jobs, real->last_job);
	bool touched = real->pending_jobs > 0 || real->last_change >= since ||
	    (job != NULL && job->columns.finished >= since) || service->pending_jobs > 0 ||
	    service->touched >= since;

	return !service->enabled || !real->enabled ||
	    (touched && (active ? real->was_kept_out : is_kept_out(real)));
}

/* True for a server of a template, which gets or loses its address as the DNS has more or fewer
 * servers. That is no failure and no recovery. */
static bool
is_by_template(const struct cache_real *real, const struct statistics *row)
{
	return real->statistics.role == ROLE_SPARE || row->role == ROLE_SPARE;
}

void
cache_active_note(struct cache *cache, struct cache_real *real, const struct statistics *row)
{
	if (!is_by_set(cache, real, row->active) && !is_by_template(real, row))
		pending_add(cache, real, PENDING_ACTIVE);
	if (row->active)
		real->was_kept_out = false;
}

void
cache_freshness_note(struct cache *cache, struct cache_real *real, int64_t now)
{
	enum freshness is = cache_real_freshness(cache, real, now);

	if (real->freshness == FRESHNESS_FRESH && is == FRESHNESS_STALE && cache->went_stale == 0)
		cache->went_stale = real->row.id;
	if (real->freshness == FRESHNESS_STALE && is == FRESHNESS_FRESH && cache->went_fresh == 0)
		cache->went_fresh = real->row.id;
	real->freshness = (uint8_t)is;
}

bool
cache_job_ends(const struct cache_job *job, const struct job_row *columns)
{
	if (job_state_open(columns->state))
		return false;
	if (job->row.name == NULL)	/* the job is new */
		return columns->state != JOB_CANCELLED;
	return job_state_open(job->columns.state) &&
	    !(job->columns.state == JOB_HELD && columns->state == JOB_CANCELLED);
}

/* -- reports --------------------------------------------------------------------------- */

static void
report(const struct cache *cache, const struct cache_event *event)
{
	if (is_reporting(cache) && event->before != event->after)
		cache->event_fn(cache->event_arg, event);
}

static void
active_report(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	report(cache, &(struct cache_event){
		.kind = EVENT_ACTIVE, .id = real->row.id,
		.before = !real->statistics.active, .after = real->statistics.active,
		.values = { real->statistics.active, cache_real_status(cache, real, now) },
		.time = real->statistics.last_update,
	});
}

static void
config_report(const struct cache *cache, const struct cache_real *real)
{
	report(cache, &(struct cache_event){
		.kind = EVENT_CONFIG, .id = real->row.id, .before = real->settings_before,
		.after = cache_settings_key(real->enabled, real->fallback, real->weight),
		.values = { real->enabled, real->fallback, real->weight, real->last_job },
	});
}

void
cache_service_report(struct cache *cache, struct cache_service *service, uint32_t before,
    int64_t now)
{
	struct cache_real *real;

	report(cache, &(struct cache_event){
		.kind = EVENT_SERVICE, .id = service->row.id, .before = before,
		.after = cache_service_key(service),
		.values = { service->status, service->on_fallback,
		    service->sums.tally.active, service->sums.tally.enabled },
	});
	if (!service->has_pending)
		return;
	service->has_pending = false;
	TREE_FOREACH(real, i, &service->branch.children) {
		if (real->pending & PENDING_ACTIVE)
			active_report(cache, real, now);
		if (real->pending & PENDING_CONFIG)
			config_report(cache, real);
		real->pending = 0;
	}
}

void
cache_job_report(struct cache *cache, const struct cache_job *job)
{
	report(cache, &(struct cache_event){
		.kind = EVENT_JOB_END, .id = job->row.id, .after = 1,
	});
}

/* Reports one event for all rows that became stale or fresh together. */
static void
first_report(struct cache *cache, enum cache_event_kind kind, uint32_t *id)
{
	const struct cache_real *real = tree_find(&cache->tree, STORE_REAL, *id);

	*id = 0;
	if (real != NULL)
		report(cache, &(struct cache_event){
			.kind = kind, .id = real->row.id, .after = 1,
			.values = { cache->reals_stale }, .time = real->statistics.last_update,
		});
}

void
cache_freshness_report(struct cache *cache)
{
	first_report(cache, EVENT_STALE, &cache->went_stale);
	first_report(cache, EVENT_FRESH, &cache->went_fresh);
}
