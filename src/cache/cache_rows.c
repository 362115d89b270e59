/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Clusters, services and real services of the cache: how they come, change and go; see
 * inside.h.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/cache_private.h"
#include "util/clock.h"

char *
cache_texts_make(size_t n, const char *const texts[], size_t ret_at[])
{
	size_t size = 0;
	char *block;

	for (size_t i = 0; i < n; i++) {
		ret_at[i] = size;
		size += strlen(texts[i]) + 1;
	}
	block = malloc(size);
	for (size_t i = 0; i < n && block != NULL; i++)
		memcpy(block + ret_at[i], texts[i], strlen(texts[i]) + 1);
	return block;
}

/* Gives a row its texts and its place among the names, for which there is room; a name
 * that stays keeps its place. */
static void
texts_take(struct tree_row *node, char *texts, struct tree_names *names)
{
	bool renamed = node->texts == NULL || strcmp(node->texts, texts) != 0;

	if (renamed && node->texts != NULL)
		tree_names_remove(names, node);
	free(node->texts);
	node->texts = texts;
	node->name_length = (uint8_t)strnlen(texts, UINT8_MAX);
	if (renamed)
		tree_names_add(names, node);
}

/* A row of 'size' octets, which begins with its node and has no name yet, in the list and
 * the map, with room among the names; NULL without memory. */
static void *
row_new(struct cache *cache, size_t size, uint32_t id, struct idmap *by_id,
    struct tree_list *list, struct tree_names *names)
{
	struct tree_row *node = calloc(1, size);

	if (node == NULL)
		return NULL;
	node->id = id;
	if (!tree_list_reserve(list) || !tree_list_reserve(&names->list) ||
	    !idmap_put(by_id, id, node)) {
		free(node);
		return NULL;
	}
	tree_list_add(list, node);
	cache->version++;
	return node;
}

/* -- real services ---------------------------------------------------------------------- */

static void
real_free(struct cache *cache, struct cache_real *real)
{
	cache->version++;
	if (!real->row.dead)	/* its number may be another row's by now */
		idmap_remove(&cache->real_by_id, real->row.id);
	free(real->row.texts);
	free(real);
}

void
cache_real_remove(struct cache *cache, struct cache_real *real)
{
	idmap_remove(&cache->real_by_id, real->row.id);
	real->row.dead = true;
	real->service->mourning = true;
	cache->mourning = true;
	cache_dirty(real->service);
}

static void
service_bury(struct cache_service *service, void *cache)
{
	uint32_t n = service->reals.n, left = 0;

	if (!service->mourning)
		return;
	tree_names_reap(&service->real_names);
	for (uint32_t i = 0; i < n; i++) {
		struct tree_row *node = service->reals.rows[i];

		if (node->dead)
			real_free(cache, (struct cache_real *)node);
		else
			service->reals.rows[left++] = node;
	}
	service->reals.n = left;
	service->mourning = false;
}

void
cache_dead_bury(struct cache *cache)
{
	if (cache->mourning)
		cache_services_each(cache, service_bury, cache);
	cache->mourning = false;
}

static struct cache_real *
real_new(struct cache *cache, struct cache_service *service, uint32_t id)
{
	struct cache_real *real = row_new(cache, sizeof(*real), id, &cache->real_by_id,
	    &service->reals, &service->real_names);

	if (real != NULL)
		real->service = service;
	return real;
}

