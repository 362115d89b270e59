/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the phases of a SET: several transactions and sessions, and a store that other programs
 * lock, change and damage between two phases. test_phases.c has the phases in every order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mib_pdu.h"
#include "in_range.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define REASON ".1.1.13.0"
#define STATUS ".1.1.6.0"
#define REFUSALS ".1.1.12.0"
#define WEIGHT_A ".1.4.1.8.1.1.1"

static struct locker locker;

static void
store_reset(void)
{
	fixture_sql(f.main, "BEGIN; UPDATE real_service SET weight = 10 WHERE weight <> 10;"
	    "DELETE FROM job; COMMIT;");
	fixture_refresh(&f);
	transaction++;
}

static void
first_of_two_transactions_gets_the_fallback(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.fallback=1"), MIB_NO_ERROR);
	transaction = 2;
	assert_int_equal(set_test("B.weight=3 B.fallback=1"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	transaction = 1;
	assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
	assert_int_equal(fault, 1);
	assert_int_equal(get_number(REASON), REJECT_FALLBACK_TAKEN);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	transaction = 2;
	set_cleanup();
	mib_flush(f.mib);
	assert_string_equal(rows_stored(), "A10e B3ef D10 X10ef Y10e H10e F10");
}

/* -- sessions ------------------------------------------------------------------------ */

static void
commit_of_an_unknown_session_or_transaction_fails(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	session = 2;
	assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
	assert_int_equal(fault, 1);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	set_cleanup();
	mib_session_lost(f.mib, session);
	session = 1;
	transaction = 2;
	assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
	transaction = 1;
	assert_int_equal(set_commit(), MIB_NO_ERROR);	/* not affected by the other phases */
	assert_int_equal(get_number(REFUSALS), 0);
}

static void
same_transaction_number_in_a_new_session_is_another_set(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	session = 2;
	assert_int_equal(set_test("B.weight=6"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	mib_session_lost(f.mib, 1);
	set_cleanup();
	mib_flush(f.mib);
	assert_string_equal(rows_stored(), "A10e B6e D10 X10ef Y10e H10e F10");
	assert_string_equal(jobs_stored(),
	    "A set_weight 10>5 cancelled #1, B set_weight 10>6 succeeded #2");
}

/* CommitSet would be taken for a repeat, and the manager would get a success that did not
 * happen. */
static void
other_set_with_the_number_of_a_committed_set_is_refused(void **state)
{
	static const char *const others[] = { "A.weight=6", "B.weight=5", "A.enabled=5", "lock=5",
	    "A.weight=5 B.weight=5", "Z.weight=5", "", "notify=0" };

	(void)state;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(set_test(others[i]), MIB_GEN_ERR);
		assert_int_equal(fault, 1);
	}
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	set_cleanup();
	assert_int_equal(get_number(WEIGHT_A), 5);
	assert_int_equal(set_test("A.weight=6"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	set_cleanup();
	assert_int_equal(get_number(WEIGHT_A), 6);
}

/* The manager may have got success. A failed SET is undone. */
static void
closed_session_keeps_committed_sets(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	assert_false(mib_session_has_open_set(f.mib, session));
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	assert_true(mib_session_has_open_set(f.mib, session));
	assert_false(mib_session_has_open_set(f.mib, session + 1));
	transaction = 2;
	assert_int_equal(set_test("H.weight=5"), MIB_NO_ERROR);
	mib_session_closed(f.mib, session);
	assert_false(mib_session_has_open_set(f.mib, session));
	assert_string_equal(jobs_stored(), "A set_weight 10>5 held #1");
	assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
}

static void
lost_session_undoes_committed_sets(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5 lock=0 notify=0"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	transaction = 2;
	assert_int_equal(set_test("X.fallback=2 Y.fallback=1"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	transaction = 3;
	assert_int_equal(set_test("H.weight=5"), MIB_NO_ERROR);
	mib_session_lost(f.mib, session);
	assert_string_equal(rows_stored(), ROWS_AT_FIRST);
	assert_int_equal(lock_stored(), 0);
	assert_int_equal(notify_stored(), 31);
	assert_int_equal(fixture_number(f.main, "SELECT count(*) FROM job WHERE state <> 5"), 0);
	assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
	assert_false(mib_needs_flush(f.mib));
}

/* -- transactions that do not end ---------------------------------------------------- */

enum { MANY = 40, KEPT = 32 };

static void
oldest_tested_transactions_that_do_not_end_are_dropped(void **state)
{
	(void)state;
	for (transaction = 1; transaction <= MANY; transaction++)
		assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	for (transaction = 1; transaction <= MANY - KEPT; transaction++)
		assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
	for (; transaction <= MANY; transaction++)
		assert_int_equal(set_commit(), MIB_NO_ERROR);
}

/* The manager may have got success. */
static void
oldest_committed_transactions_that_do_not_end_are_released(void **state)
{
	char pdu[32];

	(void)state;
	for (transaction = 1; transaction <= MANY; transaction++) {
		snprintf(pdu, sizeof(pdu), "A.weight=%u", 100 + transaction);
		assert_int_equal(set_test(pdu), MIB_NO_ERROR);
		assert_int_equal(set_commit(), MIB_NO_ERROR);
	}
	mib_flush(f.mib);
	assert_int_equal(fixture_number(f.main, "SELECT count(*) FROM job WHERE state = 0"), KEPT);
	assert_int_equal(fixture_number(f.main, "SELECT max(id) FROM job WHERE state = 3"),
	    MANY - KEPT);
	mib_session_lost(f.mib, session);
	fixture_refresh(&f);
	assert_int_equal(get_number(WEIGHT_A), 100 + MANY - KEPT);
}

/* -- changes of others in between ---------------------------------------------------- */

struct others_change {
	const char		*pdu;
	const char		*sql;		/* between test and commit */
	enum mib_status		 status;	/* of the commit */
	size_t			 fault;
	enum reject_reason	 reason;
	const char		*rows;		/* after the end */
	const char		*jobs;		/* after the commit */
};

static const struct others_change others_changes[] = {
	{ "A.weight=3 A.fallback=1", "UPDATE real_service SET fallback = 1 WHERE id = 2",
	  MIB_COMMIT_FAILED, 2, REJECT_FALLBACK_TAKEN, "A10e B10ef D10 X10ef Y10e H10e F10", "" },
	{ "A.fallback=1", "UPDATE real_service SET enabled = 0 WHERE id = 1",
	  MIB_COMMIT_FAILED, 1, REJECT_FALLBACK_NEEDS_ENABLED,
	  "A10 B10e D10 X10ef Y10e H10e F10", "" },
	{ "B.weight=5 A.weight=5", "DELETE FROM real_service WHERE id = 1",
	  MIB_COMMIT_FAILED, 2, REJECT_NO_SUCH_REAL, "B10e D10 X10ef Y10e H10e F10", "" },
	{ "B.weight=5 A.weight=5", "DELETE FROM cluster WHERE id = 1",
	  MIB_COMMIT_FAILED, 1, REJECT_NO_SUCH_REAL, "H10e F10", "" },
	{ "A.weight=5 lock=0", "UPDATE setting SET value = 1 WHERE name = 'set_lock'",
	  MIB_COMMIT_FAILED, 2, REJECT_LOCK_MISMATCH, ROWS_AT_FIRST, "" },
	{ "A.weight=300", "UPDATE cluster SET plane = 'haproxy' WHERE id = 1",
	  MIB_COMMIT_FAILED, 1, REJECT_VALUE_OUT_OF_RANGE, ROWS_AT_FIRST, "" },
	{ "B.weight=5", "UPDATE setting SET value = 0 WHERE name = 'job_max_rows'",
	  MIB_COMMIT_FAILED, 1, REJECT_QUEUE_FULL, ROWS_AT_FIRST, "" },
	{ "A.weight=5", "UPDATE real_service SET weight = 5 WHERE id = 1",
	  MIB_NO_ERROR, 0, 0, "A5e B10e D10 X10ef Y10e H10e F10", "" },
	{ "A.weight=5", "UPDATE real_service SET weight = 8 WHERE id = 1",
	  MIB_NO_ERROR, 0, 0, "A5e B10e D10 X10ef Y10e H10e F10", "A set_weight 8>5 held #1" },
	{ "A.weight=10", "UPDATE real_service SET weight = 8 WHERE id = 1",
	  MIB_NO_ERROR, 0, 0, ROWS_AT_FIRST, "A set_weight 8>10 held #1" },
	{ "Y.fallback=1 X.fallback=2", "UPDATE real_service SET fallback = 0 WHERE id = 4",
	  MIB_NO_ERROR, 0, 0, "A10e B10e D10 X10e Y10ef H10e F10",
	  "Y enable_fallback 0>1 held #1" },
};

static void
commit_judges_changes_since_the_test(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(others_changes); i++) {
		const struct others_change *m = &others_changes[i];

		pdu_fixture_make(NULL);
		print_message("%s; %s\n", m->pdu, m->sql);
		assert_int_equal(set_test(m->pdu), MIB_NO_ERROR);
		fixture_sql(f.main, "%s", m->sql);
		assert_int_equal(set_commit(), m->status);
		assert_int_equal(fault, m->fault);
		/* A repeat has the same answer and does not count as another refusal. */
		assert_int_equal(set_commit(), m->status);
		assert_int_equal(fault, m->fault);
		assert_int_equal(get_number(REFUSALS), m->status != MIB_NO_ERROR);
		assert_int_equal(get_number(REASON), m->reason == 0 ? REJECT_NONE : m->reason);
		assert_string_equal(jobs_stored(), m->jobs);
		if (m->status != MIB_NO_ERROR)
			assert_int_equal(set_undo(), MIB_NO_ERROR);
		else
			set_cleanup();
		mib_flush(f.mib);
		assert_string_equal(rows_stored(), m->rows);
		fixture_free(&f);
	}
}

static void
undo_keeps_later_changes_of_other_programs(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5 B.weight=6 lock=0"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	fixture_sql(f.main, "UPDATE real_service SET weight = 8 WHERE id = 1");
	fixture_sql(f.main, "UPDATE setting SET value = 9 WHERE name = 'set_lock'");
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_string_equal(rows_stored(), "A8e B10e D10 X10ef Y10e H10e F10");
	assert_int_equal(lock_stored(), 9);
}

static void
row_removed_after_the_commit_does_not_fail_undo_or_cleanup(void **state)
{
	(void)state;
	for (int undo = 0; undo <= 1; undo++) {
		transaction = 1 + (uint32_t)undo;
		assert_int_equal(set_test(undo ? "X.weight=5 Y.weight=5" : "A.weight=5 B.weight=5"),
		    MIB_NO_ERROR);
		assert_int_equal(set_commit(), MIB_NO_ERROR);
		fixture_sql(f.main, "DELETE FROM real_service WHERE id = %d", undo ? 4 : 1);
		if (undo)
			assert_int_equal(set_undo(), MIB_NO_ERROR);
		else
			set_cleanup();
		mib_flush(f.mib);
		fixture_refresh(&f);
		assert_false(mib_needs_flush(f.mib));
	}
	assert_string_equal(rows_stored(), "B5e D10 Y10e H10e F10");
	assert_string_equal(jobs_stored(), "- set_weight 10>5 cancelled #1,"
	    " B set_weight 10>5 succeeded #1, - set_weight 10>5 cancelled #3,"
	    " Y set_weight 10>5 cancelled #3");
}

static void
row_added_by_another_can_be_set_at_once(void **state)
{
	(void)state;
	assert_int_equal(set_all("Z.weight=5"), MIB_NO_CREATION);
	fixture_sql(f.main, "INSERT INTO real_service (id, service_id, name) VALUES (99, 1, 'z')");
	assert_int_equal(set_test("Z.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	set_cleanup();
	assert_int_equal(get_number(".1.4.1.8.1.1.99"), 5);
}

/* A restored backup has a held job. The manager of its SET got success. */
static void
held_job_of_a_restored_file_is_released(void **state)
{
	char copy[128], path[128];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/copy", f.dir);
	snprintf(path, sizeof(path), "%s/lbcluster.db", f.dir);
	assert_int_equal(set_test("H.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	fixture_sql(f.main, "VACUUM INTO '%s'", copy);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_false(mib_needs_flush(f.mib));
	assert_int_equal(rename(copy, path), 0);
	assert_true(store_changed(f.store));
	fixture_refresh(&f);
	assert_int_equal(get_number(".1.4.1.8.2.3.6"), 10);
	assert_true(mib_needs_flush(f.mib));
	mib_flush(f.mib);
	fixture_refresh(&f);
	assert_int_equal(get_number(".1.4.1.8.2.3.6"), 5);
	assert_false(mib_needs_flush(f.mib));
}

/* -- a store that another process locks ---------------------------------------------- */

static int
locked_fixture_make(void **state)
{
	(void)state;
	fixture_dir_make(&f);
	locker_start(&locker, &f);
	fixture_store_make(&f);
	pdu_store_fill();
	fixture_start(&f, STORE_WRITE, 10);
	session = transaction = 1;
	return 0;
}

static int
locked_fixture_end(void **state)
{
	locker_stop(&locker);
	return pdu_fixture_end(state);
}

static const char *const locks[] = { "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE" };

static void
test_of_a_locked_store_is_resource_unavailable(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(locks); i++) {
		locker_do(&locker, locks[i]);
		assert_int_equal(set_test("A.weight=10 B.weight=5"), MIB_RESOURCE_UNAVAILABLE);
		assert_int_equal(fault, 1);
		assert_int_equal(get_number(REASON), REJECT_STORE_BUSY);
		assert_int_equal(get_number(STATUS), STORE_LOCKED);
		assert_int_equal(set_test("lock=0"), MIB_RESOURCE_UNAVAILABLE);
		assert_int_equal(fault, 1);
		assert_int_equal(set_test("notify=0"), MIB_RESOURCE_UNAVAILABLE);
		assert_int_equal(fault, 1);
		assert_int_equal(set_test("Z.weight=5"), MIB_NO_CREATION);
		assert_int_equal(get_number(REFUSALS), 3 * ((int)i + 1));
		assert_int_equal(get_number(WEIGHT_A), 10);	/* GETs are answered */
		set_cleanup();
		locker_do(&locker, "ROLLBACK");
		assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
		assert_int_equal(get_number(STATUS), STORE_OK);
		set_cleanup();
	}
}

static void
commit_to_a_locked_store_fails_and_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(locks); i++) {
		assert_int_equal(set_test("A.weight=5 lock=0"), MIB_NO_ERROR);
		locker_do(&locker, locks[i]);
		assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
		assert_int_equal(fault, 1);
		assert_int_equal(get_number(REASON), REJECT_STORE_BUSY);
		assert_int_equal(set_undo(), MIB_NO_ERROR);	/* there is nothing to undo */
		assert_false(mib_needs_flush(f.mib));
		locker_do(&locker, "ROLLBACK");
		assert_string_equal(rows_stored(), ROWS_AT_FIRST);
		assert_string_equal(jobs_stored(), "");
		assert_int_equal(get_number(REFUSALS), (int)i + 1);
	}
}

static bool
undo_is_noted(void)
{
	const struct dirent *entry;
	DIR *dir = opendir(f.dir);
	bool noted = false;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		noted |= strncmp(entry->d_name, "lbcluster.undo-", 15) == 0;
	closedir(dir);
	return noted;
}

static void
undo_in_a_locked_store_fails_and_is_repeated(void **state)
{
	char cancelled[64] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(locks); i++) {
		assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
		assert_int_equal(set_commit(), MIB_NO_ERROR);
		locker_do(&locker, locks[i]);
		assert_int_equal(set_undo(), MIB_UNDO_FAILED);
		assert_int_equal(fault, 1);
		/* A repeat fails too. */
		assert_int_equal(set_undo(), MIB_UNDO_FAILED);
		assert_int_equal(fault, 1);
		assert_true(mib_needs_flush(f.mib));
		mib_flush(f.mib);
		assert_true(mib_needs_flush(f.mib));
		assert_true(undo_is_noted());
		assert_int_equal(get_number(WEIGHT_A), 10);
		locker_do(&locker, "ROLLBACK");
		mib_flush(f.mib);
		assert_false(mib_needs_flush(f.mib));
		assert_int_equal(get_number(WEIGHT_A), 10);
		assert_string_equal(rows_stored(), ROWS_AT_FIRST);
		snprintf(cancelled + strlen(cancelled), sizeof(cancelled) - strlen(cancelled),
		    "%sA set_weight 10>5 cancelled #%d", i == 0 ? "" : ", ", (int)i + 1);
		assert_string_equal(jobs_stored(), cancelled);
		assert_false(undo_is_noted());
		assert_int_equal(set_undo(), MIB_NO_ERROR);
	}
}

/* A manager that repeats its SET gets a job of its own. The undo does not cancel it. */
static void
set_of_a_value_that_is_to_be_undone_is_a_change(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5 notify=0"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	locker_do(&locker, locks[0]);
	assert_int_equal(set_undo(), MIB_UNDO_FAILED);
	locker_do(&locker, "ROLLBACK");
	transaction = 2;
	assert_int_equal(set_all("A.weight=5 notify=0"), MIB_NO_ERROR);
	assert_string_equal(rows_stored(), "A5e B10e D10 X10ef Y10e H10e F10");
	assert_int_equal(notify_stored(), 0);
	assert_string_equal(jobs_stored(), "A set_weight 10>5 cancelled #1,"
	    " A set_weight 10>5 succeeded #2");
	assert_false(undo_is_noted());
}

static void
set_during_a_refused_undo_is_done(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	fixture_syncs_left = 0;
	assert_int_equal(set_undo(), MIB_UNDO_FAILED);
	transaction = 2;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	fixture_syncs_left = -1;
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	set_cleanup();
	mib_flush(f.mib);
	assert_false(undo_is_noted());
	assert_string_equal(rows_stored(), "A5e B10e D10 X10ef Y10e H10e F10");
	assert_string_equal(jobs_stored(), "A set_weight 10>5 cancelled #1,"
	    " A set_weight 10>5 succeeded #2");
}

/* The manager got an error, so a restart must not keep the change. */
static void
refused_undo_is_done_at_the_next_start(void **state)
{
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(set_test("A.weight=5 lock=0 notify=0"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	transaction = 2;
	assert_int_equal(set_test("X.fallback=2 Y.fallback=1"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	transaction = 3;
	assert_int_equal(set_test("B.weight=6"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	set_cleanup();
	mib_flush(f.mib);
	locker_do(&locker, "BEGIN IMMEDIATE");
	mib_session_lost(f.mib, session);
	assert_true(undo_is_noted());
	fixture_stop(&f);
	locker_do(&locker, "ROLLBACK");
	assert_int_equal(fixture_number(f.main, "SELECT count(*) FROM job WHERE state = 0"), 3);
	fixture_start(&f, STORE_WRITE, 10);
	assert_int_equal(store_undo_noted(f.store, &n, &err), ERR_OK);
	assert_int_equal(n, 2);
	assert_string_equal(rows_stored(), "A10e B6e D10 X10ef Y10e H10e F10");
	assert_int_equal(lock_stored(), 0);
	assert_int_equal(notify_stored(), 31);
	assert_int_equal(fixture_number(f.main, "SELECT count(*) FROM job WHERE state < 3"), 0);
	assert_false(undo_is_noted());
	assert_int_equal(store_undo_noted(f.store, &n, &err), ERR_OK);
	assert_int_equal(n, 0);
}

static void
repeated_undo_succeeds_without_the_lock(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	locker_do(&locker, locks[0]);
	assert_int_equal(set_undo(), MIB_UNDO_FAILED);
	locker_do(&locker, "ROLLBACK");
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_int_equal(fault, 0);
	assert_string_equal(rows_stored(), ROWS_AT_FIRST);
	assert_false(mib_needs_flush(f.mib));
}

static void
cleanup_of_a_locked_store_is_written_later(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(locks); i++) {
		assert_int_equal(set_test(i == 0 ? "H.weight=5" : "H.weight=6"), MIB_NO_ERROR);
		assert_int_equal(set_commit(), MIB_NO_ERROR);
		locker_do(&locker, locks[i]);
		set_cleanup();
		set_cleanup();
		assert_true(mib_needs_flush(f.mib));
		mib_flush(f.mib);
		assert_true(mib_needs_flush(f.mib));
		assert_int_equal(get_number(".1.7.8.1.9.1"), JOB_QUEUED);
		locker_do(&locker, "ROLLBACK");
		assert_int_equal(fixture_number(f.main, "SELECT count(*) FROM job WHERE state = 0"),
		    1);
		mib_flush(f.mib);
		assert_false(mib_needs_flush(f.mib));
	}
	assert_string_equal(jobs_stored(),
	    "H set_weight 10>5 superseded #1, H set_weight 5>6 queued #2");
}

static void
session_lost_with_a_locked_store_is_undone_later(void **state)
{
	(void)state;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	transaction = 2;
	assert_int_equal(set_test("X.fallback=2 Y.fallback=1"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	locker_do(&locker, "BEGIN IMMEDIATE");
	mib_session_lost(f.mib, session);
	mib_session_lost(f.mib, session);
	assert_true(mib_needs_flush(f.mib));
	locker_do(&locker, "ROLLBACK");
	/* The same number in a new session is another SET. */
	session = 2;
	assert_int_equal(set_test("B.weight=6"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	set_cleanup();
	mib_flush(f.mib);
	assert_false(mib_needs_flush(f.mib));
	assert_string_equal(rows_stored(), "A10e B6e D10 X10ef Y10e H10e F10");
}

/* -- a disk with errors -------------------------------------------------------------- */

static void
set_with_a_full_disk_is_resource_unavailable(void **state)
{
	(void)state;
	fixture_disk_full = true;
	assert_int_equal(set_all("A.weight=5"), MIB_RESOURCE_UNAVAILABLE);
	assert_int_equal(get_number(REASON), REJECT_OTHER);
	assert_int_equal(get_number(STATUS), STORE_UNAVAILABLE);
	fixture_disk_full = false;
	assert_int_equal(set_test("A.weight=5"), MIB_NO_ERROR);
	fixture_disk_full = true;
	assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
	assert_int_equal(fault, 1);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_string_equal(rows_stored(), ROWS_AT_FIRST);
}

static void
set_of_a_read_only_store_is_resource_unavailable(void **state)
{
	(void)state;
	fixture_read_only = true;
	assert_int_equal(set_all("B.weight=5"), MIB_RESOURCE_UNAVAILABLE);
	assert_int_equal(fault, 1);
	assert_int_equal(get_number(REASON), REJECT_STORE_READ_ONLY);
	assert_int_equal(get_number(STATUS), STORE_READ_ONLY);
	fixture_read_only = false;
	assert_int_equal(set_test("B.weight=5"), MIB_NO_ERROR);
	fixture_read_only = true;
	assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
	assert_int_equal(get_number(REASON), REJECT_STORE_READ_ONLY);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_string_equal(rows_stored(), ROWS_AT_FIRST);
}

/* The disk fails at each sync of a commit, which leaves the commit in doubt. An undo, a lost
 * session, or a refused undo follows. */
static void
commit_in_doubt_is_settled_by_the_next_phase(void **state)
{
	enum { UNDO, LOST, LATER, WAYS };
	enum { SYNCS_MAX = 20 };

	(void)state;
	for (int way = 0; way < WAYS; way++) {
		int syncs = 0, refused = 0, in_doubt = 0;
		bool failed;

		for (; syncs < SYNCS_MAX; syncs++) {
			store_reset();
			fixture_sql(f.main, "UPDATE setting SET value = 0 WHERE name = 'set_lock'");
			assert_int_equal(set_test("A.weight=5 X.fallback=2 Y.fallback=1 lock=0"),
			    MIB_NO_ERROR);
			fixture_syncs_left = syncs;
			if (set_commit() == MIB_NO_ERROR)
				break;
			assert_int_equal(fault, 1);
			assert_int_equal(set_commit(), MIB_COMMIT_FAILED);
			in_doubt += undo_is_noted();
			failed = false;
			fixture_syncs_left = way == LATER ? 0 : -1;
			/* An undo needs no write if the commit is not on the disk. */
			if (way == LOST)
				mib_session_lost(f.mib, session);
			else
				failed = set_undo() == MIB_UNDO_FAILED;
			assert_int_equal(mib_needs_flush(f.mib), failed);
			refused += failed;
			fixture_syncs_left = -1;
			mib_flush(f.mib);
			assert_false(mib_needs_flush(f.mib));
			assert_false(undo_is_noted());
			fixture_refresh(&f);
			assert_string_equal(rows_stored(), ROWS_AT_FIRST);
			assert_int_equal(lock_stored(), 0);
			assert_int_equal(fixture_number(f.main,
			    "SELECT count(*) FROM job WHERE state <> 5"), 0);
			assert_int_equal(get_number(WEIGHT_A), 10);
		}
		fixture_syncs_left = -1;
		/* Some syncs failed before a commit succeeded. */
		assert_int_in_range(syncs, 1, SYNCS_MAX - 1);
		assert_int_equal(refused > 0, way == LATER);
		assert_true(in_doubt > 0);
		set_undo();
	}
}

int
main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, pdu_fixture_make, pdu_fixture_end)
#define WITH_LOCKER(test) \
	cmocka_unit_test_setup_teardown(test, locked_fixture_make, locked_fixture_end)
	const struct CMUnitTest tests[] = {
		WITH_STORE(first_of_two_transactions_gets_the_fallback),
		WITH_STORE(commit_of_an_unknown_session_or_transaction_fails),
		WITH_STORE(same_transaction_number_in_a_new_session_is_another_set),
		WITH_STORE(other_set_with_the_number_of_a_committed_set_is_refused),
		WITH_STORE(closed_session_keeps_committed_sets),
		WITH_STORE(lost_session_undoes_committed_sets),
		WITH_STORE(oldest_tested_transactions_that_do_not_end_are_dropped),
		WITH_STORE(oldest_committed_transactions_that_do_not_end_are_released),
		cmocka_unit_test(commit_judges_changes_since_the_test),
		WITH_STORE(undo_keeps_later_changes_of_other_programs),
		WITH_STORE(row_removed_after_the_commit_does_not_fail_undo_or_cleanup),
		WITH_STORE(row_added_by_another_can_be_set_at_once),
		WITH_STORE(held_job_of_a_restored_file_is_released),
		WITH_LOCKER(test_of_a_locked_store_is_resource_unavailable),
		WITH_LOCKER(commit_to_a_locked_store_fails_and_changes_nothing),
		WITH_LOCKER(undo_in_a_locked_store_fails_and_is_repeated),
		WITH_LOCKER(set_of_a_value_that_is_to_be_undone_is_a_change),
		WITH_LOCKER(set_during_a_refused_undo_is_done),
		WITH_LOCKER(refused_undo_is_done_at_the_next_start),
		WITH_LOCKER(repeated_undo_succeeds_without_the_lock),
		WITH_LOCKER(cleanup_of_a_locked_store_is_written_later),
		WITH_LOCKER(session_lost_with_a_locked_store_is_undone_later),
		WITH_STORE(set_with_a_full_disk_is_resource_unavailable),
		WITH_STORE(set_of_a_read_only_store_is_resource_unavailable),
		WITH_STORE(commit_in_doubt_is_settled_by_the_next_phase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
