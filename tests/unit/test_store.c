/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: files that are created, checked, refused and replaced.
 */
#include "store_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "in_range.h"

/* -- creation ------------------------------------------------------------------------- */

static void
open_of_a_missing_store_without_create_is_not_found(void **state)
{
	static const enum store_mode modes[] = { STORE_READ, STORE_WRITE };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(modes); i++) {
		assert_int_equal(fixture_open(f, modes[i]), ERR_NOT_FOUND);
		assert_error_contains(&f->err, f->main_path,
		    fixture_is_postgres() ? "has no store" : "No such file");
		assert_null(f->store);
		assert_int_equal(f->err.code, ERR_NOT_FOUND);
	}
	assert_int_equal(rmdir(f->dir), 0);	/* nothing was created */
	assert_int_equal(mkdir(f->dir, 0700), 0);
}

static void
open_create_makes_directory_and_both_files(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	assert_int_equal(rmdir(f->dir), 0);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	assert_int_equal(store_status(f->store), STORE_OK);
	assert_string_equal(store_status_text(f->store), "");
	fixture_close(f);
	assert_int_equal(sql_number(f->main_path, "PRAGMA application_id"), 0x6c626331);
	assert_int_equal(sql_number(f->stats_path, "PRAGMA application_id"), 0x6c627331);
	assert_true(sql_number(f->main_path, "PRAGMA user_version") >= 1);
	assert_true(sql_number(f->stats_path, "PRAGMA user_version") >= 1);
	assert_string_equal(sql_text(f->stats_path, "PRAGMA journal_mode"), "wal");
	/* Not WAL: SQLite stores WAL in the file. */
	assert_string_equal(sql_text(f->main_path, "PRAGMA journal_mode"), "delete");
	assert_string_equal(sql_text(f->main_path, "PRAGMA integrity_check"), "ok");
	/* All tables are STRICT, and the row of table store is complete. */
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM store"), 1);
	assert_int_equal(sql_number(f->main_path, "SELECT change FROM store"), 0);
	assert_true(sql_number(f->main_path, "SELECT birth FROM store") != 0);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM sqlite_schema"
	    " WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE '%STRICT%'"), 0);
}

static void
open_create_keeps_an_existing_store(void **state)
{
	struct fixture *f = *state;
	int64_t birth;

	fixture_fill(f);
	birth = sql_number(f->main_path, "SELECT birth FROM store");
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	fixture_close(f);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"), 300);
	assert_int_equal(sql_number(f->main_path, "SELECT birth FROM store"), birth);
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), 300);
}

static void
open_create_below_a_missing_parent_is_reported(void **state)
{
	struct fixture *f = *state;
	char dir[96];

	sqlite_only(state, "SQLite has files");
	snprintf(dir, sizeof(dir), "%s/no/where", f->dir);
	assert_int_equal(store_open(dir, STORE_CREATE, WAIT_MS, &f->store, &f->err), ERR_IO);
	assert_error_contains(&f->err, dir, "No such file");
}

/* A pid is used again, so a crash may have left a file with the same pid in its name. */
static void
create_beside_files_of_a_crash_succeeds(void **state)
{
	struct fixture *f = *state;
	char path[128];

	sqlite_only(state, "SQLite has files");
	snprintf(path, sizeof(path), "%s.new-%d", f->main_path, (int)getpid());
	file_bytes_write(path, "half", 4);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
}

/* SQLite would apply the journal to the new file. */
static void
create_beside_the_journal_of_a_lost_file_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[128];

	sqlite_only(state, "SQLite has files");
	snprintf(path, sizeof(path), "%s-journal", f->main_path);
	file_bytes_write(path, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and so on", 18);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_FOREIGN);
	assert_error_contains(&f->err, path, "move");
	assert_false(file_exists(f->main_path));
	file_bytes_write(path, "", 0);	/* as TRUNCATE leaves it after each commit */
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
}

