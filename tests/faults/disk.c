/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A SQLite VFS whose operations fail; see disk.h.
 */
#include "disk.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>

enum { METHODS_OF_SHARED_MEMORY = 2 };	/* the sqlite3_io_methods.iVersion with shared memory */

/* The VFS of SQLite has several kinds of files with different methods. */
struct disk_kind {
	const sqlite3_io_methods	*real;
	sqlite3_io_methods		 ours;
};

static sqlite3_vfs disk_vfs;
static sqlite3_vfs *disk_real_vfs;
static struct disk_kind disk_kinds[4];
static unsigned disk_operations;
static long disk_left;
static bool disk_for_good, disk_out, disk_hurries;
static void (*disk_visitor)(void *arg);
static void *disk_visitor_arg;

static bool
disk_fails_now(enum disk_operation operation)
{
	void (*visitor)(void *arg) = disk_visitor;

	if (!(disk_operations & (unsigned)operation))
		return false;
	if (disk_for_good && disk_out)
		return true;
	if (disk_left == 0 || --disk_left > 0)
		return false;
	disk_out = true;
	if (visitor == NULL)
		return true;
	visitor(disk_visitor_arg);
	return false;
}

static const sqlite3_io_methods *
disk_real(const sqlite3_file *file)
{
	for (size_t i = 0; i < sizeof(disk_kinds) / sizeof(disk_kinds[0]); i++)
		if (file->pMethods == &disk_kinds[i].ours)
			return disk_kinds[i].real;
	abort();
}

static int
disk_sync(sqlite3_file *file, int flags)
{
	if (disk_fails_now(DISK_SYNC))
		return SQLITE_IOERR_FSYNC;
	return disk_hurries ? SQLITE_OK : disk_real(file)->xSync(file, flags);
}

static int
disk_read(sqlite3_file *file, void *data, int n, sqlite3_int64 at)
{
	return disk_fails_now(DISK_READ) ? SQLITE_IOERR_READ :
	    disk_real(file)->xRead(file, data, n, at);
}

static int
disk_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
	if (disk_fails_now(DISK_WRITE))
		return SQLITE_IOERR_WRITE;
	if (disk_fails_now(DISK_FULL))
		return SQLITE_FULL;
	if (disk_fails_now(DISK_SHORT)) {
		(void)disk_real(file)->xWrite(file, data, n / 2, at);
		return SQLITE_FULL;
	}
	return disk_real(file)->xWrite(file, data, n, at);
}

static int
disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return disk_fails_now(DISK_TRUNCATE) ? SQLITE_IOERR_TRUNCATE :
	    disk_real(file)->xTruncate(file, size);
}

static int
disk_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	return disk_fails_now(DISK_SIZE) ? SQLITE_IOERR_FSTAT :
	    disk_real(file)->xFileSize(file, ret_size);
}

static int
disk_lock(sqlite3_file *file, int lock)
{
	if (disk_fails_now(DISK_LOCK))
		return SQLITE_IOERR_LOCK;
	return disk_fails_now(DISK_BUSY) ? SQLITE_BUSY : disk_real(file)->xLock(file, lock);
}

static int
disk_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
	return disk_fails_now(DISK_MAP) ? SQLITE_IOERR_SHMMAP :
	    disk_real(file)->xShmMap(file, region, size, extend, ret);
}

/* Unlocking never fails. tests/unit/test_store_marks.c tests a process that holds such a lock
 * for ever. */
static int
disk_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return (flags & SQLITE_SHM_LOCK) != 0 && disk_fails_now(DISK_LOCK) ?
	    SQLITE_IOERR_SHMLOCK : disk_real(file)->xShmLock(file, offset, n, flags);
}

static void
disk_kind_make(struct disk_kind *kind, const sqlite3_io_methods *real)
{
	kind->real = real;
	kind->ours = *real;
	kind->ours.xSync = disk_sync;
	kind->ours.xRead = disk_read;
	kind->ours.xWrite = disk_write;
	kind->ours.xTruncate = disk_truncate;
	kind->ours.xFileSize = disk_size;
	kind->ours.xLock = disk_lock;
	if (real->iVersion >= METHODS_OF_SHARED_MEMORY) {
		kind->ours.xShmMap = disk_shm_map;
		kind->ours.xShmLock = disk_shm_lock;
	}
}

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	const size_t kinds = sizeof(disk_kinds) / sizeof(disk_kinds[0]);
	size_t i = 0;
	int rc;

	file->pMethods = NULL;
	if (disk_fails_now(DISK_OPEN)) {
		errno = EMFILE;
		return SQLITE_CANTOPEN;
	}
	rc = disk_real_vfs->xOpen(vfs, name, file, flags, ret_flags);
	if (rc != SQLITE_OK || file->pMethods == NULL)
		return rc;
	while (i < kinds && disk_kinds[i].real != NULL && disk_kinds[i].real != file->pMethods)
		i++;
	if (i == kinds)
		abort();
	if (disk_kinds[i].real == NULL)
		disk_kind_make(&disk_kinds[i], file->pMethods);
	file->pMethods = &disk_kinds[i].ours;
	return rc;
}

static int
disk_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	return disk_fails_now(DISK_DELETE) ? SQLITE_IOERR_DELETE :
	    disk_real_vfs->xDelete(vfs, name, sync_dir && !disk_hurries);
}

static int
disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	return disk_fails_now(DISK_ACCESS) ? SQLITE_IOERR_ACCESS :
	    disk_real_vfs->xAccess(vfs, name, flags, ret);
}

void
disk_set_up(void)
{
	disk_real_vfs = sqlite3_vfs_find(NULL);
	disk_vfs = *disk_real_vfs;
	disk_vfs.zName = "failing";
	disk_vfs.xOpen = disk_open;
	disk_vfs.xDelete = disk_delete;
	disk_vfs.xAccess = disk_access;
	sqlite3_vfs_register(&disk_vfs, 1);
}

void
disk_visited_at(unsigned operations, long n, void (*fn)(void *arg), void *arg)
{
	disk_operations = operations;
	disk_left = n;
	disk_for_good = disk_out = false;
	disk_visitor = fn;
	disk_visitor_arg = arg;
}

void
disk_fails_at(unsigned operations, long n, bool for_good)
{
	disk_visited_at(operations, n, NULL, NULL);
	disk_for_good = for_good;
}

bool
disk_failed(void)
{
	return disk_out;
}

void
disk_hurry(bool hurry)
{
	disk_hurries = hurry;
}
