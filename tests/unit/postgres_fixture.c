/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * See postgres_fixture.h.
 */
#include "postgres_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LIBPQ

#include <libpq-fe.h>

enum { LOCK_WAIT_MS = 20000, SQL_SIZE = 8192 };

struct postgres_sql {
	PGconn	*connection;
};

/* Oids of pg_type. */
enum { TYPE_BOOL = 16, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_NUMERIC = 1700 };

static const char *const schemas[] = { "lbcluster", "lbcluster_statistics" };

static const char *
server_uri(void)
{
	return getenv("LBCLUSTER_TEST_POSTGRESQL");
}

bool
postgres_used(void)
{
	return server_uri() != NULL;
}

/* Replaces the receiver of libpq, which prints each notice. */
static void
notice_ignore(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

static PGconn *
database_open(const char *name)
{
	char uri[256];
	PGconn *connection;

	snprintf(uri, sizeof(uri), "%s%s", server_uri(), name);
	connection = PQconnectdb(uri);
	PQsetNoticeReceiver(connection, notice_ignore, NULL);
	if (PQstatus(connection) != CONNECTION_OK) {
		fprintf(stderr, "%s", PQerrorMessage(connection));
		PQfinish(connection);
		return NULL;
	}
	return connection;
}

/* Runs a statement about a database in database "postgres". */
static bool
server_exec(const char *format, const char *name)
{
	PGconn *connection = database_open("postgres");
	PGresult *result;
	char sql[200];
	bool done;

	if (connection == NULL)
		return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql, sizeof(sql), format, name);
#pragma GCC diagnostic pop
	result = PQexec(connection, sql);
	done = PQresultStatus(result) == PGRES_COMMAND_OK;
	if (!done)
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(connection));
	PQclear(result);
	PQfinish(connection);
	return done;
}

bool
postgres_database_create(char *name, size_t name_size, char *uri, size_t uri_size)
{
	static int number;

	snprintf(name, name_size, "lbctest_%d_%d", (int)getpid(), ++number);
	snprintf(uri, uri_size, "%s%s", server_uri(), name);
	return server_exec("CREATE DATABASE %s TEMPLATE lbcluster_tests", name);
}

void
postgres_database_drop(const char *name)
{
	server_exec("DROP DATABASE %s WITH (FORCE)", name);
}

struct postgres_sql *
postgres_sql_open(const char *path)
{
	bool stats = path[0] == '/';
	struct postgres_sql *session = calloc(1, sizeof(*session));
	char sql[200];

	if (session == NULL)
		return NULL;
	session->connection = database_open(path + stats);
	if (session->connection == NULL) {
		free(session);
		return NULL;
	}
	snprintf(sql, sizeof(sql), "SET search_path = %s, sqlite; SET lock_timeout = %d",
	    schemas[stats], LOCK_WAIT_MS);
	PQclear(PQexec(session->connection, sql));
	return session;
}

void
postgres_sql_close(struct postgres_sql *session)
{
	if (session == NULL)
		return;
	PQfinish(session->connection);
	free(session);
}

static int
error_code(const PGresult *result)
{
	static const struct {
		const char	*state;		/* an SQLSTATE, or its first characters */
		int		 code;
	} codes[] = {
		{ "55P03", SQLITE_BUSY }, { "57014", SQLITE_BUSY }, { "40", SQLITE_BUSY },
		{ "22", SQLITE_CONSTRAINT }, { "23", SQLITE_CONSTRAINT },
		{ "428C9", SQLITE_CONSTRAINT }, { "P0001", SQLITE_CONSTRAINT },
	};
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	for (size_t i = 0; state != NULL && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0)
			return codes[i].code;
	return SQLITE_ERROR;
}

/* The text of a value as SQLite would show it. */
static const char *
value_text(const PGresult *result, int row, int column)
{
	const char *text = PQgetvalue(result, row, column);

	if (PQftype(result, column) == TYPE_BOOL)
		return text[0] == 't' ? "1" : text[0] == 'f' ? "0" : "";
	return text;
}

static int
results_read(PGconn *connection, char *ret, size_t size)
{
	int code = SQLITE_OK;
	PGresult *result;

	while ((result = PQgetResult(connection)) != NULL) {
		int n = PQntuples(result);

		switch ((int)PQresultStatus(result)) {
		case PGRES_TUPLES_OK:
			if (n > 0 && code == SQLITE_OK)
				snprintf(ret, size, "%s", value_text(result, n - 1, 0));
			break;
		case PGRES_COMMAND_OK:
		case PGRES_EMPTY_QUERY:
			break;
		default:
			code = error_code(result);
			snprintf(ret, size, "%s", PQresultErrorMessage(result));
		}
		PQclear(result);
	}
	return code;
}

/* Replaces the two forms of BEGIN that only SQLite understands. */
static void
sql_translate(const char *sql, char *ret, size_t size)
{
	static const char *const begins[] = { "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(sql, begins[i], strlen(begins[i])) == 0) {
			snprintf(ret, size, "BEGIN; SELECT 1 FROM store_row FOR UPDATE%s",
			    sql + strlen(begins[i]));
			return;
		}
	snprintf(ret, size, "%s", sql);
}

