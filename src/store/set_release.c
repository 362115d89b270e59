/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The end of a SET: its release, which changes the rows and queues the jobs, or its undo.
 */
#include "store/store_private.h"

#include "util/clock.h"
#include "util/memory.h"

enum { ORPHAN_AGE_S = 30 };	/* an undo of a SET comes within this time */

/* -- release ------------------------------------------------------------------- */

/* SQL of a release after fallback_free(), in this order: first the rows, then the jobs, then the
 * settings of lbclusterd. */
static const enum sql release_steps[] = {
	SQL_RELEASE_COUNT, SQL_RELEASE_FALLBACK_OFF, SQL_RELEASE_FALLBACK_ON, SQL_RELEASE_ENABLED,
	SQL_RELEASE_WEIGHT, SQL_RELEASE_SERVICE, SQL_RELEASE_REAL_TIME, SQL_RELEASE_CONFIG_TIME,
	SQL_RELEASE_REFUSED, SQL_RELEASE_RECORDED, SQL_RELEASE_OVERTAKEN,
	SQL_RELEASE_OVERTAKES, SQL_RELEASE_QUEUED, SQL_RELEASE_SETTINGS, SQL_SETTINGS_DROP,
};

static const enum sql undo_steps[] = { SQL_UNDO_OLD_VALUES, SQL_UNDO_JOBS, SQL_SETTINGS_DROP };

static enum err_code
steps_run(struct db *db, const enum sql *steps, size_t n, int64_t first, int64_t second,
    struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = db_queue(db, steps[i], DB_VALUES(db_int(first), db_int(second)), err);
	return code;
}

/* Clears the fallback of rows by 'sql', which FALLBACK_FREE of sql.c makes. The triggers count each
 * row as a change, and the release of its job counts it again. So one of the two is subtracted. */
static enum err_code
fallback_free(struct db *db, enum sql sql, int64_t first, struct err *err)
{
	enum err_code code = db_run(db, sql, DB_VALUES(db_int(first)), err);
	int64_t n = db_changed_rows(db);

	return code != ERR_OK || n == 0 ? code :
	    db_run(db, SQL_FALLBACK_UNCOUNT, DB_VALUES(db_int(n)), err);
}

enum err_code
store_release_write(struct db *db, int64_t token, int64_t wall_s, struct err *err)
{
	enum err_code code = fallback_free(db, SQL_RELEASE_FALLBACK_FREE, token, err);

	return code != ERR_OK ? code :
	    steps_run(db, release_steps, ROWS(release_steps), token, wall_s, err);
}

/* Releases the held SETs that 'sql' finds with 'value', in the order of their commits. */
static enum err_code
all_release(struct db *db, enum sql sql, struct db_value value, int64_t wall_s, struct err *err)
{
	enum err_code code = ERR_OK;
	struct db_statement *stmt;
	bool more = true;
	int64_t token;

	while (code == ERR_OK) {
		code = db_first(db, sql, DB_VALUES(value), &stmt, &more, err);
		if (code != ERR_OK || !more)
			break;
		token = db_integer(stmt, 0);
		db_reset(stmt);
		code = store_release_write(db, token, wall_s, err);
	}
	return code;
}

enum err_code
store_fallback_free(struct store *store, uint32_t service_id, struct err *err)
{
	return fallback_free(&store->main, SQL_FALLBACK_FREE, service_id, err);
}

enum err_code
store_releases_write(struct store *store, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < store->n_releases && code == ERR_OK; i++) {
		const struct store_release *release = &store->releases[i];

		code = release->token == 0 ? all_release(&store->main, SQL_HELD_OLDEST,
		    db_str(store->owner), release->wall_s, err) :
		    store_release_write(&store->main, (int64_t)release->token, release->wall_s,
		    err);
	}
	return code;
}

enum err_code
store_releases_add(struct store *store, struct store_totals *totals, struct err *err)
{
	enum err_code code = ERR_OK;
	struct db_statement *stmt;
	bool row;

	for (size_t i = 0; i < store->n_releases && code == ERR_OK; i++) {
		code = db_query(&store->main, SQL_SETTINGS_HELD,
		    DB_VALUES(db_int((int64_t)store->releases[i].token), db_str(store->owner)),
		    &stmt, err);
		while (code == ERR_OK &&
		    (code = db_next(&store->main, stmt, &row, err)) == ERR_OK && row) {
			if (db_integer(stmt, 0) != 0)
				totals->set_lock = model_lock_next(totals->set_lock);
			else
				totals->notify_enable = (uint32_t)db_integer(stmt, 1);
		}
	}
	return code;
}

bool
store_set_is_released(const struct store *store, uint64_t token)
{
	size_t i = 0;

	/* A release of all (0) is of this instance alone, and the SET may be of another one. */
	while (i < store->n_releases && store->releases[i].token != token)
		i++;
	return i < store->n_releases;
}

enum err_code
store_flush(struct store *store, struct err *err)
{
	enum err_code code;

	if (store->n_releases == 0)
		return ERR_OK;
	code = store_write_begin(store, err);
	if (code == ERR_OK)
		code = store_releases_write(store, err);
	code = store_write_finish(store, code, err);
	if (code == ERR_OK)
		store->n_releases = 0;
	return code;
}

bool
store_needs_flush(const struct store *store)
{
	return store->n_releases > 0;
}

bool
store_was_replaced(const struct store *store)
{
	return store->replaced;
}

void
store_set_release(struct store *store, uint64_t token)
{
	struct store_release release = { .token = token, .wall_s = clock_wall_s() };

	if (token == 0)
		store->replaced = false;
	/* There is no room left, and lbcluster.db cannot be written. All held jobs are then
	 * released together later: none of them is of a SET that can still be undone. */
	if (store->n_releases == RELEASES_MAX && store_flush(store, NULL) != ERR_OK) {
		store->n_releases = 1;
		store->releases[0].token = 0;
		return;
	}
	store->releases[store->n_releases++] = release;
}

enum err_code
store_orphans_release(struct store *store, struct err *err)
{
	const struct db_value age = db_int(ORPHAN_AGE_S);
	struct db_statement *stmt;
	enum err_code code;
	bool found = false;

	/* A store without owners of SETs has one instance. */
	if (store->owner[0] == '\0')
		return ERR_OK;
	if ((code = store_step(store, err)) != ERR_OK ||
	    (code = db_write_check(&store->main, err)) != ERR_OK ||
	    (code = db_first(&store->main, SQL_HELD_ORPHAN, DB_VALUES(age), &stmt, &found,
	    err)) != ERR_OK || !found)
		return code;
	db_reset(stmt);
	/* Another instance may have released it meanwhile. */
	if ((code = store_write_begin(store, err)) == ERR_OK)
		code = all_release(&store->main, SQL_HELD_ORPHAN, age, clock_wall_s(), err);
	return store_write_finish(store, code, err);
}

/* -- undo ---------------------------------------------------------------------- */

enum err_code
store_set_undo(struct store *store, uint64_t token, struct err *err)
{
	enum err_code code = store_write_begin(store, err);

	if (code == ERR_OK)
		code = store_releases_write(store, err);
	if (code == ERR_OK)
		code = steps_run(&store->main, undo_steps, ROWS(undo_steps), (int64_t)token, 0,
		    err);
	code = store_write_finish(store, code, err);
	if (code == ERR_OK)
		store->n_releases = 0;
	return code;
}
