/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The store as a whole: its two files, how they are opened, found ill, made anew
 * and opened again; see store.h.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "store/store_private.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

enum {
	REOPEN_MS = 1000,		/* between two looks at an ill file */
	WRITE_LOOK_MS = 1000,		/* between two looks whether writing is possible */
	SPACE_NEEDED_BYTES = 256 * 1024,	/* journal and pages of a large SET */
};

/* -- status ------------------------------------------------------------------ */

static enum store_status
status_for(enum err_code code)
{
	switch (code) {
	case ERR_OK:
		return STORE_OK;
	case ERR_BUSY:
		return STORE_LOCKED;
	case ERR_READONLY:
		return STORE_READ_ONLY;
	case ERR_NOMEM:
	case ERR_INVALID:
	case ERR_RANGE:
	case ERR_NOT_FOUND:
	case ERR_PRECOND:
	case ERR_LIMIT:
	case ERR_FULL:
	case ERR_FOREIGN:
	case ERR_NEWER:
	case ERR_CORRUPT:
	case ERR_GONE:
	case ERR_DOUBT:
	case ERR_IO:
		break;
	}
	return STORE_UNAVAILABLE;
}

/* Without words ('err' is NULL) the name of the code has to do. */
static void
health_set(struct store_health *health, enum err_code code, const struct err *err)
{
	const char *text = err != NULL ? err->text : err_name(code);

	health->code = code;
	snprintf(health->text, sizeof(health->text), "%s", code == ERR_OK ? "" : text);
}

enum err_code
store_note_read(struct store *store, enum err_code code, const struct err *err)
{
	int64_t now = clock_steady_ms();

	if (code == ERR_BUSY) {
		/* Another program's commit is no illness; a lock that stays is. */
		if (store->busy_since_ms == 0)
			store->busy_since_ms = now;
		if (store->main.handle != NULL && now - store->busy_since_ms < store->wait_ms)
			return code;
	} else {
		store->busy_since_ms = 0;
	}
	health_set(&store->read, code, err);
	/* What cannot be trusted is closed, and looked at whole before it is used
	 * again. */
	if (code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_IO)
		db_close(&store->main);
	return code;
}

enum err_code
store_note_write(struct store *store, enum err_code code, const struct err *err)
{
	switch (code) {
	case ERR_PRECOND:
	case ERR_NOT_FOUND:
	case ERR_LIMIT:
	case ERR_INVALID:
	case ERR_RANGE:
		break;	/* the request was at fault, not the store */
	case ERR_OK:
	case ERR_NOMEM:
	case ERR_BUSY:
	case ERR_READONLY:
	case ERR_FULL:
	case ERR_FOREIGN:
	case ERR_NEWER:
	case ERR_CORRUPT:
	case ERR_GONE:
	case ERR_DOUBT:
	case ERR_IO:
		health_set(&store->write, code, err);
		break;
	}
	return code;
}

void
store_note_statistics(struct store *store, enum err_code code)
{
	if (code == ERR_CORRUPT || code == ERR_FOREIGN)
		store->stats_ill = true;
	if (code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_IO)
		db_close(&store->stats);
}

enum store_status
store_status(const struct store *store)
{
	return status_for(store->read.code != ERR_OK ? store->read.code : store->write.code);
}

const char *
store_status_text(const struct store *store)
{
	return store->read.code != ERR_OK ? store->read.text : store->write.text;
}

/* Sees a read-only or full file system before a write runs into it. */
static enum err_code
disk_look(const struct db *db, struct err *err)
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

/* Its file has its name, and nobody else may serve it. */
static bool
main_is_ours(const struct store *store)
{
	return db_is_same_file(&store->main) && store_lock_is_in_place(store);
}

enum err_code
store_write_begin(struct store *store, struct err *err)
{
	enum err_code code;

	if (store->in_transaction)
		return ERR_OK;
	/* Never into a file that has lost its name, or that another process serves. */
	if (store->main_in_doubt || (store->main.handle != NULL && !main_is_ours(store))) {
		code = store_main_reopen(store, err);
		if (code != ERR_OK)
			return store_note_read(store, code, err);
	}
	if (store->main.handle == NULL)
		return err_set(err, store->read.code, "%s", store->read.text);
	code = disk_look(&store->main, err);
	return code == ERR_OK ? db_begin(&store->main, true, err) : code;
}

enum err_code
store_write_commit(struct store *store, struct err *err)
{
	enum err_code code;

	if (store->in_transaction)
		return ERR_OK;
	store->self_changed = true;
	code = db_commit(&store->main, err);
	store->main_in_doubt = code == ERR_DOUBT;
	return code;
}

void
store_write_end(struct store *store)
{
	if (!store->in_transaction)
		db_rollback(&store->main);
}

enum err_code
store_write_alone(struct store *store,
    enum err_code (*fn)(struct store *, const void *, struct err *), const void *arg,
    struct err *err)
{
	enum err_code code = store_write_begin(store, err);

