/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbcluster.db: opened, its state, and the disk below it. See enum file_state.
 */
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/clock.h"

enum { SPACE_NEEDED_BYTES = 256 * 1024 };	/* journal and pages of a large SET */

/* -- the state of the file -------------------------------------------------------- */

enum err_code
store_main_open(struct store *store, struct err *err)
{
	enum err_code code;

	if ((code = store_lock_take(store, false, err)) != ERR_OK)
		return code;
	return sqlite_open(&store->main, store->mode != STORE_READ, store->wait_ms, err);
}

enum err_code
store_main_claim(struct store *store, struct err *err)
{
	enum err_code code = store_lock_take(store, true, err);

	if (code == ERR_OK)
		code = db_number(&store->main, SQL_BIRTH, DB_NO_VALUES, &store->birth, err);
	if (code != ERR_OK) {
		db_close(&store->main);
		return code;
	}
	store->main_file.state = FILE_OPEN;
	store->generation++;
	return ERR_OK;
}

enum err_code
store_main_identity_check(struct store *store, struct err *err)
{
	struct db *db = &store->main;
	int64_t birth = 0, version = 0;
	enum err_code code;

	if ((code = db_number(db, SQL_BIRTH, DB_NO_VALUES, &birth, err)) != ERR_OK ||
	    (code = db_number(db, SQL_USER_VERSION, DB_NO_VALUES, &version, err)) != ERR_OK)
		return code;
	if (birth == store->birth && version == (int64_t)db->state->kind->n_migrations)
		return ERR_OK;
	store->main_file.state = FILE_REPLACED;
	store->main_file.retry_at_ms = 0;
	store->replaced = true;
	return store_replaced_error(store, err);
}

static enum err_code
main_reopen(struct store *store)
{
	struct store_file *file = &store->main_file;
	enum err_code code;
	struct err err;

	store->replaced |= !sqlite_is_in_place(&store->main);
	db_close(&store->main);
	file->retry_at_ms = clock_steady_ms() + STORE_RETRY_MS;
	if ((code = store_main_open(store, &err)) == ERR_OK &&
	    (code = store_main_claim(store, &err)) == ERR_OK)
		return ERR_OK;
	/* ERR_NOT_FOUND would mean a row, and ERR_PRECOND a rule or the end of this process. */
	if (code == ERR_NOT_FOUND)
		code = ERR_IO;
	if (code == ERR_PRECOND)
		code = ERR_BUSY;
	if (code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_NEWER)
		file->state = FILE_DAMAGED;
	store_result_set(&store->read, code, &err);
	return code;
}

enum err_code
store_main_step(struct store *store, bool writes, struct err *err)
{
	struct store_file *file = &store->main_file;
	bool at_once = false;

	if (store->in_transaction)
		return ERR_OK;
	if (store_file_is_open(file) &&
	    !(sqlite_is_in_place(&store->main) && store_lock_is_in_place(store))) {
		file->state = FILE_REPLACED;
		file->retry_at_ms = 0;
	}
	switch (file->state) {
	case FILE_OPEN:
	case FILE_BUSY:
		return ERR_OK;
	case FILE_REPLACED:
	case FILE_IN_DOUBT:
		at_once = writes;
		break;
	case FILE_DAMAGED:
		break;
	}
	if ((at_once || clock_steady_ms() >= file->retry_at_ms) && main_reopen(store) == ERR_OK)
		return ERR_OK;
	return err_set(err, store->read.code, "%s", store->read.text);
}

enum err_code
store_files_check(struct store *store, struct err *err)
{
	enum err_code code = store_main_step(store, false, err);

	/* Statistics that cannot be read only get old: they are no error of the store. */
	if (code == ERR_OK && !store->in_transaction)
		store_stats_step(store);
	return code;
}

/* -- the disk ---------------------------------------------------------------------- */

/* Finds a read-only or full file system before a write does. */
enum err_code
db_write_check(const struct db *db, struct err *err)
{
	struct statvfs vfs;
	unsigned long long free_bytes;

	if (access(db->path, W_OK) == -1)
		return err_set(err, ERR_READONLY, "%s: cannot be written: %s", db->path,
		    strerror(errno));
	if (statvfs(db->path, &vfs) == -1)
		return ERR_OK;
	free_bytes = (unsigned long long)vfs.f_frsize *
	    (geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail);
	if (free_bytes < SPACE_NEEDED_BYTES)
		return err_set(err, ERR_FULL, "%s: the disk is full: %llu bytes are left, "
		    "%d are needed", db->path, free_bytes, SPACE_NEEDED_BYTES);
	return ERR_OK;
}
