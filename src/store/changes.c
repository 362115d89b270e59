/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reading what changed: the store-wide counter and the rows after it.
 */
#include "store/shapes.h"
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
emit_removed(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err)
{
	enum store_kind kind;
	uint32_t id;
	enum err_code code = store_read_removed(stmt, 2, &kind, &id, err);

	return code == ERR_OK ? told(sink->removed(sink->arg, kind, id), err) : code;
}

static enum err_code
emit_cluster(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err)
{
	enum err_code code;
	struct cluster_row row;

	code = store_read_cluster(stmt, 2, &row, err);
	return code == ERR_OK ? told(sink->cluster(sink->arg, &row), err) : code;
}

static enum err_code
emit_service(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err)
{
	enum err_code code;
	struct service_row row;

	code = store_read_service(stmt, 2, &row, err);
	return code == ERR_OK ? told(sink->service(sink->arg, &row), err) : code;
}

static enum err_code
emit_real(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err)
{
	enum err_code code;
	struct real_row row;

	code = store_read_real(stmt, 2, &row, err);
	return code == ERR_OK ? told(sink->real(sink->arg, &row), err) : code;
}

static enum err_code
emit_job(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err)
{
	enum err_code code;
	struct job_row row;

	code = store_read_job(stmt, 2, &row, err);
	return code == ERR_OK ? told(sink->job(sink->arg, &row), err) : code;
}

static enum err_code
emit_statistics(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err)
{
	enum err_code code;
	struct statistics row;

	code = store_read_statistics(stmt, 2, &row, err);
	return code == ERR_OK ? told(sink->statistics(sink->arg, &row), err) : code;
}

static enum err_code
emit_look(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err)
{
	struct driver_poll look;
	enum err_code code = store_read_look(stmt, 2, &look, err);

	if (code != ERR_OK || sink->look == NULL)
		return code;
	return told(sink->look(sink->arg, &look), err);
}

struct feed {
	const char	*table;
	enum store_kind	 kind;		/* of a row that may be left out, otherwise 0 */
	const char	*sql;		/* changed, why left out, the row; ?1 after, ?2 limit */
	size_t		 cursor;	/* offset in struct store_cursor */
	enum err_code	(*emit)(const struct store_sink *sink, sqlite3_stmt *stmt, struct err *err);
};

#define FEED(table, kind, alias, why, columns)                                 \
	table, kind, "SELECT " alias ".changed, " why ", " columns " FROM "   \
	table " AS " alias " WHERE " alias ".changed > ?1 ORDER BY " alias ".changed LIMIT ?2"

/* What is gone first (a name may be used again), then parents before children. */
static const struct feed main_feeds[] = {
	{ FEED("removed", 0, "x", "0", "x.kind, x.id"), offsetof(struct store_cursor, removed),
	    emit_removed },
	{ FEED("cluster", STORE_CLUSTER, "c", CLUSTER_LEFT_OUT, CLUSTER_COLUMNS),
	    offsetof(struct store_cursor, cluster), emit_cluster },
	{ FEED("service", STORE_SERVICE, "s", SERVICE_LEFT_OUT, SERVICE_COLUMNS),
	    offsetof(struct store_cursor, service), emit_service },
	{ FEED("real_service", STORE_REAL, "r", REAL_LEFT_OUT, REAL_COLUMNS),
	    offsetof(struct store_cursor, real), emit_real },
	{ FEED("job", STORE_JOB, "j", JOB_LEFT_OUT, JOB_COLUMNS),
	    offsetof(struct store_cursor, job), emit_job },
};

static const struct feed stats_feeds[] = {
	{ FEED("removed", 0, "x", "0", "5, x.id"), offsetof(struct store_cursor, removed_stats),
	    emit_removed },
	{ FEED("statistics", 0, "t", "0", STATISTICS_COLUMNS),
	    offsetof(struct store_cursor, statistics), emit_statistics },
	{ FEED("look", 0, "l", "0", LOOK_COLUMNS), offsetof(struct store_cursor, look),
	    emit_look },
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
	    "%.20s, where the counter is at %lld)", db->path, feed->table, db_text(stmt, 0),
	    (long long)last);
}

/* A row that readers do not get: one that had it before loses it. */
static enum err_code
row_leave_out(struct store *store, const struct feed *feed, sqlite3_stmt *stmt,
    const struct store_sink *sink, struct err *err)
{
	uint32_t id = (uint32_t)sqlite3_column_int64(stmt, 2);

	store_left_out_note(store, feed->kind, id,
	    (enum left_out_why)sqlite3_column_int(stmt, 1));
	return told(sink->removed(sink->arg, feed->kind, id), err);
}