	if (code == ERR_OK)
		code = fn(store, arg, err);
	if (code == ERR_OK)
		code = store_write_commit(store, err);
	store_write_end(store);
	return store_note_write(store, code, err);
}

/* Finds out whether writing is possible again, or no longer, without a SET. */
static void
write_look(struct store *store)
{
	int64_t now = clock_steady_ms();
	struct err err;
	enum err_code code;

	if (store->mode == STORE_READ || store->main.handle == NULL || store->in_transaction ||
	    now < store->write_look_at_ms)
		return;
	store->write_look_at_ms = now + WRITE_LOOK_MS;
	if (store->write.code == ERR_OK) {
		code = disk_look(&store->main, &err);
	} else {
		db_wait_set(&store->main, 0);
		code = store_write_begin(store, &err);
		db_rollback(&store->main);
		db_wait_set(&store->main, store->wait_ms);
	}
	store_note_write(store, code, &err);
}

/* -- statistics file -------------------------------------------------------- */

/* Whoever opens the statistics file keeps others from replacing it meanwhile (LOCK_SH),
 * whoever replaces it does so alone (LOCK_EX): a program half way into the old file
 * would use the new one's log for it. *ret_fd is -1 where there is no locking. */
static enum err_code
stats_lock(const struct store *store, int operation, int *ret_fd, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 5L * 1000 * 1000 };
	int64_t until = clock_steady_ms() + store->wait_ms;
	char *path = sqlite3_mprintf("%s.lock", store->stats.path);
	enum err_code code = ERR_OK;
	int fd = -1;

	if (path != NULL)
		code = file_open(path, O_RDONLY, store->mode != STORE_READ, &fd, err);
	/* One that may not be made or read is none; what is no file is somebody's trap. */
	if (code != ERR_FOREIGN)
		code = ERR_OK;
	while (fd != -1 && flock(fd, operation | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK && clock_steady_ms() < until) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (errno == EWOULDBLOCK)
			code = err_set(err, ERR_BUSY, "%s: locked by another program", path);
		close(fd);
		fd = -1;
	}
	sqlite3_free(path);
	*ret_fd = fd;
	return code;
}

static void
stats_unlock(int fd)
{
	if (fd != -1)
		close(fd);
}

/* Puts the ill file aside, with all that SQLite would replay into a new one: on the disk
 * too, where a power cut could bring the old log back beside the new file. */
static enum err_code
stats_put_aside(const struct store *store, struct err *err)
{
	static const char *const tails[] = { "-wal", "-shm", "-journal" };
	char *path = sqlite3_mprintf("%s.ill", store->stats.path);

	if (path == NULL || rename(store->stats.path, path) == -1)
		unlink(store->stats.path);
	sqlite3_free(path);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		path = sqlite3_mprintf("%s%s", store->stats.path, tails[i]);
		if (path == NULL)
			return err_set(err, ERR_NOMEM, "%s: out of memory", store->stats.path);
		unlink(path);
		sqlite3_free(path);
	}
	return db_directory_sync(store->stats.path, err);
}

/* Opens it, or opens a new one in place of an ill one. */
static enum err_code
stats_mend(struct store *store, struct err *err)
{
	enum err_code code;
	int lock;

	code = stats_lock(store, LOCK_EX, &lock, err);
	if (code != ERR_OK)
		return code;
	/* Another program may have mended it while we waited for the lock. An open does not
	 * see all that may be wrong with rows: one that was ill when it was read stays so. */
	code = store->stats_ill && db_is_in_place(&store->stats) ? ERR_CORRUPT :
	    db_open(&store->stats, true, store->wait_ms, err);
	store->stats_ill = false;
	if (code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_NOT_FOUND) {
		code = stats_put_aside(store, err);
		if (code == ERR_OK)
			code = db_create(&db_stats_kind, store->stats.path, err);
		if (code == ERR_OK)
			code = db_open(&store->stats, true, store->wait_ms, err);
	}
	stats_unlock(lock);
	return code;
}

static enum err_code
stats_open(struct store *store, struct err *err)
{
	bool writable = store->mode != STORE_READ;
	enum err_code code;
	int lock;

	if (writable && store->stats_ill)
		return stats_mend(store, err);
	code = stats_lock(store, LOCK_SH, &lock, err);
	if (code != ERR_OK)
		return code;
	code = db_open(&store->stats, writable, store->wait_ms, err);
	stats_unlock(lock);
	if (writable && (code == ERR_NOT_FOUND || code == ERR_CORRUPT || code == ERR_FOREIGN))
		return stats_mend(store, err);
	return code;
}

static bool sqlite_set_up;

/* SQLite's own messages, with its token. */
static void
sqlite_log(void *arg, int rc, const char *text)
{
	(void)arg;
	log_debug("sqlite", "%s (%d)", text, rc);
}

/* -- open, close, open again ------------------------------------------------- */

