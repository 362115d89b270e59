/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the jobs of SETs: release, transitions, end, deletion.
 */
#include "store_set_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- jobs -------------------------------------------------------------------------------------- */

static void
jobs_of_a_set_now_are_queued_or_done_at_once(void **state)
{
	struct fixture *f = *state;
	struct store_set set = *SET_OF(5, { 1, REAL_WEIGHT, 50 }, { 4, REAL_WEIGHT, 50 });
	struct store_totals totals;

	set.source = JOB_SOURCE_CLI;
	assert_int_equal(do_set(f, STORE_SET_NOW, &set).code, ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_SUCCEEDED);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
	assert_string_equal(sql_text(f->main_path, "SELECT message FROM job WHERE id = 1"),
	    JOB_MESSAGE_RECORDED);
	assert_int_equal(stored_number(f,
	    "SELECT started > 0 AND finished >= started AND source = 3 AND"
	    " request = 0 FROM job WHERE id = 1"), 1);
	assert_int_equal(stored_number(f, "SELECT started + finished FROM job WHERE id = 2"), 0);
	assert_int_equal(store_totals_read(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.jobs_succeeded, 1);
	assert_int_equal(totals.job_last_id, 2);
	assert_int_equal(totals.config_changes, 2);
}

static void
release_queues_its_own_jobs_and_may_be_repeated(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(6, { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(7, { 1, REAL_WEIGHT, 50 })).code, ERR_OK);
	for (int i = 0; i < 2; i++) {
		release(f, 5);
		assert_int_equal(job_state(f, 1), JOB_QUEUED);
		assert_int_equal(job_state(f, 2), JOB_HELD);
	}
	release(f, 7);
	assert_int_equal(job_state(f, 3), JOB_SUCCEEDED);
	release(f, 999);	/* no such SET */
	assert_int_equal(job_state(f, 2), JOB_HELD);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(8, { 7, REAL_WEIGHT, 50 })).code, ERR_OK);
	release(f, 0);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE state = 0"), 0);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
	assert_int_equal(job_state(f, 3), JOB_SUCCEEDED);
	assert_int_equal(job_state(f, 4), JOB_QUEUED);
	/* Without a release store_flush() writes nothing. */
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
}

static void
release_is_written_with_the_next_write(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	store_set_release(f->store, 5);
	assert_int_equal(job_state(f, 1), JOB_HELD);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(6, { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_false(store_needs_flush(f->store));
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
	assert_int_equal(job_state(f, 2), JOB_HELD);
}

/* More releases than the array holds, while another program locks the store. */
static void
releases_wait_for_a_locked_store(void **state)
{
	enum { MANY = 200 };
	struct fixture *f = *state;

	fixture_close(f);
	sql_process_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(store_job_max_rows_set(f->store, 10000, &f->err), ERR_OK);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(i + 1,
		    { 4, REAL_WEIGHT, 100 + i % 2 })).code, ERR_OK);
	assert_int_equal(sql_process_exec(f, "BEGIN IMMEDIATE"), 0);
	for (uint32_t i = 0; i < MANY; i++)
		store_set_release(f->store, i + 1);
	assert_int_equal(store_flush(f->store, &f->err), ERR_BUSY);
	assert_true(store_needs_flush(f->store));
	assert_int_equal(sql_process_exec(f, "ROLLBACK"), 0);
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE state = 0"), 0);
}

/* Only a released job supersedes, and only jobs for its own column. */
static void
queued_job_is_superseded_by_a_later_one_for_the_column(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(1, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(2, { 4, REAL_ENABLED, 0 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(3, { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	sql_exec(f->main_path, "UPDATE job SET state = 2 WHERE id = 3");	/* it runs */

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(4, { 4, REAL_WEIGHT, 60 },
	    { 5, REAL_WEIGHT, 60 })).code, ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);	/* while the later one is held */
	release(f, 4);
	assert_int_equal(job_state(f, 1), JOB_SUPERSEDED);
	assert_string_equal(sql_text(f->main_path, "SELECT message FROM job WHERE id = 1"),
	    "superseded by a later job for the same setting");
	assert_int_equal(stored_number(f, "SELECT finished > 0 FROM job WHERE id = 1"), 1);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);	/* another column */
	assert_int_equal(job_state(f, 3), JOB_RUNNING);
	assert_int_equal(job_state(f, 4), JOB_QUEUED);

	/* enable and disable are one column, fallback is another. */
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(5, { 4, REAL_ENABLED, 1 })).code, ERR_OK);
	assert_int_equal(job_state(f, 2), JOB_SUPERSEDED);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 6, REAL_FALLBACK, 0 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 4, REAL_FALLBACK, 1 })).code, ERR_OK);
	assert_int_equal(job_state(f, 6), JOB_QUEUED);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(8, { 4, REAL_FALLBACK, 0 })).code, ERR_OK);
	assert_int_equal(job_state(f, 7), JOB_QUEUED);
	assert_int_equal(job_state(f, 8), JOB_SUPERSEDED);
}

