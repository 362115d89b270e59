/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Damaged files of a store: truncated at any length, any page overwritten, any byte of the
 * header inverted, a table missing. The store refuses a damaged lbcluster.db with a message
 * and leaves the file as it is. It creates damaged statistics again. Nothing hangs or crashes.
 */
#include "../unit/store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, HEAD = 100 };

static struct bytes good_main, good_stats;

static void
good_put(struct fixture *f)
{
	fixture_close(f);
	fixture_remove_files(f);
	file_bytes_write(f->main_path, good_main.data, good_main.n);
	file_bytes_write(f->stats_path, good_stats.data, good_stats.n);
}

static int
setup(void **state)
{
	struct fixture *f;

	if (fixture_setup_filled(state) != 0)
		return -1;
	f = *state;
	good_main = file_bytes(f->main_path);
	good_stats = file_bytes(f->stats_path);
	return 0;
}

static int
teardown(void **state)
{
	free(good_main.data);
	free(good_stats.data);
	return fixture_teardown(state);
}

static enum err_code
count_real(void *arg, const struct store_real_view *view)
{
	(void)view;
	(*(int *)arg)++;
	return ERR_OK;
}

/* Opens the store in this mode and reads every row. */
static enum err_code
open_and_read(struct fixture *f, enum store_mode mode)
{
	enum err_code code = fixture_open(f, mode);
	int reals = 0;

	if (code == ERR_OK)
		code = store_each_real(f->store, NULL, count_real, &reals, &f->err);
	fixture_close(f);
	return code;
}

static bool
says_what_to_do(const struct fixture *f)
{
	return strstr(f->err.text, f->dir) != NULL &&
	    (strstr(f->err.text, "put a backup in its place") != NULL ||
	    strstr(f->err.text, "move it away") != NULL ||
	    strstr(f->err.text, "use that one") != NULL ||
	    strstr(f->err.text, "check the owner") != NULL ||
	    strstr(f->err.text, "start lbclusterd") != NULL);
}

/* lbcluster.db is refused with a message by a daemon and by a program that reads all rows,
 * and does not change. 'certain': a daemon must refuse it. */
static void
main_is_refused(struct fixture *f, bool certain, const char *what, size_t which)
{
	static const enum store_mode modes[] = { STORE_READ, STORE_WRITE, STORE_CREATE };
	struct bytes before = file_bytes(f->main_path);

	for (size_t i = 0; i < COUNT(modes); i++) {
		enum err_code code = open_and_read(f, modes[i]);

		if (code == ERR_OK && certain && modes[i] == STORE_CREATE)
			fail_msg("%s %zu: not refused", what, which);
		if (code != ERR_OK && !says_what_to_do(f))
			fail_msg("%s %zu: %d, %s", what, which, (int)code, f->err.text);
		/* The program may have written to the file: only the version was wrong. */
		if (code == ERR_OK && modes[i] != STORE_READ) {
			free(before.data);
			return;
		}
	}
	assert_file_unchanged(f->main_path, before);
}

static void
truncated_file_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;

	while (n < good_main.n) {
		good_put(f);
		assert_int_equal(truncate(f->main_path, (off_t)n), 0);
		main_is_refused(f, true, "cut off at", n);
		/* The end of every page, the bytes around it, and parts of the header. */
		if (n < HEAD + 20)
			n += 20;
		else
			n = n % PAGE == 1 ? n + PAGE - 2 : n % PAGE == PAGE - 1 ? n + 1 :
			    n % PAGE == 0 ? n + 1 : PAGE - 1;
	}
}

static void
damaged_page_is_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t page = 0; page < good_main.n / PAGE; page++) {
		unsigned char *data = good_main.data + page * PAGE;
		struct bytes keep = { PAGE, malloc(PAGE) };

		assert_non_null(keep.data);
		memcpy(keep.data, data, PAGE);
		for (size_t i = 0; i < PAGE; i += 2)
			data[i] ^= 0x5a;
		good_put(f);
		memcpy(data, keep.data, PAGE);
		free(keep.data);
		main_is_refused(f, true, "page", page);
	}
}

static void
inverted_byte_of_the_header_never_hangs(void **state)
{
	struct fixture *f = *state;

	for (size_t at = 0; at < HEAD; at++) {
		good_main.data[at] ^= 0xff;
		good_put(f);
		good_main.data[at] ^= 0xff;
		main_is_refused(f, at < 16, "byte", at);
	}
}

static const char *const main_lacks[] = {
	"DROP TABLE store", "DROP TABLE setting", "DROP TABLE cluster", "DROP TABLE service",
	"DROP TABLE real_service", "DROP TABLE job", "DROP TABLE removed",
	"ALTER TABLE job RENAME COLUMN token TO t", "ALTER TABLE store DROP COLUMN birth",
	"ALTER TABLE real_service RENAME COLUMN reason TO r",
};

static const char *const stats_lacks[] = {
	"DROP TABLE store", "DROP TABLE statistics", "DROP TABLE removed",
	"ALTER TABLE statistics RENAME COLUMN active TO a",
};

/* The application id and version are right, but a table or column is missing. */
static void
file_without_a_table_or_column_is_refused_or_created_again(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(main_lacks); i++) {
		good_put(f);
		sql_exec(f->main_path, "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON");
		(void)sql_run(f->main_path, "PRAGMA writable_schema = ON;"
		    "DELETE FROM sqlite_schema WHERE type = 'trigger'");
		sql_exec(f->main_path, main_lacks[i]);
		main_is_refused(f, true, main_lacks[i], i);
	}
	for (size_t i = 0; i < COUNT(stats_lacks); i++) {
		good_put(f);
		(void)sql_run(f->stats_path, "PRAGMA writable_schema = ON;"
		    "DELETE FROM sqlite_schema WHERE type = 'trigger'");
		sql_exec(f->stats_path, stats_lacks[i]);
		assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
		assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
		fixture_close(f);
		assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), 0);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(truncated_file_is_refused),
		TEST(damaged_page_is_refused),
		TEST(inverted_byte_of_the_header_never_hangs),
		TEST(file_without_a_table_or_column_is_refused_or_created_again),
	};

	disk_set_up();
	disk_hurry(true);
	return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
