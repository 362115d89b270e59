/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is written to lbcluster-stats.db: statistics of real services and services, and polls of
 * drivers (table look). Transactions are short, so that no other program waits long.
 */
#include "store/store_private.h"

#include <stdio.h>
#include <string.h>

/* Refuses a value that the CHECKs of the schema refuse: a reader reports it as damage. */
static enum err_code
values_check(const struct db *db, const struct shape *shape, const struct db_value *values,
    struct err *err)
{
	for (size_t i = 0; i < shape->n; i++) {
		const struct column *column = &shape->columns[i];

		if (values[i].type == DB_INTEGER && (values[i].number < column->min ||
		    values[i].number > column->max))
			return err_set(err, ERR_INVALID, "%s: %s %lld of row %lld of table %s must "
			    "be %lld to %lld", db->path, column->name,
			    (long long)values[i].number, (long long)values[0].number,
			    shape->table, (long long)column->min, (long long)column->max);
	}
	return ERR_OK;
}

/* Writes rows. Each row gets the next value of the counter, which is 'change' before it. */
static enum err_code
batch_rows_write(struct db *db, enum shape_id id, const void *rows, size_t n, size_t size,
    int64_t change, struct err *err)
{
	const struct shape *shape = &shapes[id];
	struct db_value values[SHAPE_COLUMNS_MAX + 1];
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		size_t columns = shape_values(shape, (const char *)rows + i * size, values);

		values[columns] = db_int(++change);
		if ((code = values_check(db, shape, values, err)) == ERR_OK)
			code = db_run(db, SQL_OF_ROWS(ROW_UPSERT, id), values, columns + 1, err);
	}
	return code;
}

/* Writes rows in one transaction. Each row is written whole: a value that is not present
 * becomes NULL. The counter moves first by the number of rows, because the triggers and CHECKs of
 * this connection are off: they take five times as long as the rest. */
static enum err_code
batch_write(struct store *store, enum shape_id shape, const void *rows, size_t n, size_t size,
    struct err *err)
{
	struct db *db = &store->stats;
	enum err_code code;
	int64_t change = 0;

	if ((code = db_begin(db, DB_BEGIN_WRITE, err)) == ERR_OK &&
	    (code = db_number(db, SQL_CHANGE, DB_NO_VALUES, &change, err)) == ERR_OK &&
	    (code = db_run(db, SQL_CHANGE_ADD, DB_VALUES(db_int((int64_t)n)), err)) == ERR_OK)
		code = batch_rows_write(db, shape, rows, n, size, change, err);
	if (code == ERR_OK) {
		store->committed = true;
		store->stats_written = true;
		code = db_commit(db, err);
	}
	db_rollback(db);
	return code;
}

/* Writes rows in batches. */
static enum err_code
batches_write(struct store *store, enum shape_id shape, const void *rows, size_t n, size_t size,
    struct err *err)
{
	enum err_code code = ERR_OK;
	size_t some;

	for (size_t done = 0; done < n && code == ERR_OK; done += some) {
		some = n - done < STORE_STATISTICS_BATCH ? n - done : STORE_STATISTICS_BATCH;
		code = batch_write(store, shape, (const char *)rows + done * size, some, size, err);
	}
	store_note_statistics(store, code);
	if (code != ERR_OK && store->stats_file.state == FILE_DAMAGED)
		err_set(err, code, "%s", store->stats_error.text);
	return code;
}

/* Writes rows of 'size' bytes each. If the file is damaged, a program without a loop writes them to
 * the file that replaces it. */
static enum err_code
rows_write(struct store *store, enum shape_id shape, const void *rows, size_t n, size_t size,
    struct err *err)
{
	enum err_code code = store_files_check(store, err);

	if (code != ERR_OK)
		return code;
	/* A program with a loop tries once a second. Its error is not ERR_BUSY, because it did not
	 * wait and may use lbcluster.db. */
	if (!db_is_open(&store->stats) && store->program != NULL)
		return err_set(err, ERR_IO, "%s", store->stats_error.text);
	for (int tries = 0; tries < 2; tries++) {
		if (!db_is_open(&store->stats) &&
		    (code = store_stats_open(store, store->wait_ms, err)) != ERR_OK)
			return code;
		code = batches_write(store, shape, rows, n, size, err);
		if (db_is_open(&store->stats) || store->program != NULL)
			break;
	}
	return code;
}

enum err_code
store_statistics_put(struct store *store, const struct statistics *rows, size_t n,
    struct err *err)
{
	return rows_write(store, SHAPE_STATISTICS, rows, n, sizeof(*rows), err);
}

enum err_code
store_service_statistics_put(struct store *store, const struct statistics *rows, size_t n,
    struct err *err)
{
	return rows_write(store, SHAPE_SERVICE_STATISTICS, rows, n, sizeof(*rows), err);
}

enum err_code
store_service_statistics(struct store *store, uint32_t id, struct store_service_view *ret,
    struct err *err)
{
	struct db_statement *stmt = NULL;
	enum err_code code = ERR_OK;

	*ret = (struct store_service_view){ .has_statistics = false };
	if (db_is_open(&store->stats))
		code = db_first(&store->stats, SQL_OF_ROWS(ROW_GET, SHAPE_SERVICE_STATISTICS),
		    DB_VALUES(db_int(id)), &stmt, &ret->has_statistics, err);
	if (code == ERR_OK && ret->has_statistics)
		code = shape_read(&shapes[SHAPE_SERVICE_STATISTICS], stmt, 0, &ret->statistics,
		    err);
	if (code == ERR_OK && ret->has_statistics) {
		snprintf(ret->algorithm, sizeof(ret->algorithm), "%s", ret->statistics.algorithm);
		ret->statistics.algorithm = ret->algorithm;
	}
	db_reset(stmt);
	store_note_statistics(store, code);
	if (code == ERR_OK || store->stats_file.state != FILE_DAMAGED)
		return code;
	ret->has_statistics = false;
	return ERR_OK;
}

enum err_code
store_poll_put(struct store *store, const struct driver_poll *poll, struct err *err)
{
	return rows_write(store, SHAPE_POLL, poll, 1, sizeof(*poll), err);
}

enum err_code
store_plane_view(struct store *store, const struct cluster_row *row, int64_t now,
    struct plane_view *ret, struct err *err)
{
	struct driver_poll poll = { 0 };
	struct db_statement *stmt = NULL;
	enum err_code code = ERR_OK;
	bool found = false, is_open;
	int64_t checked = 0;

	if (strcmp(row->plane, "none") == 0)
		code = db_number(&store->main, SQL_CHECKED, DB_VALUES(db_int(row->id)), &checked,
		    err);
	if (code != ERR_OK)
		return store_note_read(store, code, err);
	if (db_is_open(&store->stats))
		code = db_first(&store->stats, SQL_OF_ROWS(ROW_GET, SHAPE_POLL),
		    DB_VALUES(db_int(row->id)), &stmt, &found, err);
	if (code == ERR_OK && found)
		code = shape_read(&shapes[SHAPE_POLL], stmt, 0, &poll, err);
	db_reset(stmt);
	store_note_statistics(store, code);
	if (code != ERR_OK && store->stats_file.state != FILE_DAMAGED)
		return code;
	is_open = db_is_open(&store->stats);
	status_plane(row->plane, checked != 0, row->plane_status, row->plane_message,
	    is_open ? &poll : NULL, now, ret);
	return ERR_OK;
}
