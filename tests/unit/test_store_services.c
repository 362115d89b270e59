/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: services that are enabled and disabled by jobs, and the numbers of servers.
 */
#include "store_set_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/sqlite_private.h"

/* -- services ------------------------------------------------------------------------------- */

#define SERVICE_JOBS                                                           \
	"SELECT ifnull(group_concat(service_id || ' ' || operation || ' ' || old_value || '>' ||" \
	" new_value || ' ' || state || ' ' || service_name || '/' || real_name, ', '), '')" \
	" FROM (SELECT * FROM job WHERE real_id IS NULL AND service_id IS NOT NULL ORDER BY id)"\
	" AS j"
#define SERVICES "SELECT group_concat(enabled, '') FROM (SELECT * FROM service ORDER BY id) AS s"

static void
set_of_a_service_is_held_and_released(void **state)
{
	struct fixture *f = *state;
	const struct change changes[] = { { 1, SERVICE_ENABLED, 0 }, { 2, SERVICE_ENABLED, 0 } };
	struct answer answer;

	answer = do_set(f, STORE_SET_HOLD, SET_OF(7, changes[0], changes[1]));
	assert_int_equal(answer.jobs, 2);
	assert_string_equal(sql_text(f->main_path, SERVICES), "111");
	assert_string_equal(sql_text(f->main_path, SERVICE_JOBS),
	    "1 7 1>0 0 http/, 2 7 1>0 0 http/");
	/* As it will be, for rules and for people. */
	assert_int_equal(do_set(f, STORE_SET_TEST, SET_OF(8, changes[0])).jobs, 1);
	release(f, 7);
	assert_string_equal(sql_text(f->main_path, SERVICES), "001");
	assert_string_equal(sql_text(f->main_path, SERVICE_JOBS),
	    "1 7 1>0 3 http/, 2 7 1>0 1 http/");
	assert_int_equal(stored_number(f, "SELECT config_changes FROM store"), 2);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM service AS s, store AS t"
	    " WHERE s.changed > t.change - 20 AND s.enabled = 0"), 2);
	/* The real services keep their settings. */
	assert_int_equal(stored_number(f, "SELECT sum(enabled) FROM real_service"), 7);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(9, changes[0])).jobs, 0);
}

static void
undone_set_of_a_service_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char *before = stored_dump(f);

	do_set(f, STORE_SET_HOLD, SET_OF(7, { 2, SERVICE_ENABLED, 0 }));
	assert_int_equal(store_set_undo(f->store, 7, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_CANCELLED);
	assert_string_equal(sql_text(f->main_path, SERVICES), "111");
	assert_int_equal(stored_number(f, "SELECT config_changes FROM store"), 0);
	sql_exec(f->main_path, "DELETE FROM job");
	assert_stored_dump(f, before);
}

/* A job of a service and one of a real service with the same number are of different columns. */
static void
jobs_of_a_service_supersede_each_other_only(void **state)
{
	struct fixture *f = *state;

	do_set(f, STORE_SET_NOW, SET_OF(1, { 2, SERVICE_ENABLED, 0 }));
	do_set(f, STORE_SET_NOW, SET_OF(2, { 4, REAL_ENABLED, 0 }, { 3, SERVICE_ENABLED, 0 }));
	do_set(f, STORE_SET_NOW, SET_OF(3, { 2, SERVICE_ENABLED, 1 }));
	assert_int_equal(job_state(f, 1), JOB_SUPERSEDED);
	for (uint32_t id = 2; id <= 4; id++)
		assert_int_equal(job_state(f, id), JOB_QUEUED);
	assert_string_equal(sql_text(f->main_path, SERVICES), "110");
	/* A held one that is released after a later one changes nothing. */
	do_set(f, STORE_SET_HOLD, SET_OF(4, { 2, SERVICE_ENABLED, 0 }));
	do_set(f, STORE_SET_HOLD, SET_OF(5, { 2, SERVICE_ENABLED, 1 }));
	release(f, 5);
	release(f, 4);
	assert_string_equal(sql_text(f->main_path, SERVICES), "110");
	assert_int_equal(job_state(f, 5), JOB_SUPERSEDED);
	assert_int_equal(job_state(f, 6), JOB_QUEUED);
}

static enum err_code
job_count(void *arg, const struct job_row *row)
{
	assert_int_equal(row->real_id, 0);
	assert_int_equal(row->service_id, 2);
	assert_string_equal(row->real, "");
	++*(int *)arg;
	return ERR_OK;
}

