/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util: numbers, errors, clocks, the log, strings and arrays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/num.h"
#include "util/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The linker replaces the function of the C library by this one. */
void *__real_reallocarray(void *array, size_t n, size_t size);
void *__wrap_reallocarray(void *array, size_t n, size_t size);

static bool reallocarray_fails;

void *
__wrap_reallocarray(void *array, size_t n, size_t size)
{
	return reallocarray_fails ? NULL : __real_reallocarray(array, n, size);
}

/* -- num --------------------------------------------------------------------- */

static void
num_of_digits_is_read(void **state)
{
	static const struct {
		const char	*text;
		uint64_t	 value;
	} cases[] = {
		{ "0", 0 }, { "7", 7 }, { "65535", 65535 }, { "4294967295", 4294967295 },
		{ "4294967296", 4294967296 }, { "18446744073709551615", UINT64_MAX },
		{ "007", 7 }, { "00000000000000000000000000000001", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 99;

		assert_int_equal(num_parse(cases[i].text, 0, UINT64_MAX, &value), ERR_OK);
		assert_true(value == cases[i].value);
	}
}

static void
num_of_other_text_is_invalid(void **state)
{
	static const char *const texts[] = {
		"", " ", "+1", "-1", "-0", " 1", "1 ", "1\n", "0x10", "1e3", "1.0", "1,000",
		"one", "1a", "1:", "1/", "\xd9\xa1", "99999999999999999999999x",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		uint64_t value = 99;

		assert_int_equal(num_parse(texts[i], 0, UINT64_MAX, &value), ERR_INVALID);
		assert_int_equal(value, 99);
	}
}

static void
num_outside_bounds_is_out_of_range(void **state)
{
	static const struct {
		const char	*text;
		uint64_t	 min, max;
		enum err_code	 code;
	} cases[] = {
		{ "65535", 0, 65535, ERR_OK }, { "65536", 0, 65535, ERR_RANGE },
		{ "4294967296", 0, UINT32_MAX, ERR_RANGE },
		{ "4294967295", 0, UINT32_MAX, ERR_OK },
		{ "18446744073709551616", 0, UINT64_MAX, ERR_RANGE },
		{ "18446744073709551617", 0, UINT64_MAX, ERR_RANGE },
		{ "184467440737095516160", 0, UINT64_MAX, ERR_RANGE },
		{ "999999999999999999999999999999", 0, UINT64_MAX, ERR_RANGE },
		{ "0", 1, 10, ERR_RANGE }, { "1", 1, 10, ERR_OK }, { "10", 1, 10, ERR_OK },
		{ "11", 1, 10, ERR_RANGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 99;

		assert_int_equal(num_parse(cases[i].text, cases[i].min, cases[i].max, &value),
		    cases[i].code);
		if (cases[i].code != ERR_OK)
			assert_int_equal(value, 99);
	}
}

/* -- err --------------------------------------------------------------------- */

static void
err_set_fills_and_returns_code(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, ERR_BUSY, "row %d", 7), ERR_BUSY);
	assert_int_equal(err.code, ERR_BUSY);
	assert_string_equal(err.text, "row 7");
	assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

static void
err_set_own_text_as_argument_is_kept(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_IO, "disk on fire");
	err_set(&err, ERR_BUSY, "load: %s", err.text);
	assert_string_equal(err.text, "load: disk on fire");
}

static void
err_set_control_characters_become_question_marks(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_INVALID, "\"%s\" is no name", "a\nb\033[2J\x7f\xc3\xa9");
	assert_string_equal(err.text, "\"a?b?[2J?\xc3\xa9\" is no name");
}

