/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/cache/list.c: by number and by name, against lists that are kept in
 * the plainest way.
 */
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_list.h"

enum { NODES = 120, STEPS = 20000 };

/* The plainest way: an array of all nodes, looked through from the start. */
struct world {
	struct tree_row	rows[NODES];
	bool			in[NODES];
	char			texts[NODES][8];
	struct tree_list	list;
	struct tree_names	names;
};

/* Few letters and lengths, so that names are often neighbours, and often the same. */
static void
name_at_random(char *text, uint64_t *seed)
{
	size_t n = 1 + random_next(seed) % 4;

	for (size_t i = 0; i < n; i++)
		text[i] = "-.AZaz9"[random_next(seed) % 7];
	text[n] = '\0';
}

static void
node_name(struct world *world, size_t i, uint64_t *seed)
{
	name_at_random(world->texts[i], seed);
	world->rows[i].name = world->texts[i];
	world->rows[i].name_length = (uint8_t)strlen(world->texts[i]);
}

/* As SNMP orders names: the length first, then octet by octet. */
static bool
name_below(const char *a, const char *b)
{
	return strlen(a) != strlen(b) ? strlen(a) < strlen(b) : strcmp(a, b) < 0;
}

static void
list_is_right(const struct world *world)
{
	uint32_t at = 0;

	for (size_t i = 0; i < NODES; i++)
		if (world->in[i])
			assert_ptr_equal(world->list.rows[at++], &world->rows[i]);
	assert_int_equal(world->list.n, at);
}

static void
list_answers_are_right(struct world *world, uint32_t id)
{
	struct tree_row *found = NULL;
	uint32_t after = 0;

	for (size_t i = 0; i < NODES; i++) {
		after += world->in[i] && world->rows[i].id <= id;
		if (world->in[i] && world->rows[i].id == id)
			found = &world->rows[i];
	}
	assert_int_equal(tree_list_after(&world->list, id), after);
	assert_ptr_equal(tree_list_find(&world->list, id), found);
}

static void
names_answers_are_right(struct world *world, const char *name)
{
	uint32_t from = 0, n = 0;

	for (size_t i = 0; i < NODES; i++) {
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
add(struct world *world, size_t i, uint64_t *seed)
{
	node_name(world, i, seed);
	assert_true(tree_list_reserve(&world->list));
	assert_true(tree_list_reserve(&world->names.list));
	tree_list_add(&world->list, &world->rows[i]);
	tree_names_add(&world->names, &world->rows[i]);
	world->in[i] = true;
}

static void
drop(struct world *world, size_t i)
{
	tree_list_remove(&world->list, &world->rows[i]);
	tree_names_remove(&world->names, &world->rows[i]);
	world->in[i] = false;
}

/* Many at once: they are marked and then all taken out. */
static void
drop_many(struct world *world, uint64_t *seed)
{
	for (size_t i = 0; i < NODES; i++) {
		world->rows[i].deleted = world->in[i] && random_next(seed) % 3 == 0;
		world->in[i] = world->in[i] && !world->rows[i].deleted;
	}
	tree_names_reap(&world->names);
	for (size_t i = 0; i < NODES; i++) {
		if (world->rows[i].deleted)
			tree_list_remove(&world->list, &world->rows[i]);
		world->rows[i].deleted = false;
	}
}

static void
rename_one(struct world *world, size_t i, uint64_t *seed)
{
	tree_names_remove(&world->names, &world->rows[i]);
	node_name(world, i, seed);
	tree_names_add(&world->names, &world->rows[i]);	/* its room is there */
}

static void
step(struct world *world, uint64_t *seed)
{
	size_t i = random_next(seed) % NODES;
	uint32_t what = random_next(seed) % 1000;

	if (what < 4)
		drop_many(world, seed);
	else if (!world->in[i])
		add(world, i, seed);
	else if (what < 400)
		drop(world, i);
	else
		rename_one(world, i, seed);
}

static void
lists_agree_with_the_plainest_ones(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	uint64_t seed = 5;

	(void)state;
	assert_non_null(world);
	/* Numbers with gaps, up to the top. */
	for (size_t i = 0; i < NODES; i++)
		world->rows[i].id = i == NODES - 1 ? 2147483647 : (uint32_t)i * 3 + 1;
	for (int i = 0; i < STEPS; i++) {
		char name[8];

		step(world, &seed);
		if (random_next(&seed) % 5 != 0)
			continue;	/* let some gather before anybody looks */
		list_is_right(world);
		list_answers_are_right(world, random_next(&seed) % (NODES * 3 + 5));
		list_answers_are_right(world, 0);
		list_answers_are_right(world, UINT32_MAX);
		name_at_random(name, &seed);
		names_answers_are_right(world, name);
		names_answers_are_right(world, "");
		names_answers_are_right(world, "zzzzzz");
	}
	tree_list_done(&world->list);
	tree_list_done(&world->names.list);
	free(world);
}

static void
empty_lists_have_nothing(void **state)
{
	struct tree_list list = { 0 };
	struct tree_names names = { .sorted = 0 };
	struct tree_row node = { .id = 1, .name = (char[]){ "a" }, .name_length = 1 };

	(void)state;
	assert_null(tree_list_find(&list, 1));
	assert_int_equal(tree_list_after(&list, 0), 0);
	tree_list_remove(&list, &node);
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"a", 1), 0);
	tree_names_remove(&names, &node);
	tree_names_reap(&names);
	assert_int_equal(names.list.n, 0);
	tree_list_done(&list);
	tree_list_done(&list);
}

