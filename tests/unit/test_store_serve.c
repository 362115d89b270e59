/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: one program of a name that serves, and its patience.
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
	return store_open_exclusive(f->dir, "prog", WAIT_MS, &f->store, &f->err);
}

/* As a second process of the same program does. */
static enum err_code
open_again(struct fixture *f, struct store **ret_other)
{
	return store_open_exclusive(f->dir, "prog", WAIT_MS, ret_other, &f->err);
}

static void
store_is_served_by_one_of_a_name_until_it_is_closed(void **state)
{
	struct fixture *f = *state;
	struct store *other;
	int fd;

	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
	assert_error_contains(&f->err, lock_path(f), "another prog serves this store");
	assert_int_equal(store_open_exclusive(f->dir, "another", WAIT_MS, &other, &f->err), ERR_OK);
	store_close(other);
	fixture_close(f);
	assert_int_equal(lockfile_take(f->dir, "prog", false, &fd, &f->err), ERR_OK);
	close(fd);
	assert_int_equal(serve(f), ERR_OK);
}

/* As a newer version would be, that could migrate it. */
static void
store_that_is_served_is_not_even_looked_at(void **state)
{
	struct fixture *f = *state;
	int fd;

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
lock_is_made_only_in_a_good_store(void **state)
{
	struct fixture *f = *state;

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

/* -- a lock whose file went ---------------------------------------------------- */

enum { LOOK_AGAIN_MS = 1001 };

/* As the loop of a program does, that looks again at what is ill once a second. */
static enum err_code
look(struct fixture *f)
{
	struct store_cursor cursor = { 0 };
	enum err_code code = ERR_OK;
	int clusters;

	clock_advance(LOOK_AGAIN_MS);
	if (store_changed(f->store))
		code = fixture_read_changes(f, &cursor, &clusters);
	/* The files are others, and a reader begins anew. */
	return code == ERR_GONE ? fixture_read_changes(f, &cursor, &clusters) : code;
}

static void
taken_by_another_until_it_ends(struct fixture *f, struct store *other)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(look(f), ERR_BUSY);
		assert_error_contains(&f->err, lock_path(f),
		    "another prog serves this store (process ");
		assert_int_equal(store_status(f->store), STORE_LOCKED);
		assert_int_equal(store_begin(f->store, &f->err), ERR_BUSY);
	}
	store_close(other);
	/* What is read is found well first, then what is written. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(look(f), ERR_OK);
	assert_int_equal(store_status(f->store), STORE_OK);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	store_rollback(f->store);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
}

/* An empty directory takes the place of the store's. */
static void
directory_remake(const struct fixture *f)
{
	char aside[80], below[80];

	snprintf(aside, sizeof(aside), "%s.old", f->dir);
	snprintf(below, sizeof(below), "%s/old", f->dir);	/* removed with the rest */
	assert_int_equal(rename(f->dir, aside), 0);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(rename(aside, below), 0);
}

static void
lock_of_a_store_in_place_of_the_old_one_is_taken(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	assert_int_equal(serve(f), ERR_OK);
	directory_remake(f);
	assert_int_equal(look(f), ERR_IO);
	assert_false(file_exists(lock_path(f)));
	assert_int_equal(store_open(f->dir, STORE_CREATE, WAIT_MS, &other, &f->err), ERR_OK);
	store_close(other);
	assert_int_equal(look(f), ERR_OK);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
}

static void
store_in_place_of_the_old_one_is_its_servers_until_that_ends(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	assert_int_equal(serve(f), ERR_OK);
	directory_remake(f);
	assert_int_equal(open_again(f, &other), ERR_OK);
	taken_by_another_until_it_ends(f, other);
}

/* By a hand that took it for what a program left that had died. */
static void
lock_whose_file_was_removed_is_taken_again(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(look(f), ERR_OK);
	assert_int_equal(unlink(lock_path(f)), 0);
	assert_int_equal(look(f), ERR_OK);
	assert_int_equal(open_again(f, &other), ERR_PRECOND);
}

static void
lock_whose_file_was_removed_may_be_anothers(void **state)
{
	struct fixture *f = *state;
	struct store *other;

	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(unlink(lock_path(f)), 0);
	assert_int_equal(open_again(f, &other), ERR_OK);
	assert_int_equal(store_begin(f->store, &f->err), ERR_BUSY);
	taken_by_another_until_it_ends(f, other);
}

/* -- a reader that shows how far it has read ---------------------------------------- */

static enum err_code
reader_wait(struct fixture *f, struct store *writer)
{
	return store_reader_wait(writer, "prog", 20, &f->err);
}

static void
change_is_waited_for_until_the_reader_has_read_it(void **state)
{
	struct cluster_row row = { .name = "late", .plane = "none", .plane_params = "{}",
		.plane_message = "", .plane_status = PLANE_STATUS_NONE };
	struct store_cursor cursor = { 0 };
	struct fixture *f = *state;
	struct store *writer;
	int clusters;

	assert_int_equal(store_open(f->dir, STORE_CREATE, WAIT_MS, &writer, &f->err), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_OK);	/* there is no reader */
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
	assert_int_equal(reader_wait(f, writer), ERR_OK);	/* it has ended */
	store_close(writer);
}

static void
statistics_are_waited_for_by_who_wrote_them(void **state)
{
	struct store_cursor cursor = { 0 };
	struct fixture *f = *state;
	struct statistics row = { .real_id = 1, .last_update = 1000 };
	struct store *writer;
	int clusters;

	fixture_fill(f);
	assert_int_equal(serve(f), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(store_open(f->dir, STORE_WRITE, WAIT_MS, &writer, &f->err), ERR_OK);
	assert_int_equal(store_statistics_put(writer, &row, 1, &f->err), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_BUSY);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(reader_wait(f, writer), ERR_OK);
	store_close(writer);
}

/* -- patience -------------------------------------------------------------------- */

/* A step of which each try takes so long, and which is busy so often. */
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
step_is_tried_until_the_store_is_no_longer_busy(void **state)
{
	struct step soon = { .busy = 3, .then = ERR_OK }, ill = { .busy = 1, .then = ERR_IO };
	struct step never = { .busy = 1000, .takes_ms = 4000 };
	struct fixture *f = *state;

	assert_int_equal(store_retry_while_busy(step_try, &soon, &f->err), ERR_OK);
	assert_int_equal(soon.tries, 4);
	assert_int_equal(store_retry_while_busy(step_try, &ill, &f->err), ERR_IO);
	assert_int_equal(ill.tries, 2);
	assert_int_equal(store_retry_while_busy(step_try, &never, &f->err), ERR_BUSY);
	assert_int_equal(never.tries, 3);
	assert_string_equal(f->err.text, "try 3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_is_served_by_one_of_a_name_until_it_is_closed),
		TEST(store_that_is_served_is_not_even_looked_at),
		TEST(lock_is_made_only_in_a_good_store),
		TEST(lock_of_a_store_in_place_of_the_old_one_is_taken),
		TEST(store_in_place_of_the_old_one_is_its_servers_until_that_ends),
		TEST(lock_whose_file_was_removed_is_taken_again),
		TEST(lock_whose_file_was_removed_may_be_anothers),
		TEST(change_is_waited_for_until_the_reader_has_read_it),
		TEST(statistics_are_waited_for_by_who_wrote_them),
		TEST(step_is_tried_until_the_store_is_no_longer_busy),
	};

	return cmocka_run_group_tests_name("store_serve", tests, NULL, NULL);
}
