/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "model/status.h"

#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/memory.h"

static const char *const freshnesses[] = {
	[FRESHNESS_FRESH] = "fresh",
	[FRESHNESS_STALE] = "stale",
	[FRESHNESS_NEVER] = "never",
};

static const char *const oper_statuses[] = {
	[OPER_IN_USE] = "inUse",
	[OPER_STANDBY] = "standby",
	[OPER_DRAINING] = "draining",
	[OPER_INACTIVE] = "inactive",
	[OPER_DISABLED] = "disabled",
	[OPER_UNKNOWN] = "unknown",
};

static const char *const lb_statuses[] = {
	[STATUS_UP] = "up",
	[STATUS_DEGRADED] = "degraded",
	[STATUS_ON_FALLBACK] = "onFallback",
	[STATUS_DOWN] = "down",
	[STATUS_DISABLED] = "disabled",
	[STATUS_UNKNOWN] = "unknown",
};

/* A cluster has the status of its service with the highest number here. */
static const int badness[] = {
	[STATUS_UP] = 1,
	[STATUS_DEGRADED] = 3,
	[STATUS_ON_FALLBACK] = 4,
	[STATUS_DOWN] = 5,
	[STATUS_DISABLED] = 0,
	[STATUS_UNKNOWN] = 2,
};

static const char *
name_of(const char *const names[], size_t n, size_t number)
{
	return number >= 1 && number < n ? names[number] : "?";
}

const char *
freshness_name(enum freshness freshness)
{
	return name_of(freshnesses, ROWS(freshnesses), freshness);
}

const char *
oper_status_name(enum oper_status status)
{
	return name_of(oper_statuses, ROWS(oper_statuses), status);
}

const char *
lb_status_name(enum lb_status status)
{
	return name_of(lb_statuses, ROWS(lb_statuses), status);
}

/* Returns the age. The time may be any number, because a collector wrote it. */
static int64_t
age_of(int64_t last_update, int64_t now)
{
	int64_t age;

	if (last_update >= now)
		return 0;
	return __builtin_sub_overflow(now, last_update, &age) ? INT64_MAX : age;
}

enum freshness
status_freshness(int64_t last_update, int64_t now, uint32_t stale_after_s)
{
	if (last_update == 0)
		return FRESHNESS_NEVER;
	return age_of(last_update, now) > stale_after_s ? FRESHNESS_STALE : FRESHNESS_FRESH;
}

uint32_t
status_age(int64_t last_update, int64_t now)
{
	int64_t age = age_of(last_update, now);

	if (last_update == 0)
		return UINT32_MAX;
	return age >= UINT32_MAX ? UINT32_MAX - 1 : (uint32_t)age;
}

static bool
is_member(const struct status_real *real)
{
	return !real->fallback && real->role == ROLE_MEMBER;
}

static bool
is_fallback(const struct status_real *real)
{
	return real->fallback || real->role == ROLE_BACKUP;
}

/* -- data planes ------------------------------------------------------------- */

enum { POLLS_MISSED_MAX = 3, UNATTENDED_MIN_S = 5 };

/* Returns the seconds after a poll in which the plane counts as attended. */
static int64_t
poll_valid_s(const struct driver_poll *poll)
{
	int64_t s = ((int64_t)poll->interval_ms * POLLS_MISSED_MAX + 999) / 1000;

	return s < UNATTENDED_MIN_S ? UNATTENDED_MIN_S : s;
}

static bool
poll_is_ahead(const struct driver_poll *poll, int64_t now)
{
	return poll->time > now && age_of(now, poll->time) > poll_valid_s(poll);
}

static void
unattended_text(const char *plane, const struct driver_poll *poll, int64_t now,
    char text[MODEL_MESSAGE_MAX + 1])
{
	const struct plane_kind *kind = plane_kind_find(plane);
	char since[CLOCK_TEXT_SIZE];

	if (kind == NULL)
		snprintf(text, MODEL_MESSAGE_MAX + 1, "this release has no driver for plane %.32s",
		    plane);
	else if (poll == NULL)
		snprintf(text, MODEL_MESSAGE_MAX + 1, "lbcluster-stats.db cannot be read; it is "
		    "unknown whether %s runs", kind->driver);
	else if (poll->time == 0)
		snprintf(text, MODEL_MESSAGE_MAX + 1, "%s has not polled %s yet; start it",
		    kind->driver, kind->title);
	else
		snprintf(text, MODEL_MESSAGE_MAX + 1,
		    "%s has not polled %s since %s%s; start it", kind->driver, kind->title,
		    clock_text(poll->time, since),
		    poll_is_ahead(poll, now) ? " (the clock was set back since then)" : "");
}

