/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Changes of the inventory: adds, updates and removes clusters, services and real services,
 * many in one transaction.
 */
#include "store/store_private.h"

#include <string.h>

/* -- transaction ------------------------------------------------------------------ */

enum err_code
store_begin(struct store *store, struct err *err)
{
	enum err_code code = store_write_begin(store, err);

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

/* Deletes the statistics of the next services and real services that were removed after *after, at
 * most FORGET_ROWS, and moves *after. *ret_n: how many. */
static enum err_code
batch_forget(struct store *store, int64_t *after, size_t *ret_n)
{
	struct db_statement *stmt = NULL;
	enum shape_id shape;
	enum err_code code;
	bool row = false;

	*ret_n = 0;
	code = db_first(&store->main, SQL_REMOVED_MEASURED, DB_VALUES(db_int(*after),
	    db_int(FORGET_ROWS)), &stmt, &row, NULL);
	if (code != ERR_OK || !row)
		return code;
	code = db_begin(&store->stats, DB_BEGIN_WRITE, NULL);
	while (code == ERR_OK && row) {
		*after = db_integer(stmt, 0);
		++*ret_n;
		shape = db_integer(stmt, 2) == STORE_REAL ? SHAPE_STATISTICS :
		    SHAPE_SERVICE_STATISTICS;
		code = db_run(&store->stats, SQL_OF_ROWS(ROW_DELETE, shape),
		    DB_VALUES(db_int(db_integer(stmt, 1))), NULL);
		if (code == ERR_OK)
			code = db_next(&store->main, stmt, &row, NULL);
	}
	db_reset(stmt);
	if (code == ERR_OK)
		code = db_commit(&store->stats, NULL);
	db_rollback(&store->stats);
	return code;
}

/* Deletes the statistics of the rows that the transaction removed. A trigger lists them for
 * readers. Ids are never used again, so rows that stay after an error do no harm. */
static void
statistics_forget(struct store *store)
{
	int64_t after = store->begin_change;
	enum err_code code = ERR_OK;
	size_t n = 1;

	if (!db_is_open(&store->stats))
		return;
	while (n > 0 && code == ERR_OK)
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

enum err_code
store_change_locked(struct store *store, enum err_code (*prepare)(void *arg),
    enum err_code (*settle)(void *arg), void *arg, struct err *err)
{
	enum err_code code;

	if ((code = store_begin(store, err)) != ERR_OK)
		return code;
	if ((code = prepare(arg)) == ERR_OK && (settle == NULL || (code = settle(arg)) == ERR_OK))
		return store_commit(store, err);
	store_rollback(store);
	return code;
}

enum err_code
store_change(struct store *store, enum err_code (*prepare)(void *arg),
    enum err_code (*settle)(void *arg), void *arg, struct err *err)
{
	return (store->engine->change != NULL ? store->engine->change : store_change_locked)(store,
	    prepare, settle, arg, err);
}

/* -- rows --------------------------------------------------------------------------- */

/* Looks the row up by its key. *ret_id is 0 if there is none. */
static enum err_code
row_find(struct db *db, enum shape_id shape, const struct db_value *values, size_t n,
    uint32_t *ret_id, enum store_put_result *ret_result, struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;
	bool found;

	code = db_first(db, SQL_OF_ROWS(ROW_FIND, shape), values, n, &stmt, &found, err);
	if (code != ERR_OK)
		return code;
	*ret_id = found ? (uint32_t)db_integer(stmt, 0) : 0;
	*ret_result = !found ? STORE_PUT_ADDED :
	    db_integer(stmt, 1) != 0 ? STORE_PUT_SAME : STORE_PUT_UPDATED;
	db_reset(stmt);
	return ERR_OK;
}

/* Resets the status, which is that of the data plane before. Without a data plane the jobs of
 * the cluster end, because no driver will end them. */
static enum err_code
plane_changed(struct store *store, const struct cluster_row *row, uint32_t id, struct err *err)
{
	enum err_code code = db_run(&store->main, SQL_PLANE_SET, DB_VALUES(db_int(id),
	    db_int(PLANE_STATUS_NONE), db_str("")), err);

	if (code == ERR_OK && strcmp(row->plane, "none") == 0)
		code = store_jobs_record(store, id, err);
	return code;
}

/* Adds or updates one row by its key. */
static enum err_code
row_put(struct store *store, enum shape_id shape, const union shape_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	struct db_value values[SHAPE_COLUMNS_MAX];
	size_t n = shape_values(&shapes[shape], row, values);
	struct db *db = &store->main;
	enum store_put_result result;
	enum err_code code;
	int64_t added = 0;
	uint32_t id;

	if ((code = row_find(db, shape, values, n, &id, &result, err)) != ERR_OK)
		return code;
	if (result == STORE_PUT_ADDED) {
		if (shape == SHAPE_REAL && row->real.row.fallback)
			code = store_fallback_free(store, row->real.row.service_id, err);
		if (code == ERR_OK)
			code = shape == SHAPE_REAL && store_has_draft(store) ?
			    store->engine->draft_real_insert(store, &row->real.row, &added, err) :
			    db_insert(db, SQL_OF_ROWS(ROW_INSERT, shape), values, n, &added, err);
		id = (uint32_t)added;
	} else if (result == STORE_PUT_UPDATED) {
		code = db_run(db, SQL_OF_ROWS(ROW_UPDATE, shape), values, n, err);
		if (code == ERR_OK && shape == SHAPE_CLUSTER)
			code = plane_changed(store, &row->cluster, id, err);
	}
	if (code == ERR_OK && ret_id != NULL)
		*ret_id = id;
	if (code == ERR_OK && ret_result != NULL)
		*ret_result = result;
	return code;
}

enum err_code
store_put_cluster(struct store *store, const struct cluster_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	return row_put(store, SHAPE_CLUSTER, (const union shape_row *)row, ret_id, ret_result, err);
}

enum err_code
store_put_service(struct store *store, const struct service_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	return row_put(store, SHAPE_SERVICE, (const union shape_row *)row, ret_id, ret_result, err);
}

enum err_code
store_put_real(struct store *store, const struct real_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	return row_put(store, SHAPE_REAL, (const union shape_row *)row, ret_id, ret_result, err);
}

/* -- removal ------------------------------------------------------------------------- */

enum err_code
store_remove(struct store *store, enum store_kind kind, uint32_t id, struct err *err)
{
	bool alone = !store->in_transaction;
	enum err_code code = ERR_OK;

	if (kind < STORE_CLUSTER || kind > STORE_REAL)
		return err_set(err, ERR_INVALID, "row %u: not a row of the inventory", id);
	if (alone)
		code = store_begin(store, err);
	if (code == ERR_OK)
		code = db_run(&store->main, SQL_OF_ROWS(ROW_DELETE, kind), DB_VALUES(db_int(id)),
		    err);
	if (code == ERR_OK && db_changed_rows(&store->main) == 0)
		code = err_set(err, ERR_NOT_FOUND, "row %u: does not exist", id);
	if (alone && code == ERR_OK)
		return store_commit(store, err);
	if (alone)
		store_rollback(store);
	return code;
}
