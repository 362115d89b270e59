/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What changed, told to whoever wants to know. Rows gather news while they are taken
 * in; they are told when the sums of their service are made again, so that the
 * values of an event fit together.
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
	return (enabled ? 1u << 17 : 0) | (fallback ? 1u << 16 : 0) | weight;
}

uint32_t
cache_service_key(const struct cache_service *service)
{
	return (uint32_t)service->status << 1 | (service->on_fallback ? 1 : 0);
}

/* -- what is news ------------------------------------------------------------------ */

static void
news_add(struct cache *cache, struct cache_real *real, uint8_t news)
{
	if (!cache_telling(cache))
		return;
	real->news |= news;
	real->service->news = true;
}

/* True if the settings are such that a data plane may have it do nothing. */
static bool
held(const struct cache_real *real)
{
	return !real->enabled || real->weight == 0 || real->fallback;
}

void
cache_settings_follow(struct cache *cache, struct cache_real *real, uint32_t after)
{
	uint32_t before = cache_settings_key(real->enabled, real->fallback, real->weight);

	if (real->row.texts == NULL /* it is new */ || before == after)
		return;
	real->was_held |= held(real);
	if ((real->news & NEWS_CONFIG) == 0)
		real->settings_before = before;
	news_add(cache, real, NEWS_CONFIG);
}

/*
 * True if a Set explains that the row turned 'active'. No one tells us why, but a row
 * that is not enabled has no say; and if since the measurement before this one a setting
 * changed, or a job for the row ended or is still under way, then a row that comes up and
 * was held back before was let in, and one that goes down and is held back now was held
 * back. A row that goes down with settings by which it should work has failed, whoever
 * set what meanwhile.
 */
static bool
by_set(const struct cache *cache, const struct cache_real *real, bool active)
{
	int64_t since = real->statistics.last_update;
	const struct tree_row *node = tree_list_find(&cache->jobs, real->last_job);
	const struct cache_job *job = (const struct cache_job *)(const void *)node;
	bool touched = real->pending_jobs > 0 || real->last_change >= since ||
	    (job != NULL && job->columns.finished >= since);

	return !real->enabled ||
	    (touched && (active ? real->was_held : held(real)));
}

/* A place of a template gets and loses its address as the DNS has more or fewer servers:
 * neither is a failure or the end of one. */
static bool
by_template(const struct cache_real *real, const struct statistics *row)
{
	return real->statistics.role == ROLE_SPARE || row->role == ROLE_SPARE;
}

void
cache_active_follow(struct cache *cache, struct cache_real *real, const struct statistics *row)
{
	if (!by_set(cache, real, row->active) && !by_template(real, row))
		news_add(cache, real, NEWS_ACTIVE);
	if (row->active)
		real->was_held = false;
}

bool
cache_job_ends(const struct cache_job *job, const struct job_row *row)
{
	if (job_state_open(row->state))
		return false;
	if (job->row.texts == NULL)
		return row->state != JOB_CANCELLED;
	return job_state_open(job->columns.state) &&
	    !(job->columns.state == JOB_HELD && row->state == JOB_CANCELLED);
}

/* -- telling ----------------------------------------------------------------------- */

static void
tell(const struct cache *cache, const struct cache_event *event)
{
	if (cache_telling(cache) && event->before != event->after)
		cache->event_fn(cache->event_arg, event);
}

static void
active_tell(const struct cache *cache, const struct cache_real *real, int64_t now)
{
	const struct cache_event event = {
		.kind = EVENT_ACTIVE, .id = real->row.id,
		.before = !real->statistics.active, .after = real->statistics.active,
		.values = { real->statistics.active, cache_real_status(cache, real, now) },
		.time = real->statistics.last_update,
	};

	tell(cache, &event);
}

static void
config_tell(const struct cache *cache, const struct cache_real *real)
{
	const struct cache_event event = {
		.kind = EVENT_CONFIG, .id = real->row.id, .before = real->settings_before,
		.after = cache_settings_key(real->enabled, real->fallback, real->weight),
		.values = { real->enabled, real->fallback, real->weight, real->last_job },
	};

	tell(cache, &event);
}

void
cache_service_tell(struct cache *cache, struct cache_service *service, uint32_t before,
    int64_t now)
{
	const struct cache_event event = {
		.kind = EVENT_SERVICE, .id = service->row.id, .before = before,
		.after = cache_service_key(service),
		.values = { service->status, service->on_fallback,
		    service->sums.tally.active, service->sums.tally.enabled },
	};

	tell(cache, &event);
	for (uint32_t i = 0; i < service->reals.n && service->news; i++) {
		struct cache_real *real = (struct cache_real *)service->reals.rows[i];

		if (real->news & NEWS_ACTIVE)
			active_tell(cache, real, now);
		if (real->news & NEWS_CONFIG)
			config_tell(cache, real);
		real->news = 0;
	}
	service->news = false;
}

void
cache_job_tell(struct cache *cache, const struct cache_job *job)
{
	const struct cache_event event = {
		.kind = EVENT_JOB_END, .id = job->row.id, .after = 1,
	};

	tell(cache, &event);
}

void
cache_freshness_follow(struct cache *cache, struct cache_real *real, int64_t now)
{
	enum freshness is = cache_real_freshness(cache, real, now);

	if (real->freshness == FRESHNESS_FRESH && is == FRESHNESS_STALE &&
	    cache->went_stale == 0)
		cache->went_stale = real->row.id;
	if (real->freshness == FRESHNESS_STALE && is == FRESHNESS_FRESH &&
	    cache->went_fresh == 0)
		cache->went_fresh = real->row.id;
	real->freshness = (uint8_t)is;
}

static void
freshness_tell(struct cache *cache, enum cache_event_kind kind, uint32_t *id)
{
	const struct cache_real *real = cache_real_find(cache, *id);
	const struct cache_event event = {
		.kind = kind, .id = *id, .after = 1, .values = { cache->reals_stale },
		.time = real == NULL ? 0 : real->statistics.last_update,
	};

	*id = 0;
	if (real != NULL)
		tell(cache, &event);
}

void
cache_round_tell(struct cache *cache)
{
	freshness_tell(cache, EVENT_STALE, &cache->went_stale);
	freshness_tell(cache, EVENT_FRESH, &cache->went_fresh);
}
