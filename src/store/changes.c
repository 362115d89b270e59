/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reading what changed: the store-wide counter and the rows after it.
 */
#include "store/db.h"

#include <stddef.h>
#include <string.h>

/* -- rows ------------------------------------------------------------------- */

void
store_read_cluster(sqlite3_stmt *stmt, int first, struct cluster_row *ret)
{
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->name = db_text(stmt, first + 1);
	ret->plane = db_text(stmt, first + 2);
	ret->plane_params = db_text(stmt, first + 3);
	ret->plane_status = (enum plane_status)sqlite3_column_int(stmt, first + 4);
	ret->plane_message = db_text(stmt, first + 5);
}

void
store_read_service(sqlite3_stmt *stmt, int first, struct service_row *ret)
{
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->cluster_id = (uint32_t)sqlite3_column_int64(stmt, first + 1);
	ret->name = db_text(stmt, first + 2);
	ret->address = db_text(stmt, first + 3);
	ret->port = db_text(stmt, first + 4);
	ret->protocol = (enum protocol)sqlite3_column_int(stmt, first + 5);
}

void
store_read_real(sqlite3_stmt *stmt, int first, struct real_row *ret)
{
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->service_id = (uint32_t)sqlite3_column_int64(stmt, first + 1);
	ret->name = db_text(stmt, first + 2);
	ret->address = db_text(stmt, first + 3);
	ret->port = db_text(stmt, first + 4);
	ret->weight = (uint16_t)sqlite3_column_int(stmt, first + 5);
	ret->fallback = sqlite3_column_int(stmt, first + 6) != 0;
	ret->enabled = sqlite3_column_int(stmt, first + 7) != 0;
	ret->reason = db_text(stmt, first + 8);
	ret->last_change = sqlite3_column_int64(stmt, first + 9);
	ret->last_job = (uint32_t)sqlite3_column_int64(stmt, first + 10);
}

void
store_read_job(sqlite3_stmt *stmt, int first, struct job_row *ret)
{
	ret->id = (uint32_t)sqlite3_column_int64(stmt, first);
	ret->real_id = (uint32_t)sqlite3_column_int64(stmt, first + 1);
	ret->operation = (enum job_operation)sqlite3_column_int(stmt, first + 2);
	ret->state = (enum job_state)sqlite3_column_int(stmt, first + 3);
	ret->cause = (enum job_fail_cause)sqlite3_column_int(stmt, first + 4);
	ret->source = (enum job_source)sqlite3_column_int(stmt, first + 5);
	ret->old_value = (uint32_t)sqlite3_column_int64(stmt, first + 6);
	ret->new_value = (uint32_t)sqlite3_column_int64(stmt, first + 7);
	ret->request = (uint32_t)sqlite3_column_int64(stmt, first + 8);
	ret->created = sqlite3_column_int64(stmt, first + 9);
	ret->started = sqlite3_column_int64(stmt, first + 10);
	ret->finished = sqlite3_column_int64(stmt, first + 11);
	ret->cluster = db_text(stmt, first + 12);
	ret->service = db_text(stmt, first + 13);
	ret->real = db_text(stmt, first + 14);
	ret->message = db_text(stmt, first + 15);
}

void
store_read_statistics(sqlite3_stmt *stmt, int first, struct statistics *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->real_id = (uint32_t)sqlite3_column_int64(stmt, first);
	if (sqlite3_column_type(stmt, first + 1) != SQLITE_NULL) {
		ret->active = sqlite3_column_int(stmt, first + 1) != 0;
		ret->present |= STAT_PRESENT_ACTIVE;
	}
	ret->last_update = sqlite3_column_int64(stmt, first + 2);
	ret->counters_since = sqlite3_column_int64(stmt, first + 3);
	for (int i = 0; i < STAT_NUMBERS; i++) {
		if (sqlite3_column_type(stmt, first + 4 + i) == SQLITE_NULL)
			continue;
		ret->number[i] = (uint64_t)sqlite3_column_int64(stmt, first + 4 + i);
		ret->present |= 1u << i;
	}
}

