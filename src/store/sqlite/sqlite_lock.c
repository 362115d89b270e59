/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The lock file of store_open_exclusive(). One process per program name holds it, and shows in
 * it how far it has read the store.
 */
#include "store/sqlite/sqlite_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"
#include "util/lockfile.h"

enum { PAUSE_US = 5000 };

/* Marks of the lock file. */
enum { MARK_MAIN, MARK_STATS };

bool
sqlite_lock_is_in_place(const struct store *store)
{
	return store->program == NULL || (store->lock_fd != -1 &&
	    lockfile_is_in_place(store->dir, store->program, store->lock_fd));
}

enum err_code
sqlite_lock_take(struct store *store, bool make, struct err *err)
{
	enum err_code code;
	int fd;

	if (sqlite_lock_is_in_place(store))
		return ERR_OK;
	code = lockfile_take(store->dir, store->program, make, &fd, err);
	if (code == ERR_NOT_FOUND && !make)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	sqlite_lock_release(store);
	store->lock_fd = fd;
	return ERR_OK;
}

void
sqlite_lock_release(struct store *store)
{
	if (store->lock_fd != -1)
		close(store->lock_fd);
	store->lock_fd = -1;
}

void
sqlite_read_show(struct store *store, int64_t main, int64_t stats)
{
	if (store->lock_fd == -1)
		return;
	lockfile_mark_show(store->lock_fd, MARK_MAIN, main);
	lockfile_mark_show(store->lock_fd, MARK_STATS, stats);
}

/* Reads the counter of a file, which grows with each change of a row. */
static enum err_code
counter_read(struct db *db, int wait_ms, int64_t *ret, struct err *err)
{
	int usual_ms = db->wait_ms;
	enum err_code code;

	db_wait_set(db, wait_ms);
	code = db_number(db, SQL_CHANGE, DB_NO_VALUES, ret, err);
	db_wait_set(db, usual_ms);
	return code;
}

/* Returns ERR_OK also if the holder of the lock shows no mark or ends. */
static enum err_code
marks_await(int fd, int64_t main, int64_t stats, int64_t until, const char *program,
    struct err *err)
{
	while (lockfile_mark_reached(fd, MARK_MAIN, 0)) {
		if (lockfile_mark_reached(fd, MARK_MAIN, main) &&
		    (stats == 0 || lockfile_mark_reached(fd, MARK_STATS, stats)))
			return ERR_OK;
		if (clock_steady_ms() >= until)
			return err_set(err, ERR_BUSY, "%s: has not read the store yet", program);
		usleep(PAUSE_US);
	}
	return ERR_OK;
}

enum err_code
sqlite_reader_wait(struct store *store, const char *program, int wait_ms, struct err *err)
{
	int64_t until = clock_steady_ms() + wait_ms, main = 0, stats = 0;
	enum err_code code = ERR_OK;
	char path[DB_PATH_SIZE];
	int fd;

	if (!db_is_open(&store->main))
		return ERR_OK;
	snprintf(path, sizeof(path), "%s/%s.lock", store->dir, program);
	if (file_open(path, O_RDONLY, false, &fd, NULL) != ERR_OK)
		return ERR_OK;
	if (lockfile_mark_reached(fd, MARK_MAIN, 0)) {
		code = counter_read(&store->main, wait_ms, &main, err);
		if (code == ERR_OK && store->stats_written && db_is_open(&store->stats))
			code = counter_read(&store->stats, wait_ms, &stats, err);
		if (code == ERR_OK)
			code = marks_await(fd, main, stats, until, program, err);
	}
	close(fd);
	return code;
}
