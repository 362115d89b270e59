/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/tree/tree_list.c: lists by id and by name, compared with an unsorted array.
 */
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_list.h"

enum { ROWS = 120, STEPS = 20000 };

/* Lists with some of the rows, and an array of all rows that is searched from its start. */
struct world {
	struct tree_row	rows[ROWS];
	bool			in[ROWS];
	char			texts[ROWS][8];
	struct tree_list	list;
	struct tree_names	names;
};

/* Few letters and lengths, so that names are often neighbours or equal. */
static void
name_at_random(char *text, uint64_t *seed)
{
	size_t n = 1 + random_next(seed) % 4;

	for (size_t i = 0; i < n; i++)
		text[i] = "-.AZaz9"[random_next(seed) % 7];
	text[n] = '\0';
}

static void
row_rename(struct world *world, size_t i, uint64_t *seed)
{
	name_at_random(world->texts[i], seed);
	world->rows[i].name = world->texts[i];
	world->rows[i].name_length = (uint8_t)strlen(world->texts[i]);
}

/* The order of an SNMP index: first the length, then byte by byte. */
static bool
name_below(const char *a, const char *b)
{
	return strlen(a) != strlen(b) ? strlen(a) < strlen(b) : strcmp(a, b) < 0;
}

static void
assert_list(const struct world *world)
{
	uint32_t at = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (world->in[i])
			assert_ptr_equal(world->list.rows[at++], &world->rows[i]);
	assert_int_equal(world->list.n, at);
}

static void
assert_list_search(struct world *world, uint32_t id)
{
	struct tree_row *found = NULL;
	uint32_t after = 0;

	for (size_t i = 0; i < ROWS; i++) {
		after += world->in[i] && world->rows[i].id <= id;
		if (world->in[i] && world->rows[i].id == id)
			found = &world->rows[i];
	}
	assert_int_equal(tree_list_after(&world->list, id), after);
	assert_ptr_equal(tree_list_find(&world->list, id), found);
}

static void
assert_names_search(struct world *world, const char *name)
{
	uint32_t from = 0, n = 0;

	for (size_t i = 0; i < ROWS; i++) {
		n += world->in[i];
		from += world->in[i] && name_below(world->texts[i], name);
	}
	assert_int_equal(tree_names_from(&world->names, (const uint8_t *)name, strlen(name)),
	    from);
	assert_int_equal(world->names.list.n, n);
	for (uint32_t k = 1; k < n; k++)
		assert_false(name_below(world->names.list.rows[k]->name,
		    world->names.list.rows[k - 1]->name));
	if (from < n)
		assert_false(name_below(world->names.list.rows[from]->name, name));
}

static void
row_add(struct world *world, size_t i, uint64_t *seed)
{
	row_rename(world, i, seed);
	assert_true(tree_list_reserve(&world->list));
	assert_true(tree_list_reserve(&world->names.list));
	tree_list_add(&world->list, &world->rows[i]);
	tree_names_add(&world->names, &world->rows[i]);
	world->in[i] = true;
}

static void
row_remove(struct world *world, size_t i)
{
	tree_list_remove(&world->list, &world->rows[i]);
	tree_names_remove(&world->names, &world->rows[i]);
	world->in[i] = false;
}

/* Deletes many rows, which leave the list of names in one pass. */
static void
remove_many(struct world *world, uint64_t *seed)
{
	for (size_t i = 0; i < ROWS; i++) {
		world->rows[i].deleted = world->in[i] && random_next(seed) % 3 == 0;
		world->in[i] = world->in[i] && !world->rows[i].deleted;
	}
	tree_names_reap(&world->names);
	for (size_t i = 0; i < ROWS; i++) {
		if (world->rows[i].deleted)
			tree_list_remove(&world->list, &world->rows[i]);
		world->rows[i].deleted = false;
	}
}

static void
rename_one(struct world *world, size_t i, uint64_t *seed)
{
	tree_names_remove(&world->names, &world->rows[i]);
	row_rename(world, i, seed);
	tree_names_add(&world->names, &world->rows[i]);	/* tree_names_remove() left the room */
}