static void
later_job_that_is_released_first_keeps_its_value(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(1, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(2, { 4, REAL_WEIGHT, 60 })).code, ERR_OK);
	release(f, 2);
	release(f, 1);
	assert_int_equal(job_state(f, 1), JOB_SUPERSEDED);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
	assert_row(f, 4, "60 0 1");
}

/* Otherwise a driver would carry it out after the later job. */
static void
job_released_after_a_later_job_is_superseded(void **state)
{
	static const struct {
		enum job_state	later, expected;
	} cases[] = {
		{ JOB_HELD, JOB_QUEUED },	/* the later job may be undone */
		{ JOB_QUEUED, JOB_SUPERSEDED },
		{ JOB_RUNNING, JOB_SUPERSEDED },
		{ JOB_SUCCEEDED, JOB_SUPERSEDED },
		{ JOB_FAILED, JOB_QUEUED },
		{ JOB_CANCELLED, JOB_QUEUED },
		{ JOB_SUPERSEDED, JOB_SUPERSEDED },
	};
	struct fixture *f = *state;
	char sql[80];

	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const uint32_t job = 3 * i + 1;

		assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(1, { 4, REAL_WEIGHT, 50 + 2 * i },
		    { 4, REAL_ENABLED, i % 2 })).code, ERR_OK);
		assert_int_equal(do_set(f, STORE_SET_HOLD,
		    SET_OF(2, { 4, REAL_WEIGHT, 51 + 2 * i })).code, ERR_OK);
		snprintf(sql, sizeof(sql), "UPDATE job SET state = %d WHERE id = %u",
		    (int)cases[i].later, job + 2);
		sql_exec(f->main_path, sql);
		release(f, 1);
		assert_int_equal(job_state(f, job), cases[i].expected);
		assert_int_equal(job_state(f, job + 1), JOB_QUEUED);	/* another column */
		sql_exec(f->main_path, "UPDATE job SET state = 3 WHERE state < 3");
	}
}

static void
unfinished_jobs_at_their_limit_refuse_a_set(void **state)
{
	struct fixture *f = *state;
	struct answer answer;

	assert_int_equal(store_job_max_rows_set(f->store, 3, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(1, { 4, REAL_WEIGHT, 50 },
	    { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	answer = do_set(f, STORE_SET_HOLD,
	    SET_OF(2, { 4, REAL_ENABLED, 0 }, { 5, REAL_ENABLED, 0 }));
	assert_int_equal(answer.code, ERR_LIMIT);
	assert_int_equal(answer.verdict.reason, REJECT_QUEUE_FULL);
	assert_error_contains(&f->err, "2 jobs are unfinished", "job-max-rows 3");
	assert_row(f, 4, "50 0 1");
	/* A SET without a change is accepted, and a job that ends at once. */
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(3, { 4, REAL_ENABLED, 1 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(4, { 7, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 51 })).code,
	    ERR_LIMIT);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 1, REAL_WEIGHT, 51 })).code, ERR_OK);
	sql_exec(f->main_path, "UPDATE job SET state = 4 WHERE id = 1");
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(7, { 4, REAL_WEIGHT, 51 })).code, ERR_OK);
}

