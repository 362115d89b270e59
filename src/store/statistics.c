/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is written to lbcluster-stats.db: statistics of real services and services, and polls of
 * drivers (table look). Transactions are short, so that no other program waits long.
 */
#include "store/store_private.h"

#include <stdio.h>
#include <string.h>

/* Writes rows in one transaction. */
static enum err_code
batch_write(struct store *store, enum shape_id shape, const void *rows, size_t n, size_t size,
    struct err *err)
{
	struct db *db = &store->stats;
	enum err_code code;

	if ((code = db_begin(db, DB_BEGIN_ROWS, err)) == ERR_OK)
		code = db_rows_put(db, shape, rows, n, size, err);
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
	store->engine->stats_note(store, code);
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
	enum err_code code = store_step(store, err);

	if (code != ERR_OK)
		return code;
	/* A program with a loop tries once a second. Its error is not ERR_BUSY, because it did not
	 * wait and may use lbcluster.db. */
	if (!db_is_open(&store->stats) && store->program != NULL)
		return err_set(err, ERR_IO, "%s", store->stats_error.text);
	for (int tries = 0; tries < 2; tries++) {
		if (!db_is_open(&store->stats) &&
		    (code = store->engine->stats_open(store, store->wait_ms, err)) != ERR_OK)
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
	store->engine->stats_note(store, code);
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
	store->engine->stats_note(store, code);
	if (code != ERR_OK && store->stats_file.state != FILE_DAMAGED)
		return code;
	is_open = db_is_open(&store->stats);
	status_plane(row->plane, checked != 0, row->plane_status, row->plane_message,
	    is_open ? &poll : NULL, now, ret);
	return ERR_OK;
}

/* -- whether they can be read ------------------------------------------------------- */

void
store_statistics_report(struct store *store,
    void (*fn)(void *arg, bool repaired, const char *text), void *arg)
{
	const char *path = store->stats.path, *name = strrchr(path, '/');
	enum err_code code = store->stats_error.code;
	char text[ERR_TEXT_SIZE + 80];

	if ((code == store->stats_reported && !store->stats_replaced) || code == ERR_NOT_FOUND)
		return;
	if (code != ERR_OK)
		snprintf(text, sizeof(text), "%s; statistics are not used until they can be opened",
		    store->stats_error.text);
	else if (store->stats_replaced)
		snprintf(text, sizeof(text), "%s: was damaged; an empty file replaces it, and the "
		    "damaged one is %s.ill", path, name == NULL ? path : name + 1);
	else
		snprintf(text, sizeof(text), "%s: open; statistics are used again", path);
	store->stats_reported = code;
	store->stats_replaced = false;
	fn(arg, code == ERR_OK, text);
}

bool
store_statistics_readable(const struct store *store)
{
	return store->stats_file.state == FILE_OPEN;
}
