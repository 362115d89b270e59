/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The image as a whole: loads, what is gone, what is asked of it; see image.h.
 */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "image/inside.h"

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
	struct image *image = ((struct image_intake *)arg)->image;
	void *row;

	switch (kind) {
	case STORE_CLUSTER:
		if ((row = idmap_get(&image->cluster_by_id, id)) != NULL)
			image_cluster_remove(image, row);
		break;
	case STORE_SERVICE:
		if ((row = idmap_get(&image->service_by_id, id)) != NULL)
			image_service_remove(image, row);
		break;
	case STORE_REAL:
		if ((row = idmap_get(&image->real_by_id, id)) != NULL)
			image_real_remove(image, row);
		break;
	case STORE_JOB:
		if ((row = image_list_find(&image->jobs, id)) != NULL)
			image_job_remove(image, row);
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
	struct image *image = ((struct image_intake *)arg)->image;
	struct store_totals shown = image->totals;

	image->totals = *totals;
	image->config_changes = totals->config_changes;
	/* Rows that the store counts there may not have been read yet: image_refresh() adds. */
	image->totals.config_changes = shown.config_changes;
	if (image->changes_ahead > 0 && shown.config_last_change > totals->config_last_change)
		image->totals.config_last_change = shown.config_last_change;
}

/* After a load over an image that was there: rows that did not come are gone.
 * Rows that stayed keep their counters. */
static void
sweep(struct image *image)
{
	for (uint32_t i = image->jobs.n; i-- > 0;)
		if (image->jobs.nodes[i]->generation != image->generation)
			image_job_remove(image, (struct image_job *)image->jobs.nodes[i]);
	for (uint32_t i = image->clusters.n; i-- > 0;) {
		struct image_cluster *cluster =
		    (struct image_cluster *)image->clusters.nodes[i];

		for (uint32_t j = cluster->services.n; j-- > 0;) {
			struct image_service *service =
			    (struct image_service *)cluster->services.nodes[j];

			for (uint32_t k = service->reals.n; k-- > 0;)
				if (service->reals.nodes[k]->generation != image->generation)
					image_real_remove(image,
					    (struct image_real *)service->reals.nodes[k]);
			if (service->node.generation != image->generation)
				image_service_remove(image, service);
		}
		if (cluster->node.generation != image->generation)
			image_cluster_remove(image, cluster);
	}
	image_dead_bury(image);
	image_pending_recount(image);
}

/* -- the whole ----------------------------------------------------------------------- */

struct image *
image_new(void)
{
	struct image *image = calloc(1, sizeof(*image));

	if (image != NULL) {
		image->stale_after_s = STALE_AFTER_DEFAULT_S;
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
		image_job_remove(image, (struct image_job *)image->jobs.nodes[image->jobs.n - 1]);
	for (uint32_t i = 0; i < image->clusters.n; i++)
		image_cluster_free(image, (struct image_cluster *)image->clusters.nodes[i]);
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
	struct image_intake intake = { .image = image, .now = now };
	const struct store_sink sink = {
		.arg = &intake, .cluster = image_take_cluster, .service = image_take_service,
		.real = image_take_real, .job = image_take_job, .statistics = image_take_statistics,
		.removed = take_removed, .totals = take_totals, .look = image_take_look,
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
	image_dead_bury(image);
	if (code != ERR_OK) {
		if (image->loaded)	/* for the rows that came before the error */
			image_derive(image, now, false);
		return code;
	}
	image->behind = more;
	if (!more)	/* each change is in the rows that were read, or ahead of them */
		image->totals.config_changes = image->config_changes + image->changes_ahead;
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
