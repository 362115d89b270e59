/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Clusters, services and real services of the image: how they come, change and go; see
 * inside.h.
 */
#include <stdlib.h>
#include <string.h>

#include "image/inside.h"
#include "util/clock.h"

char *
image_texts_make(size_t n, const char *const texts[], size_t ret_at[])
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
texts_take(struct image_node *node, char *texts, struct image_names *names)
{
	bool renamed = node->texts == NULL || strcmp(node->texts, texts) != 0;

	if (renamed && node->texts != NULL)
		image_names_remove(names, node);
	free(node->texts);
	node->texts = texts;
	node->name_length = (uint8_t)strnlen(texts, UINT8_MAX);
	if (renamed)
		image_names_add(names, node);
}

/* A row of 'size' octets, which begins with its node and has no name yet, in the list and
 * the map, with room among the names; NULL without memory. */
static void *
row_new(struct image *image, size_t size, uint32_t id, struct idmap *by_id,
    struct image_list *list, struct image_names *names)
{
	struct image_node *node = calloc(1, size);

	if (node == NULL)
		return NULL;
	node->id = id;
	if (!image_list_reserve(list) || !image_list_reserve(&names->list) ||
	    !idmap_put(by_id, id, node)) {
		free(node);
		return NULL;
	}
	image_list_add(list, node);
	image->version++;
	return node;
}

/* -- real services ---------------------------------------------------------------------- */

static void
real_free(struct image *image, struct image_real *real)
{
	image->version++;
	if (!real->node.dead)	/* its number may be another row's by now */
		idmap_remove(&image->real_by_id, real->node.id);
	free(real->node.texts);
	free(real);
}

void
image_real_remove(struct image *image, struct image_real *real)
{
	idmap_remove(&image->real_by_id, real->node.id);
	real->node.dead = true;
	real->service->mourning = true;
	image->mourning = true;
	image_dirty(real->service);
}

static void
service_bury(struct image_service *service, void *image)
{
	uint32_t n = service->reals.n, left = 0;

	if (!service->mourning)
		return;
	image_names_bury(&service->real_names);
	for (uint32_t i = 0; i < n; i++) {
		struct image_node *node = service->reals.nodes[i];

		if (node->dead)
			real_free(image, (struct image_real *)node);
		else
			service->reals.nodes[left++] = node;
	}
	service->reals.n = left;
	service->mourning = false;
}

void
image_dead_bury(struct image *image)
{
	if (image->mourning)
		image_services_each(image, service_bury, image);
	image->mourning = false;
}

static struct image_real *
real_new(struct image *image, struct image_service *service, uint32_t id)
{
	struct image_real *real = row_new(image, sizeof(*real), id, &image->real_by_id,
	    &service->reals, &service->real_names);

	if (real != NULL)
		real->service = service;
	return real;
}