/* -- one kind of row after another ------------------------------------------- */

static enum err_code
emit_removed(const struct store_sink *sink, sqlite3_stmt *stmt)
{
	return sink->removed(sink->arg, (enum store_kind)sqlite3_column_int(stmt, 1),
	    (uint32_t)sqlite3_column_int64(stmt, 2));
}

static enum err_code
emit_cluster(const struct store_sink *sink, sqlite3_stmt *stmt)
{
	struct cluster_row row;

	store_read_cluster(stmt, 1, &row);
	return sink->cluster(sink->arg, &row);
}

static enum err_code
emit_service(const struct store_sink *sink, sqlite3_stmt *stmt)
{
	struct service_row row;

	store_read_service(stmt, 1, &row);
	return sink->service(sink->arg, &row);
}

static enum err_code
emit_real(const struct store_sink *sink, sqlite3_stmt *stmt)
{
	struct real_row row;

	store_read_real(stmt, 1, &row);
	return sink->real(sink->arg, &row);
}

static enum err_code
emit_job(const struct store_sink *sink, sqlite3_stmt *stmt)
{
	struct job_row row;

	store_read_job(stmt, 1, &row);
	return sink->job(sink->arg, &row);
}

static enum err_code
emit_statistics(const struct store_sink *sink, sqlite3_stmt *stmt)
{
	struct statistics row;

	store_read_statistics(stmt, 1, &row);
	return sink->statistics(sink->arg, &row);
}

struct feed {
	const char	*sql;		/* changed, then the row; ?1 after, ?2 limit */
	size_t		 cursor;	/* offset in struct store_cursor */
	enum err_code	(*emit)(const struct store_sink *sink, sqlite3_stmt *stmt);
};

#define FEED(table, alias, columns)                                            \
	"SELECT " alias ".changed, " columns " FROM " table " AS " alias       \
	" WHERE " alias ".changed > ?1 ORDER BY " alias ".changed LIMIT ?2"

/* What is gone first (a name may be used again), then parents before children. */
static const struct feed main_feeds[] = {
	{ FEED("removed", "x", "x.kind, x.id"), offsetof(struct store_cursor, removed),
	    emit_removed },
	{ FEED("cluster", "c", CLUSTER_COLUMNS), offsetof(struct store_cursor, cluster),
	    emit_cluster },
	{ FEED("service", "s", SERVICE_COLUMNS), offsetof(struct store_cursor, service),
	    emit_service },
	{ FEED("real_service", "r", REAL_COLUMNS), offsetof(struct store_cursor, real),
	    emit_real },
	{ FEED("job", "j", JOB_COLUMNS), offsetof(struct store_cursor, job), emit_job },
};

static const struct feed stats_feeds[] = {
	{ FEED("removed", "x", "5, x.id"), offsetof(struct store_cursor, removed_stats),
	    emit_removed },
	{ FEED("statistics", "t", STATISTICS_COLUMNS),
	    offsetof(struct store_cursor, statistics), emit_statistics },
};

/* Hands out the rows of one kind while *left lasts. */
static enum err_code
feed_read(struct db *db, const struct feed *feed, struct store_cursor *cursor,
    const struct store_sink *sink, size_t *left, struct err *err)
{
	int64_t *position = (int64_t *)(void *)((char *)cursor + feed->cursor);
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row = true;

	code = db_query(db, err, &stmt, feed->sql, "ii", *position, (int64_t)*left);
	if (code != ERR_OK)
		return code;
	while ((code = db_next(db, stmt, &row, err)) == ERR_OK && row) {
		code = feed->emit(sink, stmt);
		if (code != ERR_OK) {
			db_reset(stmt);
			return err_set(err, code, "%s", err_name(code));
		}
		*position = sqlite3_column_int64(stmt, 0);
		(*left)--;
	}
	return code;
}

