/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: rows that break a rule of the schema, written by a program that turned
 * the checks off. tests/fuzz/fuzz_store.c has more.
 */
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct invalid {
	const char	*name;
	bool		 stats;		/* in lbcluster-stats.db */
	const char	*sql;
	const char	*message;
} invalid[] = {
	{ "number_of_a_row", false,
	  "DROP TRIGGER cluster_stays; UPDATE cluster SET id = 4294967297",
	    "(id of row 4294967297 of table cluster)" },
	{ "name_too_long", false, "UPDATE cluster SET name = printf('%.70c', 'a')",
	    "(name of row 1 of table cluster)" },
	{ "name_with_a_nul", false, "UPDATE service SET name = 'a' || char(0) || 'b'",
	    "(name of row 1 of table service)" },
	{ "address_too_long", false, "UPDATE real_service SET address = printf('%.70000c', 'a')"
	    " WHERE id = 7", "(address of row 7 of table real_service)" },
	{ "weight_too_much", false, "UPDATE real_service SET weight = 65536 WHERE id = 3",
	    "(weight of row 3 of table real_service)" },
	{ "protocol_unknown", false, "UPDATE service SET protocol = 5",
	    "(protocol of row 1 of table service)" },
	{ "job_without_a_name", false,
	  "DROP TRIGGER job_names; INSERT INTO job (operation, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (5, 1, 2, 'a', '', 'c')",
	    "(service_name of row 1 of table job)" },
	{ "job_with_an_invalid_name", false,
	  "DROP TRIGGER job_names; INSERT INTO job (operation, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (5, 1, 2, 'a', 'b', '/')",
	    "(real_name of row 1 of table job)" },
	{ "change_ahead_of_the_counter", false, "UPDATE cluster SET changed = 1000000",
	    "(a row of table cluster has changed = 1000000, " },
	{ "counter_below_zero", false, "UPDATE store SET change = -223",
	    "(table store has change = -223, removed_oldest = 0)" },
	{ "removed_ahead_of_the_counter", false, "UPDATE store SET removed_oldest = 1000000",
	    "(table store has change = " },
	{ "statistics_below_zero", true, "UPDATE statistics SET bps_in = -1 WHERE real_id = 9",
	    NULL },
};

/* An invalid row of statistics is no error of the store. */
static void
invalid_row_is_damage_and_named(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(invalid); i++) {
		struct store_cursor cursor = { 0 };
		enum err_code code;
		char sql[256];
		int clusters;

		fixture_fill(f);
		snprintf(sql, sizeof(sql), "PRAGMA ignore_check_constraints = ON; %s",
		    invalid[i].sql);
		sql_exec(invalid[i].stats ? f->stats_path : f->main_path, sql);
		assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
		code = fixture_read_changes(f, &cursor, &clusters);
		if (code != (invalid[i].message == NULL ? ERR_OK : ERR_CORRUPT) ||
		    (invalid[i].message != NULL &&
		    strstr(f->err.text, invalid[i].message) == NULL))
			fail_msg("%s: %s", invalid[i].name, f->err.text);
		if (invalid[i].message != NULL)
			assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
		fixture_close(f);
		fixture_remove_files(f);
	}
}

static enum err_code
count_row(void *arg, const struct store_real_view *view)
{
	(void)view;
	(*(int *)arg)++;
	return ERR_OK;
}

/* More than a page of rows: the next page begins after the name of the last row. */
static void
listing_of_invalid_names_ends(void **state)
{
	struct fixture *f = *state;
	int rows = 0;

	fixture_fill(f);
	sql_exec(f->main_path, "PRAGMA ignore_check_constraints = ON;"
	    "UPDATE real_service SET name = printf('%.70c', 'a') || id");
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
	assert_int_equal(store_each_real(f->store, NULL, count_row, &rows, &f->err), ERR_CORRUPT);
	assert_int_equal(rows, 0);
}

/* The copy of the table has no UNIQUE constraint. */
static void
path_of_two_rows_finds_the_lower_id(void **state)
{
	const struct path path = { .cluster = "web", .service = "http", .real = "r1" };
	struct fixture *f = *state;
	uint32_t ids[3] = { 7, 7, 7 };
	int rows = 0;

	fixture_fill(f);
	sql_exec(f->main_path, "CREATE TABLE loose AS SELECT * FROM real_service;"
	    "DROP TABLE real_service; CREATE TABLE real_service AS SELECT * FROM loose;"
	    "DROP TABLE loose;"
	    "UPDATE real_service SET name = 'r1' WHERE name = 'r2'");
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
	assert_int_equal(store_find(f->store, &path, &ids[0], &ids[1], &ids[2], &f->err),
	    ERR_OK);
	assert_int_equal(ids[2], sql_number(f->main_path,
	    "SELECT min(id) FROM real_service WHERE name = 'r1'"));
	assert_int_equal(store_each_real(f->store, &path, count_row, &rows, &f->err), ERR_OK);
	assert_int_equal(rows, 1);
}

static void
setting_out_of_range_is_clamped(void **state)
{
	struct fixture *f = *state;
	struct store_totals totals;

	fixture_fill(f);
	sql_exec(f->main_path, "UPDATE setting SET value = 5000000000 WHERE name = 'job_max_rows'");
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
	assert_int_equal(store_totals_read(f->store, &totals, &f->err), ERR_OK);
	assert_int_equal(totals.job_max_rows, 100000);
}

/* The check of every page does not find these rows. */
static void
statistics_with_an_invalid_row_are_replaced(void **state)
{
	static const char *const sql[] = {
		"UPDATE statistics SET changed = 1000000 WHERE real_id = 9",
		"UPDATE store SET removed_oldest = 1000000",
		"PRAGMA ignore_check_constraints = ON; UPDATE statistics SET bps_in = -1",
	};
	const enum store_mode modes[] = { STORE_WRITE, STORE_CREATE };
	struct fixture *f = *state;

	/* Every other time another program has the file open, so its WAL stays. */
	for (size_t i = 0; i < 2 * COUNT(sql) * COUNT(modes); i++) {
		const char *spoil = sql[i / 2 / COUNT(modes)];
		struct store_cursor cursor = { 0 };
		bool other = i % 2 != 0;
		char aside[128];
		int clusters;

		fixture_fill(f);
		if (other) {
			sql_process_start(f, f->stats_path);
			assert_int_equal(sql_process_exec(f, spoil), 0);
		} else {
			sql_exec(f->stats_path, spoil);
		}
		assert_int_equal(fixture_open(f, modes[i / 2 % COUNT(modes)]), ERR_OK);
		for (int looks = 0; looks < 2; looks++) {
			assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
			clock_advance(2000);
		}
		fixture_close(f);
		if (other)
			sql_process_stop(f);
		snprintf(aside, sizeof(aside), "%s.ill", f->stats_path);
		assert_true(file_exists(aside));
		assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), 0);
		fixture_remove_files(f);
		unlink(aside);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(invalid_row_is_damage_and_named),
		TEST(listing_of_invalid_names_ends),
		TEST(path_of_two_rows_finds_the_lower_id),
		TEST(setting_out_of_range_is_clamped),
		TEST(statistics_with_an_invalid_row_are_replaced),
	};

	return cmocka_run_group_tests_name("store_invalid_rows", tests, NULL, NULL);
}
