/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The part of store_copy() that writes a database of PostgreSQL, and what store_describe() says of
 * it. The session of the inventory writes both schemas, in one transaction. Only their owner may
 * do so, because he alone may turn triggers off.
 */
#include "store/postgres/postgres_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_copy.h"
#include "util/memory.h"

enum { SQL_SIZE = 2048 };

/* -- loading ---------------------------------------------------------------------------- */

static const char *const loaded[] = {
	"setting", "held_setting", "cluster", "service", "server", "real_service", "job",
	"lbcluster_statistics.statistics", "lbcluster_statistics.service_statistics",
	"lbcluster_statistics.look",
};

/* A copy is as durable as the inventory, also its statistics, which are in the same transaction. */
enum err_code
postgres_load_begin(struct store *store, struct err *err)
{
	struct db *db = &store->main;
	enum err_code code;
	char sql[SQL_SIZE];

	if ((code = db_begin(db, DB_BEGIN_WRITE, err)) != ERR_OK ||
	    (code = postgres_exec(db, "SELECT FROM lbcluster_statistics.store_row FOR UPDATE", NULL,
	    err)) != ERR_OK)
		return code;
	for (size_t i = 0; i < ROWS(loaded) && code == ERR_OK; i++) {
		snprintf(sql, sizeof(sql), "ALTER TABLE %s DISABLE TRIGGER USER", loaded[i]);
		code = postgres_exec(db, sql, NULL, err);
	}
	return code != ERR_OK ? code : postgres_exec(db, "DELETE FROM setting;"
	    " DELETE FROM lbcluster_statistics.statistics;"
	    " DELETE FROM lbcluster_statistics.service_statistics;"
	    " DELETE FROM lbcluster_statistics.look", NULL, err);
}

/* PostgreSQL manual, COPY, "Text Format". False if out of memory. */
static bool
value_write(FILE *file, const struct db_value *value)
{
	char *text;

	if (value->type == DB_INTEGER) {
		fprintf(file, "%" PRId64, value->number);
		return true;
	}
	if (value->type != DB_TEXT) {
		fputs("\\N", file);
		return true;
	}
	if ((text = postgres_utf8_copy(value->text)) == NULL)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		switch (*c) {
		case '\\': fputs("\\\\", file); break;
		case '\t': fputs("\\t", file); break;
		case '\n': fputs("\\n", file); break;
		case '\r': fputs("\\r", file); break;
		default: fputc(*c, file); break;
		}
	}
	free(text);
	return true;
}

static enum err_code
rows_write(FILE *file, struct copy_rows *rows, struct err *err)
{
	enum err_code code;
	bool row;

	while ((code = copy_rows_next(rows, &row, err)) == ERR_OK && row) {
		for (size_t i = 0; i < rows->n; i++) {
			if (i > 0)
				fputc('\t', file);
			if (!value_write(file, &rows->values[i]))
				return err_set(err, ERR_NOMEM, "out of memory for a copy");
		}
		/* open_memstream(3) of glibc 2.36 drops bytes without an error of fclose(3). */
		if (fputc('\n', file) == EOF)
			return err_set(err, ERR_NOMEM, "out of memory for a copy");
	}
	return code;
}

enum err_code
postgres_load_rows(struct store *store, struct copy_rows *rows, struct err *err)
{
	const struct copy_table *table = rows->table;
	char sql[SQL_SIZE], *bytes = NULL;
	enum err_code code = ERR_OK;
	size_t n = 0;
	FILE *file;

	if ((file = open_memstream(&bytes, &n)) != NULL)
		code = rows_write(file, rows, err);
	if (file == NULL || fclose(file) != 0)
		code = err_set(err, ERR_NOMEM, "out of memory for a copy");
	snprintf(sql, sizeof(sql), "COPY %s%s (%s%s) FROM STDIN", table->stats ?
	    "lbcluster_statistics." : "", table->name, table->columns,
	    table->changed ? ", changed" : "");
	if (code == ERR_OK && rows->count > 0)
		code = postgres_copy_in(&store->main, sql, bytes, n, err);
	free(bytes);
	return code;
}

/* A sequence is never set back: an open transaction of another program may have its numbers. */
static enum err_code
change_set(struct db *db, const char *schema, int64_t change, struct err *err)
{
	char sql[SQL_SIZE];

	snprintf(sql, sizeof(sql), "SELECT setval('%s.change', greatest(1, last_value, %" PRId64
	    ")), pg_notify('%s', '') FROM %s.change", schema, change, schema, schema);
	return postgres_exec(db, sql, NULL, err);
}