/* Hands out the row that 'stmt' is at. One whose id is invalid is damage of another kind,
 * which emit() names. */
static enum err_code
row_read(struct store *store, const struct feed *feed, sqlite3_stmt *stmt,
    const struct store_sink *sink, struct err *err)
{
	int64_t id = sqlite3_column_int64(stmt, 2);
	enum err_code code;

	if (sqlite3_column_int(stmt, 1) != LEFT_OUT_NOT && id >= 1 && id <= MODEL_ID_MAX)
		return row_leave_out(store, feed, stmt, sink, err);
	code = feed->emit(sink, stmt, err);
	if (code == ERR_OK && feed->emit == emit_removed && id != STORE_STATISTICS)
		code = store_left_out_below(store, (enum store_kind)id,
		    (uint32_t)sqlite3_column_int64(stmt, 3), err);
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

	code = db_query(db, err, &stmt, feed->sql, "ii", *position, (int64_t)*left);
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

/* -- facts about the whole ---------------------------------------------------- */

enum { JOB_ROWS_MAX = 100000, STALE_AFTER_MAX_S = 86400 };

/* Settings have no CHECK. */
static int64_t
within(int64_t number, int64_t min, int64_t max)
{
	return number < min ? min : number > max ? max : number;
}

static enum err_code
totals_read(struct store *store, struct store_totals *ret, struct err *err)
{
	struct db *db = &store->main;
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row;

	code = db_query(db, err, &stmt,
	    "SELECT config_changes, config_last_change, table_last_change,"
	    " jobs_succeeded, jobs_failed, jobs_bumped,"
	    " ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'job'), 0),"
	    " ifnull((SELECT value FROM setting WHERE name = 'set_lock'), 0),"
	    " ifnull((SELECT value FROM setting WHERE name = 'job_max_rows'), 1000),"
	    " ifnull((SELECT value FROM setting WHERE name = 'notify_enable'), ?1),"
	    " ifnull((SELECT value FROM setting WHERE name = 'stale_after'), ?2)"
	    " FROM store", "ii", (int64_t)NOTIFY_DEFAULT, (int64_t)STALE_AFTER_DEFAULT_S);
	if (code == ERR_OK)
		code = db_next(db, stmt, &row, err);
	if (code != ERR_OK)
		return code;
	if (!row)
		return err_set(err, ERR_CORRUPT, "%s: table store is empty", db->path);
	memset(ret, 0, sizeof(*ret));	/* what is between the members, too: it is compared */
	ret->config_changes = (uint32_t)sqlite3_column_int64(stmt, 0);
	ret->config_last_change = sqlite3_column_int64(stmt, 1);
	ret->table_last_change = sqlite3_column_int64(stmt, 2);
	ret->jobs_succeeded = (uint32_t)sqlite3_column_int64(stmt, 3);
	ret->jobs_failed = (uint32_t)sqlite3_column_int64(stmt, 4);
	ret->jobs_bumped = (uint32_t)sqlite3_column_int64(stmt, 5);
	ret->job_last_id = (uint32_t)within(sqlite3_column_int64(stmt, 6), 0, MODEL_ID_MAX);
	ret->set_lock = (uint32_t)sqlite3_column_int64(stmt, 7) & MODEL_ID_MAX;
	ret->job_max_rows = (uint32_t)within(sqlite3_column_int64(stmt, 8), 0, JOB_ROWS_MAX);
	ret->notify_enable = (uint32_t)sqlite3_column_int64(stmt, 9) &
	    ((1u << NOTIFY_BITS) - 1);
	ret->stale_after_s = (uint32_t)within(sqlite3_column_int64(stmt, 10), 1,
	    STALE_AFTER_MAX_S);
	db_reset(stmt);
	return store_releases_add(store, ret, err);
}

enum err_code
store_verify(struct store *store, struct err *err)
{
	return db_verify(&store->main, err);
}

enum err_code
store_totals(struct store *store, struct store_totals *ret, struct err *err)
{
	return totals_read(store, ret, err);
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
	int64_t version;
	enum err_code code;

	code = totals_read(store, &totals, err);
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
		code = db_number(&store->main, err, 0, &version, "PRAGMA data_version", "");
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
	int64_t version;

	code = extent_read(&store->stats, &extent, err);
	if (code == ERR_OK)
		code = feeds_read(store, &store->stats, stats_feeds, sizeof(stats_feeds) /
		    sizeof(stats_feeds[0]), extent.change, cursor, sink, left, err);
	if (code == ERR_OK)
		code = db_number(&store->stats, err, 0, &version, "PRAGMA data_version", "");
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
