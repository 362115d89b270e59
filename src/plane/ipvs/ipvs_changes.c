/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The changes between two tables of IPVS; see ipvs_table.h.
 */
#include "plane/ipvs/ipvs_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* The kinds of changes, in the order in which they are sent. */
enum phase { PHASE_SERVICE, PHASE_WORK, PHASE_DRAIN, PHASE_DELETE, PHASES };

struct changes {
	const struct ipvs_table	*have, *wanted;
	enum phase		 phase;		/* only changes of this phase are added */
	struct ipvs_request	*requests;
	size_t			 n, room;
};

static bool
change_add(struct changes *changes, enum phase phase, uint8_t command,
    const struct ipvs_service *service, const struct ipvs_dest *dest)
{
	struct ipvs_request *requests;

	if (phase != changes->phase)
		return true;
	requests = memory_array_reserve(changes->requests, changes->n, &changes->room,
	    sizeof(*requests));
	if (requests == NULL)
		return false;
	changes->requests = requests;
	requests += changes->n++;
	*requests = (struct ipvs_request){ .command = command, .service = *service };
	if (dest != NULL)
		requests->dest = *dest;
	return true;
}

bool
ipvs_service_same(const struct ipvs_service *a, const struct ipvs_service *b)
{
	return strcmp(a->scheduler, b->scheduler) == 0 && a->flags == b->flags &&
	    a->timeout_s == b->timeout_s && a->netmask == b->netmask;
}

static bool
dest_same(const struct ipvs_dest *a, const struct ipvs_dest *b)
{
	return a->forward == b->forward && a->weight == b->weight && a->upper == b->upper &&
	    a->lower == b->lower;
}

static int
dest_compare(const struct ipvs_dest *a, const struct ipvs_dest *b)
{
	return ipvs_endpoint_compare(&a->address, a->port, &b->address, b->port);
}

/* Adds the changes between the destinations of a service, which both tables have in the same order.
 * 'have' is NULL if the kernel lacks the service. */
static bool
dests_change(struct changes *changes, const struct ipvs_entry *have,
    const struct ipvs_entry *wanted)
{
	size_t i = 0, j = 0, n = have == NULL ? 0 : have->n;
	bool ok = true;

	while (ok && (i < n || j < wanted->n)) {
		int order = i == n ? 1 : j == wanted->n ? -1 :
		    dest_compare(&have->dests[i], &wanted->dests[j]);

		if (order < 0)
			ok = change_add(changes, PHASE_DELETE, IPVS_CMD_DEL_DEST, &have->service,
			    &have->dests[i]);
		else if (order > 0 || !dest_same(&have->dests[i], &wanted->dests[j]))
			ok = change_add(changes,
			    wanted->dests[j].weight > 0 ? PHASE_WORK : PHASE_DRAIN,
			    order > 0 ? IPVS_CMD_NEW_DEST : IPVS_CMD_SET_DEST, &wanted->service,
			    &wanted->dests[j]);
		i += order <= 0;
		j += order >= 0;
	}
	return ok;
}

/* Adds the changes of one phase. A deleted service takes its destinations with it. */
static bool
phase_make(struct changes *changes)
{
	for (size_t i = 0; i < changes->wanted->n; i++) {
		const struct ipvs_entry *wanted = &changes->wanted->entries[i];
		const struct ipvs_entry *have = ipvs_table_service(changes->have,
		    &wanted->service.key);

		if (((have == NULL || !ipvs_service_same(&have->service, &wanted->service)) &&
		    !change_add(changes, PHASE_SERVICE, have == NULL ? IPVS_CMD_NEW_SERVICE :
		    IPVS_CMD_SET_SERVICE, &wanted->service, NULL)) ||
		    !dests_change(changes, have, wanted))
			return false;
	}
	for (size_t i = 0; i < changes->have->n; i++) {
		const struct ipvs_service *service = &changes->have->entries[i].service;

		if (ipvs_table_service(changes->wanted, &service->key) == NULL &&
		    !change_add(changes, PHASE_DELETE, IPVS_CMD_DEL_SERVICE, service, NULL))
			return false;
	}
	return true;
}

bool
ipvs_changes_make(const struct ipvs_table *have, const struct ipvs_table *wanted,
    struct ipvs_request **ret, size_t *ret_n)
{
	struct changes changes = { .have = have, .wanted = wanted };

	for (unsigned int phase = 0; phase < PHASES; phase++) {
		changes.phase = (enum phase)phase;
		if (!phase_make(&changes)) {
			free(changes.requests);
			return false;
		}
	}
	*ret = changes.requests;
	*ret_n = changes.n;
	return true;
}

bool
ipvs_change_is_done(const struct ipvs_request *request)
{
	if (request->command == IPVS_CMD_DEL_SERVICE)
		return request->error == ESRCH;
	return request->command == IPVS_CMD_DEL_DEST &&
	    (request->error == ENOENT || request->error == ESRCH);
}