enum err_code
cache_take_real(void *arg, const struct real_row *row)
{
	struct cache *cache = ((struct cache_intake *)arg)->cache;
	struct cache_service *service = idmap_get(&cache->service_by_id, row->service_id);
	struct cache_real *real = idmap_get(&cache->real_by_id, row->id);
	const char *const texts[] = { row->name, row->address, row->port, row->reason };
	size_t at[4];
	char *block;

	if (service == NULL)
		return ERR_OK;	/* the store leaves the service out */
	if (real != NULL && real->service != service) {
		cache_real_remove(cache, real);	/* from another file */
		real = NULL;
	}
	block = cache_texts_make(4, texts, at);
	if (block != NULL && real == NULL)
		real = real_new(cache, service, row->id);
	if (real == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	real->address_at = (uint16_t)at[1];
	real->port_at = (uint16_t)at[2];
	real->reason_at = (uint16_t)at[3];
	real->stored = cache_settings_key(row->enabled, row->fallback, row->weight) & 0xffffff;
	cache_settings_show(cache, real);
	real->row.generation = cache->generation;
	if (cache->jobs_ahead == 0 || real->last_change < row->last_change)
		real->last_change = row->last_change;
	real->last_job = row->last_job;
	texts_take(&real->row, block, &service->real_names);
	return ERR_OK;
}

static void
statistics_set(struct cache_real *real, const struct statistics *row, const struct cache_intake *in)
{
	bool known = real->statistics.present & row->present & STAT_PRESENT_ACTIVE;

	if (known && in->cache->loaded && real->statistics.active != row->active) {
		real->active_last_change = in->now;
		real->active_transitions++;
		cache_active_follow(in->cache, real, row);
	}
	real->statistics = *row;
	cache_dirty(real->service);
}

enum err_code
cache_take_statistics(void *arg, const struct statistics *row)
{
	const struct cache_intake *intake = arg;
	struct cache_real *real = idmap_get(&intake->cache->real_by_id, row->real_id);

	/* A row without a real service is left over from one that was removed. */
	if (real != NULL)
		statistics_set(real, row, intake);
	return ERR_OK;
}

/* -- services ----------------------------------------------------------------------------- */

/* The rows below go with it. */
static void
service_free(struct cache *cache, struct cache_service *service)
{
	for (uint32_t i = 0; i < service->reals.n; i++)
		real_free(cache, (struct cache_real *)service->reals.rows[i]);
	cache->reals_stale -= service->sums.stale;
	tree_list_done(&service->reals);
	tree_list_done(&service->real_names.list);
	cache->version++;
	idmap_remove(&cache->service_by_id, service->row.id);
	free(service->row.texts);
	free(service);
}

void
cache_service_remove(struct cache *cache, struct cache_service *service)
{
	tree_list_remove(&service->cluster->services, &service->row);
	tree_names_remove(&service->cluster->service_names, &service->row);
	service->cluster->dirty = true;
	service_free(cache, service);
}

static struct cache_service *
service_new(struct cache *cache, struct cache_cluster *cluster, uint32_t id)
{
	struct cache_service *service = row_new(cache, sizeof(*service), id,
	    &cache->service_by_id, &cluster->services, &cluster->service_names);

	if (service != NULL) {
		service->cluster = cluster;
		service->status = STATUS_DISABLED;
	}
	return service;
}

enum err_code
cache_take_service(void *arg, const struct service_row *row)
{
	struct cache *cache = ((struct cache_intake *)arg)->cache;
	struct cache_cluster *cluster = idmap_get(&cache->cluster_by_id, row->cluster_id);
	struct cache_service *service = idmap_get(&cache->service_by_id, row->id);
	const char *const texts[] = { row->name, row->address, row->port };
	size_t at[3];
	char *block;

	if (cluster == NULL)
		return ERR_OK;	/* the store leaves the cluster out */
	if (service != NULL && service->cluster != cluster) {
		cache_service_remove(cache, service);	/* from another file */
		service = NULL;
	}
	block = cache_texts_make(3, texts, at);
	if (block != NULL && service == NULL)
		service = service_new(cache, cluster, row->id);
	if (service == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	service->address = block + at[1];
	service->port = block + at[2];
	service->protocol = row->protocol;
	service->row.generation = cache->generation;
	cache_dirty(service);
	texts_take(&service->row, block, &cluster->service_names);
	return ERR_OK;
}

/* -- clusters ------------------------------------------------------------------------------ */

void
cache_cluster_free(struct cache *cache, struct cache_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->services.n; i++)
		service_free(cache, (struct cache_service *)cluster->services.rows[i]);
	tree_list_done(&cluster->services);
	tree_list_done(&cluster->service_names.list);
	cache->version++;
	idmap_remove(&cache->cluster_by_id, cluster->row.id);
	free(cluster->row.texts);
	free(cluster);
}

void
cache_cluster_remove(struct cache *cache, struct cache_cluster *cluster)
{
	tree_list_remove(&cache->clusters, &cluster->row);
	tree_names_remove(&cache->cluster_names, &cluster->row);
	cache_cluster_free(cache, cluster);
}

static struct cache_cluster *
cluster_new(struct cache *cache, uint32_t id)
{
	struct cache_cluster *cluster = row_new(cache, sizeof(*cluster), id,
	    &cache->cluster_by_id, &cache->clusters, &cache->cluster_names);

	if (cluster != NULL)
		cluster->status = STATUS_DISABLED;
	return cluster;
}

enum err_code
cache_take_cluster(void *arg, const struct cluster_row *row)
{
	struct cache *cache = ((struct cache_intake *)arg)->cache;
	struct cache_cluster *cluster = idmap_get(&cache->cluster_by_id, row->id);
	const char *const texts[] = { row->name, row->plane, row->plane_message };
	size_t at[3];
	char *block;

	block = cache_texts_make(3, texts, at);
	if (block != NULL && cluster == NULL)
		cluster = cluster_new(cache, row->id);
	if (cluster == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	cluster->plane = block + at[1];
	cluster->plane_message = block + at[2];
	cluster->plane_status = row->plane_status;
	cluster->row.generation = cache->generation;
	cluster->dirty = true;
	texts_take(&cluster->row, block, &cache->cluster_names);
	return ERR_OK;
}

/* -- looks of drivers ------------------------------------------------------------------ */

/* The age of a look that comes while lbclusterd runs is counted from now on by a clock that
 * nobody sets. One that is found at a load may be of a time when the clock was ahead. */
enum err_code
cache_take_look(void *arg, const struct driver_poll *look)
{
	const struct cache_intake *intake = arg;
	struct cache *cache = intake->cache;
	struct cache_cluster *cluster = idmap_get(&cache->cluster_by_id, look->cluster_id);
	bool found = !cache->loaded || cache->loading;

	if (cluster == NULL || (cluster->look.time == look->time &&
	    cluster->look.interval_ms == look->interval_ms))
		return ERR_OK;
	cluster->look = *look;
	cluster->look_seen_ms = clock_steady_ms();
	cluster->look_age_s = !found && look->time > intake->now ? 0 :
	    intake->now - look->time;
	return ERR_OK;
}

void
cache_plane_view(const struct cache_cluster *cluster, bool readable, int64_t now,
    struct plane_view *ret)
{
	const struct driver_poll *look = &cluster->look;

	if (look->time == 0 && !readable)
		look = NULL;
	else if (look->time != 0)
		now = look->time + cluster->look_age_s +
		    (clock_steady_ms() - cluster->look_seen_ms) / 1000;
	status_plane(cluster->plane, cluster->plane_status, cluster->plane_message, look, now,
	    ret);
}
