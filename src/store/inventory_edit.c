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

	/* A large load must not lock readers out before its commit. */
	if (code == ERR_OK)
		code = db_run(&store->main, err, "PRAGMA cache_spill = OFF", "");
	if (code == ERR_OK)
		code = db_number(&store->main, err, 0, &store->begin_change,
		    "SELECT change FROM store", "");
	if (code == ERR_OK)
		store->in_transaction = true;
	else
		db_rollback(&store->main);
	return store_note_write(store, code, err);
}

enum { FORGET_ROWS = 500 };

/* The next real services that were removed after 'after', at most FORGET_ROWS. */
static enum err_code
removed_read(struct store *store, int64_t after, int64_t ret_changed[FORGET_ROWS],
    int64_t ret_ids[FORGET_ROWS], size_t *ret_n, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row;

	*ret_n = 0;
	code = db_query(&store->main, err, &stmt, "SELECT changed, id FROM removed"
	    " WHERE kind = 3 AND changed > ?1 ORDER BY changed LIMIT ?2", "ii", after,
	    (int64_t)FORGET_ROWS);
	while (code == ERR_OK && (code = db_next(&store->main, stmt, &row, err)) == ERR_OK &&
	    row) {
		ret_changed[*ret_n] = sqlite3_column_int64(stmt, 0);
		ret_ids[(*ret_n)++] = sqlite3_column_int64(stmt, 1);
	}
	return code;
}

/* What was measured of real services that are gone goes too. Numbers are never used
 * again, so what is left behind after an error here harms nobody. */