static int
create_and_write(void *arg, int i)
{
	struct fixture *f = arg;
	struct store *store;
	struct err err;
	char name[16];
	const struct cluster_row row = { .name = name, .plane = "none", .plane_params = "{}" };
	const struct statistics statistics = { .real_id = (uint32_t)i + 1, .last_update = 5 };
	bool wrong;

	snprintf(name, sizeof(name), "c%d", i);
	if (store_open(f->name, STORE_CREATE, LONG_WAIT_MS, &store, &err) != ERR_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	wrong = store_begin(store, &err) != ERR_OK ||
	    store_put_cluster(store, &row, NULL, NULL, &err) != ERR_OK ||
	    store_commit(store, &err) != ERR_OK ||
	    store_statistics_put(store, &statistics, 1, &err) != ERR_OK;
	if (wrong)
		fprintf(stderr, "%s\n", err.text);
	store_close(store);
	return wrong;
}

static void
create_by_several_processes_at_once_creates_one_store(void **state)
{
	enum { PROCESSES = 6 };
	struct fixture *f = *state;

	run_processes(PROCESSES, create_and_write, f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	fixture_close(f);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM cluster"), PROCESSES);
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"),
	    PROCESSES);
}

/* -- damaged and foreign files --------------------------------------------------------- */

static void
damage_truncate(const char *path)
{
	file_bytes_write(path, "", 0);
}

static void
damage_foreign(const char *path)
{
	sql_exec(path, "PRAGMA application_id = 1234");
}

static void
damage_no_application(const char *path)
{
	unlink(path);
	file_bytes_write(path, "", 0);
	sql_exec(path, "CREATE TABLE recipe (name)");
}

static void
damage_newer(const char *path)
{
	sql_exec(path, "PRAGMA user_version = 99");
}

static void
damage_garbage(const char *path)
{
	static const char text[] = "This text is not a database. It has more than one hundred "
	    "bytes, so that it is longer than the header of a database file would be.";

	file_bytes_write(path, text, sizeof(text));
}

static void
damage_truncated(const char *path)
{
	struct bytes bytes = file_bytes(path);

	assert_int_equal(truncate(path, (off_t)(bytes.n / 2)), 0);
	free(bytes.data);
}

/* Damage that only integrity_check finds: an index has a row that its table does not have. A
 * second index is declared on the pages of the first one, and then gets a row. */
static void
damage_index(const char *path)
{
	int64_t page = sql_number(path, "SELECT rootpage FROM sqlite_schema WHERE type ="
	    " 'index' AND name IN ('real_service_changed', 'statistics_changed')");
	char sql[500];

	sql_exec(path, "CREATE TABLE aside (changed INTEGER); CREATE INDEX aside_i ON aside"
	    " (changed);");
	snprintf(sql, sizeof(sql), "PRAGMA writable_schema = ON;"
	    "UPDATE sqlite_schema SET rootpage = %lld WHERE name = 'aside_i';"
	    "PRAGMA writable_schema = RESET;"
	    "INSERT INTO aside (rowid, changed) VALUES (100000, 100000);", (long long)page);
	sql_exec(path, sql);
	sql_exec(path, "PRAGMA writable_schema = ON;"
	    "DELETE FROM sqlite_schema WHERE name IN ('aside', 'aside_i');"
	    "PRAGMA writable_schema = RESET;");
}

static void
damage_schema(const char *path)
{
	sql_exec(path, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
	    " 'CREATE TABLE (' WHERE type = 'table' AND name = 'store'");
}

static void
damage_directory(const char *path)
{
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* The link leads to a good file. */
static void
damage_symlink(const char *path)
{
	char to[128];

	snprintf(to, sizeof(to), "%s.elsewhere", path);
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink(to, path), 0);
}

static void
damage_fifo(const char *path)
{
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static const struct {
	const char	*what;
	void		(*make)(const char *path);
	enum err_code	 code;
	const char	*cure;		/* part of the message */
	bool		 bytes;		/* a regular file, whose bytes are compared */
	bool		 main_only;
	bool		 whole;		/* only the check of every page finds it */
} damages[] = {
	{ "0 bytes", damage_truncate, ERR_FOREIGN, "move it away", true, false, false },
	{ "foreign application_id", damage_foreign, ERR_FOREIGN, "move it away", true, false,
	  false },
	{ "no application_id", damage_no_application, ERR_FOREIGN, "move it away", true, false,
	  false },
	{ "newer", damage_newer, ERR_NEWER, "use that one", true, true, false },
	{ "garbage", damage_garbage, ERR_FOREIGN, "move it away", true, false, false },
	{ "truncated", damage_truncated, ERR_CORRUPT, "put a backup in its place", true, false,
	  true },
	{ "page", damage_page, ERR_CORRUPT, "put a backup in its place", true, false, true },
	{ "index", damage_index, ERR_CORRUPT, "put a backup in its place", true, false, true },
	{ "schema", damage_schema, ERR_CORRUPT, "put a backup in its place", true, false, true },
	{ "directory", damage_directory, ERR_FOREIGN, "move it away", false, false, false },
	{ "symlink", damage_symlink, ERR_FOREIGN, "move it away", true, false, false },
	{ "fifo", damage_fifo, ERR_FOREIGN, "move it away", false, false, false },
};

static void
open_of_a_damaged_file_is_refused_and_changes_nothing(void **state)
{
	static const enum store_mode modes[] = { STORE_READ, STORE_WRITE, STORE_CREATE };
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct bytes before = { 0, NULL };
		struct stat was, is;

		fixture_fill(f);
		damages[i].make(f->main_path);
		assert_int_equal(lstat(f->main_path, &was), 0);
		if (damages[i].bytes)
			before = file_bytes(f->main_path);
		for (size_t mode = 0; mode < COUNT(modes); mode++) {
			enum err_code code;

			if (damages[i].whole && modes[mode] != STORE_CREATE)
				continue;
			code = fixture_open(f, modes[mode]);
			if (code != damages[i].code)
				fail_msg("%s: %d, %s", damages[i].what, code, f->err.text);
			assert_error_contains(&f->err, f->main_path, damages[i].cure);
			assert_int_equal(f->err.code, code);
		}
		assert_int_equal(lstat(f->main_path, &is), 0);
		assert_int_equal(is.st_mode, was.st_mode);
		assert_int_equal(is.st_ino, was.st_ino);
		if (damages[i].bytes)
			assert_file_unchanged(f->main_path, before);
		fixture_remove_files(f);
	}
}

/* Inverts one random byte, two hundred times. An open succeeds, or is refused with a message
 * that names the file. */
static void
open_of_a_file_with_a_random_byte_never_crashes(void **state)
{
	struct fixture *f = *state;
	struct bytes good;
	uint64_t seed = 7;
	int refused = 0;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	good = file_bytes(f->main_path);
	for (int i = 0; i < 200; i++) {
		size_t at = random_next(&seed) % good.n;
		enum err_code code;

		good.data[at] ^= 0xff;
		file_bytes_write(f->main_path, good.data, good.n);
		code = fixture_open(f, STORE_CREATE);
		if (code != ERR_OK)
			assert_error_contains(&f->err, f->main_path, "");
		refused += code != ERR_OK;
		fixture_close(f);
		good.data[at] ^= 0xff;
	}
	assert_int_in_range(refused, 1, 200);
	file_bytes_write(f->main_path, good.data, good.n);
	free(good.data);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
}

/* -- versions ---------------------------------------------------------------------------- */

static const char all_sql[] =
    "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)";

/* A crash between two steps of a migration leaves a file of version 0. */
static void
version_0_make(const char *path, int application_id)
{
	char sql[80];

	unlink(path);
	file_bytes_write(path, "", 0);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; VACUUM", application_id);
	sql_exec(path, sql);
}

static void
older_file_is_migrated_by_writers_only(void **state)
{
	struct fixture *f = *state;
	struct bytes before;
	char *schema;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	schema = strdup(sql_text(f->main_path, all_sql));
	version_0_make(f->main_path, 0x6c626331);
	before = file_bytes(f->main_path);
	assert_int_equal(fixture_open(f, STORE_READ), ERR_INVALID);
	assert_error_contains(&f->err, f->main_path, "lbclusterd");
	assert_file_unchanged(f->main_path, before);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	fixture_close(f);
	assert_string_equal(sql_text(f->main_path, all_sql), schema);
	assert_true(sql_number(f->main_path, "PRAGMA user_version") >= 1);
	free(schema);
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
}

static int
open_for_writing(void *arg, int i)
{
	struct fixture *f = arg;
	struct store *store;
	struct err err;

	(void)i;
	if (store_open(f->name, STORE_WRITE, LONG_WAIT_MS, &store, &err) != ERR_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	store_close(store);
	return 0;
}

static void
older_file_opened_by_several_is_migrated_once(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	for (int round = 0; round < 10; round++) {
		version_0_make(f->main_path, 0x6c626331);
		run_processes(4, open_for_writing, f);
	}
}

/* -- statistics ---------------------------------------------------------------------------- */

static void
damaged_statistics_are_replaced_and_the_inventory_stays(void **state)
{
	struct fixture *f = *state;
	char aside[128];

	sqlite_only(state, "SQLite has files");
	snprintf(aside, sizeof(aside), "%s.ill", f->stats_path);
	for (size_t i = 0; i < COUNT(damages); i++) {
		if (damages[i].main_only)
			continue;
		fixture_fill(f);
		damages[i].make(f->stats_path);
		if (fixture_open(f, STORE_CREATE) != ERR_OK)
			fail_msg("%s: %s", damages[i].what, f->err.text);
		fixture_close(f);
		assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"),
		    0);
		assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"),
		    300);
		assert_true(file_exists(aside));
		fixture_remove_files(f);
	}
}

