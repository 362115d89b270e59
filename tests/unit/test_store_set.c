/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of store_set(), store_set_release() and store_set_undo().
 */
#include "store_set_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_private.h"

/* -- one SET ------------------------------------------------------------------------------- */

static void
set_held_writes_held_jobs_and_no_row(void **state)
{
	struct fixture *f = *state;
	struct answer answer;

	answer = do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 },
	    { 4, REAL_ENABLED, 0 }, { 5, REAL_WEIGHT, 10 }));
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.verdict.reason, REJECT_NONE);
	assert_int_equal(answer.first_job, 1);
	assert_int_equal(answer.jobs, 2);	/* one of three changed nothing */
	assert_row(f, 4, "10 0 1");
	assert_string_equal(sql_text(f->main_path,
	    "SELECT group_concat(id || ':' || real_id || ':'"
	    " || operation || ':' || state || ':' || fail_cause || ':' || source || ':' ||"
	    " old_value || ':' || new_value || ':' || request || ':' || token || ':' || started"
	    " || ':' || finished || ':' || cluster_name || '/' || service_name || '/' ||"
	    " real_name || ':' || message, ' ') FROM job"),
	    "1:4:5:0:1:2:10:50:1:5:0:0:proxy/http/a: 2:4:2:0:1:2:1:0:1:5:0:0:proxy/http/a:");
	assert_int_equal(stored_number(f, "SELECT min(created) >= unixepoch() - 100 FROM job"), 1);
	assert_int_equal(stored_number(f, "SELECT last_job FROM real_service WHERE id = 4"), 2);
	assert_int_equal(stored_number(f, "SELECT config_changes FROM store"), 0);
	release(f, 5);
	assert_row(f, 4, "50 0 0");
	assert_int_equal(stored_number(f, "SELECT config_changes FROM store"), 2);
}

/* SNMP shows that time since the answer, also if the store is written later. */
static void
release_stores_the_time_of_the_answer(void **state)
{
	struct fixture *f = *state;
	int64_t answered;

	do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 }));
	store_set_release(f->store, 5);
	answered = f->store->releases[0].wall_s -= 7;
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	assert_int_equal(stored_number(f, "SELECT last_change FROM real_service WHERE id = 4"),
	    answered);
	assert_int_equal(stored_number(f, "SELECT config_last_change FROM store"), answered);
}

static void
set_of_the_stored_value_writes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = stored_dump(f);
	int64_t change = stored_number(f, "SELECT change FROM store");
	struct answer answer;

	answer = do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 10 },
	    { 6, REAL_FALLBACK, 1 }, { 6, REAL_ENABLED, 1 }));
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.first_job, 0);
	assert_int_equal(answer.jobs, 0);
	assert_int_equal(stored_number(f, "SELECT change FROM store"), change);
	assert_stored_dump(f, before);
}

/* The held value may be undone. So a SET of the same value gets a job of its own. */
static void
set_of_a_held_value_is_a_change(void **state)
{
	static const struct {
		struct change	change;
		int64_t		old_value;
	} cases[] = {
		{ { 4, REAL_WEIGHT, 50 }, 10 }, { { 1, REAL_WEIGHT, 50 }, 10 },
		{ { 4, REAL_ENABLED, 0 }, 1 }, { { 7, REAL_FALLBACK, 1 }, 0 },
		{ { 6, REAL_FALLBACK, 0 }, 1 },
	};
	struct fixture *f = *state;
	uint64_t token = 10;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct change *change = &cases[i].change;
		const struct store_set *set = SET_OF(++token, *change), *again = SET_OF(++token,
		    { change->id, change->column, 9 }, *change);
		const struct change back = { change->id, change->column,
			(uint32_t)cases[i].old_value };

		assert_int_equal(do_set(f, STORE_SET_HOLD, set).jobs, 1);
		assert_int_equal(do_set(f, STORE_SET_TEST, SET_OF(++token, back)).jobs, 1);
		assert_int_equal(do_set(f, STORE_SET_TEST, again).jobs, 1);
		assert_int_equal(do_set(f, STORE_SET_NOW, again).jobs, 1);
		assert_int_equal(stored_number(f, "SELECT old_value = new_value AND state IN (1, 3)"
		    " FROM job ORDER BY id DESC LIMIT 1"), 1);
		/* The value is released now. */
		assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(++token, *change)).jobs, 0);
		assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(++token, { change->id,
		    change->column, (uint32_t)cases[i].old_value })).jobs, 1);
	}
}