static bool
has_driver(const char *plane, bool checked)
{
	return checked || strcmp(plane, "none") != 0;
}

enum plane_status
status_plane_status(const char *plane, bool checked, enum plane_status recorded,
    const struct driver_poll *poll, int64_t now)
{
	/* PLANE_STATUS_NONE: the plane of the cluster was changed, and no driver has polled the new
	 * one. */
	bool polled = poll != NULL && poll->time != 0 && recorded != PLANE_STATUS_NONE &&
	    !poll_is_ahead(poll, now) && age_of(poll->time, now) <= poll_valid_s(poll);

	return polled || !has_driver(plane, checked) ? recorded : PLANE_STATUS_UNATTENDED;
}

void
status_plane(const char *plane, bool checked, enum plane_status recorded, const char *message,
    const struct driver_poll *poll, int64_t now, struct plane_view *ret)
{
	static const struct driver_poll never;

	ret->status = status_plane_status(plane, checked, recorded, poll, now);
	ret->has_driver = has_driver(plane, checked);
	if (ret->status != PLANE_STATUS_UNATTENDED)
		snprintf(ret->message, sizeof(ret->message), "%s", message);
	else
		unattended_text(plane, poll != NULL && recorded == PLANE_STATUS_NONE ? &never :
		    poll, now, ret->message);
}

/* -- real services ------------------------------------------------------------ */

void
status_tally_add(struct status_tally *tally, const struct status_real *real)
{
	bool known = real->enabled && real->freshness == FRESHNESS_FRESH;
	bool active = known && real->active;

	tally->reals++;
	tally->enabled += real->enabled;
	tally->known += known;
	tally->active += active;
	tally->plain += real->enabled && is_member(real);
	tally->plain_active += active && is_member(real);
	tally->fallback_active += active && is_fallback(real);
	tally->plain_weighted |= active && is_member(real) && real->weight > 0;
	tally->fallback_weighted |= active && is_fallback(real) && real->weight > 0;
}

enum lb_status
status_service(const struct status_tally *tally)
{
	if (tally->disabled || tally->enabled == 0)
		return STATUS_DISABLED;
	if (tally->known == 0)
		return STATUS_UNKNOWN;
	if (tally->plain_active > 0)
		return tally->plain_active == tally->plain ? STATUS_UP : STATUS_DEGRADED;
	return tally->fallback_active > 0 ? STATUS_ON_FALLBACK : STATUS_DOWN;
}

bool
status_on_fallback(const struct status_tally *tally)
{
	return !tally->disabled && tally->fallback_active > 0 && tally->plain_active == 0;
}

enum drained
status_drained(const struct status_tally *tally)
{
	if (tally->disabled || tally->plain_weighted ||
	    tally->plain_active + tally->fallback_active == 0)
		return DRAINED_NO;
	if (!tally->fallback_weighted)
		return DRAINED_ALL;
	return tally->plain_active > 0 ? DRAINED_TO_FALLBACK : DRAINED_NO;
}

enum oper_status
status_real(const struct status_real *real, const struct status_tally *tally)
{
	if (tally->disabled || !real->enabled)
		return OPER_DISABLED;
	if (real->freshness != FRESHNESS_FRESH)
		return OPER_UNKNOWN;
	if (!real->active)
		return OPER_INACTIVE;
	if (real->weight == 0)
		return OPER_DRAINING;
	return is_fallback(real) && tally->plain_active > 0 ? OPER_STANDBY : OPER_IN_USE;
}

enum lb_status
status_cluster_add(enum lb_status so_far, enum lb_status service)
{
	return badness[service] > badness[so_far] ? service : so_far;
}
