/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: the undo of a SET, also after disk errors.
 */
#include "store_set_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in_range.h"

/* -- undo ---------------------------------------------------------------------------- */

static void
undo_cancels_the_jobs_and_may_be_repeated(void **state)
{
	struct fixture *f = *state;
	struct store_set set = *SET_OF(5, { 4, REAL_WEIGHT, 50 }, { 4, REAL_ENABLED, 0 },
	    { 6, REAL_FALLBACK, 0 }, { 1, REAL_WEIGHT, 77 });

	set.lock = 0;
	set.sets_notify = true;
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).code, ERR_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_set_undo(f->store, set.token, &f->err), ERR_OK);
		release(f, set.token);	/* no held job is left */
		assert_row(f, 4, "10 0 1");
		assert_row(f, 6, "10 1 1");
		assert_row(f, 1, "10 0 1");
		assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE state = 5 AND"
		    " finished > 0 AND message LIKE 'undone%'"), 4);
		assert_int_equal(stored_number(f, "SELECT jobs_open FROM store"), 0);
		assert_int_equal(stored_number(f,
		    "SELECT value FROM setting WHERE name = 'set_lock'"), 0);
		assert_int_equal(stored_number(f, "SELECT count(*) FROM held_setting"), 0);
	}
	assert_int_equal(stored_number(f, "SELECT config_changes FROM store"), 0);
}

static void
undo_of_an_unknown_set_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = stored_dump(f);

	assert_int_equal(store_set_undo(f->store, 5, &f->err), ERR_OK);
	assert_stored_dump(f, before);
}

/* Two SETs of two managers are open. Undoing one changes nothing of the other, in any order. */
static void
undo_keeps_lock_and_notify_bits_of_another_set(void **state)
{
	struct fixture *f = *state;
	struct store_set mine = { .source = JOB_SOURCE_SNMP, .sets_notify = true, .notify = 3 };
	struct store_set other = { .source = JOB_SOURCE_SNMP, .sets_notify = true, .notify = 7 };

	for (int i = 0; i < 4; i++) {
		bool undone_first = i % 2 == 0, mine_first = i / 2 == 0;

		mine.token = 10 + 2 * (uint64_t)i;
		other.token = mine.token + 1;
		mine.lock = i;
		other.lock = i + 1;	/* as if the open SET were released */
		assert_int_equal(do_set(f, STORE_SET_HOLD, &mine).code, ERR_OK);
		assert_int_equal(do_set(f, STORE_SET_TEST, &mine).code, ERR_PRECOND);
		assert_int_equal(do_set(f, STORE_SET_HOLD, &other).code, ERR_OK);
		if (undone_first)
			assert_int_equal(store_set_undo(f->store,
			    mine_first ? mine.token : other.token, &f->err), ERR_OK);
		release(f, mine_first ? other.token : mine.token);
		if (!undone_first)
			assert_int_equal(store_set_undo(f->store,
			    mine_first ? mine.token : other.token, &f->err), ERR_OK);
		assert_int_equal(stored_number(f,
		    "SELECT value FROM setting WHERE name = 'set_lock'"),
		    i + 1);
		assert_int_equal(stored_number(f, "SELECT value FROM setting"
		    " WHERE name = 'notify_enable'"), mine_first ? 7 : 3);
		assert_int_equal(stored_number(f, "SELECT count(*) FROM held_setting"), 0);
	}
}

/* Ends three SETs in every order and way. Each value that a row gets is of a released SET. */
static void
undo_and_release_of_sets_after_one_another_work_in_any_order(void **state)
{
	static const uint64_t orders[][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 },
	    { 3, 1, 2 }, { 3, 2, 1 } };
	enum { ENDS = 8 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < COUNT(orders) * ENDS; i++) {
		const uint64_t *order = orders[i / ENDS];
		unsigned released = i % ENDS;	/* bit 0: SET 1 */
		uint32_t last = 0;
		char weight[32];

		sql_exec(f->main_path, "DELETE FROM job; UPDATE real_service SET weight = 10,"
		    " fallback = 0; UPDATE real_service SET fallback = 1 WHERE id IN (3, 6)");
		for (uint64_t token = 1; token <= 3; token++)
			assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(token,
			    { 4, REAL_WEIGHT, 20 + (uint32_t)token },
			    { 6, REAL_FALLBACK, token % 2 == 0 }, { 5, REAL_WEIGHT, 50 })).jobs,
			    3);
		assert_row(f, 4, "10 0 1");
		for (int k = 0; k < 3; k++) {
			if (released & 1u << (order[k] - 1))
				release(f, order[k]);
			else
				assert_int_equal(store_set_undo(f->store, order[k], &f->err),
				    ERR_OK);
		}
		for (uint32_t token = 1; token <= 3; token++)
			last = released & 1u << (token - 1) ? token : last;
		snprintf(weight, sizeof(weight), "%u 0 1", last == 0 ? 10 : 20 + last);
		assert_row(f, 4, weight);
		assert_row(f, 5, last == 0 ? "10 0 1" : "50 0 1");
		assert_row(f, 6, last % 2 == 0 ? "10 1 1" : "10 0 1");
		assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE state = 0"), 0);
		assert_int_equal(stored_number(f, "SELECT count(*) FROM job WHERE state = 1"),
		    last == 0 ? 0 : 3);
	}
}

