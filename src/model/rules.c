/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rules for changes; see rules.h. A rule is a row of a table. The state after all changes is
 * computed once (struct request). A rule looks rows up in it, so the cost is linear.
 */
#include "model/rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/idmap.h"
#include "util/memory.h"

/* A real service or service of the request. */
struct target {
	const struct rules_before	*before;
	const struct change		*last[WRITABLE_COLUMNS];	/* NULL: no change */
};

struct request {
	const struct change		*changes;
	const struct rules_before	*before;
	struct target			*targets;
	size_t				 n_targets;
	struct idmap			 by_real, by_service;	/* struct target */
	/* By service: the first target that becomes its fallback. */
	struct idmap			 fallbacks;	/* struct target */
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
	case SERVICE_ENABLED:
		return before->service_enabled;
	}
	return 0;
}

static uint32_t
value_after(const struct target *real, enum real_column column)
{
	return real->last[column] != NULL ? real->last[column]->value :
	    rules_value_before(real->before, column);
}

/* -- the state after ------------------------------------------------------ */

/* Returns the target of change 'i', a new one if needed; NULL if out of memory. */
static struct target *
target_of(struct request *request, size_t i)
{
	struct idmap *map = request->changes[i].column == SERVICE_ENABLED ?
	    &request->by_service : &request->by_real;
	uint32_t id = request->changes[i].id;
	struct target *target = idmap_get(map, id);

	if (target == NULL) {
		target = &request->targets[request->n_targets++];
		target->before = &request->before[i];
		if (!idmap_put(map, id, target))
			return NULL;
	}
	return target;
}

static bool
fallback_add(struct request *request, struct target *real)
{
	uint32_t service = real->before->service_id;

	return idmap_get(&request->fallbacks, service) != NULL ||
	    idmap_put(&request->fallbacks, service, real);
}

static void
request_done(struct request *request)
{
	free(request->targets);
	idmap_done(&request->by_real);
	idmap_done(&request->by_service);
	idmap_done(&request->fallbacks);
}

static bool
changes_value(const struct request *request, size_t i)
{
	const struct change *change = &request->changes[i];

	return change->value != rules_value_before(&request->before[i], change->column);
}

/* Computes the state after all changes. False if out of memory. */
static bool
request_init(struct request *request, size_t n, bool *ret_effective)
{
	request->targets = calloc(n, sizeof(*request->targets));
	if (request->targets == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct target *target = target_of(request, i);

		if (target == NULL)
			return false;
		target->last[request->changes[i].column] = &request->changes[i];
	}
	for (size_t i = 0; i < n; i++) {
		const struct change *change = &request->changes[i];
		struct target *target = target_of(request, i);

		ret_effective[i] = target->last[change->column] == change &&
		    (changes_value(request, i) || request->before[i].pending);
		if (ret_effective[i] && changes_value(request, i) &&
		    change->column == REAL_FALLBACK && change->value != 0 &&
		    !fallback_add(request, target))
			return false;
	}
	return true;
}

/* -- the rules ------------------------------------------------------------ */

/* Writes a message and, if it fits, what to do. Returns true. */
static bool __attribute__((format(printf, 3, 4)))
explain(char text[MODEL_MESSAGE_MAX + 1], const char *advice, const char *fmt, ...)
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
value_too_high(const struct request *request, size_t i, char text[])
{
	const struct change *change = &request->changes[i];
	const struct rules_before *before = &request->before[i];
	const struct plane_kind *kind = plane_kind_find(before->plane);
	uint32_t max = change->column == REAL_WEIGHT ? MODEL_WEIGHT_MAX : 1;
	char path[PATH_TEXT_SIZE], limit[sizeof(before->plane) + 32] = "";

	if (change->column == REAL_WEIGHT && kind != NULL && kind->weight_max < max) {
		max = kind->weight_max;
		snprintf(limit, sizeof(limit), ", the limit of plane %s", kind->name);
	}
	if (change->value <= max)
		return false;
	return explain(text, limit, "%s: %s %" PRIu32 " is above %" PRIu32,
	    path_text(&before->path, path), real_column_name(change->column), change->value,
	    max);
}

static bool
fallback_taken(const struct request *request, size_t i, char text[])
{
	const struct change *change = &request->changes[i];
	const struct rules_before *before = &request->before[i];
	const struct target *holder, *first;
	struct path service = before->path;
	char path[PATH_TEXT_SIZE];

	if (change->column != REAL_FALLBACK || change->value == 0)
		return false;
	service.real[0] = '\0';
	holder = idmap_get(&request->by_real, before->fallback_id);
	if (before->fallback_id != 0 && (holder == NULL || value_after(holder, REAL_FALLBACK) != 0))
		return explain(text, "; disable its fallback first or in the same request",
		    "%s: fallback is %s already", path_text(&service, path),
		    before->fallback_name);
	first = idmap_get(&request->fallbacks, before->service_id);
	if (first->last[REAL_FALLBACK] == change)
		return false;
	return explain(text, "; a service has one fallback",
	    "%s: the same request makes %s fallback", path_text(&service, path),
	    first->before->path.real);
}

static bool
fallback_not_enabled(const struct request *request, size_t i, char text[])
{
	const struct change *change = &request->changes[i];
	const struct rules_before *before = &request->before[i];
	char path[PATH_TEXT_SIZE];

	if (change->column != REAL_FALLBACK || change->value == 0 ||
	    value_after(idmap_get(&request->by_real, change->id), REAL_ENABLED) != 0)
		return false;
	path_text(&before->path, path);
	if (before->enabled)
		return explain(text, "; a fallback must be enabled",
		    "%s: the same request disables it", path);
	return explain(text, "; enable it first or in the same request", "%s: not enabled", path);
}

/* Checked in this order, for effective changes. The first broken rule gives the reason. */
static const struct {
	enum reject_reason	reason;
	/* True if change 'i' breaks the rule; then writes the message. */
	bool			(*broken)(const struct request *request, size_t i, char text[]);
} rules[] = {
	{ REJECT_VALUE_OUT_OF_RANGE, value_too_high },
	{ REJECT_FALLBACK_TAKEN, fallback_taken },
	{ REJECT_FALLBACK_NEEDS_ENABLED, fallback_not_enabled },
};

static enum err_code
request_judge(const struct request *request, size_t n, const bool *effective,
    struct verdict *ret_verdict)
{
	for (size_t i = 0; i < n; i++) {
		bool asked = effective[i] && changes_value(request, i);

		for (size_t r = 0; asked && r < ROWS(rules); r++) {
			if (rules[r].broken(request, i, ret_verdict->text)) {
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
	struct request request = { .changes = changes, .before = before };
	enum err_code code;

	*ret_verdict = (struct verdict){ .reason = REJECT_NONE };
	if (n == 0)
		return ERR_OK;
	if (request_init(&request, n, ret_effective)) {
		code = request_judge(&request, n, ret_effective, ret_verdict);
	} else {
		ret_verdict->reason = REJECT_OTHER;
		explain(ret_verdict->text, "", "%s", err_name(ERR_NOMEM));
		code = ERR_NOMEM;
	}
	request_done(&request);
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
