/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store in PostgreSQL: two sessions, for the inventory and for the statistics, so that no SET
 * waits behind statistics. See struct store_engine.
 */
#include "store/postgres/postgres_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

enum {
	LOCK_WAIT_MS = 3000,	/* for the server to end the session of a process that ended */
	LOCK_PAUSE_US = 100000,
	RECONNECT_MS = 2000,	/* a program without a loop, after its session was lost */
};

/* -- open and close ---------------------------------------------------------------------- */

static bool
db_init(struct store *store, struct db *db, const struct postgres_kind *kind)
{
	db->engine = &postgres_engine;
	db->wait_ms = store->wait_ms;
	if ((db->state = calloc(1, sizeof(*db->state))) == NULL)
		return false;
	db->state->kind = kind;
	db->state->in_transaction = &store->in_transaction;
	return true;
}

static bool
postgres_init(struct store *store)
{
	bool main = db_init(store, &store->main, &postgres_main_kind);
	bool stats = db_init(store, &store->stats, &postgres_stats_kind);

	if (main) {
		store->main.state->program = store->program;
		store->main.state->instance = store->instance;
	}
	if (store->instance != NULL)
		store->owner = store->instance;
	return main && stats;
}

/* Parses the name of the store, once. */
static enum err_code
server_find(struct store *store, struct err *err)
{
	struct postgres_server *server = store->main.state->server;
	enum err_code code;

	if (server != NULL)
		return ERR_OK;
	if ((code = postgres_server_parse(store->dir, &server, err)) != ERR_OK)
		return code;
	server->has_loop = store->program != NULL && !store->loads;
	server->any |= store->mode == STORE_READ;
	store->main.state->server = store->stats.state->server = server;
	store->note_dir = server->note_dir;
	store->main.path = store->stats.path = server->text;
	return ERR_OK;
}

/* Lets calls use the inventory of a READY session with the right schema. A reader of another
 * server reads all rows again. */
static void
main_claim(struct store *store)
{
	struct db_state *state = store->main.state;

	if (strcmp(state->known_identity, state->identity) != 0 || store->birth != state->birth) {
		store->replaced |= state->known_identity[0] != '\0';
		store->generation++;
	}
	memcpy(state->known_identity, state->identity, sizeof(state->identity));
	store->birth = state->birth;
	store->main_file.state = FILE_OPEN;
}

static enum err_code
stats_claim(struct store *store, enum store_mode mode, enum err_code code, struct err *err)
{
	if (code == ERR_OK)
		code = postgres_schema_check(&store->stats, mode, err);
	if (code != ERR_OK) {
		store_result_set(&store->stats_error, code, err);
		return code;
	}
	store->stats_error.code = ERR_OK;
	store->stats_hidden = 0;
	store->stats_file.state = FILE_OPEN;
	return ERR_OK;
}

static enum err_code
stats_open(struct store *store, int wait_ms, struct err *err)
{
	struct err error;

	return stats_claim(store, store->mode,
	    postgres_session_wait(&store->stats, wait_ms, err != NULL ? err : &error),
	    err != NULL ? err : &error);
}

static enum err_code
main_open(struct store *store, struct err *err)
{
	int64_t until = clock_steady_ms() + LOCK_WAIT_MS;
	enum err_code code;

	while ((code = postgres_session_wait(&store->main, POSTGRES_OPEN_MS, err)) == ERR_PRECOND &&
	    clock_steady_ms() < until)
		usleep(LOCK_PAUSE_US);
	return code == ERR_OK ? postgres_schema_check(&store->main, store->mode, err) : code;
}

static enum err_code
postgres_open(struct store *store, struct err *err)
{
	enum err_code code;

	if ((code = server_find(store, err)) != ERR_OK || (code = main_open(store, err)) != ERR_OK)
		return code;
	code = stats_open(store, POSTGRES_OPEN_MS, err);
	if (code != ERR_OK && code != ERR_BUSY && store->mode != STORE_READ)
		return code;
	main_claim(store);
	return ERR_OK;
}

static void
postgres_close(struct store *store)
{
	struct postgres_server *server = store->main.state == NULL ? NULL :
	    store->main.state->server;

	if (store->main.state != NULL)
		db_free(&store->main);
	if (store->stats.state != NULL)
		db_free(&store->stats);
	postgres_server_free(server);
}

