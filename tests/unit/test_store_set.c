/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: a SET, its jobs, its undo, and disks that fail under it.
 */
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a SET answered. */
struct answer {
	enum err_code	code;
	struct verdict	verdict;
	uint32_t	first_job;
	size_t		jobs;
};

enum { NO_JOB = 4711 };		/* ret_first_job as it was before */

/* Clusters plain (1, no data plane) and proxy (2, haproxy); services 1 and 2 of them, 3 of
 * proxy; real services 1, 2, 3 (fallback) of 1; 4, 5, 6 (fallback) of 2; 7 of 3. */
static int
setup(void **state)
{
	struct fixture *f;

	if (fixture_setup_open(state) != 0)
		return -1;
	f = *state;
	fixture_close(f);
	plain_ok(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('plain', 'none'),"
	    " ('proxy', 'haproxy');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (2, 'http'), (2, 'more');"
	    "INSERT INTO real_service (service_id, name, weight, fallback) VALUES"
	    " (1, 'a', 10, 0), (1, 'b', 10, 0), (1, 'c', 10, 1),"
	    " (2, 'a', 10, 0), (2, 'b', 10, 0), (2, 'c', 10, 1), (3, 'd', 10, 0)");
	return fixture_open(f, STORE_WRITE) == ERR_OK ? 0 : -1;
}

static struct answer
do_set(struct fixture *f, enum store_set_mode mode, const struct store_set *set)
{
	struct answer answer = { .first_job = NO_JOB, .jobs = NO_JOB };

	f->err.text[0] = '\0';
	answer.code = store_set(f->store, set, mode, &answer.verdict, &answer.first_job,
	    &answer.jobs, &f->err);
	assert_int_equal(answer.code != ERR_OK, f->err.text[0] != '\0');
	return answer;
}

#define SET_OF(token_, ...)                                                    \
	(&(const struct store_set){                                            \
		.changes = (const struct change[]){ __VA_ARGS__ },             \
		.n = sizeof((const struct change[]){ __VA_ARGS__ }) / sizeof(struct change), \
		.lock = STORE_NO_LOCK, .source = JOB_SOURCE_SNMP, .token = (token_) })

static int64_t
number(struct fixture *f, const char *sql)
{
	return plain_number(f->main_path, sql);
}

/* "weight fallback enabled" of a row. */
static void
row_is(struct fixture *f, int id, const char *what)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "SELECT weight || ' ' || fallback || ' ' || enabled FROM"
	    " real_service WHERE id = %d", id);
	assert_string_equal(plain_text(f->main_path, sql), what);
}

static int64_t
job_state(struct fixture *f, uint32_t id)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT state FROM job WHERE id = %u", id);
	return number(f, sql);
}

static void
release(struct fixture *f, uint64_t token)
{
	store_set_release(f->store, token);
	assert_true(store_needs_flush(f->store));
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	assert_false(store_needs_flush(f->store));
}

/* Everything but counters and times, to compare. */
static char *
content(struct fixture *f)
{
	return strdup(plain_text(f->main_path, "SELECT (SELECT group_concat(id || ' ' || weight"
	    " || ' ' || fallback || ' ' || enabled, ', ') FROM real_service) || ' jobs ' ||"
	    " (SELECT count(*) FROM job) || ' open ' || (SELECT jobs_open FROM store) || ' lock '"
	    " || (SELECT value FROM setting WHERE name = 'set_lock')"));
}

static void
content_is(struct fixture *f, char *before)
{
	char *now = content(f);

	assert_string_equal(now, before);
	free(now);
	free(before);
}

/* -- one SET ------------------------------------------------------------------------------- */

