/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads what changed: the rows above the values of the counter that a reader knows.
 */
#include "store/store_private.h"

#include <stddef.h>
#include <stdio.h>

#include "util/clock.h"
#include "util/memory.h"

/* How often readers must read all rows again. */
enum { RESTARTS_MAX = 10, RESTARTS_MS = 10000 };

/* Commits to the statistics in a row without a changed row. */
enum { HIDDEN_MAX = 2 };

/* Between two attempts to read statistics that another program locks. */
enum { STATS_BUSY_RETRY_MS = 400 };

/* A call of store_changes(). */
struct reading {
	struct store			*store;
	struct store_cursor		*cursor;
	const struct store_sink		*sink;
	size_t				 left;	/* how many more rows may be read */
};

/* -- rows of one table after the other -------------------------------------------- */

struct feed {
	enum shape_id	 shape;
	size_t		 cursor;	/* offset in struct store_cursor */
};

/* Removed rows come first, because a name may be used again. Then parents before children. */
static const struct feed main_feeds[] = {
	{ SHAPE_REMOVED, offsetof(struct store_cursor, removed) },
	{ SHAPE_CLUSTER, offsetof(struct store_cursor, cluster) },
	{ SHAPE_SERVICE, offsetof(struct store_cursor, service) },
	{ SHAPE_REAL, offsetof(struct store_cursor, real) },
	{ SHAPE_JOB, offsetof(struct store_cursor, job) },
};

static const struct feed stats_feeds[] = {
	{ SHAPE_REMOVED_STATISTICS, offsetof(struct store_cursor, removed_stats) },
	{ SHAPE_STATISTICS, offsetof(struct store_cursor, statistics) },
	{ SHAPE_SERVICE_STATISTICS, offsetof(struct store_cursor, service_statistics) },
	{ SHAPE_POLL, offsetof(struct store_cursor, poll) },
};

/* Adds a message to an error of the sink. */
static enum err_code
sink_result(enum err_code code, struct err *err)
{
	return code == ERR_OK ? code : err_set(err, code, "%s", err_name(code));
}

static enum err_code
row_pass(const struct store_sink *sink, enum shape_id shape, const union shape_row *row)
{
	switch (shape) {
	case SHAPE_CLUSTER:
		return sink->cluster(sink->arg, &row->cluster);
	case SHAPE_SERVICE:
		return sink->service(sink->arg, &row->service);
	case SHAPE_REAL:
		return sink->real(sink->arg, &row->real.row);
	case SHAPE_JOB:
		return sink->job(sink->arg, &row->job);
	case SHAPE_STATISTICS:
		return sink->statistics(sink->arg, &row->statistics);
	case SHAPE_SERVICE_STATISTICS:
		return sink->service_statistics == NULL ? ERR_OK :
		    sink->service_statistics(sink->arg, &row->statistics);
	case SHAPE_POLL:
		return sink->poll == NULL ? ERR_OK : sink->poll(sink->arg, &row->poll);
	case SHAPE_REMOVED:
	case SHAPE_REMOVED_STATISTICS:
		return sink->removed(sink->arg, row->removed.kind, row->removed.id);
	case SHAPES:
		break;
	}
	return ERR_OK;
}

/* Reports a row whose "changed" is above the counter as damage. A reader with this value in its
 * cursor would find the counter too low and read all rows again, without end. */
static enum err_code
position_check(const struct db *db, const struct feed *feed, const struct db_value *changed,
    int64_t last, struct err *err)
{
	char number[24];

	if (changed->type == DB_INTEGER && changed->number <= last)
		return ERR_OK;
	snprintf(number, sizeof(number), "%lld", (long long)changed->number);
	return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (a row of table %s has changed = "
	    "%.20s, but the counter is %lld)", db->path, shapes[feed->shape].table,
	    changed->type == DB_INTEGER ? number : changed->text, (long long)last);
}

