/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The part of store_copy() that writes SQLite files, and what store_describe() says of them.
 */
#include "store/sqlite/sqlite_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_copy.h"
#include "util/lockers.h"
#include "util/memory.h"

enum { SQL_SIZE = 2048 };

/* -- loading ---------------------------------------------------------------------------- */

/* Constraints stay on: they find rows that a damaged store has. */
static enum err_code
triggers_off(struct db *db, const char *sql, struct err *err)
{
	enum err_code code;

	if ((code = db_begin(db, DB_BEGIN_WRITE, err)) != ERR_OK)
		return code;
	sqlite3_db_config(db->state->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	return sqlite_exec(db, sql, err);
}

enum err_code
sqlite_load_begin(struct store *store, struct err *err)
{
	enum err_code code = triggers_off(&store->main, "DELETE FROM setting", err);

	return code != ERR_OK ? code : triggers_off(&store->stats, "DELETE FROM statistics;"
	    " DELETE FROM service_statistics; DELETE FROM look", err);
}

static enum err_code
insert_prepare(struct db *db, const struct copy_table *table, size_t n, sqlite3_stmt **ret,
    struct err *err)
{
	char sql[SQL_SIZE];
	int used, rc;

	used = snprintf(sql, sizeof(sql), "INSERT INTO %s (%s%s) VALUES (?1", table->name,
	    table->columns, table->changed ? ", changed" : "");
	for (size_t i = 1; i < n; i++)
		used += snprintf(sql + used, sizeof(sql) - (size_t)used, ", ?%zu", i + 1);
	snprintf(sql + used, sizeof(sql) - (size_t)used, ")");
	rc = sqlite3_prepare_v2(db->state->handle, sql, -1, ret, NULL);
	return rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, err);
}

static int
row_insert(sqlite3_stmt *insert, const struct copy_rows *rows)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < rows->n && rc == SQLITE_OK; i++) {
		const struct db_value *value = &rows->values[i];

		if (value->type == DB_INTEGER)
			rc = sqlite3_bind_int64(insert, (int)i + 1, value->number);
		else if (value->type == DB_TEXT)
			rc = sqlite3_bind_text(insert, (int)i + 1, value->text, -1,
			    SQLITE_STATIC);
		else
			rc = sqlite3_bind_null(insert, (int)i + 1);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_step(insert);
	sqlite3_reset(insert);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

enum err_code
sqlite_load_rows(struct store *store, struct copy_rows *rows, struct err *err)
{
	struct db *db = rows->table->stats ? &store->stats : &store->main;
	sqlite3_stmt *insert = NULL;
	enum err_code code;
	bool row;
	int rc;

	while ((code = copy_rows_next(rows, &row, err)) == ERR_OK && row) {
		if (insert == NULL &&
		    (code = insert_prepare(db, rows->table, rows->n, &insert, err)) != ERR_OK)
			break;
		if ((rc = row_insert(insert, rows)) != SQLITE_OK) {
			code = sqlite_error(db, rc, err);
			break;
		}
	}
	sqlite3_finalize(insert);
	return code;
}

/* Writes the counter, the sums and the highest ids. */
static enum err_code
totals_write(struct db *db, const struct copy_totals *totals, struct err *err)
{
	static const char *const numbered[] = COPY_NUMBERED;
	char sql[SQL_SIZE], sums[COPY_SUMS_SIZE];
	enum err_code code;

	snprintf(sql, sizeof(sql), "UPDATE store SET change = %" PRId64 ", (" COPY_SUM_COLUMNS
	    ") = (%s)", totals->change, copy_sums_text(totals, sums));
	code = sqlite_exec(db, sql, err);
	for (size_t i = 0; i < ROWS(numbered) && code == ERR_OK; i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM sqlite_sequence WHERE name = '%s';"
		    " INSERT INTO sqlite_sequence (name, seq) VALUES ('%s', %" PRId64 ")",
		    numbered[i], numbered[i], totals->last_ids[i]);
		code = sqlite_exec(db, sql, err);
	}
	return code;
}

/* The inventory is committed last: without it the store is still empty, and may be copied to
 * again. */
enum err_code
sqlite_load_end(struct store *store, const struct copy_totals *totals, struct err *err)
{
	enum err_code code;
	char sql[SQL_SIZE];

	snprintf(sql, sizeof(sql), "UPDATE store SET change = max(change, %" PRId64 ")",
	    totals->stats_change);
	if ((code = totals_write(&store->main, totals, err)) != ERR_OK ||
	    (code = sqlite_exec(&store->stats, sql, err)) != ERR_OK ||
	    (code = db_commit(&store->stats, err)) != ERR_OK)
		return code;
	return db_commit(&store->main, err);
}

/* -- description -------------------------------------------------------------------------- */

static int64_t
file_bytes(const char *path, const char *tail)
{
	char name[DB_PATH_SIZE];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, tail);
	return stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
}

static void
programs_find(const struct store *store, char *ret, size_t size)
{
	char path[DB_PATH_SIZE], holders[LOCKERS_TEXT_SIZE];
	const char *paths[] = { path }, *program;

	ret[0] = '\0';
	for (size_t i = 0; (program = store_program(i)) != NULL; i++) {
		size_t used = strlen(ret);

		snprintf(path, sizeof(path), "%s/%s.lock", store->dir, program);
		if (lockers_text(paths, 1, holders)[0] != '\0')
			snprintf(ret + used, size - used, "%s%s", used == 0 ? "" : ", ", holders);
	}
}

enum err_code
sqlite_describe(struct store *store, struct store_description *ret, struct err *err)
{
	(void)err;
	snprintf(ret->name, sizeof(ret->name), "%s", store->dir);
	snprintf(ret->engine, sizeof(ret->engine), "SQLite %s", sqlite3_libversion());
	ret->version = (int64_t)sqlite_main_kind.n_migrations;
	ret->stats_version = (int64_t)sqlite_stats_kind.n_migrations;
	ret->writable = access(store->main.path, R_OK | W_OK) == 0 &&
	    access(store->dir, R_OK | W_OK | X_OK) == 0;
	ret->bytes = file_bytes(store->main.path, "") + file_bytes(store->stats.path, "") +
	    file_bytes(store->stats.path, sqlite_tails[DB_TAIL_WAL]);
	programs_find(store, ret->programs, sizeof(ret->programs));
	return ERR_OK;
}
