/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: a copy of one moment of a store that other programs write.
 */
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "in_range.h"

enum { SLICE_PARTS = 400 };	/* the store has many more pages than the first slice */

static struct {
	struct fixture	*f;
	int		 checks;	/* of all pages, during which another program writes */
	int		 left;		/* another program writes before this many slices */
	int		 slices;
} writer;

int __real_sqlite3_backup_step(sqlite3_backup *backup, int pages);
int __wrap_sqlite3_backup_step(sqlite3_backup *backup, int pages);

int
__wrap_sqlite3_backup_step(sqlite3_backup *backup, int pages)
{
	if (writer.left > 0) {
		writer.left--;
		assert_int_equal(sql_process_exec(writer.f,
		    "UPDATE real_service SET weight = weight + 1"),
		    SQLITE_OK);
	}
	writer.slices++;
	return __real_sqlite3_backup_step(backup, pages / SLICE_PARTS);
}

int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);

/* Another program writes between the result of integrity_check and its end. */
int
__wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	const char *sql = sqlite3_sql(stmt);
	int rc = __real_sqlite3_step(stmt);

	if (writer.f != NULL && sql != NULL && strstr(sql, "integrity_check") != NULL) {
		writer.checks++;
		assert_int_equal(sql_process_exec(writer.f,
		    "UPDATE real_service SET weight = weight + 1"), SQLITE_OK);
	}
	return rc;
}

/* Opens a store of 300 real services of weight 1 here and in another process. */
static int
setup(void **state)
{
	struct fixture *f;

	if (fixture_setup_filled(state) != 0)
		return -1;
	f = *state;
	sql_exec(f->main_path, "UPDATE real_service SET weight = 1");
	sql_process_start(f, f->main_path);
	writer.f = f;
	writer.left = writer.slices = writer.checks = 0;
	return fixture_open(f, STORE_READ) == ERR_OK ? 0 : -1;
}

struct weights {
	uint32_t	n, least, most;
};

static enum err_code
weight_see(void *arg, const struct store_real_view *view)
{
	struct weights *weights = arg;

	if (weights->n++ == 0 || view->row.weight < weights->least)
		weights->least = view->row.weight;
	if (view->row.weight > weights->most)
		weights->most = view->row.weight;
	return ERR_OK;
}

static void
weights_are(struct fixture *f, uint32_t weight)
{
	struct weights weights = { 0 };

	assert_int_equal(store_each_real(f->store, NULL, weight_see, &weights, &f->err), ERR_OK);
	assert_int_equal(weights.n, 300);
	assert_int_equal(weights.least, weight);
	assert_int_equal(weights.most, weight);
}

static void
snapshot_does_not_change(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_snapshot(f->store, &f->err), ERR_OK);
	if (!fixture_is_postgres())
		assert_int_in_range(writer.slices, 2, 1000);
	assert_int_equal(sql_process_exec(f, "BEGIN EXCLUSIVE; UPDATE real_service SET weight = 7;"
	    " DELETE FROM real_service WHERE id < 100; COMMIT"), SQLITE_OK);
	weights_are(f, 1);
	fixture_close(f);
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"), 201);
}

static void
snapshot_during_writes_is_of_one_moment(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite copies the file in slices");
	writer.left = 3;
	assert_int_equal(store_snapshot(f->store, &f->err), ERR_OK);
	assert_int_equal(writer.left, 0);
	weights_are(f, 4);
}

/* The slices become larger until one has all pages. */
static void
snapshot_during_endless_writes_ends(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite copies the file in slices");
	writer.left = 1000;
	assert_int_equal(store_snapshot(f->store, &f->err), ERR_OK);
	assert_int_in_range(writer.slices, 2, 100);
	weights_are(f, (uint32_t)sql_number(f->main_path, "SELECT max(weight) FROM real_service"));
}

static void
snapshot_of_a_locked_store_is_busy(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "no lock blocks a reader");
	assert_int_equal(sql_process_exec(f, "BEGIN EXCLUSIVE"), SQLITE_OK);
	assert_int_equal(store_snapshot(f->store, &f->err), ERR_BUSY);
	assert_int_equal(sql_process_exec(f, "ROLLBACK"), SQLITE_OK);
	assert_int_equal(store_snapshot(f->store, &f->err), ERR_OK);
	weights_are(f, 1);
}

static void
check_of_all_pages_blocks_no_writer(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite copies the file in slices");
	fixture_close(f);
	writer.checks = 0;
	/* As "lbclusterctl load" does. */
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	assert_int_equal(writer.checks, 2);	/* lbcluster.db and lbcluster-stats.db */
	/* As "lbclusterctl doctor" does. */
	assert_int_equal(store_verify(f->store, &f->err), ERR_OK);
	assert_int_equal(writer.checks, 3);
	weights_are(f, 4);
}

static int
teardown(void **state)
{
	memset(&writer, 0, sizeof(writer));
	return fixture_teardown(state);
}

static void
snapshot_of_a_damaged_row_names_the_file(void **state)
{
	struct weights weights = { 0 };
	struct fixture *f = *state;

	sqlite_only(state, "PostgreSQL checks constraints always");
	sql_exec(f->main_path, "PRAGMA ignore_check_constraints = ON;"
	    " UPDATE real_service SET name = 'a b' WHERE id = 7");
	assert_int_equal(store_snapshot(f->store, &f->err), ERR_OK);
	assert_int_equal(store_each_real(f->store, NULL, weight_see, &weights, &f->err),
	    ERR_CORRUPT);
	assert_error_contains(&f->err, "lbcluster.db", "put a backup in its place");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(snapshot_does_not_change),
		TEST(snapshot_during_writes_is_of_one_moment),
		TEST(snapshot_during_endless_writes_ends),
		TEST(snapshot_of_a_locked_store_is_busy),
		TEST(snapshot_of_a_damaged_row_names_the_file),
		TEST(check_of_all_pages_blocks_no_writer),
	};

	return cmocka_run_group_tests_name("store_snapshot", tests, NULL, NULL);
}
