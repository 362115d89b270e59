/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store on disk, filled with plain SQL as another program would fill it, and a MIB engine over
 * it, for the tests of src/mib. The wall clock does not move until a test sets it. If a fixture
 * cannot be made, the program ends.
 *
 * The fixture replaces the system calls with which the store checks its disk. Tests are fast, and
 * can damage the disk.
 */
#ifndef TESTS_UNIT_MIB_FIXTURE_H
#define TESTS_UNIT_MIB_FIXTURE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "cache/cache.h"
#include "mib_oid.h"
#include "store/store.h"

struct fixture {
	char		 dir[64];
	sqlite3		*main;		/* another program's connections */
	sqlite3		*stats;
	struct store	*store;
	struct cache	*cache;
	struct mib	*mib;
};

/* An empty store with both files, and connections of another program. In two steps, if a child
 * has to be forked in between. */
void fixture_dir_make(struct fixture *f);
void fixture_store_make(struct fixture *f);
/* Starts the engine, after all children are forked. */
void fixture_start(struct fixture *f, enum store_mode mode, int wait_ms);
/* Ends the engine and keeps the store. */
void fixture_stop(struct fixture *f);
/* Ends the engine and removes the directory. */
void fixture_free(struct fixture *f);

/* Reads all changes into the cache. */
void fixture_refresh(struct fixture *f);

/* Runs SQL as another program. */
void fixture_sql(sqlite3 *db, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int64_t fixture_number(sqlite3 *db, const char *sql);
/* Returns the first column of all rows, joined by ", ", valid until the next call. */
const char *fixture_text(sqlite3 *db, const char *sql);

/* -- the world around the store --------------------------------------------------- */

extern int64_t fixture_now;		/* clock_wall_s() */
extern int64_t fixture_steady_offset_ms;	/* clock_steady_ms() is so much ahead */
extern int64_t fixture_steady_ms;	/* it stays at this time; 0: it runs */
extern int fixture_syncs_left;		/* that succeed before one fails; -1: all do */
extern bool fixture_disk_full;
extern bool fixture_read_only;		/* the file system may not be written */

/* Another process that holds a lock on the main file. */
struct locker {
	pid_t	pid;
	int	order, done;		/* pipes */
};

/* Between fixture_dir_make() and fixture_store_make(). */
void locker_start(struct locker *locker, const struct fixture *f);
/* Runs "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE" or "ROLLBACK" there. */
void locker_do(struct locker *locker, const char *sql);
void locker_stop(struct locker *locker);

/* Numbers at random, the same in each run. */
uint32_t fixture_random(uint32_t below);

#endif
