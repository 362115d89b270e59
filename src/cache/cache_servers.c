/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Servers: the real services of one name in the services of a cluster. The store numbers the
 * names. A server exists while it has a real service. Its counts are computed at each request,
 * so that measurements of real services cost nothing more.
 */
#include "cache/cache_private.h"

#include <stdlib.h>
#include <string.h>

static struct cache_cluster *
cluster_of(const struct cache_real *real)
{
	return cache_cluster_of(cache_service_of(real));
}

/* Adds an empty server, which cache_servers_reap() frees unless a real service joins it. */
static struct cache_server *
server_new(struct cache_cluster *cluster, uint32_t id, const char *name)
{
	struct cache_server *server = calloc(1, sizeof(*server));

	if (server != NULL)
		server->row.name = strdup(name);
	if (server == NULL || server->row.name == NULL || !tree_list_reserve(&cluster->servers) ||
	    !tree_list_reserve(&cluster->server_names.list)) {
		if (server != NULL)
			free(server->row.name);
		free(server);
		return NULL;
	}
	server->row.id = id;
	server->row.parent = &cluster->branch;
	server->row.name_length = (uint8_t)strlen(name);
	server->row.deleted = cluster->has_empty_servers = true;
	tree_list_add(&cluster->servers, &server->row);
	tree_names_add(&cluster->server_names, &server->row);
	return server;
}

/* Gives a server another name. The id is that of another server after the store was replaced. */
static bool
server_rename(struct cache_cluster *cluster, struct cache_server *server, const char *name)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return false;
	tree_names_remove(&cluster->server_names, &server->row);
	free(server->row.name);
	server->row.name = copy;
	server->row.name_length = (uint8_t)strlen(name);
	tree_names_add(&cluster->server_names, &server->row);
	return true;
}

bool
cache_server_reserve(void *cache, struct tree_branch *service, const struct real_row *columns)
{
	struct cache_cluster *cluster = (void *)service->row.parent;
	struct cache_server *server;

	(void)cache;
	if (columns->server_id == 0)	/* no trigger numbered it */
		return true;
	server = (void *)tree_list_find(&cluster->servers, columns->server_id);
	if (server == NULL)
		return server_new(cluster, columns->server_id, columns->name) != NULL;
	return strcmp(server->row.name, columns->name) == 0 ||
	    server_rename(cluster, server, columns->name);
}

static void
server_leave(struct cache_real *real)
{
	struct cache_cluster *cluster = cluster_of(real);
	struct cache_server *server = (void *)tree_list_find(&cluster->servers, real->server_id);

	LIST_REMOVE(real, of_server);
	real->server_id = 0;
	if (server != NULL && LIST_EMPTY(&server->reals))
		server->row.deleted = cluster->has_empty_servers = true;
}

void
cache_server_join(struct cache_real *real, uint32_t id)
{
	struct cache_server *server;

	if (real->server_id == id)
		return;
	if (real->server_id != 0)
		server_leave(real);
	server = (void *)tree_list_find(&cluster_of(real)->servers, id);
	if (server == NULL)
		return;
	LIST_INSERT_HEAD(&server->reals, real, of_server);
	real->server_id = id;
	server->row.deleted = false;
}

static void
server_free(struct cache_server *server)
{
	free(server->row.name);
	free(server);
}

/* Removes all empty servers in one pass, because each one that leaves alone moves all behind it. */
static void
cluster_reap(struct cache_cluster *cluster)
{
	struct cache_server *server;
	uint32_t left = 0;

	cluster->has_empty_servers = false;
	tree_names_reap(&cluster->server_names);
	TREE_FOREACH(server, i, &cluster->servers) {
		if (server->row.deleted)
			server_free(server);
		else
			cluster->servers.rows[left++] = &server->row;
	}
	cluster->servers.n = left;
}

void
cache_servers_reap(struct cache *cache)
{
	struct cache_cluster *cluster;

	TREE_FOREACH(cluster, i, &cache->tree.root.children) {
		if (cluster->has_empty_servers)
			cluster_reap(cluster);
	}
}

void
cache_servers_free(struct cache_cluster *cluster)
{
	struct cache_server *server;

	TREE_FOREACH(server, i, &cluster->servers)
		server_free(server);
	tree_list_done(&cluster->servers);
	tree_list_done(&cluster->server_names.list);
}

struct status_tally
cache_server_tally(const struct cache *cache, const struct cache_server *server, int64_t now,
    uint64_t *ret_conns, bool *ret_measured)
{
	struct status_tally tally = { .reals = 0 };
	const struct cache_real *real;

	*ret_conns = 0;
	*ret_measured = false;
	LIST_FOREACH(real, &server->reals, of_server) {
		const struct statistics *statistics = &real->statistics;
		struct status_real status = cache_status_of(cache, real, now);

		status_tally_add(&tally, &status);
		if ((statistics->present & 1u << STAT_ACTIVE_CONNECTIONS) == 0)
			continue;
		*ret_measured = true;
		if (__builtin_add_overflow(*ret_conns, statistics->number[STAT_ACTIVE_CONNECTIONS],
		    ret_conns))
			*ret_conns = UINT64_MAX;
	}
	return tally;
}
