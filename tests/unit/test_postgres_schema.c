/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Compares the schema of PostgreSQL with that of SQLite: tables and columns, and the effect of the
 * same plain SQL on all rows of both. Also tests the grants of conf/postgresql-roles.sql. Skipped
 * unless LBCLUSTER_TEST_POSTGRESQL names a server (tests/unit/postgres starts one).
 */
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres_fixture.h"
#include "store/sql.h"

#ifdef HAVE_LIBPQ

#include "store/postgres/postgres_private.h"

/* sqlite_private.h defines another struct db_state. */
void sqlite_schemas_create(sqlite3 *main, sqlite3 *stats);

enum { ANSWER_SIZE = 60000, CALLS = 1000 };

enum part { MAIN, STATS, PARTS };

static const struct postgres_kind *const kinds[] = { &postgres_main_kind, &postgres_stats_kind };

struct pair {
	sqlite3	*lite[PARTS];
	PGconn	*session[PARTS];
	char	 name[64], uri[200];	/* of the database */
	int64_t	 lite_change, change;	/* store.change before the latest statement */
};

/* -- both databases ----------------------------------------------------------------------- */

static void
session_run(PGconn *session, const char *sql)
{
	PGresult *result = PQexec(session, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	PQclear(result);
}

static void
session_runf(PGconn *session, const char *format, const char *text)
{
	char *sql = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_true(asprintf(&sql, format, text) > 0);
#pragma GCC diagnostic pop
	session_run(session, sql);
	free(sql);
}

/* A session of the superuser, who may create roles. */
static PGconn *
session_open(const char *uri, const struct postgres_kind *kind)
{
	const char *const keywords[] = { "dbname", "user", NULL };
	const char *const values[] = { uri, "postgres", NULL };
	PGconn *session = PQconnectdbParams(keywords, values, 1);

	assert_int_equal(PQstatus(session), CONNECTION_OK);
	session_runf(session, "SET client_min_messages = warning; SET search_path = %s, pg_temp",
	    kind->schema);
	return session;
}

/* Makes the session one of the role that owns the schemas, which is not a superuser. */
static void
owner_become(PGconn *session)
{
	session_run(session, "DO $$ BEGIN CREATE ROLE lbctest_owner; EXCEPTION"
	    " WHEN duplicate_object THEN NULL; END $$");
	session_run(session, "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO"
	    " lbctest_owner', current_database()); END $$");
	session_run(session, "SET ROLE lbctest_owner");
}

static void
schema_create(PGconn *session, const struct postgres_kind *kind)
{
	session_run(session, "BEGIN");
	session_runf(session, "CREATE SCHEMA %s", kind->schema);
	for (size_t i = 0; i < kind->n_migrations; i++)
		session_run(session, kind->migrations[i]);
	session_run(session, "COMMIT");
}

static int
setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	if (pair == NULL || !postgres_database_create(pair->name, sizeof(pair->name), pair->uri,
	    sizeof(pair->uri)))
		return -1;
	for (enum part part = MAIN; part < PARTS; part++) {
		pair->session[part] = session_open(pair->uri, kinds[part]);
		owner_become(pair->session[part]);
		schema_create(pair->session[part], kinds[part]);
		assert_int_equal(sqlite3_open(":memory:", &pair->lite[part]), SQLITE_OK);
	}
	sqlite_schemas_create(pair->lite[MAIN], pair->lite[STATS]);
	*state = pair;
	return 0;
}

static int
teardown(void **state)
{
	struct pair *pair = *state;

	for (enum part part = MAIN; part < PARTS; part++) {
		PQfinish(pair->session[part]);
		sqlite3_close(pair->lite[part]);
	}
	postgres_database_drop(pair->name);
	free(pair);
	return 0;
}

/* -- answers ------------------------------------------------------------------------------- */

/* The rows of a query as text: columns end with a space, rows with a line feed. */
static void
lite_answer(sqlite3 *lite, const char *sql, char ret[ANSWER_SIZE])
{
	sqlite3_stmt *stmt;
	size_t at = 0;

	ret[0] = '\0';
	if (sqlite3_prepare_v2(lite, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(lite));
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			at += (size_t)snprintf(ret + at, ANSWER_SIZE - at, "%s ",
			    (const char *)sqlite3_column_text(stmt, i) ?: "NULL");
		at += (size_t)snprintf(ret + at, ANSWER_SIZE - at, "\n");
		assert_true(at < ANSWER_SIZE);
	}
	sqlite3_finalize(stmt);
}

static void
answer(PGconn *session, const char *sql, char ret[ANSWER_SIZE])
{
	PGresult *result = PQexec(session, sql);
	size_t at = 0;

	ret[0] = '\0';
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	for (int row = 0; row < PQntuples(result); row++) {
		for (int i = 0; i < PQnfields(result); i++)
			at += (size_t)snprintf(ret + at, ANSWER_SIZE - at, "%s ",
			    PQgetisnull(result, row, i) ? "NULL" : PQgetvalue(result, row, i));
		at += (size_t)snprintf(ret + at, ANSWER_SIZE - at, "\n");
		assert_true(at < ANSWER_SIZE);
	}
	PQclear(result);
}

static int64_t
number(PGconn *session, const char *sql)
{
	char text[ANSWER_SIZE];

	answer(session, sql, text);
	return strtoll(text, NULL, 10);
}

static int64_t
lite_number(sqlite3 *lite, const char *sql)
{
	char text[ANSWER_SIZE];

	lite_answer(lite, sql, text);
	return strtoll(text, NULL, 10);
}

static void
assert_same_answer(struct pair *pair, enum part part, const char *sql, const char *after)
{
	static char of_lite[ANSWER_SIZE], of_postgres[ANSWER_SIZE];

	lite_answer(pair->lite[part], sql, of_lite);
	answer(pair->session[part], sql, of_postgres);
	if (strcmp(of_lite, of_postgres) != 0)
		fail_msg("after %s\n%s\nSQLite:\n%s\nPostgreSQL:\n%s", after, sql, of_lite,
		    of_postgres);
}

