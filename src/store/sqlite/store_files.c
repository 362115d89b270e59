/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The two files of a store: created and opened. See store_open().
 */
#include "store/sqlite/sqlite_private.h"

#include <stdio.h>
#include <stdlib.h>

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
	if ((db->state = calloc(1, sizeof(*db->state))) == NULL)
		return false;
	db->state->kind = kind;
	if (asprintf(&db->path, "%s/%s", dir, kind->file) != -1)
		return true;
	db->path = NULL;
	return false;
}

bool
store_files_init(struct store *store)
{
	sqlite_configure();
	if (!db_init(&store->main, store->dir, &sqlite_main_kind) ||
	    !db_init(&store->stats, store->dir, &sqlite_stats_kind))
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
	code = store_main_open(store, err);
	if (code != ERR_NOT_FOUND || store->mode != STORE_CREATE)
		return code;
	if ((code = main_create(store, err)) != ERR_OK)
		return code;
	return store_main_open(store, err);
}

enum err_code
store_files_open(struct store *store, struct err *err)
{
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
