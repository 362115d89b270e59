/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/inventory.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* -- names ---------------------------------------------------------------------- */

/* Compares rows, whose first member is the name. */
static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void *
name_find(void *const *tree, const char *name)
{
	void *node = tfind(&name, tree, by_name);

	return node == NULL ? NULL : *(void **)node;
}

static void
no_free(void *row)
{
	(void)row;
}

/* -- rows ------------------------------------------------------------------------ */

struct inventory *
inventory_new(void)
{
	struct inventory *inventory = calloc(1, sizeof(*inventory));

	if (inventory != NULL)
		inventory->clusters_end = &inventory->clusters;
	return inventory;
}

static void
real_free(struct inventory_real *real)
{
	free(real->name);
	free(real->address);
	free(real->port);
	free(real->params);
	free(real);
}

static void
service_free(struct inventory_service *service)
{
	struct inventory_real *real;

	tdestroy(service->by_name, no_free);
	while ((real = service->reals) != NULL) {
		service->reals = real->next;
		real_free(real);
	}
	free(service->name);
	free(service->address);
	free(service->port);
	free(service->params);
	free(service);
}

static void
cluster_free(struct inventory_cluster *cluster)
{
	struct inventory_service *service;

	tdestroy(cluster->by_name, no_free);
	while ((service = cluster->services) != NULL) {
		cluster->services = service->next;
		service_free(service);
	}
	free(cluster->name);
	free(cluster->plane);
	free(cluster->params);
	free(cluster);
}

void
inventory_free(struct inventory *inventory)
{
	struct inventory_cluster *cluster;

	if (inventory == NULL)
		return;
	tdestroy(inventory->by_name, no_free);
	while ((cluster = inventory->clusters) != NULL) {
		inventory->clusters = cluster->next;
		cluster_free(cluster);
	}
	free(inventory);
}

/* Allocates a row, sets its name and adds it to a tree of names. NULL without memory. */
static void *
row_new(size_t size, const char *name, void **tree)
{
	char **row = calloc(1, size);

	if (row == NULL)
		return NULL;
	row[0] = strdup(name);
	if (row[0] != NULL && tsearch(row, tree, by_name) != NULL)
		return row;
	free(row[0]);
	free(row);
	return NULL;
}

struct inventory_cluster *
inventory_add_cluster(struct inventory *inventory, const char *name)
{
	struct inventory_cluster *cluster = row_new(sizeof(*cluster), name, &inventory->by_name);

	if (cluster == NULL)
		return NULL;
	*inventory->clusters_end = cluster;
	inventory->clusters_end = &cluster->next;
	inventory->rows++;
	cluster->services_end = &cluster->services;
	return memory_string_assign(&cluster->plane, "none") &&
	    memory_string_assign(&cluster->params, "{}") ? cluster : NULL;
}

struct inventory_service *
inventory_add_service(struct inventory *inventory, struct inventory_cluster *cluster,
    const char *name)
{
	struct inventory_service *service = row_new(sizeof(*service), name, &cluster->by_name);

	if (service == NULL)
		return NULL;
	*cluster->services_end = service;
	cluster->services_end = &service->next;
	inventory->rows++;
	service->reals_end = &service->reals;
	service->protocol = PROTOCOL_TCP;
	service->enabled = true;
	return memory_string_assign(&service->address, "") &&
	    memory_string_assign(&service->port, "") &&
	    memory_string_assign(&service->params, "") ? service : NULL;
}

struct inventory_real *
inventory_add_real(struct inventory *inventory, struct inventory_service *service, const char *name)
{
	struct inventory_real *real = row_new(sizeof(*real), name, &service->by_name);

	if (real == NULL)
		return NULL;
	*service->reals_end = real;
	service->reals_end = &real->next;
	inventory->rows++;
	real->weight = 1;
	real->enabled = true;
	return memory_string_assign(&real->address, "") &&
	    memory_string_assign(&real->port, "") &&
	    memory_string_assign(&real->params, "") ? real : NULL;
}

/* Removes a row from a tree of names, which has another row if two rows have the name. */
static void
name_remove(void **tree, const void *row, const char *name)
{
	if (name_find(tree, name) == row)
		tdelete(&name, tree, by_name);
}

void
inventory_remove_real(struct inventory *inventory, struct inventory_service *service,
    struct inventory_real *real)
{
	struct inventory_real **at = &service->reals;

	while (*at != real)
		at = &(*at)->next;
	*at = real->next;
	if (service->reals_end == &real->next)
		service->reals_end = at;
	name_remove(&service->by_name, real, real->name);
	real_free(real);
	inventory->rows--;
}

void
inventory_remove_service(struct inventory *inventory, struct inventory_cluster *cluster,
    struct inventory_service *service)
{
	struct inventory_service **at = &cluster->services;

	while (service->reals != NULL)
		inventory_remove_real(inventory, service, service->reals);
	while (*at != service)
		at = &(*at)->next;
	*at = service->next;
	if (cluster->services_end == &service->next)
		cluster->services_end = at;
	name_remove(&cluster->by_name, service, service->name);
	service_free(service);
	inventory->rows--;
}

bool
inventory_params_set(char **text, const json_t *params)
{
	char *dump = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));

	if (dump == NULL)
		return false;
	free(*text);
	*text = dump;
	return true;
}

struct inventory_cluster *
inventory_cluster(const struct inventory *inventory, const char *name)
{
	return name_find(&inventory->by_name, name);
}

struct inventory_service *
inventory_service(const struct inventory_cluster *cluster, const char *name)
{
	return name_find(&cluster->by_name, name);
}

struct inventory_real *
inventory_real(const struct inventory_service *service, const char *name)
{
	return name_find(&service->by_name, name);
}

struct inventory_real *
inventory_fallback(const struct inventory_service *service)
{
	struct inventory_real *real = service->reals;

	while (real != NULL && !real->fallback)
		real = real->next;
	return real;
}
