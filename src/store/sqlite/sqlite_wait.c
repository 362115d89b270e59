/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Bounds SQLite's waits for other processes. The busy handler waits for a lock as long as
 * db_wait_set() says. For a read mark of a WAL, SQLite ignores the busy handler: it retries a
 * hundred times and sleeps longer each time, 10 s in all. A copy of the VFS whose xSleep
 * returns early ends that after 50 ms. An open(2) that refuses special files waits for no FIFO.
 */
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

enum {
	LOCK_PAUSE_US = 5000,
	LOCK_FIRST_US = 1000,	/* for the first tries: most locks are held for 1 to 5 ms */
	LOCK_FIRST_TRIES = 5,
	MARKS_WAIT_MS = 50,	/* longer than any holder needs, unless it got SIGSTOP */
	MARKS_PAUSE_US = 5000,
	FIRST_US = 1,		/* what SQLite sleeps at its first tries */
};

#define VFS_NAME "lbcluster"

static void
pause_us(long us)
{
	const struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

/* -- locks ---------------------------------------------------------------------- */

static int
on_busy(void *arg, int tries)
{
	struct db *db = arg;

	if (tries == 0)
		db->state->busy_since_ms = clock_steady_ms();
	if (clock_steady_ms() - db->state->busy_since_ms >= db->wait_ms)
		return 0;
	pause_us(tries < LOCK_FIRST_TRIES ? LOCK_FIRST_US : LOCK_PAUSE_US);
	return 1;
}

void
sqlite_wait_set(struct db *db, int wait_ms)
{
	db->wait_ms = wait_ms;
	if (db_is_open(db))
		sqlite3_busy_handler(db->state->handle, on_busy, db);
}

/* -- read marks of a WAL -------------------------------------------------------------------- */

static int64_t marks_since_ms;

/* SQLite calls xSleep only while it waits for a read mark: the busy handler does the rest. */
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

/* -- special files -------------------------------------------------------------------------- */

/* SQLite's own function for open(2). */
static int (*system_open)(const char *path, int flags, int mode);

struct sqlite_file sqlite_tails_opened[DB_TAILS];

static void
tail_note(const char *path, const struct stat *st)
{
	size_t length = strlen(path), n;

	for (size_t i = 0; i < DB_TAILS; i++) {
		n = strlen(sqlite_tails[i]);
		if (length > n && strcmp(path + length - n, sqlite_tails[i]) == 0)
			sqlite_tails_opened[i] = (struct sqlite_file){ st->st_dev, st->st_ino };
	}
}

/* Opens a file for SQLite: a database, its -journal, -wal and -shm, the super-journal that a
 * journal names, a directory to sync. Other users may put a FIFO or a link in the place of each at
 * any time. SQLite opens /dev/null to keep descriptors 0 to 2 in use. O_NONBLOCK also ends the
 * wait for a lease (fcntl(2)). */
static int
file_open_for_sqlite(const char *path, int flags, int mode)
{
	int fd = system_open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
	struct stat st;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
	    strcmp(path, "/dev/null") == 0)) {
		tail_note(path, &st);
		return fd;
	}
	close(fd);
	errno = ENXIO;
	return -1;
}

const char *
sqlite_vfs(void)
{
	static sqlite3_vfs vfs;
	const sqlite3_vfs *system;
	sqlite3_vfs *files;

	if (sqlite3_vfs_find(VFS_NAME) != NULL)
		return VFS_NAME;
	system = sqlite3_vfs_find(NULL);
	files = sqlite3_vfs_find("unix");	/* tests lay another VFS over it */
	if (system == NULL || files == NULL)
		return NULL;
	system_open = (int (*)(const char *, int, int))files->xGetSystemCall(files, "open");
	if (files->xSetSystemCall(files, "open", (sqlite3_syscall_ptr)file_open_for_sqlite) !=
	    SQLITE_OK || !sqlite_shm_guard(files))
		return NULL;
	vfs = *system;
	vfs.zName = VFS_NAME;
	vfs.xSleep = marks_sleep;
	return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? VFS_NAME : NULL;
}
