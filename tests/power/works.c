/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * SETs while the power may go, as managers and lbclusterctl do them, and the jobs of a
 * driver; see works.h.
 */
#include "works.h"

#include "unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- a store with something in it ------------------------------------------ */

void
works_fill(struct scene *scene)
{
	scene_open(scene);
	scene_close(scene);
	sql_exec(scene->main_path, WORKS_FILLED);
	sql_exec(scene->stats_path, WORKS_FILLED_STATISTICS);
}

/* -- SETs ------------------------------------------------------------------ */

static uint64_t token;

static struct store_set
set_of(const struct change *changes, size_t n)
{
	return (struct store_set){ .changes = changes, .n = n, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = ++token };
}

/* A SET that is acknowledged: its jobs, one for each change, are there from then on. */
static void
set_do(struct scene *scene, const struct store_set *set, enum store_set_mode mode)
{
	struct verdict verdict;
	uint32_t job = 0;
	size_t jobs = 0;

	scene_begin(scene);
	if (store_set(scene->store, set, mode, &verdict, &job, &jobs, &scene->err) != ERR_OK)
		fail_msg("%s", scene->err.text);
	assert_int_equal(jobs, set->n);
	for (size_t i = 0; i < set->n; i++)
		scene_promise(scene, "SELECT count(*) FROM job WHERE id >= %u AND id < %u"
		    " AND real_id = %u AND new_value = %u AND token = %llu"
		    " AND operation = %d", job, job + (uint32_t)jobs, set->changes[i].real_id,
		    set->changes[i].value, (unsigned long long)set->token,
		    (int)job_operation_for(set->changes[i].column, set->changes[i].value));
	if (set->lock != STORE_NO_LOCK)
		scene_promise(scene, "SELECT value >= %lld FROM setting WHERE name = 'set_lock'",
		    (long long)set->lock + 1);
	scene_done(scene);
}

static void
weight_set(struct scene *scene, uint32_t real_id, uint32_t value, enum store_set_mode mode)
{
	const struct change change = { real_id, REAL_WEIGHT, value };
	const struct store_set set = set_of(&change, 1);

	set_do(scene, &set, mode);
	if (mode == STORE_SET_HOLD)
		store_set_release(scene->store, set.token);
}

/* Nobody sets it again. */
static void
weight_stays(struct scene *scene, uint32_t real_id, uint32_t value)
{
	scene_promise(scene, "SELECT weight = %u FROM real_service WHERE id = %u", value,
	    real_id);
}

static void
flush(struct scene *scene)
{
	scene_begin(scene);
	assert_int_equal(store_flush(scene->store, &scene->err), ERR_OK);
	scene_done(scene);
}

/* The fallback goes from one to the other, with more beside it and under the lock. */
static void
many_set(struct scene *scene)
{
	const struct change changes[] = {
		{ 12, REAL_FALLBACK, 0 }, { 11, REAL_FALLBACK, 1 }, { 12, REAL_WEIGHT, 0 },
		{ 10, REAL_ENABLED, 0 }, { 9, REAL_ENABLED, 0 }, { 3, REAL_ENABLED, 0 },
	};
	struct store_set set = set_of(changes, COUNT(changes));

	set.lock = 0;
	set_do(scene, &set, STORE_SET_HOLD);
	scene_promise(scene, "SELECT id = 11 FROM real_service WHERE fallback = 1"
	    " AND service_id = 2");
	store_set_release(scene->store, set.token);
}

/* The manager was told an error: it is not there once that was undone, or noted. */
static void
set_undo(struct scene *scene, int64_t lock,
    enum err_code (*undo)(struct store *store, uint64_t token, struct err *err))
{
	const struct change changes[] = {
		{ 6, REAL_FALLBACK, 0 }, { 5, REAL_FALLBACK, 1 }, { 4, REAL_WEIGHT, 44 },
	};
	struct store_set set = set_of(changes, COUNT(changes));

	set.lock = lock;
	set.sets_notify = true;
	set.notify = 3;
	scene_begin(scene);
	{
		struct verdict verdict;
		uint32_t job;
		size_t jobs;

		assert_int_equal(store_set(scene->store, &set, STORE_SET_HOLD, &verdict, &job,
		    &jobs, &scene->err), ERR_OK);
	}
	scene_done(scene);
	scene_begin(scene);
	assert_int_equal(undo(scene->store, set.token, &scene->err), ERR_OK);
	scene_promise(scene, "SELECT fallback FROM real_service WHERE id = 6");
	scene_promise(scene, "SELECT weight = 10 FROM real_service WHERE id = 4");
	scene_promise(scene, "SELECT count(*) = 3 FROM job WHERE state = 5 AND token = %llu",
	    (unsigned long long)set.token);
	scene_done(scene);
}