/* Texts, and what replaces them; NULL: the text is printable. */
static const struct {
	const char	*text, *cleaned;
} texts[] = {
	{ "", NULL }, { "plain ~", NULL }, { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", NULL },
	{ "\xc2\xa0\xf4\x8f\xbf\xbf", NULL },
	{ "a\x1b[2J\x07\r\n\t\x7f", "a?[2J?????" },
	{ "\x9b" "31m", "?31m" }, { "\x80\x9f\xbf", "???" },	/* C1, bare */
	{ "\xc2\x80\xc2\x9b" "31m\xc2\x9f", "????31m??" },	/* C1 in UTF-8 */
	{ "\xff\xfe", "??" }, { "\xc3", "?" }, { "\xc3(", "?(" },
	{ "\xe2\x82", "??" }, { "\xe2\x82z", "??z" }, { "\xf0\x9f\x98", "???" },
	{ "\xc0\xaf\xc1\xbf", "????" }, { "\xe0\x80\xaf", "???" },	/* too long */
	{ "\xf0\x80\x80\xaf", "????" },
	{ "\xed\xa0\x80", "???" }, { "\xf4\x90\x80\x80", "????" }, { "\xf8\x88", "??" },
	{ "\xe2\x80\xa8\xe2\x80\xa9", "??????" },		/* line, paragraph */
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): right to left, which is replaced. */
	{ "\xe2\x80\xae\xe2\x81\xa6", "??????" },
};

static void
text_clean_replaces_what_is_not_printable(void **state)
{
	char text[64];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		bool clean = texts[i].cleaned == NULL;

		snprintf(text, sizeof(text), "%s", texts[i].text);
		assert_int_equal(text_is_clean(text), clean);
		assert_string_equal(text_clean(text, '?'),
		    clean ? texts[i].text : texts[i].cleaned);
		assert_true(text_is_clean(text));
	}
}

static void
errors_are_printable_text(void **state)
{
	struct err err;
	char long_text[2 * ERR_TEXT_SIZE];

	(void)state;
	err_set(&err, ERR_INVALID, "a\xc2\x9b%s", "\x9b");
	err_prefix(&err, "\x9c");
	assert_string_equal(err.text, "?a???");
	memset(long_text, 'x', sizeof(long_text));
	long_text[ERR_TEXT_SIZE - 2] = '\xc3';
	long_text[ERR_TEXT_SIZE - 1] = '\xa4';
	long_text[ERR_TEXT_SIZE] = '\0';
	err_set(&err, ERR_INVALID, "%s", long_text);
	assert_true(text_is_clean(err.text));
	err_set(&err, ERR_INVALID, "%s", long_text + 2);
	err_prefix(&err, "y: ");
	assert_true(text_is_clean(err.text));
}

static void
err_set_long_text_is_cut(void **state)
{
	struct err err;
	char text[2 * ERR_TEXT_SIZE];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
}

static void
err_prefix_goes_before_text(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_IO, "no such file");
	err_prefix(&err, "%s: ", "lbcluster.db");
	assert_string_equal(err.text, "lbcluster.db: no such file");
	assert_int_equal(err.code, ERR_IO);
	err_prefix(&err, "open: ");
	assert_string_equal(err.text, "open: lbcluster.db: no such file");
	err_prefix(&err, "%s: ", "a\nb");
	assert_string_equal(err.text, "a?b: open: lbcluster.db: no such file");
	err_prefix(NULL, "x");
}

static void
err_prefix_on_full_text_cuts_the_end(void **state)
{
	struct err err;
	char text[2 * ERR_TEXT_SIZE];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_IO, "%s", text);
	err_prefix(&err, "head: ");
	assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
	assert_memory_equal(err.text, "head: xxx", 9);
	err_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
	assert_null(strchr(err.text, 'h'));
}

static void
err_name_differs_for_each_code(void **state)
{
	(void)state;
	for (int i = ERR_OK; i <= ERR_IO; i++) {
		assert_non_null(err_name((enum err_code)i));
		for (int j = ERR_OK; j < i; j++)
			assert_string_not_equal(err_name((enum err_code)i),
			    err_name((enum err_code)j));
	}
	assert_string_equal(err_name(ERR_NOT_FOUND), "does not exist");
	assert_string_equal(err_name(ERR_PRECOND), "precondition failed");
	assert_non_null(err_name((enum err_code)(ERR_IO + 1)));
}

/* -- clock ----------------------------------------------------------------- */

static void
clock_text_of_time_is_utc(void **state)
{
	static const struct {
		int64_t		 time;
		const char	*text;
	} cases[] = {
		{ 0, "" }, { 1, "1970-01-01T00:00:01Z" },
		{ 1795354920, "2026-11-22T13:42:00Z" }, { 4102444800, "2100-01-01T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" }, { INT64_MAX, "" }, { INT64_MIN, "" },
	};
	char buf[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ptr_equal(clock_text(cases[i].time, buf), buf);
		assert_string_equal(buf, cases[i].text);
	}
}