static void
failed_job_of_a_service_gives_the_setting_back(void **state)
{
	struct fixture *f = *state;
	struct store_job_end end = { .id = 1, .state = JOB_FAILED, .cause = JOB_CAUSE_REJECTED,
	    .message = "no" };
	int n = 0;

	do_set(f, STORE_SET_NOW, SET_OF(1, { 2, SERVICE_ENABLED, 0 }));
	assert_int_equal(store_jobs_claim(f->store, 1, 9, job_count, &n, &f->err), ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_jobs_claim(f->store, 2, 9, job_count, &n, &f->err), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(job_state(f, 1), JOB_RUNNING);
	assert_int_equal(store_jobs_requeue(f->store, 2, &f->err), ERR_OK);
	assert_int_equal(job_state(f, 1), JOB_QUEUED);
	assert_int_equal(store_jobs_end(f->store, &end, 1, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->main_path, SERVICES), "111");
	/* Not if a later job set it. */
	do_set(f, STORE_SET_NOW, SET_OF(2, { 2, SERVICE_ENABLED, 0 }));
	do_set(f, STORE_SET_NOW, SET_OF(3, { 2, SERVICE_ENABLED, 1 }));
	do_set(f, STORE_SET_NOW, SET_OF(4, { 2, SERVICE_ENABLED, 0 }));
	end.id = 3;
	assert_int_equal(store_jobs_end(f->store, &end, 1, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->main_path, SERVICES), "101");
}

static void
job_of_a_removed_service_is_cancelled(void **state)
{
	struct fixture *f = *state;

	do_set(f, STORE_SET_NOW, SET_OF(1, { 2, SERVICE_ENABLED, 0 }, { 4, REAL_ENABLED, 0 },
	    { 3, SERVICE_ENABLED, 0 }));
	assert_int_equal(store_remove(f->store, STORE_SERVICE, 2, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(ifnull(service_id, 0) ||"
	    " ' ' || ifnull(real_id, 0) || ' ' || state || ' ' || message, ', ')"
	    " FROM (SELECT * FROM job ORDER BY id) AS j"),
	    "0 0 5 service removed, 0 0 5 real service removed, 3 0 1 ");
	assert_int_equal(do_set(f, STORE_SET_NOW, SET_OF(2, { 2, SERVICE_ENABLED, 1 })).code,
	    ERR_NOT_FOUND);
	assert_string_equal(f->err.text, "the service was removed");
}

static void
job_against_the_rules_of_the_schema_is_refused(void **state)
{
	static const char *const values[] = {
		"5, 1, NULL, 'r'", "1, 1, NULL, ''", "6, 1, NULL, 'r'", "7, 1, 1, ''",
		"6, NULL, 1, 'r'", "1, NULL, 1, 'r'", "8, NULL, 1, ''", "6, NULL, 99, ''",
	};
	struct fixture *f = *state;
	char sql[300];

	for (size_t i = 0; i < COUNT(values); i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO job (operation, real_id, service_id,"
		    " real_name, old_value, new_value, cluster_name, service_name)"
		    " VALUES (%s, 0, 1, 'c', 's')",
		    values[i]);
		assert_int_equal(sql_run(f->main_path, sql),
		    i == 0 ? SQLITE_OK : SQLITE_CONSTRAINT);
	}
}

/* -- servers -------------------------------------------------------------------------------- */

/* 1 if each name of a cluster has one number, and each real service has that of its name. */
#define SERVERS_RIGHT                                                          \
	"SELECT NOT EXISTS (SELECT 1 FROM real_service AS r JOIN service AS s"  \
	" ON s.id = r.service_id LEFT JOIN server AS v ON v.id = r.server_id"  \
	" AND v.cluster_id = s.cluster_id AND v.name = r.name WHERE v.id IS NULL)" \
	" AND NOT EXISTS (SELECT 1 FROM server WHERE id NOT IN"                \
	" (SELECT server_id FROM real_service))"

static void
servers_are_numbered_by_name_and_cluster(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(sql_text(f->main_path,
	    "SELECT group_concat(id || ' ' || cluster_id || name, ', ')"
	    " FROM (SELECT * FROM server ORDER BY id) AS v"),
	    "1 1a, 2 1b, 3 1c, 4 2a, 5 2b, 6 2c, 7 2d");
	/* A rename, to a new name and to one that exists. */
	sql_exec(f->main_path, "UPDATE real_service SET name = 'e' WHERE id = 4;"
	    "UPDATE real_service SET name = 'b' WHERE id = 7");
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(server_id, ' ')"
	    " FROM (SELECT * FROM real_service ORDER BY id) AS r"), "1 2 3 8 5 6 5");
	assert_int_equal(stored_number(f, SERVERS_RIGHT), 1);
	/* The last real service of a name. */
	sql_exec(f->main_path, "DELETE FROM real_service WHERE id = 5");
	assert_int_equal(stored_number(f, "SELECT count(*) FROM server WHERE id = 5"), 1);
	sql_exec(f->main_path, "DELETE FROM real_service WHERE id = 7");
	assert_int_equal(stored_number(f, "SELECT count(*) FROM server WHERE id = 5"), 0);
	sql_exec(f->main_path, fixture_is_postgres() ?
	    "INSERT INTO real_service (service_id, name) VALUES (3, 'b'), (3, 'c')" :
	    "INSERT OR REPLACE INTO real_service (service_id, name) VALUES (3, 'b'), (3, 'c')");
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(server_id, ' ')"
	    " FROM (SELECT * FROM real_service WHERE service_id = 3 ORDER BY id) AS r"), "9 6");
	sql_exec(f->main_path, "DELETE FROM cluster WHERE id = 2");
	assert_int_equal(stored_number(f, SERVERS_RIGHT), 1);
	assert_int_equal(stored_number(f, "SELECT count(*) FROM server"), 3);
	assert_int_equal(sql_run(f->main_path, "UPDATE server SET name = 'x'"), SQLITE_CONSTRAINT);
}

