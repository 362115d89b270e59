/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: notes of SETs that must still be undone.
 */
#include "store_set_fixture.h"

#include <stdio.h>

static const uint64_t tokens[] = { UINT64_C(1234567890123456789), 7 };

static const char *
note_of(const struct fixture *f, const char *token)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/lbcluster.undo-%s", f->dir, token);
	return path;
}

static void
two_held(struct fixture *f)
{
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(tokens[0],
	    { 4, REAL_WEIGHT, 50 })).code, ERR_OK);
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(tokens[1],
	    { 5, REAL_WEIGHT, 50 })).code, ERR_OK);
}

/* 'what': ids of the real services whose jobs are cancelled. */
static void
assert_undone(struct fixture *f, size_t n, const char *what)
{
	size_t undone;

	assert_int_equal(store_undo_noted(f->store, &undone, &f->err), ERR_OK);
	assert_int_equal(undone, n);
	assert_string_equal(sql_text(f->main_path, "SELECT coalesce(group_concat(real_id, ' '),"
	    " '') FROM job WHERE state = 5"), what);
}

static void
noted_sets_are_undone_once(void **state)
{
	struct fixture *f = *state;

	two_held(f);
	assert_undone(f, 0, "");
	for (size_t i = 0; i < COUNT(tokens); i++)
		assert_int_equal(store_undo_note(f->store, tokens[i], &f->err), ERR_OK);
	assert_true(file_exists(note_of(f, "1234567890123456789")));
	assert_true(file_exists(note_of(f, "7")));
	fixture_close(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_undone(f, 2, "4 5");
	assert_false(file_exists(note_of(f, "1234567890123456789")));
	assert_false(file_exists(note_of(f, "7")));
	assert_undone(f, 0, "4 5");
}

static void
removed_note_undoes_nothing(void **state)
{
	struct fixture *f = *state;

	two_held(f);
	for (size_t i = 0; i < COUNT(tokens); i++)
		assert_int_equal(store_undo_note(f->store, tokens[i], &f->err), ERR_OK);
	store_undo_note_drop(f->store, tokens[0]);
	assert_undone(f, 1, "5");
}

/* Such files stay, and undo nothing. */
static void
file_with_another_name_is_ignored(void **state)
{
	static const char *const names[] = { "", "7a", "0", "x7", "7.db" };
	struct fixture *f = *state;

	two_held(f);
	for (size_t i = 0; i < COUNT(names); i++)
		file_bytes_write(note_of(f, names[i]), "7", 1);
	assert_undone(f, 0, "");
	for (size_t i = 0; i < COUNT(names); i++)
		assert_true(file_exists(note_of(f, names[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_SET_TEST(noted_sets_are_undone_once),
		STORE_SET_TEST(removed_note_undoes_nothing),
		STORE_SET_TEST(file_with_another_name_is_ignored),
	};

	return cmocka_run_group_tests_name("store_notes", tests, NULL, NULL);
}