/* A failed job puts back the old value, and not a value that was undone. */
static void
undo_reaches_the_old_value_of_a_later_job(void **state)
{
	struct fixture *f = *state;
	int64_t seen;

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 60 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(7, { 4, REAL_ENABLED, 0 })).code, ERR_OK);
	seen = stored_number(f, "SELECT changed FROM job WHERE token = 6");
	assert_int_equal(store_set_undo(f->store, 5, &f->err), ERR_OK);
	assert_row(f, 4, "60 0 0");
	assert_int_equal(stored_number(f, "SELECT old_value FROM job WHERE token = 6"), 10);
	assert_int_equal(stored_number(f, "SELECT old_value FROM job WHERE token = 7"), 1);
	assert_true(stored_number(f, "SELECT changed FROM job WHERE token = 6") > seen);
}

/* The failed job replaced a held job of another SET. The row gets the value of the held job when
 * that SET is released. */
static void
failure_beside_a_held_job_puts_back_the_value_before_both(void **state)
{
	struct fixture *f = *state;
	struct store_job_end failed = { .state = JOB_FAILED, .cause = JOB_CAUSE_REJECTED,
	    .message = "no" };

	for (uint64_t token = 10; token < 30; token += 10) {
		assert_int_equal(do_set(f, STORE_SET_HOLD,
		    SET_OF(token, { 4, REAL_WEIGHT, 50 })).jobs, 1);
		assert_int_equal(do_set(f, STORE_SET_NOW,
		    SET_OF(token + 1, { 4, REAL_WEIGHT, 60 })).jobs, 1);
		failed.id = (uint32_t)stored_number(f, "SELECT max(id) FROM job");
		assert_int_equal(store_jobs_end(f->store, &failed, 1, &f->err), ERR_OK);
		assert_row(f, 4, "10 0 1");
		if (token == 10)
			assert_int_equal(store_set_undo(f->store, token, &f->err), ERR_OK);
		else
			release(f, token);
		assert_row(f, 4, token == 10 ? "10 0 1" : "50 0 1");
	}
}

static void
undo_keeps_later_changes_of_other_programs(void **state)
{
	struct fixture *f = *state;
	const struct store_set *set = SET_OF(5, { 4, REAL_WEIGHT, 50 }, { 5, REAL_WEIGHT, 50 },
	    { 7, REAL_ENABLED, 0 });

	assert_int_equal(do_set(f, STORE_SET_HOLD, set).code, ERR_OK);
	sql_exec(f->main_path, "UPDATE real_service SET weight = 99 WHERE id = 5;"
	    "DELETE FROM real_service WHERE id = 7");
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(6, { 1, REAL_WEIGHT, 3 })).code, ERR_OK);
	assert_int_equal(store_set_undo(f->store, set->token, &f->err), ERR_OK);
	assert_row(f, 4, "10 0 1");
	assert_row(f, 5, "99 0 1");
	assert_int_equal(job_state(f, 4), JOB_HELD);
	assert_int_equal(stored_number(f,
	    "SELECT count(*) FROM job WHERE token = 5 AND state = 5"), 3);
}