static void
set_held_writes_rows_and_held_jobs(void **state)
{
	struct fixture *f = *state;
	struct answer answer;

	answer = do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 },
	    { 4, REAL_ENABLED, 0 }, { 5, REAL_WEIGHT, 10 }));
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.verdict.reason, REJECT_NONE);
	assert_int_equal(answer.first_job, 1);
	assert_int_equal(answer.jobs, 2);	/* one of three changed nothing */
	row_is(f, 4, "50 0 0");
	assert_string_equal(plain_text(f->main_path, "SELECT group_concat(id || ':' || real_id || ':'"
	    " || operation || ':' || state || ':' || fail_cause || ':' || source || ':' ||"
	    " old_value || ':' || new_value || ':' || request || ':' || token || ':' || started"
	    " || ':' || finished || ':' || cluster_name || '/' || service_name || '/' ||"
	    " real_name || ':' || message, ' ') FROM job"),
	    "1:4:5:0:1:2:10:50:1:5:0:0:proxy/http/a: 2:4:2:0:1:2:1:0:1:5:0:0:proxy/http/a:");
	assert_int_equal(number(f, "SELECT min(created) >= unixepoch() - 100 FROM job"), 1);
	assert_int_equal(number(f, "SELECT last_job FROM real_service WHERE id = 4"), 2);
	assert_int_equal(number(f, "SELECT config_changes FROM store"), 2);
}

static void
set_of_what_is_there_writes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = content(f);
	int64_t change = number(f, "SELECT change FROM store");
	struct answer answer;

	answer = do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 10 },
	    { 6, REAL_FALLBACK, 1 }, { 6, REAL_ENABLED, 1 }));
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.first_job, 0);
	assert_int_equal(answer.jobs, 0);
	assert_int_equal(number(f, "SELECT change FROM store"), change);
	content_is(f, before);
}

static void
set_on_trial_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = content(f);
	struct answer answer;
	struct store_set set = *SET_OF(5, { 4, REAL_WEIGHT, 50 }, { 6, REAL_FALLBACK, 0 });

	set.lock = 0;
	answer = do_set(f, STORE_SET_TEST, &set);
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.jobs, 2);
	content_is(f, before);
}

static void
set_refused_changes_nothing_and_names_the_culprit(void **state)
{
	static const struct {
		struct change		changes[3];
		int64_t			lock;
		enum err_code		code;
		enum reject_reason	reason;
		size_t			index;
		const char		*words;
	} cases[] = {
		{ { { 4, REAL_WEIGHT, 50 }, { 5, REAL_FALLBACK, 1 }, { 7, REAL_WEIGHT, 3 } },
		    STORE_NO_LOCK, ERR_PRECOND, REJECT_FALLBACK_TAKEN, 1, "proxy/http" },
		{ { { 4, REAL_WEIGHT, 50 }, { 7, REAL_ENABLED, 0 }, { 7, REAL_FALLBACK, 1 } },
		    STORE_NO_LOCK, ERR_PRECOND, REJECT_FALLBACK_NEEDS_ENABLED, 2, "proxy/more/d" },
		{ { { 4, REAL_WEIGHT, 257 }, { 1, REAL_WEIGHT, 9 }, { 2, REAL_WEIGHT, 9 } },
		    STORE_NO_LOCK, ERR_PRECOND, REJECT_VALUE_OUT_OF_RANGE, 0, "256" },
		{ { { 4, REAL_WEIGHT, 50 }, { 5, REAL_WEIGHT, 50 }, { 99, REAL_WEIGHT, 9 } },
		    STORE_NO_LOCK, ERR_NOT_FOUND, REJECT_NO_SUCH_REAL, 2, "removed" },
		{ { { 4, REAL_WEIGHT, 50 }, { 5, REAL_WEIGHT, 50 }, { 1, REAL_WEIGHT, 9 } },
		    1, ERR_PRECOND, REJECT_LOCK_MISMATCH, 3, "lbcSysSetLock is 0, not 1" },
	};
	static const enum store_set_mode modes[] = { STORE_SET_TEST, STORE_SET_HOLD, STORE_SET_NOW };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(cases) * COUNT(modes); i++) {
		size_t k = i / COUNT(modes);
		const struct store_set set = { .changes = cases[k].changes, .n = 3,
			.lock = cases[k].lock, .source = JOB_SOURCE_SNMP, .token = 5 };
		char *before = content(f);
		struct answer answer = do_set(f, modes[i % COUNT(modes)], &set);

		assert_int_equal(answer.code, cases[k].code);
		assert_int_equal(answer.verdict.reason, cases[k].reason);
		assert_int_equal(answer.verdict.index, cases[k].index);
		error_says(&f->err, answer.verdict.text, cases[k].words);
		assert_int_equal(answer.first_job, NO_JOB);	/* only on success */
		assert_int_equal(answer.jobs, NO_JOB);
		assert_int_equal(store_status(f->store), STORE_OK);	/* not its fault */
		content_is(f, before);
	}
}