static void
clock_steady_never_goes_back(void **state)
{
	int64_t last = clock_steady_ms();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_steady_ms();

		assert_true(now >= last);
		last = now;
	}
	assert_true(clock_wall_s() > 1700000000);
}

/* -- log ----------------------------------------------------------------- */

/* Redirects standard error to a file. */
static struct {
	FILE	*file;
	int	 saved;
	char	 text[4096];
} capture;

static void
capture_start(void)
{
	capture.file = tmpfile();
	assert_non_null(capture.file);
	fflush(stderr);
	capture.saved = dup(STDERR_FILENO);
	assert_true(capture.saved >= 0);
	assert_int_equal(dup2(fileno(capture.file), STDERR_FILENO), STDERR_FILENO);
}

/* Restores standard error and returns what was written to the file. */
static const char *
capture_end(void)
{
	size_t n;

	fflush(stderr);
	dup2(capture.saved, STDERR_FILENO);
	close(capture.saved);
	rewind(capture.file);
	n = fread(capture.text, 1, sizeof(capture.text) - 1, capture.file);
	capture.text[n] = '\0';
	fclose(capture.file);
	return capture.text;
}

static void
log_to_foreground_has_ident_level_token(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	capture_start();
	log_open("prog", false, LOG_LEVEL_DEBUG);
	log_error("store", "one %d", 1);
	log_warn("agentx", "two");
	log_info("sqlite", "three");
	log_debug("loop", "four");
	assert_string_equal(capture_end(), "prog: error: [store] one 1\nprog: warn: [agentx] two\n"
	    "prog: info: [sqlite] three\nprog: debug: [loop] four\n");
}

static void
log_below_level_is_silent(void **state)
{
	static const char *const lines[] = { "E\n", "E\nW\n", "E\nW\nI\n", "E\nW\nI\nD\n" };

	(void)state;
	unsetenv("JOURNAL_STREAM");
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		char wanted[256] = "";

		for (const char *p = lines[level]; *p != '\0'; p += 2) {
			static const char letters[] = "EWID";
			static const char *const level_names[] = { "error", "warn", "info",
			    "debug" };
			size_t n = strlen(wanted);

			snprintf(wanted + n, sizeof(wanted) - n, "p: %s: [t] %c\n",
			    level_names[strchr(letters, *p) - letters], *p);
		}
		capture_start();
		log_open("p", false, LOG_LEVEL_ERROR);
		log_level_set((enum log_level)level);
		log_error("t", "E");
		log_warn("t", "W");
		log_info("t", "I");
		log_debug("t", "D");
		assert_string_equal(capture_end(), wanted);
		for (int other = LOG_LEVEL_ERROR; other <= LOG_LEVEL_DEBUG; other++)
			assert_int_equal(log_enabled((enum log_level)other), other <= level);
	}
}

static void
log_debug_below_the_level_evaluates_no_argument(void **state)
{
	int calls = 0;

	(void)state;
	log_level_set(LOG_LEVEL_INFO);
	log_debug("t", "%d", ++calls);
	assert_int_equal(calls, 0);
}

static void
log_read_by_the_journal_has_priority(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	capture_start();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("prog", false, LOG_LEVEL_DEBUG);
	log_error("t", "E");
	log_warn("t", "W");
	log_info("t", "I");
	log_debug("t", "D");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(capture_end(), "<3>[t] E\n<4>[t] W\n<6>[t] I\n<7>[t] D\n");
}

static void
log_with_inherited_journal_stream_is_plain(void **state)
{
	(void)state;
	capture_start();
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open("prog", false, LOG_LEVEL_INFO);
	log_info("t", "I");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(capture_end(), "prog: info: [t] I\n");
}

static void
log_line_of_many_lines_is_one(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	capture_start();
	log_open("p", false, LOG_LEVEL_INFO);
	log_info("libsnmp", "%s", "agentx\nmaster\033[2J gone\r\n\n");
	log_info("t", "%s", "");
	assert_string_equal(capture_end(), "p: info: [libsnmp] agentx master [2J gone\n"
	    "p: info: [t] \n");
	capture_start();
	log_info("t", "%s", "\x9b" "31m\xc2\x9bx\xc3\xa4");
	assert_string_equal(capture_end(), "p: info: [t]  31m  x\xc3\xa4\n");
}

