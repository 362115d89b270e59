/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/status_rows.h"

#include <stdlib.h>
#include <string.h>

struct meaning {
	enum status_look	look;
	enum status_level	level;
};

/* Of a cluster or a service. */
static const struct meaning lb_meanings[] = {
	[STATUS_UP] = { LOOK_GOOD, LEVEL_WELL },
	[STATUS_DEGRADED] = { LOOK_WARNING, LEVEL_WRONG },
	[STATUS_ON_FALLBACK] = { LOOK_BAD, LEVEL_WRONG },
	[STATUS_DOWN] = { LOOK_BAD, LEVEL_DOWN },
	[STATUS_DISABLED] = { LOOK_IDLE, LEVEL_WELL },
	[STATUS_UNKNOWN] = { LOOK_UNKNOWN, LEVEL_WRONG },
};

static const struct meaning real_meanings[] = {
	[OPER_IN_USE] = { LOOK_GOOD, LEVEL_WELL },
	[OPER_STANDBY] = { LOOK_IDLE, LEVEL_WELL },
	[OPER_DRAINING] = { LOOK_WARNING, LEVEL_WELL },
	[OPER_INACTIVE] = { LOOK_BAD, LEVEL_WRONG },
	[OPER_DISABLED] = { LOOK_IDLE, LEVEL_WELL },
	[OPER_UNKNOWN] = { LOOK_UNKNOWN, LEVEL_WRONG },
};

/* Of a service whose active members have weight 0. Its status does not show that. */
static const struct meaning drained_meanings[] = {
	[DRAINED_NO] = { LOOK_GOOD, LEVEL_WELL },
	[DRAINED_TO_FALLBACK] = { LOOK_WARNING, LEVEL_WRONG },
	[DRAINED_ALL] = { LOOK_BAD, LEVEL_DOWN },
};

static const enum status_level plane_levels[] = {
	[PLANE_STATUS_NONE] = LEVEL_WELL,
	[PLANE_STATUS_OK] = LEVEL_WELL,
	[PLANE_STATUS_UNREACHABLE] = LEVEL_WRONG,
	[PLANE_STATUS_FAILING] = LEVEL_WRONG,
	[PLANE_STATUS_UNATTENDED] = LEVEL_WRONG,
};

/* -- values of a row ---------------------------------------------------------- */

const struct cache_sums *
status_row_sums(const struct status_row *row)
{
	if (row->real != NULL)
		return NULL;
	return row->service != NULL ? &row->service->sums : &row->cluster->sums;
}

bool
status_row_number(const struct status_row *row, enum stat_number which, uint64_t *ret)
{
	const struct cache_sums *sums = status_row_sums(row);
	uint32_t present = sums != NULL ? sums->present : row->real->statistics.present;

	if ((present & (1u << which)) == 0)
		return false;
	*ret = sums != NULL ? sums->number[which] : cache_number(&row->real->statistics, which);
	return true;
}

bool
status_row_share(const struct status_row *row, unsigned int *ret)
{
	uint64_t sum = row->served_weight;

	if (row->real == NULL || !row->real->enabled || !row->service->enabled || row->in_reserve ||
	    (sum == 0 && row->real->weight > 0))
		return false;
	*ret = row->serves && sum > 0 ?
	    (unsigned int)((200 * (uint64_t)row->real->weight + sum) / (2 * sum)) : 0;
	return true;
}

bool
status_row_is_unpolled(const struct status_row *row)
{
	return row->plane->status == PLANE_STATUS_UNREACHABLE ||
	    row->plane->status == PLANE_STATUS_UNATTENDED;
}

/* -- the walk ------------------------------------------------------------------ */

struct walk {
	struct status_view	*view;
	bool			(*fn)(void *arg, const struct status_row *row);
	void			*arg;
	/* Rows above, which are shown if a row below is: [DEPTH_CLUSTER] and [DEPTH_SERVICE]. */
	struct status_row	 above[DEPTH_SERVICE + 1];
	bool			 waits[DEPTH_SERVICE + 1];
	/* The level of an unpolled data plane if no row above is selected, otherwise LEVEL_WELL. */
	enum status_level	 unshown;
	bool			 ended, no_memory;
};

