/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Writing statistics, in short transactions: nobody waits for a long one.
 */
#include "store/store_private.h"

/* Writes a batch of rows in one transaction. Each row is written whole: a value that is not
 * present becomes NULL. */
static enum err_code
batch_write(struct store *store, enum shape_id shape, const void *rows, size_t n, size_t size,
    struct err *err)
{
	struct db_value values[SHAPE_COLUMNS_MAX];
	struct db *db = &store->stats;
	enum err_code code = db_begin(db, true, err);

	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = db_run(db, SQL_OF_ROWS(ROW_UPSERT, shape), values,
		    shape_values(&shapes[shape], (const char *)rows + i * size, values), err);
	if (code == ERR_OK) {
		store->committed = true;
		store->stats_written = true;
		code = db_commit(db, err);
	}
	db_rollback(db);
	return code;
}

static enum err_code
stats_look(struct store *store, struct err *err)
{
	enum err_code code = store_files_check(store, err);

	if (code == ERR_OK && store->stats.handle == NULL)
		code = err_set(err, ERR_IO, "%s: cannot be opened", store->stats.path);
	return code;
}

enum err_code
store_statistics_put(struct store *store, const struct statistics *rows, size_t n,
    struct err *err)
{
	enum err_code code = stats_look(store, err);

	if (code != ERR_OK)
		return code;
	for (size_t done = 0; done < n && code == ERR_OK; done += STORE_STATISTICS_BATCH)
		code = batch_write(store, SHAPE_STATISTICS, &rows[done],
		    n - done > STORE_STATISTICS_BATCH ? STORE_STATISTICS_BATCH : n - done,
		    sizeof(rows[0]), err);
	store_note_statistics(store, code);
	return code;
}

/* -- looks of drivers -------------------------------------------------------------- */

enum err_code
store_look_put(struct store *store, const struct driver_poll *look, struct err *err)
{
	enum err_code code = stats_look(store, err);

	if (code != ERR_OK)
		return code;
	code = batch_write(store, SHAPE_LOOK, look, 1, sizeof(*look), err);
	store_note_statistics(store, code);
	return code;
}

/* ERR_OK with time 0 where there is none. */
static enum err_code
look_get(struct store *store, uint32_t cluster_id, struct driver_poll *ret, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row = false;

	code = db_first(&store->stats, SQL_OF_ROWS(ROW_GET, SHAPE_LOOK),
	    DB_VALUES(db_int(cluster_id)), &stmt, &row, err);
	if (code != ERR_OK || !row)
		return code;
	code = shape_read(&shapes[SHAPE_LOOK], stmt, 0, ret, err);
	db_reset(stmt);
	return code;
}

enum err_code
store_plane_view(struct store *store, const struct cluster_row *row, int64_t now,
    struct plane_view *ret, struct err *err)
{
	struct driver_poll look = { 0 };
	enum err_code code = ERR_OK;

	if (store->stats.handle != NULL)
		code = look_get(store, row->id, &look, err);
	if (code != ERR_OK)
		return code;
	status_plane(row->plane, row->plane_status, row->plane_message,
	    store->stats.handle != NULL ? &look : NULL, now, ret);
	return ERR_OK;
}