static void
set_of_a_released_value_changes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 })).jobs, 1);
	store_set_release(f->store, 6);
	assert_int_equal(do_set(f, STORE_SET_TEST, SET_OF(7, { 4, REAL_WEIGHT, 50 })).jobs, 1);
	assert_int_equal(do_set(f, STORE_SET_TEST, SET_OF(7, { 4, REAL_WEIGHT, 50 },
	    { 4, REAL_WEIGHT, 60 })).jobs, 1);
	store_set_release(f->store, 5);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 4, REAL_WEIGHT, 50 })).jobs, 0);
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 4, REAL_WEIGHT, 50 })).jobs, 0);
}

/* Another program cannot know whether the manager has its answer. */
static void
set_of_the_old_value_after_an_answer_is_a_change(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 },
	    { 6, REAL_FALLBACK, 0 })).jobs, 2);
	fixture_close(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 10 })).jobs, 1);
	/* The rules are judged on released values: the service has no fallback. */
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 5, REAL_FALLBACK, 1 })).jobs, 1);
	assert_row(f, 5, "10 1 1");
	assert_row(f, 6, "10 0 1");
	release(f, 0);
	assert_row(f, 4, "10 0 1");
	assert_row(f, 5, "10 1 1");
	assert_row(f, 6, "10 0 1");
	/* Four changes: the weight to 50 and back, fallback off, fallback on. */
	assert_int_equal(stored_number(f, "SELECT config_changes FROM store"), 4);
	assert_int_equal(job_state(f, 1), JOB_SUPERSEDED);
	assert_int_equal(job_state(f, 4), JOB_QUEUED);
}

static void
new_row_becomes_fallback_after_a_held_disable(void **state)
{
	const struct real_row row = { .service_id = 2, .name = "new", .address = "", .port = "",
	    .params = "",
		.reason = "", .weight = 1, .enabled = true, .fallback = true };
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 6, REAL_FALLBACK, 0 })).jobs, 1);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_real(f->store, &row, NULL, NULL, &f->err), ERR_OK);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	release(f, 5);
	assert_row(f, 6, "10 0 1");
	assert_row(f, 8, "1 1 1");
}

/* The release would make a second fallback: the job fails. */
static void
release_keeps_a_fallback_set_by_plain_sql(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 6, REAL_FALLBACK, 0 },
	    { 4, REAL_FALLBACK, 1 }, { 4, REAL_WEIGHT, 50 })).jobs, 3);
	sql_exec(f->main_path, "UPDATE real_service SET fallback = 0 WHERE id = 6;"
	    "UPDATE real_service SET fallback = 1 WHERE id = 5");
	release(f, 5);
	assert_row(f, 4, "50 0 1");
	assert_row(f, 5, "10 1 1");
	assert_row(f, 6, "10 0 1");
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(state || ':' ||"
	    " fail_cause || ':' || message, ' ') FROM (SELECT * FROM job ORDER BY id) AS j"),
	    "1:1: 4:3:another real service of the service has become fallback 1:1:");
	assert_int_equal(stored_number(f, "SELECT finished > 0 FROM job WHERE id = 2"), 1);
}

static enum err_code
view_keep(void *arg, const struct store_real_view *view)
{
	*(uint32_t *)arg = (view->row.enabled ? 200000u : 0) +
	    (view->row.fallback ? 100000u : 0) + view->row.weight;
	return ERR_OK;
}

static uint32_t
shown(struct fixture *f, const char *name)
{
	struct path path = { .cluster = "proxy", .service = "http" };
	uint32_t value = 0;

	snprintf(path.real, sizeof(path.real), "%s", name);
	assert_int_equal(store_each_real(f->store, &path, view_keep, &value, &f->err), ERR_OK);
	return value;
}