static void
fallback_is_handed_over_in_one_set_and_back_by_undo(void **state)
{
	struct fixture *f = *state;

	for (int order = 0; order < 2; order++) {
		const struct change one_way[] = { { 6, REAL_FALLBACK, 0 }, { 4, REAL_FALLBACK, 1 } };
		const struct change other_way[] = { { 4, REAL_FALLBACK, 1 }, { 6, REAL_FALLBACK, 0 } };
		const struct store_set set = { .changes = order == 0 ? one_way : other_way, .n = 2,
			.lock = STORE_NO_LOCK, .source = JOB_SOURCE_SNMP,
			.token = (uint64_t)order + 1 };
		struct answer answer = do_set(f, STORE_SET_HOLD, &set);

		assert_int_equal(answer.code, ERR_OK);
		assert_int_equal(answer.jobs, 2);
		row_is(f, 4, "10 1 1");
		row_is(f, 6, "10 0 1");
		assert_int_equal(store_set_undo(f->store, &set, &f->err), ERR_OK);
		row_is(f, 4, "10 0 1");
		row_is(f, 6, "10 1 1");
	}
	assert_int_equal(number(f, "SELECT count(*) FROM job WHERE state = 5"), 4);
	assert_int_equal(number(f, "SELECT count(*) FROM job WHERE request = 1"), 2);
	assert_int_equal(number(f, "SELECT count(*) FROM job WHERE request = 3"), 2);
}

static void
lock_is_increased_and_starts_again_after_its_end(void **state)
{
	struct fixture *f = *state;
	struct store_set set = *SET_OF(5, { 4, REAL_WEIGHT, 50 });
	struct store_totals totals;

	set.lock = 0;
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).code, ERR_OK);
	assert_int_equal(store_totals(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.set_lock, 1);
	/* The lock alone is a SET as well, without a job. */
	set = (struct store_set){ .lock = 1, .source = JOB_SOURCE_SNMP, .token = 6 };
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).first_job, 0);
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 2);
	assert_int_equal(store_set_undo(f->store, &set, &f->err), ERR_OK);
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 1);
	assert_int_equal(store_set_lock_increase(f->store, &f->err), ERR_OK);
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 2);

	plain_ok(f->main_path, "UPDATE setting SET value = 2147483647 WHERE name = 'set_lock'");
	set.lock = 2147483647;
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).code, ERR_OK);
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 0);
	assert_int_equal(store_set_undo(f->store, &set, &f->err), ERR_OK);
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 2147483647);
}

static void
set_within_a_transaction_is_durable_with_it(void **state)
{
	struct fixture *f = *state;
	char *before = content(f);

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	/* A refusal leaves what was done before it. */
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 300 })).code,
	    ERR_PRECOND);
	store_rollback(f->store);
	content_is(f, before);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 300 })).code,
	    ERR_PRECOND);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	row_is(f, 4, "50 0 1");
	assert_int_equal(number(f, "SELECT count(*) FROM job"), 1);
}

