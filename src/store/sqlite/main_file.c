/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbcluster.db: its state, what the last read and write reported, and write transactions. See
 * enum file_state.
 */
#include "store/store_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/clock.h"

enum {
	WRITE_CHECK_MS = 1000,
	SPACE_NEEDED_BYTES = 256 * 1024,	/* journal and pages of a large SET */
};

/* -- the state of the file -------------------------------------------------------- */

enum err_code
store_main_open(struct store *store, struct err *err)
{
	enum err_code code;

	if ((code = store_lock_take(store, false, err)) != ERR_OK)
		return code;
	return db_open(&store->main, store->mode != STORE_READ, store->wait_ms, err);
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

/* Reports that ids which this process has read are of another store. */
static enum err_code
another_store(const struct store *store, struct err *err)
{
	return err_set(err, ERR_BUSY, "%s: another store was put in its place; lbcluster reads it "
	    "first; try again", store->main.path);
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
	if (birth == store->birth && version == (int64_t)db->kind->n_migrations)
		return ERR_OK;
	store->main_file.state = FILE_REPLACED;
	store->main_file.retry_at_ms = 0;
	store->replaced = true;
	return another_store(store, err);
}

/* Stores the last result of reading or writing. Without 'err' the message is the code's name. */
static void
result_set(struct err *result, enum err_code code, const struct err *err)
{
	result->code = code;
	snprintf(result->text, sizeof(result->text), "%s", code == ERR_OK ? "" :
	    err != NULL ? err->text : err_name(code));
}

static enum err_code
main_reopen(struct store *store)
{
	struct store_file *file = &store->main_file;
	enum err_code code;
	struct err err;

	store->replaced |= !db_is_in_place(&store->main);
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
	result_set(&store->read, code, &err);
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
	    !(db_is_in_place(&store->main) && store_lock_is_in_place(store))) {
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

/* -- results of reads and writes -------------------------------------------------- */

enum err_code
store_note_read(struct store *store, enum err_code code, const struct err *err)
{
	struct store_file *file = &store->main_file;
	int64_t now = clock_steady_ms();

	if (store_file_is_open(file) && code == ERR_BUSY) {
		/* Another program's commit takes a moment. A lock that stays is an error. */
		if (file->state == FILE_OPEN)
			file->busy_since_ms = now;
		file->state = FILE_BUSY;
		if (now - file->busy_since_ms < store->wait_ms)
			return code;
	} else if (store_file_is_open(file)) {
		file->state = FILE_OPEN;
	}
	result_set(&store->read, code, err);
	if (store_file_is_open(file) &&
	    (code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_IO)) {
		db_close(&store->main);
		file->state = FILE_DAMAGED;
		file->retry_at_ms = now + STORE_RETRY_MS;
	}
	return code;
}

enum err_code
store_note_write(struct store *store, enum err_code code, const struct err *err)
{
	/* These are errors of the request, not of the store. */
	if (code != ERR_PRECOND && code != ERR_NOT_FOUND && code != ERR_LIMIT &&
	    code != ERR_INVALID && code != ERR_RANGE)
		result_set(&store->write, code, err);
	return code;
}

/* The last read counts before the last write. */
static const struct err *
result_of(const struct store *store)
{
	return store->read.code != ERR_OK ? &store->read : &store->write;
}

enum store_status
store_status(const struct store *store)
{
	enum err_code code = result_of(store)->code;

	return code == ERR_OK ? STORE_OK : code == ERR_BUSY ? STORE_LOCKED :
	    code == ERR_READONLY ? STORE_READ_ONLY : STORE_UNAVAILABLE;
}

const char *
store_status_text(const struct store *store)
{
	return result_of(store)->text;
}

const char *
store_dir(const struct store *store)
{
	return store->dir;
}

/* -- writing ---------------------------------------------------------------------- */

/* Finds a read-only or full file system before a write does. */
static enum err_code
disk_check(const struct db *db, struct err *err)
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

enum err_code
store_write_begin(struct store *store, struct err *err)
{
	int64_t birth = store->birth;
	enum err_code code;

	if (store->in_transaction)
		return ERR_OK;
	if ((code = store_main_step(store, true, err)) != ERR_OK)
		return code;
	if (store->birth != birth)
		return another_store(store, err);
	if ((code = disk_check(&store->main, err)) != ERR_OK ||
	    (code = db_begin(&store->main, true, err)) != ERR_OK)
		return code;
	return store_main_identity_check(store, err);
}

enum err_code
store_write_commit(struct store *store, struct err *err)
{
	enum err_code code;

	if (store->in_transaction)
		return ERR_OK;
	store->committed = true;
	code = db_commit(&store->main, err);
	if (code == ERR_DOUBT) {
		store->main_file.state = FILE_IN_DOUBT;
		store->main_file.retry_at_ms = 0;
	}
	return code;
}

void
store_write_end(struct store *store)
{
	if (!store->in_transaction)
		db_rollback(&store->main);
}

enum err_code
store_write_finish(struct store *store, enum err_code code, struct err *err)
{
	if (code == ERR_OK)
		code = store_write_commit(store, err);
	store_write_end(store);
	return store_note_write(store, code, err);
}

void
store_write_check(struct store *store)
{
	int64_t now = clock_steady_ms();
	enum err_code code;
	struct err err;

	if (store->mode == STORE_READ || !store_file_is_open(&store->main_file) ||
	    store->in_transaction || now < store->write_check_at_ms)
		return;
	store->write_check_at_ms = now + WRITE_CHECK_MS;
	if (store->write.code == ERR_OK) {
		code = disk_check(&store->main, &err);
	} else {
		db_wait_set(&store->main, 0);
		code = store_write_begin(store, &err);
		db_rollback(&store->main);
		db_wait_set(&store->main, store->wait_ms);
	}
	store_note_write(store, code, &err);
}
