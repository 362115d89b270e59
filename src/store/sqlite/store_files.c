/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine of a store in a directory: its two files, created, opened, copied and closed. See
 * struct store_engine.
 */
#include "store/sqlite/sqlite_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "util/file.h"
#include "util/log.h"

enum { STATS_WAIT_MS = 500 };

/* -- options of SQLite -------------------------------------------------------------- */

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
	/* Debian's SQLite reads a file name that begins with "file:" as a URI. */
	sqlite3_config(SQLITE_CONFIG_URI, 0);
	done = true;
}

static bool
db_init(struct db *db, const char *dir, const struct sqlite_kind *kind)
{
	db->engine = &sqlite_db_engine;
	if ((db->state = calloc(1, sizeof(*db->state))) == NULL)
		return false;
	db->state->kind = kind;
	if (asprintf(&db->path, "%s/%s", dir, kind->file) != -1)
		return true;
	db->path = NULL;
	return false;
}

static bool
files_init(struct store *store)
{
	bool main, stats;

	sqlite_configure();
	store->lock_fd = -1;
	store->note_dir = store->dir;
	main = db_init(&store->main, store->dir, &sqlite_main_kind);
	stats = db_init(&store->stats, store->dir, &sqlite_stats_kind);
	if (!main || !stats)
		return false;
	if (store->mode == STORE_CREATE) {
		/* lbclusterd does not need the memory of a copy: nothing serves SETs yet. */
		store->main.state->verify = store->program == NULL ? DB_VERIFY_COPY :
		    DB_VERIFY_FILE;
		/* Readers of a WAL block no writer. */
		store->stats.state->verify = DB_VERIFY_FILE;
	}
	return true;
}

/* -- open ----------------------------------------------------------------------------- */

/* Creates an empty lbcluster.db. Its name and that of its directory survive a power cut: the
 * directory may be new too. ERR_READONLY means that the parent directory cannot be read, so no
 * program of lbcluster created this directory. */
static enum err_code
main_create(const struct store *store, struct err *err)
{
	enum err_code code;

	if ((code = sqlite_create(&sqlite_main_kind, store->main.path, err)) != ERR_OK)
		return code;
	code = sqlite_directory_sync(store->dir, err);
	return code == ERR_READONLY ? ERR_OK : code;
}

static enum err_code
main_open_or_create(struct store *store, struct err *err)
{
	enum err_code code;

	if (store->mode == STORE_CREATE &&
	    (code = file_directory_make(store->dir, err)) != ERR_OK)
		return code;
	code = sqlite_main_open(store, err);
	if (code != ERR_NOT_FOUND || store->mode != STORE_CREATE)
		return code;
	if ((code = main_create(store, err)) != ERR_OK)
		return code;
	return sqlite_main_open(store, err);
}

static enum err_code
files_open(struct store *store, struct err *err)
{
	enum err_code code;

	if ((code = main_open_or_create(store, err)) != ERR_OK)
		return code;
	code = sqlite_stats_open(store, store->wait_ms < STATS_WAIT_MS ? store->wait_ms :
	    STATS_WAIT_MS, err);
	/* A reader needs no statistics. A program that stopped while it locks them must not keep
	 * others from starting. */
	if (code == ERR_OK || code == ERR_BUSY || store->mode == STORE_READ)
		return sqlite_main_claim(store, err);
	db_close(&store->main);
	return code;
}

static void
files_close(struct store *store)
{
	db_free(&store->main);
	db_free(&store->stats);
	sqlite_lock_release(store);
	free(store->main.path);
	free(store->stats.path);
}

/* A read-only file system may be mounted writable later. Other errors need a person. */
static bool
error_is_transient(const char *dir, enum err_code code)
{
	struct statvfs vfs;

	if (code == ERR_READONLY)
		return statvfs(dir, &vfs) == 0 && (vfs.f_flag & ST_RDONLY) != 0;
	return code == ERR_NOMEM || code == ERR_BUSY || code == ERR_FULL || code == ERR_DOUBT;
}

/* -- copies in memory --------------------------------------------------------------- */

static enum err_code
snapshot(struct store *store, struct err *err)
{
	enum err_code code;
	struct db copy;

	if ((code = sqlite_copy_make(&store->main, &copy, err)) != ERR_OK)
		return store_note_read(store, code, err);
	db_free(&store->main);
	store->main = copy;
	return ERR_OK;
}

static enum err_code
verify(struct store *store, struct err *err)
{
	return sqlite_copy_verify(&store->main, err);
}

const struct store_engine sqlite_store_engine = {
	.init = files_init,
	.open = files_open,
	.close = files_close,
	.error_is_transient = error_is_transient,
	.main_step = sqlite_main_step,
	.identity_check = sqlite_identity_check,
	.stats_open = sqlite_stats_open,
	.stats_step = sqlite_stats_step,
	.stats_note = sqlite_stats_note,
	.snapshot = snapshot,
	.verify = verify,
	.load_begin = sqlite_load_begin,
	.load_rows = sqlite_load_rows,
	.load_end = sqlite_load_end,
	.describe = sqlite_describe,
	.read_show = sqlite_read_show,
	.reader_wait = sqlite_reader_wait,
	.change = sqlite_change,
	.draft_real_insert = sqlite_draft_real_insert,
};
