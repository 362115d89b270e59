/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: notes of SETs that are still to be undone.
 */
#include "store_set_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
notes(const struct fixture *f)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/lbcluster.undo", f->dir);
	return path;
}

/* Two SETs that are held; those that are undone show as the number of their tokens. */
static void
two_held(struct fixture *f, struct store_set sets[2])
{
	static const struct change changes[] = { { 4, REAL_WEIGHT, 50 }, { 5, REAL_WEIGHT, 50 } };

	for (size_t i = 0; i < 2; i++) {
		sets[i] = (struct store_set){ .changes = &changes[i], .n = 1,
			.lock = (int64_t)i, .source = JOB_SOURCE_SNMP,
			.token = UINT64_C(1234567890123456789) + i };
		assert_int_equal(do_set(f, STORE_SET_HOLD, &sets[i]).code, ERR_OK);
	}
}

static void
undone_are(struct fixture *f, size_t n, const char *what)
{
	size_t undone;

	assert_int_equal(store_undo_noted(f->store, &undone, &f->err), ERR_OK);
	assert_int_equal(undone, n);
	assert_string_equal(plain_text(f->main_path, "SELECT coalesce(group_concat(real_id, ' '),"
	    " '') FROM job WHERE state = 5"), what);
	assert_false(file_exists(notes(f)));
}

static void
sets_that_are_noted_are_undone_once(void **state)
{
	struct fixture *f = *state;
	struct store_set sets[2];

	two_held(f, sets);
	assert_false(file_exists(notes(f)));
	for (size_t i = 2; i-- > 0;)
		assert_int_equal(store_undo_note(f->store, &sets[i], &f->err), ERR_OK);
	fixture_close(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	undone_are(f, 2, "4 5");
	assert_int_equal(number(f, "SELECT value FROM setting WHERE name = 'set_lock'"), 0);
	undone_are(f, 0, "4 5");
}

/* By a full disk or a power cut, wherever: no more is lost than that note, none is taken
 * for another one. */
static void
note_that_was_cut_short_harms_no_other(void **state)
{
	struct fixture *f = *state;
	struct store_set sets[2];
	struct bytes whole;

	two_held(f, sets);
	assert_int_equal(store_undo_note(f->store, &sets[0], &f->err), ERR_OK);
	whole = bytes_of(notes(f));
	for (size_t n = 0; n <= whole.n; n++) {
		bool is_whole = n + 1 >= whole.n;	/* but for the end of its line */

		plain_ok(f->main_path, "DELETE FROM job;"
		    "UPDATE real_service SET weight = 10 WHERE weight = 50;"
		    "UPDATE setting SET value = 0 WHERE name = 'set_lock'");
		two_held(f, sets);
		bytes_write(notes(f), whole.data, n);
		assert_int_equal(store_undo_note(f->store, &sets[1], &f->err), ERR_OK);
		undone_are(f, 1 + is_whole, is_whole ? "4 5" : "5");
	}
	free(whole.data);
}

/* Of blocks whose size a power cut kept, and not their content. */
static void
octets_before_a_note_are_left_out(void **state)
{
	static const char block[4096];
	struct fixture *f = *state;
	struct store_set sets[2];

	two_held(f, sets);
	bytes_write(notes(f), block, sizeof(block));
	assert_int_equal(store_undo_note(f->store, &sets[1], &f->err), ERR_OK);
	undone_are(f, 1, "5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SET_WORLD(sets_that_are_noted_are_undone_once),
		IN_SET_WORLD(note_that_was_cut_short_harms_no_other),
		IN_SET_WORLD(octets_before_a_note_are_left_out),
	};

	return cmocka_run_group_tests_name("store_notes", tests, NULL, NULL);
}