/* -- the same statement in both -------------------------------------------------------------- */

/* A time is compared as present or not. */
#define TIME(column) "CASE WHEN " column " > 1000000000 THEN 1 ELSE " column " END"

static const struct {
	enum part	 part;
	const char	*table, *id, *columns;
} tables[] = {
	{ MAIN, "cluster", "id", "id, name, plane, plane_params, plane_status, plane_message" },
	{ MAIN, "service", "id",
	  "id, cluster_id, name, address, port, protocol, params, enabled" },
	{ MAIN, "real_service", "id", "id, service_id, name, address, port, params, weight,"
	  " fallback, enabled, reason, last_job, server_id, " TIME("last_change") },
	{ MAIN, "job", "id", "id, real_id, service_id, operation, state, fail_cause, source,"
	  " old_value, new_value, request, token, cluster_name, service_name, real_name,"
	  " message, origin, owner, " TIME("created") ", " TIME("started") ", " TIME("finished") },
	{ STATS, "statistics", "real_id", "real_id, active, role, bps_in, total_octets_out,"
	  " check_code, counters_since, " TIME("last_update") },
	{ STATS, "service_statistics", "service_id", "service_id, algorithm, requests,"
	  " counters_since, " TIME("last_update") },
	{ STATS, "look", "cluster_id", "cluster_id, interval_ms, " TIME("time") },
	{ MAIN, "removed", "id", "kind, id" }, { STATS, "removed", "id", "kind, id" },
	{ MAIN, "server", NULL, "id, cluster_id, name" },
	{ MAIN, "setting", NULL, "name, value" },
	{ MAIN, "held_setting", NULL, "token, name, value, owner, created" },
	{ MAIN, "store", NULL, "id, removed_oldest, config_changes, job_rows, jobs_open,"
	  " jobs_succeeded, jobs_failed, jobs_bumped, " TIME("config_last_change") ", "
	  TIME("table_last_change") },
	{ STATS, "store", NULL, "id, removed_oldest" },
};

static void
changed_rows_sql(char *ret, size_t size, bool removed, const char *table, const char *id,
    int64_t change)
{
	snprintf(ret, size, "SELECT %s, %s FROM %s WHERE changed > %lld ORDER BY 1, 2",
	    removed ? "kind" : "0", id, table, (long long)change);
}

/* Compares all rows, and which rows have a "changed" above the counter before the statement. */
static void
compare(struct pair *pair, enum part part, const char *after)
{
	static char of_lite[ANSWER_SIZE], of_postgres[ANSWER_SIZE];
	char sql[600];

	for (size_t i = 0; i < COUNT(tables); i++) {
		const char *id = tables[i].id, *table = tables[i].table;
		bool removed = strcmp(table, "removed") == 0;

		if (tables[i].part != part)
			continue;
		snprintf(sql, sizeof(sql), "SELECT %s FROM %s ORDER BY 1, 2", tables[i].columns,
		    table);
		assert_same_answer(pair, part, sql, after);
		if (id == NULL)
			continue;
		changed_rows_sql(sql, sizeof(sql), removed, table, id, pair->lite_change);
		lite_answer(pair->lite[part], sql, of_lite);
		changed_rows_sql(sql, sizeof(sql), removed, table, id, pair->change);
		answer(pair->session[part], sql, of_postgres);
		if (strcmp(of_lite, of_postgres) != 0)
			fail_msg("after %s\nchanged rows of %s\nSQLite:\n%s\nPostgreSQL:\n%s",
			    after, table, of_lite, of_postgres);
	}
}

/* PostgreSQL does not use the numbers of refused rows again, SQLite does. */
static void
numbers_align(struct pair *pair)
{
	static const char *const numbered[] = {
		"cluster", "service", "real_service", "job", "server"
	};
	char sql[200];

	for (size_t i = 0; i < COUNT(numbered); i++) {
		int64_t last;

		snprintf(sql, sizeof(sql), "SELECT coalesce(max(seq), 0) FROM sqlite_sequence"
		    " WHERE name = '%s'", numbered[i]);
		last = lite_number(pair->lite[MAIN], sql);
		snprintf(sql, sizeof(sql), "SELECT setval(pg_get_serial_sequence('%s', 'id'),"
		    " %lld, %s)", numbered[i], (long long)(last > 0 ? last : 1),
		    last > 0 ? "true" : "false");
		session_run(pair->session[MAIN], sql);
	}
}

/* Messages of triggers are the same. Each engine has its own ones for constraints. */
static bool
same_message(const char *lite, const char *postgres)
{
	return strstr(lite, "constraint failed") != NULL || strcmp(lite, postgres) == 0;
}

/* Runs one statement, which both refuse or both accept. Returns whether they accepted it. */
static bool
both(struct pair *pair, enum part part, const char *sql)
{
	sqlite3 *lite = pair->lite[part];
	PGresult *result;
	bool refused;
	int rc;

	pair->lite_change = lite_number(lite, "SELECT change FROM store");
	pair->change = number(pair->session[part], "SELECT change FROM store");
	rc = sqlite3_exec(lite, sql, NULL, NULL, NULL);
	result = PQexec(pair->session[part], sql);
	refused = PQresultStatus(result) == PGRES_FATAL_ERROR;
	if (rc != SQLITE_OK && rc != SQLITE_CONSTRAINT)
		fail_msg("%s: %s", sql, sqlite3_errmsg(lite));
	if ((rc != SQLITE_OK) != refused)
		fail_msg("%s: SQLite: %s; PostgreSQL: %s", sql, sqlite3_errmsg(lite),
		    PQresultErrorMessage(result));
	if (refused && !same_message(sqlite3_errmsg(lite),
	    PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) ?: ""))
		fail_msg("%s: SQLite: %s; PostgreSQL: %s", sql, sqlite3_errmsg(lite),
		    PQresultErrorMessage(result));
	if (!refused && sqlite3_changes(lite) != atoi(PQcmdTuples(result)))
		fail_msg("%s: SQLite: %d rows; PostgreSQL: %s", sql, sqlite3_changes(lite),
		    PQcmdTuples(result));
	PQclear(result);
	if (part == MAIN)
		numbers_align(pair);
	compare(pair, part, sql);
	return !refused;
}

