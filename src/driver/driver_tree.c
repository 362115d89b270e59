/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rows; see tree.h.
 */
#include "driver/driver_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

enum { SLICE_ROWS = 10000 };

struct driver_real *
driver_real_find(const struct driver_tree *tree, uint32_t id)
{
	return idmap_get(&tree->by_id[STORE_REAL], id);
}

uint32_t
driver_real_value(const struct driver_real *real, enum job_operation operation)
{
	switch (job_operation_column(operation)) {
	case REAL_ENABLED: return real->enabled;
	case REAL_FALLBACK: return real->fallback;
	case REAL_WEIGHT: return real->weight;
	}
	return 0;
}

static void
value_set(struct driver_real *real, enum real_column column, uint32_t value)
{
	switch (column) {
	case REAL_ENABLED: real->enabled = value != 0; break;
	case REAL_FALLBACK: real->fallback = value != 0; break;
	case REAL_WEIGHT: real->weight = (uint16_t)value; break;
	}
}

void
driver_real_value_set(struct driver_real *real, enum job_operation operation, uint32_t value)
{
	value_set(real, job_operation_column(operation), value);
}

/* -- going ------------------------------------------------------------------------ */

static void
real_remove(struct driver_tree *tree, struct driver_real *real)
{
	real->service->cluster->reals--;
	LIST_REMOVE(real, entry);
	idmap_remove(&tree->by_id[STORE_REAL], real->id);
	free(real->reason);
	free(real->address);
	free(real->port);
	free(real);
}

static void
service_remove(struct driver_tree *tree, struct driver_service *service)
{
	struct driver_real *real, *next;

	for (real = LIST_FIRST(&service->reals); real != NULL; real = next) {
		next = LIST_NEXT(real, entry);
		real_remove(tree, real);
	}
	LIST_REMOVE(service, entry);
	idmap_remove(&tree->by_id[STORE_SERVICE], service->id);
	free(service);
}

static void
cluster_remove(struct driver_tree *tree, struct driver_cluster *cluster)
{
	struct driver_service *service, *next;

	tree->on_detach(cluster);
	for (service = LIST_FIRST(&cluster->services); service != NULL; service = next) {
		next = LIST_NEXT(service, entry);
		service_remove(tree, service);
	}
	LIST_REMOVE(cluster, entry);
	idmap_remove(&tree->by_id[STORE_CLUSTER], cluster->id);
	free(cluster->params);
	free(cluster);
}

static void
all_remove(struct driver_tree *tree)
{
	while (!LIST_EMPTY(&tree->clusters))
		cluster_remove(tree, LIST_FIRST(&tree->clusters));
}

static enum err_code
on_removed(void *arg, enum store_kind kind, uint32_t id)
{
	struct driver_tree *tree = arg;
	void *row = kind <= STORE_REAL ? idmap_get(&tree->by_id[kind], id) : NULL;

	if (row == NULL)
		return ERR_OK;
	if (kind == STORE_CLUSTER)
		cluster_remove(tree, row);
	else if (kind == STORE_SERVICE)
		service_remove(tree, row);
	else
		real_remove(tree, row);
	return ERR_OK;
}

/* -- coming and changing ------------------------------------------------------------ */

static struct driver_cluster *
cluster_add(struct driver_tree *tree, uint32_t id)
{
	struct driver_cluster *cluster = calloc(1, sizeof(*cluster));

	if (cluster == NULL)
		return NULL;
	cluster->id = id;
	if (!idmap_put(&tree->by_id[STORE_CLUSTER], id, cluster)) {
		free(cluster);
		return NULL;
	}
	LIST_INSERT_HEAD(&tree->clusters, cluster, entry);
	return cluster;
}

static enum err_code
on_cluster(void *arg, const struct cluster_row *row)
{
	struct driver_tree *tree = arg;
	struct driver_cluster *cluster = idmap_get(&tree->by_id[STORE_CLUSTER], row->id);
	bool mine = strcmp(row->plane, tree->kind) == 0;

	if (cluster == NULL)
		cluster = cluster_add(tree, row->id);
	if (cluster == NULL)
		return ERR_NOMEM;
	snprintf(cluster->name, sizeof(cluster->name), "%s", row->name);
	if (cluster->params == NULL || strcmp(cluster->params, row->plane_params) != 0 ||
	    cluster->mine != mine)
		tree->on_detach(cluster);
	cluster->mine = mine;
	return memory_string_assign(&cluster->params, row->plane_params) ? ERR_OK : ERR_NOMEM;
}

