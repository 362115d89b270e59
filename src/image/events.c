/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What changed, told to whoever wants to know. Rows gather news while they are taken
 * in; they are told when the sums of their service are made again, so that the
 * values of an event fit together.
 */
#include "image/inside.h"

void
image_events_set(struct image *image, void (*fn)(void *arg, const struct image_event *event),
    void *arg)
{
	image->event_fn = fn;
	image->event_arg = arg;
}

uint32_t
image_settings_key(bool enabled, bool fallback, uint16_t weight)
{
	return (enabled ? 1u << 17 : 0) | (fallback ? 1u << 16 : 0) | weight;
}

uint32_t
image_service_key(const struct image_service *service)
{
	return (uint32_t)service->status << 1 | (service->on_fallback ? 1 : 0);
}

/* -- what is news ------------------------------------------------------------------ */

static void
news_add(struct image *image, struct image_real *real, uint8_t news)
{
	if (!image_telling(image))
		return;
	real->news |= news;
	real->service->news = true;
}

/* True if the settings are such that a data plane may have it do nothing. */
static bool
held(const struct image_real *real)
{
	return !real->enabled || real->weight == 0 || real->fallback;
}

void
image_settings_follow(struct image *image, struct image_real *real, uint32_t after)
{
	uint32_t before = image_settings_key(real->enabled, real->fallback, real->weight);

	if (real->node.texts == NULL /* it is new */ || before == after)
		return;
	real->was_held |= held(real);
	if ((real->news & NEWS_CONFIG) == 0)
		real->settings_before = before;
	news_add(image, real, NEWS_CONFIG);
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
by_set(const struct image *image, const struct image_real *real, bool active)
{
	int64_t since = real->statistics.last_update;
	const struct image_node *node = image_list_find(&image->jobs, real->last_job);
	const struct image_job *job = (const struct image_job *)(const void *)node;
	bool touched = real->pending_jobs > 0 || real->last_change >= since ||
	    (job != NULL && job->row.finished >= since);

	return !real->enabled ||
	    (touched && (active ? real->was_held : held(real)));
}

/* A place of a template gets and loses its address as the DNS has more or fewer servers:
 * neither is a failure or the end of one. */
static bool
by_template(const struct image_real *real, const struct statistics *row)
{
	return real->statistics.role == ROLE_SPARE || row->role == ROLE_SPARE;
}

void
image_active_follow(struct image *image, struct image_real *real, const struct statistics *row)
{
	if (!by_set(image, real, row->active) && !by_template(real, row))
		news_add(image, real, NEWS_ACTIVE);
	if (row->active)
		real->was_held = false;
}

bool
image_job_ends(const struct image_job *job, const struct job_row *row)
{
	if (job_state_open(row->state))
		return false;
	if (job->node.texts == NULL)
		return row->state != JOB_CANCELLED;
	return job_state_open(job->row.state) &&
	    !(job->row.state == JOB_HELD && row->state == JOB_CANCELLED);
}

/* -- telling ----------------------------------------------------------------------- */

static void
tell(const struct image *image, const struct image_event *event)
{
	if (image_telling(image) && event->before != event->after)
		image->event_fn(image->event_arg, event);
}

static void
active_tell(const struct image *image, const struct image_real *real, int64_t now)
{
	const struct image_event event = {
		.kind = EVENT_ACTIVE, .id = real->node.id,
		.before = !real->statistics.active, .after = real->statistics.active,
		.values = { real->statistics.active, image_real_status(image, real, now) },
		.time = real->statistics.last_update,
	};

	tell(image, &event);
}

static void
config_tell(const struct image *image, const struct image_real *real)
{
	const struct image_event event = {
		.kind = EVENT_CONFIG, .id = real->node.id, .before = real->settings_before,
		.after = image_settings_key(real->enabled, real->fallback, real->weight),
		.values = { real->enabled, real->fallback, real->weight, real->last_job },
	};

	tell(image, &event);
}

void
image_service_tell(struct image *image, struct image_service *service, uint32_t before,
    int64_t now)
{
	const struct image_event event = {
		.kind = EVENT_SERVICE, .id = service->node.id, .before = before,
		.after = image_service_key(service),
		.values = { service->status, service->on_fallback,
		    service->sums.tally.active, service->sums.tally.enabled },
	};

	tell(image, &event);
	for (uint32_t i = 0; i < service->reals.n && service->news; i++) {
		struct image_real *real = (struct image_real *)service->reals.nodes[i];

		if (real->news & NEWS_ACTIVE)
			active_tell(image, real, now);
		if (real->news & NEWS_CONFIG)
			config_tell(image, real);
		real->news = 0;
	}
	service->news = false;
}

void
image_job_tell(struct image *image, const struct image_job *job)
{
	const struct image_event event = {
		.kind = EVENT_JOB_END, .id = job->node.id, .after = 1,
	};

	tell(image, &event);
}

void
image_freshness_follow(struct image *image, struct image_real *real, int64_t now)
{
	enum freshness is = image_real_freshness(image, real, now);

	if (real->freshness == FRESHNESS_FRESH && is == FRESHNESS_STALE &&
	    image->went_stale == 0)
		image->went_stale = real->node.id;
	if (real->freshness == FRESHNESS_STALE && is == FRESHNESS_FRESH &&
	    image->went_fresh == 0)
		image->went_fresh = real->node.id;
	real->freshness = (uint8_t)is;
}

static void
freshness_tell(struct image *image, enum image_event_kind kind, uint32_t *id)
{
	const struct image_real *real = image_real_find(image, *id);
	const struct image_event event = {
		.kind = kind, .id = *id, .after = 1, .values = { image->reals_stale },
		.time = real == NULL ? 0 : real->statistics.last_update,
	};

	*id = 0;
	if (real != NULL)
		tell(image, &event);
}

void
image_round_tell(struct image *image)
{
	freshness_tell(image, EVENT_STALE, &image->went_stale);
	freshness_tell(image, EVENT_FRESH, &image->went_fresh);
}