/* Two SETs of the same value: each was answered with success, or will be. */
static void
undo_keeps_the_same_value_of_another_set(void **state)
{
	struct fixture *f = *state;
	const struct change changes[] = { { 4, REAL_WEIGHT, 50 }, { 4, REAL_ENABLED, 0 },
	    { 6, REAL_FALLBACK, 0 }, { 5, REAL_FALLBACK, 1 }, { 1, REAL_WEIGHT, 50 } };
	const struct store_set open = { .changes = changes, .n = COUNT(changes),
	    .lock = STORE_NO_LOCK, .source = JOB_SOURCE_SNMP, .token = 5 };
	struct store_set later = open;
	struct store_job_end failed = { .state = JOB_FAILED, .cause = JOB_CAUSE_REJECTED,
	    .message = "no" };

	later.token = 6;
	assert_int_equal(do_set(f, STORE_SET_HOLD, &open).jobs, COUNT(changes));
	assert_int_equal(do_set(f, STORE_SET_NOW, &later).jobs, COUNT(changes));
	assert_int_equal(store_set_undo(f->store, open.token, &f->err), ERR_OK);
	assert_row(f, 4, "50 0 0");
	assert_row(f, 5, "10 1 1");
	assert_row(f, 6, "10 0 1");
	assert_row(f, 1, "50 0 1");
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(state, '') FROM"
	    " (SELECT * FROM job ORDER BY id) AS j"),
	    "5555511113");
	/* A failed job puts back the value before both SETs. */
	failed.id = (uint32_t)stored_number(f, "SELECT id FROM job WHERE token = 6 AND real_id = 4"
	    " AND operation = 5");
	assert_int_equal(store_jobs_end(f->store, &failed, 1, &f->err), ERR_OK);
	assert_row(f, 4, "10 0 0");
}

/* The first job is superseded when it is released. Its old value counts if the later job
 * fails. */
static void
release_beside_another_set_of_the_same_value(void **state)
{
	struct fixture *f = *state;
	struct store_job_end failed = { .id = 4, .state = JOB_FAILED,
	    .cause = JOB_CAUSE_REJECTED, .message = "no" };

	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(5, { 4, REAL_WEIGHT, 50 })).jobs, 1);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(6, { 4, REAL_WEIGHT, 50 })).jobs, 1);
	release(f, 5);
	assert_int_equal(job_state(f, 1), JOB_SUPERSEDED);
	assert_int_equal(job_state(f, 2), JOB_QUEUED);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(7, { 5, REAL_WEIGHT, 50 })).jobs, 1);
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(8, { 5, REAL_WEIGHT, 50 })).jobs, 1);
	assert_int_equal(store_jobs_end(f->store, &failed, 1, &f->err), ERR_OK);
	assert_row(f, 5, "10 0 1");
	assert_int_equal(do_set(f, STORE_SET_TEST, SET_OF(9, { 5, REAL_WEIGHT, 50 })).jobs, 1);
	release(f, 7);
	assert_int_equal(job_state(f, 3), JOB_QUEUED);
	assert_row(f, 5, "50 0 1");
}

static void
undo_after_release_leaves_the_jobs(void **state)
{
	struct fixture *f = *state;
	const struct store_set *set = SET_OF(5, { 4, REAL_WEIGHT, 50 });

	assert_int_equal(do_set(f, STORE_SET_HOLD, set).code, ERR_OK);
	release(f, 5);
	assert_int_equal(store_set_undo(f->store, set->token, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
	assert_row(f, 4, "50 0 1");
}

/* -- disk errors --------------------------------------------------------------------- */

/*
 * Makes each disk operation of a SET fail in turn. Then either nothing was changed, or the
 * commit is in doubt. After the undo of a commit in doubt the old values are in the rows and
 * no job is open. Returns how many commits in doubt were found on the disk, and how many not.
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
		sql_exec(f->main_path, "DELETE FROM job");
		disk_fails_at(operations, n, for_good);
		answer = do_set(f, STORE_SET_HOLD, set);
		failed = disk_failed();
		if (!failed)
			break;
		assert_true(n < 100);
		assert_true(answer.code == ERR_IO || answer.code == ERR_DOUBT);
		assert_error_contains(&f->err, f->main_path, "");
		assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
		/* While the disk fails, an undo may find nothing to undo, but cannot write. */
		undone = for_good && answer.code == ERR_DOUBT &&
		    store_set_undo(f->store, set->token, &f->err) == ERR_OK;
		disk_fails_at(0, 0, false);
		if (answer.code == ERR_DOUBT) {
			/* All of the SET or nothing of it is on the disk. */
			done = stored_number(f, "SELECT count(*) FROM job");
			assert_true(done == 0 || (done == 3 && !undone));
			ret_doubts[done == 3]++;
			assert_int_equal(store_set_undo(f->store, set->token, &f->err), ERR_OK);
			assert_int_equal(stored_number(f,
			    "SELECT count(*) FROM job WHERE state = 5"),
			    done);
		} else {
			assert_int_equal(stored_number(f, "SELECT count(*) FROM job"), 0);
		}
		assert_row(f, 4, "10 0 1");
		assert_row(f, 6, "10 1 1");
		assert_int_equal(stored_number(f, "SELECT jobs_open FROM store"), 0);
		clock_advance(2000);
		store_changed(f->store);
		if (fixture_read_changes(f, &cursor, &clusters) == ERR_GONE)
			memset(&cursor, 0, sizeof(cursor));
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		assert_int_equal(store_status(f->store), STORE_OK);
	}
	disk_fails_at(0, 0, false);
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(store_set_undo(f->store, set->token, &f->err), ERR_OK);
	sql_exec(f->main_path, "DELETE FROM job");
}