static void
release_within_a_transaction_that_is_given_up_still_comes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	store_set_release(f->store, 5);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	store_rollback(f->store);
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
}

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
	assert_string_equal(plain_text(f->main_path, "SELECT message FROM job WHERE id = 1"),
	    JOB_MESSAGE_RECORDED);
	assert_int_equal(number(f, "SELECT started > 0 AND finished >= started AND source = 3 AND"
	    " request = 0 FROM job WHERE id = 1"), 1);
	assert_int_equal(number(f, "SELECT started + finished FROM job WHERE id = 2"), 0);
	assert_int_equal(store_totals(f->store, &totals, &f->err), ERR_OK);
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
	release(f, 999);	/* of nothing */
	assert_int_equal(job_state(f, 2), JOB_HELD);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(8, { 7, REAL_WEIGHT, 50 })).code, ERR_OK);
	release(f, 0);
	assert_int_equal(number(f, "SELECT count(*) FROM job WHERE state = 0"), 0);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
	assert_int_equal(job_state(f, 3), JOB_SUCCEEDED);
	assert_int_equal(job_state(f, 4), JOB_QUEUED);
	/* Nothing to do is no write. */
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
}

static void
release_goes_with_the_next_write(void **state)
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

/* More than there is room for, while the disk is locked: none is forgotten. */
static void
releases_without_a_disk_all_come_once_it_is_back(void **state)
{
	enum { MANY = 200 };
	struct fixture *f = *state;

	fixture_close(f);
	other_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(store_job_max_rows_set(f->store, 10000, &f->err), ERR_OK);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(i + 1,
		    { 4, REAL_WEIGHT, 100 + i % 2 })).code, ERR_OK);
	assert_int_equal(other_sql(f, "BEGIN IMMEDIATE"), 0);
	for (uint32_t i = 0; i < MANY; i++)
		store_set_release(f->store, i + 1);
	assert_int_equal(store_flush(f->store, &f->err), ERR_BUSY);
	assert_true(store_needs_flush(f->store));
	assert_int_equal(other_sql(f, "ROLLBACK"), 0);
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	assert_int_equal(number(f, "SELECT count(*) FROM job WHERE state = 0"), 0);
}

/* For the column of the row, and by the newest one that is released. */
static void
queued_job_is_superseded_by_a_later_one_for_the_column(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(1, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(2, { 4, REAL_ENABLED, 0 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(3, { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	plain_ok(f->main_path, "UPDATE job SET state = 2 WHERE id = 3");	/* it runs */

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(4, { 4, REAL_WEIGHT, 60 },
	    { 5, REAL_WEIGHT, 60 })).code, ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);	/* while the later one is held */
	release(f, 4);
	assert_int_equal(job_state(f, 1), JOB_SUPERSEDED);
	assert_string_equal(plain_text(f->main_path, "SELECT message FROM job WHERE id = 1"),
	    "a later job came first");
	assert_int_equal(number(f, "SELECT finished > 0 FROM job WHERE id = 1"), 1);
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
release_out_of_order_keeps_the_later_job(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(1, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(2, { 4, REAL_WEIGHT, 60 })).code, ERR_OK);
	release(f, 2);
	release(f, 1);
	assert_int_equal(job_state(f, 1), JOB_SUPERSEDED);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
	row_is(f, 4, "60 0 1");
}

/* A driver would carry it out after the later one. */
static void
release_of_a_job_that_was_overtaken_supersedes_it(void **state)
{
	static const struct {
		enum job_state	later, expected;
	} cases[] = {
		{ JOB_HELD, JOB_QUEUED },	/* may be undone yet */
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
		plain_ok(f->main_path, sql);
		release(f, 1);
		assert_int_equal(job_state(f, job), cases[i].expected);
		assert_int_equal(job_state(f, job + 1), JOB_QUEUED);	/* another column */
		plain_ok(f->main_path, "UPDATE job SET state = 3 WHERE state < 3");
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
	answer = do_set(f, STORE_SET_HOLD, SET_OF(2, { 4, REAL_ENABLED, 0 }, { 5, REAL_ENABLED, 0 }));
	assert_int_equal(answer.code, ERR_LIMIT);
	assert_int_equal(answer.verdict.reason, REJECT_QUEUE_FULL);
	error_says(&f->err, "2 jobs are unfinished", "job-max-rows 3");
	row_is(f, 4, "50 0 1");
	/* What changes nothing needs no room, nor what ends at once. */
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(3, { 4, REAL_ENABLED, 1 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(4, { 7, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 51 })).code,
	    ERR_LIMIT);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 1, REAL_WEIGHT, 51 })).code, ERR_OK);
	plain_ok(f->main_path, "UPDATE job SET state = 4 WHERE id = 1");
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(7, { 4, REAL_WEIGHT, 51 })).code, ERR_OK);
}

