/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Opens and closes the store, and reports that it changed; see store.h.
 */
#include "store/store.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/store_private.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

enum { START_WAIT_MS = 10000, STATS_WAIT_MS = 500, PAUSE_US = 10000 };

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

/* Writes SQLite's own messages to the log. */
static void
sqlite_log(void *arg, int rc, const char *text)
{
	(void)arg;
	log_debug("sqlite", "%s (%d)", text, rc);
}

/* Sets options that SQLite accepts only before its first use. */
static void
sqlite_configure(void)
{
	static bool done;

	if (done)
		return;
	sqlite3_config(SQLITE_CONFIG_LOG, sqlite_log, NULL);
	/* Debian's SQLite takes a file name that begins with "file:" for a URI. */
	sqlite3_config(SQLITE_CONFIG_URI, 0);
	done = true;
}

/* Returns NULL if there is no memory. */
static struct store *
store_new(const char *dir, enum store_mode mode, int wait_ms, const char *program)
{
	struct store *store = calloc(1, sizeof(*store));

	sqlite_configure();
	if (store == NULL)
		return NULL;
	store->mode = mode;
	store->wait_ms = wait_ms;
	store->program = program;
	store->lock_fd = -1;
	store->main.kind = &db_main_kind;
	store->stats.kind = &db_stats_kind;
	if (mode == STORE_CREATE) {
		/* lbclusterd does not need the memory of a copy: nothing serves SETs yet. */
		store->main.verify = program == NULL ? DB_VERIFY_COPY : DB_VERIFY_FILE;
		store->stats.verify = DB_VERIFY_FILE;	/* readers of a WAL block no writer */
	}
	store->main_file.state = store->stats_file.state = FILE_REPLACED;
	store->dir = sqlite3_mprintf("%s", dir);
	store->main.path = sqlite3_mprintf("%s/%s", dir, db_main_kind.file);
	store->stats.path = sqlite3_mprintf("%s/%s", dir, db_stats_kind.file);
	if (store->dir != NULL && store->main.path != NULL && store->stats.path != NULL)
		return store;
	store_close(store);
	return NULL;
}

/* Creates an empty lbcluster.db. Its name and that of its directory survive a power cut: the
 * directory may be new too. ERR_READONLY means that the parent directory cannot be read, so no
 * program of lbcluster created this directory. */
static enum err_code
main_create(const struct store *store, struct err *err)
{
	enum err_code code;

	if ((code = db_create(&db_main_kind, store->main.path, err)) != ERR_OK)
		return code;
	code = db_directory_sync(store->dir, err);
	return code == ERR_READONLY ? ERR_OK : code;
}

static enum err_code
main_open_or_create(struct store *store, struct err *err)
{
	enum err_code code;

	if (store->mode == STORE_CREATE &&
	    (code = file_directory_make(store->dir, err)) != ERR_OK)
		return code;
	code = store_main_open(store, err);
	if (code != ERR_NOT_FOUND || store->mode != STORE_CREATE)
		return code;
	if ((code = main_create(store, err)) != ERR_OK)
		return code;
	return store_main_open(store, err);
}

/* Opens both files. May be called again after an error. */
static enum err_code
files_open(void *arg, struct err *err)
{
	struct store *store = arg;
	enum err_code code;

	if ((code = main_open_or_create(store, err)) != ERR_OK)
		return code;
	code = store_stats_open(store, store->wait_ms < STATS_WAIT_MS ? store->wait_ms :
	    STATS_WAIT_MS, err);
	/* A reader needs no statistics. A program that stopped while it locks them must not keep
	 * others from starting. */
	if (code == ERR_OK || code == ERR_BUSY || store->mode == STORE_READ)
		return store_main_claim(store, err);
	db_close(&store->main);
	return code;
}

enum err_code
store_open(const char *dir, enum store_mode mode, int wait_ms, struct store **ret_store,
    struct err *err)
{
	struct store *store = store_new(dir, mode, wait_ms, NULL);
	enum err_code code;

	if (store == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for a store", dir);
	if ((code = files_open(store, err)) == ERR_OK)
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
	if ((code = store_retry_while_busy(files_open, store, err)) == ERR_OK)
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
	db_close(&store->main);
	db_close(&store->stats);
	store_lock_release(store);
	sqlite3_free(store->dir);
	sqlite3_free(store->main.path);
	sqlite3_free(store->stats.path);
	free(store);
}

/* -- changes ---------------------------------------------------------------------- */

/* True if another connection committed since the last read. */
static bool
was_committed_to(struct db *db)
{
	int64_t version = 0;

	if (db_number(db, SQL_DATA_VERSION, DB_NO_VALUES, &version, NULL) != ERR_OK)
		return true;
	return version != db->data_version;
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