static void
disk_error_leaves_all_or_nothing_and_undo_settles_it(void **state)
{
	struct fixture *f = *state;
	int doubts[2] = { 0, 0 };

	sqlite_only(state, "the disk is that of the server");
	disk_fails_in_turn(f, DISK_SYNC, false, doubts);
	disk_fails_in_turn(f, DISK_WRITE, false, doubts);
	disk_fails_in_turn(f, DISK_TRUNCATE, false, doubts);
	/* Both cases happened. */
	assert_int_in_range(doubts[0], 1, 100);
	assert_int_in_range(doubts[1], 1, 100);
	fixture_close(f);
	assert_string_equal(sql_text(f->main_path, "PRAGMA integrity_check"), "ok");
}

static void
lasting_disk_error_is_reported_and_undo_settles_it_later(void **state)
{
	struct fixture *f = *state;
	int doubts[2] = { 0, 0 };

	sqlite_only(state, "the disk is that of the server");
	disk_fails_in_turn(f, DISK_SYNC | DISK_WRITE | DISK_TRUNCATE, true, doubts);
	fixture_close(f);
	assert_string_equal(sql_text(f->main_path, "PRAGMA integrity_check"), "ok");
}

/* The file is opened again before the next read. */
static void
readers_must_read_again_after_a_commit_in_doubt(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	struct answer answer = { .code = ERR_OK };
	int clusters;

	sqlite_only(state, "the disk is that of the server");
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	for (long n = 1; answer.code != ERR_DOUBT; n++) {
		assert_true(n < 100);
		disk_fails_at(DISK_SYNC | DISK_TRUNCATE, n, false);
		answer = do_set(f, STORE_SET_NOW, SET_OF(5, { 4, REAL_WEIGHT, 10 + (uint32_t)n }));
	}
	disk_fails_at(0, 0, false);
	assert_true(store_changed(f->store));
	clock_advance(2000);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_GONE);
	memset(&cursor, 0, sizeof(cursor));
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(clusters, 2);
	clock_advance(2000);
	store_changed(f->store);
	assert_int_equal(store_status(f->store), STORE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_SET_TEST(undo_cancels_the_jobs_and_may_be_repeated),
		STORE_SET_TEST(undo_of_an_unknown_set_changes_nothing),
		STORE_SET_TEST(undo_keeps_lock_and_notify_bits_of_another_set),
		STORE_SET_TEST(undo_and_release_of_sets_after_one_another_work_in_any_order),
		STORE_SET_TEST(failure_beside_a_held_job_puts_back_the_value_before_both),
		STORE_SET_TEST(undo_reaches_the_old_value_of_a_later_job),
		STORE_SET_TEST(undo_keeps_later_changes_of_other_programs),
		STORE_SET_TEST(undo_keeps_the_same_value_of_another_set),
		STORE_SET_TEST(release_beside_another_set_of_the_same_value),
		STORE_SET_TEST(undo_after_release_leaves_the_jobs),
		STORE_SET_TEST(disk_error_leaves_all_or_nothing_and_undo_settles_it),
		STORE_SET_TEST(lasting_disk_error_is_reported_and_undo_settles_it_later),
		STORE_SET_TEST(readers_must_read_again_after_a_commit_in_doubt),
	};

	disk_set_up();
	return cmocka_run_group_tests_name("store_undo", tests, NULL, NULL);
}
