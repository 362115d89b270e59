/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include <stdlib.h>
#include <string.h>

#include "cache/cache_private.h"

static struct cache_job *
job_at(const struct cache *cache, uint32_t i)
{
	return (void *)cache->jobs.rows[i];
}

/* Return the row of a job; NULL if it is deleted, or of the other kind. */
static struct cache_real *
real_of(const struct cache *cache, const struct cache_job *job)
{
	return tree_find(&cache->tree, STORE_REAL, job->columns.real_id);
}

static struct cache_service *
service_of(const struct cache *cache, const struct cache_job *job)
{
	return tree_find(&cache->tree, STORE_SERVICE, job->columns.service_id);
}

static const struct cache_cluster *
cluster_of(const struct cache *cache, const struct cache_job *job)
{
	const struct cache_real *real = real_of(cache, job);
	const struct cache_service *service = real != NULL ? cache_service_of(real) :
	    service_of(cache, job);

	return service == NULL ? NULL : cache_cluster_of(service);
}

bool
cache_job_unattended(const struct cache *cache, const struct cache_job *job, bool readable,
    int64_t now, struct plane_view *ret_view)
{
	const struct cache_cluster *cluster;

	if (!job_state_open(job->columns.state) || (cluster = cluster_of(cache, job)) == NULL)
		return false;
	cache_plane_view(cluster, readable, now, ret_view);
	return ret_view->status == PLANE_STATUS_UNATTENDED;
}

/* Adds 'by' to the counts of unfinished jobs. A row that is not read yet counts its jobs when
 * they come again. */
static void
pending_count(struct cache *cache, const struct cache_job *job, uint32_t by)
{
	struct cache_service *service = service_of(cache, job);
	struct cache_real *real = real_of(cache, job);

	if (job->row.name == NULL || !job_state_open(job->columns.state))
		return;
	cache->jobs_active += by;
	if (real != NULL)
		real->pending_jobs += by;
	if (service != NULL)
		service->pending_jobs += by;
}

/* -- settings of released jobs --------------------------------------------------------- */

/* The bits of each column in cache_settings_key(). The key of a service is 'enabled'. */
static const struct {
	uint32_t	mask;
	unsigned int	shift;
} bits[] = {
	[REAL_ENABLED] = { 1u << KEY_ENABLED_BIT, KEY_ENABLED_BIT },
	[REAL_FALLBACK] = { 1u << KEY_FALLBACK_BIT, KEY_FALLBACK_BIT },
	[REAL_WEIGHT] = { 0xffff, 0 },
	[SERVICE_ENABLED] = { 1, 0 },
};

/* True if the row in the store got the value of this job, now or before a later job. */
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

/* Returns the key of the settings to show, of a real service or of a service (the other id is 0)
 * whose row in the store has 'key'. The latest job of a column decides about it; jobs that are
 * ahead of the store are among the latest ones. */