enum err_code
image_take_real(void *arg, const struct real_row *row)
{
	struct image *image = ((struct image_intake *)arg)->image;
	struct image_service *service = idmap_get(&image->service_by_id, row->service_id);
	struct image_real *real = idmap_get(&image->real_by_id, row->id);
	const char *const texts[] = { row->name, row->address, row->port, row->reason };
	size_t at[4];
	char *block;

	if (service == NULL)
		return ERR_OK;	/* the store leaves the service out */
	if (real != NULL && real->service != service) {
		image_real_remove(image, real);	/* from another file */
		real = NULL;
	}
	block = image_texts_make(4, texts, at);
	if (block != NULL && real == NULL)
		real = real_new(image, service, row->id);
	if (real == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	real->address_at = (uint16_t)at[1];
	real->port_at = (uint16_t)at[2];
	real->reason_at = (uint16_t)at[3];
	real->stored = image_settings_key(row->enabled, row->fallback, row->weight) & 0xffffff;
	image_settings_show(image, real);
	real->node.generation = image->generation;
	if (image->jobs_ahead == 0 || real->last_change < row->last_change)
		real->last_change = row->last_change;
	real->last_job = row->last_job;
	texts_take(&real->node, block, &service->real_names);
	return ERR_OK;
}

static void
statistics_set(struct image_real *real, const struct statistics *row, const struct image_intake *in)
{
	bool known = real->statistics.present & row->present & STAT_PRESENT_ACTIVE;

	if (known && in->image->loaded && real->statistics.active != row->active) {
		real->active_last_change = in->now;
		real->active_transitions++;
		image_active_follow(in->image, real, row);
	}
	real->statistics = *row;
	image_dirty(real->service);
}

enum err_code
image_take_statistics(void *arg, const struct statistics *row)
{
	const struct image_intake *intake = arg;
	struct image_real *real = idmap_get(&intake->image->real_by_id, row->real_id);

	/* A row without a real service is left over from one that was removed. */
	if (real != NULL)
		statistics_set(real, row, intake);
	return ERR_OK;
}

/* -- services ----------------------------------------------------------------------------- */

/* The rows below go with it. */
static void
service_free(struct image *image, struct image_service *service)
{
	for (uint32_t i = 0; i < service->reals.n; i++)
		real_free(image, (struct image_real *)service->reals.nodes[i]);
	image->reals_stale -= service->sums.stale;
	image_list_done(&service->reals);
	image_list_done(&service->real_names.list);
	image->version++;
	idmap_remove(&image->service_by_id, service->node.id);
	free(service->node.texts);
	free(service);
}

void
image_service_remove(struct image *image, struct image_service *service)
{
	image_list_remove(&service->cluster->services, &service->node);
	image_names_remove(&service->cluster->service_names, &service->node);
	service->cluster->dirty = true;
	service_free(image, service);
}

static struct image_service *
service_new(struct image *image, struct image_cluster *cluster, uint32_t id)
{
	struct image_service *service = row_new(image, sizeof(*service), id,
	    &image->service_by_id, &cluster->services, &cluster->service_names);

	if (service != NULL) {
		service->cluster = cluster;
		service->status = STATUS_DISABLED;
	}
	return service;
}

enum err_code
image_take_service(void *arg, const struct service_row *row)
{
	struct image *image = ((struct image_intake *)arg)->image;
	struct image_cluster *cluster = idmap_get(&image->cluster_by_id, row->cluster_id);
	struct image_service *service = idmap_get(&image->service_by_id, row->id);
	const char *const texts[] = { row->name, row->address, row->port };
	size_t at[3];
	char *block;

	if (cluster == NULL)
		return ERR_OK;	/* the store leaves the cluster out */
	if (service != NULL && service->cluster != cluster) {
		image_service_remove(image, service);	/* from another file */
		service = NULL;
	}
	block = image_texts_make(3, texts, at);
	if (block != NULL && service == NULL)
		service = service_new(image, cluster, row->id);
	if (service == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	service->address = block + at[1];
	service->port = block + at[2];
	service->protocol = row->protocol;
	service->node.generation = image->generation;
	image_dirty(service);
	texts_take(&service->node, block, &cluster->service_names);
	return ERR_OK;
}

/* -- clusters ------------------------------------------------------------------------------ */

void
image_cluster_free(struct image *image, struct image_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->services.n; i++)
		service_free(image, (struct image_service *)cluster->services.nodes[i]);
	image_list_done(&cluster->services);
	image_list_done(&cluster->service_names.list);
	image->version++;
	idmap_remove(&image->cluster_by_id, cluster->node.id);
	free(cluster->node.texts);
	free(cluster);
}

void
image_cluster_remove(struct image *image, struct image_cluster *cluster)
{
	image_list_remove(&image->clusters, &cluster->node);
	image_names_remove(&image->cluster_names, &cluster->node);
	image_cluster_free(image, cluster);
}

static struct image_cluster *
cluster_new(struct image *image, uint32_t id)
{
	struct image_cluster *cluster = row_new(image, sizeof(*cluster), id,
	    &image->cluster_by_id, &image->clusters, &image->cluster_names);

	if (cluster != NULL)
		cluster->status = STATUS_DISABLED;
	return cluster;
}

enum err_code
image_take_cluster(void *arg, const struct cluster_row *row)
{
	struct image *image = ((struct image_intake *)arg)->image;
	struct image_cluster *cluster = idmap_get(&image->cluster_by_id, row->id);
	const char *const texts[] = { row->name, row->plane, row->plane_message };
	size_t at[3];
	char *block;

	block = image_texts_make(3, texts, at);
	if (block != NULL && cluster == NULL)
		cluster = cluster_new(image, row->id);
	if (cluster == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	cluster->plane = block + at[1];
	cluster->plane_message = block + at[2];
	cluster->plane_status = row->plane_status;
	cluster->node.generation = image->generation;
	cluster->dirty = true;
	texts_take(&cluster->node, block, &image->cluster_names);
	return ERR_OK;
}

/* -- looks of drivers ------------------------------------------------------------------ */

/* The age of a look that comes while lbclusterd runs is counted from now on by a clock that
 * nobody sets. One that is found at a load may be of a time when the clock was ahead. */
enum err_code
image_take_look(void *arg, const struct driver_poll *look)
{
	const struct image_intake *intake = arg;
	struct image *image = intake->image;
	struct image_cluster *cluster = idmap_get(&image->cluster_by_id, look->cluster_id);
	bool found = !image->loaded || image->loading;

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
image_plane_view(const struct image_cluster *cluster, bool readable, int64_t now,
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
