/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: reading changes while other programs write to the same files.
 */
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_reader.h"

/* -- random changes ------------------------------------------------------------------------ */

/* A comment of SQL that marks a statement of SQLite's dialect. */
#define SQLITE "/* SQLite */ "

/* A statement may violate a constraint, and changes nothing then. */
static void
change_something(struct fixture *f, uint64_t *seed)
{
	static const char *const main_sql[] = {
		"INSERT INTO cluster (name) VALUES ('c%u')",
		"INSERT INTO service (cluster_id, name) SELECT id, 's%u' FROM cluster"
		    " ORDER BY random() LIMIT 1",
		"INSERT INTO real_service (service_id, name) SELECT id, 'r%u' FROM service"
		    " ORDER BY random() LIMIT 1",
		"INSERT INTO real_service (service_id, name) SELECT id, 'q%u' FROM service"
		    " ORDER BY random() LIMIT 3 ON CONFLICT DO NOTHING",
		"UPDATE real_service SET weight = %u WHERE id IN (SELECT id FROM real_service"
		    " ORDER BY random() LIMIT 2)",
		"UPDATE real_service SET weight = weight + 1, reason = 'r%u'",
		"UPDATE real_service SET name = 'n%u' WHERE id IN (SELECT id FROM"
		    " real_service ORDER BY random() LIMIT 1)",
		"UPDATE service SET name = 'n%u', address = '192.0.2.1' WHERE id IN"
		    " (SELECT id FROM service ORDER BY random() LIMIT 1)",
		"UPDATE cluster SET name = 'n%u', plane_status = 2 WHERE id IN"
		    " (SELECT id FROM cluster ORDER BY random() LIMIT 1)",
		"INSERT INTO job (real_id, operation, old_value, new_value, cluster_name,"
		    " service_name, real_name)"
		    " SELECT id, 5, 1, %u, 'c', 's', name FROM real_service"
		    " ORDER BY random() LIMIT 1",
		"UPDATE job SET state = 3, finished = 1, message = 'm%u' WHERE state < 3",
		"DELETE FROM job WHERE id %% 7 = %u %% 7",
		"DELETE FROM real_service WHERE id %% 9 = %u %% 9",
		"DELETE FROM service WHERE id %% 11 = %u %% 11",
		"DELETE FROM cluster WHERE id %% 13 = %u %% 13",
		"DELETE FROM cluster WHERE 0 = %u %% 30",
	};
	static const char *const stats_sql[] = {
		"INSERT INTO statistics (real_id, active, bps_in) VALUES (1 + %u %% 300, 1, 77)"
		    " ON CONFLICT (real_id) DO UPDATE SET active = 0, bps_in = 78",
		"INSERT INTO statistics (real_id, total_octets_in) VALUES (1 + %u %% 300, 5)",
		"UPDATE statistics SET pps_out = %u, last_update = 5, counters_since = 3",
		"DELETE FROM statistics WHERE real_id %% 5 = %u %% 5",
		"UPDATE statistics SET real_id = 1 + %u %% 300 WHERE real_id IN (SELECT"
		    " real_id FROM statistics ORDER BY random() LIMIT 1)",
		SQLITE "INSERT OR REPLACE INTO statistics (real_id, active, bps_in) VALUES"
		    " (1 + %u %% 300, 1, 77)",
	};
	bool stats = random_next(seed) % 4 == 0;
	const char *format = stats ? stats_sql[random_next(seed) % COUNT(stats_sql)] :
	    main_sql[random_next(seed) % COUNT(main_sql)];
	char sql[400];
	int rc;

	if (strncmp(format, SQLITE, strlen(SQLITE)) == 0 && fixture_is_postgres())
		return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql, sizeof(sql), format, random_next(seed) % 40);
#pragma GCC diagnostic pop
	rc = sql_run(stats ? f->stats_path : f->main_path, sql);
	if (rc != SQLITE_OK && rc != SQLITE_CONSTRAINT)
		fail_msg("%s: %d", sql, rc);
}