static void
accepted(struct pair *pair, enum part part, const char *sql)
{
	if (!both(pair, part, sql))
		fail_msg("refused: %s", sql);
}

static void
refused(struct pair *pair, enum part part, const char *sql)
{
	if (both(pair, part, sql))
		fail_msg("accepted: %s", sql);
}

/* -- tests ----------------------------------------------------------------------------------- */

/* The tables of SQLite and their columns; PostgreSQL may have more. */
static void
both_have_the_same_columns(void **state)
{
	struct pair *pair = *state;
	static char columns[ANSWER_SIZE];
	char *row, *rest, sql[400];

	for (enum part part = MAIN; part < PARTS; part++) {
		int n = 0;

		lite_answer(pair->lite[part], "SELECT m.name, c.name, c.type, (c.\"notnull\" OR"
		    " c.pk) AND m.name <> 'store' FROM sqlite_schema AS m JOIN pragma_table_info"
		    "(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
		    columns);
		for (rest = columns; (row = strsep(&rest, "\n")) != NULL && *row != '\0'; n++) {
			char table[40], column[40], type[40];
			int needed;

			assert_int_equal(sscanf(row, "%39s %39s %39s %d", table, column, type,
			    &needed), 4);
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM information_schema"
			    ".columns WHERE table_schema = '%s' AND table_name = '%s'"
			    " AND column_name = '%s' AND (is_nullable = 'NO') = (%d = 1)"
			    " AND (data_type = 'text') = ('%s' = 'TEXT')", kinds[part]->schema,
			    table, column, needed, type);
			if (number(pair->session[part], sql) != 1)
				fail_msg("%s.%s %s %d", table, column, type, needed);
		}
		assert_true(n > 30);
	}
}

/* Prepares a statement of the store. Returns how many parameters it gets. PostgreSQL refuses a
 * parameter without a type, as ?1 is in a statement that does not use it. */
static int
prepare(struct pair *pair, enum part part, unsigned int statement)
{
	enum { TYPE_TEXT = 25 };
	Oid types[40];
	char text[SQL_TEXT_SIZE];
	PGresult *result;
	int n;

	sql_build(statement, postgres_dialect, text);
	for (size_t i = 0; i < COUNT(types); i++)
		types[i] = TYPE_TEXT;
	for (char *c = text; (c = strchr(c, '?')) != NULL; *c = '$')
		types[strtoul(c + 1, NULL, 10) - 1] = 0;
	n = (int)(strstr(text, "$") == NULL ? 0 : COUNT(types));
	result = PQprepare(pair->session[part], "", text, n, types);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%u: %s: %s", statement, text, PQresultErrorMessage(result));
	PQclear(result);
	return n;
}

static void
statement_prepare(void *arg, bool stats, unsigned int statement)
{
	prepare(arg, stats ? STATS : MAIN, statement);
}

static void
every_statement_is_valid(void **state)
{
	statements_each(statement_prepare, *state);
}

#define TEN "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define JOB(columns, values)                                                   \
	"INSERT INTO job (" columns ", old_value, new_value, cluster_name, service_name," \
	" real_name) VALUES (" values ", 1, 2, 'web', 'http', 'a')"
#define JOB_OF(cluster, service, real, operation)                              \
	"INSERT INTO job (operation, old_value, new_value, cluster_name, service_name," \
	" real_name) VALUES (" operation ", 1, 2, " cluster ", " service ", " real ")"
#define REAL_WITH(column, value)                                               \
	"INSERT INTO real_service (service_id, name, " column ") VALUES (1, 'new', " value ")"

/* Clusters web (1) and mail (2), services http (1) and https (2) of web and smtp (3) of mail, real
 * services a (1), b (2, the fallback) of http and c (3) of smtp. */
static const char *const rows[] = {
	"INSERT INTO cluster (name) VALUES ('web'), ('mail')",
	"INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (1, 'https'), (2, 'smtp')",
	"INSERT INTO real_service (service_id, name, fallback) VALUES (1, 'a', 0), (1, 'b', 1),"
	    " (3, 'c', 0)",
	JOB("real_id, operation, state", "1, 5, 1"), JOB("real_id, operation, state", "1, 5, 3"),
};