static void
servers_are_changed_by_triggers_only(void **state)
{
	static const char *const refused[] = {
		"UPDATE real_service SET server_id = 2 WHERE id = 1",
		"UPDATE real_service SET server_id = server_id + 1",
		"UPDATE real_service SET server_id = 0",
		"UPDATE real_service SET server_id = 999 WHERE id = 7",
		"UPDATE server SET cluster_id = 2",
		"DELETE FROM server WHERE id = 1",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(refused); i++)
		assert_int_equal(sql_run(f->main_path, refused[i]), SQLITE_CONSTRAINT);
	if (!fixture_is_postgres())
		assert_int_equal(sql_run(f->main_path, "UPDATE OR REPLACE real_service SET"
		    " server_id = 0"), SQLITE_CONSTRAINT);
	sql_exec(f->main_path, "UPDATE real_service SET server_id = server_id");
	assert_int_equal(stored_number(f, SERVERS_RIGHT), 1);
}

/* Changes rows at random, through the store. The store may make the change in a copy. */
static enum err_code
rows_change(void *arg)
{
	struct fixture *f = arg;
	enum err_code code = ERR_OK;
	char name[8];

	for (int i = 0; i < 5 && code == ERR_OK; i++) {
		struct real_row row = { .service_id = 1 + (uint32_t)random() % 3, .name = name,
		    .address = "", .port = "", .params = "", .reason = "", .enabled = true };

		snprintf(name, sizeof(name), "n%ld", random() % 6);
		code = store_put_real(f->store, &row, NULL, NULL, &f->err);
		if (code == ERR_OK && random() % 2 == 0) {
			code = store_remove(f->store, STORE_REAL, 1 + (uint32_t)random() % 60,
			    &f->err);
			code = code == ERR_NOT_FOUND ? ERR_OK : code;
		}
	}
	return code;
}

static void
servers_follow_any_changes(void **state)
{
	struct fixture *f = *state;
	int64_t last = 0, now;
	char sql[120];

	srandom(4711);
	for (int i = 0; i < 60; i++) {
		if (i % 3 == 0) {
			snprintf(sql, sizeof(sql), "UPDATE real_service SET name = 'n%ld'"
			    " WHERE id = %ld", random() % 6, 1 + random() % 60);
			/* The name may be in use. */
			(void)sql_run(f->main_path, sql);
		} else {
			assert_int_equal(store_change(f->store, rows_change, NULL, f,
			    &f->err), ERR_OK);
		}
		if (stored_number(f, SERVERS_RIGHT) != 1)
			fail_msg("turn %d", i);
		now = stored_number(f, fixture_is_postgres() ?
		    "SELECT pg_sequence_last_value(pg_get_serial_sequence('server', 'id'))" :
		    "SELECT seq FROM sqlite_sequence WHERE name = 'server'");
		assert_true(now >= last);
		last = now;
	}
	if (!fixture_is_postgres())
		assert_string_equal(sql_text(f->main_path, "PRAGMA integrity_check"), "ok");
}

static enum err_code
path_note(void *arg, const struct store_real_view *view)
{
	char *text = arg, path[PATH_TEXT_SIZE];

	sprintf(text + strlen(text), "%s ", path_text(&view->path, path));
	return ERR_OK;
}

