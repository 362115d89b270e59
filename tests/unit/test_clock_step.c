/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/clock_step.c. The clocks are those of the test.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "util/clock_step.h"

static int64_t wall_s = 1000, steady_ms = 50000;
static int64_t step_after_read_s;	/* the clock is set after it was read */

int64_t __wrap_clock_wall_s(void);
int64_t __wrap_clock_steady_ms(void);

int64_t
__wrap_clock_wall_s(void)
{
	int64_t now = wall_s;

	wall_s += step_after_read_s;
	step_after_read_s = 0;
	return now;
}

int64_t
__wrap_clock_steady_ms(void)
{
	return steady_ms;
}

/* Time passes, and then the wall clock is set. */
static void
pass(int64_t seconds, int64_t step)
{
	for (; seconds > 0; seconds--) {
		wall_s++;
		steady_ms += 1000;
		clock_steps_note();
	}
	wall_s += step;
}

static void
age_has_no_step_of_the_clock(void **state)
{
	int64_t before, after;

	(void)state;
	clock_steps_note();
	before = wall_s;
	pass(3, 0);
	assert_int_equal(clock_age_s(before), 3);
	pass(0, 7200);
	assert_int_equal(clock_age_s(before), 3);
	after = wall_s;
	pass(5, 86400);
	assert_int_equal(clock_age_s(before), 8);
	assert_int_equal(clock_age_s(after), 5);
	assert_int_equal(clock_age_s(wall_s - 1), 1);
	/* Before any time that this process knows. */
	assert_int_equal(clock_age_s(before - 10), 18);
	pass(0, -100000);
	assert_int_equal(clock_age_s(after), 0);
	pass(4, 0);
	assert_int_equal(clock_age_s(wall_s - 4), 4);
}

/* Wall seconds and steady seconds begin at different moments. */
static void
step_is_known_whatever_the_fraction_of_the_second(void **state)
{
	int64_t created;

	(void)state;
	clock_steps_note();
	wall_s++;		/* the second of the steady clock ends later */
	created = wall_s;
	wall_s += 7200;
	assert_true(clock_age_s(created) <= 1);
	steady_ms += 1000;
	assert_true(clock_age_s(created) <= 1);
}

static void
step_between_two_readings_of_the_clock_is_not_part_of_an_age(void **state)
{
	int64_t created = wall_s;

	(void)state;
	pass(3, 0);
	step_after_read_s = 7200;
	assert_int_equal(clock_age_s(created), 3);
	assert_int_equal(clock_age_s(created), 3);
}

static void
age_of_any_number_is_defined(void **state)
{
	(void)state;
	assert_true(clock_age_s(INT64_MIN) > 0);
	assert_int_equal(clock_age_s(INT64_MAX), 0);
	for (int i = 0; i < 20; i++) {
		int64_t since = wall_s;

		pass(1, 100);
		assert_int_equal(clock_age_s(since), 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(age_has_no_step_of_the_clock),
		cmocka_unit_test(step_is_known_whatever_the_fraction_of_the_second),
		cmocka_unit_test(step_between_two_readings_of_the_clock_is_not_part_of_an_age),
		cmocka_unit_test(age_of_any_number_is_defined),
	};

	return cmocka_run_group_tests_name("clock_step", tests, NULL, NULL);
}
