/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The preconditions; see rules.h. A rule is a row of a table. What all changes
 * together would make of the rows is laid out once ("world"), so that a rule sees
 * a change and the state as it would be after, and the cost of a request grows
 * with its size and not with the square of it.
 */
#include "model/rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/idmap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { REAL_COLUMNS = REAL_WEIGHT + 1 };

/* A real service that the request names. */
struct touched {
	const struct rules_before	*before;
	const struct change		*last[REAL_COLUMNS];	/* decides it; or NULL */
};

struct world {
	const struct change		*changes;
	const struct rules_before	*before;
	struct touched			*reals;
	struct idmap			 by_real;	/* struct touched */
	/* Of each service, the first that this request makes fallback. */
	struct idmap			 claims;	/* struct touched */
};

uint32_t
rules_value_before(const struct rules_before *before, enum real_column column)
{
	switch (column) {
	case REAL_ENABLED:
		return before->enabled;
	case REAL_FALLBACK:
		return before->fallback;
	case REAL_WEIGHT:
		return before->weight;
	}
	return 0;
}

static uint32_t
value_after(const struct touched *real, enum real_column column)
{
	return real->last[column] != NULL ? real->last[column]->value :
	    rules_value_before(real->before, column);
}

/* -- the world after ------------------------------------------------------ */

/* The entry of the real service that change 'i' is for, made if it is new. */
static struct touched *
touched_of(struct world *world, size_t i)
{
	uint32_t id = world->changes[i].real_id;
	struct touched *real = idmap_get(&world->by_real, id);

	if (real == NULL) {
		real = &world->reals[idmap_count(&world->by_real)];
		real->before = &world->before[i];
		if (!idmap_put(&world->by_real, id, real))
			return NULL;
	}
	return real;
}

static bool
claim_add(struct world *world, struct touched *real)
{
	uint32_t service = real->before->service_id;

	return idmap_get(&world->claims, service) != NULL ||
	    idmap_put(&world->claims, service, real);
}

static void
world_done(struct world *world)
{
	free(world->reals);
	idmap_done(&world->by_real);
	idmap_done(&world->claims);
}

static bool
changes_value(const struct world *world, size_t i)
{
	const struct change *change = &world->changes[i];

	return change->value != rules_value_before(&world->before[i], change->column);
}

/* False without memory. */
static bool
world_init(struct world *world, size_t n, bool *ret_effective)
{
	world->reals = calloc(n, sizeof(*world->reals));
	if (world->reals == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct touched *real = touched_of(world, i);

		if (real == NULL)
			return false;
		real->last[world->changes[i].column] = &world->changes[i];
	}
	for (size_t i = 0; i < n; i++) {
		const struct change *change = &world->changes[i];
		struct touched *real = idmap_get(&world->by_real, change->real_id);

		ret_effective[i] = real->last[change->column] == change &&
		    (changes_value(world, i) || world->before[i].pending);
		if (ret_effective[i] && changes_value(world, i) &&
		    change->column == REAL_FALLBACK && change->value != 0 &&
		    !claim_add(world, real))
			return false;
	}
	return true;
}

/* -- the rules ------------------------------------------------------------ */