/* True if a pattern selects the row, or a row above it. */
static bool
row_is_selected(const struct status_view *view, const struct status_row *row)
{
	const char *const names[] = { row->cluster->row.name,
		row->service == NULL ? "" : row->service->row.name,
		row->real == NULL ? "" : row->real->row.name };
	bool selected = view->n_patterns == 0;

	for (size_t i = 0; i < view->n_patterns && !selected; i++) {
		const struct path *pattern = &view->patterns[i];

		selected = path_depth(pattern) <= row->depth &&
		    model_name_matches(pattern->cluster, names[0]) &&
		    model_name_matches(pattern->service, names[1]) &&
		    model_name_matches(pattern->real, names[2]);
	}
	return selected;
}

static void
row_pass(struct walk *walk, const struct status_row *row)
{
	if (!walk->ended)
		walk->ended = !walk->fn(walk->arg, row);
}

/* Passes a row that is selected and, with 'problems', wrong. The rows above it are passed first.
 * Otherwise keeps the row, because a row below it may be passed later. */
static void
row_visit(struct walk *walk, struct status_row *row)
{
	row->context = !row_is_selected(walk->view, row) ||
	    (walk->view->problems && row->level == LEVEL_WELL);
	if (row->depth <= DEPTH_SERVICE) {
		walk->above[row->depth] = *row;
		walk->waits[row->depth] = row->context;
	}
	if (row->context)
		return;
	for (enum path_depth depth = DEPTH_CLUSTER; depth < row->depth; depth++) {
		if (walk->waits[depth])
			row_pass(walk, &walk->above[depth]);
		walk->waits[depth] = false;
	}
	row_pass(walk, row);
}

static int
order(const void *a, const void *b)
{
	const struct tree_row *const *x = a, *const *y = b;

	return strverscmp((*x)->name, (*y)->name);
}

static int
real_order(const void *a, const void *b)
{
	const struct cache_real *const *x = a, *const *y = b;

	if ((*x)->fallback != (*y)->fallback)
		return (*x)->fallback ? 1 : -1;
	return order(a, b);
}

/* Returns the rows of a list in the order of a comparison; the caller frees them. */
static struct tree_row **
rows_sorted(struct walk *walk, const struct tree_list *list,
    int (*compare)(const void *a, const void *b))
{
	struct tree_row **rows = calloc((size_t)list->n + 1, sizeof(struct tree_row *));

	if (rows == NULL) {
		walk->no_memory = walk->ended = true;
		return NULL;
	}
	if (list->n > 0) {
		memcpy(rows, list->rows, list->n * sizeof(struct tree_row *));
		qsort(rows, list->n, sizeof(struct tree_row *), compare);
	}
	return rows;
}

/* True if a real service of this status gets new connections. */
static bool
real_serves(const struct cache_real *real, enum oper_status status)
{
	return real->weight > 0 &&
	    (status == OPER_IN_USE || (status == OPER_UNKNOWN && !real->fallback));
}

/* Returns the weights of the real services of a service that get new connections. */
static uint64_t
weight_served(const struct walk *walk, const struct cache_service *service)
{
	const struct cache_real *real;
	uint64_t weight = 0;

	TREE_FOREACH(real, i, &service->branch.children) {
		if (real_serves(real, cache_real_status(walk->view->cache, real, walk->view->now)))
			weight += real->weight;
	}
	return weight;
}

static void
real_visit(struct walk *walk, struct status_row row, const struct cache_real *real)
{
	enum oper_status status = cache_real_status(walk->view->cache, real, walk->view->now);

	row.serves = real_serves(real, status);
	row.in_reserve = real->fallback && real->weight > 0 &&
	    (status == OPER_STANDBY || status == OPER_UNKNOWN);
	row.depth = DEPTH_REAL;
	row.row = &real->row;
	row.real = real;
	row.status = oper_status_name(status);
	row.look = real_meanings[status].look;
	row.level = real_meanings[status].level;
	/* A place of a server template without an address serves nothing, as configured. */
	if (status == OPER_INACTIVE && real->statistics.role == ROLE_SPARE) {
		row.look = LOOK_IDLE;
		row.level = LEVEL_WELL;
	}
	if (row.level < walk->unshown)
		row.level = walk->unshown;
	row_visit(walk, &row);
}

