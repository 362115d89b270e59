/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/check/verdict.c and src/check/due_heap.c: states, damping, the spread of probes
 * and the order of due times. The test gives the time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "check/due_heap.h"
#include "check/verdict.h"

static const struct check_spec spec = {
	.interval_ms = 5000, .retry_ms = 1000, .timeout_ms = 2000, .rise = 2, .fall = 3,
	.damping = true
};

static void
one_result_decides_an_unknown_state(void **state)
{
	struct verdict up = { 0 }, down = { 0 };

	(void)state;
	assert_true(verdict_add(&up, &spec, true, 1));
	assert_int_equal(up.state, CHECK_UP);
	assert_true(verdict_add(&down, &spec, false, 1));
	assert_int_equal(down.state, CHECK_DOWN);
	/* Until 'fall' failures in a row, for who assumed that the server is up. */
	assert_true(verdict_counts(&down, &spec));
	assert_false(verdict_add(&down, &spec, false, 2));
	assert_int_equal(down.bad, 2);
	assert_false(verdict_add(&down, &spec, false, 3));
	assert_int_equal(down.bad, spec.fall);
	assert_false(verdict_counts(&down, &spec));
}

static void
fall_failures_and_rise_successes_in_a_row_count(void **state)
{
	static const struct {
		bool		 good, changes, counts;
		enum check_state after;
	} steps[] = {
		{ true, true, false, CHECK_UP },
		{ false, false, true, CHECK_UP },
		{ false, false, true, CHECK_UP },
		{ true, false, false, CHECK_UP },
		{ false, false, true, CHECK_UP },
		{ false, false, true, CHECK_UP },
		{ false, true, false, CHECK_DOWN },
		{ true, false, true, CHECK_DOWN },
		{ false, false, true, CHECK_DOWN },
		{ false, false, true, CHECK_DOWN },
		{ false, false, false, CHECK_DOWN },
		{ true, false, true, CHECK_DOWN },
		{ true, true, false, CHECK_UP },
	};
	struct verdict v = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(verdict_add(&v, &spec, steps[i].good, (int64_t)i + 1),
		    steps[i].changes);
		assert_int_equal(v.state, steps[i].after);
		assert_int_equal(verdict_counts(&v, &spec), steps[i].counts);
	}
}

/* Takes the server down and up again; returns the good results that it needed. */
static unsigned int
flap(struct verdict *v, const struct check_spec *of, int64_t now_ms)
{
	unsigned int needed = 0;

	while (v->state != CHECK_DOWN)
		verdict_add(v, of, false, now_ms);
	for (; v->state != CHECK_UP; needed++)
		verdict_add(v, of, true, now_ms);
	return needed;
}

static void
damping_doubles_the_rise_from_the_third_down(void **state)
{
	static const unsigned int rises[] = { 2, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256 };
	struct check_spec plain = spec;
	struct verdict v = { .state = CHECK_UP }, undamped = { .state = CHECK_UP };

	(void)state;
	plain.damping = false;
	for (size_t i = 0; i < sizeof(rises) / sizeof(rises[0]); i++) {
		assert_int_equal(flap(&v, &spec, 1000 + (int64_t)i), rises[i]);
		assert_int_equal(flap(&undamped, &plain, 1000 + (int64_t)i), 2);
	}
	assert_int_equal(verdict_downs(&v, 1000 + 599 * 1000), 11);
	assert_int_equal(flap(&v, &spec, 2000 + 600 * 1000), 2);
}

static void
probes_are_spread_over_the_interval(void **state)
{
	unsigned int first[10] = { 0 }, next[50] = { 0 };
	struct verdict v = { .state = CHECK_UP };

	(void)state;
	for (uint32_t i = 0; i < 50000; i++) {
		int64_t at = verdict_first_ms(&spec, i * 2654435761U, 70000);

		assert_in_range(at, 70000, 70999);
		first[(at - 70000) / 100]++;
		at = verdict_next_ms(&v, &spec, i * 2654435761U, at);
		assert_in_range(at, 70001, 75999);
		/* The place in the interval stays. */
		assert_int_equal(verdict_next_ms(&v, &spec, i * 2654435761U, at), at + 5000);
		next[at % 5000 / 100]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(first[i], 4000, 6000);
	for (int i = 0; i < 50; i++)
		assert_in_range(next[i], 800, 1200);
	v.bad = 1;
	assert_int_equal(verdict_next_ms(&v, &spec, 4711, 70000), 71000);
}

static void
the_ramp_never_goes_below_one(void **state)
{
	(void)state;
	assert_int_equal(check_ramp(100, 0, 60), 1);
	assert_int_equal(check_ramp(100, 30000, 60), 50);
	assert_int_equal(check_ramp(100, 60000, 60), 100);
	assert_int_equal(check_ramp(65535, 59999, 60), 65533);
	assert_int_equal(check_ramp(1, 5, 60), 1);
	assert_int_equal(check_ramp(0, 5, 60), 0);
	assert_int_equal(check_ramp(7, 0, 0), 7);
}

static void
the_heap_gives_the_earliest_item(void **state)
{
	enum { N = 1000 };
	static struct due_item items[N];
	struct due_heap heap = { 0 };
	int64_t last = 0;
	size_t n = 0;

	(void)state;
	assert_true(due_heap_reserve(&heap, N));
	for (int i = 0; i < N; i++)
		due_heap_set(&heap, &items[i], i * 7919 % 1009);
	for (int i = 0; i < N; i += 3)
		due_heap_set(&heap, &items[i], i * 104729 % 2003);
	for (int i = 1; i < N; i += 3)
		due_heap_remove(&heap, &items[i]);
	due_heap_remove(&heap, &items[1]);
	for (struct due_item *first; (first = due_heap_first(&heap)) != NULL; n++) {
		assert_true(first->at_ms >= last);
		last = first->at_ms;
		due_heap_remove(&heap, first);
	}
	assert_int_equal(n, N - 333);
	due_heap_done(&heap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_result_decides_an_unknown_state),
		cmocka_unit_test(fall_failures_and_rise_successes_in_a_row_count),
		cmocka_unit_test(damping_doubles_the_rise_from_the_third_down),
		cmocka_unit_test(probes_are_spread_over_the_interval),
		cmocka_unit_test(the_ramp_never_goes_below_one),
		cmocka_unit_test(the_heap_gives_the_earliest_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