static void
oldest_finished_jobs_are_deleted(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;

	assert_int_equal(store_job_max_rows_set(f->store, 5, &f->err), ERR_OK);
	/* Job 1 stays: it is not finished. */
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(1, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(i + 2,
		    { 1, REAL_WEIGHT, 100 + i })).code, ERR_OK);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(id) FROM"
	    " (SELECT id FROM job ORDER BY id) AS j"),
	    "1,8,9,10,11");
	assert_int_equal(store_totals_read(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.jobs_bumped, 6);
	assert_int_equal(totals.job_last_id, 11);
	assert_int_equal(totals.job_max_rows, 5);
	assert_int_equal(totals.jobs_succeeded, 10);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM removed WHERE kind = 4"), 6);

	assert_int_equal(store_job_max_rows_set(f->store, 2, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(id) FROM"
	    " (SELECT id FROM job ORDER BY id) AS j"), "1,11");
}

/* -- claims ------------------------------------------------------------------------------- */

static enum err_code
job_ignore(void *arg, const struct job_row *row)
{
	(void)arg;
	(void)row;
	return ERR_OK;
}

/* Another driver, or another part of the same driver, has the other cluster. */
static void
cluster_claims_and_queues_again_only_its_own_jobs(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(4, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	sql_exec(f->main_path, "UPDATE cluster SET plane = 'haproxy' WHERE id = 1");
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(5, { 1, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(store_jobs_claim(f->store, 1, 10, job_ignore, NULL, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
	assert_int_equal(job_state(f, 2), JOB_RUNNING);
	assert_int_equal(store_jobs_requeue(f->store, 2, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 2), JOB_RUNNING);
	assert_int_equal(store_jobs_claim(f->store, 2, 10, job_ignore, NULL, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_RUNNING);
}

/* -- removal of data planes and rows ------------------------------------------------------- */

/* Jobs 1 (running), 2 (queued) and 3 (held, of SET 6) of cluster proxy. */
static void
jobs_create(struct fixture *f)
{
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(4, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(store_jobs_claim(f->store, 2, 1, job_ignore, NULL, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(5, { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(6, { 7, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_RUNNING);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
	assert_int_equal(job_state(f, 3), JOB_HELD);
}

static void
proxy_put(struct fixture *f, const char *plane, const char *params)
{
	const struct cluster_row row = { .name = "proxy", .plane = plane, .plane_params = params };

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_cluster(f->store, &row, NULL, NULL, &f->err), ERR_OK);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
}

static void
jobs_of_a_cluster_that_loses_its_data_plane_are_recorded(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;

	jobs_create(f);
	proxy_put(f, "none", "{}");
	assert_int_equal(stored_number(f,
	    "SELECT count(*) FROM job WHERE state = 3 AND id IN (1, 2)"
	    " AND message = '" JOB_MESSAGE_RECORDED "' AND started > 0 AND finished >= started"),
	    2);
	assert_int_equal(job_state(f, 3), JOB_HELD);
	release(f, 6);
	assert_int_equal(job_state(f, 3), JOB_SUCCEEDED);
	assert_row(f, 4, "50 0 1");
	assert_int_equal(store_totals_read(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.jobs_succeeded, 3);
	assert_int_equal(stored_number(f, "SELECT jobs_open FROM store"), 0);
}

static void
jobs_of_a_cluster_whose_data_plane_changes_stay(void **state)
{
	struct fixture *f = *state;

	jobs_create(f);
	proxy_put(f, "haproxy", "{\"socket\":[\"/run/other\"]}");
	assert_int_equal(job_state(f, 1), JOB_RUNNING);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
}

/* The driver had not read yet that the job ended. */
static void
failure_of_an_ended_job_changes_nothing(void **state)
{
	const struct store_job_end end = { .id = 1, .state = JOB_FAILED,
	    .cause = JOB_CAUSE_REJECTED, .message = "no" };
	struct fixture *f = *state;

	jobs_create(f);
	proxy_put(f, "none", "{}");
	assert_int_equal(store_jobs_end(f->store, &end, 1, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_SUCCEEDED);
	assert_row(f, 4, "50 0 1");
}

static void
jobs_of_rows_that_are_removed_are_cancelled(void **state)
{
	static const struct { enum store_kind kind; uint32_t id; int64_t cancelled; } removals[] = {
		{ STORE_REAL, 4, 1 }, { STORE_SERVICE, 2, 2 }, { STORE_CLUSTER, 2, 3 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(removals); i++) {
		if (i > 0) {
			fixture_teardown(state);
			assert_int_equal(two_clusters_setup(state), 0);
			f = *state;
		}
		jobs_create(f);
		assert_int_equal(store_remove(f->store, removals[i].kind, removals[i].id, &f->err),
		    ERR_OK);
		assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE state = 5 AND"
		    " real_id IS NULL AND finished > 0 AND message = 'real service removed'"),
		    removals[i].cancelled);
		assert_int_equal(stored_number(f, "SELECT jobs_open FROM store"),
		    3 - removals[i].cancelled);
	}
}

static void
remove_refuses_rows_outside_the_inventory(void **state)
{
	static const enum store_kind kinds[] = { 0, STORE_JOB, STORE_STATISTICS };
	struct fixture *f = *state;

	jobs_create(f);
	for (size_t i = 0; i < COUNT(kinds); i++)
		assert_int_equal(store_remove(f->store, kinds[i], 1, &f->err), ERR_INVALID);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM job"), 3);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM cluster"), 2);
}

/* -- transitions ----------------------------------------------------------------------------- */

enum { TOKEN = 9 };

static void
job_claim(struct fixture *f)
{
	assert_int_equal(store_jobs_claim(f->store, 2, 10, job_ignore, NULL, &f->err), ERR_OK);
}

static void
jobs_requeue(struct fixture *f)
{
	assert_int_equal(store_jobs_requeue(f->store, 2, &f->err), ERR_OK);
}

static void
job_end(struct fixture *f, enum job_state state)
{
	const struct store_job_end end = { .id = 1, .state = state, .cause = JOB_CAUSE_TIMEOUT,
	    .message = "end" };

	assert_int_equal(store_jobs_end(f->store, &end, 1, &f->err), ERR_OK);
}

static void
job_end_later(struct fixture *f)
{
	job_end(f, JOB_QUEUED);
}

static void
job_end_done(struct fixture *f)
{
	job_end(f, JOB_SUCCEEDED);
}

static void
job_end_failed(struct fixture *f)
{
	job_end(f, JOB_FAILED);
}

static void
job_end_superseded(struct fixture *f)
{
	job_end(f, JOB_SUPERSEDED);
}

static void
set_release(struct fixture *f)
{
	release(f, TOKEN);
}

static void
set_release_after_a_later_job(struct fixture *f)
{
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(2, { 4, REAL_WEIGHT, 60 })).code, ERR_OK);
	release(f, TOKEN);
}

static void
set_release_beside_a_fallback(struct fixture *f)
{
	sql_exec(f->main_path, "UPDATE job SET operation = 3, old_value = 0, new_value = 1");
	release(f, TOKEN);
}

static void
set_release_without_a_data_plane(struct fixture *f)
{
	proxy_put(f, "none", "{}");
	release(f, TOKEN);
}

static void
data_plane_remove(struct fixture *f)
{
	proxy_put(f, "none", "{}");
}

static void
set_undo(struct fixture *f)
{
	assert_int_equal(store_set_undo(f->store, TOKEN, &f->err), ERR_OK);
}

static void
real_remove(struct fixture *f)
{
	assert_int_equal(store_remove(f->store, STORE_REAL, 4, &f->err), ERR_OK);
}

#define IN(state) (1u << (state))
#define WITH_DRIVER (IN(JOB_QUEUED) | IN(JOB_RUNNING))
#define OPEN (IN(JOB_HELD) | WITH_DRIVER)

/* What can happen to a job of real service 4: a job in one of the states 'from' changes to
 * 'to', a job in another state stays as it is. */
static const struct {
	const char	*event;
	void		(*run)(struct fixture *f);
	unsigned int	 from;
	enum job_state	 to;
} events[] = {
	{ "claimed", job_claim, IN(JOB_QUEUED), JOB_RUNNING },
	{ "requeued", jobs_requeue, IN(JOB_RUNNING), JOB_QUEUED },
	{ "requeued", job_end_later, IN(JOB_RUNNING), JOB_QUEUED },
	{ "done", job_end_done, WITH_DRIVER, JOB_SUCCEEDED },
	{ "failed", job_end_failed, WITH_DRIVER, JOB_FAILED },
	{ "superseded", job_end_superseded, WITH_DRIVER, JOB_SUPERSEDED },
	{ "superseded", set_release_after_a_later_job, IN(JOB_HELD) | IN(JOB_QUEUED),
	    JOB_SUPERSEDED },
	{ "released", set_release, IN(JOB_HELD), JOB_QUEUED },
	{ "refused", set_release_beside_a_fallback, IN(JOB_HELD), JOB_FAILED },
	{ "recorded", set_release_without_a_data_plane, OPEN, JOB_SUCCEEDED },
	{ "recorded", data_plane_remove, WITH_DRIVER, JOB_SUCCEEDED },
	{ "undone", set_undo, IN(JOB_HELD), JOB_CANCELLED },
	{ "removed", real_remove, OPEN, JOB_CANCELLED },
};

/* Lets event 'i' happen to a job in state 'from'. */
static void
event_check(void **state, size_t i, unsigned int from, const struct job_transition *transition)
{
	const bool may = (events[i].from & IN(from)) != 0;
	struct fixture *f;
	char sql[300];

	fixture_teardown(state);
	assert_int_equal(two_clusters_setup(state), 0);
	f = *state;
	snprintf(sql, sizeof(sql), "INSERT INTO job (real_id, operation, state, old_value,"
	    " new_value, token, cluster_name, service_name, real_name)"
	    " VALUES (4, 5, %u, 10, 50, %d, 'proxy', 'http', 'a')", from, TOKEN);
	sql_exec(f->main_path, sql);
	events[i].run(f);
	if (job_state(f, 1) != (may ? (int64_t)events[i].to : (int64_t)from))
		fail_msg("%s: a job in state %u is in state %lld", events[i].event, from,
		    (long long)job_state(f, 1));
	if (may && transition->message != NULL)
		assert_string_equal(sql_text(f->main_path, "SELECT message FROM job WHERE id = 1"),
		    transition->message);
	if (may && transition->cause != 0)
		assert_int_equal(stored_number(f, "SELECT fail_cause FROM job WHERE id = 1"),
		    transition->cause);
}

static void
job_changes_its_state_as_the_model_says(void **state)
{
	for (const struct job_transition *t = job_transitions; t->event != NULL; t++) {
		unsigned int from = 0;

		for (size_t i = 0; i < COUNT(events); i++) {
			if (strcmp(events[i].event, t->event) != 0)
				continue;
			assert_int_equal(events[i].to, t->to);
			from |= events[i].from;
			for (unsigned int at = JOB_HELD; at <= JOB_SUPERSEDED; at++)
				event_check(state, i, at, t);
		}
		assert_int_equal(from, t->from);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_SET_TEST(jobs_of_a_set_now_are_queued_or_done_at_once),
		STORE_SET_TEST(release_queues_its_own_jobs_and_may_be_repeated),
		STORE_SET_TEST(release_is_written_with_the_next_write),
		STORE_SET_TEST(releases_wait_for_a_locked_store),
		STORE_SET_TEST(queued_job_is_superseded_by_a_later_one_for_the_column),
		STORE_SET_TEST(later_job_that_is_released_first_keeps_its_value),
		STORE_SET_TEST(job_released_after_a_later_job_is_superseded),
		STORE_SET_TEST(unfinished_jobs_at_their_limit_refuse_a_set),
		STORE_SET_TEST(oldest_finished_jobs_are_deleted),
		STORE_SET_TEST(cluster_claims_and_queues_again_only_its_own_jobs),
		STORE_SET_TEST(jobs_of_a_cluster_that_loses_its_data_plane_are_recorded),
		STORE_SET_TEST(jobs_of_a_cluster_whose_data_plane_changes_stay),
		STORE_SET_TEST(failure_of_an_ended_job_changes_nothing),
		STORE_SET_TEST(jobs_of_rows_that_are_removed_are_cancelled),
		STORE_SET_TEST(remove_refuses_rows_outside_the_inventory),
		STORE_SET_TEST(job_changes_its_state_as_the_model_says),
	};

	return cmocka_run_group_tests_name("store_jobs", tests, NULL, NULL);
}
