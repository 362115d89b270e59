/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * How long SQLite waits for other processes. For a lock: as long as it is told, by the clock.
 * For a mark in a WAL it tries a hundred times, asleep in between for longer and longer, 10 s
 * in all, whatever the busy timeout; nothing ends that but to sleep no more.
 */
#include "store/db.h"

#include <time.h>

#include "util/clock.h"

enum {
	LOCK_PAUSE_US = 5000,
	LOCK_FIRST_US = 1000,	/* most are held for less than some of these */
	LOCK_FIRST_TRIES = 5,
	MARKS_WAIT_MS = 50,	/* they are held for microseconds, but for who was stopped */
	MARKS_PAUSE_US = 5000,
	FIRST_US = 1,		/* what SQLite asks for at the first tries */
};

#define VFS_NAME "lbcluster"

static void
pause_us(long us)
{
	const struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

/* -- a lock ----------------------------------------------------------------------- */

static int
on_busy(void *arg, int tries)
{
	struct db *db = arg;

	if (tries == 0)
		db->busy_since_ms = clock_steady_ms();
	if (clock_steady_ms() - db->busy_since_ms >= db->wait_ms)
		return 0;
	pause_us(tries < LOCK_FIRST_TRIES ? LOCK_FIRST_US : LOCK_PAUSE_US);
	return 1;
}

void
db_wait_set(struct db *db, int wait_ms)
{
	db->wait_ms = wait_ms;
	if (db->handle != NULL)
		sqlite3_busy_handler(db->handle, on_busy, db);
}

/* -- a mark ----------------------------------------------------------------------- */

static int64_t marks_since_ms;

/* Of SQLite's own waits that for a mark is the only one that comes here. */
static int
marks_sleep(sqlite3_vfs *vfs, int us)
{
	int64_t now = clock_steady_ms();

	(void)vfs;
	if (us <= FIRST_US)
		marks_since_ms = now;
	if (now - marks_since_ms < MARKS_WAIT_MS)
		pause_us(us < MARKS_PAUSE_US ? us : MARKS_PAUSE_US);
	return us;
}

const char *
db_vfs(void)
{
	static sqlite3_vfs vfs;
	const sqlite3_vfs *system;

	if (sqlite3_vfs_find(VFS_NAME) != NULL)
		return VFS_NAME;
	system = sqlite3_vfs_find(NULL);
	if (system == NULL)
		return NULL;
	vfs = *system;
	vfs.zName = VFS_NAME;
	vfs.xSleep = marks_sleep;
	return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? VFS_NAME : NULL;
}