static enum err_code
feeds_read(struct db *db, const struct feed *feeds, size_t n, struct store_cursor *cursor,
    const struct store_sink *sink, size_t *left, struct err *err)
{
	enum err_code code = ERR_OK;

	/* Children only once all their parents are out, in one snapshot. */
	for (size_t i = 0; i < n && *left > 0 && code == ERR_OK; i++)
		code = feed_read(db, &feeds[i], cursor, sink, left, err);
	return code;
}

/* -- facts about the whole ---------------------------------------------------- */

static enum err_code
totals_read(struct db *db, struct store_totals *ret, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row;

	code = db_query(db, err, &stmt,
	    "SELECT config_changes, config_last_change, table_last_change,"
	    " jobs_succeeded, jobs_failed, jobs_bumped,"
	    " ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'job'), 0),"
	    " ifnull((SELECT value FROM setting WHERE name = 'set_lock'), 0),"
	    " ifnull((SELECT value FROM setting WHERE name = 'job_max_rows'), 1000),"
	    " ifnull((SELECT value FROM setting WHERE name = 'notify_enable'), ?1)"
	    " FROM store", "i", (int64_t)NOTIFY_DEFAULT);
	if (code == ERR_OK)
		code = db_next(db, stmt, &row, err);
	if (code != ERR_OK)
		return code;
	if (!row)
		return err_set(err, ERR_CORRUPT, "%s: table store is empty", db->path);
	ret->config_changes = sqlite3_column_int64(stmt, 0);
	ret->config_last_change = sqlite3_column_int64(stmt, 1);
	ret->table_last_change = sqlite3_column_int64(stmt, 2);
	ret->jobs_succeeded = sqlite3_column_int64(stmt, 3);
	ret->jobs_failed = sqlite3_column_int64(stmt, 4);
	ret->jobs_bumped = sqlite3_column_int64(stmt, 5);
	ret->job_last_id = (uint32_t)sqlite3_column_int64(stmt, 6);
	ret->set_lock = (uint32_t)sqlite3_column_int64(stmt, 7) & MODEL_ID_MAX;
	ret->job_max_rows = (uint32_t)sqlite3_column_int64(stmt, 8);
	ret->notify_enable = (uint32_t)sqlite3_column_int64(stmt, 9) &
	    ((1u << NOTIFY_BITS) - 1);
	db_reset(stmt);
	return ERR_OK;
}

enum err_code
store_totals(struct store *store, struct store_totals *ret, struct err *err)
{
	return totals_read(&store->main, ret, err);
}

/* How far the store itself is. */
struct extent {
	int64_t	change;		/* its counter */
	int64_t	removed_oldest;	/* what was removed up to here is forgotten */
};

static enum err_code
extent_read(struct db *db, struct extent *ret, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row;

	code = db_query(db, err, &stmt, "SELECT change, removed_oldest FROM store", "");
	if (code == ERR_OK)
		code = db_next(db, stmt, &row, err);
	if (code != ERR_OK)
		return code;
	ret->change = row ? sqlite3_column_int64(stmt, 0) : 0;
	ret->removed_oldest = row ? sqlite3_column_int64(stmt, 1) : 0;
	db_reset(stmt);
	return ERR_OK;
}

static int64_t
cursor_furthest(const struct store_cursor *cursor)
{
	const int64_t positions[] = { cursor->cluster, cursor->service, cursor->real,
		cursor->job, cursor->removed };
	int64_t furthest = 0;

	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
		if (positions[i] > furthest)
			furthest = positions[i];
	return furthest;
}

