/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: a large change is prepared in a copy, while other programs write.
 */
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>

/* Rows of all tables, without the number of their change and without times. */
#define ROWS_TEXT                                                              \
	"SELECT (SELECT group_concat(name || plane, ' ') FROM cluster) || '|' ||"  \
	" (SELECT group_concat(cluster_id || name, ' ') FROM service) || '|' ||"   \
	" (SELECT group_concat(id || name || address || weight, ' ')"           \
	" FROM (SELECT * FROM real_service ORDER BY id) AS r)"

/* What the triggers keep: no row has the number of a later change, and the totals are right. */
#define TOTALS_RIGHT                                                           \
	"SELECT (SELECT max(c) FROM (SELECT max(changed) AS c FROM cluster UNION ALL" \
	" SELECT max(changed) FROM service UNION ALL SELECT max(changed) FROM real_service" \
	" UNION ALL SELECT max(changed) FROM job"                              \
	" UNION ALL SELECT max(changed) FROM removed) AS m) = change"          \
	" AND job_rows = (SELECT count(*) FROM job)"                           \
	" AND jobs_open = (SELECT count(*) FROM job WHERE state < 3) FROM store"

struct change_test {
	struct fixture	*f;
	const char	*other_sql;	/* run by another process during the change */
	int		 others;	/* how many times at most */
	int		 calls, settles;
	bool		 fails, settle_fails;
};

/* Adds a real service, changes the address of another and removes the last. Another process
 * writes meanwhile, which the lock of a transaction on the file would refuse. */
static enum err_code
rows_change(void *arg)
{
	struct change_test *test = arg;
	struct store *store = test->f->store;
	const struct real_row added = { .service_id = 1, .name = "added", .address = "10.9.9.9",
	    .port = "80", .params = "", .reason = "", .weight = 7, .enabled = true };
	const struct real_row changed = { .service_id = 1, .name = "first", .address = "10.8.8.8",
	    .port = "80", .params = "", .reason = "" };
	enum err_code code;

	test->calls++;
	code = store_put_real(store, &added, NULL, NULL, &test->f->err);
	if (code == ERR_OK)
		code = store_put_real(store, &changed, NULL, NULL, &test->f->err);
	if (code == ERR_OK)
		code = store_remove(store, STORE_REAL, 3, &test->f->err);
	if (test->others-- > 0)
		assert_int_equal(sql_process_exec(test->f, test->other_sql), SQLITE_OK);
	return test->fails ? ERR_PRECOND : code;
}

static int
setup(void **state)
{
	struct fixture *f;

	if (fixture_setup_open(state) != 0)
		return -1;
	f = *state;
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('c');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 's');"
	    "INSERT INTO real_service (service_id, name, address, port) VALUES"
	    " (1, 'first', 'a', '80'), (1, 'second', 'b', '80'), (1, 'third', 'c', '80')");
	sql_process_start(f, f->main_path);
	return 0;
}

static void
change_is_written(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f };

	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
	assert_int_equal(test.calls, 1);
	assert_string_equal(sql_text(f->main_path, ROWS_TEXT),
	    "cnone|1s|1first10.8.8.81 2secondb1 4added10.9.9.97");
	assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
	assert_int_equal(sql_number(f->main_path, "SELECT id FROM removed WHERE kind = 3"), 3);
}

static void
change_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .fails = true };

	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_PRECOND);
	assert_string_equal(sql_text(f->main_path, ROWS_TEXT),
	    "cnone|1s|1firsta1 2secondb1 3thirdc1");
}

/* A setting of a row that the change does not touch, as of a SET, is made meanwhile and stays. */
static void
setting_made_meanwhile_stays(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .others = 1,
	    .other_sql = "UPDATE real_service SET weight = 50 WHERE id = 2" };

	sqlite_only(state, "a change is one transaction, for which other writers wait");
	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
	assert_int_equal(test.calls, 1);
	assert_string_equal(sql_text(f->main_path, ROWS_TEXT),
	    "cnone|1s|1first10.8.8.81 2secondb50 4added10.9.9.97");
	assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
	assert_int_equal(sql_number(f->main_path, "SELECT config_changes FROM store"), 1);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) = count(DISTINCT changed)"
	    " FROM real_service"), 1);
}

