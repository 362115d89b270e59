/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/sync.h, with an fsync() that waits for the test.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/sync.h"

enum { LONG_MS = 20000, SHORT_MS = 1 };

static char dir[64], path[80];
static struct err err;
static int fd, gate[2], reports[2];	/* a byte for each sync: to allow it, and from it */
static int fails_with;
static bool open_gate;

int __wrap_fsync(int fd);

/* Reports "f" for a file, "d" for a directory, "!" if its thread may get a signal. */
int
__wrap_fsync(int of)
{
	char byte = '.';
	struct stat st;
	sigset_t set;

	/* Only the main thread may use assert. */
	if ((!open_gate && read(gate[0], &byte, 1) != 1) || fstat(of, &st) == -1)
		abort();
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	byte = sigismember(&set, SIGALRM) != 1 ? '!' : S_ISDIR(st.st_mode) ? 'd' : 'f';
	if (write(reports[1], &byte, 1) != 1)
		abort();
	errno = fails_with;
	return fails_with == 0 ? 0 : -1;
}

static void
assert_syncs(const char *wanted)
{
	char got[8] = "";

	for (size_t i = 0; i < strlen(wanted); i++)
		assert_int_equal(read(reports[0], got + i, 1), 1);
	assert_string_equal(got, wanted);
}

static int
setup(void **state)
{
	(void)state;
	alarm(60);
	snprintf(dir, sizeof(dir), "/tmp/lbcluster-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/name", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(pipe(gate) + pipe(reports), 0);
	open_gate = true;
	fails_with = 0;
	return fd == -1;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		close(gate[i]);
		close(reports[i]);
	}
	unlink(path);
	return rmdir(dir);
}

static void
file_and_its_directory_are_synced(void **state)
{
	(void)state;
	assert_int_equal(sync_within(fd, path, LONG_MS, &err), ERR_OK);
	assert_syncs("fd");
}

static void
sync_of_a_slow_disk_does_not_block(void **state)
{
	char byte;

	(void)state;
	open_gate = false;
	assert_int_equal(sync_within(fd, path, SHORT_MS, &err), ERR_OK);
	/* No sync is done; both are done later. */
	assert_int_equal(fcntl(reports[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(reports[0], &byte, 1), -1);
	assert_int_equal(fcntl(reports[0], F_SETFL, 0), 0);
	assert_int_equal(write(gate[1], "..", 2), 2);
	assert_syncs("fd");
	/* The end of a thread that nothing waits for does no harm. */
	open_gate = true;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(sync_within(fd, path, LONG_MS, &err), ERR_OK);
	assert_syncs("fd");
}

static void
failed_sync_is_reported(void **state)
{
	(void)state;
	fails_with = EIO;
	assert_int_equal(sync_within(fd, path, LONG_MS, &err), ERR_IO);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, strerror(EIO)));
	assert_syncs("f");
}

static void
missing_directory_is_reported(void **state)
{
	(void)state;
	assert_int_equal(sync_within(fd, "/nowhere/at/all", LONG_MS, &err), ERR_IO);
	assert_int_equal(fcntl(fd, F_GETFD), -1);	/* closed in any case */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_and_its_directory_are_synced),
		TEST(sync_of_a_slow_disk_does_not_block),
		TEST(failed_sync_is_reported),
		TEST(missing_directory_is_reported),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
