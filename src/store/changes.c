/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reading what changed: the store-wide counter and the rows after it.
 */
#include "store/store_private.h"

#include <stddef.h>
#include <string.h>

#include "util/clock.h"

/* How often readers begin again from the start. */
enum { RESTARTS_MAX = 10, RESTARTS_MS = 10000 };

/* -- one kind of row after another ------------------------------------------- */

/* What a function of the sink returned, with words. */
static enum err_code
told(enum err_code code, struct err *err)
{
	return code == ERR_OK ? code : err_set(err, code, "%s", err_name(code));
}

static enum err_code
emit_cluster(const struct store_sink *sink, const union shape_row *row)
{
	return sink->cluster(sink->arg, &row->cluster);
}

static enum err_code
emit_service(const struct store_sink *sink, const union shape_row *row)
{
	return sink->service(sink->arg, &row->service);
}

static enum err_code
emit_real(const struct store_sink *sink, const union shape_row *row)
{
	return sink->real(sink->arg, &row->real.row);
}

static enum err_code
emit_job(const struct store_sink *sink, const union shape_row *row)
{
	return sink->job(sink->arg, &row->job);
}

static enum err_code
emit_statistics(const struct store_sink *sink, const union shape_row *row)
{
	return sink->statistics(sink->arg, &row->statistics);
}

static enum err_code
emit_look(const struct store_sink *sink, const union shape_row *row)
{
	return sink->look == NULL ? ERR_OK : sink->look(sink->arg, &row->look);
}

static enum err_code
emit_removed(const struct store_sink *sink, const union shape_row *row)
{
	return sink->removed(sink->arg, row->removed.kind, row->removed.id);
}

static enum err_code
emit_removed_statistics(const struct store_sink *sink, const union shape_row *row)
{
	return sink->removed(sink->arg, STORE_STATISTICS, row->removed.id);
}

struct feed {
	enum shape_id	 shape;
	size_t		 cursor;	/* offset in struct store_cursor */
	enum err_code	(*emit)(const struct store_sink *sink, const union shape_row *row);
};

/* Removed rows come first, because a name may be used again. Then parents before children. */
static const struct feed main_feeds[] = {
	{ SHAPE_REMOVED, offsetof(struct store_cursor, removed), emit_removed },
	{ SHAPE_CLUSTER, offsetof(struct store_cursor, cluster), emit_cluster },
	{ SHAPE_SERVICE, offsetof(struct store_cursor, service), emit_service },
	{ SHAPE_REAL, offsetof(struct store_cursor, real), emit_real },
	{ SHAPE_JOB, offsetof(struct store_cursor, job), emit_job },
};

static const struct feed stats_feeds[] = {
	{ SHAPE_REMOVED_STATISTICS, offsetof(struct store_cursor, removed_stats),
	    emit_removed_statistics },
	{ SHAPE_STATISTICS, offsetof(struct store_cursor, statistics), emit_statistics },
	{ SHAPE_LOOK, offsetof(struct store_cursor, look), emit_look },
};

/* No row is younger than the store: a reader who went there would find it behind, and read
 * all of it again and again. */
static enum err_code
position_check(const struct db *db, const struct feed *feed, sqlite3_stmt *stmt, int64_t last,
    struct err *err)
{
	if (sqlite3_column_type(stmt, 0) == SQLITE_INTEGER && sqlite3_column_int64(stmt, 0) <= last)
		return ERR_OK;
	return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (a row of table %s has changed = "
	    "%.20s, where the counter is at %lld)", db->path, shapes[feed->shape].table,
	    db_text(stmt, 0), (long long)last);
}

/* A row that readers do not get: a reader that had the row before loses it. */
static enum err_code
row_leave_out(struct store *store, enum store_kind kind, sqlite3_stmt *stmt,
    const struct store_sink *sink, struct err *err)
{
	uint32_t id = (uint32_t)sqlite3_column_int64(stmt, 2);

	store_left_out_note(store, kind, id, (enum left_out_why)sqlite3_column_int(stmt, 1));
	return told(sink->removed(sink->arg, kind, id), err);
}

/* Hands out the row that 'stmt' is at. An invalid id is reported as damage, also of a row that
 * is left out. */
