/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Derived status; see status.h.
 */
#include "model/status.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

/* 'badness' orders the services of a cluster: the worst one shows. */
static const struct {
	const char	*name;
	int		 badness;
} lb_statuses[] = {
	[STATUS_UP] = { "up", 1 },
	[STATUS_DEGRADED] = { "degraded", 3 },
	[STATUS_ON_FALLBACK] = { "onFallback", 4 },
	[STATUS_DOWN] = { "down", 5 },
	[STATUS_DISABLED] = { "disabled", 0 },
	[STATUS_UNKNOWN] = { "unknown", 2 },
};

static const char *
word_of(const char *const words[], size_t n, size_t number)
{
	return number >= 1 && number < n ? words[number] : "?";
}

const char *
freshness_name(enum freshness freshness)
{
	return word_of(freshnesses, COUNT(freshnesses), freshness);
}

const char *
oper_status_name(enum oper_status status)
{
	return word_of(oper_statuses, COUNT(oper_statuses), status);
}

const char *
lb_status_name(enum lb_status status)
{
	return (size_t)status >= 1 && (size_t)status < COUNT(lb_statuses) ?
	    lb_statuses[status].name : "?";
}

/* Times come from collectors of other people: any number must do. */
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
}

enum lb_status
status_service(const struct status_tally *tally)
{
	if (tally->enabled == 0)
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
	return tally->fallback_active > 0 && tally->plain_active == 0;
}

enum oper_status
status_real(const struct status_real *real, const struct status_tally *tally)
{
	if (!real->enabled)
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
	return lb_statuses[service].badness > lb_statuses[so_far].badness ? service : so_far;
}