static void
oldest_finished_jobs_make_room(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;

	assert_int_equal(store_job_max_rows_set(f->store, 5, &f->err), ERR_OK);
	/* The oldest of all stays: it is not finished. */
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(1, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(i + 2,
		    { 1, REAL_WEIGHT, 100 + i })).code, ERR_OK);
	assert_string_equal(plain_text(f->main_path, "SELECT group_concat(id) FROM"
	    " (SELECT id FROM job ORDER BY id)"),
	    "1,8,9,10,11");
	assert_int_equal(store_totals(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.jobs_bumped, 6);
	assert_int_equal(totals.job_last_id, 11);
	assert_int_equal(totals.job_max_rows, 5);
	assert_int_equal(totals.jobs_succeeded, 10);
	assert_int_equal(number(f, "SELECT count(*) FROM removed WHERE kind = 4"), 6);

	assert_int_equal(store_job_max_rows_set(f->store, 2, &f->err), ERR_OK);
	assert_string_equal(plain_text(f->main_path, "SELECT group_concat(id) FROM"
	    " (SELECT id FROM job ORDER BY id)"), "1,11");
}

/* -- undo ------------------------------------------------------------------------------------------ */

static void
undo_takes_all_back_and_may_be_repeated(void **state)
{
	struct fixture *f = *state;
	char *before = content(f);
	struct store_set set = *SET_OF(5, { 4, REAL_WEIGHT, 50 }, { 4, REAL_ENABLED, 0 },
	    { 6, REAL_FALLBACK, 0 }, { 1, REAL_WEIGHT, 77 });

	set.lock = 0;
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).code, ERR_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_set_undo(f->store, &set, &f->err), ERR_OK);
		row_is(f, 4, "10 0 1");
		row_is(f, 6, "10 1 1");
		row_is(f, 1, "10 0 1");
		assert_int_equal(number(f, "SELECT count(*) FROM job WHERE state = 5 AND"
		    " finished > 0 AND message LIKE 'undone%'"), 4);
		assert_int_equal(number(f, "SELECT jobs_open FROM store"), 0);
		assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 0);
	}
	/* Undo is a change as well. */
	assert_int_equal(number(f, "SELECT config_changes FROM store"), 8);
	free(before);
}

static void
undo_of_what_never_was_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = content(f);

	assert_int_equal(store_set_undo(f->store, SET_OF(5, { 4, REAL_WEIGHT, 50 }), &f->err), ERR_OK);
	content_is(f, before);
}

static void
lock_and_notify_are(struct fixture *f, int64_t lock, int64_t notify)
{
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), lock);
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'notify_enable'"),
	    notify);
}

/* Two managers that saw the same lock and bits: the undo of the one, whose commit never
 * reached the disk or who was undone already, does not take back what the other did. */
static void
undo_leaves_a_lock_and_bits_that_another_set_took(void **state)
{
	struct fixture *f = *state;
	const struct store_set mine = { .lock = 0, .source = JOB_SOURCE_SNMP, .token = 5,
	    .notify_before = 31, .notify_after = 3 };
	struct store_set other = mine;

	for (int committed = 0; committed <= 1; committed++) {
		other.token = 6 + (uint64_t)committed;
		if (committed) {
			assert_int_equal(do_set(f, STORE_SET_HOLD, &mine).code, ERR_OK);
			lock_and_notify_are(f, 1, 3);
			assert_int_equal(store_set_undo(f->store, &mine, &f->err), ERR_OK);
			lock_and_notify_are(f, 0, 31);
		}
		assert_int_equal(do_set(f, STORE_SET_HOLD, &other).code, ERR_OK);
		assert_int_equal(store_set_undo(f->store, &mine, &f->err), ERR_OK);
		lock_and_notify_are(f, 1, 3);
		assert_int_equal(store_set_undo(f->store, &other, &f->err), ERR_OK);
		lock_and_notify_are(f, 0, 31);
	}
	assert_int_equal(number(f, "SELECT count(*) FROM setting WHERE name LIKE '%token'"), 0);
}