int
postgres_sql_run(struct postgres_sql *session, const char *sql, char *ret, size_t size)
{
	char text[SQL_SIZE];

	ret[0] = '\0';
	if (session == NULL)
		return SQLITE_CANTOPEN;
	sql_translate(sql, text, sizeof(text));
	if (PQsendQuery(session->connection, text) == 0) {
		snprintf(ret, size, "%s", PQerrorMessage(session->connection));
		return SQLITE_ERROR;
	}
	return results_read(session->connection, ret, size);
}

/* -- a copy in SQLite ------------------------------------------------------------------- */

static void
value_bind(sqlite3_stmt *stmt, const PGresult *result, int row, int column)
{
	const char *text = value_text(result, row, column);

	if (PQgetisnull(result, row, column)) {
		sqlite3_bind_null(stmt, column + 1);
		return;
	}
	switch ((int)PQftype(result, column)) {
	case TYPE_BOOL:
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
	case TYPE_NUMERIC:
		sqlite3_bind_int64(stmt, column + 1, strtoll(text, NULL, 10));
		break;
	default:
		sqlite3_bind_text(stmt, column + 1, text, -1, SQLITE_TRANSIENT);
	}
}

/* Creates a table with the columns of 'result' and inserts its rows. */
static bool
table_copy(sqlite3 *copy, const char *to, const char *table, const PGresult *result)
{
	char names[2000] = "", marks[200] = "", sql[2500];
	size_t at = 0;
	sqlite3_stmt *stmt;
	bool done;

	for (int i = 0; i < PQnfields(result); i++) {
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s\"%s\"",
		    i == 0 ? "" : ", ", PQfname(result, i));
		snprintf(marks + 2 * i, sizeof(marks) - 2 * (size_t)i, "?,");
	}
	marks[2 * PQnfields(result) - 1] = '\0';
	snprintf(sql, sizeof(sql), "CREATE TABLE %s.%s (%s)", to, table, names);
	if (sqlite3_exec(copy, sql, NULL, NULL, NULL) != SQLITE_OK)
		return false;
	snprintf(sql, sizeof(sql), "INSERT INTO %s.%s VALUES (%s)", to, table, marks);
	if (sqlite3_prepare_v2(copy, sql, -1, &stmt, NULL) != SQLITE_OK)
		return false;
	done = true;
	for (int row = 0; row < PQntuples(result); row++) {
		for (int i = 0; i < PQnfields(result); i++)
			value_bind(stmt, result, row, i);
		done = done && sqlite3_step(stmt) == SQLITE_DONE;
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	return done;
}

static bool
schema_copy(PGconn *connection, const char *schema, sqlite3 *copy, const char *to)
{
	PGresult *tables, *rows;
	char sql[300];
	bool done;

	snprintf(sql, sizeof(sql), "SELECT table_name FROM information_schema.tables"
	    " WHERE table_schema = '%s'", schema);
	tables = PQexec(connection, sql);
	done = PQntuples(tables) > 0;
	for (int i = 0; i < PQntuples(tables); i++) {
		snprintf(sql, sizeof(sql), "SELECT * FROM %s.%s", schema,
		    PQgetvalue(tables, i, 0));
		rows = PQexec(connection, sql);
		done = done && PQresultStatus(rows) == PGRES_TUPLES_OK &&
		    table_copy(copy, to, PQgetvalue(tables, i, 0), rows);
		PQclear(rows);
	}
	PQclear(tables);
	return done;
}

sqlite3 *
postgres_copy(const char *name)
{
	PGconn *connection = database_open(name);
	sqlite3 *copy = NULL;
	bool done;

	done = connection != NULL && sqlite3_open(":memory:", &copy) == SQLITE_OK &&
	    sqlite3_exec(copy, "ATTACH ':memory:' AS stats; BEGIN", NULL, NULL, NULL) ==
	    SQLITE_OK &&
	    schema_copy(connection, schemas[0], copy, "main") &&
	    schema_copy(connection, schemas[1], copy, "stats") &&
	    sqlite3_exec(copy, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	PQfinish(connection);
	if (done)
		return copy;
	fprintf(stderr, "copy of %s: %s\n", name, copy == NULL ? "" : sqlite3_errmsg(copy));
	sqlite3_close(copy);
	return NULL;
}

#else /* without libpq the tests use SQLite */

bool
postgres_used(void)
{
	return false;
}

bool
postgres_database_create(char *name, size_t name_size, char *uri, size_t uri_size)
{
	(void)name;
	(void)name_size;
	(void)uri;
	(void)uri_size;
	return false;
}

void
postgres_database_drop(const char *name)
{
	(void)name;
}

struct postgres_sql *
postgres_sql_open(const char *path)
{
	(void)path;
	return NULL;
}

void
postgres_sql_close(struct postgres_sql *session)
{
	(void)session;
}

int
postgres_sql_run(struct postgres_sql *session, const char *sql, char *ret, size_t size)
{
	(void)session;
	(void)sql;
	snprintf(ret, size, "no libpq");
	return SQLITE_ERROR;
}

sqlite3 *
postgres_copy(const char *name)
{
	(void)name;
	return NULL;
}

#endif