/* Sets the weight of the second real service to 77. */
static enum err_code
weight_settle(void *arg)
{
	struct change_test *test = arg;
	struct change change = { .id = 2, .column = REAL_WEIGHT, .value = 77 };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_CLI, .token = 9 };
	struct verdict verdict;
	uint32_t first_job;
	size_t jobs;

	test->settles++;
	if (test->settle_fails)
		return ERR_PRECOND;
	return store_set(test->f->store, &set, STORE_SET_NOW, &verdict, &first_job, &jobs,
	    &test->f->err);
}

/* Other programs set the same row during the preparation, which is not repeated. */
static void
settings_are_changed_from_the_rows_of_the_file(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .others = 9,
	    .other_sql = "UPDATE real_service SET weight = weight + 50 WHERE id = 2;"
	    "INSERT INTO job (real_id, operation, state, old_value, new_value, cluster_name,"
	    " service_name, real_name) VALUES (2, 5, 3, 0, 50, 'c', 's', 'second')" };

	sqlite_only(state, "a change is one transaction, for which other writers wait");
	assert_int_equal(store_change(f->store, rows_change, weight_settle, &test, &f->err),
	    ERR_OK);
	assert_int_equal(test.calls, 1);
	assert_int_equal(test.settles, 1);
	assert_string_equal(sql_text(f->main_path, ROWS_TEXT),
	    "cnone|1s|1first10.8.8.81 2secondb77 4added10.9.9.97");
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(id || ':' || old_value ||"
	    " '>' || new_value, ' ') FROM job"), "1:0>50 2:51>77");
	assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
}

static void
settings_that_fail_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .settle_fails = true };

	assert_int_equal(store_change(f->store, rows_change, weight_settle, &test, &f->err),
	    ERR_PRECOND);
	assert_string_equal(sql_text(f->main_path, ROWS_TEXT),
	    "cnone|1s|1firsta1 2secondb1 3thirdc1");
	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
}

#define JOB_OF_THIRD                                                            \
	"INSERT INTO job (real_id, operation, state, old_value, new_value, cluster_name," \
	" service_name, real_name) VALUES (3, 5, 1, 1, 2, 'c', 's', 'third');"

/* The draft ends the job of the real service that it removes. Jobs of other real services are
 * no conflict. */
static void
jobs_of_removed_rows_end_beside_other_jobs(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .others = 9,
	    .other_sql = "INSERT INTO job (real_id, operation, state, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (2, 5, 1, 1, 1, 'c', 's', 'second')" };

	sqlite_only(state, "a change is one transaction, for which other writers wait");
	sql_exec(f->main_path, JOB_OF_THIRD);
	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
	assert_int_equal(test.calls, 1);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(id || real_name || state,"
	    " ' ') FROM job"), "1third5 2second1");
	assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
}

/* A driver ends the job that the draft ends. */
static void
job_that_both_end_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .others = 1,
	    .other_sql = "UPDATE job SET state = 3, real_id = NULL WHERE state < 3" };

	sqlite_only(state, "a change is one transaction, for which other writers wait");
	sql_exec(f->main_path, JOB_OF_THIRD);
	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
	assert_int_equal(test.calls, 2);
	assert_int_equal(sql_number(f->main_path, "SELECT state FROM job"), 3);
	assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
}

/* Removes the data plane of the cluster, which ends its jobs. */
static enum err_code
plane_remove(void *arg)
{
	const struct cluster_row row = { .name = "c", .plane = "none", .plane_params = "",
	    .plane_message = "" };
	struct change_test *test = arg;
	uint32_t id;

	test->calls++;
	if (test->others-- > 0)
		assert_int_equal(sql_process_exec(test->f, test->other_sql), SQLITE_OK);
	return store_put_cluster(test->f->store, &row, &id, NULL, &test->f->err);
}

