/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The queries of a new session: its settings, the identity of the server, the version of the
 * schema, notifications, the lock of the program.
 */
#include "store/postgres/postgres_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/memory.h"

/* Settings of the session. A pooler drops settings of a connection string. The timeouts end a
 * transaction that a program left open. The planner has to use an index for each statement of the
 * store, also while tables are empty and it has no statistics of them. */
static void
settings_write(const struct db *db, char *sql, size_t size)
{
	const struct db_state *state = db->state;
	bool loop = state->server->has_loop;

	snprintf(sql, size, "SET search_path = %s, pg_temp; SET lock_timeout = %d;"
	    " SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d;"
	    " SET client_connection_check_interval = %d; SET tcp_keepalives_idle = 2;"
	    " SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;"
	    " SET tcp_user_timeout = 5000; SET client_min_messages = warning;"
	    " SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off;"
	    " SET synchronous_commit = %s", state->kind->schema,
	    loop ? POSTGRES_LOCK_MS : db->wait_ms < 1 ? 1 : db->wait_ms,
	    loop ? 4 * POSTGRES_LOOP_MS : POSTGRES_OTHERS_MS,
	    loop ? 4 * POSTGRES_LOOP_MS : POSTGRES_OTHERS_MS, POSTGRES_LOOP_MS,
	    state->kind == &postgres_stats_kind ? "off" : "on");
}

/* The identity of the server, and whether the schema exists. A cursor of a reader holds for one
 * identity: after the promotion of an asynchronous standby, other rows have the same numbers. */
static void
identity_write(const struct db *db, char *sql, size_t size)
{
	snprintf(sql, size, "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM"
	    " pg_control_system()) || '/' || (SELECT oid FROM pg_database"
	    " WHERE datname = current_database()) || '/' || CASE WHEN pg_is_in_recovery()"
	    " THEN (SELECT timeline_id::text FROM pg_control_checkpoint())"
	    " ELSE ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0') END,"
	    " to_regclass('%s.store_row') IS NOT NULL", db->state->kind->schema);
}

static enum err_code
identity_read(struct db *db, const PGresult *result, struct err *err)
{
	struct db_state *state = db->state;

	if (PQntuples(result) != 1 || PQnfields(result) != 3)
		return err_set(err, ERR_IO, "%s: the server did not report its identity", db->path);
	state->standby = PQgetvalue(result, 0, 0)[0] == 't';
	snprintf(state->identity, sizeof(state->identity), "%s", PQgetvalue(result, 0, 1));
	state->version = PQgetvalue(result, 0, 2)[0] == 't' ? -1 : 0;
	if (state->standby && !state->server->any)
		return err_set(err, ERR_READONLY, "%s: the server is a standby, which is "
		    "read-only", db->path);
	return ERR_OK;
}

static void
version_write(const struct db *db, char *sql, size_t size)
{
	if (db->state->version != 0)
		snprintf(sql, size, "SELECT birth, version FROM store_row");
}

void
postgres_store_row_read(struct db_state *state, const PGresult *result)
{
	state->birth = state->version = 0;
	if (PQntuples(result) != 1)
		return;
	state->birth = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	state->version = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
}

static enum err_code
version_read(struct db *db, const PGresult *result, struct err *err)
{
	if (PQntuples(result) != 1)
		return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (table store_row has %d rows)",
		    db->path, PQntuples(result));
	postgres_store_row_read(db->state, result);
	return ERR_OK;
}

/* A standby has no LISTEN. */
static void
listen_write(const struct db *db, char *sql, size_t size)
{
	if (!db->state->standby)
		snprintf(sql, size, "LISTEN %s", db->state->kind->schema);
}

#define PROGRAM_KEY "hashtext('lbcluster'), hashtext('%s')"

/* One process of a program, or of each instance, uses the database. All instances share the lock of
 * the program, which store_open_to_load() takes alone. The lock of an instance also shows the other
 * instances that it runs. A standby has locks of its own, so no program takes one there. */
static void
lock_write(const struct db *db, char *sql, size_t size)
{
	const struct db_state *state = db->state;

	if (state->program == NULL || state->standby)
		return;
	if (state->instance != NULL)
		snprintf(sql, size, "SELECT pg_try_advisory_lock_shared(" PROGRAM_KEY "),"
		    " pg_try_advisory_lock(" POSTGRES_INSTANCE_KEY("'%s'") ")", state->program,
		    state->instance);
	else
		snprintf(sql, size, "SELECT pg_try_advisory_lock(" PROGRAM_KEY "), true",
		    state->program);
}

static enum err_code
lock_read(struct db *db, const PGresult *result, struct err *err)
{
	const struct db_state *state = db->state;

	if (PQntuples(result) != 1 || PQgetvalue(result, 0, 0)[0] != 't')
		return err_set(err, ERR_PRECOND, "%s: another process of %s uses the store; stop "
		    "it first", db->path, state->program);
	if (PQgetvalue(result, 0, 1)[0] != 't')
		return err_set(err, ERR_PRECOND, "%s: another %s with the instance name \"%s\" "
		    "uses the store; stop it, or give this one another \"instance\" in its "
		    "configuration", db->path, state->program, state->instance);
	return ERR_OK;
}

/* Queries after the connection, in this order. */
static const struct {
	void		(*write)(const struct db *db, char *sql, size_t size);	/* "": none */
	enum err_code	(*read)(struct db *db, const PGresult *result, struct err *err);
} setups[] = {
	{ settings_write, NULL },
	{ identity_write, identity_read },
	{ version_write, version_read },
	{ listen_write, NULL },
	{ lock_write, lock_read },
};

bool
postgres_setup_write(struct db *db, char *sql, size_t size)
{
	struct db_state *state = db->state;

	for (sql[0] = '\0'; state->setup < ROWS(setups); state->setup++) {
		setups[state->setup].write(db, sql, size);
		if (sql[0] != '\0')
			return true;
	}
	return false;
}

enum err_code
postgres_setup_read(struct db *db, const PGresult *result, struct err *err)
{
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		return postgres_error(db, result, err);
	return setups[db->state->setup].read == NULL ? ERR_OK :
	    setups[db->state->setup].read(db, result, err);
}
