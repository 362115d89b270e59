/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Writing statistics, in short transactions: nobody waits for a long one.
 */
#include "store/shapes.h"
#include "store/store_private.h"

/* Whole rows: what was not measured becomes NULL again. */
static const char put_sql[] =
    "INSERT INTO statistics (real_id, active, role, last_update, counters_since,"
    " active_connections, inactive_connections, persistent_connections,"
    " connections_per_second, bps_in, bps_out, pps_in, pps_out, total_connections,"
    " total_packets_in, total_packets_out, total_octets_in, total_octets_out)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
    " ON CONFLICT (real_id) DO UPDATE SET active = excluded.active, role = excluded.role,"
    " last_update = excluded.last_update, counters_since = excluded.counters_since,"
    " active_connections = excluded.active_connections,"
    " inactive_connections = excluded.inactive_connections,"
    " persistent_connections = excluded.persistent_connections,"
    " connections_per_second = excluded.connections_per_second,"
    " bps_in = excluded.bps_in, bps_out = excluded.bps_out,"
    " pps_in = excluded.pps_in, pps_out = excluded.pps_out,"
    " total_connections = excluded.total_connections,"
    " total_packets_in = excluded.total_packets_in,"
    " total_packets_out = excluded.total_packets_out,"
    " total_octets_in = excluded.total_octets_in,"
    " total_octets_out = excluded.total_octets_out";

enum { FIRST_NUMBER = 6 };	/* its place among the parameters */

static enum err_code
row_put(struct db *db, const void *arg, struct err *err)
{
	const struct statistics *row = arg;
	sqlite3_stmt *stmt;
	enum err_code code;
	bool more;

	code = db_query(db, err, &stmt, put_sql, "iniii", (int64_t)row->real_id,
	    (int64_t)row->role, row->last_update, row->counters_since);
	if (code != ERR_OK)
		return code;
	if (row->present & STAT_PRESENT_ACTIVE)
		sqlite3_bind_int(stmt, 2, row->active);
	for (int i = 0; i < STAT_NUMBERS; i++) {
		/* What SQLite cannot hold stays at its top. */
		if (row->present & 1u << i)
			sqlite3_bind_int64(stmt, FIRST_NUMBER + i, row->number[i] > INT64_MAX ?
			    INT64_MAX : (int64_t)row->number[i]);
		else
			sqlite3_bind_null(stmt, FIRST_NUMBER + i);
	}
	return db_next(db, stmt, &more, err);
}

/* One transaction of the statistics, at most as long as a batch of rows. */
static enum err_code
batch_write(struct store *store, enum err_code (*fn)(struct db *, const void *, struct err *),
    const void *rows, size_t n, size_t size, struct err *err)
{
	struct db *db = &store->stats;
	enum err_code code = db_begin(db, true, err);

	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = fn(db, (const char *)rows + i * size, err);
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
		code = batch_write(store, row_put, &rows[done], n - done > STORE_STATISTICS_BATCH ?
		    STORE_STATISTICS_BATCH : n - done, sizeof(rows[0]), err);
	store_note_statistics(store, code);
	return code;
}

/* -- looks of drivers -------------------------------------------------------------- */

static enum err_code
look_put(struct db *db, const void *row, struct err *err)
{
	const struct driver_poll *look = row;

	return db_run(db, err, "INSERT INTO look (cluster_id, time, interval_ms)"
	    " VALUES (?1, ?2, ?3) ON CONFLICT (cluster_id) DO UPDATE SET time = excluded.time,"
	    " interval_ms = excluded.interval_ms", "iii", (int64_t)look->cluster_id, look->time,
	    (int64_t)look->interval_ms);
}

enum err_code
store_look_put(struct store *store, const struct driver_poll *look, struct err *err)
{
	enum err_code code = stats_look(store, err);

	if (code != ERR_OK)
		return code;
	code = batch_write(store, look_put, look, 1, sizeof(*look), err);
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

	code = db_query(&store->stats, err, &stmt, "SELECT " LOOK_COLUMNS " FROM look AS l"
	    " WHERE l.cluster_id = ?1", "i", (int64_t)cluster_id);
	if (code == ERR_OK)
		code = db_next(&store->stats, stmt, &row, err);
	if (code != ERR_OK || !row)
		return code;
	code = store_read_look(stmt, 0, ret, err);
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
