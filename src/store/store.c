/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Opens and closes the store, and reports that it changed; see store.h.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
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

bool
store_error_is_transient(const char *dir, enum err_code code)
{
	struct statvfs vfs;

	if (code == ERR_READONLY)
		return statvfs(dir, &vfs) == 0 && (vfs.f_flag & ST_RDONLY) != 0;
	return code == ERR_NOMEM || code == ERR_BUSY || code == ERR_FULL || code == ERR_DOUBT;
}

/* -- open and close --------------------------------------------------------------- */

/* Returns NULL if there is no memory. */
static struct store *
store_new(const char *dir, enum store_mode mode, int wait_ms, const char *program)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->mode = mode;
	store->wait_ms = wait_ms;
	store->program = program;
	store->lock_fd = -1;
	store->main_file.state = store->stats_file.state = FILE_REPLACED;
	store->dir = strdup(dir);
	if (store->dir != NULL && store_files_init(store))
		return store;
	store_close(store);
	return NULL;
}

/* Opens the store. May be called again after an error. */
static enum err_code
open_step(void *arg, struct err *err)
{
	return store_files_open(arg, err);
}

enum err_code
store_open(const char *dir, enum store_mode mode, int wait_ms, struct store **ret_store,
    struct err *err)
{
	struct store *store = store_new(dir, mode, wait_ms, NULL);
	enum err_code code;

	if (store == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for a store", dir);
	if ((code = store_files_open(store, err)) == ERR_OK)
		*ret_store = store;
	else
		store_close(store);
	return code;
}

enum err_code
store_open_exclusive(const char *dir, const char *program, int wait_ms,
    struct store **ret_store, struct err *err)
{
	struct store *store = store_new(dir, STORE_CREATE, wait_ms, program);
	enum err_code code;

	if (store == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for a store", dir);
	if ((code = store_retry_while_busy(open_step, store, err)) == ERR_OK)
		*ret_store = store;
	else
		store_close(store);
	return code;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	db_free(&store->main);
	db_free(&store->stats);
	store_lock_release(store);
	free(store->dir);
	free(store->main.path);
	free(store->stats.path);
	free(store);
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
	if (store_files_check(store, NULL) != ERR_OK)
		return true;
	store_write_check(store);
	return store->committed || store->repaired || store->read.code != ERR_OK ||
	    store->main_file.state != FILE_OPEN || store->stats_file.state != FILE_OPEN ||
	    was_committed_to(&store->main) || was_committed_to(&store->stats);
}
