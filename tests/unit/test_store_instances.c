/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: several lbclusterd on one store. PostgreSQL permits one for each instance
 * name, SQLite one in all. A held SET belongs to the instance that committed it.
 */
#include "store_set_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/clock.h"

enum { TOKEN = 5, OTHER_TOKEN = 6, ENDS_WITHIN_MS = 5000, PAUSE_US = 10000 };

/* Another instance, in a store of its own. */
static struct store *other;

static int
setup(void **state)
{
	struct fixture *f;

	if (two_clusters_setup(state) != 0)
		return -1;
	f = *state;
	fixture_close(f);
	other = NULL;
	return 0;
}

static int
teardown(void **state)
{
	store_close(other);
	other = NULL;
	return fixture_teardown(state);
}

static enum err_code
open_as(struct fixture *f, const char *instance, struct store **ret)
{
	return store_open_exclusive(f->name, "lbclusterd", instance, LONG_WAIT_MS, ret, &f->err);
}

/* Opens instance a as the store of the fixture, which holds a SET of a weight, the lock and the
 * notifications. */
static void
hold_as_a(struct fixture *f)
{
	struct store_set set = *SET_OF(TOKEN, { 1, REAL_WEIGHT, 50 });

	set.lock = 0;
	set.sets_notify = true;
	set.notify = 2;
	assert_int_equal(open_as(f, "a", &f->store), ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, &set).code, ERR_OK);
}

static void
assert_held(struct fixture *f, bool held)
{
	assert_int_equal(job_state(f, 1), held ? JOB_HELD : JOB_SUCCEEDED);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM held_setting"), held ? 2 : 0);
	assert_int_equal(stored_number(f, "SELECT value FROM setting WHERE name = 'set_lock'"),
	    held ? 0 : 1);
	assert_int_equal(stored_number(f, "SELECT config_changes FROM store"), held ? 0 : 1);
	assert_int_equal(stored_number(f, "SELECT weight FROM real_service WHERE id = 1"),
	    held ? 10 : 50);
}

/* The held SETs become older by some seconds. */
static void
age(struct fixture *f, int seconds)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "UPDATE job SET created = created - %d WHERE state = 0;"
	    "UPDATE held_setting SET created = created - %d", seconds, seconds);
	sql_exec(f->main_path, sql);
}

static void
release_all_as(struct fixture *f, struct store *store)
{
	store_set_release(store, 0);
	assert_int_equal(store_flush(store, &f->err), ERR_OK);
}

/* The server ends the session of an instance shortly after the process has ended. */
static void
a_ends(struct fixture *f)
{
	int64_t until = clock_steady_ms() + ENDS_WITHIN_MS;
	struct store *again = NULL;

	fixture_close(f);
	while (open_as(f, "a", &again) == ERR_PRECOND && clock_steady_ms() < until)
		usleep(PAUSE_US);
	assert_non_null(again);
	store_close(again);
	while (fixture_is_postgres() && clock_steady_ms() < until &&
	    stored_number(f, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
	    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	    > 2)	/* of instance b */
		usleep(PAUSE_US);
}

static void
skip_with_sqlite(void)
{
	if (!fixture_is_postgres())
		skip();
}

static void
store_is_open_once_per_instance(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_as(f, "a", &f->store), ERR_OK);
	assert_int_equal(open_as(f, "a", &other), ERR_PRECOND);
	if (!fixture_is_postgres()) {
		assert_int_equal(open_as(f, "b", &other), ERR_PRECOND);
		return;
	}
	assert_error_contains(&f->err, "the instance name \"a\"", "another \"instance\"");
	assert_int_equal(open_as(f, "b", &other), ERR_OK);
}

static void
start_releases_what_the_same_instance_left(void **state)
{
	struct fixture *f = *state;

	hold_as_a(f);
	fixture_close(f);
	assert_int_equal(open_as(f, "a", &f->store), ERR_OK);
	assert_held(f, true);
	release_all_as(f, f->store);
	assert_held(f, false);
}