static const char *const rows_refused[] = {
	"INSERT INTO cluster (name) VALUES ('')", "INSERT INTO cluster (name) VALUES (NULL)",
	"INSERT INTO cluster (name) VALUES ('a b')", "INSERT INTO cluster (name) VALUES ('a\n')",
	"INSERT INTO cluster (name) VALUES ('\xc3\xa4')",
	"INSERT INTO cluster (name) VALUES ('" HUNDRED "')",
	"INSERT INTO cluster (name) VALUES ('web')",
	"INSERT INTO cluster (name, plane) VALUES ('new', 'docker')",
	"INSERT INTO cluster (name, plane_status) VALUES ('new', 5)",
	"INSERT INTO cluster (name, plane_message) VALUES ('new', '" HUNDRED HUNDRED HUNDRED "')",
	"UPDATE cluster SET name = 'a/b' WHERE id = 1",
	"UPDATE cluster SET name = 'mail' WHERE id = 1",
	"INSERT INTO service (cluster_id, name) VALUES (1, 'http')",
	"INSERT INTO service (cluster_id, name) VALUES (77, 'new')",
	"INSERT INTO service (cluster_id, name, protocol) VALUES (1, 'new', 0)",
	"INSERT INTO service (cluster_id, name, port) VALUES (1, 'new', '123456789')",
	"UPDATE service SET cluster_id = 2 WHERE id = 1",
	"UPDATE service SET name = 'https' WHERE id = 1",
	"INSERT INTO real_service (service_id, name) VALUES (1, 'a')",
	"INSERT INTO real_service (service_id, name) VALUES (77, 'new')",
	REAL_WITH("weight", "65536"), REAL_WITH("weight", "-1"), REAL_WITH("weight", "NULL"),
	REAL_WITH("fallback", "1"), REAL_WITH("fallback", "2"), REAL_WITH("enabled", "2"),
	REAL_WITH("reason", "'" HUNDRED HUNDRED HUNDRED "'"),
	"UPDATE real_service SET fallback = 1 WHERE id = 1",
	"UPDATE real_service SET service_id = 2 WHERE id = 1",
	"UPDATE real_service SET server_id = 3 WHERE id = 1",
	"UPDATE server SET name = 'x' WHERE id = 1", "UPDATE server SET cluster_id = 9",
	"DELETE FROM server WHERE id = 1",
	JOB("operation", "0"), JOB("operation", "8"), JOB("operation, state", "5, 7"),
	JOB("operation, fail_cause", "5, 0"), JOB("operation, source", "5, 4"),
	JOB("operation, request", "5, -1"), JOB("real_id, operation", "77, 5"),
	JOB("service_id, operation", "77, 6"), JOB("real_id, operation", "1, 6"),
	JOB_OF("'a b'", "'b'", "'c'", "5"), JOB_OF("'a'", "''", "'c'", "5"),
	JOB_OF("'a'", "'b'", "''", "5"), JOB_OF("'a'", "'b'", "'c'", "6"),
	JOB_OF("'a'", "'b'", "NULL", "5"), JOB_OF("'a'", "'b'", "'\xc3\xa4'", "5"),
	"UPDATE job SET state = 1 WHERE id = 2", "UPDATE job SET state = 4 WHERE id = 2",
	"UPDATE job SET real_name = '' WHERE id = 1",
	"INSERT INTO removed (changed, kind, id) VALUES (9999, 5, 1)",
	"INSERT INTO setting VALUES ('set_lock', 5)",
};

static const char *const rows_accepted[] = {
	"INSERT INTO cluster (name) VALUES ('AZaz09-._'), ('WEB')",
	"INSERT INTO real_service (service_id, name, weight) VALUES (2, 'most', 65535)",
	"UPDATE cluster SET plane = 'haproxy', plane_status = 3, plane_message = 'x' WHERE id = 1",
	"UPDATE cluster SET name = name, plane = plane",
	"UPDATE service SET params = '{}', port = '80' WHERE id = 1",
	"UPDATE service SET enabled = 0 WHERE id = 1", "UPDATE service SET enabled = 0",
	"UPDATE real_service SET weight = 6, enabled = 0 WHERE id = 1",
	"UPDATE real_service SET weight = 6, enabled = 0 WHERE id = 1",
	"UPDATE real_service SET weight = 9", "UPDATE real_service SET reason = 'down'",
	"UPDATE real_service SET name = 'b2', weight = 2 WHERE id = 2",
	"UPDATE real_service SET name = 'c' WHERE id = 2",
	JOB_OF("'a'", "'b'", "''", "6"), JOB("real_id, operation, state", "2, 5, 0"),
	JOB("real_id, operation, state", "2, 1, 2"),
	("INSERT INTO job (service_id, operation, old_value, new_value, cluster_name,"
	    " service_name, real_name) VALUES (1, 6, 0, 1, 'web', 'http', '')"),
	("INSERT INTO job (real_id, operation, old_value, new_value, cluster_name, service_name,"
	    " real_name) VALUES (2, 5, 1, 2, 'a', 'b', 'c'), (2, 5, 2, 3, 'a', 'b', 'c')"),
	"UPDATE job SET state = 4, fail_cause = 3, message = 'no' WHERE id = 1",
	"UPDATE job SET message = 'again' WHERE id = 2", "UPDATE job SET finished = 5",
	"UPDATE store SET config_changes = config_changes - 3, config_last_change = 5",
	"UPDATE store SET jobs_failed = 0, table_last_change = 7",
	"DELETE FROM job WHERE id IN (1, 2)", "DELETE FROM real_service WHERE id = 2",
	"INSERT INTO held_setting (token, name, value) VALUES (-5, 'set_lock', 1)",
	("INSERT INTO setting SELECT name, value FROM held_setting WHERE token = -5"
	    " ON CONFLICT (name) DO UPDATE SET value = setting.value + excluded.value"),
	"DELETE FROM held_setting", "DELETE FROM service WHERE id = 1",
	"DELETE FROM cluster WHERE id = 2", "DELETE FROM cluster WHERE id = 2",
	"DELETE FROM cluster", "DELETE FROM job",
};

static const char *const statistics_refused[] = {
	"INSERT INTO statistics (real_id, active) VALUES (9, 2)",
	"INSERT INTO statistics (real_id, role) VALUES (9, 3)",
	"INSERT INTO statistics (real_id, bps_in) VALUES (9, -5)",
	"INSERT INTO statistics (real_id, last_update) VALUES (9, NULL)",
	"INSERT INTO statistics (real_id) VALUES (0)",
	"INSERT INTO statistics (real_id) VALUES (1)",
	"INSERT INTO look (cluster_id, interval_ms) VALUES (1, 0)",
	"INSERT INTO look (cluster_id, interval_ms) VALUES (1, 86400001)",
	"INSERT INTO look (cluster_id, time, interval_ms) VALUES (1, 253402300800, 1)",
	"UPDATE look SET cluster_id = 6", "UPDATE service_statistics SET service_id = 6",
	"UPDATE statistics SET connections_per_second = -1 WHERE real_id = 1",
	"INSERT INTO service_statistics (service_id, algorithm) VALUES (3, '" HUNDRED "')",
};