static uint32_t
settings_ahead(const struct cache *cache, uint32_t real_id, uint32_t service_id, uint32_t key)
{
	uint32_t decided = 0, left = cache->jobs_ahead;

	for (uint32_t i = cache->jobs.n; i-- > 0 && left > 0;) {
		const struct cache_job *job = job_at(cache, i);
		enum real_column column = job_operation_column(job->columns.operation);
		uint32_t mask = bits[column].mask;

		left -= job->ahead;
		if (job->columns.real_id != real_id || job->columns.service_id != service_id ||
		    (decided & mask) != 0 || !job_is_stored(job))
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
	uint32_t key = settings_ahead(cache, real->row.id, 0, real->stored);

	cache_settings_note(cache, real, key);
	real->enabled = (key & bits[REAL_ENABLED].mask) != 0;
	real->fallback = (key & bits[REAL_FALLBACK].mask) != 0;
	real->weight = (uint16_t)(key & bits[REAL_WEIGHT].mask);
	cache_service_changed(cache_service_of(real));
}

void
cache_service_show(struct cache *cache, struct cache_service *service)
{
	bool enabled = settings_ahead(cache, 0, service->row.id, service->stored_enabled) != 0;
	struct cache_real *real;

	cache_service_changed(service);
	if (service->row.name == NULL /* the row is new */ || service->enabled == enabled) {
		service->enabled = enabled;
		return;
	}
	service->enabled = enabled;
	service->touched = cache->now;
	TREE_FOREACH(real, i, &service->branch.children)
		real->was_kept_out |= enabled;
}

static void
ahead_set(struct cache *cache, struct cache_job *job, bool ahead)
{
	struct cache_service *service = service_of(cache, job);
	struct cache_real *real = real_of(cache, job);

	if (job->ahead == ahead)
		return;
	job->ahead = ahead;
	cache->jobs_ahead += ahead ? 1 : UINT32_MAX;
	cache->changes_ahead -= job->counted;
	job->counted = ahead && job->columns.old_value != job->columns.new_value;
	cache->changes_ahead += job->counted;
	if (real != NULL)
		cache_settings_show(cache, real);
	if (service != NULL)
		cache_service_show(cache, service);
}

/* Shows a held job in the state that its release gives it in the store. In a cluster without a
 * data plane the release ends the job. */
static void
released_show(const struct cache *cache, struct cache_job *job, int64_t now)
{
	const struct cache_cluster *cluster = cluster_of(cache, job);

	job->columns.state = JOB_QUEUED;
	if (cluster != NULL && strcmp(tree_text(&cluster->row, TREE_PLANE), "none") == 0) {
		job->columns.state = JOB_SUCCEEDED;
		job->columns.started = job->columns.finished = now;
		job->columns.message = JOB_MESSAGE_RECORDED;
	}
}

/* -- jobs of the store ----------------------------------------------------------------- */

void
cache_job_remove(struct cache *cache, struct cache_job *job)
{
	ahead_set(cache, job, false);
	pending_count(cache, job, UINT32_MAX);
	tree_list_remove(&cache->jobs, &job->row);
	free(job->row.name);
	free(job);
}

static struct cache_job *
job_new(struct cache *cache, uint32_t id)
{
	struct cache_job *job = calloc(1, sizeof(*job));

	if (job == NULL || !tree_list_reserve(&cache->jobs)) {
		free(job);
		return NULL;
	}
	job->row.id = id;
	tree_list_add(&cache->jobs, &job->row);
	return job;
}

static void
columns_set(struct cache_job *job, const struct job_row *columns, char *texts)
{
	free(job->row.name);
	job->row.name = texts;
	job->columns = *columns;
	job->columns.cluster = texts;
	job->columns.service = job->columns.cluster + strlen(job->columns.cluster) + 1;
	job->columns.real = job->columns.service + strlen(job->columns.service) + 1;
	job->columns.message = job->columns.real + strlen(job->columns.real) + 1;
	job->columns.origin = "";	/* no column of LBCLUSTER-MIB has it */
}

/* True if these are the columns of the same job: after a replacement of the store its id may be
 * that of another one. */
static bool
job_is(const struct cache_job *job, const struct job_row *columns)
{
	return job->columns.real_id == columns->real_id &&
	    job->columns.service_id == columns->service_id &&
	    job->columns.operation == columns->operation &&
	    job->columns.new_value == columns->new_value &&
	    job->columns.created == columns->created;
}

enum err_code
cache_on_job(void *arg, const struct job_row *columns)
{
	struct cache *cache = arg;
	struct cache_job *job = (void *)tree_list_find(&cache->jobs, columns->id);
	struct cache_service *service;
	const char *const texts[] = { columns->cluster, columns->service, columns->real,
		columns->message };
	char *block = tree_texts_new(texts, 4);
	bool ends;

	if (block != NULL && job == NULL)
		job = job_new(cache, columns->id);
	if (job == NULL || block == NULL) {
		free(block);
		return ERR_NOMEM;
	}
	if (!job_is(job, columns))
		ahead_set(cache, job, false);
	ends = cache_job_ends(job, columns);
	pending_count(cache, job, UINT32_MAX);
	columns_set(job, columns, block);
	job->row.generation = cache->tree.generation;
	/* A job may come again before its release is written. */
	if (job->ahead && columns->state == JOB_HELD)
		released_show(cache, job, cache->now);
	else
		ahead_set(cache, job, false);
	pending_count(cache, job, 1);
	service = service_of(cache, job);
	if (service != NULL && columns->finished > service->touched)
		service->touched = columns->finished;
	if (ends)
		cache_job_report(cache, job);
	return ERR_OK;
}

void
cache_jobs_sweep(struct cache *cache)
{
	struct cache_service *service;
	const struct cache_job *job;
	struct tree_branch *cluster;
	struct cache_real *real;

	for (uint32_t i = cache->jobs.n; i-- > 0;)
		if (job_at(cache, i)->row.generation != cache->tree.generation)
			cache_job_remove(cache, job_at(cache, i));
	TREE_FOREACH(cluster, i, &cache->tree.root.children) {
		TREE_FOREACH(service, j, &cluster->children) {
			service->pending_jobs = 0;
			TREE_FOREACH(real, k, &service->branch.children)
				real->pending_jobs = 0;
		}
	}
	cache->jobs_active = 0;
	TREE_FOREACH(job, i, &cache->jobs)
		pending_count(cache, job, 1);
}

/* -- the release of a SET -------------------------------------------------------------- */

static void
job_release(struct cache *cache, struct cache_job *job, int64_t now)
{
	struct cache_real *real = real_of(cache, job);

	if (job->columns.state != JOB_HELD)
		return;
	pending_count(cache, job, UINT32_MAX);
	released_show(cache, job, now);
	pending_count(cache, job, 1);
	ahead_set(cache, job, true);
	if (!job->counted || cluster_of(cache, job) == NULL)
		return;
	if (real != NULL)
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
	for (; to < cache->jobs.n && job_at(cache, to)->row.id - first < n; to++)
		job_release(cache, job_at(cache, to), now);
	cache_derive(cache, now, false);
	for (; from < to; from++) {
		const struct cache_job *job = job_at(cache, from);

		if (job->ahead && job->columns.state == JOB_SUCCEEDED)
			cache_job_report(cache, job);
	}
}
