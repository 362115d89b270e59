/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/mib/reject.c: log lines for refused SETs. Log and store are those of the test.
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

#define DIR "/var/lib/lb: cluster"
#define LOCKED DIR "/lbcluster.db: locked by another program"
#define LOCKED_LINE "0 store " LOCKED "; GETs are answered from memory, SETs are refused\n"

static struct mib mib;
static char said[4096];		/* "level token text\n", line by line */
static enum store_status status;
static const char *status_text;

/* Replace the functions of src/util/log.c. */
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

/* Replace the functions of the store, by the linker. */
enum store_status __wrap_store_status(const struct store *store);
const char *__wrap_store_status_text(const struct store *store);
const char *__wrap_store_message_name(const struct store *store);

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

const char *
__wrap_store_message_name(const struct store *store)
{
	(void)store;
	return DIR;
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
refusal_by_a_rule_is_logged_at_once(void **state)
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
refusal_by_a_usable_store_is_logged_at_the_next_check(void **state)
{
	(void)state;
	mib_reject_by_store(&mib, REJECT_STORE_BUSY, LOCKED, NULL);
	assert_int_equal(mib.reject.count, 1);
	/* Managers may read it, and need not know the directory. */
	assert_string_equal(mib.reject.text, "lbcluster.db: locked by another program");
	assert_string_equal(said, "");
	store_is(STORE_OK, "");
	store_is(STORE_OK, "");
	assert_string_equal(said, "2 set refused: " LOCKED "\n");
}

static void
refusal_shows_no_directory_of_the_store(void **state)
{
	static const struct {
		const char	*text, *shown;
	} texts[] = {
		{ DIR ": read-only", "the store: read-only" },
		{ DIR "/x: cannot sync " DIR, "x: cannot sync the store" },
		{ DIR "/a, " DIR "/b", "a, b" }, { "web: " DIR, "web: the store" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		mib_reject_by_store(&mib, REJECT_STORE_BUSY, texts[i].text, NULL);
		assert_string_equal(mib.reject.text, texts[i].shown);
	}
}

static void
refusals_by_an_unusable_store_are_one_line(void **state)
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
refusal_with_another_message_than_the_status_is_logged(void **state)
{
	(void)state;
	store_is(STORE_LOCKED, LOCKED);
	mib_reject_by_store(&mib, REJECT_OTHER, "the disk is full", NULL);
	store_is(STORE_LOCKED, LOCKED);
	assert_string_equal(said, LOCKED_LINE "2 set refused: the disk is full\n");
}

static void
log_lines_of_a_status_that_alternates_are_limited(void **state)
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
		TEST(refusal_by_a_rule_is_logged_at_once),
		TEST(refusal_by_a_usable_store_is_logged_at_the_next_check),
		TEST(refusal_shows_no_directory_of_the_store),
		TEST(refusals_by_an_unusable_store_are_one_line),
		TEST(refusal_with_another_message_than_the_status_is_logged),
		TEST(log_lines_of_a_status_that_alternates_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