/* Passes the current row of 'stmt': "changed", enum left_out_why, columns. A row that is left
 * out is removed from a reader that had it. An invalid id is reported as damage also of such a
 * row. */
static enum err_code
row_read(const struct reading *reading, const struct feed *feed, struct db_statement *stmt,
    struct err *err)
{
	enum left_out_why why = (enum left_out_why)db_integer(stmt, 1);
	const struct store_sink *sink = reading->sink;
	int64_t id = db_integer(stmt, 2);
	union shape_row row;
	enum err_code code;

	if (why != LEFT_OUT_NOT && id >= 1 && id <= MODEL_ID_MAX) {
		enum store_kind kind = (enum store_kind)feed->shape;

		store_left_out_note(reading->store, kind, (uint32_t)id, why);
		return sink_result(sink->removed(sink->arg, kind, (uint32_t)id), err);
	}
	if ((code = shape_read(&shapes[feed->shape], stmt, 2, &row, err)) != ERR_OK)
		return code;
	if ((code = row_pass(sink, feed->shape, &row)) != ERR_OK)
		return sink_result(code, err);
	if (feed->shape == SHAPE_REMOVED && row.removed.kind != STORE_STATISTICS)
		return store_left_out_below(reading->store, row.removed.kind, row.removed.id, err);
	return ERR_OK;
}

/* Passes the changed rows of one table; 'last' is the counter of the file. */
static enum err_code
feed_read(struct reading *reading, struct db *db, const struct feed *feed, int64_t last,
    struct err *err)
{
	int64_t *position = (int64_t *)(void *)((char *)reading->cursor + feed->cursor);
	struct db_statement *stmt;
	enum err_code code;
	bool row = true;

	code = db_query(db, SQL_OF_ROWS(ROW_CHANGES, feed->shape),
	    DB_VALUES(db_int(*position), db_int((int64_t)reading->left)), &stmt, err);
	if (code != ERR_OK)
		return code;
	while ((code = db_next(db, stmt, &row, err)) == ERR_OK && row) {
		if ((code = position_check(db, feed, &stmt->values[0], last, err)) != ERR_OK ||
		    (code = row_read(reading, feed, stmt, err)) != ERR_OK) {
			db_reset(stmt);
			return code;
		}
		*position = db_integer(stmt, 0);
		reading->left--;
	}
	return code;
}

/* Passes the changed rows of one file. A table is read only after all rows of the tables before
 * it. If all rows were read, store_changed() is false until the next commit. */
static enum err_code
feeds_read(struct reading *reading, struct db *db, const struct feed *feeds, size_t n,
    int64_t last, struct err *err)
{
	enum err_code code = ERR_OK;
	int64_t version = 0;

	for (size_t i = 0; i < n && reading->left > 0 && code == ERR_OK; i++)
		code = feed_read(reading, db, &feeds[i], last, err);
	if (code == ERR_OK)
		code = db_version(db, &version, err);
	if (code == ERR_OK && reading->left > 0)
		db->version_read = version;
	return code;
}

/* -- the counter of a file -------------------------------------------------------- */

struct extent {
	int64_t	change;		/* the counter */
	int64_t	removed_oldest;	/* removals up to this counter are no longer listed */
};

static enum err_code
extent_read(struct db *db, struct extent *ret, struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;
	bool row;

	if ((code = db_first(db, SQL_EXTENT, DB_NO_VALUES, &stmt, &row, err)) != ERR_OK)
		return code;
	ret->change = row ? db_integer(stmt, 0) : 0;
	ret->removed_oldest = row ? db_integer(stmt, 1) : 0;
	db_reset(stmt);
	/* Otherwise a reader would read all rows again, without end. */
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

	for (size_t i = 0; i < ROWS(positions); i++)
		if (positions[i] > furthest)
			furthest = positions[i];
	return furthest;
}

/* Limits how often readers read all rows again, whatever programs do to the store. */
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

