/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Invalid rows; see loose.h.
 */
#include "loose.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS_MAX = 256, WORD_MAX = 32, ROWS_MAX = 8, MANY = 300 };

static const char *const names[] = { "lbcluster.db", "lbcluster-stats.db" };

enum { FILES = 2 };

static sqlite3 *files[FILES];

static struct column {
	size_t	file;
	char	table[WORD_MAX], name[WORD_MAX];
} columns[COLUMNS_MAX];
static size_t n_columns;

static void
path_of(const char *name, char path[FUZZ_PATH])
{
	snprintf(path, FUZZ_PATH, "%s/%s", file_dir(), name);
}

static sqlite3 *
file_open(const char *name)
{
	char path[FUZZ_PATH];
	sqlite3 *db;
	int status;

	path_of(name, path);
	/* A variable, because sqlite3_errmsg() might be evaluated before the call. */
	status = sqlite3_open(path, &db);
	require(status == SQLITE_OK, "%s: %s", path, sqlite3_errmsg(db));
	return db;
}

/* Runs 'sql' and frees it. */
static void
run(sqlite3 *db, char *sql)
{
	require(sql != NULL && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s",
	    sqlite3_errmsg(db), sql);
	sqlite3_free(sql);
}

/* -- files without rules ----------------------------------------------------------- */

/* SQLite assigns the ids of jobs and owns the table sqlite_sequence. */
static const char copy_sql[] =
    "SELECT 'CREATE TABLE ' || m.name || ' (' || group_concat(iif(p.pk, iif(m.name = 'job',"
    "   'id INTEGER PRIMARY KEY AUTOINCREMENT', p.name || ' PRIMARY KEY'),"
    "   p.name || ifnull(' DEFAULT (' || p.dflt_value || ')', ''))) || ')'"
    "  FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p"
    "  WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' GROUP BY m.name "
    "UNION ALL SELECT 'INSERT INTO main.' || name || ' SELECT * FROM old.' || name"
    "  FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
    "UNION ALL SELECT replace(sql, 'CREATE UNIQUE', 'CREATE') FROM sqlite_master"
    "  WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    "  AND name NOT IN ('job_names', 'job_renamed') "
    "UNION ALL SELECT 'PRAGMA application_id = ' || application_id FROM pragma_application_id "
    "UNION ALL SELECT 'PRAGMA user_version = ' || user_version FROM pragma_user_version";

static int
step_run(void *arg, int n, char **values, char **titles)
{
	(void)n;
	(void)titles;
	run(arg, sqlite3_mprintf("%s", values[0]));
	return 0;
}

static void
loose_file_make(const char *name)
{
	char path[FUZZ_PATH], loose[FUZZ_PATH];
	sqlite3 *db = file_open("loose"), *steps = file_open(name);

	path_of(name, path);
	path_of("loose", loose);
	run(db, sqlite3_mprintf("ATTACH %Q AS old", path));
	require(sqlite3_exec(steps, copy_sql, step_run, db, NULL) == SQLITE_OK, "%s: %s",
	    sqlite3_errmsg(steps), name);
	sqlite3_close(steps);
	sqlite3_close(db);
	require(rename(loose, path) == 0, "%s is not made", path);
}

void
loose_make(void)
{
	for (size_t i = 0; i < FILES; i++)
		loose_file_make(names[i]);
}

/* -- what is written --------------------------------------------------------------- */

static int
column_note(void *arg, int n, char **values, char **titles)
{
	struct column *column = &columns[n_columns++];

	(void)n;
	(void)titles;
	require(n_columns < COLUMNS_MAX, "too many columns");
	column->file = *(const size_t *)arg;
	snprintf(column->table, WORD_MAX, "%s", values[0]);
	snprintf(column->name, WORD_MAX, "%s", values[1]);
	return 0;
}

void
loose_open(bool triggers)
{
	for (size_t i = 0; i < FILES; i++) {
		files[i] = file_open(names[i]);
		run(files[i], sqlite3_mprintf("PRAGMA ignore_check_constraints = ON;"
		    "PRAGMA synchronous = OFF"));
		sqlite3_db_config(files[i], SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)triggers, NULL);
	}
	for (size_t i = 0; i < FILES && (i > 0 || n_columns == 0); i++)
		sqlite3_exec(files[i], "SELECT m.name, p.name FROM sqlite_master AS m"
		    " JOIN pragma_table_info(m.name) AS p WHERE m.type = 'table'"
		    " ORDER BY m.name, p.cid", column_note, &i, NULL);
}

void
loose_close(void)
{
	for (size_t i = 0; i < FILES; i++)
		sqlite3_close(files[i]);
}