static void
log_line_keeps_errno(void **state)
{
	(void)state;
	capture_start();
	log_open("p", false, LOG_LEVEL_INFO);
	errno = ENOENT;
	log_info("t", "x");
	assert_int_equal(errno, ENOENT);
	capture_end();
}

static void
log_level_parse_accepts_four_names(void **state)
{
	static const char *const level_names[] = { "error", "warn", "info", "debug" };
	static const char *const others[] = { "", "Error", "warning", "err", "debug ", "0" };
	enum log_level level;

	(void)state;
	for (size_t i = 0; i < COUNT(level_names); i++) {
		assert_true(log_level_parse(level_names[i], &level));
		assert_int_equal(level, i);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		level = LOG_LEVEL_WARN;
		assert_false(log_level_parse(others[i], &level));
		assert_int_equal(level, LOG_LEVEL_WARN);
	}
}

/* -- memory ---------------------------------------------------------------------- */

static void
string_assign_replaces_the_string(void **state)
{
	char *text = NULL, *first;

	(void)state;
	assert_true(memory_string_assign(&text, "one"));
	assert_string_equal(text, "one");
	first = text;
	assert_true(memory_string_assign(&text, "one"));
	assert_ptr_equal(text, first);
	assert_true(memory_string_assign(&text, text + 1));
	assert_string_equal(text, "ne");
	free(text);
}

static void
array_reserve_grows_and_keeps_the_elements(void **state)
{
	uint16_t *numbers = NULL;
	size_t room = 0;

	(void)state;
	for (uint16_t n = 0; n < 1000; n++) {
		numbers = memory_array_reserve(numbers, n, &room, sizeof(*numbers));
		assert_non_null(numbers);
		assert_true(room > n);
		numbers[n] = n;
	}
	for (uint16_t n = 0; n < 1000; n++)
		assert_int_equal(numbers[n], n);
	free(numbers);
}

static void
array_reserve_without_memory_changes_nothing(void **state)
{
	char array[1];
	size_t room = 4;

	(void)state;
	reallocarray_fails = true;
	assert_null(memory_array_reserve(array, room, &room, 8));
	reallocarray_fails = false;
	assert_int_equal(room, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(num_of_digits_is_read),
		cmocka_unit_test(num_of_other_text_is_invalid),
		cmocka_unit_test(num_outside_bounds_is_out_of_range),
		cmocka_unit_test(err_set_fills_and_returns_code),
		cmocka_unit_test(err_set_own_text_as_argument_is_kept),
		cmocka_unit_test(err_set_control_characters_become_question_marks),
		cmocka_unit_test(text_clean_replaces_what_is_not_printable),
		cmocka_unit_test(errors_are_printable_text),
		cmocka_unit_test(err_set_long_text_is_cut),
		cmocka_unit_test(err_prefix_goes_before_text),
		cmocka_unit_test(err_prefix_on_full_text_cuts_the_end),
		cmocka_unit_test(err_name_differs_for_each_code),
		cmocka_unit_test(clock_text_of_time_is_utc),
		cmocka_unit_test(clock_steady_never_goes_back),
		cmocka_unit_test(log_to_foreground_has_ident_level_token),
		cmocka_unit_test(log_below_level_is_silent),
		cmocka_unit_test(log_debug_below_the_level_evaluates_no_argument),
		cmocka_unit_test(log_read_by_the_journal_has_priority),
		cmocka_unit_test(log_with_inherited_journal_stream_is_plain),
		cmocka_unit_test(log_line_of_many_lines_is_one),
		cmocka_unit_test(log_line_keeps_errno),
		cmocka_unit_test(log_level_parse_accepts_four_names),
		cmocka_unit_test(string_assign_replaces_the_string),
		cmocka_unit_test(array_reserve_grows_and_keeps_the_elements),
		cmocka_unit_test(array_reserve_without_memory_changes_nothing),
	};

	return cmocka_run_group_tests_name("util", tests, NULL, NULL);
}