/* A SET of a real service makes a job for the data plane that the cluster loses. */
static void
job_for_a_removed_data_plane_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .others = 1, .other_sql = JOB_OF_THIRD };

	sqlite_only(state, "a change is one transaction, for which other writers wait");
	sql_exec(f->main_path, "UPDATE cluster SET plane = 'haproxy'");
	assert_int_equal(store_change(f->store, plane_remove, NULL, &test, &f->err), ERR_OK);
	assert_int_equal(test.calls, 2);
	assert_int_equal(sql_number(f->main_path, "SELECT state FROM job"), JOB_SUCCEEDED);
	assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
}

/* The change is made again from the rows that another program has changed. */
static void
conflict_repeats_the_change(void **state)
{
	static const char *const conflicts[] = {
		"UPDATE real_service SET weight = 50 WHERE id = 1",
		"INSERT INTO real_service (service_id, name) VALUES (1, 'other')",
		"UPDATE service SET port = '99'",
		"DELETE FROM real_service WHERE id = 2",
		("INSERT INTO job (real_id, operation, state, old_value, new_value, cluster_name,"
		" service_name, real_name) VALUES (3, 5, 0, 1, 2, 'c', 's', 'third')"),
	};
	struct fixture *f = *state;

	sqlite_only(state, "a change is one transaction, for which other writers wait");
	for (size_t i = 0; i < COUNT(conflicts); i++) {
		struct change_test test = { .f = f, .others = 1, .other_sql = conflicts[i] };

		sql_exec(f->main_path, "DELETE FROM real_service; DELETE FROM sqlite_sequence"
		    " WHERE name = 'real_service';"
		    "INSERT INTO real_service (service_id, name, address, port) VALUES"
		    " (1, 'first', 'a', '80'), (1, 'second', 'b', '80'), (1, 'third', 'c', '80')");
		assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
		assert_int_equal(test.calls, 2);
		assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
	}
	assert_int_equal(sql_number(f->main_path, "SELECT real_id IS NULL AND state = 5 FROM job"),
	    1);
}

/* The last attempt locks the file, so the other process must not write in it. */
static void
change_in_conflict_for_ever_locks_the_file(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f, .others = 4,
	    .other_sql = "UPDATE real_service SET weight = weight + 1 WHERE id = 1" };

	sqlite_only(state, "a change is one transaction, for which other writers wait");
	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
	assert_int_equal(test.calls, 5);
	assert_string_equal(sql_text(f->main_path, ROWS_TEXT),
	    "cnone|1s|1first10.8.8.85 2secondb1 4added10.9.9.97");
}

/* The triggers of the file work again after the change. */
static void
next_write_has_its_triggers(void **state)
{
	struct fixture *f = *state;
	struct change_test test = { .f = f };

	sqlite_only(state, "its SQL is of the schema of SQLite");
	assert_int_equal(store_change(f->store, rows_change, NULL, &test, &f->err), ERR_OK);
	assert_int_equal(store_remove(f->store, STORE_CLUSTER, 1, &f->err), ERR_OK);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"), 0);
	assert_int_equal(sql_number(f->main_path, TOTALS_RIGHT), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(change_is_written),
		TEST(change_that_fails_changes_nothing),
		TEST(setting_made_meanwhile_stays),
		TEST(settings_are_changed_from_the_rows_of_the_file),
		TEST(settings_that_fail_change_nothing),
		TEST(jobs_of_removed_rows_end_beside_other_jobs),
		TEST(job_that_both_end_is_a_conflict),
		TEST(job_for_a_removed_data_plane_is_a_conflict),
		TEST(conflict_repeats_the_change),
		TEST(change_in_conflict_for_ever_locks_the_file),
		TEST(next_write_has_its_triggers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
