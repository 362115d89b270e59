/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The driver's tree of the store; see driver_tree.h.
 */
#include "driver/driver_tree.h"

#include <stdlib.h>
#include <string.h>

#include "plane/params.h"

enum { SLICE_ROWS = 10000 };

struct driver_real *
driver_real_find(const struct driver_tree *tree, uint32_t id)
{
	return tree_find(&tree->tree, STORE_REAL, id);
}

uint32_t
driver_cluster_reals(const struct driver_cluster *cluster)
{
	const struct tree_branch *service;
	uint32_t n = 0;

	TREE_FOREACH(service, i, &cluster->branch.children)
		n += service->children.n;
	return n;
}

struct plane_cluster
driver_cluster_plane(const struct driver_cluster *cluster, const struct store *store)
{
	return (struct plane_cluster){ cluster->row.id, cluster->row.name,
	    tree_text(&cluster->row, TREE_PLANE_PARAMS), store_dir(store) };
}

static void
target_texts_set(struct plane_target *target, const struct tree_row *row, enum tree_text params)
{
	target->name = row->name;
	target->address = tree_text(row, TREE_ADDRESS);
	target->port = tree_text(row, TREE_PORT);
	target->params = tree_text(row, params);
}

struct plane_target *
driver_cluster_targets(struct driver_cluster *cluster, int64_t drain_ms, bool texts,
    size_t *ret_n)
{
	size_t room = cluster->branch.children.n + driver_cluster_reals(cluster) + 1;
	struct plane_target *targets = calloc(room, sizeof(*targets));
	size_t n = 0, services = 0, reals = 0;
	struct driver_service *service;
	struct driver_real *real;

	if (targets == NULL)
		return NULL;
	TREE_FOREACH(service, s, &cluster->branch.children) {
		service->place = ++services;
		targets[n] = (struct plane_target){ .id = service->row.id, .is_service = true,
		    .protocol = service->protocol, .enabled = service->enabled,
		    .drain_ms = service->drain_ms != 0 ? service->drain_ms : drain_ms };
		if (texts)
			target_texts_set(&targets[n], &service->row, TREE_SERVICE_PARAMS);
		n++;
		service->target_enabled = service->enabled;
		TREE_FOREACH(real, r, &service->branch.children) {
			real->place = ++reals;
			targets[n] = (struct plane_target){ .id = real->row.id,
			    .weight = driver_real_weight_now(real), .fallback = real->fallback,
			    .enabled = real->enabled };
			if (texts)
				target_texts_set(&targets[n], &real->row, TREE_REAL_PARAMS);
			n++;
		}
	}
	*ret_n = n;
	return targets;
}

uint32_t
driver_real_value(const struct driver_real *real, enum real_column column)
{
	switch (column) {
	case REAL_ENABLED: return real->enabled;
	case REAL_FALLBACK: return real->fallback;
	case REAL_WEIGHT: return real->weight;
	case SERVICE_ENABLED: break;
	}
	return 0;
}

void
driver_real_value_set(struct driver_real *real, enum real_column column, uint32_t value)
{
	switch (column) {
	case REAL_ENABLED: real->enabled = value != 0; break;
	case REAL_FALLBACK: real->fallback = value != 0; break;
	case REAL_WEIGHT: real->weight = (uint16_t)value; break;
	case SERVICE_ENABLED: break;
	}
}

/* Marks all real services of a service, so that their checks are made again. */
static void
checks_unset(const struct tree_branch *service)
{
	struct driver_real *real;

	TREE_FOREACH(real, i, &service->children)
		real->check_set = false;
}

/* -- changes of the store -------------------------------------------------------------- */