static enum err_code
row_read(struct store *store, const struct feed *feed, sqlite3_stmt *stmt,
    const struct store_sink *sink, struct err *err)
{
	int64_t id = sqlite3_column_int64(stmt, 2);
	union shape_row row;
	enum err_code code;

	if (sqlite3_column_int(stmt, 1) != LEFT_OUT_NOT && id >= 1 && id <= MODEL_ID_MAX)
		return row_leave_out(store, (enum store_kind)feed->shape, stmt, sink, err);
	code = shape_read(&shapes[feed->shape], stmt, 2, &row, err);
	if (code == ERR_OK)
		code = told(feed->emit(sink, &row), err);
	if (code == ERR_OK && feed->shape == SHAPE_REMOVED && id != STORE_STATISTICS)
		code = store_left_out_below(store, row.removed.kind, row.removed.id, err);
	return code;
}

/* Hands out the rows of one kind while *left lasts; 'last' is where the store is. */
static enum err_code
feed_read(struct store *store, struct db *db, const struct feed *feed, int64_t last,
    struct store_cursor *cursor, const struct store_sink *sink, size_t *left, struct err *err)
{
	int64_t *position = (int64_t *)(void *)((char *)cursor + feed->cursor);
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row = true;

	code = db_query(db, SQL_OF_ROWS(ROW_CHANGES, feed->shape),
	    DB_VALUES(db_int(*position), db_int((int64_t)*left)), &stmt, err);
	if (code != ERR_OK)
		return code;
	while ((code = db_next(db, stmt, &row, err)) == ERR_OK && row) {
		code = position_check(db, feed, stmt, last, err);
		if (code == ERR_OK)
			code = row_read(store, feed, stmt, sink, err);
		if (code != ERR_OK) {
			db_reset(stmt);
			return code;
		}
		*position = sqlite3_column_int64(stmt, 0);
		(*left)--;
	}
	return code;
}

static enum err_code
feeds_read(struct store *store, struct db *db, const struct feed *feeds, size_t n, int64_t last,
    struct store_cursor *cursor, const struct store_sink *sink, size_t *left, struct err *err)
{
	enum err_code code = ERR_OK;

	/* Children only once all their parents are out, in one snapshot. */
	for (size_t i = 0; i < n && *left > 0 && code == ERR_OK; i++)
		code = feed_read(store, db, &feeds[i], last, cursor, sink, left, err);
	return code;
}

/* -- how far the store is -------------------------------------------------------- */

