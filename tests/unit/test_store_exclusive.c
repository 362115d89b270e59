/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: one process per program name, and waits for other processes.
 */
#include "store_fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/lockfile.h"

static const char *
lock_path(const struct fixture *f)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/prog.lock", f->dir);
	return path;
}

static enum err_code
serve(struct fixture *f)
{
	return store_open_exclusive(f->name, "prog", NULL, WAIT_MS, &f->store, &f->err);
}

/* Opens the store as a second process of the same program. */
static enum err_code
open_again(struct fixture *f, struct store **ret_other)
{
	return store_open_exclusive(f->name, "prog", NULL, WAIT_MS, ret_other, &f->err);
}

static void
store_is_open_once_per_program_name(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	int fd;

	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
	if (fixture_is_postgres())
		assert_error_contains(&f->err, f->main_path, "another process of prog");
	else
		assert_error_contains(&f->err, lock_path(f), "another prog serves this store");
	assert_int_equal(store_open_exclusive(f->name, "another", NULL, WAIT_MS, &other, &f->err),
	    ERR_OK);
	store_close(other);
	fixture_close(f);
	if (!fixture_is_postgres()) {
		assert_int_equal(lockfile_take(f->dir, "prog", false, &fd, &f->err), ERR_OK);
		close(fd);
	}
	assert_int_equal(serve(f), ERR_OK);
}

/* A newer version could migrate the file. */
static void
store_in_use_is_not_opened(void **state)
{
	struct fixture *f = *state;
	int fd;

	sqlite_only(state, "SQLite has lock files");
	fixture_fill(f);
	sql_exec(f->main_path, "PRAGMA user_version = 999");
	assert_int_equal(lockfile_take(f->dir, "prog", true, &fd, &f->err), ERR_OK);
	assert_int_equal(serve(f), ERR_PRECOND);
	close(fd);
	assert_int_equal(serve(f), ERR_NEWER);
	assert_int_equal(lockfile_take(f->dir, "prog", false, &fd, &f->err), ERR_OK);
	close(fd);
}

static void
lock_file_is_created_only_in_a_good_store(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has lock files");
	fixture_fill(f);
	sql_exec(f->main_path, "PRAGMA user_version = 999");
	assert_int_equal(serve(f), ERR_NEWER);
	assert_false(file_exists(lock_path(f)));
	sql_exec(f->main_path, "PRAGMA application_id = 1");
	assert_int_equal(serve(f), ERR_FOREIGN);
	assert_false(file_exists(lock_path(f)));
	fixture_remove_files(f);
	assert_int_equal(serve(f), ERR_OK);
	assert_true(file_exists(lock_path(f)));
}

/* -- removed lock files -------------------------------------------------------- */

enum { NEXT_CHECK_MS = 1001 };

/* Does the checks of a program one second later, and reads. */
static enum err_code
check_and_read(struct fixture *f)
{
	struct store_cursor cursor = { 0 };
	enum err_code code = ERR_OK;
	int clusters;

	clock_advance(NEXT_CHECK_MS);
	if (store_changed(f->store))
		code = fixture_read_changes(f, &cursor, &clusters);
	/* The file was replaced: read again. */
	return code == ERR_GONE ? fixture_read_changes(f, &cursor, &clusters) : code;
}

static void
assert_busy_until_closed(struct fixture *f, struct store *other)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check_and_read(f), ERR_BUSY);
		assert_error_contains(&f->err, lock_path(f),
		    "another prog serves this store (process ");
		assert_int_equal(store_status(f->store), STORE_LOCKED);
		assert_int_equal(store_begin(f->store, &f->err), ERR_BUSY);
	}
	store_close(other);
	/* The first read succeeds, then the first write. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(check_and_read(f), ERR_OK);
	assert_int_equal(store_status(f->store), STORE_OK);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	store_rollback(f->store);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
}

/* Replaces the directory of the store by an empty one. */
static void
directory_replace(const struct fixture *f)
{
	char aside[80], below[80];

	snprintf(aside, sizeof(aside), "%s.old", f->dir);
	snprintf(below, sizeof(below), "%s/old", f->dir);	/* the fixture removes it */
	assert_int_equal(rename(f->dir, aside), 0);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(rename(aside, below), 0);
}

static void
lock_of_a_store_that_replaced_the_old_one_is_taken(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	sqlite_only(state, "SQLite has lock files");
	assert_int_equal(serve(f), ERR_OK);
	directory_replace(f);
	assert_int_equal(check_and_read(f), ERR_IO);
	assert_false(file_exists(lock_path(f)));
	assert_int_equal(store_open(f->name, STORE_CREATE, WAIT_MS, &other, &f->err), ERR_OK);
	store_close(other);
	assert_int_equal(check_and_read(f), ERR_OK);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
}