static void
missing_statistics_are_created(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	assert_int_equal(unlink(f->stats_path), 0);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	fixture_close(f);
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), 0);
}

static void
newer_statistics_are_refused_and_not_changed(void **state)
{
	struct fixture *f = *state;
	struct bytes before;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	damage_newer(f->stats_path);
	before = file_bytes(f->stats_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_NEWER);
	assert_error_contains(&f->err, f->stats_path, "use that one");
	assert_file_unchanged(f->stats_path, before);
}

static void
reader_ignores_damaged_statistics_and_does_not_change_them(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct store_cursor cursor = { 0 };
		struct bytes before = { 0, NULL };
		int clusters;

		if (damages[i].main_only || !damages[i].bytes)
			continue;
		fixture_fill(f);
		damages[i].make(f->stats_path);
		before = file_bytes(f->stats_path);
		if (fixture_open(f, STORE_READ) != ERR_OK)
			fail_msg("%s: %s", damages[i].what, f->err.text);
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		assert_int_equal(clusters, 1);
		fixture_close(f);
		assert_file_unchanged(f->stats_path, before);
		fixture_remove_files(f);
	}
}

/* Half of a transaction is in the file, and its journal is beside it. */
static void
unfinished_write_is_rolled_back_by_the_next_open(void **state)
{
	static const enum store_mode modes[] = { STORE_READ, STORE_WRITE, STORE_CREATE };
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct store_cursor cursor = { 0 };
		char journal[128];
		int clusters;

		snprintf(journal, sizeof(journal), "%s-journal", f->main_path);
		sql_process_start(f, f->main_path);
		/* Pages that do not fit into the cache are written before the commit. */
		assert_int_equal(sql_process_exec(f, "PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
		    "UPDATE real_service SET address = printf('%0240d', id);"
		    "UPDATE cluster SET name = 'half'"), 0);
		sql_process_kill(f);
		assert_true(file_exists(journal));
		assert_int_equal(fixture_open(f, modes[i]), ERR_OK);
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		assert_int_equal(clusters, 1);
		fixture_close(f);
		assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"
		    " WHERE length(address) = 240"), 0);
		assert_string_equal(sql_text(f->main_path, "PRAGMA integrity_check"), "ok");
	}
	fixture_remove_files(f);
}

