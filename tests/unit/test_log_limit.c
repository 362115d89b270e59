/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/log_limit.c with a simulated clock and log.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/log_limit.h"

enum { MAX = 3 };

static int64_t now_ms = 1000;
static enum log_level level_now;
static unsigned int lines;
static char latest[512];	/* "level token text" */

/* Replaces the function of src/util/clock.c, which is not linked then. */
int64_t
clock_steady_ms(void)
{
	return now_ms;
}

/* Replaces the functions of src/util/log.c. */
bool
log_enabled(enum log_level level)
{
	return level <= level_now;
}

void
log_line(enum log_level level, const char *token, const char *fmt, ...)
{
	int n = snprintf(latest, sizeof(latest), "%d %s ", (int)level, token);
	va_list ap;

	assert_true(log_enabled(level));
	lines++;
	va_start(ap, fmt);
	vsnprintf(latest + n, sizeof(latest) - (size_t)n, fmt, ap);
	va_end(ap);
	errno = EIO;
}

/* Flushes what the previous test left. */
static int
begin(void **state)
{
	(void)state;
	level_now = LOG_LEVEL_INFO;
	log_limits_flush(true);
	lines = 0;
	latest[0] = '\0';
	return 0;
}

static void
flood(struct log_limit *limit, unsigned int n)
{
	for (unsigned int i = 1; i <= n; i++)
		log_limited(limit, LOG_LEVEL_INFO, "SET %u", i);
}

static void
lines_up_to_the_limit_are_written(void **state)
{
	static struct log_limit limit = LOG_LIMIT("set", MAX);

	(void)state;
	log_limited(&limit, LOG_LEVEL_WARN, "%s of %d", "one", 3);
	assert_string_equal(latest, "1 set one of 3");
	flood(&limit, MAX - 1);
	assert_int_equal(lines, MAX);
	now_ms += LOG_LIMIT_MS;
	log_limits_flush(false);
	assert_int_equal(lines, MAX);
}

static void
lines_above_the_limit_are_counted_and_reported_later(void **state)
{
	static struct log_limit limit = LOG_LIMIT("set", MAX);

	(void)state;
	flood(&limit, 1000);
	assert_int_equal(lines, MAX);
	now_ms += LOG_LIMIT_MS - 1;
	log_limits_flush(false);
	assert_int_equal(lines, MAX);
	now_ms++;
	log_limits_flush(false);
	assert_string_equal(latest,
	    "2 set 997 more lines like this in that minute, the last: SET 1000");
	log_limits_flush(false);
	assert_int_equal(lines, MAX + 1);
}

static void
line_of_the_next_minute_comes_after_the_count(void **state)
{
	static struct log_limit limit = LOG_LIMIT("set", MAX);

	(void)state;
	flood(&limit, MAX + 1);
	now_ms += LOG_LIMIT_MS;
	flood(&limit, 1);
	assert_int_equal(lines, MAX + 2);
	assert_string_equal(latest, "2 set SET 1");
	flood(&limit, MAX);
	assert_int_equal(lines, MAX + 1 + MAX);
}

static void
dropped_lines_are_reported_at_the_end(void **state)
{
	static struct log_limit limit = LOG_LIMIT("job", MAX), other = LOG_LIMIT("plane", MAX);

	(void)state;
	flood(&limit, MAX + 1);
	flood(&other, MAX);
	log_limits_flush(true);
	assert_int_equal(lines, 2 * MAX + 1);
	assert_string_equal(latest,
	    "2 job 1 more lines like this in that minute, the last: SET 4");
}

static void
count_has_the_level_of_the_last_line(void **state)
{
	static struct log_limit limit = LOG_LIMIT("store", 1);

	(void)state;
	flood(&limit, 2);
	log_limited(&limit, LOG_LEVEL_ERROR, "damaged");
	log_limits_flush(true);
	assert_string_equal(latest,
	    "0 store 2 more lines like this in that minute, the last: damaged");
}

static void
line_below_the_level_is_not_counted(void **state)
{
	static struct log_limit limit = LOG_LIMIT("set", MAX);

	(void)state;
	level_now = LOG_LEVEL_WARN;
	flood(&limit, 100);
	log_limits_flush(true);
	assert_int_equal(lines, 0);
}

static void
level_debug_has_all_lines(void **state)
{
	static struct log_limit limit = LOG_LIMIT("set", MAX);

	(void)state;
	level_now = LOG_LEVEL_DEBUG;
	flood(&limit, 100);
	assert_string_equal(latest, "3 set SET 100");
	log_limits_flush(true);
	assert_int_equal(lines, 100);
}

static void
line_keeps_errno_and_long_ones_are_cut(void **state)
{
	static struct log_limit limit = LOG_LIMIT("set", 1);
	char text[2048];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	errno = ENOENT;
	log_limited(&limit, LOG_LEVEL_INFO, "%s", text);
	log_limited(&limit, LOG_LEVEL_INFO, "%s", text);
	assert_int_equal(errno, ENOENT);
	log_limits_flush(true);
	assert_int_equal(strlen(strrchr(latest, ' ') + 1), LOG_LIMIT_TEXT - 1);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_up_to_the_limit_are_written),
		TEST(lines_above_the_limit_are_counted_and_reported_later),
		TEST(line_of_the_next_minute_comes_after_the_count),
		TEST(dropped_lines_are_reported_at_the_end),
		TEST(count_has_the_level_of_the_last_line),
		TEST(line_below_the_level_is_not_counted),
		TEST(level_debug_has_all_lines),
		TEST(line_keeps_errno_and_long_ones_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
