/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine of db.h with PostgreSQL: the table of its functions.
 */
#include "store/postgres/postgres_private.h"

#include <stdlib.h>

#include "util/clock.h"

enum { STANDBY_POLL_MS = 1000 };

static bool
is_open(const struct db *db)
{
	return db->state->step == POSTGRES_READY;
}

static void
engine_free(struct db *db)
{
	if (db->state != NULL) {
		/* Otherwise the server logs that it could not send its answer. */
		(void)postgres_drain(db, clock_steady_ms() + POSTGRES_SILENT_MS, NULL);
		postgres_session_close(db);
		postgres_statements_free(db->state);
	}
	free(db->state);
	db->state = NULL;
}

static int64_t
changed_rows(const struct db *db)
{
	return db->state->changed_rows;
}

/* lock_timeout: see postgres_begin(). */
static void
wait_set(struct db *db, int wait_ms)
{
	db->wait_ms = wait_ms;
}

/* A standby cannot LISTEN, so its readers read once a second. The result is never 0, which is the
 * version of a reader that has read nothing. */
static enum err_code
version(struct db *db, int64_t *ret, struct err *err)
{
	enum err_code code = postgres_notifications_read(db, err);

	if (code == ERR_OK)
		*ret = 1 + (db->state->standby ? clock_steady_ms() / STANDBY_POLL_MS :
		    db->state->notifications);
	return code;
}

static enum err_code
write_check(const struct db *db, struct err *err)
{
	return db->state->standby ? err_set(err, ERR_READONLY, "%s: the server is a standby, which "
	    "is read-only", db->path) : ERR_OK;
}

static void
hidden_repair(const struct db *db)
{
	(void)db;
}

const struct db_engine postgres_engine = {
	.is_open = is_open,
	.close = postgres_session_close,
	.free = engine_free,
	.query = postgres_query,
	.next = postgres_next,
	.reset = postgres_reset,
	.queue = postgres_queue,
	.insert = postgres_insert,
	.changed_rows = changed_rows,
	.rows_put = postgres_rows_put,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.wait_set = wait_set,
	.version = version,
	.write_check = write_check,
	.hidden_repair = hidden_repair,
};