static void
reader_follows_every_change_in_slices_of_any_size(void **state)
{
	static const size_t limits[] = { 1, 2, 7, 1000 };
	struct fixture *f = *state;
	struct reader *readers = calloc(COUNT(limits), sizeof(*readers));
	uint64_t seed = 11;

	assert_non_null(readers);
	for (int round = 0; round < 250; round++) {
		for (uint32_t n = random_next(&seed) % 4 + 1; n > 0; n--)
			change_something(f, &seed);
		for (size_t i = 0; i < COUNT(limits); i++) {
			bool more;

			/* Some readers have not read everything when the next change comes. */
			if (random_next(&seed) % 3 == 0)
				assert_int_equal(reader_read(f, &readers[i], limits[i], &more),
				    ERR_OK);
			else
				reader_read_all(f, &readers[i], limits[i]);
			assert_false(readers[i].orphan);
		}
	}
	for (size_t i = 0; i < COUNT(limits); i++) {
		reader_read_all(f, &readers[i], limits[i]);
		assert_reader_current(f, &readers[i]);
		if (i > 0)
			assert_memory_equal(&readers[i].totals, &readers[0].totals,
			    sizeof(readers[0].totals));
	}
	for (size_t i = 0; i < COUNT(limits); i++)
		reader_reset(&readers[i]);
	free(readers);
}

/* A reader that starts late gets no row that is removed. */
static void
late_reader_gets_existing_rows_only(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('a'), ('b'), ('c');"
	    "DELETE FROM cluster WHERE name <> 'c'");
	reader_read_all(f, reader, 1000);
	assert_int_equal(reader->received, 1);
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
}

static void
reader_that_fails_continues_before_that_row(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));
	bool more = false;

	assert_non_null(reader);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('a'), ('b'), ('c');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 's'), (2, 's')");
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id) VALUES (1), (2)");
	for (size_t n = 1; n <= 4; n++) {
		reader->fail_after = n;
		assert_int_equal(reader_read(f, reader, 1000, &more), ERR_NOMEM);
		assert_int_equal(reader->received, n);
		assert_int_equal(f->err.code, ERR_NOMEM);
		assert_changed(f);
	}
	/* An error of the receiver of statistics fails no read; the row comes again. */
	reader->fail_after = 6;
	assert_int_equal(reader_read(f, reader, 1000, &more), ERR_OK);
	assert_changed(f);
	reader->fail_after = 0;
	reader_read_all(f, reader, 1000);
	assert_int_equal(reader->received, 7);
	assert_false(store_changed(f->store));
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
}

static void
store_changed_is_true_once_for_a_change_of_any_process(void **state)
{
	const struct statistics statistics = { .real_id = 1, .last_update = 5 };
	const struct change change = { 1, REAL_WEIGHT, 5 };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_CLI, .token = 1 };
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));
	struct verdict verdict;
	uint32_t job;
	size_t jobs;

	assert_non_null(reader);
	fixture_close(f);
	sql_process_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_changed(f);
	reader_read_all(f, reader, 1000);
	for (int i = 0; i < 3; i++)
		assert_false(store_changed(f->store));

	assert_int_equal(sql_process_exec(f, "INSERT INTO cluster (name) VALUES ('a')"), SQLITE_OK);
	assert_changed(f);
	assert_changed(f);	/* until store_changes() */
	reader_read_all(f, reader, 1000);
	assert_false(store_changed(f->store));
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id) VALUES (1)");
	assert_changed(f);
	reader_read_all(f, reader, 1000);
	assert_false(store_changed(f->store));

	fixture_real(f, fixture_service(f, 1, "s"), "r", 1, false, true);
	assert_changed(f);
	reader_read_all(f, reader, 1000);
	assert_false(store_changed(f->store));
	assert_int_equal(store_set(f->store, &set, STORE_SET_NOW, &verdict, &job, &jobs, &f->err),
	    ERR_OK);
	assert_changed(f);
	reader_read_all(f, reader, 1000);
	assert_false(store_changed(f->store));
	assert_int_equal(store_statistics_put(f->store, &statistics, 1, &f->err), ERR_OK);
	assert_changed(f);
	reader_read_all(f, reader, 1000);
	assert_false(store_changed(f->store));
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
}