static const char *const statistics_accepted[] = {
	"INSERT INTO statistics (real_id) VALUES (7), (2147483647)",
	"UPDATE statistics SET active = 0 WHERE real_id = 1",
	"UPDATE statistics SET active = 0 WHERE real_id = 1",
	("INSERT INTO statistics (real_id, bps_in) VALUES (1, 5), (3, 9223372036854775807)"
	    " ON CONFLICT (real_id) DO UPDATE SET bps_in = excluded.bps_in"),
	"INSERT INTO statistics (real_id, bps_in) VALUES (1, 5) ON CONFLICT DO NOTHING",
	"UPDATE statistics SET real_id = 8 WHERE real_id = 7",
	"UPDATE service_statistics SET requests = 7, algorithm = 'rr'",
	"UPDATE look SET interval_ms = 2000", "DELETE FROM statistics WHERE real_id = 1",
	"DELETE FROM service_statistics", "DELETE FROM statistics",
};

static void
same_statements_have_the_same_effect(void **state)
{
	struct pair *pair = *state;

	for (size_t i = 0; i < COUNT(rows); i++)
		accepted(pair, MAIN, rows[i]);
	for (size_t i = 0; i < COUNT(rows_refused); i++)
		refused(pair, MAIN, rows_refused[i]);
	for (size_t i = 0; i < COUNT(rows_accepted); i++)
		accepted(pair, MAIN, rows_accepted[i]);
	accepted(pair, STATS, "INSERT INTO statistics (real_id, active) VALUES (1, 1)");
	accepted(pair, STATS, "INSERT INTO look (cluster_id, interval_ms) VALUES (5, 1)");
	accepted(pair, STATS, "INSERT INTO service_statistics (service_id) VALUES (1), (2)");
	for (size_t i = 0; i < COUNT(statistics_refused); i++)
		refused(pair, STATS, statistics_refused[i]);
	for (size_t i = 0; i < COUNT(statistics_accepted); i++)
		accepted(pair, STATS, statistics_accepted[i]);
}

/* % is replaced by a random number of an existing or missing row, @ by a random name. */
static const char *const random_statements[] = {
	"INSERT INTO cluster (name, plane) VALUES ('@', 'ipvs')",
	"INSERT INTO service (cluster_id, name, enabled) VALUES (%, '@', 0), (%, '@', 1)",
	"INSERT INTO service (cluster_id, name) VALUES (%, '@')",
	"INSERT INTO real_service (service_id, name, weight) VALUES (%, '@', %), (%, '@', %)",
	"INSERT INTO real_service (service_id, name, fallback) VALUES (%, '@', 1)",
	("INSERT INTO real_service (service_id, name) VALUES (%, '@')"
	    " ON CONFLICT (service_id, name) DO UPDATE SET port = excluded.name"),
	("INSERT INTO real_service (service_id, name) VALUES (%, '@'), (%, '@')"
	    " ON CONFLICT (service_id, name) DO NOTHING"),
	"UPDATE cluster SET name = '@', plane_status = 2 WHERE id = %",
	"UPDATE cluster SET plane_message = '@' WHERE id > %",
	"UPDATE service SET name = '@' WHERE id = %",
	"UPDATE service SET enabled = 1 - enabled, address = '@' WHERE cluster_id = %",
	"UPDATE real_service SET weight = weight + %, enabled = 1 - enabled WHERE service_id = %",
	"UPDATE real_service SET fallback = 1 - fallback WHERE id = %",
	"UPDATE real_service SET name = '@' WHERE id = %",
	"UPDATE real_service SET reason = '@', weight = % WHERE id = %",
	"UPDATE real_service SET server_id = % WHERE id = %",
	"DELETE FROM cluster WHERE id = %", "DELETE FROM service WHERE id = %",
	"DELETE FROM real_service WHERE id = %", "DELETE FROM real_service WHERE name = '@'",
	"DELETE FROM server WHERE id = %",
	JOB("real_id, operation, state", "%, 5, 0"), JOB("real_id, operation, state", "%, 1, 3"),
	JOB("real_id, operation", "%, 5"), JOB("operation, state", "2, 4"),
	("INSERT INTO job (service_id, operation, old_value, new_value, cluster_name,"
	    " service_name, real_name) VALUES (%, 7, 1, 0, 'web', 'http', '')"),
	("INSERT INTO job (real_id, operation, old_value, new_value, cluster_name, service_name,"
	    " real_name) SELECT id, 5, weight, %, 'c', 's', name FROM real_service"
	    " WHERE service_id = % ORDER BY id"),
	"UPDATE job SET state = state + 1 WHERE id = %",
	"UPDATE job SET state = 2, started = unixepoch() WHERE state < 2 AND id > %",
	"UPDATE job SET state = 3, finished = unixepoch(), message = '@' WHERE state = 2",
	"UPDATE job SET state = % WHERE id = %",
	"DELETE FROM job WHERE id = %", "DELETE FROM job WHERE state > 2 AND id < %",
	"INSERT INTO setting (name, value) VALUES ('@', %)",
	"UPDATE store SET config_changes = config_changes + %",
};

static void
random_statement(uint64_t *seed, char *ret, size_t size)
{
	const char *from = random_statements[random_next(seed) % COUNT(random_statements)];
	size_t at = 0;

	for (; *from != '\0' && at + 20 < size; from++) {
		if (*from == '%')
			at += (size_t)snprintf(ret + at, size - at, "%u",
			    1 + random_next(seed) % 12);
		else if (*from == '@')
			ret[at++] = (char)('a' + random_next(seed) % 5);
		else
			ret[at++] = *from;
	}
	ret[at] = '\0';
}

/* Numbers are low, so that most statements meet rows. */
static void
random_statements_have_the_same_effect(void **state)
{
	struct pair *pair = *state;
	uint64_t seed = 7;
	int n = 0;

	for (int i = 0; i < CALLS; i++) {
		char sql[600];

		/* A time that a statement sets differs from 1. */
		accepted(pair, MAIN, "UPDATE store SET config_last_change = 1,"
		    " table_last_change = 1");
		random_statement(&seed, sql, sizeof(sql));
		n += both(pair, MAIN, sql);
	}
	assert_true(n > CALLS / 4 && n < CALLS);
}

