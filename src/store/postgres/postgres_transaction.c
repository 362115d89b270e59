/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Transactions. A writer locks the row of store_row first, as a statement of its own, so that all
 * later statements see what earlier writers committed, and "changed" is in the order of commits.
 */
#include "store/postgres/postgres_private.h"

#include <stdio.h>
#include <string.h>

#include "util/clock.h"

enum { SQL_SIZE = 256 };

static const char *const snapshot_sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SET LOCAL idle_in_transaction_session_timeout = 0; SELECT birth, version FROM store_row";

/* lock_timeout 0 would be no limit. A read waits for a lock only if another program locks a whole
 * table. */
static void
begin_write(const struct db *db, enum db_begin how, char sql[SQL_SIZE])
{
	int wait_ms = db->wait_ms < 1 ? 1 : db->wait_ms;

	if (how == DB_BEGIN_READ)
		snprintf(sql, SQL_SIZE, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
		    " SET LOCAL lock_timeout = %d; SELECT birth, version FROM store_row", wait_ms);
	else
		snprintf(sql, SQL_SIZE, "BEGIN; SET LOCAL lock_timeout = %d; SELECT FROM store_row"
		    " FOR UPDATE; SELECT birth, version, tally_fold() FROM store_row", wait_ms);
}

/* The numbers of store_row show whether the store was replaced: see identity_check(). */
enum err_code
postgres_begin(struct db *db, enum db_begin how, struct err *err)
{
	struct db_state *state = db->state;
	char sql[SQL_SIZE];
	PGresult *result = NULL;
	enum err_code code;

	if (state->snapshot && how == DB_BEGIN_READ)
		return ERR_OK;
	if (state->snapshot)
		postgres_rollback_send(db);
	state->writing = how != DB_BEGIN_READ;
	begin_write(db, how, sql);
	postgres_deadline_set(db);
	if ((code = postgres_exec(db, sql, &result, err)) != ERR_OK) {
		postgres_rollback_send(db);
		return code;
	}
	postgres_store_row_read(state, result);
	PQclear(result);
	return ERR_OK;
}

enum err_code
postgres_commit(struct db *db, struct err *err)
{
	struct db_state *state = db->state;
	PGresult *result = NULL;
	enum err_code code;

	/* An error before the COMMIT leaves no doubt. */
	if ((code = postgres_exchange_begin(db, err)) != ERR_OK)
		return code;
	state->local_commit = false;
	code = postgres_exec(db, "COMMIT", &result, err);
	state->until_ms = 0;
	/* The server may have the COMMIT, or not. */
	if (code != ERR_OK && state->step != POSTGRES_READY)
		return err_set(err, ERR_DOUBT, "%s: the server did not answer a COMMIT", db->path);
	/* A COMMIT after an error succeeds, but it rolls back. */
	if (code == ERR_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
		code = err_set(err, ERR_IO, "%s: the server rolled back", db->path);
	else if (code == ERR_OK && state->local_commit)
		code = err_set(err, ERR_DOUBT, "%s: no standby has confirmed a COMMIT", db->path);
	PQclear(result);
	return code;
}

void
postgres_rollback(struct db *db)
{
	struct db_state *state = db->state;

	if (state->step != POSTGRES_READY)
		return;
	if (!state->snapshot || state->writing)
		postgres_rollback_send(db);
	if (state->snapshot && state->writing)
		(void)postgres_snapshot_begin(db, NULL);
	state->writing = false;
}

enum err_code
postgres_snapshot_begin(struct db *db, struct err *err)
{
	enum err_code code = postgres_exec(db, snapshot_sql, NULL, err);

	db->state->snapshot = code == ERR_OK;
	return code;
}