static void
on_cluster(void *arg, void *row, bool first, const void *columns)
{
	const struct cluster_row *stored = columns;
	struct driver_tree *tree = arg;
	struct driver_cluster *cluster = row;
	bool of_kind = strcmp(stored->plane, tree->kind) == 0;
	const struct tree_branch *service;

	tree->changes++;
	if (!first && cluster->of_kind && !of_kind && tree->health != NULL)
		health_cluster_remove(tree->health, cluster->row.id);
	if (first || cluster->of_kind != of_kind ||
	    strcmp(tree_text(&cluster->row, TREE_PLANE_PARAMS), stored->plane_params) != 0)
		tree->on_detach(cluster);
	if (!first && (cluster->of_kind != of_kind ||
	    strcmp(cluster->row.name, stored->name) != 0)) {
		TREE_FOREACH(service, i, &cluster->branch.children)
			checks_unset(service);
	}
	if (first)
		*cluster = (struct driver_cluster){ .branch = cluster->branch };
	cluster->of_kind = of_kind;
	cluster->has_status = stored->plane_status != PLANE_STATUS_NONE;
	if (!tree->only_checked || !of_kind)
		cluster->mine = of_kind;
}

static void
on_service(void *arg, void *row, bool first, const void *columns)
{
	const struct service_row *stored = columns;
	struct driver_tree *tree = arg;
	struct driver_service *service = row;
	struct params params;

	tree->changes++;
	if (first)
		*service = (struct driver_service){ .branch = service->branch };
	checks_unset(&service->branch);
	/* A row with invalid parameters has the defaults; the data plane reports it. */
	if (params_service(tree->kind, stored->params, stored->protocol, &params, NULL) != ERR_OK)
		params_default(&params);
	service->failed_drain = params.on_failure == PARAM_DRAIN;
	service->drain_ms = (int64_t)params.drain_time * 1000;
	service->protocol = stored->protocol;
	service->has_check = model_params_check(stored->params);
	service->enabled = service->stored_enabled = stored->enabled;
}

static void
on_real(void *arg, void *row, bool first, const void *columns)
{
	const struct real_row *stored = columns;
	struct driver_tree *tree = arg;
	struct driver_real *real = row;

	tree->changes++;
	if (first)
		*real = (struct driver_real){ .row = real->row };
	real->has_check = model_params_check(stored->params);
	real->check_set = false;
	real->stored[REAL_ENABLED] = stored->enabled;
	real->stored[REAL_FALLBACK] = stored->fallback;
	real->stored[REAL_WEIGHT] = stored->weight;
	for (int column = 0; column < REAL_COLUMNS; column++)
		driver_real_value_set(real, (enum real_column)column, real->stored[column]);
}

static void
on_deleted(void *arg, enum store_kind kind, void *row)
{
	struct driver_tree *tree = arg;

	tree->changes++;
	if (kind == STORE_CLUSTER)
		tree->on_detach(row);
	if (kind == STORE_REAL && tree->health != NULL)
		health_remove(tree->health, ((const struct driver_real *)row)->row.id);
}

/* A job with a message was tried before and waits for its data plane. The row in the store is
 * newer than the value that the driver set for a claimed job. */
static enum err_code
on_job(void *arg, const struct job_row *columns)
{
	const struct driver_tree *tree = arg;
	struct driver_service *service = tree_find(&tree->tree, STORE_SERVICE,
	    columns->service_id);
	struct driver_real *real = driver_real_find(tree, columns->real_id);
	enum real_column column = job_operation_column(columns->operation);

	if (real != NULL && column != SERVICE_ENABLED) {
		driver_real_value_set(real, column, real->stored[column]);
		service = driver_service_of(real);
	} else if (service != NULL) {
		service->enabled = service->stored_enabled;
	} else {
		return ERR_OK;
	}
	if (columns->state == JOB_QUEUED && columns->message[0] == '\0')
		((struct driver_cluster *)(void *)service->row.parent)->round_due = true;
	return ERR_OK;
}

static enum err_code
on_statistics(void *arg, const struct statistics *columns)
{
	struct driver_real *real = driver_real_find(arg, columns->real_id);

	if (real != NULL)
		measure_resume(&real->measure, columns);
	return ERR_OK;
}