static void
store_that_replaced_the_old_one_is_busy_while_another_has_it(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	sqlite_only(state, "SQLite has lock files");
	assert_int_equal(serve(f), ERR_OK);
	directory_replace(f);
	assert_int_equal(open_again(f, &other), ERR_OK);
	assert_busy_until_closed(f, other);
}

/* A person removed the file. */
static void
lock_is_taken_again_after_its_file_was_removed(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	sqlite_only(state, "SQLite has lock files");
	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(check_and_read(f), ERR_OK);
	assert_int_equal(unlink(lock_path(f)), 0);
	assert_int_equal(check_and_read(f), ERR_OK);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
}

static void
store_is_busy_while_another_has_the_lock_after_its_file_was_removed(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	sqlite_only(state, "SQLite has lock files");
	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(unlink(lock_path(f)), 0);
	assert_int_equal(open_again(f, &other), ERR_OK);
	assert_int_equal(store_begin(f->store, &f->err), ERR_BUSY);
	assert_busy_until_closed(f, other);
}

/* -- progress of a reader ----------------------------------------------------------- */

static enum err_code
reader_wait(struct fixture *f, struct store *writer)
{
	return store_reader_wait(writer, "prog", 20, &f->err);
}

static void
writer_waits_until_the_reader_has_read_its_change(void **state)
{
	struct cluster_row row = { .name = "late", .plane = "none", .plane_params = "{}",
		.plane_message = "", .plane_status = PLANE_STATUS_NONE };
	struct store_cursor cursor = { 0 };
	struct fixture *f = *state;
	struct store *writer;
	int clusters;

	sqlite_only(state, "a writer waits for no reader");
	assert_int_equal(store_open(f->name, STORE_CREATE, WAIT_MS, &writer, &f->err), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_OK);	/* no reader runs */
	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_OK);	/* it shows nothing yet */
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_OK);
	assert_int_equal(store_put_cluster(writer, &row, NULL, NULL, &f->err), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_BUSY);
	assert_error_contains(&f->err, "prog: ", "has not read the store yet");
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_OK);
	row.name = "later";
	assert_int_equal(store_put_cluster(writer, &row, NULL, NULL, &f->err), ERR_OK);
	fixture_close(f);
	assert_int_equal(reader_wait(f, writer), ERR_OK);	/* the reader has ended */
	store_close(writer);
}

static void
writer_of_statistics_waits_until_they_are_read(void **state)
{
	struct store_cursor cursor = { 0 };
	struct fixture *f = *state;
	struct statistics row = { .real_id = 1, .last_update = 1000 };
	struct store *writer;
	int clusters;

	sqlite_only(state, "a writer waits for no reader");
	fixture_fill(f);
	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(store_open(f->name, STORE_WRITE, WAIT_MS, &writer, &f->err), ERR_OK);
	assert_int_equal(store_statistics_put(writer, &row, 1, &f->err), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_BUSY);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_OK);
	store_close(writer);
}

/* -- retries -------------------------------------------------------------------- */

/* A step that is busy for the first tries. */
struct step {
	int		 busy, tries;
	int64_t		 takes_ms;
	enum err_code	 then;
};

static enum err_code
step_try(void *arg, struct err *err)
{
	struct step *step = arg;

	clock_advance(step->takes_ms);
	if (step->tries++ < step->busy)
		return err_set(err, ERR_BUSY, "try %d", step->tries);
	return step->then;
}

static void
step_is_repeated_while_the_store_is_busy(void **state)
{
	struct step soon = { .busy = 3, .then = ERR_OK }, broken = { .busy = 1, .then = ERR_IO };
	struct step never = { .busy = 1000, .takes_ms = 4000 };
	struct fixture *f = *state;

	assert_int_equal(store_retry_while_busy(step_try, &soon, &f->err), ERR_OK);
	assert_int_equal(soon.tries, 4);
	assert_int_equal(store_retry_while_busy(step_try, &broken, &f->err), ERR_IO);
	assert_int_equal(broken.tries, 2);
	assert_int_equal(store_retry_while_busy(step_try, &never, &f->err), ERR_BUSY);
	assert_int_equal(never.tries, 3);
	assert_string_equal(f->err.text, "try 3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_is_open_once_per_program_name),
		TEST(store_in_use_is_not_opened),
		TEST(lock_file_is_created_only_in_a_good_store),
		TEST(lock_of_a_store_that_replaced_the_old_one_is_taken),
		TEST(store_that_replaced_the_old_one_is_busy_while_another_has_it),
		TEST(lock_is_taken_again_after_its_file_was_removed),
		TEST(store_is_busy_while_another_has_the_lock_after_its_file_was_removed),
		TEST(writer_waits_until_the_reader_has_read_its_change),
		TEST(writer_of_statistics_waits_until_they_are_read),
		TEST(step_is_repeated_while_the_store_is_busy),
	};

	return cmocka_run_group_tests_name("store_exclusive", tests, NULL, NULL);
}
