/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tables of IPVS, and polls; see ipvs_table.h.
 */
#include "plane/ipvs/ipvs_table.h"

#include <errno.h>
#include <stdlib.h>

#include "util/memory.h"

void
ipvs_table_done(struct ipvs_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->entries[i].dests);
	free(table->entries);
	*table = (struct ipvs_table){ 0 };
}

bool
ipvs_table_service_add(struct ipvs_table *table, const struct ipvs_service *service)
{
	struct ipvs_entry *entries = memory_array_reserve(table->entries, table->n, &table->room,
	    sizeof(*entries));

	if (entries == NULL)
		return false;
	table->entries = entries;
	entries[table->n++] = (struct ipvs_entry){ .service = *service };
	return true;
}

static bool
entry_dest_add(struct ipvs_entry *entry, const struct ipvs_dest *dest)
{
	struct ipvs_dest *dests = memory_array_reserve(entry->dests, entry->n, &entry->room,
	    sizeof(*dests));

	if (dests == NULL)
		return false;
	entry->dests = dests;
	dests[entry->n++] = *dest;
	return true;
}

bool
ipvs_table_dest_add(struct ipvs_table *table, const struct ipvs_dest *dest)
{
	return entry_dest_add(&table->entries[table->n - 1], dest);
}

void
ipvs_table_service_drop(struct ipvs_table *table)
{
	free(table->entries[--table->n].dests);
}

static int
by_key(const void *a, const void *b)
{
	return ipvs_key_compare(&((const struct ipvs_entry *)a)->service.key,
	    &((const struct ipvs_entry *)b)->service.key);
}

static int
by_endpoint(const void *a, const void *b)
{
	const struct ipvs_dest *first = a, *second = b;

	return ipvs_endpoint_compare(&first->address, first->port, &second->address,
	    second->port);
}

/* Sorts destinations. The kernel dumps the latest destination first, so those that the driver added
 * in rising order come in falling order. qsort(3) is not used for these, nor for sorted ones,
 * because it moves large elements. */
static void
dests_sort(struct ipvs_dest *dests, size_t n)
{
	size_t rising = 1, falling = 1;

	while (rising < n && by_endpoint(&dests[rising - 1], &dests[rising]) < 0)
		rising++;
	if (rising >= n)
		return;
	while (falling < n && by_endpoint(&dests[falling - 1], &dests[falling]) > 0)
		falling++;
	if (falling < n) {
		qsort(dests, n, sizeof(*dests), by_endpoint);
		return;
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct ipvs_dest dest = dests[i];

		dests[i] = dests[n - 1 - i];
		dests[n - 1 - i] = dest;
	}
}

void
ipvs_table_sort(struct ipvs_table *table)
{
	if (table->n > 0)
		qsort(table->entries, table->n, sizeof(*table->entries), by_key);
	for (size_t i = 0; i < table->n; i++)
		dests_sort(table->entries[i].dests, table->entries[i].n);
}

struct ipvs_entry *
ipvs_table_service(const struct ipvs_table *table, const struct ipvs_key *key)
{
	const struct ipvs_entry wanted = { .service.key = *key };

	if (table->n == 0)
		return NULL;
	return bsearch(&wanted, table->entries, table->n, sizeof(wanted), by_key);
}

struct ipvs_dest *
ipvs_entry_dest(const struct ipvs_entry *entry, const struct ipvs_address *address,
    uint16_t port)
{
	const struct ipvs_dest wanted = { .address = *address, .port = port };

	if (entry->n == 0)
		return NULL;
	return bsearch(&wanted, entry->dests, entry->n, sizeof(wanted), by_endpoint);
}

/* -- polls -------------------------------------------------------------------------------- */

struct ipvs_poll {
	struct ipvs_socket	*socket;
	struct ipvs_table	*table;
	ipvs_wanted_fn		 wanted;
	ipvs_expected_fn	 expected;
	ipvs_done_fn		 done;
	void			*arg;
	struct ipvs_table	 dumped;	/* the sorted part of 'table' that the dump had */
	size_t			 n_expected;	/* services that were looked for */
	size_t			 at;	/* the service whose destinations are read */
};

static void
poll_finish(struct ipvs_poll *poll, int error)
{
	ipvs_done_fn done = poll->done;
	void *arg = poll->arg;

	if (error == 0)
		ipvs_table_sort(poll->table);
	free(poll);
	done(arg, error);
}

static bool
on_service(void *arg, const struct ipvs_service *service)
{
	struct ipvs_poll *poll = arg;

	return !poll->wanted(poll->arg, &service->key) ||
	    ipvs_table_service_add(poll->table, service);
}

static bool
on_dest(void *arg, const struct ipvs_dest *dest)
{
	struct ipvs_poll *poll = arg;

	return entry_dest_add(&poll->table->entries[poll->at - 1], dest);
}

/* Reads the destinations of the next service. A service that was deleted meanwhile has none. */
static void
on_part(void *arg, int error)
{
	struct ipvs_poll *poll = arg;

	if (error != 0 || poll->at == poll->table->n) {
		poll_finish(poll, error);
		return;
	}
	poll->at++;
	ipvs_socket_dests(poll->socket, &poll->table->entries[poll->at - 1].service.key, on_dest,
	    on_part, poll);
}

/* Asks for the next expected service that the dump does not have. */
static void
on_services(void *arg, int error)
{
	struct ipvs_poll *poll = arg;
	struct ipvs_key key;

	while (error == 0 && poll->expected != NULL &&
	    poll->expected(poll->arg, poll->n_expected, &key)) {
		poll->n_expected++;
		poll->dumped.entries = poll->table->entries;
		if (ipvs_table_service(&poll->dumped, &key) != NULL)
			continue;
		ipvs_socket_service(poll->socket, &key, on_service, on_services, poll);
		return;
	}
	on_part(poll, error);
}

static void
on_dump(void *arg, int error)
{
	struct ipvs_poll *poll = arg;

	if (error == 0)
		ipvs_table_sort(poll->table);
	poll->dumped.n = poll->table->n;
	on_services(poll, error);
}

struct ipvs_poll *
ipvs_poll_new(struct ipvs_socket *socket, struct ipvs_table *table, ipvs_wanted_fn wanted,
    ipvs_expected_fn expected, ipvs_done_fn done, void *arg)
{
	struct ipvs_poll *poll = calloc(1, sizeof(*poll));

	if (poll == NULL)
		return NULL;
	*poll = (struct ipvs_poll){ .socket = socket, .table = table, .wanted = wanted,
	    .expected = expected, .done = done, .arg = arg };
	ipvs_socket_services(socket, on_service, on_dump, poll);
	return poll;
}

void
ipvs_poll_cancel(struct ipvs_poll *poll)
{
	free(poll);
}
