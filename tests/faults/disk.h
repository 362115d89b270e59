/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A disk that fails, as far as SQLite uses it: a VFS over SQLite's own, in which the
 * n-th operation of some kinds fails, or another program comes in between.
 */
#ifndef TESTS_FAULTS_DISK_H
#define TESTS_FAULTS_DISK_H

#include <stdbool.h>

enum disk_operation {
	DISK_SYNC = 1 << 0,
	DISK_WRITE = 1 << 1,
	DISK_TRUNCATE = 1 << 2,
	DISK_READ = 1 << 3,
	DISK_FULL = 1 << 4,	/* a write for which there is no room */
	DISK_SHORT = 1 << 5,	/* one for half of which there is room */
	DISK_OPEN = 1 << 6,
	DISK_DELETE = 1 << 7,
	DISK_SIZE = 1 << 8,	/* of a file */
	DISK_ACCESS = 1 << 9,	/* is there such a file? */
	DISK_LOCK = 1 << 10,	/* fails, by itself */
	DISK_BUSY = 1 << 11,	/* a lock that somebody else has */
	DISK_MAP = 1 << 12,	/* memory shared with others, of a log */
};

void disk_set_up(void);		/* before the first store_open() of the program */
/* Of the operations of the kinds named the n-th from now on fails, and all after it if
 * 'for_good' (0: none fails). */
void disk_fails_at(unsigned operations, long n, bool for_good);
/* Before the n-th of them fn(arg) is called, which may use SQLite by its VFS "unix"; the
 * operation itself is done. */
void disk_visited_at(unsigned operations, long n, void (*fn)(void *arg), void *arg);
/* True if that came to pass. */
bool disk_failed(void);
/* Syncs that do not fail are not done: for tests that have no power cut in mind. */
void disk_hurry(bool hurry);

#endif