static enum err_code
totals_write(struct db *db, const struct copy_totals *totals, struct err *err)
{
	static const char *const numbered[] = COPY_NUMBERED;
	char sql[SQL_SIZE], sums[COPY_SUMS_SIZE];
	enum err_code code;

	snprintf(sql, sizeof(sql), "DELETE FROM tally; INSERT INTO tally (" COPY_SUM_COLUMNS
	    ", job_last_id) VALUES (%s, %" PRId64 ")", copy_sums_text(totals, sums),
	    totals->last_ids[COPY_NUMBERED_TABLES - 1]);
	code = postgres_exec(db, sql, NULL, err);
	for (size_t i = 0; i < ROWS(numbered) && code == ERR_OK; i++) {
		int64_t last = totals->last_ids[i];

		snprintf(sql, sizeof(sql), "SELECT setval('%s_id_seq', %" PRId64 ", %s)",
		    numbered[i], last < 1 ? 1 : last, last < 1 ? "false" : "true");
		code = postgres_exec(db, sql, NULL, err);
	}
	return code;
}

enum err_code
postgres_load_end(struct store *store, const struct copy_totals *totals, struct err *err)
{
	struct db *db = &store->main;
	enum err_code code;
	char sql[SQL_SIZE];

	if ((code = totals_write(db, totals, err)) != ERR_OK ||
	    (code = change_set(db, "lbcluster", totals->change, err)) != ERR_OK ||
	    (code = change_set(db, "lbcluster_statistics", totals->stats_change, err)) != ERR_OK)
		return code;
	for (size_t i = 0; i < ROWS(loaded) && code == ERR_OK; i++) {
		snprintf(sql, sizeof(sql), "ALTER TABLE %s ENABLE TRIGGER USER", loaded[i]);
		code = postgres_exec(db, sql, NULL, err);
	}
	return code != ERR_OK ? code : db_commit(db, err);
}

/* -- description -------------------------------------------------------------------------- */

/* A format. Its parameter, names with a space between them, are the programs whose locks of
 * postgres_setup.c it finds, those of other processes. */
static const char describe_sql[] =
    "SELECT current_setting('server_version'), (SELECT sum(pg_total_relation_size(c.oid))"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
    " AND n.nspname IN ('lbcluster', 'lbcluster_statistics')),"
    " NOT pg_is_in_recovery() AND has_any_column_privilege('job', 'INSERT'),"
    " (SELECT string_agg(format('%%s (server process %%s)', p.name, l.pid), ', ' ORDER BY p.name)"
    " FROM pg_locks AS l JOIN string_to_table('%s', ' ') AS p (name)"
    " ON l.objid::bigint = hashtext(p.name)::bigint & 4294967295"
    " WHERE l.locktype = 'advisory' AND l.granted"
    " AND l.classid::bigint = hashtext('lbcluster')::bigint & 4294967295"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND l.pid <> pg_backend_pid())";

enum err_code
postgres_describe(struct store *store, struct store_description *ret, struct err *err)
{
	char names[256] = "", sql[SQL_SIZE];
	struct db *db = &store->main;
	PGresult *result = NULL;
	const char *program;
	enum err_code code;
	int used = 0;

	for (size_t i = 0; (program = store_program(i)) != NULL; i++)
		used += snprintf(names + used, sizeof(names) - (size_t)used, "%s%s",
		    i == 0 ? "" : " ", program);
	snprintf(sql, sizeof(sql), describe_sql, names);
	if ((code = postgres_exec(db, sql, &result, err)) != ERR_OK)
		return code;
	snprintf(ret->name, sizeof(ret->name), "%s", db->path);
	/* "15.18 (Debian 15.18-0+deb12u1)" */
	snprintf(ret->engine, sizeof(ret->engine), "PostgreSQL %.*s",
	    (int)strcspn(PQgetvalue(result, 0, 0), " "), PQgetvalue(result, 0, 0));
	ret->version = (int64_t)postgres_main_kind.n_migrations;
	ret->stats_version = (int64_t)postgres_stats_kind.n_migrations;
	ret->bytes = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
	ret->writable = PQgetvalue(result, 0, 2)[0] == 't';
	snprintf(ret->programs, sizeof(ret->programs), "%s", PQgetvalue(result, 0, 3));
	PQclear(result);
	return ERR_OK;
}
