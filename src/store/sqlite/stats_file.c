/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The statistics file: opened, replaced if it is damaged, and its state. Statistics are measured
 * again within seconds, so a damaged file loses only the latest ones.
 */
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"

enum { STEP_WAIT_MS = 20 };	/* for a lock, by the timer of a program */

/* Locks the file "lbcluster-stats.db.lock": LOCK_SH to open the statistics, LOCK_EX to replace
 * them. Otherwise a program that has the old file half open would use the log of the new one.
 * *ret_fd is -1 if the lock file cannot be created or read: the caller goes on without it. */
static enum err_code
replacement_lock(const struct store *store, int operation, int wait_ms, int *ret_fd,
    struct err *err)
{
	const struct timespec pause = { .tv_nsec = 5L * 1000 * 1000 };
	int64_t until = clock_steady_ms() + wait_ms;
	char path[DB_PATH_SIZE];
	enum err_code code;
	int fd = -1;

	snprintf(path, sizeof(path), "%s.lock", store->stats.path);
	code = file_open(path, O_RDONLY, store->mode != STORE_READ, &fd, err);
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
	*ret_fd = fd;
	return code;
}

static void
replacement_unlock(int fd)
{
	if (fd != -1)
		close(fd);
}

/* Renames the damaged file to "lbcluster-stats.db.ill" and removes its log. SQLite would replay
 * the log into the new file, also after a power cut, so the directory is synced. */
static enum err_code
set_aside(const struct store *store, struct err *err)
{
	char path[DB_PATH_SIZE];

	snprintf(path, sizeof(path), "%s.ill", store->stats.path);
	if (rename(store->stats.path, path) == -1)
		unlink(store->stats.path);
	for (size_t i = 0; i < DB_TAILS; i++) {
		snprintf(path, sizeof(path), "%s%s", store->stats.path, sqlite_tails[i]);
		unlink(path);
	}
	return sqlite_directory_sync(store->stats.path, err);
}

static bool
needs_replacement(enum err_code code)
{
	return code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_NOT_FOUND;
}

/* sqlite_open(). An index that was truncated meanwhile has hidden pages. */
static enum err_code
file_open_once(struct store *store, int wait_ms, struct err *err)
{
	enum err_code code;

	(void)sqlite_shm_was_lost();
	code = sqlite_open(&store->stats, store->mode != STORE_READ, wait_ms, err);
	if (!sqlite_shm_was_lost())
		return code;
	sqlite_abandon(&store->stats);
	return err_set(err, ERR_CORRUPT, "%s: damaged", store->stats.path);
}

/* Replaces the files by empty ones, unless another program did so while this one waited for the
 * lock. sqlite_open() does not find every invalid row. So a file in which a read found one is
 * replaced although sqlite_open() accepts it. */
static enum err_code
stats_replace(struct store *store, int wait_ms, struct err *err)
{
	bool damaged = store->stats_file.state == FILE_DAMAGED;
	enum err_code code;
	int lock;

	if ((code = replacement_lock(store, LOCK_EX, wait_ms, &lock, err)) != ERR_OK)
		return code;
	code = damaged && sqlite_place(&store->stats) != DB_REPLACED ? ERR_CORRUPT :
	    file_open_once(store, wait_ms, err);
	if (needs_replacement(code)) {
		store->stats_replaced |= code != ERR_NOT_FOUND;
		code = set_aside(store, err);
		if (code == ERR_OK)
			code = sqlite_create(&sqlite_stats_kind, store->stats.path, err);
		if (code == ERR_OK)
			code = file_open_once(store, wait_ms, err);
	}
	replacement_unlock(lock);
	return code;
}

static enum err_code
stats_open(struct store *store, int wait_ms, struct err *err)
{
	bool writable = store->mode != STORE_READ;
	enum err_code code = ERR_CORRUPT;
	int lock;

	if (!writable || store->stats_file.state != FILE_DAMAGED) {
		code = replacement_lock(store, LOCK_SH, wait_ms, &lock, err);
		if (code != ERR_OK)
			return code;
		code = file_open_once(store, wait_ms, err);
		replacement_unlock(lock);
	}
	return writable && needs_replacement(code) ? stats_replace(store, wait_ms, err) : code;
}

/* A program that writes replaces the file; one that only reads says how to do it. */
static void
damage_note(struct store *store)
{
	err_set(&store->stats_error, ERR_CORRUPT, "%s: damaged%s", store->stats.path,
	    store->mode == STORE_READ ? "; remove it, and lbclusterd creates it again" : "");
}

enum err_code
sqlite_stats_open(struct store *store, int wait_ms, struct err *err)
{
	enum err_code code = stats_open(store, wait_ms, &store->stats_error);

	if (code == ERR_CORRUPT)
		damage_note(store);
	store->stats_file.retry_at_ms = clock_steady_ms() + STORE_RETRY_MS;
	if (code != ERR_OK)
		return err_set(err, code, "%s", store->stats_error.text);
	store->stats_error.code = ERR_OK;
	store->stats_hidden = 0;
	store->stats_file.state = FILE_OPEN;
	db_wait_set(&store->stats, store->wait_ms);
	return ERR_OK;
}

/* A program that replaces the statistics replaces all files. If one of them is left, programs have
 * different files open and write to both. */
static void
place_check(struct store *store)
{
	switch (sqlite_place(&store->stats)) {
	case DB_IN_PLACE:
		break;
	case DB_PARTLY:
		store->stats_file.state = FILE_DAMAGED;
		break;
	case DB_REPLACED:
		store->stats_file.state = FILE_REPLACED;
		break;
	}
}

void
sqlite_stats_step(struct store *store)
{
	struct store_file *file = &store->stats_file;
	int64_t now = clock_steady_ms();

	if (store_file_is_open(file))
		place_check(store);
	if (store_file_is_open(file) || now < file->retry_at_ms)
		return;
	sqlite_abandon(&store->stats);
	(void)sqlite_stats_open(store,
	    store->wait_ms < STEP_WAIT_MS ? store->wait_ms : STEP_WAIT_MS, NULL);
}

void
sqlite_stats_note(struct store *store, enum err_code code)
{
	struct store_file *file = &store->stats_file;

	if (!store_file_is_open(file))
		return;
	if (sqlite_shm_was_lost())
		code = ERR_CORRUPT;
	file->state = code == ERR_OK ? FILE_OPEN : code == ERR_IO ? FILE_REPLACED :
	    code == ERR_CORRUPT || code == ERR_FOREIGN ? FILE_DAMAGED : FILE_BUSY;
	if (store_file_is_open(file))
		return;
	sqlite_abandon(&store->stats);
	if (file->state == FILE_DAMAGED)
		damage_note(store);
}
