/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The schema of a session: created if it is missing, migrated if it is older.
 */
#include "store/postgres/postgres_private.h"

#include <stdio.h>

#include "util/clock.h"

enum { SQL_SIZE = 320 };

static enum err_code
migrations_run(struct db *db, struct err *err)
{
	struct db_state *state = db->state;
	const struct postgres_kind *kind = state->kind;
	enum err_code code = ERR_OK;
	PGresult *result = NULL;
	char sql[SQL_SIZE];

	for (size_t i = (size_t)state->version; i < kind->n_migrations && code == ERR_OK; i++)
		code = postgres_exec(db, kind->migrations[i], NULL, err);
	if (code != ERR_OK)
		return code;
	snprintf(sql, sizeof(sql), "UPDATE store_row SET version = %zu RETURNING birth, version",
	    kind->n_migrations);
	if ((code = postgres_exec(db, sql, &result, err)) != ERR_OK)
		return code;
	postgres_store_row_read(state, result);
	PQclear(result);
	return postgres_commit(db, err);
}

/* Reads the version that another program may have written while this one waited for its lock. */
static enum err_code
version_read_locked(struct db *db, struct err *err)
{
	const struct postgres_kind *kind = db->state->kind;
	PGresult *result = NULL;
	enum err_code code;
	char sql[SQL_SIZE];
	bool exists, empty;

	/* to_regclass() would use what this session knew before the wait. */
	snprintf(sql, sizeof(sql), "SELECT bool_or(c.relname = 'store_row'), count(c.oid) = 0"
	    " FROM pg_namespace AS n JOIN pg_class AS c ON c.relnamespace = n.oid"
	    " WHERE n.nspname = '%s'", kind->schema);
	if ((code = postgres_exec(db, sql, &result, err)) != ERR_OK)
		return code;
	exists = PQgetvalue(result, 0, 0)[0] == 't';
	empty = PQgetvalue(result, 0, 1)[0] == 't';
	PQclear(result);
	db->state->version = 0;
	if (!exists)
		return empty ? ERR_OK : err_set(err, ERR_FOREIGN, "%s: schema %s has tables of "
		    "another program; use another database", db->path, kind->schema);
	code = postgres_exec(db, "SELECT birth, version FROM store_row", &result, err);
	if (code != ERR_OK)
		return code;
	postgres_store_row_read(db->state, result);
	PQclear(result);
	return ERR_OK;
}

/* Two programs may do this at once, so each takes a lock first. */
static enum err_code
schema_make(struct db *db, struct err *err)
{
	const struct postgres_kind *kind = db->state->kind;
	enum err_code code;
	char sql[SQL_SIZE];

	db->state->until_ms = clock_steady_ms() + POSTGRES_OPEN_MS;
	snprintf(sql, sizeof(sql), "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout"
	    " = 5000; SELECT pg_advisory_xact_lock(hashtext('%s'), 0)", kind->schema);
	if ((code = postgres_exec(db, sql, NULL, err)) != ERR_OK ||
	    (code = version_read_locked(db, err)) != ERR_OK)
		return code;
	snprintf(sql, sizeof(sql), "CREATE SCHEMA IF NOT EXISTS %s", kind->schema);
	if (db->state->version == 0 && (code = postgres_exec(db, sql, NULL, err)) != ERR_OK)
		return code;
	return migrations_run(db, err);
}

enum err_code
postgres_schema_check(struct db *db, enum store_mode mode, struct err *err)
{
	const struct db_state *state = db->state;
	int64_t newest = (int64_t)state->kind->n_migrations;
	enum err_code code;

	db->version_found = state->version;
	if (state->version == newest)
		return ERR_OK;
	if (state->version > newest)
		return err_set(err, ERR_NEWER, "%s: schema %s has version %lld, but this lbcluster "
		    "knows %lld; upgrade lbcluster", db->path, state->kind->schema,
		    (long long)state->version, (long long)newest);
	if (state->version == 0 && mode != STORE_CREATE)
		return err_set(err, ERR_NOT_FOUND, "%s: the database has no store of lbcluster; "
		    "\"lbclusterctl store create\" creates it", db->path);
	if (mode == STORE_READ)
		return err_set(err, ERR_INVALID, "%s: schema %s has version %lld, which is older "
		    "than this lbcluster; \"lbclusterctl store migrate\" migrates it", db->path,
		    state->kind->schema, (long long)state->version);
	if ((code = schema_make(db, err)) != ERR_OK)
		postgres_rollback(db);
	return code;
}
