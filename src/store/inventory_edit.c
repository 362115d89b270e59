/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The inventory: clusters, services and real services come and go by name, many
 * in one transaction.
 */
#include "store/store_private.h"

#include <string.h>

/* -- transaction ------------------------------------------------------------------ */

enum err_code
store_begin(struct store *store, struct err *err)
{
	enum err_code code = store_write_begin(store, err);

	if (code == ERR_OK)
		code = db_run(&store->main, SQL_CACHE_SPILL_OFF, DB_NO_VALUES, err);
	if (code == ERR_OK)
		code = db_number(&store->main, SQL_CHANGE, DB_NO_VALUES, &store->begin_change,
		    err);
	if (code == ERR_OK)
		store->in_transaction = true;
	else
		db_rollback(&store->main);
	return store_note_write(store, code, err);
}

enum { FORGET_ROWS = 500 };

/* Deletes the statistics of the next real services that were removed after *after, at most
 * FORGET_ROWS, and moves *after. *ret_n: how many. */
static enum err_code
batch_forget(struct store *store, int64_t *after, size_t *ret_n)
{
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	bool row = false;

	*ret_n = 0;
	code = db_first(&store->main, SQL_REMOVED_REALS, DB_VALUES(db_int(*after),
	    db_int(FORGET_ROWS)), &stmt, &row, NULL);
	if (code != ERR_OK || !row)
		return code;
	code = db_begin(&store->stats, true, NULL);
	while (code == ERR_OK && row) {
		*after = sqlite3_column_int64(stmt, 0);
		++*ret_n;
		code = db_run(&store->stats, SQL_OF_ROWS(ROW_DELETE, SHAPE_STATISTICS),
		    DB_VALUES(db_int(sqlite3_column_int64(stmt, 1))), NULL);
		if (code == ERR_OK)
			code = db_next(&store->main, stmt, &row, NULL);
	}
	db_reset(stmt);
	if (code == ERR_OK)
		code = db_commit(&store->stats, NULL);
	db_rollback(&store->stats);
	return code;
}

/* Deletes the statistics of the real services that the transaction removed. Ids are never used
 * again, so rows that stay after an error do no harm. */
static void
statistics_forget(struct store *store)
{
	int64_t after = store->begin_change;
	enum err_code code = ERR_OK;
	size_t n = 1;

	while (n > 0 && code == ERR_OK && store->stats.handle != NULL)
		code = batch_forget(store, &after, &n);
}

enum err_code
store_commit(struct store *store, struct err *err)
{
	enum err_code code;

	store->in_transaction = false;
	code = store_note_write(store, store_write_commit(store, err), err);
	if (code == ERR_OK)
		statistics_forget(store);
	return code;
}

void
store_rollback(struct store *store)
{
	store->in_transaction = false;
	db_rollback(&store->main);
}

/* -- rows --------------------------------------------------------------------------- */

/* Looks the row up by its key. *ret_id is 0 if there is none. */
static enum err_code
row_find(struct db *db, enum shape_id shape, const void *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	struct db_value values[SHAPE_COLUMNS_MAX];
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	bool found;

	code = db_first(db, SQL_OF_ROWS(ROW_FIND, shape), values,
	    shape_values(&shapes[shape], row, values), &stmt, &found, err);
	if (code != ERR_OK)
		return code;
	*ret_id = found ? (uint32_t)sqlite3_column_int64(stmt, 0) : 0;
	*ret_result = !found ? STORE_PUT_ADDED :
	    sqlite3_column_int(stmt, 1) != 0 ? STORE_PUT_SAME : STORE_PUT_UPDATED;
	db_reset(stmt);
	return ERR_OK;
}

/* Adds or updates the row as row_find() found necessary. */
static enum err_code
row_put(struct db *db, enum shape_id shape, const void *row, uint32_t id,
    enum store_put_result result, uint32_t *ret_id, enum store_put_result *ret_result,
    struct err *err)
{
	struct db_value values[SHAPE_COLUMNS_MAX];
	const enum row_sql put = result == STORE_PUT_ADDED ? ROW_INSERT : ROW_UPDATE;
	enum err_code code = ERR_OK;

	if (result != STORE_PUT_SAME)
		code = db_run(db, SQL_OF_ROWS(put, shape), values,
		    shape_values(&shapes[shape], row, values), err);
	if (code != ERR_OK)
		return code;
	if (ret_id != NULL)
		*ret_id = result == STORE_PUT_ADDED ?
		    (uint32_t)sqlite3_last_insert_rowid(db->handle) : id;
	if (ret_result != NULL)
		*ret_result = result;
	return ERR_OK;
}

/* The status is that of the data plane before. Without a data plane there is no driver that
 * ends the jobs. */
static enum err_code
plane_changed(struct store *store, const struct cluster_row *row, uint32_t id, struct err *err)
{
	enum err_code code = db_run(&store->main, SQL_PLANE_SET, DB_VALUES(db_int(id),
	    db_int(PLANE_STATUS_NONE), db_str("")), err);

	if (code == ERR_OK && strcmp(row->plane, "none") == 0)
		code = store_jobs_record(store, id, err);
	return code;
}

enum err_code
store_put_cluster(struct store *store, const struct cluster_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	enum store_put_result result;
	enum err_code code;
	uint32_t id;

	code = row_find(&store->main, SHAPE_CLUSTER, row, &id, &result, err);
	if (code == ERR_OK)
		code = row_put(&store->main, SHAPE_CLUSTER, row, id, result, ret_id, ret_result,
		    err);
	if (code == ERR_OK && result == STORE_PUT_UPDATED)
		code = plane_changed(store, row, id, err);
	return code;
}

enum err_code
store_put_service(struct store *store, const struct service_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	enum store_put_result result;
	enum err_code code;
	uint32_t id;

	code = row_find(&store->main, SHAPE_SERVICE, row, &id, &result, err);
	return code == ERR_OK ? row_put(&store->main, SHAPE_SERVICE, row, id, result, ret_id,
	    ret_result, err) : code;
}

enum err_code
store_put_real(struct store *store, const struct real_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	enum store_put_result result;
	enum err_code code;
	uint32_t id;

	code = row_find(&store->main, SHAPE_REAL, row, &id, &result, err);
	if (code == ERR_OK && result == STORE_PUT_ADDED && row->fallback)
		code = store_fallback_free(store, row->service_id, err);
	return code == ERR_OK ? row_put(&store->main, SHAPE_REAL, row, id, result, ret_id,
	    ret_result, err) : code;
}

/* -- removal ------------------------------------------------------------------------- */

enum err_code
store_remove(struct store *store, enum store_kind kind, uint32_t id, struct err *err)
{
	bool alone = !store->in_transaction;
	enum err_code code = ERR_OK;

	if (kind < STORE_CLUSTER || kind > STORE_REAL)
		return err_set(err, ERR_INVALID, "only rows of the inventory are removed");
	if (alone)
		code = store_begin(store, err);
	if (code == ERR_OK)
		code = db_run(&store->main, SQL_OF_ROWS(ROW_DELETE, kind), DB_VALUES(db_int(id)),
		    err);
	if (code == ERR_OK && sqlite3_changes(store->main.handle) == 0)
		code = err_set(err, ERR_NOT_FOUND, "row %u: does not exist", id);
	if (alone && code == ERR_OK)
		return store_commit(store, err);
	if (alone)
		store_rollback(store);
	return code;
}