static enum err_code
on_service_statistics(void *arg, const struct statistics *columns)
{
	struct driver_service *service = tree_find(&((struct driver_tree *)arg)->tree,
	    STORE_SERVICE, columns->service_id);

	if (service != NULL)
		measure_resume(&service->measure, columns);
	return ERR_OK;
}

static enum err_code
on_removed(void *arg, enum store_kind kind, uint32_t id)
{
	struct driver_tree *tree = arg;

	if (kind == STORE_STATISTICS && id == 0)
		tree->statistics_lost++;
	return ERR_OK;
}

static void
on_totals(void *arg, const struct store_totals *totals)
{
	struct driver_tree *tree = arg;

	tree->stale_after_s = totals->stale_after_s;
}

/* -- the tree as a whole --------------------------------------------------------------- */

static const struct tree_ops tree_ops = {
	.has_params = true,
	.size = {
		[STORE_CLUSTER] = sizeof(struct driver_cluster),
		[STORE_SERVICE] = sizeof(struct driver_service),
		[STORE_REAL] = sizeof(struct driver_real),
	},
	.changed = { [STORE_CLUSTER] = on_cluster, [STORE_SERVICE] = on_service,
	    [STORE_REAL] = on_real },
	.deleted = on_deleted,
	.sink = { .job = on_job, .statistics = on_statistics, .removed = on_removed,
	    .totals = on_totals, .service_statistics = on_service_statistics },
};

void
driver_tree_init(struct driver_tree *tree, const char *kind,
    void (*on_detach)(struct driver_cluster *cluster))
{
	*tree = (struct driver_tree){ .kind = kind, .on_detach = on_detach,
	    .only_checked = plane_kind_find(kind)->checks == PLANE_CHECKS_GIVEN };
	tree_init(&tree->tree, &tree_ops);
}

void
driver_tree_done(struct driver_tree *tree)
{
	tree_done(&tree->tree);
}

/* Decides which clusters a driver of checks serves: those with a check. A cluster that has lost its
 * checks is served until a round has cleared its status. */
static void
checked_clusters_find(struct driver_tree *tree)
{
	struct driver_cluster *cluster;
	struct driver_service *service;
	struct driver_real *real;

	TREE_FOREACH(cluster, c, &tree->tree.root.children) {
		cluster->checked = false;
		TREE_FOREACH(service, s, &cluster->branch.children) {
			cluster->checked |= service->has_check;
			TREE_FOREACH(real, r, &service->branch.children)
				cluster->checked |= real->has_check;
		}
		if (cluster->of_kind)
			cluster->mine = cluster->checked || cluster->has_status;
		if (!cluster->mine)
			tree->on_detach(cluster);
	}
}

enum err_code
driver_tree_refresh(struct driver_tree *tree, struct store *store, struct err *err)
{
	struct store_cursor *cursor = &tree->tree.cursor;
	enum err_code code = ERR_OK;
	bool more = true, again = false;

	while (more && code == ERR_OK) {
		uint8_t generation = tree->tree.generation;

		/* The driver reads statistics once, at its start, because it writes them itself. */
		if (tree->resumed)
			cursor->statistics = cursor->service_statistics =
			    cursor->removed_stats = INT64_MAX;
		code = tree_refresh(&tree->tree, store, SLICE_ROWS, &more, err);
		if (tree->tree.generation == generation)
			continue;
		tree->resumed = false;
		/* The loop serves signals between two full reads. */
		if (again)
			return err_set(err, ERR_BUSY,
			    "the store was replaced again while the driver read it");
		again = true;
	}
	if (tree->only_checked)
		checked_clusters_find(tree);
	/* 0: the statistics file could not be read yet. */
	if (code == ERR_OK && cursor->stats_birth != 0)
		tree->resumed = true;
	return code;
}
