/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Jobs of the image: how they come, change and go; see inside.h.
 */
#include <stdlib.h>
#include <string.h>

#include "image/inside.h"

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

void
image_job_remove(struct image *image, struct image_job *job)
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

enum err_code
image_take_job(void *arg, const struct job_row *row)
{
	struct image *image = ((struct image_intake *)arg)->image;
	struct image_job *job = (struct image_job *)image_list_find(&image->jobs, row->id);
	const char *const texts[] = { row->cluster, row->service, row->real, row->message };
	size_t at[4];
	char *block;
	bool ended;

	block = image_texts_make(4, texts, at);
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

static void
pending_forget(struct image_service *service, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < service->reals.n; i++)
		((struct image_real *)service->reals.nodes[i])->pending_jobs = 0;
}

void
image_pending_recount(struct image *image)
{
	image_services_each(image, pending_forget, NULL);
	image->jobs_active = 0;
	for (uint32_t i = 0; i < image->jobs.n; i++)
		pending_count(image, (struct image_job *)image->jobs.nodes[i], 1);
}
