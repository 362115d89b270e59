/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: a process was stopped while it held locks of lbcluster-stats.db, such as
 * all read marks of its WAL.
 */
#include "store_set_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "in_range.h"

/* The lock of a connection that has the database open. */
enum { OPEN_AT = 0x40000002, OPENS = 510 };

/* What the process locks: bytes of a file, or all of it with flock(2) (n = 0). The bytes are those
 * of sqlite.org/walformat.html and of SQLite's os.h. */
static const struct {
	const char	*tail;
	off_t		 at, n;
} locks[] = {
	{ "-shm", 123, 5 },		/* all read marks */
	{ "-shm", 121, 7 },		/* a recovery of the WAL */
	{ "-shm", 120, 8 },		/* a checkpoint that truncates the WAL */
	{ "", 0x40000000, 1 },		/* PRAGMA locking_mode = EXCLUSIVE */
	{ ".lock", 0, 0 },		/* a replacement of damaged statistics */
};

/* SQLite gives up after 10 s. */
enum { STALL_MS = 500, TRIES = 3 };

static pid_t holder;
static int to_holder;
static char reported[ERR_TEXT_SIZE + 80];

static void
range_lock(int fd, short type, off_t at, off_t n)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = n };

	if (fcntl(fd, F_SETLKW, &lock) == -1)
		_exit(1);
}

/* Takes locks[i], or releases it, each time it receives the byte i. */
static void __attribute__((noreturn))
holder_live(int from, const char *path)
{
	int fds[COUNT(locks)], fd = open(path, O_RDWR | O_CLOEXEC);
	bool held[COUNT(locks)] = { false };
	unsigned char i;
	char name[128];

	for (size_t n = 0; n < COUNT(locks); n++)
		fds[n] = locks[n].tail[0] == '\0' ? fd : -1;
	range_lock(fd, F_RDLCK, OPEN_AT, OPENS);
	if (write(from, "", 1) != 1)
		_exit(1);
	while (read(from, &i, 1) == 1) {
		snprintf(name, sizeof(name), "%s%s", path, locks[i].tail);
		if (fds[i] == -1)
			fds[i] = open(name, O_RDWR | O_CLOEXEC);
		held[i] = !held[i];
		if (locks[i].n > 0)
			range_lock(fds[i], held[i] ? F_WRLCK : F_UNLCK, locks[i].at, locks[i].n);
		else if (flock(fds[i], held[i] ? LOCK_EX : LOCK_UN) == -1)
			break;
		if (write(from, &i, 1) != 1)
			break;
	}
	_exit(0);
}

static void
holder_switch(unsigned char i)
{
	assert_int_equal(write(to_holder, &i, 1), 1);
	assert_int_equal(read(to_holder, &i, 1), 1);
}

static int
setup(void **state)
{
	struct fixture *f;
	char ready;
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
	assert_int_equal(read(to_holder, &ready, 1), 1);
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

		f->err.text[0] = '\0';
		if (what(f) != code)
			fail_msg("\"%s\"", f->err.text);
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

	weight++;
	return do_set(f, STORE_SET_NOW, SET_OF(weight, { 9, REAL_WEIGHT, weight })).code;
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
	holder_switch(0);
	assert_quick(check_and_read, f, ERR_OK);
	assert_quick(put, f, ERR_BUSY);
	assert_quick(set_weight, f, ERR_OK);
	holder_switch(0);
	assert_int_equal(put(f), ERR_OK);
	assert_int_equal(check_and_read(f), ERR_OK);
}

/* Returns the shortest time of several reads. */
static int64_t
read_shortest_ms(struct fixture *f)
{
	int64_t shortest = INT64_MAX;

	for (int tries = 0; tries < TRIES; tries++) {
		int64_t since = clock_steady_ms(), took;

		assert_int_equal(check_and_read(f), ERR_OK);
		took = clock_steady_ms() - since;
		shortest = took < shortest ? took : shortest;
	}
	return shortest;
}

/* A reader waits for the locks once, then it does without statistics for a while. */
static void
locked_statistics_delay_one_read_of_several(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f), ERR_OK);
	for (unsigned char i = 0; i < 3; i++) {
		/* Under valgrind a read without a lock takes some 30 ms. */
		int64_t unlocked = read_shortest_ms(f), shortest;

		holder_switch(i);
		clock_advance(2000);
		assert_int_equal(check_and_read(f), ERR_OK);
		assert_false(store_statistics_readable(f->store));
		shortest = read_shortest_ms(f);
		assert_int_in_range(shortest, 0, 40 + 2 * unlocked);
		holder_switch(i);
		clock_advance(2000);
		assert_int_equal(check_and_read(f), ERR_OK);
		assert_true(store_statistics_readable(f->store));
	}
}

static void
note_report(void *arg, bool repaired, const char *text)
{
	(void)arg;
	snprintf(reported, sizeof(reported), "%d %s", repaired, text);
}

static void
assert_reported(struct fixture *f, const char *text)
{
	reported[0] = '\0';
	store_statistics_report(f->store, note_report, NULL);
	if (strstr(reported, text) == NULL || (text[0] == '\0' && reported[0] != '\0'))
		fail_msg("\"%s\" is not \"%s\"", reported, text);
}

static void
locked_statistics_block_no_open(void **state)
{
	struct fixture *f = *state;

	for (unsigned char i = 0; i < COUNT(locks); i++) {
		fixture_close(f);
		holder_switch(i);
		assert_quick(open_again, f, ERR_OK);
		assert_quick(set_weight, f, ERR_OK);
		assert_quick(check_and_read, f, ERR_OK);
		assert_false(store_statistics_readable(f->store));
		assert_int_equal(put(f), ERR_BUSY);
		assert_error_contains(&f->err, f->stats_path, "locked by another program");
		assert_reported(f, "locked by another program");
		assert_reported(f, "");
		holder_switch(i);
		clock_advance(2000);
		assert_int_equal(check_and_read(f), ERR_OK);
		assert_true(store_statistics_readable(f->store));
		assert_int_equal(put(f), ERR_OK);
		assert_reported(f, "1 ");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    read_marks_held_by_a_stopped_process_block_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    locked_statistics_delay_one_read_of_several, setup, teardown),
		cmocka_unit_test_setup_teardown(locked_statistics_block_no_open, setup, teardown),
	};

	return cmocka_run_group_tests_name("store_marks", tests, NULL, NULL);
}
