/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Servers of HAProxy for the rows of the store; see haproxy_match.h.
 */
#include "plane/haproxy/haproxy_match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- the rows -------------------------------------------------------------------------- */

void
haproxy_targets_done(struct haproxy_targets *targets)
{
	free(targets->reals);
	free(targets->services);
	free(targets->texts);
	*targets = (struct haproxy_targets){ 0 };
}

bool
haproxy_targets_set(struct haproxy_targets *ret, const struct plane_target *targets, size_t n)
{
	size_t size = 1;
	char *at;

	haproxy_targets_done(ret);
	for (size_t i = 0; i < n; i++)
		size += strlen(targets[i].name) + 1;
	ret->reals = calloc(n + 1, sizeof(*ret->reals));
	ret->services = calloc(n + 1, sizeof(*ret->services));
	at = ret->texts = malloc(size);
	if (ret->reals == NULL || ret->services == NULL || at == NULL) {
		haproxy_targets_done(ret);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (targets[i].is_service)
			ret->services[ret->n_services++] = at;
		else
			ret->reals[ret->n_reals++] =
			    (struct plane_name){ ret->services[ret->n_services - 1], at };
		at = stpcpy(at, targets[i].name) + 1;
	}
	return true;
}

/* -- servers ---------------------------------------------------------------------------- */

static int
name_compare(const struct plane_name *a, const struct plane_name *b)
{
	int order = strcmp(a->service, b->service);

	return order != 0 ? order : strcmp(a->real, b->real);
}

int
haproxy_found_compare(const struct haproxy_found *a, const struct haproxy_found *b)
{
	return name_compare(&a->name, &b->name);
}

static int
by_name(const void *name, const void *found)
{
	return name_compare(name, &((const struct haproxy_found *)found)->name);
}

/* Returns the first of the *ret_n servers of a service. */
static struct haproxy_found *
found_of(struct haproxy_found *found, size_t n, const char *service, size_t *ret_n)
{
	size_t from = 0, end = n;

	while (from < end) {
		size_t middle = from + (end - from) / 2;

		if (strcmp(found[middle].name.service, service) < 0)
			from = middle + 1;
		else
			end = middle;
	}
	while (end < n && strcmp(found[end].name.service, service) == 0)
		end++;
	*ret_n = end - from;
	return found + from;
}

/* True if another server of the same pool has an address. */
static bool
pool_works(const struct haproxy_found *server, const struct haproxy_found *others, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!others[i].no_address && strcmp(others[i].pool, server->pool) == 0)
			return true;
	}
	return false;
}

static void
spares_mark(struct haproxy_found *found, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct plane_server *server = &found[i].server;

		if (!found[i].no_address || found[i].pool[0] == '\0' ||
		    !pool_works(&found[i], found, n))
			continue;
		server->role = ROLE_SPARE;
		snprintf(server->message, sizeof(server->message),
		    "spare place of a template: %.100s has no address for it", found[i].pool);
	}
}

bool
haproxy_match(const struct haproxy_targets *targets, struct haproxy_found *found, size_t n,
    struct plane_poll *poll)
{
	poll->servers = calloc(targets->n_reals + 1, sizeof(*poll->servers));
	poll->unknown = calloc(n + 1, sizeof(*poll->unknown));
	poll->n_unknown = 0;
	if (poll->servers == NULL || poll->unknown == NULL)
		return false;
	for (size_t i = 0; i < targets->n_services; i++) {
		size_t n_of;
		struct haproxy_found *of = found_of(found, n, targets->services[i], &n_of);

		spares_mark(of, n_of);
	}
	for (size_t i = 0; i < targets->n_reals; i++) {
		struct haproxy_found *of = n == 0 ? NULL :
		    bsearch(&targets->reals[i], found, n, sizeof(*found), by_name);

		if (of == NULL)
			continue;
		of->known = true;
		poll->servers[i] = of->server;
	}
	for (size_t i = 0; i < targets->n_services; i++) {
		size_t n_of;
		struct haproxy_found *of = found_of(found, n, targets->services[i], &n_of);

		for (size_t j = 0; j < n_of; j++) {
			if (!of[j].known)
				poll->unknown[poll->n_unknown++] = of[j].name;
		}
	}
	return true;
}
