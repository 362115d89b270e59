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

/* -- what is released and not stored yet --------------------------------------------- */

/* Bits of image_settings_key() of each column. */
static const struct {
	uint32_t	mask;
	unsigned int	shift;
} bits[] = {
	[REAL_ENABLED] = { 1u << 17, 17 },
	[REAL_FALLBACK] = { 1u << 16, 16 },
	[REAL_WEIGHT] = { 0xffff, 0 },
};

/* True if the row in the store has the value of this job, or of one before it no longer. */
static bool
job_is_stored(const struct image_job *job)
{
	switch (job->row.state) {
	case JOB_QUEUED:
	case JOB_RUNNING:
	case JOB_SUCCEEDED:
	case JOB_SUPERSEDED:
		return true;
	case JOB_HELD:
	case JOB_FAILED:
	case JOB_CANCELLED:
		break;
	}
	return false;
}

/* The latest job for a column decides. Jobs that are ahead are the newest ones. */
static uint32_t
settings_ahead(const struct image *image, const struct image_real *real)
{
	uint32_t key = real->stored, decided = 0, left = image->jobs_ahead;

	for (uint32_t i = image->jobs.n; i-- > 0 && left > 0;) {
		const struct image_job *job = (const struct image_job *)image->jobs.nodes[i];
		enum real_column column = job_operation_column(job->row.operation);
		uint32_t mask = bits[column].mask;

		left -= job->ahead;
		if (job->row.real_id != real->node.id || (decided & mask) != 0 ||
		    !job_is_stored(job))
			continue;
		decided |= mask;
		if (job->ahead)
			key = (key & ~mask) | (job->row.new_value << bits[column].shift & mask);
	}
	return key;
}

void
image_settings_show(struct image *image, struct image_real *real)
{
	uint32_t key = settings_ahead(image, real);

	image_settings_follow(image, real, key);
	real->enabled = (key & bits[REAL_ENABLED].mask) != 0;
	real->fallback = (key & bits[REAL_FALLBACK].mask) != 0;
	real->weight = (uint16_t)(key & bits[REAL_WEIGHT].mask);
	image_dirty(real->service);
}

static void
ahead_set(struct image *image, struct image_job *job, bool ahead)
{
	struct image_real *real = idmap_get(&image->real_by_id, job->row.real_id);

	if (job->ahead == ahead)
		return;
	job->ahead = ahead;
	image->jobs_ahead += ahead ? 1 : UINT32_MAX;
	image->changes_ahead -= job->counted;
	job->counted = ahead && job->row.old_value != job->row.new_value;
	image->changes_ahead += job->counted;
	if (real != NULL)
		image_settings_show(image, real);
}

/* What the store will make of a held job: a cluster without data plane has nothing more to
 * do. */
static void
released_show(struct image *image, struct image_job *job, int64_t now)
{
	const struct image_real *real = idmap_get(&image->real_by_id, job->row.real_id);

	job->row.state = JOB_QUEUED;
	if (real != NULL && strcmp(real->service->cluster->plane, "none") == 0) {
		job->row.state = JOB_SUCCEEDED;
		job->row.started = job->row.finished = now;
		job->row.message = JOB_MESSAGE_RECORDED;
	}
}

/* -- jobs that come, change and go --------------------------------------------------- */

void
image_job_remove(struct image *image, struct image_job *job)
{
	ahead_set(image, job, false);
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
	const struct image_intake *intake = arg;
	struct image *image = intake->image;
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
	/* It may come again before the release is written. */
	if (job->ahead && row->state == JOB_HELD)
		released_show(image, job, intake->now);
	else
		ahead_set(image, job, false);
	pending_count(image, job, 1);
	if (ended)
		image_job_tell(image, job);
	return ERR_OK;
}

/* Counts the change and gives it its time, too. */
static void
change_show(struct image *image, struct image_job *job, int64_t now)
{
	struct image_real *real = idmap_get(&image->real_by_id, job->row.real_id);

	ahead_set(image, job, true);
	if (real == NULL || !job->counted)
		return;
	real->last_change = now;
	image->totals.config_last_change = now;
	image->totals.config_changes++;
}

void
image_set_release(struct image *image, const struct store_set *set, uint32_t first, size_t n,
    int64_t now)
{
	uint32_t from = image_list_after(&image->jobs, first - 1), to = from;

	if (set->lock != STORE_NO_LOCK)
		image->totals.set_lock = model_lock_next(image->totals.set_lock);
	if (set->sets_notify)
		image->totals.notify_enable = set->notify;
	for (; to < image->jobs.n && image->jobs.nodes[to]->id - first < n; to++) {
		struct image_job *job = (struct image_job *)image->jobs.nodes[to];

		if (job->row.state != JOB_HELD)
			continue;
		pending_count(image, job, UINT32_MAX);
		released_show(image, job, now);
		pending_count(image, job, 1);
		change_show(image, job, now);
	}
	image_derive(image, now, false);
	for (; from < to; from++) {
		const struct image_job *job = (const struct image_job *)image->jobs.nodes[from];

		if (job->ahead && job->row.state == JOB_SUCCEEDED)
			image_job_tell(image, job);
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
