/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/idmap.c. With -Wl,--wrap=calloc allocations can fail. Without that option
 * the test that needs it is skipped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdbool.h>

#include "util/idmap.h"
#include "in_range.h"

void *__real_calloc(size_t n, size_t size) __attribute__((weak));
void *__wrap_calloc(size_t n, size_t size);

static bool calloc_fails;

void *
__wrap_calloc(size_t n, size_t size)
{
	return calloc_fails ? NULL : __real_calloc(n, size);
}

/* A fixed sequence, so that a failure is reproducible. */
static uint32_t
random_next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 32);
}

static void
idmap_empty_returns_null(void **state)
{
	struct idmap map = { 0 };

	(void)state;
	assert_null(idmap_get(&map, 1));
	assert_null(idmap_get(&map, 0));
	assert_null(idmap_remove(&map, 1));
	assert_int_equal(idmap_count(&map), 0);
	idmap_done(&map);
	map = (struct idmap){ 0 };
	assert_null(idmap_get(&map, UINT32_MAX));
	idmap_done(&map);
}

static void
idmap_put_again_replaces(void **state)
{
	struct idmap map;
	int a, b;

	(void)state;
	map = (struct idmap){ 0 };
	assert_true(idmap_put(&map, 5, &a));
	assert_true(idmap_put(&map, 5, &b));
	assert_int_equal(idmap_count(&map), 1);
	assert_ptr_equal(idmap_get(&map, 5), &b);
	assert_ptr_equal(idmap_remove(&map, 5), &b);
	assert_null(idmap_remove(&map, 5));
	assert_int_equal(idmap_count(&map), 0);
	assert_null(idmap_get(&map, 5));
	idmap_done(&map);
	assert_true(idmap_put(&map, 6, &a));
	assert_ptr_equal(idmap_get(&map, 6), &a);
	idmap_done(&map);
}

static void
idmap_id_zero_is_refused(void **state)
{
	struct idmap map = { 0 };
	int a;

	(void)state;
	assert_false(idmap_put(&map, 0, &a));
	assert_true(idmap_put(&map, 1, &a));
	assert_false(idmap_put(&map, 0, &a));
	assert_int_equal(idmap_count(&map), 1);
	assert_null(idmap_get(&map, 0));
	assert_null(idmap_remove(&map, 0));
	idmap_done(&map);
}

static void
idmap_consecutive_ids_are_all_found(void **state)
{
	enum { N = 200000 };
	static char row[N + 1];
	struct idmap map = { 0 };

	(void)state;
	for (uint32_t id = 1; id <= N; id++)
		assert_true(idmap_put(&map, id, &row[id]));
	assert_int_equal(idmap_count(&map), N);
	for (uint32_t id = 1; id <= N; id++)
		assert_true(idmap_get(&map, id) == &row[id]);
	assert_null(idmap_get(&map, N + 1));
	for (uint32_t id = 2; id <= N; id += 2)
		assert_true(idmap_remove(&map, id) == &row[id]);
	for (uint32_t id = 1; id <= N; id++)
		assert_true(idmap_get(&map, id) == (id % 2 == 1 ? &row[id] : NULL));
	assert_int_equal(idmap_count(&map), N / 2);
	idmap_done(&map);
}

/* Compares the map with an array after each operation. A few ids of all 32 bits keep the table
 * small, so that runs wrap around its end. */
static void
idmap_random_operations_agree_with_reference(void **state)
{
	enum { IDS = 48, STEPS = 4000 };
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct idmap map = { 0 };
		uint32_t ids[IDS];
		char *reference[IDS] = { 0 };
		static char values[2];
		size_t count = 0, most = 1 + (size_t)round * 2;

		for (size_t i = 0; i < IDS; i++)
			ids[i] = i == 0 ? UINT32_MAX : random_next(&seed) | 1;
		for (int step = 0; step < STEPS / 20; step++) {
			size_t i = random_next(&seed) % IDS;

			if (random_next(&seed) % 2 == 0 && (count < most || reference[i] != NULL)) {
				count += reference[i] == NULL;
				reference[i] = &values[random_next(&seed) % 2];
				assert_true(idmap_put(&map, ids[i], reference[i]));
			} else {
				assert_ptr_equal(idmap_remove(&map, ids[i]), reference[i]);
				count -= reference[i] != NULL;
				reference[i] = NULL;
			}
			assert_int_equal(idmap_count(&map), count);
			for (size_t j = 0; j < IDS; j++)
				assert_ptr_equal(idmap_get(&map, ids[j]), reference[j]);
		}
		idmap_done(&map);
	}
}

static void
idmap_put_without_memory_changes_nothing(void **state)
{
	struct idmap map = { 0 };
	uint32_t id = 1;
	int a, b;

	(void)state;
	if (__real_calloc == NULL)
		skip();
	calloc_fails = true;
	assert_false(idmap_put(&map, 1, &a));
	calloc_fails = false;
	assert_true(idmap_put(&map, id++, &a));
	calloc_fails = true;
	while (id < 1000 && idmap_put(&map, id, &a))
		id++;
	assert_int_in_range(id, 8, 999);
	assert_int_equal(idmap_count(&map), id - 1);
	assert_null(idmap_get(&map, id));
	assert_true(idmap_put(&map, 1, &b));
	calloc_fails = false;
	assert_ptr_equal(idmap_get(&map, 1), &b);
	for (uint32_t i = 2; i < id; i++)
		assert_ptr_equal(idmap_get(&map, i), &a);
	idmap_done(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idmap_empty_returns_null),
		cmocka_unit_test(idmap_put_again_replaces),
		cmocka_unit_test(idmap_id_zero_is_refused),
		cmocka_unit_test(idmap_consecutive_ids_are_all_found),
		cmocka_unit_test(idmap_random_operations_agree_with_reference),
		cmocka_unit_test(idmap_put_without_memory_changes_nothing),
	};

	return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
