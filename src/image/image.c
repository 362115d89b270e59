/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rows of the image: how they come, change and go; see image.h.
 */
#include "image/image.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "image/inside.h"

/* What the functions of the sink work on. */
struct intake {
	struct image	*image;
	int64_t		 now;
};

/* Texts one after the other in one block, the name first; NULL without memory.
 * ret_at[i] is where text i starts. */
static char *
texts_make(size_t n, const char *const texts[], size_t ret_at[])
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

void
image_services_each(struct image *image, void (*fn)(struct image_service *service, void *arg),
    void *arg)
{
	for (uint32_t i = 0; i < image->clusters.n; i++) {
		const struct image_cluster *cluster =
		    (const struct image_cluster *)image->clusters.nodes[i];

		for (uint32_t j = 0; j < cluster->services.n; j++)
			fn((struct image_service *)cluster->services.nodes[j], arg);
	}
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

/* Nothing finds it any more; it leaves the lists together with others, before anybody
 * reads them. */
static void
real_remove(struct image *image, struct image_real *real)
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

static void
dead_bury(struct image *image)
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

static enum err_code
take_real(void *arg, const struct real_row *row)
{
	struct image *image = ((struct intake *)arg)->image;
	struct image_service *service = idmap_get(&image->service_by_id, row->service_id);
	struct image_real *real = idmap_get(&image->real_by_id, row->id);
	const char *const texts[] = { row->name, row->address, row->port, row->reason };
	size_t at[4];
	char *block;

	if (service == NULL)
		return ERR_CORRUPT;	/* foreign keys forbid it */
	if (real != NULL && real->service != service) {
		real_remove(image, real);	/* from another file */
		real = NULL;
	}
	block = texts_make(4, texts, at);
	if (block != NULL && real == NULL)
		real = real_new(image, service, row->id);
	if (real == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	real->address_at = (uint16_t)at[1];
	real->port_at = (uint16_t)at[2];
	real->reason_at = (uint16_t)at[3];
	image_settings_follow(image, real, row);
	real->node.generation = image->generation;
	real->weight = row->weight;
	real->fallback = row->fallback;
	real->enabled = row->enabled;
	real->last_change = row->last_change;
	real->last_job = row->last_job;
	image_dirty(service);
	texts_take(&real->node, block, &service->real_names);
	return ERR_OK;
}

static void
statistics_set(struct image_real *real, const struct statistics *row, const struct intake *in)
{
	bool known = real->statistics.present & row->present & STAT_PRESENT_ACTIVE;

	if (known && in->image->loaded && real->statistics.active != row->active) {
		real->active_last_change = in->now;
		real->active_transitions++;
		image_active_follow(in->image, real, row->active);
	}
	real->statistics = *row;
	image_dirty(real->service);
}

static enum err_code
take_statistics(void *arg, const struct statistics *row)
{
	const struct intake *intake = arg;
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
	image->reals_stale -= service->sums.tally.reals - service->sums.known;
	image_list_done(&service->reals);
	image_list_done(&service->real_names.list);
	image->version++;
	idmap_remove(&image->service_by_id, service->node.id);
	free(service->node.texts);
	free(service);
}

static void
service_remove(struct image *image, struct image_service *service)
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

static enum err_code
take_service(void *arg, const struct service_row *row)
{
	struct image *image = ((struct intake *)arg)->image;
	struct image_cluster *cluster = idmap_get(&image->cluster_by_id, row->cluster_id);
	struct image_service *service = idmap_get(&image->service_by_id, row->id);
	const char *const texts[] = { row->name, row->address, row->port };
	size_t at[3];
	char *block;

	if (cluster == NULL)
		return ERR_CORRUPT;
	if (service != NULL && service->cluster != cluster) {
		service_remove(image, service);	/* from another file */
		service = NULL;
	}
	block = texts_make(3, texts, at);
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

static void
cluster_free(struct image *image, struct image_cluster *cluster)
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

static void
cluster_remove(struct image *image, struct image_cluster *cluster)
{
	image_list_remove(&image->clusters, &cluster->node);
	image_names_remove(&image->cluster_names, &cluster->node);
	cluster_free(image, cluster);
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

static enum err_code
take_cluster(void *arg, const struct cluster_row *row)
{
	struct image *image = ((struct intake *)arg)->image;
	struct image_cluster *cluster = idmap_get(&image->cluster_by_id, row->id);
	const char *const texts[] = { row->name, row->plane, row->plane_message };
	size_t at[3];
	char *block;

	block = texts_make(3, texts, at);
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

/* -- jobs ------------------------------------------------------------------------------------ */

/* Counts an unfinished job in or out; a row not known yet counts when its own
 * job comes again. */
static void
pending_count(struct image *image, const struct image_job *job, uint32_t by)
{
	struct image_real *real;

	if (job->node.texts == NULL || !job_state_open(job->row.state))
		return;
	image->jobs_active += by;
	real = idmap_get(&image->real_by_id, job->row.real_id);
	if (real != NULL)
		real->pending_jobs += by;
}

static void
job_remove(struct image *image, struct image_job *job)
{
	pending_count(image, job, UINT32_MAX);
	image_list_remove(&image->jobs, &job->node);
	free(job->node.texts);
	free(job);
}

static struct image_job *
job_new(struct image *image, uint32_t id)
{
	struct image_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->node.id = id;
	if (!image_list_reserve(&image->jobs)) {
		free(job);
		return NULL;
	}
	image_list_add(&image->jobs, &job->node);
	return job;
}

static enum err_code
take_job(void *arg, const struct job_row *row)
{
	struct image *image = ((struct intake *)arg)->image;
	struct image_job *job = (struct image_job *)image_list_find(&image->jobs, row->id);
	const char *const texts[] = { row->cluster, row->service, row->real, row->message };
	size_t at[4];
	char *block;
	bool ended;

	block = texts_make(4, texts, at);
	if (block != NULL && job == NULL)
		job = job_new(image, row->id);
	if (job == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	ended = image_job_ends(job, row);
	pending_count(image, job, UINT32_MAX);
	free(job->node.texts);
	job->node.texts = block;
	job->row = *row;
	job->row.cluster = block;
	job->row.service = block + at[1];
	job->row.real = block + at[2];
	job->row.message = block + at[3];
	job->node.generation = image->generation;
	pending_count(image, job, 1);
	if (ended)
		image_job_tell(image, job);
	return ERR_OK;
}

/* A cluster without data plane has nothing more to do. */
static void
job_release(struct image *image, struct image_job *job, int64_t now)
{
	const struct image_real *real = idmap_get(&image->real_by_id, job->row.real_id);

	pending_count(image, job, UINT32_MAX);
	job->row.state = JOB_QUEUED;
	if (real != NULL && strcmp(real->service->cluster->plane, "none") == 0) {
		job->row.state = JOB_SUCCEEDED;
		job->row.started = job->row.finished = now;
		job->row.message = JOB_MESSAGE_RECORDED;
		image_job_tell(image, job);
	}
	pending_count(image, job, 1);
}

void
image_jobs_release(struct image *image, uint32_t first, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++) {
		struct image_node *node = image_list_find(&image->jobs, first + (uint32_t)i);
		struct image_job *job = (struct image_job *)(void *)node;

		if (job != NULL && job->row.state == JOB_HELD)
			job_release(image, job, now);
	}
}

/* -- what is gone ------------------------------------------------------------------------------ */

static void
statistics_forget(struct image_real *real)
{
	memset(&real->statistics, 0, sizeof(real->statistics));
	image_dirty(real->service);
}

static void
statistics_forget_below(struct image_service *service, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < service->reals.n; i++)
		statistics_forget((struct image_real *)service->reals.nodes[i]);
}

static enum err_code
take_removed(void *arg, enum store_kind kind, uint32_t id)
{
	struct image *image = ((struct intake *)arg)->image;
	void *row;

	switch (kind) {
	case STORE_CLUSTER:
		if ((row = idmap_get(&image->cluster_by_id, id)) != NULL)
			cluster_remove(image, row);
		break;
	case STORE_SERVICE:
		if ((row = idmap_get(&image->service_by_id, id)) != NULL)
			service_remove(image, row);
		break;
	case STORE_REAL:
		if ((row = idmap_get(&image->real_by_id, id)) != NULL)
			real_remove(image, row);
		break;
	case STORE_JOB:
		if ((row = image_list_find(&image->jobs, id)) != NULL)
			job_remove(image, row);
		break;
	case STORE_STATISTICS:
		if (id == 0)	/* the file was made anew */
			image_services_each(image, statistics_forget_below, NULL);
		else if ((row = idmap_get(&image->real_by_id, id)) != NULL)
			statistics_forget(row);
		break;
	}
	return ERR_OK;
}

static void
take_totals(void *arg, const struct store_totals *totals)
{
	((struct intake *)arg)->image->totals = *totals;
}

static void
pending_forget(struct image_service *service, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < service->reals.n; i++)
		((struct image_real *)service->reals.nodes[i])->pending_jobs = 0;
}

/* After a load from another file, where a number may stand for another row. */
static void
pending_recount(struct image *image)
{
	image_services_each(image, pending_forget, NULL);
	image->jobs_active = 0;
	for (uint32_t i = 0; i < image->jobs.n; i++)
		pending_count(image, (struct image_job *)image->jobs.nodes[i], 1);
}

/* After a load over an image that was there: rows that did not come are gone.
 * Rows that stayed keep their counters. */
static void
sweep(struct image *image)
{
	for (uint32_t i = image->jobs.n; i-- > 0;)
		if (image->jobs.nodes[i]->generation != image->generation)
			job_remove(image, (struct image_job *)image->jobs.nodes[i]);
	for (uint32_t i = image->clusters.n; i-- > 0;) {
		struct image_cluster *cluster =
		    (struct image_cluster *)image->clusters.nodes[i];

		for (uint32_t j = cluster->services.n; j-- > 0;) {
			struct image_service *service =
			    (struct image_service *)cluster->services.nodes[j];

			for (uint32_t k = service->reals.n; k-- > 0;)
				if (service->reals.nodes[k]->generation != image->generation)
					real_remove(image,
					    (struct image_real *)service->reals.nodes[k]);
			if (service->node.generation != image->generation)
				service_remove(image, service);
		}
		if (cluster->node.generation != image->generation)
			cluster_remove(image, cluster);
	}
	dead_bury(image);
	pending_recount(image);
}

/* -- the whole ----------------------------------------------------------------------- */

struct image *
image_new(void)
{
	struct image *image = calloc(1, sizeof(*image));

	if (image != NULL) {
		image->stale_after_s = 300;
		image->loading = true;
	}
	return image;
}

void
image_free(struct image *image)
{
	if (image == NULL)
		return;
	while (image->jobs.n > 0)
		job_remove(image, (struct image_job *)image->jobs.nodes[image->jobs.n - 1]);
	for (uint32_t i = 0; i < image->clusters.n; i++)
		cluster_free(image, (struct image_cluster *)image->clusters.nodes[i]);
	image_list_done(&image->clusters);
	image_list_done(&image->cluster_names.list);
	image_list_done(&image->jobs);
	idmap_done(&image->cluster_by_id);
	idmap_done(&image->service_by_id);
	idmap_done(&image->real_by_id);
	free(image);
}

enum err_code
image_refresh(struct image *image, struct store *store, size_t limit, int64_t now,
    bool *ret_more, struct err *err)
{
	struct intake intake = { .image = image, .now = now };
	const struct store_sink sink = {
		.arg = &intake, .cluster = take_cluster, .service = take_service,
		.real = take_real, .job = take_job, .statistics = take_statistics,
		.removed = take_removed, .totals = take_totals,
	};
	bool more;
	enum err_code code;

	code = store_changes(store, &image->cursor, &sink, limit, &more, err);
	if (code == ERR_GONE) {
		memset(&image->cursor, 0, sizeof(image->cursor));
		image->generation++;
		image->loading = true;
		more = true;
		code = ERR_OK;
	}
	dead_bury(image);
	if (code != ERR_OK) {
		if (image->loaded)	/* for the rows that came before the error */
			image_derive(image, now, false);
		return code;
	}
	image->behind = more;
	if (image->loading && !more) {
		sweep(image);
		image_derive(image, now, !image->loaded);
		image->loading = false;
		image->loaded = true;
	} else if (image->loaded) {
		image_derive(image, now, false);
	}
	*ret_more = more;
	return ERR_OK;
}

bool
image_behind(const struct image *image)
{
	return image->behind;
}

bool
image_loaded(const struct image *image)
{
	return image->loaded;
}

uint64_t
image_version(const struct image *image)
{
	return image->version;
}

uint32_t
image_stale_after(const struct image *image)
{
	return image->stale_after_s;
}

const struct store_totals *
image_totals(const struct image *image)
{
	return &image->totals;
}

uint32_t
image_services_count(const struct image *image)
{
	return (uint32_t)idmap_count(&image->service_by_id);
}

uint32_t
image_reals_count(const struct image *image)
{
	return (uint32_t)idmap_count(&image->real_by_id);
}

uint32_t
image_reals_stale(const struct image *image)
{
	return image->reals_stale;
}

uint32_t
image_jobs_active(const struct image *image)
{
	return image->jobs_active;
}

struct image_list *
image_clusters(struct image *image)
{
	return &image->clusters;
}

struct image_names *
image_cluster_names(struct image *image)
{
	return &image->cluster_names;
}

struct image_list *
image_jobs(struct image *image)
{
	return &image->jobs;
}

struct image_real *
image_real_find(struct image *image, uint32_t id)
{
	return idmap_get(&image->real_by_id, id);
}

struct image_service *
image_service_find(struct image *image, uint32_t id)
{
	return idmap_get(&image->service_by_id, id);
}