static enum err_code
on_service(void *arg, const struct service_row *row)
{
	struct driver_tree *tree = arg;
	struct driver_service *service = idmap_get(&tree->by_id[STORE_SERVICE], row->id);
	struct driver_cluster *cluster =
	    idmap_get(&tree->by_id[STORE_CLUSTER], row->cluster_id);

	if (cluster == NULL)	/* the store leaves the cluster out */
		return ERR_OK;
	if (service == NULL) {
		service = calloc(1, sizeof(*service));
		if (service == NULL)
			return ERR_NOMEM;
		service->id = row->id;
		service->cluster = cluster;
		if (!idmap_put(&tree->by_id[STORE_SERVICE], row->id, service)) {
			free(service);
			return ERR_NOMEM;
		}
		LIST_INSERT_HEAD(&cluster->services, service, entry);
	}
	snprintf(service->name, sizeof(service->name), "%s", row->name);
	return ERR_OK;
}

static struct driver_real *
real_add(struct driver_tree *tree, struct driver_service *service, uint32_t id)
{
	struct driver_real *real = calloc(1, sizeof(*real));

	if (real == NULL)
		return NULL;
	real->id = id;
	real->service = service;
	if (!idmap_put(&tree->by_id[STORE_REAL], id, real)) {
		free(real);
		return NULL;
	}
	LIST_INSERT_HEAD(&service->reals, real, entry);
	service->cluster->reals++;
	return real;
}

static enum err_code
on_real(void *arg, const struct real_row *row)
{
	struct driver_tree *tree = arg;
	struct driver_real *real = driver_real_find(tree, row->id);
	struct driver_service *service =
	    idmap_get(&tree->by_id[STORE_SERVICE], row->service_id);

	if (service == NULL)	/* the store leaves the service out */
		return ERR_OK;
	if (real == NULL)
		real = real_add(tree, service, row->id);
	if (real == NULL)
		return ERR_NOMEM;
	snprintf(real->name, sizeof(real->name), "%s", row->name);
	real->stored[REAL_ENABLED] = row->enabled;
	real->stored[REAL_FALLBACK] = row->fallback;
	real->stored[REAL_WEIGHT] = row->weight;
	for (int column = 0; column < DRIVER_COLUMNS; column++)
		value_set(real, (enum real_column)column, real->stored[column]);
	return memory_string_assign(&real->reason, row->reason) &&
	    memory_string_assign(&real->address, row->address) &&
	    memory_string_assign(&real->port, row->port) ? ERR_OK : ERR_NOMEM;
}

/* A job with a message was tried before, and waits for a data plane that answers. The row in
 * the store is newer than what the driver set itself for a job that it claimed. */
static enum err_code
on_job(void *arg, const struct job_row *row)
{
	struct driver_tree *tree = arg;
	struct driver_real *real = driver_real_find(tree, row->real_id);
	enum real_column column = job_operation_column(row->operation);

	if (real == NULL)
		return ERR_OK;
	if (row->state == JOB_QUEUED && row->message[0] == '\0')
		real->service->cluster->jobs_queued = true;
	value_set(real, column, real->stored[column]);
	return ERR_OK;
}

static enum err_code
on_statistics(void *arg, const struct statistics *row)
{
	const struct driver_tree *tree = arg;
	struct driver_real *real = driver_real_find(tree, row->real_id);

	if (real != NULL)
		measure_resume(&real->measure, row);
	return ERR_OK;
}

static void
on_totals(void *arg, const struct store_totals *totals)
{
	(void)arg;
	(void)totals;
}

/* -- the whole ----------------------------------------------------------------------- */

void
driver_tree_init(struct driver_tree *tree, const char *kind,
    void (*on_detach)(struct driver_cluster *cluster))
{
	*tree = (struct driver_tree){ .kind = kind, .on_detach = on_detach };
	LIST_INIT(&tree->clusters);
}

void
driver_tree_done(struct driver_tree *tree)
{
	all_remove(tree);
	for (size_t i = 0; i <= STORE_REAL; i++)
		idmap_done(&tree->by_id[i]);
}

enum err_code
driver_tree_refresh(struct driver_tree *tree, struct store *store, struct err *err)
{
	const struct store_sink sink = {
		.arg = tree, .cluster = on_cluster, .service = on_service, .real = on_real,
		.job = on_job, .statistics = on_statistics, .removed = on_removed,
		.totals = on_totals,
	};
	enum err_code code = ERR_OK;
	bool more = true, again = false;

	while (more && code == ERR_OK) {
		/* Nothing comes after the end: this driver writes the statistics itself. */
		if (tree->resumed) {
			tree->cursor.statistics = INT64_MAX;
			tree->cursor.removed_stats = INT64_MAX;
		}
		code = store_changes(store, &tree->cursor, &sink, SLICE_ROWS, &more, err);
		if (code == ERR_GONE) {
			all_remove(tree);
			tree->cursor = (struct store_cursor){ 0 };
			tree->resumed = false;
			/* Once: the loop serves signals before the next try. */
			code = !again ? ERR_OK : err_set(err, ERR_BUSY,
			    "the store was replaced again while it was read");
			again = more = true;
		}
	}
	/* 0: the file of statistics could not be read yet. */
	if (code == ERR_OK && tree->cursor.stats_birth != 0)
		tree->resumed = true;
	return code;
}
