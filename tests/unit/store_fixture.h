/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the tests of store and cache share: a store in a directory of its own,
 * plain SQL beside it from this process and from others, a clock that can be
 * moved, disks that fail.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdbool.h>

#include "../faults/disk.h"
#include "../faults/memory.h"
#include "store/store.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { WAIT_MS = 50, LONG_WAIT_MS = 20000 };

struct sql_process;

struct fixture {
	char		 dir[64];	/* removed at the end */
	char		 main_path[96];
	char		 stats_path[96];
	struct store	*store;
	struct sql_process	*other;		/* see sql_process_start() */
	bool		 mounted;
	struct err	 err;
};

/* For cmocka: *state is a struct fixture with an empty directory; what is left
 * open is closed at the end. The second one opens a store in it as well, the third one
 * makes that of fixture_fill(). */
int fixture_setup(void **state);
int fixture_setup_open(void **state);
int fixture_setup_filled(void **state);
int fixture_teardown(void **state);

enum err_code fixture_open(struct fixture *f, enum store_mode mode);
void fixture_close(struct fixture *f);

/* Ids of new rows; they fail the test if it cannot be. */
uint32_t fixture_cluster(struct fixture *f, const char *name, const char *plane);
uint32_t fixture_service(struct fixture *f, uint32_t cluster_id, const char *name);
uint32_t fixture_real(struct fixture *f, uint32_t service_id, const char *name, uint16_t weight,
    bool fallback, bool enabled);

/* A file as bytes. Not while this process has it open: closing it here would give
 * up SQLite's locks. */
struct bytes {
	size_t		 n;
	unsigned char	*data;
};

struct bytes file_bytes(const char *path);
void file_bytes_write(const char *path, const void *data, size_t n);
/* Compares a file with 'before' and frees that. */
void assert_file_unchanged(const char *path, struct bytes before);

bool file_exists(const char *path);

/* The words of an error name the file and say what to do. */
void assert_error_contains(const struct err *err, const char *file, const char *cure);

/* Plain SQL over a connection of its own, closed again. */
int sql_run(const char *path, const char *sql);		/* SQLite's primary code */
void sql_exec(const char *path, const char *sql);
int64_t sql_number(const char *path, const char *sql);
const char *sql_text(const char *path, const char *sql);	/* valid until the next */

/* Makes a store of one cluster, one service, 300 real services with statistics, by
 * plain SQL, and leaves it closed. */
void fixture_fill(struct fixture *f);
/* Takes its files away, ill or not. */
void fixture_remove_files(struct fixture *f);
/* One call of store_changes(); *ret_clusters is how many of them came. */
enum err_code fixture_read_changes(struct fixture *f, struct store_cursor *cursor,
    int *ret_clusters);
/* Every other byte of a page in use. */
void damage_page(const char *path);

/* Another process with a connection that stays. To be started while this process
 * has no file of the store open: SQLite's locks do not go over fork(2). */
void sql_process_start(struct fixture *f, const char *path);
int sql_process_exec(struct fixture *f, const char *sql);
void sql_process_stop(struct fixture *f);
void sql_process_kill(struct fixture *f);	/* SIGKILL: its locks go, its journal stays */

/* Runs fn(arg, i) in 'n' processes that set out at the same moment; each must
 * return 0. */
void run_processes(int n, int (*fn)(void *arg, int i), void *arg);

/* Moves clock_steady_ms() of this process. */
void clock_advance(int64_t ms);

/* A small file system over the fixture's directory, in a mount namespace of this
 * process; skips the test where that is not permitted. */
void mount_small(struct fixture *f, size_t kbytes);
void mount_read_only(struct fixture *f, bool read_only);
/* Uses up all space but 'kbytes'; 0 gives it back. */
void mount_fill(struct fixture *f, size_t kbytes_left);
void mount_free(struct fixture *f);

/* A sequence of its own, so that a failure comes again. */
uint32_t random_next(uint64_t *seed);

#endif