static enum err_code
main_read(struct store *store, struct store_cursor *cursor, const struct store_sink *sink,
    size_t *left, struct err *err)
{
	struct store_totals totals;
	struct extent extent;
	int64_t version;
	enum err_code code;

	code = totals_read(&store->main, &totals, err);
	if (code == ERR_OK)
		code = extent_read(&store->main, &extent, err);
	if (code != ERR_OK)
		return code;
	/* A counter behind the cursor: older content was put in place. */
	if (store->main_replaced || cursor_furthest(cursor) > extent.change) {
		store->main_replaced = false;
		return err_set(err, ERR_GONE, "%s: was replaced", store->main.path);
	}
	if (cursor_furthest(cursor) == 0)	/* knows nothing that could be gone */
		cursor->removed = extent.change;
	else if (cursor->removed < extent.removed_oldest)
		return err_set(err, ERR_GONE, "%s: too much was removed since", store->main.path);
	code = feeds_read(&store->main, main_feeds, sizeof(main_feeds) / sizeof(main_feeds[0]),
	    cursor, sink, left, err);
	if (code == ERR_OK)
		code = db_number(&store->main, err, 0, &version, "PRAGMA data_version", "");
	if (code != ERR_OK)
		return code;
	if (*left > 0)
		store->main.data_version = version;
	sink->totals(sink->arg, &totals);
	return ERR_OK;
}

/* A statistics file made anew forgets all rows that were known, and so does a reader
 * who comes too late for what was removed. */
static enum err_code
stats_birth_check(struct store *store, struct store_cursor *cursor,
    const struct store_sink *sink, struct err *err)
{
	struct extent extent;
	enum err_code code;
	int64_t birth;

	code = db_number(&store->stats, err, 0, &birth, "SELECT birth FROM store", "");
	if (code == ERR_OK)
		code = extent_read(&store->stats, &extent, err);
	if (code != ERR_OK || (birth == cursor->stats_birth &&
	    cursor->removed_stats >= extent.removed_oldest))
		return code;
	if (cursor->stats_birth != 0)
		code = sink->removed(sink->arg, STORE_STATISTICS, 0);
	cursor->stats_birth = birth;
	cursor->statistics = 0;
	cursor->removed_stats = extent.removed_oldest;
	return code;
}

static enum err_code
stats_read(struct store *store, struct store_cursor *cursor, const struct store_sink *sink,
    size_t *left, struct err *err)
{
	enum err_code code;
	int64_t version;

	code = feeds_read(&store->stats, stats_feeds,
	    sizeof(stats_feeds) / sizeof(stats_feeds[0]), cursor, sink, left, err);
	if (code == ERR_OK)
		code = db_number(&store->stats, err, 0, &version, "PRAGMA data_version", "");
	if (code == ERR_OK && *left > 0)
		store->stats.data_version = version;
	return code;
}

enum err_code
store_changes(struct store *store, struct store_cursor *cursor, const struct store_sink *sink,
    size_t limit, bool *ret_more, struct err *err)
{
	size_t left = limit;
	enum err_code code, stats = ERR_NOT_FOUND;

	code = store_files_look(store, err);
	if (code != ERR_OK)
		return code;
	/* Who reads to keep a picture fresh comes again soon: no wait for a lock,
	 * except to show what was just done here. */
	if (!store->self_changed)
		sqlite3_busy_timeout(store->main.handle, 0);
	/* The snapshot of the statistics is taken first: a row in it then finds its
	 * real service in the later snapshot of the inventory. */
	if (store->stats.handle != NULL)
		stats = db_begin(&store->stats, false, NULL);
	if (stats == ERR_OK)
		stats = stats_birth_check(store, cursor, sink, NULL);
	code = db_begin(&store->main, false, err);
	if (code == ERR_OK)
		code = main_read(store, cursor, sink, &left, err);
	db_rollback(&store->main);
	sqlite3_busy_timeout(store->main.handle, store->wait_ms);
	if (code == ERR_OK && stats == ERR_OK && left > 0)
		stats = stats_read(store, cursor, sink, &left, NULL);
	db_rollback(&store->stats);
	store_saw_statistics(store, stats);
	if (code == ERR_GONE)
		return code;
	store_saw_read(store, code, err);
	if (code != ERR_OK)
		return code;
	/* What could not be read this time is looked at again. */
	store->self_changed = store->stats.handle != NULL && stats != ERR_OK;
	*ret_more = left == 0;
	return ERR_OK;
}
