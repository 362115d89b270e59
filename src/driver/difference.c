/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What only one side has; see difference.h.
 */
#include "driver/difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 3, LIST_MAX = 100 };

/* Servers of one kind: how many there are, and the first by name. */
struct names {
	size_t		 n;
	struct {
		const char	*service, *real;
	}		 first[SHOWN];
};

static void
names_add(struct names *names, const char *service, const char *real)
{
	size_t at = names->n < SHOWN ? names->n : SHOWN;

	names->n++;
	while (at > 0) {
		int order = strcmp(names->first[at - 1].service, service);

		if (order < 0 || (order == 0 && strcmp(names->first[at - 1].real, real) < 0))
			break;
		if (at < SHOWN)
			names->first[at] = names->first[at - 1];
		at--;
	}
	if (at < SHOWN) {
		names->first[at].service = service;
		names->first[at].real = real;
	}
}

/* "http/a, http/b and 4 more"; a name that does not fit is counted. */
static const char *
names_text(const struct names *names, char buf[LIST_MAX])
{
	size_t used = 0, shown = 0;

	while (shown < SHOWN && shown < names->n) {
		size_t room = LIST_MAX - sizeof(" and 4294967295 more") - used;
		int more = snprintf(buf + used, room, "%s%s/%s", shown > 0 ? ", " : "",
		    names->first[shown].service, names->first[shown].real);

		if ((size_t)more >= room && shown > 0)
			break;
		/* The first name is cut where it does not fit. */
		used += (size_t)more >= room ? room - 1 : (size_t)more;
		shown++;
	}
	buf[used] = '\0';
	if (shown < names->n)
		snprintf(buf + used, LIST_MAX - used, " and %zu more", names->n - shown);
	return buf;
}

/* Adds the servers of 'service' that only the data plane has. */
static void
unknown_add(const struct driver_service *service, const struct plane_poll *poll,
    const struct plane_server *servers, size_t n, struct names *unknown)
{
	bool *known = calloc(n, sizeof(*known));
	const struct driver_real *real;

	if (known == NULL)
		return;
	TREE_FOREACH(real, r, &service->branch.children) {
		const struct plane_server *server =
		    plane_poll_find(poll, service->row.name, real->row.name);

		if (server != NULL)
			known[server - servers] = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (!known[i])
			names_add(unknown, servers[i].service, servers[i].real);
	}
	free(known);
}

static void
service_compare(const struct driver_service *service, const struct plane_poll *poll,
    struct names *missing, struct names *unknown)
{
	size_t n, found = 0;
	const struct plane_server *servers = plane_poll_service(poll, service->row.name, &n);
	const struct driver_real *real;

	TREE_FOREACH(real, r, &service->branch.children) {
		if (plane_poll_find(poll, service->row.name, real->row.name) != NULL)
			found++;
		else
			names_add(missing, service->row.name, real->row.name);
	}
	if (n > found)
		unknown_add(service, poll, servers, n, unknown);
}

void
difference_write(const struct driver_cluster *cluster, const struct plane_poll *poll,
    const char *title, char buf[MODEL_MESSAGE_MAX + 1])
{
	struct names missing = { 0 }, unknown = { 0 };
	const struct driver_service *service;
	char only_store[LIST_MAX], only_plane[LIST_MAX];
	int used;

	buf[0] = '\0';
	TREE_FOREACH(service, s, &cluster->branch.children)
		service_compare(service, poll, &missing, &unknown);
	if (missing.n == 0 && unknown.n == 0)
		return;
	used = snprintf(buf, MODEL_MESSAGE_MAX + 1, PLANE_MESSAGE_DIFFERS);
	if (missing.n > 0)
		used += snprintf(buf + used, MODEL_MESSAGE_MAX + 1 - (size_t)used, "%s has no %s",
		    title, names_text(&missing, only_store));
	if (unknown.n > 0)
		snprintf(buf + used, MODEL_MESSAGE_MAX + 1 - (size_t)used,
		    "%sthe store has no %s", missing.n > 0 ? "; " : "",
		    names_text(&unknown, only_plane));
}