static void
service_visit(struct walk *walk, struct status_row row, const struct cache_service *service)
{
	const struct meaning *drained =
	    &drained_meanings[status_drained(&service->sums.tally)];
	enum status_level unshown = walk->unshown;
	struct tree_row **reals;

	row.depth = DEPTH_SERVICE;
	row.row = &service->row;
	row.service = service;
	row.status = lb_status_name(service->status);
	row.look = lb_meanings[service->status].look;
	row.level = lb_meanings[service->status].level;
	if (row.level < drained->level) {
		row.look = drained->look;
		row.level = drained->level;
	}
	if (row.level < walk->unshown)
		row.level = walk->unshown;
	row_visit(walk, &row);
	if (row_is_selected(walk->view, &row))
		walk->unshown = LEVEL_WELL;
	row.served_weight = weight_served(walk, service);
	reals = rows_sorted(walk, &service->branch.children, real_order);
	for (uint32_t i = 0; !walk->ended && i < service->branch.children.n; i++)
		real_visit(walk, row, (const struct cache_real *)(void *)reals[i]);
	walk->unshown = unshown;
	free(reals);
}

static void
cluster_visit(struct walk *walk, const struct cache_cluster *cluster)
{
	struct status_row row = { .depth = DEPTH_CLUSTER, .row = &cluster->row,
		.cluster = cluster, .status = lb_status_name(cluster->status),
		.look = lb_meanings[cluster->status].look,
		.level = lb_meanings[cluster->status].level };
	struct tree_row **services;
	struct plane_view plane;

	cache_plane_view(cluster, walk->view->readable, walk->view->now, &plane);
	row.plane = &plane;
	if (row.level < plane_levels[plane.status])
		row.level = plane_levels[plane.status];
	row_visit(walk, &row);
	walk->unshown = row_is_selected(walk->view, &row) || !status_row_is_unpolled(&row) ?
	    LEVEL_WELL : row.level;
	services = rows_sorted(walk, &cluster->branch.children, order);
	for (uint32_t i = 0; !walk->ended && i < cluster->branch.children.n; i++)
		service_visit(walk, row, (const struct cache_service *)(void *)services[i]);
	free(services);
}

bool
status_view_each(struct status_view *view, bool (*fn)(void *arg, const struct status_row *row),
    void *arg)
{
	const struct tree_list *clusters = &view->cache->tree.root.children;
	struct walk walk = { .view = view, .fn = fn, .arg = arg };
	struct tree_row **rows = rows_sorted(&walk, clusters, order);

	for (uint32_t i = 0; !walk.ended && i < clusters->n; i++)
		cluster_visit(&walk, (const struct cache_cluster *)(void *)rows[i]);
	free(rows);
	return !walk.no_memory;
}

/* -- counts -------------------------------------------------------------------- */

static bool
row_count(void *arg, const struct status_row *row)
{
	struct status_view *view = arg;

	if (row->context)
		return true;
	if (row->level > view->level)
		view->level = row->level;
	view->clusters += row->service == NULL;
	if (row->real != NULL)
		view->reals++;
	else if (row->service != NULL)
		view->services[row->service->status]++;
	return true;
}

bool
status_view_count(struct status_view *view)
{
	bool problems = view->problems, ok;

	view->level = LEVEL_WELL;
	view->clusters = view->reals = 0;
	memset(view->services, 0, sizeof(view->services));
	view->problems = false;
	ok = status_view_each(view, row_count, view);
	view->problems = problems;
	return ok;
}

/* Ends the walk: one row is enough. */
static bool
row_found(void *arg, const struct status_row *row)
{
	(void)row;
	*(bool *)arg = true;
	return false;
}

const struct path *
status_view_unmatched(struct status_view *view)
{
	const struct path *patterns = view->patterns, *found = NULL;
	size_t n = view->n_patterns;
	bool problems = view->problems;

	view->problems = false;
	for (size_t i = 0; i < n && found == NULL; i++) {
		bool matched = false;

		view->patterns = &patterns[i];
		view->n_patterns = 1;
		if (status_view_each(view, row_found, &matched) && !matched)
			found = &patterns[i];
	}
	view->patterns = patterns;
	view->n_patterns = n;
	view->problems = problems;
	return found;
}
