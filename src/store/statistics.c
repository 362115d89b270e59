/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Writing statistics, in short transactions: nobody waits for a long one.
 */
#include "store/db.h"

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
row_put(struct db *db, const struct statistics *row, struct err *err)
{
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

enum err_code
store_statistics_put(struct store *store, const struct statistics *rows, size_t n,
    struct err *err)
{
	struct db *db = &store->stats;
	enum err_code code;

	code = store_files_look(store, err);
	if (code == ERR_OK && db->handle == NULL)
		code = err_set(err, ERR_IO, "%s: cannot be opened", db->path);
	for (size_t done = 0; done < n && code == ERR_OK; done += STORE_STATISTICS_BATCH) {
		size_t end = n - done > STORE_STATISTICS_BATCH ?
		    done + STORE_STATISTICS_BATCH : n;

		code = db_begin(db, true, err);
		for (size_t i = done; i < end && code == ERR_OK; i++)
			code = row_put(db, &rows[i], err);
		if (code == ERR_OK) {
			store->self_changed = true;
			store->stats_written = true;
			code = db_commit(db, err);
		}
		db_rollback(db);
	}
	store_saw_statistics(store, code);
	return code;
}
