/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Picks the engine of a store, opens and closes the store, and reports that it changed; see
 * store.h. Only this file names engines.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_private.h"
#include "util/clock.h"

enum { START_WAIT_MS = 10000, PAUSE_US = 10000 };

/* -- the start of a program ------------------------------------------------------- */

const char *
store_dir_named(const char *option)
{
	const char *variable = getenv("LBCLUSTER_STORE");

	if (option != NULL)
		return option;
	return variable != NULL && variable[0] != '\0' ? variable : NULL;
}

enum err_code
store_retry_while_busy(enum err_code (*step)(void *arg, struct err *err), void *arg,
    struct err *err)
{
	int64_t until = clock_steady_ms() + START_WAIT_MS;
	enum err_code code;

	while ((code = step(arg, err)) == ERR_BUSY && clock_steady_ms() < until)
		usleep(PAUSE_US);
	return code;
}

/* -- open and close --------------------------------------------------------------- */

/* Engines by the beginning of a store's name; the last one accepts any name. NULL: this build lacks
 * the engine. */
static const struct {
	const char			*prefix;
	const struct store_engine	*engine;
} engines[] = {
#ifdef HAVE_LIBPQ
	{ "postgresql://", &postgres_store_engine },
	{ "postgres://", &postgres_store_engine },
#else
	{ "postgresql://", NULL },
	{ "postgres://", NULL },
#endif
	{ "", &sqlite_store_engine },	/* a directory */
};

static size_t
engine_of(const char *name)
{
	size_t i = 0;

	while (strncmp(name, engines[i].prefix, strlen(engines[i].prefix)) != 0)
		i++;
	return i;
}

bool
store_is_uri(const char *name)
{
	return engines[engine_of(name)].prefix[0] != '\0';
}

const char *
store_message_name(const struct store *store)
{
	return store_is_uri(store->dir) ? store->main.path : store->dir;
}

bool
store_error_is_transient(const char *dir, enum err_code code)
{
	const struct store_engine *engine = engines[engine_of(dir)].engine;

	return engine != NULL && engine->error_is_transient(dir, code);
}

/* *ret_store is set with ERR_OK only. A URI may have a password: messages have its prefix only. */
static enum err_code
store_new(const char *dir, enum store_mode mode, int wait_ms, const char *program,
    const char *instance, struct store **ret_store, struct err *err)
{
	size_t i = engine_of(dir);
	const char *shown = engines[i].prefix[0] != '\0' ? engines[i].prefix : dir;
	struct store *store;

	/* The name may be a URI in capitals, with a password, so the message does not show it. */
	if (engines[i].prefix[0] == '\0' && strstr(dir, "://") != NULL)
		return err_set(err, ERR_INVALID, "store: a name with :// must begin with "
		    "postgresql://");
	if (engines[i].engine == NULL)
		return err_set(err, ERR_INVALID, "%s...: this lbcluster was built without "
		    "PostgreSQL; install libpq-dev and configure again", shown);
	store = calloc(1, sizeof(*store));
	if (store == NULL || (store->dir = strdup(dir)) == NULL ||
	    (instance != NULL && (store->instance = strdup(instance)) == NULL)) {
		if (store != NULL)
			free(store->dir);
		free(store);
		return err_set(err, ERR_NOMEM, "%s: out of memory for a store", shown);
	}
	store->engine = engines[i].engine;
	store->mode = mode;
	store->wait_ms = wait_ms;
	store->program = program;
	store->owner = "";
	store->main_file.state = store->stats_file.state = FILE_REPLACED;
	if (!store->engine->init(store)) {
		store_close(store);
		return err_set(err, ERR_NOMEM, "%s: out of memory for a store", shown);
	}
	*ret_store = store;
	return ERR_OK;
}

/* Opens the store. May be called again after an error. */
static enum err_code
open_step(void *arg, struct err *err)
{
	struct store *store = arg;

	return store->engine->open(store, err);
}

enum err_code
store_open(const char *dir, enum store_mode mode, int wait_ms, struct store **ret_store,
    struct err *err)
{
	struct store *store = NULL;
	enum err_code code = store_new(dir, mode, wait_ms, NULL, NULL, &store, err);

	if (store == NULL)
		return code;
	if ((code = open_step(store, err)) == ERR_OK)
		*ret_store = store;
	else
		store_close(store);
	return code;
}

static enum err_code
open_exclusive(const char *dir, const char *program, const char *instance, int wait_ms, bool loads,
    struct store **ret_store, struct err *err)
{
	struct store *store = NULL;
	enum err_code code = store_new(dir, STORE_CREATE, wait_ms, program, instance, &store, err);

	if (store == NULL)
		return code;
	store->loads = loads;
	if ((code = store_retry_while_busy(open_step, store, err)) == ERR_OK)
		*ret_store = store;
	else
		store_close(store);
	return code;
}

enum err_code
store_open_exclusive(const char *dir, const char *program, const char *instance, int wait_ms,
    struct store **ret_store, struct err *err)
{
	return open_exclusive(dir, program, instance, wait_ms, false, ret_store, err);
}

enum err_code
store_open_to_load(const char *dir, const char *program, int wait_ms, struct store **ret_store,
    struct err *err)
{
	return open_exclusive(dir, program, NULL, wait_ms, true, ret_store, err);
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	store->engine->close(store);
	free(store->instance);
	free(store->dir);
	free(store);
}

/* -- functions of the engine ------------------------------------------------------- */

enum err_code
store_snapshot(struct store *store, struct err *err)
{
	return store->engine->snapshot(store, err);
}

enum err_code
store_verify(struct store *store, struct err *err)
{
	return store->engine->verify(store, err);
}

enum err_code
store_reader_wait(struct store *store, const char *program, int wait_ms, struct err *err)
{
	return store->engine->reader_wait == NULL ? ERR_OK :
	    store->engine->reader_wait(store, program, wait_ms, err);
}

/* -- changes ---------------------------------------------------------------------- */

/* True if another connection committed since the last read. */
static bool
was_committed_to(struct db *db)
{
	int64_t version = 0;

	if (db_version(db, &version, NULL) != ERR_OK)
		return true;
	return version != db->version_read;
}

bool
store_changed(struct store *store)
{
	if (store_step(store, NULL) != ERR_OK)
		return true;
	store_write_check(store);
	return store->committed || store->repaired || store->read.code != ERR_OK ||
	    store->main_file.state != FILE_OPEN || store->stats_file.state != FILE_OPEN ||
	    was_committed_to(&store->main) || was_committed_to(&store->stats);
}
