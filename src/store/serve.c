/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The store of a program that stays: one process of a name, and patience while it starts;
 * see store.h.
 */
#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/store_private.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/lockfile.h"

enum { START_WAIT_MS = 10000, PAUSE_US = 10000, READER_PAUSE_US = 5000, PATH_SIZE = 4096 };

/* Marks of the lock file. */
enum { MARK_MAIN, MARK_STATS };

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

static bool
file_system_is_read_only(const char *dir)
{
	struct statvfs vfs;

	return statvfs(dir, &vfs) == 0 && (vfs.f_flag & ST_RDONLY) != 0;
}

bool
store_error_is_transient(const char *dir, enum err_code code)
{
	switch (code) {
	case ERR_NOMEM:
	case ERR_BUSY:
	case ERR_FULL:
	case ERR_DOUBT:
		return true;
	case ERR_READONLY:
		return file_system_is_read_only(dir);
	case ERR_OK:
	case ERR_INVALID:
	case ERR_RANGE:
	case ERR_NOT_FOUND:
	case ERR_PRECOND:
	case ERR_LIMIT:
	case ERR_FOREIGN:
	case ERR_NEWER:
	case ERR_CORRUPT:
	case ERR_GONE:
	case ERR_IO:
		break;
	}
	return false;
}

struct serve {
	const char	*dir, *program;
	int		 wait_ms, lock_fd;
	struct store	*store;
};

static enum err_code
lock_take(struct serve *serve, bool make, struct err *err)
{
	enum err_code code;

	if (serve->lock_fd != -1)
		return ERR_OK;
	code = lockfile_take(serve->dir, serve->program, make, &serve->lock_fd, err);
	return code == ERR_NOT_FOUND && !make ? ERR_OK : code;
}

static enum err_code
serve_step(void *arg, struct err *err)
{
	struct serve *serve = arg;
	enum err_code code;

	code = lock_take(serve, false, err);
	if (code == ERR_OK)
		code = store_open(serve->dir, STORE_CREATE, serve->wait_ms, &serve->store, err);
	if (code == ERR_OK)
		code = lock_take(serve, true, err);
	return code;
}

enum err_code
store_open_exclusive(const char *dir, const char *program, int wait_ms,
    struct store **ret_store, struct err *err)
{
	struct serve serve = { .dir = dir, .program = program, .wait_ms = wait_ms, .lock_fd = -1 };
	enum err_code code = store_retry_while_busy(serve_step, &serve, err);

	if (code == ERR_OK) {
		serve.store->program = program;
		serve.store->lock_fd = serve.lock_fd;
		*ret_store = serve.store;
		return ERR_OK;
	}
	store_close(serve.store);
	if (serve.lock_fd != -1)
		close(serve.lock_fd);
	return code;
}

/* -- while it serves ---------------------------------------------------------- */

bool
store_lock_is_in_place(const struct store *store)
{
	return store->lock_fd == -1 ||
	    lockfile_is_in_place(store->dir, store->program, store->lock_fd);
}

enum err_code
store_lock_look(struct store *store, bool make, struct err *err)
{
	enum err_code code;
	struct err why;
	int fd;

	if (store_lock_is_in_place(store))
		return ERR_OK;
	code = lockfile_take(store->dir, store->program, make, &fd, &why);
	if (code == ERR_OK) {
		close(store->lock_fd);
		store->lock_fd = fd;
		return ERR_OK;
	}
	if (code == ERR_NOT_FOUND && !make)
		return ERR_OK;
	/* It may be free again: that is no end, as it is at a start. */
	return err_set(err, code == ERR_PRECOND ? ERR_BUSY : code, "%s", why.text);
}

/* -- how far it has read --------------------------------------------------------- */

void
store_lock_marks_show(const struct store *store, int64_t main, int64_t stats)
{
	if (store->lock_fd == -1)
		return;
	lockfile_mark_show(store->lock_fd, MARK_MAIN, main);
	lockfile_mark_show(store->lock_fd, MARK_STATS, stats);
}

/* The counter of a file, which grows with each change of a row. */
static enum err_code
counter_read(struct db *db, int wait_ms, int64_t *ret, struct err *err)
{
	int usual_ms = db->wait_ms;
	enum err_code code;

	db_wait_set(db, wait_ms);
	code = db_number(db, err, 0, ret, "SELECT change FROM store", "");
	db_wait_set(db, usual_ms);
	return code;
}

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
		usleep(READER_PAUSE_US);
	}
	return ERR_OK;
}

enum err_code
store_reader_wait(struct store *store, const char *program, int wait_ms, struct err *err)
{
	int64_t until = clock_steady_ms() + wait_ms, main = 0, stats = 0;
	enum err_code code = ERR_OK;
	char path[PATH_SIZE];
	int fd;

	if (store->main.handle == NULL)
		return ERR_OK;
	snprintf(path, sizeof(path), "%s/%s.lock", store->dir, program);
	if (file_open(path, O_RDONLY, false, &fd, NULL) != ERR_OK)
		return ERR_OK;
	if (lockfile_mark_reached(fd, MARK_MAIN, 0)) {
		code = counter_read(&store->main, wait_ms, &main, err);
		if (code == ERR_OK && store->stats_written && store->stats.handle != NULL)
			code = counter_read(&store->stats, wait_ms, &stats, err);
		if (code == ERR_OK)
			code = marks_await(fd, main, stats, until, program, err);
	}
	close(fd);
	return code;
}