/* -- what SQLite does in another way ---------------------------------------------------------- */

static void
rows_insert(struct pair *pair)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		session_run(pair->session[MAIN], rows[i]);
	session_run(pair->session[STATS], "INSERT INTO statistics (real_id) VALUES (1), (2), (3)");
}

static void
children_are_removed_before_their_parent(void **state)
{
	struct pair *pair = *state;
	char kinds_removed[ANSWER_SIZE];

	rows_insert(pair);
	session_run(pair->session[MAIN], "DELETE FROM cluster WHERE id = 1");
	answer(pair->session[MAIN], "SELECT string_agg(kind::text, '' ORDER BY changed)"
	    " FROM removed", kinds_removed);
	assert_string_equal(kinds_removed, "33221 \n");
}

/* Table removed keeps 195,000 changes; removed_oldest says how far back it reaches. */
static void
removed_rows_are_deleted_after_many_changes(void **state)
{
	static const char *const deletes[PARTS][3] = {
		{ "DELETE FROM real_service WHERE id = 1", "DELETE FROM real_service WHERE id = 2",
		  "DELETE FROM real_service WHERE id = 3" },
		{ "DELETE FROM statistics WHERE real_id = 1",
		  "DELETE FROM statistics WHERE real_id = 2",
		  "DELETE FROM statistics WHERE real_id = 3" },
	};
	struct pair *pair = *state;

	rows_insert(pair);
	for (enum part part = MAIN; part < PARTS; part++) {
		PGconn *session = pair->session[part];
		int64_t first;

		session_run(session, deletes[part][0]);
		first = number(session, "SELECT max(changed) FROM removed");
		session_run(session, "SELECT setval('change', nextval('change') + 190000)");
		session_run(session, deletes[part][1]);
		assert_int_equal(number(session, "SELECT count(*) FROM removed"), 2);
		assert_int_equal(number(session, "SELECT removed_oldest FROM store"), 0);
		session_run(session, "SELECT setval('change', nextval('change') + 20000)");
		session_run(session, deletes[part][2]);
		assert_int_equal(number(session, "SELECT count(*) FROM removed"), 2);
		assert_int_equal(number(session, "SELECT removed_oldest FROM store"), first);
	}
}

static void
folded_differences_have_the_same_sums(void **state)
{
	struct pair *pair = *state;
	static char before[ANSWER_SIZE], after[ANSWER_SIZE];
	const char *const store = "SELECT * FROM store";

	rows_insert(pair);
	for (int i = 0; i < 60; i++) {
		session_run(pair->session[MAIN], "UPDATE real_service SET weight = weight + 1");
		session_run(pair->session[MAIN], JOB("real_id, operation, state", "1, 5, 4"));
		session_run(pair->session[MAIN], "DELETE FROM job WHERE id % 2 = 0");
		if (i == 0)
			session_run(pair->session[MAIN], "SELECT tally_fold()");
	}
	session_run(pair->session[MAIN], "UPDATE store SET config_last_change = 5,"
	    " table_last_change = 6");
	answer(pair->session[MAIN], store, before);
	assert_true(number(pair->session[MAIN], "SELECT count(*) FROM tally") > 100);
	session_run(pair->session[MAIN], "SELECT tally_fold()");
	assert_int_equal(number(pair->session[MAIN], "SELECT count(*) FROM tally"), 1);
	answer(pair->session[MAIN], store, after);
	assert_string_equal(before, after);
}

/* Runs 'sql' in another session, until it waits for a lock or is done. */
static PGconn *
other_writer(struct pair *pair, enum part part, const char *sql)
{
	char waits[200];
	PGconn *writer;

	writer = session_open(pair->uri, kinds[part]);
	assert_int_equal(PQsendQuery(writer, sql), 1);
	snprintf(waits, sizeof(waits), "SELECT count(*) FROM pg_locks WHERE pid = %d"
	    " AND NOT granted", PQbackendPID(writer));
	while (PQisBusy(writer) && number(pair->session[!part], waits) == 0)
		assert_int_equal(PQconsumeInput(writer), 1);
	return writer;
}

/* A reader that read up to the counter would miss a row with a lower number, committed later. */
static void
numbers_are_in_the_order_of_commits(void **state)
{
	static const char *const updates[PARTS][2] = {
		{ "UPDATE real_service SET weight = 7 WHERE id = 1",
		  "UPDATE cluster SET name = 'later' WHERE id = 2" },
		{ "UPDATE statistics SET active = 1 WHERE real_id = 1",
		  "INSERT INTO look (cluster_id, interval_ms) VALUES (1, 1)" },
	};
	static const char *const later[] = {
		"SELECT changed FROM cluster WHERE id = 2", "SELECT changed FROM look"
	};
	struct pair *pair = *state;

	rows_insert(pair);
	for (enum part part = MAIN; part < PARTS; part++) {
		PGconn *session = pair->session[part], *writer;
		PGresult *result;
		int64_t change;

		session_run(session, "BEGIN");
		session_run(session, updates[part][0]);
		writer = other_writer(pair, part, updates[part][1]);
		assert_true(PQisBusy(writer));
		change = number(session, "SELECT change FROM store");
		session_run(session, "COMMIT");
		while ((result = PQgetResult(writer)) != NULL)
			PQclear(result);
		assert_true(number(session, later[part]) > change);
		PQfinish(writer);
	}
}

static int
notifications(PGconn *listener)
{
	PGnotify *notify;
	int n = 0;

	/* An answer follows the notifications of commits before it. */
	session_run(listener, "SELECT 1");
	assert_int_equal(PQconsumeInput(listener), 1);
	for (; (notify = PQnotifies(listener)) != NULL; n++)
		PQfreemem(notify);
	return n;
}

