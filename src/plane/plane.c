/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Servers of a poll by name; see plane.h.
 */
#include "plane/plane.h"

#include <stdlib.h>
#include <string.h>

int
plane_server_compare(const struct plane_server *a, const struct plane_server *b)
{
	int order = strcmp(a->service, b->service);

	return order != 0 ? order : strcmp(a->real, b->real);
}

static int
by_name(const void *a, const void *b)
{
	return plane_server_compare(a, b);
}

struct plane_server *
plane_poll_find(const struct plane_poll *poll, const char *service, const char *real)
{
	const struct plane_server key = { .service = service, .real = real };

	if (poll->n == 0)
		return NULL;
	return bsearch(&key, poll->servers, poll->n, sizeof(*poll->servers), by_name);
}

const struct plane_server *
plane_poll_service(const struct plane_poll *poll, const char *service, size_t *ret_n)
{
	size_t from = 0, end = poll->n;

	while (from < end) {
		size_t middle = from + (end - from) / 2;

		if (strcmp(poll->servers[middle].service, service) < 0)
			from = middle + 1;
		else
			end = middle;
	}
	while (end < poll->n && strcmp(poll->servers[end].service, service) == 0)
		end++;
	*ret_n = end - from;
	return end > from ? &poll->servers[from] : NULL;
}
