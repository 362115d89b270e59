/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/lockfile.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/lockfile.h"

static char dir[64], path[80];
static struct err err;

static int
world_begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/lbcluster-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/prog.lock", dir);
	return 0;
}

static int
world_end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
text_write(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
lock_has_one_holder_and_names_it(void **state)
{
	char message[200];
	int fd, other;

	(void)state;
	text_write("123456789012\nleft by another\n");
	assert_int_equal(lockfile_take(dir, "prog", true, &fd, &err), ERR_OK);
	assert_int_equal(lockfile_take(dir, "prog", true, &other, &err), ERR_PRECOND);
	snprintf(message, sizeof(message), "%s: another prog serves this store (process %ld)", path,
	    (long)getpid());
	assert_string_equal(err.text, message);
	assert_int_equal(lockfile_take(dir, "prog", false, &other, &err), ERR_PRECOND);
	close(fd);
	assert_int_equal(lockfile_take(dir, "prog", false, &fd, &err), ERR_OK);
	close(fd);
}

/* The file is empty after a full disk, or a person edited it. */
static void
lock_without_a_pid_is_reported_without_it(void **state)
{
	static const char *const texts[] = { "", "\n", "me\n", "-1\n", "99999999999999\n" };
	int fd, other;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(lockfile_take(dir, "prog", true, &fd, &err), ERR_OK);
		text_write(texts[i]);
		assert_int_equal(lockfile_take(dir, "prog", true, &other, &err), ERR_PRECOND);
		assert_null(strstr(err.text, "process"));
		close(fd);
	}
}

static void
missing_lock_file_is_created_on_request_only(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(lockfile_take(dir, "prog", false, &fd, &err), ERR_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(lockfile_take("/nonexistent", "prog", true, &fd, &err), ERR_IO);
	assert_string_equal(err.text, "/nonexistent/prog.lock: No such file or directory");
}

static void
lock_file_that_is_a_link_is_refused(void **state)
{
	char target[96];
	int fd;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", dir);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(lockfile_take(dir, "prog", true, &fd, &err), ERR_FOREIGN);
	assert_int_equal(access(target, F_OK), -1);
}

static void
lock_is_in_place_while_its_name_refers_to_it(void **state)
{
	char other[96];
	int fd;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(lockfile_take(dir, "prog", true, &fd, &err), ERR_OK);
	assert_true(lockfile_is_in_place(dir, "prog", fd));
	assert_int_equal(rename(path, other), 0);
	assert_false(lockfile_is_in_place(dir, "prog", fd));
	text_write("");
	assert_false(lockfile_is_in_place(dir, "prog", fd));
	assert_int_equal(rename(other, path), 0);
	assert_true(lockfile_is_in_place(dir, "prog", fd));
	close(fd);
}

static void
marks_are_visible_until_the_holder_ends(void **state)
{
	int fd, other;

	(void)state;
	assert_int_equal(lockfile_take(dir, "prog", true, &fd, &err), ERR_OK);
	other = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_not_equal(other, -1);
	assert_false(lockfile_mark_reached(other, 0, 0));
	lockfile_mark_show(fd, 0, 7);
	lockfile_mark_show(fd, 1, 0);
	assert_true(lockfile_mark_reached(other, 0, 0));
	assert_true(lockfile_mark_reached(other, 0, 7));
	assert_false(lockfile_mark_reached(other, 0, 8));
	assert_true(lockfile_mark_reached(other, 1, 0));
	assert_false(lockfile_mark_reached(other, 1, 1));
	lockfile_mark_show(fd, 0, 3);	/* the store was replaced by an older one */
	assert_true(lockfile_mark_reached(other, 0, 3));
	assert_false(lockfile_mark_reached(other, 0, 4));
	lockfile_mark_show(fd, 0, INT64_MAX);
	assert_true(lockfile_mark_reached(other, 0, 1000000000000));
	assert_false(lockfile_mark_reached(other, 0, INT64_MAX));
	assert_false(lockfile_mark_reached(other, 1, 1));
	lockfile_mark_show(fd, 0, -1);
	assert_false(lockfile_mark_reached(other, 0, 0));
	close(fd);
	assert_false(lockfile_mark_reached(other, 1, 0));
	close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lock_has_one_holder_and_names_it),
		TEST(lock_without_a_pid_is_reported_without_it),
		TEST(missing_lock_file_is_created_on_request_only),
		TEST(lock_file_that_is_a_link_is_refused),
		TEST(lock_is_in_place_while_its_name_refers_to_it),
		TEST(marks_are_visible_until_the_holder_ends),
	};

	return cmocka_run_group_tests_name("lockfile", tests, NULL, NULL);
}