static void
step(struct world *world, uint64_t *seed)
{
	size_t i = random_next(seed) % ROWS;
	uint32_t what = random_next(seed) % 1000;

	if (what < 4)
		remove_many(world, seed);
	else if (!world->in[i])
		row_add(world, i, seed);
	else if (what < 400)
		row_remove(world, i);
	else
		rename_one(world, i, seed);
}

static void
lists_agree_with_an_array(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	uint64_t seed = 5;

	(void)state;
	assert_non_null(world);
	/* Ids with gaps, up to the highest one. */
	for (size_t i = 0; i < ROWS; i++)
		world->rows[i].id = i == ROWS - 1 ? 2147483647 : (uint32_t)i * 3 + 1;
	for (int i = 0; i < STEPS; i++) {
		char name[8];

		step(world, &seed);
		if (random_next(&seed) % 5 != 0)
			continue;	/* several changes before one search */
		assert_list(world);
		assert_list_search(world, random_next(&seed) % (ROWS * 3 + 5));
		assert_list_search(world, 0);
		assert_list_search(world, UINT32_MAX);
		name_at_random(name, &seed);
		assert_names_search(world, name);
		assert_names_search(world, "");
		assert_names_search(world, "zzzzzz");
	}
	tree_list_done(&world->list);
	tree_list_done(&world->names.list);
	free(world);
}

static void
empty_lists_find_nothing(void **state)
{
	struct tree_list list = { 0 };
	struct tree_names names = { .sorted = 0 };
	struct tree_row row = { .id = 1, .name = (char[]){ "a" }, .name_length = 1 };

	(void)state;
	assert_null(tree_list_find(&list, 1));
	assert_int_equal(tree_list_after(&list, 0), 0);
	tree_list_remove(&list, &row);
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"a", 1), 0);
	tree_names_remove(&names, &row);
	tree_names_reap(&names);
	assert_int_equal(names.list.n, 0);
	tree_list_done(&list);
	tree_list_done(&list);
}

/* The bytes of an index are any bytes, also 0. */
static void
name_of_any_bytes_has_a_position(void **state)
{
	struct tree_names names = { .sorted = 0 };
	struct tree_row rows[] = {
		{ .id = 1, .name = (char[]){ "bb" }, .name_length = 2 },
		{ .id = 2, .name = (char[]){ "a" }, .name_length = 1 },
	};
	uint8_t longest[300];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(tree_list_reserve(&names.list));
		tree_names_add(&names, &rows[i]);
	}
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"\0\0", 2), 1);
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"\xff\xff", 2), 2);
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"\xff", 1), 1);
	assert_int_equal(tree_names_from(&names, longest, sizeof(longest)), 2);
	assert_int_equal(tree_names_from(&names, longest, 0), 0);
	/* The search reads no byte behind the end, where no NUL is. */
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"bbx", 2), 1);
	tree_list_done(&names.list);
}

static void
failed_reserve_leaves_the_list(void **state)
{
	struct tree_list list = { 0 };
	struct tree_row rows[40];

	(void)state;
	memory_fails_at(1);
	assert_false(tree_list_reserve(&list));
	memory_fails_at(0);
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		rows[i] = (struct tree_row){ .id = i + 1 };
		memory_fails_at(1);
		if (!tree_list_reserve(&list)) {
			memory_fails_at(0);
			assert_int_equal(list.n, i);
			assert_true(tree_list_reserve(&list));
		}
		memory_fails_at(0);
		tree_list_add(&list, &rows[i]);
	}
	for (uint32_t i = 0; i < COUNT(rows); i++)
		assert_ptr_equal(tree_list_find(&list, i + 1), &rows[i]);
	tree_list_done(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_agree_with_an_array),
		cmocka_unit_test(empty_lists_find_nothing),
		cmocka_unit_test(name_of_any_bytes_has_a_position),
		cmocka_unit_test(failed_reserve_leaves_the_list),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