void
works_sets(struct scene *scene)
{
	scene_open(scene);
	weight_set(scene, 1, 0, STORE_SET_HOLD);
	weight_stays(scene, 1, 0);
	flush(scene);
	weight_set(scene, 7, 256, STORE_SET_HOLD);
	weight_stays(scene, 7, 256);
	many_set(scene);	/* and what that one released */
	flush(scene);
	set_undo(scene, 1, store_set_undo);
	works_ctl(scene, "set-weight", "plain/http/r2", "77");
	weight_stays(scene, 2, 77);
	works_ctl(scene, "disable", "proxy/http/r8", NULL);
	scene_promise(scene, "SELECT NOT enabled FROM real_service WHERE id = 8");
	scene_begin(scene);
	assert_int_equal(store_set_lock_increase(scene->store, &scene->err), ERR_OK);
	scene_promise(scene, "SELECT value = 2 FROM setting WHERE name = 'set_lock'");
	scene_done(scene);
	scene_close(scene);
}

/* A store that waits until the note is synced, however slow we are. */
void
works_note(struct scene *scene)
{
	assert_int_equal(store_open(scene->dir, STORE_WRITE, LONG_WAIT_MS, &scene->store,
	    &scene->err), ERR_OK);
	set_undo(scene, 0, store_undo_note);
	scene_close(scene);
}

/* -- a driver -------------------------------------------------------------- */

static enum err_code
job_note(void *arg, const struct job_row *row)
{
	*(uint32_t *)arg = row->id;
	return ERR_OK;
}

static uint32_t
job_claim(struct scene *scene)
{
	uint32_t id = 0;

	scene_begin(scene);
	assert_int_equal(store_jobs_claim(scene->store, WORKS_PROXY, 1, job_note, &id, &scene->err),
	    ERR_OK);
	assert_int_not_equal(id, 0);
	scene_promise(scene, "SELECT state > 0 FROM job WHERE id = %u", id);
	scene_done(scene);
	return id;
}

static void
job_end(struct scene *scene, uint32_t id, enum job_state state)
{
	const struct store_job_end end = { .id = id, .state = state,
		.cause = JOB_CAUSE_REJECTED, .message = "so it was" };

	scene_begin(scene);
	assert_int_equal(store_jobs_end(scene->store, &end, 1, &scene->err), ERR_OK);
	scene_promise(scene, "SELECT state = %d FROM job WHERE id = %u", (int)state, id);
	scene_done(scene);
}

static void
words_put(struct scene *scene)
{
	static const struct store_reason reasons[] = { { 7, "down" }, { 8, "out of the blue" } };

	scene_begin(scene);
	assert_int_equal(store_plane_set(scene->store, WORKS_PROXY, PLANE_STATUS_OK, "here",
	    &scene->err), ERR_OK);
	scene_done(scene);
	scene_begin(scene);
	assert_int_equal(store_reasons_put(scene->store, reasons, COUNT(reasons), &scene->err),
	    ERR_OK);
	scene_done(scene);
}

void
works_driver(struct scene *scene)
{
	scene_open(scene);
	for (uint32_t i = 0; i < 3; i++)
		weight_set(scene, 7 + i, 70 + i, STORE_SET_NOW);
	weight_stays(scene, 7, 70);
	job_end(scene, job_claim(scene), JOB_SUCCEEDED);
	job_end(scene, job_claim(scene), JOB_FAILED);
	weight_stays(scene, 8, 10);
	job_claim(scene);
	scene_begin(scene);
	assert_int_equal(store_jobs_requeue(scene->store, WORKS_PROXY, &scene->err), ERR_OK);
	scene_done(scene);
	words_put(scene);
	scene_close(scene);
}

/* -- what is measured ------------------------------------------------------ */

static void
statistics_put(struct scene *scene, uint64_t number)
{
	struct statistics rows[12] = { { .real_id = 1 } };

	for (uint32_t i = 0; i < COUNT(rows); i++) {
		rows[i].real_id = i + 1;
		rows[i].present = 1;
		rows[i].number[0] = number + i;
	}
	scene_begin(scene);
	assert_int_equal(store_statistics_put(scene->store, rows, COUNT(rows), &scene->err),
	    ERR_OK);
	scene_done(scene);
}

void
works_statistics(struct scene *scene)
{
	scene_open(scene);
	statistics_put(scene, 1000);
	statistics_put(scene, 2000);
	/* Who closes it last brings the log into the file. */
	scene_close(scene);
	scene_open(scene);
	statistics_put(scene, 3000);
	weight_set(scene, 1, 11, STORE_SET_NOW);
	scene_close(scene);
}

/* Its log is worth nothing without it, and must not come into the one that is made anew. */
void
works_mend_before(struct scene *scene)
{
	char log[PATH_SIZE + 48];
	struct bytes bytes;

	works_fill(scene);
	scene_open(scene);
	statistics_put(scene, 1000);
	snprintf(log, sizeof(log), "%s-wal", scene->stats_path);
	bytes = file_bytes(log);
	scene_close(scene);
	file_bytes_write(log, bytes.data, bytes.n);
	free(bytes.data);
	bytes = file_bytes(scene->stats_path);
	memset(bytes.data, 0x5a, 64);
	file_bytes_write(scene->stats_path, bytes.data, bytes.n);
	free(bytes.data);
	scene->n_steps = 0;
	scene->ill_statistics = true;
}

void
works_mend(struct scene *scene)
{
	scene_begin(scene);
	scene_open(scene);
	scene_done(scene);
	statistics_put(scene, 2000);
	weight_set(scene, 1, 11, STORE_SET_NOW);
	scene_close(scene);
}