static void
read_by_name_shows_held_values(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 6, REAL_FALLBACK, 0 },
	    { 4, REAL_FALLBACK, 1 }, { 4, REAL_WEIGHT, 50 }, { 5, REAL_ENABLED, 0 })).jobs, 4);
	assert_int_equal(shown(f, "a"), 300050);
	assert_int_equal(shown(f, "b"), 10);
	assert_int_equal(shown(f, "c"), 200010);
	/* The latest held job counts, unless a later job is released. */
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(6, { 4, REAL_WEIGHT, 60 })).jobs, 1);
	assert_int_equal(shown(f, "a"), 300060);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 4, REAL_WEIGHT, 70 })).jobs, 1);
	assert_int_equal(shown(f, "a"), 300070);
	assert_int_equal(store_set_undo(f->store, 5, &f->err), ERR_OK);
	assert_int_equal(shown(f, "a"), 200070);
	assert_int_equal(shown(f, "b"), 200010);
	assert_int_equal(shown(f, "c"), 300010);
}

/* It is the fallback once the held jobs are released. The rules judge changes only. */
static void
set_of_a_held_fallback_is_not_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 6, REAL_FALLBACK, 0 },
	    { 4, REAL_FALLBACK, 1 })).jobs, 2);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 5, REAL_FALLBACK, 1 })).code,
	    ERR_PRECOND);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_FALLBACK, 1 },
	    { 5, REAL_FALLBACK, 1 })).verdict.index, 1);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_ENABLED, 0 },
	    { 4, REAL_FALLBACK, 1 })).jobs, 2);
	assert_row(f, 4, "10 1 0");
	assert_row(f, 6, "10 0 1");
}

static void
set_test_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = stored_dump(f);
	struct answer answer;
	struct store_set set = *SET_OF(5, { 4, REAL_WEIGHT, 50 }, { 6, REAL_FALLBACK, 0 });

	set.lock = 0;
	answer = do_set(f, STORE_SET_TEST, &set);
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.jobs, 2);
	assert_stored_dump(f, before);
}

static void
refused_set_changes_nothing_and_names_the_change(void **state)
{
	static const struct {
		struct change		changes[3];
		int64_t			lock;
		enum err_code		code;
		enum reject_reason	reason;
		size_t			index;
		const char		*message;
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
	static const enum store_set_mode modes[] = { STORE_SET_TEST, STORE_SET_HOLD,
	    STORE_SET_NOW };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(cases) * COUNT(modes); i++) {
		size_t k = i / COUNT(modes);
		const struct store_set set = { .changes = cases[k].changes, .n = 3,
			.lock = cases[k].lock, .source = JOB_SOURCE_SNMP, .token = 5 };
		char *before = stored_dump(f);
		struct answer answer = do_set(f, modes[i % COUNT(modes)], &set);

		assert_int_equal(answer.code, cases[k].code);
		assert_int_equal(answer.verdict.reason, cases[k].reason);
		assert_int_equal(answer.verdict.index, cases[k].index);
		assert_error_contains(&f->err, answer.verdict.text, cases[k].message);
		assert_int_equal(answer.first_job, NO_JOB);	/* only on success */
		assert_int_equal(answer.jobs, NO_JOB);
		assert_int_equal(store_status(f->store), STORE_OK);
		assert_stored_dump(f, before);
	}
}