/* The server may come back, or another one become writable. */
static bool
error_is_transient(const char *name, enum err_code code)
{
	(void)name;
	return code == ERR_NOMEM || code == ERR_BUSY || code == ERR_FULL || code == ERR_DOUBT ||
	    code == ERR_IO || code == ERR_READONLY;
}

/* -- steps --------------------------------------------------------------------------------- */

static enum err_code
session_make(const struct store *store, struct db *db, struct err *err)
{
	return store->program != NULL ? postgres_session_step(db, err) :
	    postgres_session_wait(db, RECONNECT_MS, err);
}

/* A schema that is missing after a reconnect is not created: a person may be restoring it. */
static enum err_code
main_reopen(struct store *store, struct err *err)
{
	enum err_code code = session_make(store, &store->main, err);

	if (code == ERR_OK &&
	    (code = postgres_schema_check(&store->main, STORE_READ, err)) != ERR_OK) {
		db_close(&store->main);
		store->main.state->error = *err;
	}
	if (code == ERR_OK)
		main_claim(store);
	/* ERR_NOT_FOUND would mean a row, and ERR_PRECOND a rule or the end of this process. */
	return code == ERR_NOT_FOUND || code == ERR_INVALID ? ERR_IO :
	    code == ERR_PRECOND ? ERR_BUSY : code;
}

static enum err_code
main_step(struct store *store, bool writes, struct err *err)
{
	struct store_file *file = &store->main_file;
	enum err_code code;
	struct err error;

	(void)writes;
	if (store->in_transaction)
		return ERR_OK;
	if (db_is_open(&store->main) && store_file_is_open(file))
		return ERR_OK;
	if (db_is_open(&store->main)) {
		db_close(&store->main);
		store->main.state->retry_at_ms = 0;
	}
	if (store_file_is_open(file))
		file->state = FILE_REPLACED;
	if ((code = main_reopen(store, &error)) == ERR_OK)
		return ERR_OK;
	store_result_set(&store->read, code, &error);
	return err_set(err, code, "%s", error.text);
}

static enum err_code
identity_check(struct store *store, struct err *err)
{
	const struct db_state *state = store->main.state;

	if (state->birth == store->birth &&
	    state->version == (int64_t)state->kind->n_migrations)
		return ERR_OK;
	store->main_file.state = FILE_REPLACED;
	store->replaced = true;
	return store_replaced_error(store, err);
}

static void
stats_step(struct store *store)
{
	struct store_file *file = &store->stats_file;
	enum err_code code;
	struct err err;

	if (db_is_open(&store->stats) && store_file_is_open(file))
		return;
	file->state = FILE_REPLACED;
	code = session_make(store, &store->stats, &err);
	if (stats_claim(store, STORE_READ, code, &err) != ERR_OK && code == ERR_OK)
		db_close(&store->stats);
}

static void
stats_note(struct store *store, enum err_code code)
{
	struct store_file *file = &store->stats_file;

	if (!store_file_is_open(file))
		return;
	file->state = code == ERR_OK ? FILE_OPEN : code == ERR_BUSY || code == ERR_INVALID ?
	    FILE_BUSY : FILE_REPLACED;
	if (file->state != FILE_REPLACED)
		return;
	if (db_is_open(&store->stats))
		db_close(&store->stats);
	err_set(&store->stats_error, code, "%s", store->stats.state->error.text);
}

/* -- snapshots ------------------------------------------------------------------------------- */

static enum err_code
snapshot(struct store *store, struct err *err)
{
	return store_note_read(store, postgres_snapshot_begin(&store->main, err), err);
}

/* The server keeps the rules, and checks its pages if data_checksums is on. */
static enum err_code
verify(struct store *store, struct err *err)
{
	(void)store;
	(void)err;
	return ERR_OK;
}

const struct store_engine postgres_store_engine = {
	.init = postgres_init,
	.open = postgres_open,
	.close = postgres_close,
	.error_is_transient = error_is_transient,
	.main_step = main_step,
	.identity_check = identity_check,
	.stats_open = stats_open,
	.stats_step = stats_step,
	.stats_note = stats_note,
	.snapshot = snapshot,
	.verify = verify,
	.load_begin = postgres_load_begin,
	.load_rows = postgres_load_rows,
	.load_end = postgres_load_end,
	.describe = postgres_describe,
};