static void
each_write_sends_one_notification(void **state)
{
	static const struct {
		enum part	 part;
		const char	*sql;
		int		 n;
	} steps[] = {
		{ MAIN, "INSERT INTO cluster (name) VALUES ('new'), ('new2')", 1 },
		{ MAIN, "UPDATE real_service SET weight = 9", 1 },
		{ MAIN, "UPDATE real_service SET weight = 9 WHERE id = 77", 0 },
		{ MAIN, "INSERT INTO cluster (name) VALUES ('new') ON CONFLICT DO NOTHING", 0 },
		{ MAIN, "UPDATE service SET enabled = 0", 1 },
		{ MAIN, "UPDATE job SET state = 2 WHERE id = 1", 1 },
		{ MAIN, "UPDATE job SET state = 2 WHERE id = 77", 0 },
		{ MAIN, "UPDATE setting SET value = 5 WHERE name = 'set_lock'", 1 },
		{ MAIN, "INSERT INTO held_setting VALUES (1, 'set_lock', 1)", 1 },
		{ MAIN, "UPDATE store SET config_changes = 3", 1 },
		{ MAIN, "DELETE FROM job WHERE id = 77", 0 },
		{ MAIN, "DELETE FROM cluster", 1 }, { MAIN, "DELETE FROM job", 1 },
		{ STATS, "UPDATE statistics SET active = 1", 1 },
		{ STATS, "INSERT INTO look (cluster_id, interval_ms) VALUES (1, 1)", 1 },
		{ STATS, "DELETE FROM statistics WHERE real_id = 77", 0 },
		{ STATS, "DELETE FROM statistics", 1 },
	};
	struct pair *pair = *state;
	PGconn *listeners[PARTS];

	rows_insert(pair);
	for (enum part part = MAIN; part < PARTS; part++) {
		listeners[part] = session_open(pair->uri, kinds[part]);
		session_runf(listeners[part], "LISTEN %s", kinds[part]->schema);
	}
	for (size_t i = 0; i < COUNT(steps); i++) {
		session_run(pair->session[steps[i].part], steps[i].sql);
		if (notifications(listeners[steps[i].part]) != steps[i].n)
			fail_msg("%s", steps[i].sql);
		assert_int_equal(notifications(listeners[!steps[i].part]), 0);
	}
	for (enum part part = MAIN; part < PARTS; part++)
		PQfinish(listeners[part]);
}

/* -- roles ------------------------------------------------------------------------------------ */

static void
roles_create(PGconn *session)
{
	const char *top = getenv("abs_top_srcdir") ?: getenv("srcdir") ?: "..";
	char path[500], sql[8000];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/conf/postgresql-roles.sql", top);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s", path);
	n = fread(sql, 1, sizeof(sql) - 1, file);
	fclose(file);
	sql[n] = '\0';
	session_run(session, "RESET ROLE");
	/* A second time after a migration. */
	session_run(session, sql);
	session_run(session, sql);
}

static void
role_begin(PGconn *session, const char *role)
{
	session_run(session, "BEGIN");
	session_runf(session, "SET LOCAL ROLE %s", role);
}

/* Ends the transaction. Returns whether PostgreSQL refused the statement for its role. */
static bool
role_end(PGconn *session, const char *role, const char *sql, PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE) ?: "";
	bool denied = strcmp(state, "42501") == 0;

	/* Values of the statements are NULL, so a constraint may refuse them. */
	if (!denied && state[0] != '\0' && strncmp(state, "23", 2) != 0)
		fail_msg("%s: %s: %s", role, sql, PQresultErrorMessage(result));
	PQclear(result);
	session_run(session, "ROLLBACK");
	return denied;
}

enum grantee { READS, COLLECTS, DRIVES, SERVES, ADMINS, GRANTEES };

static const char *const role_names[] = {
	"lbc_read", "lbc_collect", "lbc_drive", "lbc_serve", "lbc_admin"
};

#define OF(role) (1u << (role))
#define WRITERS (OF(DRIVES) | OF(SERVES) | OF(ADMINS))
#define COLLECTORS (OF(COLLECTS) | OF(DRIVES) | OF(ADMINS))
#define SERVERS (OF(SERVES) | OF(ADMINS))
#define ALL (OF(GRANTEES) - 1)

static const struct {
	const char	*sql;
	unsigned int	 allowed;
	enum part	 part;
} grants[] = {
	{ "SELECT * FROM store, real_service, job, removed, server, tally", ALL, MAIN },
	{ "SELECT id FROM store_row FOR UPDATE", WRITERS, MAIN },
	{ "SELECT tally_fold()", WRITERS, MAIN },
	{ "SELECT id FROM store_row FOR UPDATE", COLLECTORS, STATS },
	{ "SELECT tally_fold()", COLLECTORS, STATS },
	{ "UPDATE store_row SET birth = 1", 0, MAIN },
	{ "UPDATE store_row SET version = 9", 0, STATS },
	{ "SELECT nextval('change')", 0, MAIN }, { "SELECT setval('change', 1)", 0, STATS },
	{ "INSERT INTO removed VALUES (1, 1, 1)", 0, MAIN },
	{ "INSERT INTO tally DEFAULT VALUES", 0, MAIN }, { "DELETE FROM tally", 0, MAIN },
	{ "DELETE FROM server", 0, MAIN }, { "TRUNCATE job", 0, MAIN },
	{ "ALTER TABLE job DISABLE TRIGGER ALL", 0, MAIN },
	{ "CREATE TABLE other ()", 0, MAIN }, { "DROP VIEW store", 0, MAIN },

	{ "INSERT INTO statistics (real_id) VALUES (5)", COLLECTORS, STATS },
	{ "UPDATE statistics SET active = 1", COLLECTORS, STATS },
	{ "DELETE FROM service_statistics", COLLECTORS, STATS },
	{ "INSERT INTO look (cluster_id, interval_ms) VALUES (1, 1)", COLLECTORS, STATS },

	{ "UPDATE cluster SET plane_status = 2", OF(DRIVES) | OF(ADMINS), MAIN },
	{ "UPDATE cluster SET plane = 'none'", OF(ADMINS), MAIN },
	{ "UPDATE cluster SET name = 'a'", OF(ADMINS), MAIN },
	{ "INSERT INTO cluster (name) VALUES ('new')", OF(ADMINS), MAIN },
	{ "DELETE FROM cluster", OF(ADMINS), MAIN },
	{ "UPDATE service SET enabled = 0", WRITERS, MAIN },
	{ "UPDATE service SET address = 'x'", OF(ADMINS), MAIN },
	{ "UPDATE real_service SET weight = 5", WRITERS, MAIN },
	{ "UPDATE real_service SET reason = 'x'", OF(DRIVES) | OF(ADMINS), MAIN },
	{ "UPDATE real_service SET address = 'x'", OF(ADMINS), MAIN },
	{ "UPDATE real_service SET changed = 1", OF(ADMINS), MAIN },
	{ "INSERT INTO real_service (service_id, name) VALUES (1, 'new')", OF(ADMINS), MAIN },
	{ "DELETE FROM real_service", OF(ADMINS), MAIN },
	{ "UPDATE job SET state = 2, started = 1 WHERE state = 1", WRITERS, MAIN },
	{ "UPDATE job SET old_value = 3", SERVERS, MAIN },
	{ "UPDATE job SET new_value = 3", 0, MAIN },
	{ JOB("real_id, operation", "1, 5"), SERVERS, MAIN },
	{ "DELETE FROM job", SERVERS, MAIN },
	{ "UPDATE setting SET value = 1", SERVERS, MAIN },
	{ "INSERT INTO held_setting VALUES (1, 'set_lock', 1)", SERVERS, MAIN },
	{ "UPDATE store SET config_changes = 1", SERVERS, MAIN },
	{ "UPDATE store SET jobs_failed = 1", 0, MAIN },
};