enum err_code
store_verify(struct store *store, struct err *err)
{
	return db_verify(&store->main, err);
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

	code = db_first(db, SQL_EXTENT, DB_NO_VALUES, &stmt, &row, err);
	if (code != ERR_OK)
		return code;
	ret->change = row ? sqlite3_column_int64(stmt, 0) : 0;
	ret->removed_oldest = row ? sqlite3_column_int64(stmt, 1) : 0;
	db_reset(stmt);
	/* A reader would begin anew for ever. */
	if (ret->removed_oldest < 0 || ret->removed_oldest > ret->change)
		return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (table store has change = "
		    "%lld, removed_oldest = %lld)", db->path, (long long)ret->change,
		    (long long)ret->removed_oldest);
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

/* True if a reader may begin again from the start. So often in so long, whatever somebody
 * does to the store: in between readers serve what they know, and signals. */
static bool
restart_allowed(struct store *store)
{
	int64_t now = clock_steady_ms();

	if (now - store->restarts_since_ms >= RESTARTS_MS) {
		store->restarts_since_ms = now;
		store->restarts = 0;
	}
	return store->restarts++ < RESTARTS_MAX;
}

/* ERR_GONE if the cursor cannot be continued from, ERR_BUSY if that was so too often. */
static enum err_code
cursor_check(struct store *store, struct store_cursor *cursor, const struct extent *extent,
    struct err *err)
{
	/* A counter behind the cursor: older content was put in place. */
	bool older = cursor_furthest(cursor) > extent->change;

	if (cursor->generation != 0 && cursor->generation != store->generation)
		return err_set(err, ERR_GONE, "%s: was replaced", store->main.path);
	cursor->generation = store->generation;
	if (cursor_furthest(cursor) == 0) {	/* knows nothing that could be gone */
		cursor->removed = extent->change;
		return ERR_OK;
	}
	store->replaced |= older;
	if (!older && cursor->removed >= extent->removed_oldest)
		return ERR_OK;
	if (!restart_allowed(store))
		return err_set(err, ERR_BUSY, "%s: was replaced more than %d times in %d s: it is "
		    "read again later", store->main.path, RESTARTS_MAX, RESTARTS_MS / 1000);
	return err_set(err, ERR_GONE, "%s: %s", store->main.path,
	    older ? "was replaced" : "too much was removed since");
}

/* ERR_GONE if a row was repaired: the reader needs all that is below it as well. */
static enum err_code
repairs_check(struct store *store, struct err *err)
{
	bool repaired = false;
	enum err_code code = store_left_out_check(store, &repaired, err);

	store->restart_due |= repaired;
	if (code != ERR_OK || !store->restart_due || !restart_allowed(store))
		return code;
	store->restart_due = false;
	return err_set(err, ERR_GONE, "%s: rows were repaired", store->main.path);
}

static enum err_code
main_read(struct store *store, struct store_cursor *cursor, const struct store_sink *sink,
    size_t *left, int64_t *ret_change, struct err *err)
{
	struct store_totals totals;
	struct extent extent;
	int64_t version = 0;
	enum err_code code;

	code = store_totals(store, &totals, err);
	if (code == ERR_OK)
		code = extent_read(&store->main, &extent, err);
	if (code == ERR_OK)
		code = cursor_check(store, cursor, &extent, err);
	if (code == ERR_OK)
		code = repairs_check(store, err);
	for (enum store_kind kind = STORE_CLUSTER; kind <= STORE_REAL && code == ERR_OK; kind++)
		code = store_left_out_unnumbered(store, kind, sink, err);
	if (code != ERR_OK)
		return code;
	code = feeds_read(store, &store->main, main_feeds, sizeof(main_feeds) /
	    sizeof(main_feeds[0]), extent.change, cursor, sink, left, err);
	if (code == ERR_OK)
		code = db_number(&store->main, SQL_DATA_VERSION, DB_NO_VALUES, &version, err);
	if (code != ERR_OK)
		return code;
	if (*left > 0)
		store->main.data_version = version;
	*ret_change = extent.change;
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
	int64_t birth = 0;

	code = db_number(&store->stats, SQL_BIRTH, DB_NO_VALUES, &birth, err);
	if (code == ERR_OK)
		code = extent_read(&store->stats, &extent, err);
	if (code != ERR_OK || (birth == cursor->stats_birth &&
	    cursor->removed_stats >= extent.removed_oldest))
		return code;
	if (cursor->stats_birth != 0)
		code = sink->removed(sink->arg, STORE_STATISTICS, 0);
	cursor->stats_birth = birth;
	cursor->statistics = 0;
	cursor->look = 0;
	cursor->removed_stats = extent.removed_oldest;
	return code;
}

static enum err_code
stats_read(struct store *store, struct store_cursor *cursor, const struct store_sink *sink,
    size_t *left, int64_t *ret_change, struct err *err)
{
	struct extent extent;
	enum err_code code;
	int64_t version = 0;

	code = extent_read(&store->stats, &extent, err);
	if (code == ERR_OK)
		code = feeds_read(store, &store->stats, stats_feeds, sizeof(stats_feeds) /
		    sizeof(stats_feeds[0]), extent.change, cursor, sink, left, err);
	if (code == ERR_OK)
		code = db_number(&store->stats, SQL_DATA_VERSION, DB_NO_VALUES, &version, err);
	if (code == ERR_OK && *left > 0)
		store->stats.data_version = version;
	if (code == ERR_OK)
		*ret_change = extent.change;
	return code;
}

enum err_code
store_changes(struct store *store, struct store_cursor *cursor, const struct store_sink *sink,
    size_t limit, bool *ret_more, struct err *err)
{
	size_t left = limit;
	enum err_code code, stats = ERR_NOT_FOUND;
	int64_t main_change = 0, stats_change = 0;

	if ((code = store_files_check(store, err)) != ERR_OK)
		return code;
	/* A reader that polls reads again soon. So it does not wait for a lock, except to read
	 * what this process committed. */
	if (!store->committed)
		db_wait_set(&store->main, 0);
	/* The snapshot of the statistics is taken first: a row in it then finds its
	 * real service in the later snapshot of the inventory. */
	if (store->stats.handle != NULL)
		stats = db_begin(&store->stats, false, NULL);
	if (stats == ERR_OK)
		stats = stats_birth_check(store, cursor, sink, NULL);
	code = db_begin(&store->main, false, err);
	if (code == ERR_OK)
		code = main_read(store, cursor, sink, &left, &main_change, err);
	db_rollback(&store->main);
	db_wait_set(&store->main, store->wait_ms);
	if (code == ERR_OK && stats == ERR_OK && left > 0)
		stats = stats_read(store, cursor, sink, &left, &stats_change, NULL);
	db_rollback(&store->stats);
	store_note_statistics(store, stats);
	if (code == ERR_GONE) {
		store_lock_marks_show(store, 0, 0);
		return code;
	}
	store_note_read(store, code, err);
	if (code != ERR_OK)
		return code;
	store->committed = false;
	if (left > 0)
		store_lock_marks_show(store, main_change, stats_change);
	*ret_more = left == 0;
	return ERR_OK;
}