/* Writes a fact and, if it still fits whole, what to do about it. */
static bool __attribute__((format(printf, 3, 4)))
say(char text[MODEL_MESSAGE_MAX + 1], const char *advice, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(text, MODEL_MESSAGE_MAX + 1, fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (n + strlen(advice) <= MODEL_MESSAGE_MAX)
		memcpy(text + n, advice, strlen(advice) + 1);
	return true;
}

static bool
value_too_high(const struct world *world, size_t i, char text[])
{
	const struct change *change = &world->changes[i];
	const struct rules_before *before = &world->before[i];
	const struct plane_kind *kind = plane_kind_find(before->plane);
	uint32_t max = change->column == REAL_WEIGHT ? MODEL_WEIGHT_MAX : 1;
	char path[PATH_TEXT_SIZE], who[sizeof(before->plane) + 32] = "";

	if (change->column == REAL_WEIGHT && kind != NULL && kind->weight_max < max) {
		max = kind->weight_max;
		snprintf(who, sizeof(who), ", the most that plane %s takes", kind->name);
	}
	if (change->value <= max)
		return false;
	return say(text, who, "%s: %s %" PRIu32 " is above %" PRIu32,
	    path_text(&before->path, path), real_column_name(change->column), change->value,
	    max);
}

static bool
fallback_taken(const struct world *world, size_t i, char text[])
{
	const struct change *change = &world->changes[i];
	const struct rules_before *before = &world->before[i];
	const struct touched *holder, *claim;
	struct path service = before->path;
	char path[PATH_TEXT_SIZE];

	if (change->column != REAL_FALLBACK || change->value == 0)
		return false;
	service.real[0] = '\0';
	holder = idmap_get(&world->by_real, before->fallback_id);
	if (before->fallback_id != 0 &&
	    (holder == NULL || value_after(holder, REAL_FALLBACK) != 0))
		return say(text, "; disable its fallback first or in the same request",
		    "%s: fallback is %s already", path_text(&service, path),
		    before->fallback_name);
	claim = idmap_get(&world->claims, before->service_id);
	if (claim->last[REAL_FALLBACK] == change)
		return false;
	return say(text, "; a service has one fallback", "%s: the same request makes %s fallback",
	    path_text(&service, path), claim->before->path.real);
}

static bool
fallback_not_enabled(const struct world *world, size_t i, char text[])
{
	const struct change *change = &world->changes[i];
	const struct rules_before *before = &world->before[i];
	char path[PATH_TEXT_SIZE];

	if (change->column != REAL_FALLBACK || change->value == 0 ||
	    value_after(idmap_get(&world->by_real, change->real_id), REAL_ENABLED) != 0)
		return false;
	path_text(&before->path, path);
	if (before->enabled)
		return say(text, "; a fallback must be enabled",
		    "%s: the same request disables it", path);
	return say(text, "; enable it first or in the same request", "%s: not enabled", path);
}

/* Asked in this order, of effective changes of a value only; the first that is broken
 * tells its reason. */
static const struct {
	enum reject_reason	reason;
	/* True if change 'i' breaks the rule; 'text' then says how. */
	bool			(*broken)(const struct world *world, size_t i, char text[]);
} rules[] = {
	{ REJECT_VALUE_OUT_OF_RANGE, value_too_high },
	{ REJECT_FALLBACK_TAKEN, fallback_taken },
	{ REJECT_FALLBACK_NEEDS_ENABLED, fallback_not_enabled },
};

static enum err_code
world_judge(const struct world *world, size_t n, const bool *effective,
    struct verdict *ret_verdict)
{
	for (size_t i = 0; i < n; i++) {
		bool asked = effective[i] && changes_value(world, i);

		for (size_t r = 0; asked && r < COUNT(rules); r++) {
			if (rules[r].broken(world, i, ret_verdict->text)) {
				ret_verdict->reason = rules[r].reason;
				ret_verdict->index = i;
				return ERR_PRECOND;
			}
		}
	}
	return ERR_OK;
}

enum err_code
rules_judge(const struct change *changes, const struct rules_before *before, size_t n,
    bool *ret_effective, struct verdict *ret_verdict)
{
	struct world world = { .changes = changes, .before = before };
	enum err_code code;

	*ret_verdict = (struct verdict){ .reason = REJECT_NONE };
	if (n == 0)
		return ERR_OK;
	if (world_init(&world, n, ret_effective)) {
		code = world_judge(&world, n, ret_effective, ret_verdict);
	} else {
		ret_verdict->reason = REJECT_OTHER;
		say(ret_verdict->text, "", "%s", err_name(ERR_NOMEM));
		code = ERR_NOMEM;
	}
	world_done(&world);
	return code;
}

bool
rules_judge_lock(uint32_t lock, int64_t expected, struct verdict *ret_verdict)
{
	if (expected == lock)
		return true;
	ret_verdict->reason = REJECT_LOCK_MISMATCH;
	snprintf(ret_verdict->text, sizeof(ret_verdict->text), "lbcSysSetLock is %u, not %lld: "
	    "another manager changed it; read it again", lock, (long long)expected);
	return false;
}