static void
damaged_statistics_are_replaced_once_by_several_processes(void **state)
{
	enum { PROCESSES = 6 };
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	for (int round = 0; round < 5; round++) {
		fixture_fill(f);
		damage_page(f->stats_path);
		run_processes(PROCESSES, create_and_write, f);
		/* A second replacement would have lost a row. */
		assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"),
		    PROCESSES);
		fixture_remove_files(f);
	}
}

/* Another process was stopped while it held the lock. */
static void
damaged_statistics_under_a_lock_that_stays_are_replaced_later(void **state)
{
	struct fixture *f = *state;
	char lock[128];
	int fd;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	damage_page(f->stats_path);
	snprintf(lock, sizeof(lock), "%s.lock", f->stats_path);
	fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	assert_false(store_statistics_readable(f->store));
	close(fd);
	clock_advance(2000);
	assert_true(store_changed(f->store));
	assert_true(store_statistics_readable(f->store));
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), 0);
}

/* Damages the file while the store is open, before and after the first row of a table. */
static void
statistics_damaged_while_open_are_replaced(void **state)
{
	static const char *const statements[] = {
		"UPDATE sqlite_schema SET sql = 'CREATE TABLE (' WHERE name = 'store'",
		"UPDATE sqlite_schema SET sql = 'CREATE TABLE (' WHERE name = 'statistics'",
		"UPDATE sqlite_schema SET rootpage = 12345 WHERE name = 'statistics_changed'",
		"UPDATE sqlite_schema SET rootpage = 12345 WHERE name = 'store'",
	};
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	for (size_t i = 0; i < COUNT(statements); i++) {
		struct store_cursor cursor = { 0 };
		char sql[200];
		int clusters;

		fixture_fill(f);
		assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		/* The new schema version makes each connection read the schema again. */
		snprintf(sql, sizeof(sql), "PRAGMA writable_schema = ON; BEGIN; %s;"
		    "PRAGMA schema_version = 4711; COMMIT", statements[i]);
		sql_exec(f->stats_path, sql);
		for (int k = 0; k < 5; k++) {
			clock_advance(2000);
			assert_true(k > 0 || store_changed(f->store));
			assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
			assert_int_equal(store_status(f->store), STORE_OK);
		}
		fixture_close(f);
		assert_string_equal(sql_text(f->stats_path, "PRAGMA integrity_check"), "ok");
		assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"),
		    0);
		fixture_remove_files(f);
	}
}

