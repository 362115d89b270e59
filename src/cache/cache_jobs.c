/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Jobs of the cache: how they come, change and go; see inside.h.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/cache_private.h"

/* Counts an unfinished job in or out; a row not known yet counts when its own
 * job comes again. */
static void
pending_count(struct cache *cache, const struct cache_job *job, uint32_t by)
{
	struct cache_real *real;

	if (job->row.texts == NULL || !job_state_open(job->columns.state))
		return;
	cache->jobs_active += by;
	real = idmap_get(&cache->real_by_id, job->columns.real_id);
	if (real != NULL)
		real->pending_jobs += by;
}

/* -- what is released and not stored yet --------------------------------------------- */

/* Bits of cache_settings_key() of each column. */
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
job_is_stored(const struct cache_job *job)
{
	switch (job->columns.state) {
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
settings_ahead(const struct cache *cache, const struct cache_real *real)
{
	uint32_t key = real->stored, decided = 0, left = cache->jobs_ahead;

	for (uint32_t i = cache->jobs.n; i-- > 0 && left > 0;) {
		const struct cache_job *job = (const struct cache_job *)cache->jobs.rows[i];
		enum real_column column = job_operation_column(job->columns.operation);
		uint32_t mask = bits[column].mask;

		left -= job->ahead;
		if (job->columns.real_id != real->row.id || (decided & mask) != 0 ||
		    !job_is_stored(job))
			continue;
		decided |= mask;
		if (job->ahead)
			key = (key & ~mask) | (job->columns.new_value << bits[column].shift & mask);
	}
	return key;
}

void
cache_settings_show(struct cache *cache, struct cache_real *real)
{
	uint32_t key = settings_ahead(cache, real);

	cache_settings_follow(cache, real, key);
	real->enabled = (key & bits[REAL_ENABLED].mask) != 0;
	real->fallback = (key & bits[REAL_FALLBACK].mask) != 0;
	real->weight = (uint16_t)(key & bits[REAL_WEIGHT].mask);
	cache_dirty(real->service);
}

static void
ahead_set(struct cache *cache, struct cache_job *job, bool ahead)
{
	struct cache_real *real = idmap_get(&cache->real_by_id, job->columns.real_id);

	if (job->ahead == ahead)
		return;
	job->ahead = ahead;
	cache->jobs_ahead += ahead ? 1 : UINT32_MAX;
	cache->changes_ahead -= job->counted;
	job->counted = ahead && job->columns.old_value != job->columns.new_value;
	cache->changes_ahead += job->counted;
	if (real != NULL)
		cache_settings_show(cache, real);
}

/* What the store will make of a held job: a cluster without data plane has nothing more to
 * do. */
static void
released_show(struct cache *cache, struct cache_job *job, int64_t now)
{
	const struct cache_real *real = idmap_get(&cache->real_by_id, job->columns.real_id);

	job->columns.state = JOB_QUEUED;
	if (real != NULL && strcmp(real->service->cluster->plane, "none") == 0) {
		job->columns.state = JOB_SUCCEEDED;
		job->columns.started = job->columns.finished = now;
		job->columns.message = JOB_MESSAGE_RECORDED;
	}
}

/* -- jobs that come, change and go --------------------------------------------------- */

void
cache_job_remove(struct cache *cache, struct cache_job *job)
{
	ahead_set(cache, job, false);
	pending_count(cache, job, UINT32_MAX);
	tree_list_remove(&cache->jobs, &job->row);
	free(job->row.texts);
	free(job);
}

static struct cache_job *
job_new(struct cache *cache, uint32_t id)
{
	struct cache_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->row.id = id;
	if (!tree_list_reserve(&cache->jobs)) {
		free(job);
		return NULL;
	}
	tree_list_add(&cache->jobs, &job->row);
	return job;
}

enum err_code
cache_take_job(void *arg, const struct job_row *row)
{
	const struct cache_intake *intake = arg;
	struct cache *cache = intake->cache;
	struct cache_job *job = (struct cache_job *)tree_list_find(&cache->jobs, row->id);
	const char *const texts[] = { row->cluster, row->service, row->real, row->message };
	size_t at[4];
	char *block;
	bool ended;

	block = cache_texts_make(4, texts, at);
	if (block != NULL && job == NULL)
		job = job_new(cache, row->id);
	if (job == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	ended = cache_job_ends(job, row);
	pending_count(cache, job, UINT32_MAX);
	free(job->row.texts);
	job->row.texts = block;
	job->columns = *row;
	job->columns.cluster = block;
	job->columns.service = block + at[1];
	job->columns.real = block + at[2];
	job->columns.message = block + at[3];
	job->row.generation = cache->generation;
	/* It may come again before the release is written. */
	if (job->ahead && row->state == JOB_HELD)
		released_show(cache, job, intake->now);
	else
		ahead_set(cache, job, false);
	pending_count(cache, job, 1);
	if (ended)
		cache_job_tell(cache, job);
	return ERR_OK;
}

/* Counts the change and gives it its time, too. */
static void
change_show(struct cache *cache, struct cache_job *job, int64_t now)
{
	struct cache_real *real = idmap_get(&cache->real_by_id, job->columns.real_id);

	ahead_set(cache, job, true);
	if (real == NULL || !job->counted)
		return;
	real->last_change = now;
	cache->totals.config_last_change = now;
	cache->totals.config_changes++;
}

void
cache_set_release(struct cache *cache, const struct store_set *set, uint32_t first, size_t n,
    int64_t now)
{
	uint32_t from = tree_list_after(&cache->jobs, first - 1), to = from;

	if (set->lock != STORE_NO_LOCK)
		cache->totals.set_lock = model_lock_next(cache->totals.set_lock);
	if (set->sets_notify)
		cache->totals.notify_enable = set->notify;
	for (; to < cache->jobs.n && cache->jobs.rows[to]->id - first < n; to++) {
		struct cache_job *job = (struct cache_job *)cache->jobs.rows[to];

		if (job->columns.state != JOB_HELD)
			continue;
		pending_count(cache, job, UINT32_MAX);
		released_show(cache, job, now);
		pending_count(cache, job, 1);
		change_show(cache, job, now);
	}
	cache_derive(cache, now, false);
	for (; from < to; from++) {
		const struct cache_job *job = (const struct cache_job *)cache->jobs.rows[from];

		if (job->ahead && job->columns.state == JOB_SUCCEEDED)
			cache_job_tell(cache, job);
	}
}

static void
pending_forget(struct cache_service *service, void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < service->reals.n; i++)
		((struct cache_real *)service->reals.rows[i])->pending_jobs = 0;
}

void
cache_pending_recount(struct cache *cache)
{
	cache_services_each(cache, pending_forget, NULL);
	cache->jobs_active = 0;
	for (uint32_t i = 0; i < cache->jobs.n; i++)
		pending_count(cache, (struct cache_job *)cache->jobs.rows[i], 1);
}