static void
each_role_may_do_its_part(void **state)
{
	struct pair *pair = *state;

	rows_insert(pair);
	roles_create(pair->session[MAIN]);
	session_run(pair->session[STATS], "RESET ROLE");
	for (size_t i = 0; i < COUNT(grants); i++) {
		PGconn *session = pair->session[grants[i].part];

		for (enum grantee role = READS; role < GRANTEES; role++) {
			bool allowed = (grants[i].allowed & OF(role)) != 0;

			role_begin(session, role_names[role]);
			if (role_end(session, role_names[role], grants[i].sql,
			    PQexec(session, grants[i].sql)) == allowed)
				fail_msg("%s: %s: %s", role_names[role], grants[i].sql,
				    allowed ? "refused" : "accepted");
		}
	}
}

/* Runs statements 'first' to 'last' with NULL for each value. */
static void
role_runs(struct pair *pair, enum part part, enum grantee role, unsigned int first,
    unsigned int last)
{
	const char *const values[40] = { NULL };
	PGconn *session = pair->session[part];
	char name[40];

	for (unsigned int i = first; i <= last; i++) {
		int n;

		snprintf(name, sizeof(name), "statement %u", i);
		role_begin(session, role_names[role]);
		n = prepare(pair, part, i);
		if (role_end(session, role_names[role], name, PQexecPrepared(session, "", n,
		    values, NULL, NULL, 0)))
			fail_msg("%s: %s: refused", role_names[role], name);
	}
}

/* The statements of the programs that have the role. */
static void
each_role_may_run_the_statements_of_its_programs(void **state)
{
	struct pair *pair = *state;

	roles_create(pair->session[MAIN]);
	session_run(pair->session[STATS], "RESET ROLE");
	for (enum grantee role = READS; role < GRANTEES; role++) {
		role_runs(pair, MAIN, role, SQL_EXTENT, SQL_REMOVED_MEASURED);
		for (enum shape_id kind = SHAPE_CLUSTER; kind <= SHAPE_JOB; kind++)
			role_runs(pair, MAIN, role, SQL_OF_ROWS(ROW_CHANGES, kind),
			    SQL_OF_ROWS(ROW_CHANGES, kind));
	}
	role_runs(pair, MAIN, DRIVES, SQL_JOBS_QUEUED, SQL_REASON_SET);
	role_runs(pair, MAIN, SERVES, SQL_SET_BEFORE, SQL_JOB_MAX_ROWS_SET);
	role_runs(pair, MAIN, SERVES, SQL_STALE_AFTER_SET, SQL_STALE_AFTER_SET);
	role_runs(pair, MAIN, ADMINS, SQL_SET_BEFORE, SQL_REASON_SET);
	for (enum shape_id kind = SHAPE_CLUSTER; kind <= SHAPE_REAL; kind++) {
		role_runs(pair, MAIN, ADMINS, SQL_OF_ROWS(ROW_INSERT, kind),
		    SQL_OF_ROWS(ROW_INSERT, kind));
		role_runs(pair, MAIN, ADMINS, SQL_OF_ROWS(ROW_UPDATE, kind),
		    SQL_OF_ROWS(ROW_UPDATE, kind));
		role_runs(pair, MAIN, ADMINS, SQL_OF_ROWS(ROW_DELETE, kind),
		    SQL_OF_ROWS(ROW_DELETE, kind));
	}
	role_runs(pair, STATS, COLLECTS, SQL_OF_ROWS(ROW_DELETE, SHAPE_STATISTICS),
	    SQL_OF_ROWS(ROW_DELETE, SHAPE_POLL));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_have_the_same_columns),
		TEST(every_statement_is_valid),
		TEST(same_statements_have_the_same_effect),
		TEST(random_statements_have_the_same_effect),
		TEST(children_are_removed_before_their_parent),
		TEST(removed_rows_are_deleted_after_many_changes),
		TEST(folded_differences_have_the_same_sums),
		TEST(numbers_are_in_the_order_of_commits),
		TEST(each_write_sends_one_notification),
		TEST(each_role_may_do_its_part),
		TEST(each_role_may_run_the_statements_of_its_programs),
	};

	if (!postgres_used())
		return 77;
	return cmocka_run_group_tests_name("postgres_schema", tests, NULL, NULL);
}

#else

int
main(void)
{
	return 77;
}

#endif