static void
one_set_moves_the_fallback_and_undo_keeps_it(void **state)
{
	struct fixture *f = *state;

	for (int order = 0; order < 2; order++) {
		const struct change one_way[] = { { 6, REAL_FALLBACK, 0 },
		    { 4, REAL_FALLBACK, 1 } };
		const struct change other_way[] = { { 4, REAL_FALLBACK, 1 },
		    { 6, REAL_FALLBACK, 0 } };
		const struct store_set set = { .changes = order == 0 ? one_way : other_way, .n = 2,
			.lock = STORE_NO_LOCK, .source = JOB_SOURCE_SNMP,
			.token = (uint64_t)order + 1 };
		struct answer answer = do_set(f, STORE_SET_HOLD, &set);

		assert_int_equal(answer.code, ERR_OK);
		assert_int_equal(answer.jobs, 2);
		assert_int_equal(store_set_undo(f->store, set.token, &f->err), ERR_OK);
		release(f, set.token);
		assert_row(f, 4, "10 0 1");
		assert_row(f, 6, "10 1 1");
	}
	assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE state = 5"), 4);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE request = 1"), 2);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE request = 3"), 2);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(3, { 4, REAL_FALLBACK, 1 },
	    { 6, REAL_FALLBACK, 0 })).jobs, 2);
	release(f, 3);
	assert_row(f, 4, "10 1 1");
	assert_row(f, 6, "10 0 1");
}

static void
lock_increases_and_wraps_to_0(void **state)
{
	struct fixture *f = *state;
	struct store_set set = *SET_OF(5, { 4, REAL_WEIGHT, 50 });
	struct store_totals totals;

	set.lock = 0;
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).code, ERR_OK);
	assert_int_equal(store_totals_read(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.set_lock, 0);
	store_set_release(f->store, 5);		/* totals show it before it is written */
	assert_int_equal(stored_number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 0);
	assert_int_equal(store_totals_read(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.set_lock, 1);
	/* A SET of the lock alone makes no job. */
	set = (struct store_set){ .lock = 1, .source = JOB_SOURCE_SNMP, .token = 6 };
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).first_job, 0);
	assert_int_equal(stored_number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 1);
	assert_int_equal(store_set_undo(f->store, set.token, &f->err), ERR_OK);
	assert_int_equal(stored_number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 1);
	assert_int_equal(store_set_lock_increase(f->store, &f->err), ERR_OK);
	assert_int_equal(stored_number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 2);

	sql_exec(f->main_path, "UPDATE setting SET value = 2147483647 WHERE name = 'set_lock'");
	set.lock = 2147483647;
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).code, ERR_OK);
	set.token++;
	set.lock = 0;
	assert_int_equal(do_set(f, STORE_SET_TEST, &set).code, ERR_OK);
	release(f, 0);
	assert_int_equal(stored_number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 0);
}

static void
set_within_a_transaction_is_durable_with_it(void **state)
{
	struct fixture *f = *state;
	char *before = stored_dump(f);

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	/* A refusal leaves what was done before it. */
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 300 })).code,
	    ERR_PRECOND);
	store_rollback(f->store);
	assert_stored_dump(f, before);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 300 })).code,
	    ERR_PRECOND);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	assert_row(f, 4, "50 0 1");
	assert_int_equal(stored_number(f, "SELECT count(*) FROM job"), 1);
}

static void
release_within_a_transaction_that_is_rolled_back_is_written_later(void **state)
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_SET_TEST(set_held_writes_held_jobs_and_no_row),
		STORE_SET_TEST(release_stores_the_time_of_the_answer),
		STORE_SET_TEST(set_of_the_stored_value_writes_nothing),
		STORE_SET_TEST(set_of_a_held_value_is_a_change),
		STORE_SET_TEST(set_of_a_released_value_changes_nothing),
		STORE_SET_TEST(set_of_the_old_value_after_an_answer_is_a_change),
		STORE_SET_TEST(new_row_becomes_fallback_after_a_held_disable),
		STORE_SET_TEST(release_keeps_a_fallback_set_by_plain_sql),
		STORE_SET_TEST(read_by_name_shows_held_values),
		STORE_SET_TEST(set_of_a_held_fallback_is_not_refused),
		STORE_SET_TEST(set_test_changes_nothing),
		STORE_SET_TEST(refused_set_changes_nothing_and_names_the_change),
		STORE_SET_TEST(one_set_moves_the_fallback_and_undo_keeps_it),
		STORE_SET_TEST(lock_increases_and_wraps_to_0),
		STORE_SET_TEST(set_within_a_transaction_is_durable_with_it),
		STORE_SET_TEST(release_within_a_transaction_that_is_rolled_back_is_written_later),
	};

	return cmocka_run_group_tests_name("store_set", tests, NULL, NULL);
}
