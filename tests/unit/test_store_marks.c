/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: a process was stopped while it held all read marks of the WAL of
 * lbcluster-stats.db.
 */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "in_range.h"

/* Bytes of the locks of a -shm (sqlite.org/walformat.html): the five read marks. OPEN_AT is the
 * lock of a connection that has the database open. */
enum { MARKS_AT = 123, MARKS = 5, OPEN_AT = 0x40000002, OPENS = 510 };

/* SQLite gives up after 10 s. */
enum { STALL_MS = 500, TRIES = 3 };

static pid_t holder;
static int to_holder;

static void
range_lock(int fd, short type, off_t at, off_t n)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = n };

	if (fcntl(fd, F_SETLKW, &lock) == -1)
		_exit(1);
}

/* Takes all read marks, or releases them, each time it receives a byte. */
static void __attribute__((noreturn))
holder_live(int from, const char *path)
{
	char octet = '.', shm[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC), marks = -1;

	snprintf(shm, sizeof(shm), "%s-shm", path);
	range_lock(fd, F_RDLCK, OPEN_AT, OPENS);
	for (short type = F_WRLCK; read(from, &octet, 1) == 1;
	    type = type == F_WRLCK ? F_UNLCK : F_WRLCK) {
		if (marks == -1)
			marks = open(shm, O_RDWR | O_CLOEXEC);
		range_lock(marks, type, MARKS_AT, MARKS);
		if (write(from, &octet, 1) != 1)
			break;
	}
	_exit(0);
}

static void
holder_switch(void)
{
	char octet = '.';

	assert_int_equal(write(to_holder, &octet, 1), 1);
	assert_int_equal(read(to_holder, &octet, 1), 1);
}

static int
setup(void **state)
{
	struct fixture *f;
	int fds[2];

	if (fixture_setup_filled(state) != 0)
		return -1;
	f = *state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	holder = fork();
	assert_int_not_equal(holder, -1);
	if (holder == 0) {
		close(fds[0]);
		holder_live(fds[1], f->stats_path);
	}
	close(fds[1]);
	to_holder = fds[0];
	return fixture_open(f, STORE_WRITE) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	close(to_holder);
	return fixture_teardown(state);
}

/* The shortest of some tries must be quick: the machine may be busy during the others. */
static void
assert_quick(enum err_code (*what)(struct fixture *f), struct fixture *f, enum err_code code)
{
	int64_t shortest = INT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		int64_t since = clock_steady_ms(), took;

		assert_int_equal(what(f), code);
		took = clock_steady_ms() - since;
		shortest = took < shortest ? took : shortest;
	}
	assert_int_in_range(shortest, 0, STALL_MS - 1);
}

/* Reads as lbclusterd does in each turn of its loop, without statistics. */
static enum err_code
check_and_read(struct fixture *f)
{
	struct store_cursor cursor = { 0 };
	int clusters = 0;
	enum err_code code;

	store_changed(f->store);
	code = fixture_read_changes(f, &cursor, &clusters);
	assert_int_equal(clusters, 1);
	return code;
}

static enum err_code
put(struct fixture *f)
{
	const struct statistics row = { .real_id = 9 };

	return store_statistics_put(f->store, &row, 1, &f->err);
}

static enum err_code
set_weight(struct fixture *f)
{
	static uint32_t weight = 20;
	const struct change change = { 9, REAL_WEIGHT, ++weight };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = weight };
	struct verdict verdict;
	uint32_t job;
	size_t jobs;

	return store_set(f->store, &set, STORE_SET_NOW, &verdict, &job, &jobs, &f->err);
}

static enum err_code
open_again(struct fixture *f)
{
	fixture_close(f);
	return fixture_open(f, STORE_WRITE);
}

static void
read_marks_held_by_a_stopped_process_block_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f), ERR_OK);
	holder_switch();
	assert_quick(check_and_read, f, ERR_OK);
	assert_quick(put, f, ERR_BUSY);
	assert_quick(set_weight, f, ERR_OK);
	holder_switch();
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(check_and_read(f), ERR_OK);
	holder_switch();
	assert_quick(open_again, f, ERR_BUSY);
	assert_error_contains(&f->err, "lbcluster-stats.db", "locked by another program");
	holder_switch();
	assert_int_equal(open_again(f), ERR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    read_marks_held_by_a_stopped_process_block_nothing, setup, teardown),
	};

	return cmocka_run_group_tests_name("store_marks", tests, NULL, NULL);
}