/* Otherwise the name would become a directory. The message must not repeat a password. */
static void
uri_without_postgresql_is_refused_by_name(void **state)
{
#ifdef HAVE_LIBPQ
	(void)state;
	skip();
#else
	struct store *store = NULL;
	struct err err;

	(void)state;
	assert_int_equal(store_open("postgresql://user:secret@db1/lbcluster", STORE_CREATE, WAIT_MS,
	    &store, &err), ERR_INVALID);
	assert_null(store);
	assert_string_equal(err.text, "postgresql://...: this lbcluster was built without "
	    "PostgreSQL; install libpq-dev and configure again");
	assert_int_equal(store_open_exclusive("postgres://db1/lbcluster", "lbclusterd", NULL,
	    WAIT_MS, &store, &err), ERR_INVALID);
#endif
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(open_of_a_missing_store_without_create_is_not_found),
		TEST(open_create_makes_directory_and_both_files),
		TEST(uri_without_postgresql_is_refused_by_name),
		TEST(open_create_keeps_an_existing_store),
		TEST(open_create_below_a_missing_parent_is_reported),
		TEST(create_beside_files_of_a_crash_succeeds),
		TEST(create_beside_the_journal_of_a_lost_file_is_refused),
		TEST(create_by_several_processes_at_once_creates_one_store),
		TEST(open_of_a_damaged_file_is_refused_and_changes_nothing),
		TEST(open_of_a_file_with_a_random_byte_never_crashes),
		TEST(older_file_is_migrated_by_writers_only),
		TEST(older_file_opened_by_several_is_migrated_once),
		TEST(damaged_statistics_are_replaced_and_the_inventory_stays),
		TEST(missing_statistics_are_created),
		TEST(newer_statistics_are_refused_and_not_changed),
		TEST(reader_ignores_damaged_statistics_and_does_not_change_them),
		TEST(unfinished_write_is_rolled_back_by_the_next_open),
		TEST(damaged_statistics_are_replaced_once_by_several_processes),
		TEST(damaged_statistics_under_a_lock_that_stays_are_replaced_later),
		TEST(statistics_damaged_while_open_are_replaced),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
