/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/mib/reject.c: what is refused, and how it is told. Log and store are the
 * test's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "mib/mib_private.h"
#include "store/store.h"
#include "util/log_limit.h"
#include "in_range.h"

#define LOCKED "lbcluster.db: locked by another program"
#define LOCKED_LINE "0 store " LOCKED "; GETs are answered from memory, SETs are refused\n"

static struct mib mib;
static char said[4096];		/* "level token text\n", line by line */
static enum store_status status;
static const char *status_text;

/* In place of those in src/util/log.c. */
bool
log_enabled(enum log_level level)
{
	return level < LOG_LEVEL_DEBUG;
}

void
log_line(enum log_level level, const char *token, const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	n += (size_t)snprintf(said + n, sizeof(said) - n, "%d %s ", (int)level, token);
	va_start(ap, fmt);
	n += (size_t)vsnprintf(said + n, sizeof(said) - n, fmt, ap);
	va_end(ap);
	assert_true(n + 1 < sizeof(said));
	memcpy(said + n, "\n", 2);
}

/* In place of those in src/store/store.c, by the linker. */
enum store_status __wrap_store_status(const struct store *store);
const char *__wrap_store_status_text(const struct store *store);

enum store_status
__wrap_store_status(const struct store *store)
{
	(void)store;
	return status;
}

const char *
__wrap_store_status_text(const struct store *store)
{
	(void)store;
	return status_text;
}

static void
store_is(enum store_status now, const char *text)
{
	status = now;
	status_text = text;
	mib_store_report(&mib);
}

static int
begin(void **state)
{
	(void)state;
	log_limits_flush(true);
	mib = (struct mib){ .reported = { .status = STORE_OK } };
	said[0] = '\0';
	status = STORE_OK;
	status_text = "";
	return 0;
}

static void
refused_by_rule_is_told_at_once(void **state)
{
	const struct mib_oid object = { .n = 1, .sub = { 7 } };

	(void)state;
	mib_reject(&mib, REJECT_FALLBACK_TAKEN, "fallback is web-3 already", &object);
	assert_string_equal(said, "2 set refused: fallback is web-3 already\n");
	mib_store_report(&mib);
	assert_string_equal(said, "2 set refused: fallback is web-3 already\n");
	assert_int_equal(mib.reject.count, 1);
	assert_int_equal(mib.reject.reason, REJECT_FALLBACK_TAKEN);
	assert_string_equal(mib.reject.text, "fallback is web-3 already");
	assert_int_equal(mib.reject.object.sub[0], 7);
	assert_true(mib.reject.time > 0);
}

static void
refused_by_store_that_is_well_is_told_at_the_next_look(void **state)
{
	(void)state;
	mib_reject_by_store(&mib, REJECT_STORE_BUSY, LOCKED, NULL);
	assert_int_equal(mib.reject.count, 1);
	assert_string_equal(mib.reject.text, LOCKED);
	assert_string_equal(said, "");
	store_is(STORE_OK, "");
	store_is(STORE_OK, "");
	assert_string_equal(said, "2 set refused: " LOCKED "\n");
}

static void
refused_by_store_that_is_ill_is_one_line(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		mib_reject_by_store(&mib, REJECT_STORE_BUSY, LOCKED, NULL);
		store_is(STORE_LOCKED, LOCKED);
	}
	assert_string_equal(said, LOCKED_LINE);
	store_is(STORE_OK, "");
	assert_string_equal(said, LOCKED_LINE "2 store is usable again\n");
	assert_int_equal(mib.reject.count, 5);
}

static void
refused_for_another_reason_than_the_illness_is_told(void **state)
{
	(void)state;
	store_is(STORE_LOCKED, LOCKED);
	mib_reject_by_store(&mib, REJECT_OTHER, "the disk is full", NULL);
	store_is(STORE_LOCKED, LOCKED);
	assert_string_equal(said, LOCKED_LINE "2 set refused: the disk is full\n");
}

static void
store_that_gets_ill_and_well_all_the_time_is_few_lines(void **state)
{
	unsigned int lines = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		store_is(STORE_LOCKED, LOCKED);
		store_is(STORE_OK, "");
	}
	log_limits_flush(true);
	for (const char *p = said; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_in_range(lines, 3, 20);
	assert_non_null(strstr(said, "more lines like this in that minute, the last: "
	    "is usable again\n"));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refused_by_rule_is_told_at_once),
		TEST(refused_by_store_that_is_well_is_told_at_the_next_look),
		TEST(refused_by_store_that_is_ill_is_one_line),
		TEST(refused_for_another_reason_than_the_illness_is_told),
		TEST(store_that_gets_ill_and_well_all_the_time_is_few_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