static void
statistics_forget(struct store *store)
{
	int64_t changed[FORGET_ROWS], ids[FORGET_ROWS], after = store->begin_change;
	enum err_code code = ERR_OK;
	size_t n = FORGET_ROWS;

	while (n == FORGET_ROWS && code == ERR_OK && store->stats.handle != NULL) {
		code = removed_read(store, after, changed, ids, &n, NULL);
		if (code == ERR_OK && n > 0)
			code = db_begin(&store->stats, true, NULL);
		for (size_t i = 0; i < n && code == ERR_OK; i++)
			code = db_run(&store->stats, NULL,
			    "DELETE FROM statistics WHERE real_id = ?1", "i", ids[i]);
		if (code == ERR_OK && n > 0)
			code = db_commit(&store->stats, NULL);
		db_rollback(&store->stats);
		if (n > 0)
			after = changed[n - 1];
	}
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

/* Whether the row that 'stmt' looks for is there, and what to do about it; the query's
 * second column says whether it is the same. 'code' is of the query. */
static enum err_code
put_look(struct db *db, enum err_code code, sqlite3_stmt *stmt, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	bool row = false;

	if (code == ERR_OK)
		code = db_next(db, stmt, &row, err);
	if (code != ERR_OK)
		return code;
	*ret_id = row ? (uint32_t)sqlite3_column_int64(stmt, 0) : 0;
	*ret_result = !row ? STORE_PUT_ADDED :
	    sqlite3_column_int(stmt, 1) != 0 ? STORE_PUT_SAME : STORE_PUT_UPDATED;
	db_reset(stmt);
	return ERR_OK;
}

static void
put_return(struct db *db, enum store_put_result result, uint32_t id, uint32_t *ret_id,
    enum store_put_result *ret_result)
{
	if (ret_id != NULL)
		*ret_id = result == STORE_PUT_ADDED ?
		    (uint32_t)sqlite3_last_insert_rowid(db->handle) : id;
	if (ret_result != NULL)
		*ret_result = result;
}

enum err_code
store_put_cluster(struct store *store, const struct cluster_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	struct db *db = &store->main;
	enum store_put_result result;
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	uint32_t id;

	code = db_query(db, err, &stmt, "SELECT id, plane = ?2 AND plane_params = ?3"
	    " FROM cluster WHERE name = ?1", "sss", row->name, row->plane, row->plane_params);
	code = put_look(db, code, stmt, &id, &result, err);
	if (code != ERR_OK)
		return code;
	if (result == STORE_PUT_ADDED)
		code = db_run(db, err, "INSERT INTO cluster (name, plane, plane_params)"
		    " VALUES (?1, ?2, ?3)", "sss", row->name, row->plane,
		    row->plane_params);
	else if (result == STORE_PUT_UPDATED)
		code = db_run(db, err, "UPDATE cluster SET plane = ?2, plane_params = ?3,"
		    " plane_status = 1, plane_message = '' WHERE id = ?1", "iss",
		    (int64_t)id, row->plane, row->plane_params);
	/* No driver is left to end its jobs. */
	if (code == ERR_OK && result == STORE_PUT_UPDATED && strcmp(row->plane, "none") == 0)
		code = store_jobs_record(store, id, err);
	if (code == ERR_OK)
		put_return(db, result, id, ret_id, ret_result);
	return code;
}

enum err_code
store_put_service(struct store *store, const struct service_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	struct db *db = &store->main;
	enum store_put_result result;
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	uint32_t id;

	code = db_query(db, err, &stmt, "SELECT id, address = ?3 AND port = ?4 AND"
	    " protocol = ?5 FROM service WHERE cluster_id = ?1 AND name = ?2", "isssi",
	    (int64_t)row->cluster_id, row->name, row->address, row->port,
	    (int64_t)row->protocol);
	code = put_look(db, code, stmt, &id, &result, err);
	if (code != ERR_OK)
		return code;
	if (result == STORE_PUT_ADDED)
		code = db_run(db, err, "INSERT INTO service (cluster_id, name, address, port,"
		    " protocol) VALUES (?1, ?2, ?3, ?4, ?5)", "isssi",
		    (int64_t)row->cluster_id, row->name, row->address, row->port,
		    (int64_t)row->protocol);
	else if (result == STORE_PUT_UPDATED)
		code = db_run(db, err, "UPDATE service SET address = ?2, port = ?3,"
		    " protocol = ?4 WHERE id = ?1", "issi", (int64_t)id, row->address,
		    row->port, (int64_t)row->protocol);
	if (code == ERR_OK)
		put_return(db, result, id, ret_id, ret_result);
	return code;
}

enum err_code
store_put_real(struct store *store, const struct real_row *row, uint32_t *ret_id,
    enum store_put_result *ret_result, struct err *err)
{
	struct db *db = &store->main;
	enum store_put_result result;
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	uint32_t id;

	code = db_query(db, err, &stmt, "SELECT id, address = ?3 AND port = ?4"
	    " FROM real_service WHERE service_id = ?1 AND name = ?2", "isss",
	    (int64_t)row->service_id, row->name, row->address, row->port);
	code = put_look(db, code, stmt, &id, &result, err);
	if (code != ERR_OK)
		return code;
	if (result == STORE_PUT_ADDED && row->fallback)
		code = store_fallback_free(store, row->service_id, err);
	if (code == ERR_OK && result == STORE_PUT_ADDED)
		code = db_run(db, err, "INSERT INTO real_service (service_id, name, address,"
		    " port, weight, fallback, enabled) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		    "isssiii", (int64_t)row->service_id, row->name, row->address, row->port,
		    (int64_t)row->weight, (int64_t)row->fallback, (int64_t)row->enabled);
	else if (code == ERR_OK && result == STORE_PUT_UPDATED)
		code = db_run(db, err, "UPDATE real_service SET address = ?2, port = ?3"
		    " WHERE id = ?1", "iss", (int64_t)id, row->address, row->port);
	if (code == ERR_OK)
		put_return(db, result, id, ret_id, ret_result);
	return code;
}

/* -- removal ------------------------------------------------------------------------- */

enum err_code
store_remove(struct store *store, enum store_kind kind, uint32_t id, struct err *err)
{
	static const char *const sql[] = {
		[STORE_CLUSTER] = "DELETE FROM cluster WHERE id = ?1",
		[STORE_SERVICE] = "DELETE FROM service WHERE id = ?1",
		[STORE_REAL] = "DELETE FROM real_service WHERE id = ?1",
	};
	bool alone = !store->in_transaction;
	enum err_code code = ERR_OK;

	if (kind < STORE_CLUSTER || kind > STORE_REAL)
		return err_set(err, ERR_INVALID, "only rows of the inventory are removed");
	if (alone)
		code = store_begin(store, err);
	if (code == ERR_OK)
		code = db_run(&store->main, err, sql[kind], "i", (int64_t)id);
	if (code == ERR_OK && sqlite3_changes(store->main.handle) == 0)
		code = err_set(err, ERR_NOT_FOUND, "row %u: does not exist", id);
	if (alone && code == ERR_OK)
		return store_commit(store, err);
	if (alone)
		store_rollback(store);
	return code;
}