/* Reads as lbclusterd does: a part of the rows in each turn in which store_changed() is true. */
static void
read_while_changed(struct fixture *f, struct reader *reader)
{
	bool more;

	for (int turn = 0; turn < 100 && store_changed(f->store); turn++)
		assert_int_equal(reader_read(f, reader, 10, &more), ERR_OK);
	assert_false(store_changed(f->store));
	assert_reader_current(f, reader);
}

static void
store_changed_is_true_until_all_rows_of_an_own_write_are_read(void **state)
{
	static struct statistics rows[25];
	struct cluster_row cluster = { .plane = "none", .plane_params = "{}" };
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));
	char name[16];

	assert_non_null(reader);
	reader_read_all(f, reader, 1000);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		cluster.name = name;
		assert_int_equal(store_put_cluster(f->store, &cluster, NULL, NULL, &f->err),
		    ERR_OK);
	}
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	read_while_changed(f, reader);
	for (uint32_t i = 0; i < COUNT(rows); i++)
		rows[i] = (struct statistics){ .real_id = i + 1, .last_update = 5 };
	assert_int_equal(store_statistics_put(f->store, rows, COUNT(rows), &f->err), ERR_OK);
	read_while_changed(f, reader);
	reader_reset(reader);
	free(reader);
}

/* The cost depends on the changed rows, not on all rows. */
static void
one_change_among_many_rows_is_read_as_one_row(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('a');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 's');"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
	    " INSERT INTO real_service (service_id, name) SELECT 1, 'r' || i FROM n");
	reader_read_all(f, reader, 1000);
	assert_int_equal(reader->received, 302);
	sql_exec(f->main_path, "UPDATE real_service SET weight = 5 WHERE id = 150");
	reader_read_all(f, reader, 1000);
	assert_int_equal(reader->received, 303);
	reader_read_all(f, reader, 1000);
	assert_int_equal(reader->received, 303);
	reader_reset(reader);
	free(reader);
}

static void
readers_drop_statistics_of_a_replaced_file(void **state)
{
	struct fixture *f = *state;
	struct reader *reader;

	sqlite_only(state, "SQLite has files");
	reader = calloc(1, sizeof(*reader));
	assert_non_null(reader);
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id) VALUES (1), (2), (3)");
	reader_read_all(f, reader, 2);
	assert_non_null(reader->rows[STORE_STATISTICS][3]);
	fixture_close(f);
	assert_int_equal(remove(f->stats_path), 0);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id) VALUES (2)");
	reader_read_all(f, reader, 2);
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
}

/* As if there had been many changes. */
static void
change_advance(const char *path)
{
	sql_exec(path, fixture_is_postgres() ?
	    "SELECT setval('change', nextval('change') + 300000)" :
	    "UPDATE store SET change = change + 300000");
}

/* The store no longer lists all removed rows. */
static void
reader_too_far_behind_must_read_again(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));
	bool more;

	assert_non_null(reader);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('a'), ('b'), ('c')");
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id) VALUES (1), (2), (3)");
	reader_read_all(f, reader, 1000);
	sql_exec(f->main_path, "DELETE FROM cluster WHERE name = 'a'");
	change_advance(f->main_path);
	sql_exec(f->main_path, "DELETE FROM cluster WHERE name = 'b'");
	assert_int_equal(reader_read(f, reader, 1000, &more), ERR_GONE);
	assert_int_equal(store_status(f->store), STORE_OK);
	reader_reset(reader);
	reader_read_all(f, reader, 1000);
	assert_reader_current(f, reader);

	/* A reader of statistics drops all of them and reads them again without an error. */
	sql_exec(f->stats_path, "DELETE FROM statistics WHERE real_id = 1");
	change_advance(f->stats_path);
	sql_exec(f->stats_path, "DELETE FROM statistics WHERE real_id = 2");
	reader_read_all(f, reader, 1000);
	assert_reader_current(f, reader);
	/* A reader that has read everything needs not read again. */
	change_advance(f->main_path);
	sql_exec(f->main_path, "DELETE FROM cluster WHERE name = 'c'");
	reader_read_all(f, reader, 1000);
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
}