/* The name may be a number of octets that a text cannot be. */
static void
name_of_any_octets_finds_its_place(void **state)
{
	struct tree_names names = { .sorted = 0 };
	struct tree_row nodes[] = {
		{ .id = 1, .name = (char[]){ "bb" }, .name_length = 2 },
		{ .id = 2, .name = (char[]){ "a" }, .name_length = 1 },
	};
	uint8_t longest[300];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 0; i < COUNT(nodes); i++) {
		assert_true(tree_list_reserve(&names.list));
		tree_names_add(&names, &nodes[i]);
	}
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"\0\0", 2), 1);
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"\xff\xff", 2), 2);
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"\xff", 1), 1);
	assert_int_equal(tree_names_from(&names, longest, sizeof(longest)), 2);
	assert_int_equal(tree_names_from(&names, longest, 0), 0);
	/* No octet behind the end is looked at, nor is the end a NUL. */
	assert_int_equal(tree_names_from(&names, (const uint8_t *)"bbx", 2), 1);
	tree_list_done(&names.list);
}

static void
reserve_without_memory_leaves_the_list(void **state)
{
	struct tree_list list = { 0 };
	struct tree_row nodes[40];

	(void)state;
	memory_fails_at(1);
	assert_false(tree_list_reserve(&list));
	memory_fails_at(0);
	for (uint32_t i = 0; i < COUNT(nodes); i++) {
		nodes[i] = (struct tree_row){ .id = i + 1 };
		memory_fails_at(1);
		if (!tree_list_reserve(&list)) {
			memory_fails_at(0);
			assert_int_equal(list.n, i);
			assert_true(tree_list_reserve(&list));
		}
		memory_fails_at(0);
		tree_list_add(&list, &nodes[i]);
	}
	for (uint32_t i = 0; i < COUNT(nodes); i++)
		assert_ptr_equal(tree_list_find(&list, i + 1), &nodes[i]);
	tree_list_done(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_agree_with_the_plainest_ones),
		cmocka_unit_test(empty_lists_have_nothing),
		cmocka_unit_test(name_of_any_octets_finds_its_place),
		cmocka_unit_test(reserve_without_memory_leaves_the_list),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
