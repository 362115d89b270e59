/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Copies a store to an empty one, of the same or of another engine; and what administrators want to
 * know of a store. Rows are read in pages by the same statements from each engine. An engine writes
 * them by its fastest way, in one transaction without triggers.
 */
#include "store/store_copy.h"

#include "util/memory.h"

enum { PAGE_ROWS = 5000 };

#define COPY_PROGRAM "lbclusterd"	/* whose lock a copy holds: it does not start meanwhile */

/* Parents come before their children. */
static const struct copy_table tables[] = {
	{ SQL_COPY_SETTING, "setting", COPY_SETTING, false, false, true },
	{ SQL_COPY_HELD_SETTING, "held_setting", COPY_HELD_SETTING, false, false, true },
	{ SQL_COPY_CLUSTER, "cluster", COPY_CLUSTER, false, true, false },
	{ SQL_COPY_SERVICE, "service", COPY_SERVICE, false, true, false },
	{ SQL_COPY_SERVER, "server", COPY_SERVER, false, false, false },
	{ SQL_COPY_REAL, "real_service", COPY_REAL, false, true, false },
	{ SQL_COPY_JOB, "job", COPY_JOB, false, true, false },
	{ SQL_COPY_STATISTICS, "statistics", COPY_STATISTICS, true, true, false },
	{ SQL_COPY_SERVICE_STATISTICS, "service_statistics", COPY_SERVICE_STATISTICS, true, true,
	    false },
	{ SQL_COPY_POLL, "look", COPY_POLL, true, true, false },
};

static enum err_code
table_copy(struct store *from, struct store *to, const struct copy_table *table, int64_t *change,
    struct err *err)
{
	struct copy_rows rows = { .table = table,
	    .from = table->stats ? &from->stats : &from->main };
	enum err_code code;

	rows.change = change;
	do {
		rows.count = 0;
		code = db_query(rows.from, table->sql, DB_VALUES(db_int(rows.key),
		    db_int(PAGE_ROWS)), &rows.stmt, err);
		if (code == ERR_OK) {
			code = to->engine->load_rows(to, &rows, err);
			db_reset(rows.stmt);
		}
	} while (code == ERR_OK && rows.count == PAGE_ROWS && !table->whole);
	return code;
}

/* Copies the tables of the inventory, or of the statistics. */
static enum err_code
tables_copy(struct store *from, struct store *to, bool stats, int64_t *ret_change,
    struct err *err)
{
	struct db *of = stats ? &from->stats : &from->main;
	enum err_code code;

	code = db_number(stats ? &to->stats : &to->main, SQL_CHANGE, DB_NO_VALUES, ret_change, err);
	if (code == ERR_OK && stats)
		code = db_begin(of, DB_BEGIN_READ, err);
	for (size_t i = 0; i < ROWS(tables) && code == ERR_OK; i++) {
		if (tables[i].stats == stats)
			code = table_copy(from, to, &tables[i], ret_change, err);
	}
	if (stats)
		db_rollback(of);
	return code;
}

static enum err_code
totals_read(struct store *from, struct copy_totals *totals, struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;
	bool row;

	code = db_first(&from->main, SQL_COPY_TOTALS, DB_NO_VALUES, &stmt, &row, err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < COPY_SUMS && row; i++)
		totals->sums[i] = db_integer(stmt, i);
	for (size_t i = 0; i < COPY_NUMBERED_TABLES && row; i++)
		totals->last_ids[i] = db_integer(stmt, COPY_SUMS + i);
	db_reset(stmt);
	return row ? ERR_OK : err_set(err, ERR_CORRUPT, "%s: table store is empty",
	    from->main.path);
}

/* Checks in the transaction that the store has no rows. The statistics are replaced. */
static enum err_code
empty_check(struct store *to, struct err *err)
{
	enum err_code code;
	int64_t rows = 0;

	code = db_number(&to->main, SQL_COPY_ROWS, DB_NO_VALUES, &rows, err);
	return code != ERR_OK || rows == 0 ? code : err_set(err, ERR_PRECOND, "%s: the store has "
	    "%lld rows; copy to an empty store", to->main.path, (long long)rows);
}

static enum err_code
rows_copy(struct store *from, struct store *to, bool stats, struct err *err)
{
	struct copy_totals totals = { .change = 0 };
	enum err_code code;

	if ((code = to->engine->load_begin(to, err)) != ERR_OK ||
	    (code = empty_check(to, err)) != ERR_OK ||
	    (code = tables_copy(from, to, false, &totals.change, err)) != ERR_OK ||
	    (code = totals_read(from, &totals, err)) != ERR_OK)
		return code;
	if (stats && (code = tables_copy(from, to, true, &totals.stats_change, err)) != ERR_OK)
		return code;
	return to->engine->load_end(to, &totals, err);
}

/* No program may serve the store. The lock of lbclusterd is held. */
static enum err_code
unused_check(struct store *to, struct err *err)
{
	struct store_description description = { .bytes = 0 };
	enum err_code code = to->engine->describe(to, &description, err);

	return code != ERR_OK || description.programs[0] == '\0' ? code :
	    err_set(err, ERR_PRECOND, "%s: used by %s; stop it first", to->main.path,
	    description.programs);
}

enum err_code
store_copy(const char *from_name, const char *to_name, int wait_ms, bool *ret_statistics,
    struct err *err)
{
	struct store *from = NULL, *to = NULL;
	enum err_code code;
	bool stats = false;

	if ((code = store_open(from_name, STORE_READ, wait_ms, &from, err)) != ERR_OK)
		return code;
	stats = store_file_is_open(&from->stats_file);
	if ((code = store_open_to_load(to_name, COPY_PROGRAM, wait_ms, &to, err)) == ERR_OK &&
	    (code = unused_check(to, err)) == ERR_OK &&
	    (code = store_snapshot(from, err)) == ERR_OK)
		code = rows_copy(from, to, stats, err);
	if (to != NULL) {
		db_rollback(&to->main);
		db_rollback(&to->stats);
	}
	store_close(to);
	store_close(from);
	if (code == ERR_OK)
		*ret_statistics = stats;
	return code;
}

/* -- description ----------------------------------------------------------------------- */

static enum err_code
counts_read(struct db *db, unsigned int sql, uint64_t *ret, size_t n, struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;
	bool row;

	if ((code = db_first(db, sql, DB_NO_VALUES, &stmt, &row, err)) != ERR_OK)
		return code;
	for (size_t i = 0; i < n && row; i++)
		ret[i] = (uint64_t)db_integer(stmt, i);
	db_reset(stmt);
	return ERR_OK;
}

enum err_code
store_describe(struct store *store, struct store_description *ret, struct err *err)
{
	enum err_code code;

	*ret = (struct store_description){ .version_found = store->main.version_found,
	    .stats_version_found = store->stats.version_found };
	if ((code = store->engine->describe(store, ret, err)) != ERR_OK ||
	    (code = counts_read(&store->main, SQL_COUNTS, ret->counts, STORE_COUNT_STATISTICS,
	    err)) != ERR_OK)
		return code;
	ret->has_statistics = store_file_is_open(&store->stats_file);
	if (!ret->has_statistics)
		return ERR_OK;
	return counts_read(&store->stats, SQL_COUNTS_STATISTICS, ret->counts +
	    STORE_COUNT_STATISTICS, STORE_COUNTS - STORE_COUNT_STATISTICS, err);
}