/* Whatever is undone first, and of however many: no value of an undone SET comes back. */
static void
undo_of_sets_after_one_another_works_in_any_order(void **state)
{
	static const uint64_t orders[][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 },
	    { 3, 1, 2 }, { 3, 2, 1 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(orders); i++) {
		for (uint64_t token = 1; token <= 3; token++)
			assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(token,
			    { 4, REAL_WEIGHT, 20 + (uint32_t)token },
			    { 6, REAL_FALLBACK, token % 2 == 0 })).code, ERR_OK);
		row_is(f, 4, "23 0 1");
		for (int k = 0; k < 3; k++)
			assert_int_equal(store_set_undo(f->store, SET_OF(orders[i][k]), &f->err),
			    ERR_OK);
		row_is(f, 4, "10 0 1");
		row_is(f, 6, "10 1 1");
		assert_int_equal(number(f, "SELECT count(*) FROM job WHERE state <> 5"), 0);
	}
}

/* A driver that fails puts back the value before: not one that was undone. */
static void
undo_reaches_the_old_value_of_a_later_job(void **state)
{
	struct fixture *f = *state;
	int64_t seen;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 60 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 4, REAL_ENABLED, 0 })).code, ERR_OK);
	seen = number(f, "SELECT changed FROM job WHERE token = 6");
	assert_int_equal(store_set_undo(f->store, SET_OF(5), &f->err), ERR_OK);
	row_is(f, 4, "60 0 0");
	assert_int_equal(number(f, "SELECT old_value FROM job WHERE token = 6"), 10);
	assert_int_equal(number(f, "SELECT old_value FROM job WHERE token = 7"), 1);
	assert_true(number(f, "SELECT changed FROM job WHERE token = 6") > seen);
}

static void
undo_keeps_what_others_did_meanwhile(void **state)
{
	struct fixture *f = *state;
	const struct store_set *set = SET_OF(5, { 4, REAL_WEIGHT, 50 }, { 5, REAL_WEIGHT, 50 },
	    { 7, REAL_ENABLED, 0 });

	assert_int_equal(do_set(f, STORE_SET_HOLD, set).code, ERR_OK);
	plain_ok(f->main_path, "UPDATE real_service SET weight = 99 WHERE id = 5;"
	    "DELETE FROM real_service WHERE id = 7");
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(6, { 1, REAL_WEIGHT, 3 })).code, ERR_OK);
	assert_int_equal(store_set_undo(f->store, set, &f->err), ERR_OK);
	row_is(f, 4, "10 0 1");
	row_is(f, 5, "99 0 1");
	row_is(f, 1, "3 0 1");
	assert_int_equal(job_state(f, 4), JOB_HELD);
	assert_int_equal(number(f, "SELECT count(*) FROM job WHERE token = 5 AND state = 5"), 3);
}

/* To the same value, but it is the later one's. */
static void
undo_keeps_a_value_that_a_later_job_set_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 },
	    { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 60 },
	    { 5, REAL_WEIGHT, 60 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	/* What failed went back to ours. */
	plain_ok(f->main_path, "UPDATE job SET state = 4 WHERE real_id = 5 AND token = 6;"
	    "UPDATE real_service SET weight = 50 WHERE id = 5");
	assert_int_equal(store_set_undo(f->store, SET_OF(5), &f->err), ERR_OK);
	row_is(f, 4, "50 0 1");
	row_is(f, 5, "10 0 1");
}