static enum err_code
paths_set(struct store *store, const char *dir, struct err *err)
{
	store->main.kind = &db_main_kind;
	store->stats.kind = &db_stats_kind;
	store->dir = sqlite3_mprintf("%s", dir);
	store->main.path = sqlite3_mprintf("%s/%s", dir, db_main_kind.file);
	store->stats.path = sqlite3_mprintf("%s/%s", dir, db_stats_kind.file);
	if (store->dir == NULL || store->main.path == NULL || store->stats.path == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for a store", dir);
	return ERR_OK;
}

/* An empty store, whose name and whose directory's name survive a power cut. */
static enum err_code
main_make(const struct store *store, const char *dir, struct err *err)
{
	enum err_code code = db_create(&db_main_kind, store->main.path, err);

	if (code != ERR_OK)
		return code;
	/* The directory may be as new, whoever made it: another program, even one that was
	 * killed. If what it is in may not be read it was not one of us. */
	code = db_directory_sync(dir, err);
	return code == ERR_READONLY ? ERR_OK : code;
}

enum err_code
store_open(const char *dir, enum store_mode mode, int wait_ms, struct store **ret_store,
    struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));
	enum err_code code;

	if (store == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for a store", dir);
	if (!sqlite_set_up) {	/* only before SQLite's first use */
		sqlite3_config(SQLITE_CONFIG_LOG, sqlite_log, NULL);
		/* Debian's takes a name that begins with "file:" for a URI. */
		sqlite3_config(SQLITE_CONFIG_URI, 0);
		sqlite_set_up = true;
	}
	store->mode = mode;
	store->lock_fd = -1;
	store->main.verify = store->stats.verify = mode == STORE_CREATE;
	store->wait_ms = wait_ms;
	code = paths_set(store, dir, err);
	if (code == ERR_OK && mode == STORE_CREATE)
		code = file_directory_make(dir, err);
	if (code == ERR_OK)
		code = db_open(&store->main, mode != STORE_READ, wait_ms, err);
	if (code == ERR_NOT_FOUND && mode == STORE_CREATE) {
		code = main_make(store, dir, err);
		if (code == ERR_OK)
			code = db_open(&store->main, true, wait_ms, err);
	}
	if (code == ERR_OK) {
		code = stats_open(store, err);
		/* A reader can do without: there are no statistics then. */
		if (mode == STORE_READ)
			code = ERR_OK;
	}
	if (code != ERR_OK) {
		store_close(store);
		return code;
	}
	*ret_store = store;
	return ERR_OK;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	db_close(&store->main);
	db_close(&store->stats);
	sqlite3_free(store->dir);
	sqlite3_free(store->main.path);
	sqlite3_free(store->stats.path);
	if (store->lock_fd != -1)
		close(store->lock_fd);
	free(store);
}

enum err_code
store_main_reopen(struct store *store, struct err *err)
{
	enum err_code code;

	store->main_unsettled |= !db_is_in_place(&store->main);
	db_close(&store->main);
	/* As at a start: first what is there already, and made only in a good store. */
	code = store_lock_look(store, false, err);
	if (code == ERR_OK)
		code = db_open(&store->main, store->mode != STORE_READ, store->wait_ms, err);
	if (code == ERR_OK) {
		code = store_lock_look(store, true, err);
		if (code != ERR_OK)
			db_close(&store->main);
	}
	store->main_replaced = true;
	store->main_in_doubt = code != ERR_OK;
	/* It is the file that is gone, not a row that somebody asked for. */
	if (code == ERR_NOT_FOUND)
		code = err_set(err, ERR_IO, "%s: is gone: %s", store->main.path,
		    strerror(ENOENT));
	return code;
}

enum err_code
store_files_check(struct store *store, struct err *err)
{
	int64_t now = clock_steady_ms();
	enum err_code code = ERR_OK;

	if (store->in_transaction)
		return ERR_OK;
	if (store->main_in_doubt || !main_is_ours(store)) {
		if (now < store->reopen_at_ms)
			return err_set(err, store->read.code, "%s", store->read.text);
		store->reopen_at_ms = now + REOPEN_MS;
		code = store_main_reopen(store, err);
		if (code != ERR_OK)
			return store_note_read(store, code, err);
		store->reopen_at_ms = 0;
	}
	/* Statistics that cannot be read are no illness of the store: they age. */
	if (!db_is_same_file(&store->stats) && now >= store->stats_reopen_at_ms) {
		store->stats_reopen_at_ms = now + REOPEN_MS;
		db_close(&store->stats);
		(void)stats_open(store, NULL);
	}
	return code;
}

/* True if another connection committed since the last look. */
static bool
data_version_moved(struct db *db)
{
	int64_t version;

	if (db->handle == NULL)
		return false;
	if (db_number(db, NULL, 0, &version, "PRAGMA data_version", "") != ERR_OK)
		return true;
	return version != db->data_version;
}

bool
store_changed(struct store *store)
{
	write_look(store);
	return store->self_changed || store->read.code != ERR_OK ||
	    !main_is_ours(store) || !db_is_same_file(&store->stats) ||
	    data_version_moved(&store->main) || data_version_moved(&store->stats);
}
