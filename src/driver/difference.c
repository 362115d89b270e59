/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Servers that only the store or only the data plane has; see difference.h.
 */
#include "driver/difference.h"

#include <stdio.h>

#include "driver/plan.h"

enum { SHOWN = 3, LIST_MAX = 100 };

/* The servers that one side lacks. */
struct names {
	size_t	n, shown, used;
	char	text[LIST_MAX];		/* "http/a, http/b", then " and 4 more" */
};

/* The text keeps room for the number of further servers. The first name is cut to fit. A later
 * name that does not fit is only counted. */
static void
names_add(struct names *names, const char *service, const char *real)
{
	size_t room = LIST_MAX - sizeof(" and 4294967295 more") - names->used;
	size_t length;

	if (names->shown < SHOWN && names->shown == names->n) {
		length = (size_t)snprintf(names->text + names->used, room, "%s%s/%s",
		    names->shown > 0 ? ", " : "", service, real);
		if (length < room || names->shown == 0) {
			names->used += length < room ? length : room - 1;
			names->shown++;
		}
	}
	names->n++;
	names->text[names->used] = '\0';
	if (names->shown < names->n)
		snprintf(names->text + names->used, LIST_MAX - names->used, " and %zu more",
		    names->n - names->shown);
}

void
difference_write(const struct driver_cluster *cluster, const struct plane_poll *poll,
    const char *title, char buf[MODEL_MESSAGE_MAX + 1])
{
	struct names missing = { 0 }, unknown = { 0 };
	const struct driver_service *service;
	const struct driver_real *real;

	PLAN_FOREACH(service, real, cluster) {
		if (real->server == NULL && real->place != 0)
			names_add(&missing, service->row.name, real->row.name);
	}
	for (size_t i = 0; i < poll->n_unknown; i++)
		names_add(&unknown, poll->unknown[i].service, poll->unknown[i].real);
	buf[0] = '\0';
	if (missing.n > 0 && unknown.n > 0)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, PLANE_MESSAGE_DIFFERS "%s has no %s; the store"
		    " has no %s", title, missing.text, unknown.text);
	else if (missing.n > 0)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, PLANE_MESSAGE_DIFFERS "%s has no %s", title,
		    missing.text);
	else if (unknown.n > 0)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, PLANE_MESSAGE_DIFFERS "the store has no %s",
		    unknown.text);
}