/* Checks that reading can continue at the cursor. ERR_GONE if it cannot, or ERR_BUSY if ERR_GONE
 * was returned too often. */
static enum err_code
cursor_check(struct store *store, struct store_cursor *cursor, const struct extent *extent,
    struct err *err)
{
	bool older = cursor_furthest(cursor) > extent->change;

	if (cursor->generation == 0) {		/* a new reader */
		cursor->generation = store->generation;
		cursor->removed = extent->change;
		return ERR_OK;
	}
	if (cursor->generation != store->generation)
		return err_set(err, ERR_GONE, "%s: replaced or repaired", store->main.path);
	store->replaced |= older;		/* by older content */
	if (!older && cursor->removed >= extent->removed_oldest)
		return ERR_OK;
	if (!restart_allowed(store))
		return err_set(err, ERR_BUSY, "%s: replaced more than %d times in %d s; lbcluster "
		    "reads it again later", store->main.path, RESTARTS_MAX, RESTARTS_MS / 1000);
	return err_set(err, ERR_GONE, "%s: %s", store->main.path,
	    older ? "replaced" : "too many rows were removed since the last read");
}

/* -- the two files ---------------------------------------------------------------- */

static enum err_code
main_rows_read(struct reading *reading, int64_t *ret_change, struct err *err)
{
	struct store *store = reading->store;
	struct store_totals totals;
	struct extent extent;
	bool repaired = false;
	enum err_code code;

	if ((code = store->engine->identity_check(store, err)) != ERR_OK ||
	    (code = store_totals_read(store, &totals, err)) != ERR_OK ||
	    (code = extent_read(&store->main, &extent, err)) != ERR_OK ||
	    (code = store_left_out_check(store, &repaired, err)) != ERR_OK)
		return code;
	/* A reader needs a repaired row and all rows below it: it must read again. */
	store->repaired |= repaired;
	if (store->repaired && restart_allowed(store)) {
		store->repaired = false;
		store->generation++;
	}
	if ((code = cursor_check(store, reading->cursor, &extent, err)) != ERR_OK)
		return code;
	for (enum store_kind kind = STORE_CLUSTER; kind <= STORE_REAL && code == ERR_OK; kind++)
		code = store_left_out_unnumbered(store, kind, reading->sink, err);
	if (code == ERR_OK)
		code = feeds_read(reading, &store->main, main_feeds, ROWS(main_feeds),
		    extent.change, err);
	if (code != ERR_OK)
		return code;
	*ret_change = extent.change;
	reading->sink->totals(reading->sink->arg, &totals);
	return ERR_OK;
}

/* Reads lbcluster.db in one transaction. A reader that polls reads again soon, so it does not
 * wait for a lock, except to read what this process committed. */
static enum err_code
main_read(struct reading *reading, int64_t *ret_change, struct err *err)
{
	struct store *store = reading->store;
	enum err_code code;

	if (!store->committed)
		db_wait_set(&store->main, 0);
	if ((code = db_begin(&store->main, DB_BEGIN_READ, err)) == ERR_OK)
		code = main_rows_read(reading, ret_change, err);
	db_rollback(&store->main);
	db_wait_set(&store->main, store->wait_ms);
	return code;
}

/* Begins a transaction and takes its snapshot by a first read. That waits for a program that
 * stopped while it locks the WAL, so it is not tried again at each SET. */
static enum err_code
stats_begin(struct store *store, struct extent *ret)
{
	enum err_code code;

	if (!db_is_open(&store->stats))
		return ERR_NOT_FOUND;
	if (store->stats_file.state == FILE_BUSY && clock_steady_ms() < store->stats_busy_until_ms)
		return ERR_BUSY;
	if ((code = db_begin(&store->stats, DB_BEGIN_READ, NULL)) == ERR_OK)
		code = extent_read(&store->stats, ret, NULL);
	store->stats_busy_until_ms = code == ERR_OK ? 0 : clock_steady_ms() + STATS_BUSY_RETRY_MS;
	return code;
}

