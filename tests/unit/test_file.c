/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/file.h; tests/integration/test_files.py has several users.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

#define NO_FILE "a link, or not a regular file; move it away"

static char dir[64], path[80], victim[80];
static mode_t umask_before;
static struct err err;

static int
world_begin(void **state)
{
	(void)state;
	umask_before = umask(077);
	snprintf(dir, sizeof(dir), "/tmp/lbcluster-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/name", dir);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	return 0;
}

static int
world_end(void **state)
{
	(void)state;
	umask(umask_before);
	unlink(path);
	rmdir(path);
	unlink(victim);
	return rmdir(dir);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static void
victim_make(void)
{
	int fd = open(victim, O_CREAT | O_EXCL | O_WRONLY, 0600);

	assert_int_not_equal(fd, -1);
	close(fd);
}

static void
created_file_has_group_and_mode_with_any_umask(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(file_make(path, &fd, &err), ERR_OK);
	assert_int_equal(mode_of(path), 0660);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void
created_directory_passes_its_group_on(void **state)
{
	(void)state;
	assert_int_equal(file_directory_make(path, &err), ERR_OK);
	assert_int_equal(mode_of(path), 02770);
	/* An existing directory is not changed. */
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(file_directory_make(path, &err), ERR_OK);
	assert_int_equal(mode_of(path), 0750);
}

static void
existing_file_keeps_its_mode(void **state)
{
	int fd;

	(void)state;
	victim_make();
	assert_int_equal(file_open(victim, O_RDWR, true, &fd, &err), ERR_OK);
	close(fd);
	assert_int_equal(mode_of(victim), 0600);
	assert_int_equal(file_make(victim, &fd, &err), ERR_IO);
	assert_int_equal(mode_of(victim), 0600);
}

static void
missing_file_is_created_only_on_request(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(file_open(path, O_RDONLY, false, &fd, &err), ERR_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(file_open(path, O_RDONLY, true, &fd, &err), ERR_OK);
	close(fd);
	assert_int_equal(mode_of(path), 0660);
}

/* Refuses what exists under the name of the file, and does not change it. */
static void
refused(const char *why)
{
	char message[256];
	int fd;

	snprintf(message, sizeof(message), "%s: %s", path, why);
	assert_int_equal(file_open(path, O_RDWR, true, &fd, &err), ERR_FOREIGN);
	assert_string_equal(err.text, message);
	assert_int_equal(file_open(path, O_RDONLY, false, &fd, &err), ERR_FOREIGN);
	assert_int_equal(file_make(path, &fd, &err), ERR_IO);
}

static void
link_is_not_followed(void **state)
{
	(void)state;
	assert_int_equal(symlink(victim, path), 0);
	refused(NO_FILE);
	assert_int_equal(access(victim, F_OK), -1);
	victim_make();
	refused(NO_FILE);
	assert_int_equal(mode_of(victim), 0600);
}

static void
second_hard_link_is_refused(void **state)
{
	(void)state;
	victim_make();
	assert_int_equal(link(victim, path), 0);
	refused("the file has a second hard link; move it away, or replace it by a copy (cp -p)");
	assert_int_equal(mode_of(victim), 0600);
}

/* A plain open(2) would block until another process opens the FIFO. */
static void
fifo_is_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0666), 0);
	refused(NO_FILE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(created_file_has_group_and_mode_with_any_umask),
		TEST(created_directory_passes_its_group_on),
		TEST(existing_file_keeps_its_mode),
		TEST(missing_file_is_created_only_on_request),
		TEST(link_is_not_followed),
		TEST(second_hard_link_is_refused),
		TEST(fifo_is_refused_at_once),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