static void
start_releases_nothing_of_another_instance(void **state)
{
	struct fixture *f = *state;

	hold_as_a(f);
	if (!fixture_is_postgres()) {
		/* A store of SQLite has one instance, whose name changes with that of the host. */
		fixture_close(f);
		assert_int_equal(open_as(f, "b", &other), ERR_OK);
		release_all_as(f, other);
		assert_held(f, false);
		return;
	}
	assert_int_equal(open_as(f, "b", &other), ERR_OK);
	release_all_as(f, other);
	assert_held(f, true);
	release(f, TOKEN);
	assert_held(f, false);
}

static void
sets_of_an_instance_that_runs_stay_held(void **state)
{
	struct fixture *f = *state;

	hold_as_a(f);
	age(f, 1000);
	if (!fixture_is_postgres()) {
		assert_int_equal(store_orphans_release(f->store, &f->err), ERR_OK);
		assert_held(f, true);
		return;
	}
	assert_int_equal(open_as(f, "b", &other), ERR_OK);
	assert_int_equal(store_orphans_release(other, &f->err), ERR_OK);
	assert_int_equal(store_orphans_release(f->store, &f->err), ERR_OK);
	assert_held(f, true);
	assert_int_equal(store_set_undo(f->store, TOKEN, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_CANCELLED);
}

static void
sets_of_an_instance_that_ended_are_released_once_after_30_s(void **state)
{
	struct fixture *f = *state;

	skip_with_sqlite();
	hold_as_a(f);
	assert_int_equal(open_as(f, "b", &other), ERR_OK);
	a_ends(f);
	age(f, 25);
	assert_int_equal(store_orphans_release(other, &f->err), ERR_OK);
	assert_held(f, true);
	age(f, 5);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_orphans_release(other, &f->err), ERR_OK);
		assert_held(f, false);
	}
	/* An undo of the instance comes too late, and does nothing. */
	assert_int_equal(open_as(f, "a", &f->store), ERR_OK);
	assert_int_equal(store_set_undo(f->store, TOKEN, &f->err), ERR_OK);
	release_all_as(f, f->store);
	assert_held(f, false);
}

static void
notes_are_of_one_instance(void **state)
{
	struct fixture *f = *state;
	size_t undone;

	skip_with_sqlite();
	hold_as_a(f);
	assert_int_equal(store_undo_note(f->store, TOKEN, &f->err), ERR_OK);
	assert_int_equal(open_as(f, "b", &other), ERR_OK);
	assert_int_equal(store_undo_noted(other, &undone, &f->err), ERR_OK);
	assert_int_equal(undone, 0);
	assert_held(f, true);
	fixture_close(f);
	assert_int_equal(open_as(f, "a", &f->store), ERR_OK);
	assert_int_equal(store_undo_noted(f->store, &undone, &f->err), ERR_OK);
	assert_int_equal(undone, 1);
	assert_int_equal(job_state(f, 1), JOB_CANCELLED);
}

/* The other instance may undo its SET, so the same value needs a job of its own. */
static void
held_column_of_another_instance_gets_a_job_for_any_value(void **state)
{
	struct fixture *f = *state;
	struct answer answer;
	struct store *mine;

	skip_with_sqlite();
	hold_as_a(f);
	assert_int_equal(open_as(f, "b", &other), ERR_OK);
	store_set_release(other, 0);
	mine = f->store;
	f->store = other;
	answer = do_set(f, STORE_SET_HOLD, SET_OF(OTHER_TOKEN, { 1, REAL_WEIGHT, 50 }));
	f->store = mine;
	assert_int_equal(answer.jobs, 1);
	store_set_release(other, OTHER_TOKEN);
	assert_int_equal(store_flush(other, &f->err), ERR_OK);
	assert_int_equal(store_set_undo(f->store, TOKEN, &f->err), ERR_OK);
	assert_row(f, 1, "50 0 1");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(store_is_open_once_per_instance),
		TEST(start_releases_what_the_same_instance_left),
		TEST(start_releases_nothing_of_another_instance),
		TEST(sets_of_an_instance_that_runs_stay_held),
		TEST(sets_of_an_instance_that_ended_are_released_once_after_30_s),
		TEST(notes_are_of_one_instance),
		TEST(held_column_of_another_instance_gets_a_job_for_any_value),
	};

	return cmocka_run_group_tests_name("store_instances", tests, NULL, NULL);
}