/* Checks that the commits of other programs raised the counter and that a row has its value, as the
 * triggers do. Garbage in the index of the WAL hides pages without an error. A checkpoint and a
 * change of the schema look the same, so the remedy must do no harm. */
static void
commit_check(struct store *store, const struct store_cursor *cursor, const struct extent *extent)
{
	const int64_t positions[] = { cursor->statistics, cursor->service_statistics,
		cursor->removed_stats, cursor->poll };
	bool found = false;

	for (size_t i = 0; i < ROWS(positions); i++)
		found |= positions[i] >= extent->change;
	store->stats_hidden = found && extent->change > cursor->stats_change ? 0 :
	    store->stats_hidden + 1;
	if (store->stats_hidden < HIDDEN_MAX)
		return;
	store->stats_hidden = 0;
	db_hidden_repair(&store->stats);
}

/* Reads the transaction of stats_begin(). A reader of another file, or one that is too far
 * behind, first drops all statistics. The counter goes back if the end of a WAL is lost. */
static enum err_code
stats_read(struct reading *reading, const struct extent *extent)
{
	struct db *db = &reading->store->stats;
	struct store_cursor *cursor = reading->cursor;
	int64_t birth = 0, known = db->version_read;
	enum err_code code;

	if ((code = db_number(db, SQL_BIRTH, DB_NO_VALUES, &birth, NULL)) != ERR_OK)
		return code;
	if (birth != cursor->stats_birth || cursor->removed_stats < extent->removed_oldest ||
	    cursor->stats_change > extent->change) {
		if (cursor->stats_birth != 0)
			code = reading->sink->removed(reading->sink->arg, STORE_STATISTICS, 0);
		cursor->stats_birth = birth;
		cursor->statistics = 0;
		cursor->service_statistics = 0;
		cursor->poll = 0;
		cursor->removed_stats = extent->removed_oldest;
	}
	if (code == ERR_OK)
		code = feeds_read(reading, db, stats_feeds, ROWS(stats_feeds), extent->change,
		    NULL);
	if (code != ERR_OK || reading->left == 0)
		return code;
	if (known != 0 && known != db->version_read)
		commit_check(reading->store, cursor, extent);
	cursor->stats_change = extent->change;
	return code;
}

static void
read_show(struct store *store, int64_t main, int64_t stats)
{
	if (store->engine->read_show != NULL)
		store->engine->read_show(store, main, stats);
}

enum err_code
store_changes(struct store *store, struct store_cursor *cursor, const struct store_sink *sink,
    size_t limit, bool *ret_more, struct err *err)
{
	struct reading reading = { store, cursor, sink, limit };
	struct extent stats_extent = { 0, 0 };
	enum err_code code, stats;
	int64_t main_change = 0;

	if ((code = store_step(store, err)) != ERR_OK)
		return code;
	/* The snapshot of the statistics is the older one. So the inventory has each real
	 * service that they name. */
	stats = stats_begin(store, &stats_extent);
	code = main_read(&reading, &main_change, err);
	/* It is another store: the next read opens it and returns ERR_GONE. */
	if (code == ERR_BUSY && store->main_file.state == FILE_REPLACED &&
	    (code = store->engine->main_step(store, false, err)) == ERR_OK)
		code = main_read(&reading, &main_change, err);
	if (code == ERR_OK && stats == ERR_OK && reading.left > 0)
		stats = stats_read(&reading, &stats_extent);
	db_rollback(&store->stats);
	store->engine->stats_note(store, stats);
	if (code == ERR_GONE)
		read_show(store, 0, 0);
	else
		store_note_read(store, code, err);
	if (code != ERR_OK)
		return code;
	*ret_more = reading.left == 0;
	if (!*ret_more) {
		/* db_version() does not change for commits of this connection. */
		store->committed = false;
		read_show(store, main_change, stats == ERR_OK ? stats_extent.change : 0);
	}
	return ERR_OK;
}
