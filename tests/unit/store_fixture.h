/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the tests of store and cache share: a store in a directory of its own, SQL from this
 * and from other processes, a clock that the test moves, disks that fail.
 *
 * With LBCLUSTER_TEST_POSTGRESQL (see tests/unit/postgres) the store is a new database of
 * PostgreSQL instead, and the same tests run against it. A test about files of SQLite calls
 * sqlite_only().
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdbool.h>

#include "../faults/disk.h"
#include "../faults/memory.h"
#include "store/store.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { WAIT_MS = 50, LONG_WAIT_MS = 20000 };

struct sql_process;

struct fixture {
	char		 dir[64];	/* removed at the end */
	char		 name[256];	/* for store_open(): 'dir', or the URI of a database */
	/* For SQL and messages: the two files, or "DATABASE" and "/DATABASE". */
	char		 main_path[96];
	char		 stats_path[96];
	struct store	*store;
	struct sql_process	*other;		/* see sql_process_start() */
	bool		 mounted;
	struct err	 err;
};

/* For cmocka: *state is a struct fixture with an empty directory. fixture_setup_open() also
 * opens a store in it, fixture_setup_filled() creates that of fixture_fill().
 * fixture_teardown() closes everything and removes the directory. */
int fixture_setup(void **state);
int fixture_setup_open(void **state);
int fixture_setup_filled(void **state);
int fixture_teardown(void **state);

/* Skips the test with PostgreSQL, because of 'reason'. */
void sqlite_only(void **state, const char *reason);
bool fixture_is_postgres(void);

enum err_code fixture_open(struct fixture *f, enum store_mode mode);
void fixture_close(struct fixture *f);

/* Add a row and return its id, or fail the test. */
uint32_t fixture_service(struct fixture *f, uint32_t cluster_id, const char *name);
uint32_t fixture_real(struct fixture *f, uint32_t service_id, const char *name, uint16_t weight,
    bool fallback, bool enabled);

/* The bytes of a file. Never read a file that this process has open: close(2) would release
 * SQLite's locks. */
struct bytes {
	size_t		 n;
	unsigned char	*data;
};

struct bytes file_bytes(const char *path);
void file_bytes_write(const char *path, const void *data, size_t n);
/* Compares a file with 'before' and frees 'before'. */
void assert_file_unchanged(const char *path, struct bytes before);

bool file_exists(const char *path);

/* The message contains 'file' and 'cure'. */
void assert_error_contains(const struct err *err, const char *file, const char *cure);

/* Run SQL on a connection that is closed again. With PostgreSQL, booleans are 0 and 1, and "BEGIN
 * IMMEDIATE" and "BEGIN EXCLUSIVE" lock out other writers. */
int sql_run(const char *path, const char *sql);		/* returns SQLite's primary code */
void sql_exec(const char *path, const char *sql);
int64_t sql_number(const char *path, const char *sql);
const char *sql_text(const char *path, const char *sql);	/* valid until the next call */

/* The rows of both databases, as "main" and "stats" of SQLite, for SQL that only SQLite
 * understands: the files, or with PostgreSQL a copy of the tables. */
sqlite3 *fixture_tables(struct fixture *f);

/* Calls fn() for each statement of store/sql.h that the store uses. 'stats': a statement for the
 * database of the statistics. */
void statements_each(void (*fn)(void *arg, bool stats, unsigned int statement), void *arg);

/* Waits until store_changed() is true: a program is notified shortly after the write. */
void assert_changed(struct fixture *f);

/* Creates a store of one cluster, one service and 300 real services with statistics, and
 * leaves it closed. */
void fixture_fill(struct fixture *f);
/* Removes the files of the store. */
void fixture_remove_files(struct fixture *f);
/* Calls store_changes() once; *ret_clusters is the number of clusters received. */
enum err_code fixture_read_changes(struct fixture *f, struct store_cursor *cursor,
    int *ret_clusters);
/* Overwrites every other byte of a page in use. */
void damage_page(const char *path);

/* Another process with an open connection. Start it while this process has no file of the
 * store open: SQLite's locks do not survive fork(2). */
void sql_process_start(struct fixture *f, const char *path);
int sql_process_exec(struct fixture *f, const char *sql);
void sql_process_stop(struct fixture *f);
void sql_process_kill(struct fixture *f);	/* by SIGKILL: its journal stays */

/* Runs fn(arg, i) in 'n' processes that start at the same moment; each must return 0. */
void run_processes(int n, int (*fn)(void *arg, int i), void *arg);

/* Moves clock_steady_ms() of this process forward. */
void clock_advance(int64_t ms);

/* Mounts a small file system over the fixture's directory, in a mount namespace of this
 * process. Skips the test if that is not permitted. */
void mount_small(struct fixture *f, size_t kbytes);
void mount_read_only(struct fixture *f, bool read_only);
/* Fills the disk except 'kbytes_left'; 0 frees the space again. */
void mount_fill(struct fixture *f, size_t kbytes_left);
void mount_free(struct fixture *f);

/* A random number of a fixed sequence, so that a failure can be repeated. */
uint32_t random_next(uint64_t *seed);

#endif
