/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Servers by name; see plane.h.
 */
#include "plane/plane.h"

#include <stdlib.h>
#include <string.h>

static int
by_name(const void *a, const void *b)
{
	const struct plane_server *x = a, *y = b;
	int order = strcmp(x->service, y->service);

	return order != 0 ? order : strcmp(x->real, y->real);
}

const struct plane_server *
plane_look_find(const struct plane_look *look, const char *service, const char *real)
{
	const struct plane_server key = { .service = service, .real = real };

	if (look->n == 0)
		return NULL;
	return bsearch(&key, look->servers, look->n, sizeof(*look->servers), by_name);
}

const struct plane_server *
plane_look_service(const struct plane_look *look, const char *service, size_t *ret_n)
{
	size_t from = 0, end = look->n;

	while (from < end) {
		size_t middle = from + (end - from) / 2;

		if (strcmp(look->servers[middle].service, service) < 0)
			from = middle + 1;
		else
			end = middle;
	}
	while (end < look->n && strcmp(look->servers[end].service, service) == 0)
		end++;
	*ret_n = end - from;
	return end > from ? &look->servers[from] : NULL;
}

void
plane_servers_sort(struct plane_server *servers, size_t n)
{
	if (n > 1)
		qsort(servers, n, sizeof(*servers), by_name);
}
