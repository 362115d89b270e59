/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A SQLite VFS above the default one, in which the n-th operation of some kinds fails, or in
 * which another program acts before that operation.
 */
#ifndef TESTS_FAULTS_DISK_H
#define TESTS_FAULTS_DISK_H

#include <stdbool.h>

enum disk_operation {
	DISK_SYNC = 1 << 0,
	DISK_WRITE = 1 << 1,
	DISK_TRUNCATE = 1 << 2,
	DISK_READ = 1 << 3,
	DISK_FULL = 1 << 4,	/* a write without room on the disk */
	DISK_SHORT = 1 << 5,	/* a write with room for half of it */
	DISK_OPEN = 1 << 6,
	DISK_DELETE = 1 << 7,
	DISK_SIZE = 1 << 8,	/* of a file */
	DISK_ACCESS = 1 << 9,	/* whether a file exists */
	DISK_LOCK = 1 << 10,	/* an I/O error of a lock */
	DISK_BUSY = 1 << 11,	/* a lock that another program holds */
	DISK_MAP = 1 << 12,	/* the shared memory of a WAL */
};

void disk_set_up(void);		/* before the first store_open() of the program */
/* The n-th of these operations from now on fails, and all later ones if 'for_good'. 0: none
 * fails. */
void disk_fails_at(unsigned operations, long n, bool for_good);
/* Calls fn(arg) before the n-th of these operations and then does the operation. fn may use
 * SQLite with the VFS "unix". */
void disk_visited_at(unsigned operations, long n, void (*fn)(void *arg), void *arg);
/* True if the operation failed or fn was called. */
bool disk_failed(void);
/* Skips syncs that do not fail, to save time in tests without power cuts. */
void disk_hurry(bool hurry);

#endif