/* -- several processes ---------------------------------------------------------------- */

enum { WRITERS = 4, TURNS = 25 };

/* Writes SETs, statistics and rows of its own, and reads changes. */
static int
write_and_read(void *arg, int i)
{
	struct fixture *f = arg;
	struct reader *reader = calloc(1, sizeof(*reader));
	struct change change = { .id = (uint32_t)i + 1, .column = REAL_WEIGHT };
	struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_CLI };
	int wrong = 0;

	if (reader == NULL || store_open(f->name, STORE_WRITE, LONG_WAIT_MS, &f->store,
	    &f->err) != ERR_OK)
		return 1;
	for (uint32_t turn = 1; turn <= TURNS && wrong == 0; turn++) {
		struct statistics row = { .real_id = (uint32_t)i + 1, .last_update = turn };
		struct verdict verdict;
		uint32_t job;
		size_t jobs;
		bool more = true;

		change.value = 100 + turn;
		set.token = (uint64_t)i * 1000 + turn;
		wrong += store_set(f->store, &set, STORE_SET_HOLD, &verdict, &job, &jobs,
		    &f->err) != ERR_OK;
		store_set_release(f->store, set.token);
		wrong += store_flush(f->store, &f->err) != ERR_OK;
		wrong += store_statistics_put(f->store, &row, 1, &f->err) != ERR_OK;
		while (more && wrong == 0) {
			enum err_code code = reader_read(f, reader, 10, &more);

			wrong += code != ERR_OK && code != ERR_BUSY;
		}
		wrong += reader->orphan;
	}
	if (wrong != 0)
		fprintf(stderr, "process %d: %s\n", i, f->err.text);
	reader_reset(reader);
	free(reader);
	fixture_close(f);
	return wrong;
}

static void
several_processes_write_and_read_at_once(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	sql_exec(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('a', 'ipvs');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 's');"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8)"
	    " INSERT INTO real_service (service_id, name) SELECT 1, 'r' || i FROM n;");
	fixture_close(f);
	run_processes(WRITERS, write_and_read, f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	reader_read_all(f, reader, 1000);
	assert_reader_current(f, reader);
	assert_int_equal(reader->totals.config_changes, WRITERS * TURNS);
	assert_int_equal(reader->totals.job_last_id, WRITERS * TURNS);
	/* Of the jobs of a row, only the last one is not superseded. */
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM job WHERE state = 1"),
	    WRITERS);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM job WHERE state = 6"),
	    WRITERS * (TURNS - 1));
	assert_int_equal(sql_number(f->main_path,
	    "SELECT count(*) FROM real_service WHERE weight ="
	    " 125"), WRITERS);
	assert_int_equal(sql_number(f->stats_path, "SELECT sum(last_update) FROM statistics"),
	    WRITERS * TURNS);
	reader_reset(reader);
	free(reader);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_open, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(reader_follows_every_change_in_slices_of_any_size),
		TEST(late_reader_gets_existing_rows_only),
		TEST(reader_that_fails_continues_before_that_row),
		TEST(store_changed_is_true_once_for_a_change_of_any_process),
		TEST(store_changed_is_true_until_all_rows_of_an_own_write_are_read),
		TEST(one_change_among_many_rows_is_read_as_one_row),
		TEST(readers_drop_statistics_of_a_replaced_file),
		TEST(reader_too_far_behind_must_read_again),
		TEST(several_processes_write_and_read_at_once),
	};

	return cmocka_run_group_tests_name("store_changes", tests, NULL, NULL);
}
