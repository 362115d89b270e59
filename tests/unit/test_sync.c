/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/sync.h, on a disk that syncs when it is told to.
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

enum { PATIENCE_MS = 20000, SHORT_MS = 1 };

static char dir[64], path[80];
static struct err err;
static int fd, gate[2], told[2];	/* an octet for each sync, to let it be and of it */
static int fails_with;
static bool open_gate;

int __wrap_fsync(int fd);

/* Tells whether it is of a directory; "!" if a signal may come to its thread. */
int
__wrap_fsync(int of)
{
	char octet = '.';
	struct stat st;
	sigset_t set;

	/* Not by assert: that is for the main thread. */
	if ((!open_gate && read(gate[0], &octet, 1) != 1) || fstat(of, &st) == -1)
		abort();
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	octet = sigismember(&set, SIGALRM) != 1 ? '!' : S_ISDIR(st.st_mode) ? 'd' : 'f';
	if (write(told[1], &octet, 1) != 1)
		abort();
	errno = fails_with;
	return fails_with == 0 ? 0 : -1;
}

static void
syncs_are(const char *wanted)
{
	char got[8] = "";

	for (size_t i = 0; i < strlen(wanted); i++)
		assert_int_equal(read(told[0], got + i, 1), 1);
	assert_string_equal(got, wanted);
}

static int
world_begin(void **state)
{
	(void)state;
	alarm(60);
	snprintf(dir, sizeof(dir), "/tmp/lbcluster-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/name", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(pipe(gate) + pipe(told), 0);
	open_gate = true;
	fails_with = 0;
	return fd == -1;
}

static int
world_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		close(gate[i]);
		close(told[i]);
	}
	unlink(path);
	return rmdir(dir);
}

static void
file_and_its_directory_are_synced(void **state)
{
	(void)state;
	assert_int_equal(sync_within(fd, path, PATIENCE_MS, &err), ERR_OK);
	syncs_are("fd");
}

static void
disk_that_takes_its_time_is_not_waited_for(void **state)
{
	char octet;

	(void)state;
	open_gate = false;
	assert_int_equal(sync_within(fd, path, SHORT_MS, &err), ERR_OK);
	/* None was done, and both will be. */
	assert_int_equal(fcntl(told[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(told[0], &octet, 1), -1);
	assert_int_equal(fcntl(told[0], F_SETFL, 0), 0);
	assert_int_equal(write(gate[1], "..", 2), 2);
	syncs_are("fd");
	/* The thread told nobody of its end, and we are still here. */
	open_gate = true;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(sync_within(fd, path, PATIENCE_MS, &err), ERR_OK);
	syncs_are("fd");
}

static void
sync_that_fails_is_told(void **state)
{
	(void)state;
	fails_with = EIO;
	assert_int_equal(sync_within(fd, path, PATIENCE_MS, &err), ERR_IO);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, strerror(EIO)));
	syncs_are("f");
}

static void
directory_that_is_gone_is_told(void **state)
{
	(void)state;
	assert_int_equal(sync_within(fd, "/nowhere/at/all", PATIENCE_MS, &err), ERR_IO);
	assert_int_equal(fcntl(fd, F_GETFD), -1);	/* taken in any case */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_and_its_directory_are_synced),
		TEST(disk_that_takes_its_time_is_not_waited_for),
		TEST(sync_that_fails_is_told),
		TEST(directory_that_is_gone_is_told),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