static void
real_services_of_a_pattern_are_found(void **state)
{
	static const struct {
		struct path	 pattern;
		const char	*found;
	} cases[] = {
		{ { "proxy", "*", "a" }, "proxy/http/a proxy/more/a " },
		{ { "pro?y", "http", "[ab]" }, "proxy/http/a proxy/http/b " },
		{ { "[!p]*", "http", "" }, "" },
		{ { "proxy", "m*", "" }, "proxy/more/a proxy/more/d " },
		{ { "proxy", "*", "z" }, "" }, { { "n*", "*", "a" }, "" },
	};
	struct fixture *f = *state;
	char text[1000];

	sql_exec(f->main_path, "INSERT INTO real_service (service_id, name) VALUES (3, 'a')");
	for (size_t i = 0; i < COUNT(cases); i++) {
		text[0] = '\0';
		assert_int_equal(store_each_real(f->store, &cases[i].pattern, path_note, text,
		    &f->err), ERR_OK);
		assert_string_equal(text, cases[i].found);
	}
}

/* -- migrations ------------------------------------------------------------------------------- */

static void
rows_and_jobs_of_version_6_are_kept(void **state)
{
	struct fixture *f = *state;
	char id[80];

	sqlite_only(state, "the migrations are those of SQLite");
	fixture_close(f);
	fixture_remove_files(f);
	file_bytes_write(f->main_path, "", 0);
	for (int i = 0; i < 6; i++)
		sql_exec(f->main_path, sqlite_main_kind.migrations[i]);
	snprintf(id, sizeof(id), "PRAGMA application_id = %d; PRAGMA user_version = 6",
	    sqlite_main_kind.application_id);
	sql_exec(f->main_path, id);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('c'), ('d');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 's'), (1, 't'), (2, 's');"
	    "INSERT INTO real_service (service_id, name) VALUES (2, 'a'), (1, 'b'), (1, 'a'),"
	    " (3, 'a');"
	    "INSERT INTO job (real_id, operation, state, old_value, new_value, token,"
	    " cluster_name, service_name, real_name, message) VALUES"
	    " (1, 5, 3, 7, 9, 1, 'c', 's', 'r', 'm'), (NULL, 1, 5, 0, 1, 0, 'c', 's', 'r', ''),"
	    " (2, 5, 0, 1, 9, 4, 'c', 's', 'b', ''), (2, 1, 3, 0, 1, 0, 'c', 's', 'b', '');"
	    "DELETE FROM job WHERE id = 4; UPDATE job SET started = 5 WHERE id = 1");
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(id || ' ' || server_id,"
	    " ', ') FROM (SELECT * FROM real_service ORDER BY id) AS r"), "1 1, 2 2, 3 1, 4 3");
	assert_int_equal(stored_number(f, SERVERS_RIGHT), 1);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(id || ' ' ||"
	    " ifnull(real_id, 0) || ' ' || ifnull(service_id, 0) || ' ' || operation || ' ' ||"
	    " state || ' ' || token || ' ' || started || message, ', ') FROM job"),
	    "1 1 0 5 3 1 5m, 2 0 0 1 5 0 0, 3 2 0 5 0 4 0");
	assert_string_equal(sql_text(f->main_path, SERVICES), "111");
	/* The number of the removed job is not used again, and held jobs are released as before. */
	release(f, 4);
	assert_int_equal(stored_number(f, "SELECT weight FROM real_service WHERE id = 2"), 9);
	do_set(f, STORE_SET_NOW, SET_OF(9, { 3, SERVICE_ENABLED, 0 }));
	assert_int_equal(stored_number(f, "SELECT max(id) FROM job"), 5);
	assert_int_equal(stored_number(f, "SELECT job_rows = (SELECT count(*) FROM job)"
	    " AND jobs_open = (SELECT count(*) FROM job WHERE state < 3) FROM store"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_SET_TEST(set_of_a_service_is_held_and_released),
		STORE_SET_TEST(undone_set_of_a_service_changes_nothing),
		STORE_SET_TEST(jobs_of_a_service_supersede_each_other_only),
		STORE_SET_TEST(failed_job_of_a_service_gives_the_setting_back),
		STORE_SET_TEST(job_of_a_removed_service_is_cancelled),
		STORE_SET_TEST(job_against_the_rules_of_the_schema_is_refused),
		STORE_SET_TEST(servers_are_numbered_by_name_and_cluster),
		STORE_SET_TEST(servers_are_changed_by_triggers_only),
		STORE_SET_TEST(servers_follow_any_changes),
		STORE_SET_TEST(real_services_of_a_pattern_are_found),
		STORE_SET_TEST(rows_and_jobs_of_version_6_are_kept),
	};

	return cmocka_run_group_tests_name("store_services", tests, NULL, NULL);
}