static void
bind_text(sqlite3_stmt *stmt, struct input *in, bool blob)
{
	size_t n;
	const uint8_t *octets = take_octets(in, take(in), &n);

	if (blob)
		sqlite3_bind_blob(stmt, 1, octets, (int)n, SQLITE_TRANSIENT);
	else
		sqlite3_bind_text(stmt, 1, (const char *)octets, (int)n, SQLITE_TRANSIENT);
}

/* A text as long as some bound, one longer, or much longer. */
static void
bind_long(sqlite3_stmt *stmt, struct input *in)
{
	static const size_t lengths[] = { 64, 65, 240, 255, 256, 300, 2001, 65535, 65536, 70000 };
	static char text[70000];
	size_t n = lengths[take(in) % (sizeof(lengths) / sizeof(lengths[0]))];

	memset(text, take(in), n);
	sqlite3_bind_text(stmt, 1, text, (int)n, SQLITE_STATIC);
}

static void
bind_value(sqlite3_stmt *stmt, struct input *in)
{
	static const int64_t edges[] = { INT64_MAX, INT64_MIN, INT64_MAX - 1, UINT32_MAX,
	    INT64_C(1) << 32, (INT64_C(1) << 32) + 1, -1 };
	uint64_t bits = 0;
	double real;

	switch (take(in) % 8) {
	case 0:
		sqlite3_bind_null(stmt, 1);
		break;
	case 1:
		sqlite3_bind_int64(stmt, 1, take_number(in));
		break;
	case 2:
		sqlite3_bind_int64(stmt, 1, -(int64_t)take_number(in));
		break;
	case 3:
		sqlite3_bind_int64(stmt, 1, edges[take(in) % (sizeof(edges) / sizeof(edges[0]))]);
		break;
	case 4:
		for (int i = 0; i < 8; i++)
			bits = bits << 8 | take(in);
		memcpy(&real, &bits, sizeof(real));
		sqlite3_bind_double(stmt, 1, real);
		break;
	case 5:
		bind_text(stmt, in, false);
		break;
	case 6:
		bind_text(stmt, in, true);
		break;
	default:
		bind_long(stmt, in);
	}
}

/* Runs 'sql' with a value of the input or none, and frees it. SQLite may refuse it. */
static void
try(sqlite3 *db, char *sql, struct input *in)
{
	sqlite3_stmt *stmt = NULL;

	require(sql != NULL, "no memory");
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
		if (in != NULL)
			bind_value(stmt, in);
		(void)sqlite3_step(stmt);
	}
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
}

/* The first column of a table is its key. */
static const char *
key_of(const struct column *column)
{
	while (column > columns && strcmp(column[-1].table, column->table) == 0)
		column--;
	return column->name;
}

static const struct column *
take_column(struct input *in)
{
	return &columns[take(in) % n_columns];
}

void
loose_put(struct input *in)
{
	const struct column *column = take_column(in);
	const char *key = key_of(column), *table = column->table;

	try(files[column->file], sqlite3_mprintf("UPDATE %s SET %s = ?1 WHERE %s IS"
	    " (SELECT %s FROM %s LIMIT 1 OFFSET %d)", table, column->name, key, key, table,
	    take(in) % ROWS_MAX), in);
}

void
loose_delete(struct input *in)
{
	const struct column *column = take_column(in);
	const char *key = key_of(column), *table = column->table;

	try(files[column->file], sqlite3_mprintf("DELETE FROM %s WHERE %s IS"
	    " (SELECT %s FROM %s LIMIT 1 OFFSET %d)", table, key, key, table,
	    take(in) % ROWS_MAX), NULL);
}

void
loose_multiply(struct input *in)
{
	static const struct {
		size_t		 file;
		const char	*table, *key, *others;
	} tables[] = {
		{ 0, "cluster", "id", "name, plane, plane_params, changed" },
		{ 0, "service", "id", "name, cluster_id, address, port, params, protocol,"
		    " changed" },
		{ 0, "real_service", "id", "name, service_id, address, port, params, weight,"
		    " fallback, enabled, reason, changed" },
		{ 0, "job", "id", "real_name, real_id, operation, state, old_value, new_value,"
		    " cluster_name, service_name, changed" },
		{ 1, "statistics", "real_id", "active, bps_in, last_update, changed" },
	};
	uint8_t how = take(in);
	size_t i = how % (sizeof(tables) / sizeof(tables[0]));
	const char *name = how >= 128 ? " || '-' || i" : "";

	try(files[tables[i].file], sqlite3_mprintf("WITH RECURSIVE n (i) AS (SELECT 1"
	    " UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT OR IGNORE INTO %s (%s, %s)"
	    " SELECT i + 1000, %.*s%s%s FROM n, (SELECT * FROM %s LIMIT 1 OFFSET %d)", MANY,
	    tables[i].table, tables[i].key, tables[i].others, (int)strcspn(tables[i].others, ","),
	    tables[i].others, name, strchr(tables[i].others, ','), tables[i].table,
	    take(in) % ROWS_MAX), NULL);
}
