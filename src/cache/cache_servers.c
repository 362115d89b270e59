/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Servers: the real services of one name in the services of a cluster. The store numbers the
 * names. A cluster has its real services by the number of the server, and by name, so a server
 * is a range of both lists and needs no memory of its own. A list is sorted when it is searched.
 */
#include "cache/cache_private.h"

#include <stdlib.h>
#include <string.h>

static struct cache_real *
real_at(const struct cache_servers *servers, uint32_t i)
{
	return (void *)servers->list.rows[i];
}

/* Orders real services by server, those of one server by id. */
static int
compare(const void *a, const void *b)
{
	const struct cache_real *x = *(const struct cache_real *const *)a,
	    *y = *(const struct cache_real *const *)b;

	if (x->server_id != y->server_id)
		return x->server_id < y->server_id ? -1 : 1;
	return (x->row.id > y->row.id) - (x->row.id < y->row.id);
}

static void
servers_add(struct cache_servers *servers, struct cache_real *real)
{
	struct tree_list *list = &servers->list;

	list->rows[list->n++] = &real->row;
	if (servers->sorted == list->n - 1 && (servers->sorted == 0 ||
	    compare(&list->rows[list->n - 2], &list->rows[list->n - 1]) < 0))
		servers->sorted++;
}

/* Returns the position of the first real service whose server is at least 'least'. */
static uint32_t
servers_from(struct cache_servers *servers, uint64_t least)
{
	struct tree_list *list = &servers->list;
	uint32_t low = 0, high = list->n;

	if (servers->sorted < list->n)
		qsort(list->rows, list->n, sizeof(struct tree_row *), compare);
	servers->sorted = list->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (real_at(servers, middle)->server_id < least)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct cache_real *
cache_server_first(struct cache_cluster *cluster, uint64_t least)
{
	struct cache_servers *servers = &cluster->servers;
	uint32_t at = servers_from(servers, least);

	return at < servers->list.n ? real_at(servers, at) : NULL;
}

struct cache_real *const *
cache_server_reals(struct cache_cluster *cluster, uint32_t id, uint32_t *ret_n)
{
	struct cache_servers *servers = &cluster->servers;
	uint32_t at = servers_from(servers, id), end = at;

	while (end < servers->list.n && real_at(servers, end)->server_id == id)
		end++;
	*ret_n = end - at;
	return (struct cache_real *const *)(void *)(servers->list.rows + at);
}

struct status_tally
cache_server_tally(const struct cache *cache, const struct cache_real *first, int64_t now,
    uint64_t *ret_conns, bool *ret_measured)
{
	struct cache_cluster *cluster = cache_cluster_of(cache_service_of(first));
	struct status_tally tally = { .reals = 0 };
	struct cache_real *const *reals;
	uint32_t n;

	*ret_conns = 0;
	*ret_measured = false;
	reals = cache_server_reals(cluster, first->server_id, &n);
	for (uint32_t i = 0; i < n; i++) {
		const struct cache_statistics *statistics = &reals[i]->statistics;
		struct status_real status = cache_status_of(cache, reals[i], now);

		status_tally_add(&tally, &status);
		if ((statistics->present & 1u << STAT_ACTIVE_CONNECTIONS) == 0)
			continue;
		*ret_measured = true;
		if (__builtin_add_overflow(*ret_conns,
		    cache_number(statistics, STAT_ACTIVE_CONNECTIONS), ret_conns))
			*ret_conns = UINT64_MAX;
	}
	return tally;
}

/* -- changes --------------------------------------------------------------------------- */

bool
cache_server_reserve(void *cache, struct tree_branch *service, const struct real_row *columns)
{
	struct cache_cluster *cluster = (void *)service->row.parent;

	(void)cache;
	(void)columns;
	return tree_list_reserve(&cluster->servers.list) &&
	    tree_list_reserve(&cluster->real_names.list);
}

static void
server_leave(struct cache_cluster *cluster, struct cache_real *real)
{
	struct cache_servers *servers = &cluster->servers;
	uint32_t at = servers_from(servers, real->server_id);

	while (at < servers->list.n && real_at(servers, at) != real)
		at++;
	tree_names_remove(&cluster->real_names, &real->row);
	servers->list.n--;
	servers->sorted--;
	memmove(servers->list.rows + at, servers->list.rows + at + 1,
	    (servers->list.n - at) * sizeof(struct tree_row *));
}

void
cache_server_join(struct cache_real *real, const struct real_row *columns)
{
	struct cache_cluster *cluster = cache_cluster_of(cache_service_of(real));

	if (real->server_id == columns->server_id && (real->server_id == 0 ||
	    strcmp(real->row.name, columns->name) == 0))
		return;
	if (real->server_id != 0)
		server_leave(cluster, real);
	real->server_id = columns->server_id;
	if (real->server_id == 0)	/* no trigger numbered it */
		return;
	servers_add(&cluster->servers, real);
	tree_names_add(&cluster->real_names, &real->row);
}

static void
cluster_reap(struct cache_cluster *cluster)
{
	struct cache_servers *servers = &cluster->servers;
	uint32_t n = servers->list.n, sorted = servers->sorted;

	cluster->has_deleted_reals = false;
	tree_names_reap(&cluster->real_names);
	servers->list.n = servers->sorted = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (servers->list.rows[i]->deleted)
			continue;
		servers->sorted += i < sorted;
		servers->list.rows[servers->list.n++] = servers->list.rows[i];
	}
}

void
cache_servers_reap(void *tree)
{
	struct cache *cache = tree;
	struct cache_cluster *cluster;

	TREE_FOREACH(cluster, i, &cache->tree.root.children) {
		if (cluster->has_deleted_reals)
			cluster_reap(cluster);
	}
}

void
cache_servers_free(struct cache_cluster *cluster)
{
	tree_list_done(&cluster->servers.list);
	tree_list_done(&cluster->real_names.list);
	cluster->servers.sorted = cluster->real_names.sorted = 0;
	cluster->has_deleted_reals = false;
}