/* The fallback was given away, and another row has it now: two there cannot be. */
static void
undo_leaves_a_fallback_with_who_has_it_now(void **state)
{
	struct fixture *f = *state;
	const struct store_set *set = SET_OF(5, { 6, REAL_FALLBACK, 0 }, { 4, REAL_WEIGHT, 50 });

	assert_int_equal(do_set(f, STORE_SET_HOLD, set).code, ERR_OK);
	plain_ok(f->main_path, "UPDATE real_service SET fallback = 1 WHERE id = 5");
	assert_int_equal(store_set_undo(f->store, set, &f->err), ERR_OK);
	row_is(f, 4, "10 0 1");
	row_is(f, 5, "10 1 1");
	row_is(f, 6, "10 0 1");
	assert_int_equal(number(f, "SELECT count(*) FROM job WHERE state = 5"), 2);
}

static void
undo_after_release_leaves_the_jobs(void **state)
{
	struct fixture *f = *state;
	const struct store_set *set = SET_OF(5, { 4, REAL_WEIGHT, 50 });

	assert_int_equal(do_set(f, STORE_SET_HOLD, set).code, ERR_OK);
	release(f, 5);
	assert_int_equal(store_set_undo(f->store, set, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
	row_is(f, 4, "50 0 1");
}

/* -- disks that fail ----------------------------------------------------------------------------------- */

/*
 * Every operation of the disk in a SET fails once, one after the other. Then either
 * nothing was changed, or the SET is in doubt and undo settles it: whatever is on the
 * disk, the old values are back and no job is left. Returns how many in doubt were
 * found done, and how many not.
 */
static void
disk_fails_in_turn(struct fixture *f, unsigned operations, bool for_good, int ret_doubts[2])
{
	const struct store_set *set = SET_OF(5, { 4, REAL_WEIGHT, 50 }, { 6, REAL_FALLBACK, 0 },
	    { 4, REAL_FALLBACK, 1 });
	struct answer answer = { .code = ERR_IO };
	struct store_cursor cursor = { 0 };
	bool failed = true, undone;
	int64_t done;
	int clusters;

	for (long n = 1; failed; n++) {
		plain_ok(f->main_path, "DELETE FROM job");
		disk_fails_at(operations, n, for_good);
		answer = do_set(f, STORE_SET_HOLD, set);
		failed = disk_failed();
		if (!failed)
			break;
		assert_true(n < 100);
		assert_true(answer.code == ERR_IO || answer.code == ERR_DOUBT);
		error_says(&f->err, f->main_path, "");
		assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
		/* It may find that there is nothing to undo, but cannot undo a thing. */
		undone = for_good && answer.code == ERR_DOUBT &&
		    store_set_undo(f->store, set, &f->err) == ERR_OK;
		disk_fails_at(0, 0, false);
		if (answer.code == ERR_DOUBT) {
			/* Whole, or not at all. */
			done = number(f, "SELECT count(*) FROM job");
			assert_true(done == 0 || (done == 3 && !undone));
			row_is(f, 4, done == 3 ? "50 1 1" : "10 0 1");
			row_is(f, 6, done == 3 ? "10 0 1" : "10 1 1");
			ret_doubts[done == 3]++;
			assert_int_equal(store_set_undo(f->store, set, &f->err), ERR_OK);
			assert_int_equal(number(f, "SELECT count(*) FROM job WHERE state = 5"), done);
		} else {
			assert_int_equal(number(f, "SELECT count(*) FROM job"), 0);
		}
		row_is(f, 4, "10 0 1");
		row_is(f, 6, "10 1 1");
		assert_int_equal(number(f, "SELECT jobs_open FROM store"), 0);
		clock_forward(2000);
		store_changed(f->store);
		if (fixture_look(f, &cursor, &clusters) == ERR_GONE)
			memset(&cursor, 0, sizeof(cursor));
		assert_int_equal(fixture_look(f, &cursor, &clusters), ERR_OK);
		assert_int_equal(store_status(f->store), STORE_OK);
	}
	disk_fails_at(0, 0, false);
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(store_set_undo(f->store, set, &f->err), ERR_OK);
	plain_ok(f->main_path, "DELETE FROM job");
}

static void
disk_that_fails_once_leaves_all_or_nothing_and_undo_settles_it(void **state)
{
	struct fixture *f = *state;
	int doubts[2] = { 0, 0 };

	disk_fails_in_turn(f, DISK_SYNC, false, doubts);
	disk_fails_in_turn(f, DISK_WRITE, false, doubts);
	disk_fails_in_turn(f, DISK_TRUNCATE, false, doubts);
	/* Both were seen: a doubt is one. */
	assert_in_range(doubts[0], 1, 100);
	assert_in_range(doubts[1], 1, 100);
	fixture_close(f);
	assert_string_equal(plain_text(f->main_path, "PRAGMA integrity_check"), "ok");
}

static void
disk_that_fails_for_good_is_told_and_undo_settles_it_later(void **state)
{
	struct fixture *f = *state;
	int doubts[2] = { 0, 0 };

	disk_fails_in_turn(f, DISK_SYNC | DISK_WRITE | DISK_TRUNCATE, true, doubts);
	fixture_close(f);
	assert_string_equal(plain_text(f->main_path, "PRAGMA integrity_check"), "ok");
}

/* What is in doubt is looked at again before anything else is believed. */
static void
after_a_doubt_readers_start_again(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	struct answer answer = { .code = ERR_OK };
	int clusters;

	assert_int_equal(fixture_look(f, &cursor, &clusters), ERR_OK);
	for (long n = 1; answer.code != ERR_DOUBT; n++) {
		assert_true(n < 100);
		disk_fails_at(DISK_SYNC | DISK_TRUNCATE, n, false);
		answer = do_set(f, STORE_SET_NOW, SET_OF(5, { 4, REAL_WEIGHT, 10 + (uint32_t)n }));
	}
	disk_fails_at(0, 0, false);
	assert_true(store_changed(f->store));
	clock_forward(2000);
	assert_int_equal(fixture_look(f, &cursor, &clusters), ERR_GONE);
	memset(&cursor, 0, sizeof(cursor));
	assert_int_equal(fixture_look(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(clusters, 2);
	clock_forward(2000);
	store_changed(f->store);
	assert_int_equal(store_status(f->store), STORE_OK);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(set_held_writes_rows_and_held_jobs),
		TEST(set_of_what_is_there_writes_nothing),
		TEST(set_on_trial_changes_nothing),
		TEST(set_refused_changes_nothing_and_names_the_culprit),
		TEST(fallback_is_handed_over_in_one_set_and_back_by_undo),
		TEST(lock_is_increased_and_starts_again_after_its_end),
		TEST(set_within_a_transaction_is_durable_with_it),
		TEST(release_within_a_transaction_that_is_given_up_still_comes),
		TEST(jobs_of_a_set_now_are_queued_or_done_at_once),
		TEST(release_queues_its_own_jobs_and_may_be_repeated),
		TEST(release_goes_with_the_next_write),
		TEST(releases_without_a_disk_all_come_once_it_is_back),
		TEST(queued_job_is_superseded_by_a_later_one_for_the_column),
		TEST(release_out_of_order_keeps_the_later_job),
		TEST(release_of_a_job_that_was_overtaken_supersedes_it),
		TEST(unfinished_jobs_at_their_limit_refuse_a_set),
		TEST(oldest_finished_jobs_make_room),
		TEST(undo_takes_all_back_and_may_be_repeated),
		TEST(undo_of_what_never_was_changes_nothing),
		TEST(undo_leaves_a_lock_and_bits_that_another_set_took),
		TEST(undo_of_sets_after_one_another_works_in_any_order),
		TEST(undo_reaches_the_old_value_of_a_later_job),
		TEST(undo_keeps_what_others_did_meanwhile),
		TEST(undo_leaves_a_fallback_with_who_has_it_now),
		TEST(undo_keeps_a_value_that_a_later_job_set_again),
		TEST(undo_after_release_leaves_the_jobs),
		TEST(disk_that_fails_once_leaves_all_or_nothing_and_undo_settles_it),
		TEST(disk_that_fails_for_good_is_told_and_undo_settles_it_later),
		TEST(after_a_doubt_readers_start_again),
	};

	disk_set_up();
	return cmocka_run_group_tests_name("store_set", tests, NULL, NULL);
}
