/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store while it is open: removed and replaced files, locks of other programs,
 * full and read-only disks, the size of the files.
 */
#include "store_set_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
cluster_add_plain(struct fixture *f, const char *name)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "INSERT INTO cluster (name) VALUES ('%s')", name);
	sql_exec(f->main_path, sql);
}

/* -- removed and replaced files -------------------------------------------------------------- */

static void
removed_file_is_reported_and_read_again_when_it_is_back(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	char away[128];
	int clusters;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	snprintf(away, sizeof(away), "%s.away", f->main_path);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(clusters, 1);
	assert_false(store_changed(f->store));

	assert_int_equal(rename(f->main_path, away), 0);
	assert_true(store_changed(f->store));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_IO);
		assert_error_contains(&f->err, f->main_path, "No such file");
		assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
		assert_string_equal(store_status_text(f->store), f->err.text);
		clock_advance(i * 500);
	}
	assert_false(file_exists(f->main_path));	/* it is not created again */

	assert_int_equal(rename(away, f->main_path), 0);
	clock_advance(2000);
	assert_true(store_changed(f->store));
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_GONE);
	memset(&cursor, 0, sizeof(cursor));
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(clusters, 1);
	assert_int_equal(store_status(f->store), STORE_OK);
	assert_string_equal(store_status_text(f->store), "");
	assert_false(store_changed(f->store));
}

static void
readers_of_a_replaced_file_must_read_again(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursors[2] = { { 0 }, { 0 } };
	char aside[128];
	int clusters;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	cluster_add_plain(f, "later");
	snprintf(aside, sizeof(aside), "VACUUM INTO '%s.backup'", f->main_path);
	sql_exec(f->main_path, aside);
	/* The counter of the other file is higher, so only its name shows that it is another. */
	snprintf(aside, sizeof(aside), "%s.backup", f->main_path);
	sql_exec(aside, "DELETE FROM cluster WHERE name = 'later'");
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	for (size_t i = 0; i < COUNT(cursors); i++) {
		assert_int_equal(fixture_read_changes(f, &cursors[i], &clusters), ERR_OK);
		assert_int_equal(clusters, 2);
	}

	assert_int_equal(rename(aside, f->main_path), 0);
	assert_true(store_changed(f->store));
	for (size_t i = 0; i < COUNT(cursors); i++) {
		assert_int_equal(fixture_read_changes(f, &cursors[i], &clusters), ERR_GONE);
		assert_int_equal(clusters, 0);
		memset(&cursors[i], 0, sizeof(cursors[i]));
		assert_int_equal(fixture_read_changes(f, &cursors[i], &clusters), ERR_OK);
		assert_int_equal(clusters, 1);
	}
}

/* Puts other content into the same file, as "sqlite3 lbcluster.db '.restore backup'" does. Frees
 * 'content'. */
static void
content_restore(struct fixture *f, struct bytes content)
{
	sqlite3_backup *backup;
	sqlite3 *to, *from;

	assert_int_equal(sqlite3_open(":memory:", &from), SQLITE_OK);
	assert_int_equal(sqlite3_deserialize(from, "main", content.data,
	    (sqlite3_int64)content.n, (sqlite3_int64)content.n, 0), SQLITE_OK);
	assert_int_equal(sqlite3_open(f->main_path, &to), SQLITE_OK);
	backup = sqlite3_backup_init(to, "main", from, "main");
	assert_non_null(backup);
	assert_int_equal(sqlite3_backup_step(backup, -1), SQLITE_DONE);
	sqlite3_backup_finish(backup);
	sqlite3_close(to);
	sqlite3_close(from);
	free(content.data);
}

/* Each statement changes another table last. */
static void
readers_of_older_content_in_the_same_file_must_read_again(void **state)
{
	static const char *const last[] = {
		"INSERT INTO cluster (name) VALUES ('x')",
		"INSERT INTO service (cluster_id, name) VALUES (1, 'x')",
		"UPDATE real_service SET weight = 9 WHERE id = 5",
		("INSERT INTO job (real_id, operation, old_value, new_value, cluster_name,"
		" service_name, real_name) VALUES (NULL, 5, 1, 2, 'a', 'b', 'c')"),
		"DELETE FROM real_service WHERE id = 300",
	};
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	for (size_t i = 0; i < COUNT(last); i++) {
		struct store_cursor cursor = { 0 };
		struct bytes before;
		int clusters;

		fixture_fill(f);
		before = file_bytes(f->main_path);
		sql_exec(f->main_path, last[i]);
		assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		content_restore(f, before);
		assert_true(store_changed(f->store));
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_GONE);
		fixture_close(f);
		fixture_remove_files(f);
	}
}

/* Fills the store. Returns the content of another store, whose counter is higher. */
static struct bytes
content_of_another_store(struct fixture *f)
{
	struct bytes first, other;

	fixture_fill(f);
	first = file_bytes(f->main_path);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('x');"
	    "UPDATE store SET birth = birth + 1, change = change + 1000");
	other = file_bytes(f->main_path);
	file_bytes_write(f->main_path, first.data, first.n);
	free(first.data);
	return other;
}

static void
readers_of_another_store_in_the_same_file_must_read_again(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursors[2] = { { 0 }, { 0 } };
	struct bytes other;
	int clusters;

	sqlite_only(state, "SQLite has files");
	other = content_of_another_store(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	for (size_t i = 0; i < COUNT(cursors); i++)
		assert_int_equal(fixture_read_changes(f, &cursors[i], &clusters), ERR_OK);
	content_restore(f, other);
	assert_true(store_changed(f->store));
	for (size_t i = 0; i < COUNT(cursors); i++) {
		assert_int_equal(fixture_read_changes(f, &cursors[i], &clusters), ERR_GONE);
		assert_int_equal(clusters, 0);
		assert_int_equal(store_status(f->store), STORE_OK);
		memset(&cursors[i], 0, sizeof(cursors[i]));
		assert_int_equal(fixture_read_changes(f, &cursors[i], &clusters), ERR_OK);
		assert_int_equal(clusters, 2);
	}
	assert_true(store_was_replaced(f->store));
	assert_false(store_changed(f->store));
}

static void
file_replaced_by_a_damaged_one_is_refused_until_repaired(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	struct bytes good, damaged;
	char aside[128];
	int clusters;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	good = file_bytes(f->main_path);
	snprintf(aside, sizeof(aside), "%s.aside", f->main_path);
	file_bytes_write(aside, good.data, good.n);
	damage_page(aside);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(rename(aside, f->main_path), 0);
	damaged = file_bytes(f->main_path);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_CORRUPT);
		assert_error_contains(&f->err, f->main_path, "put a backup in its place");
		assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
		clock_advance(2000);
	}
	assert_file_unchanged(f->main_path, damaged);
	file_bytes_write(aside, good.data, good.n);
	free(good.data);
	assert_int_equal(rename(aside, f->main_path), 0);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_GONE);
	assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);	/* not read yet */
	memset(&cursor, 0, sizeof(cursor));
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(store_status(f->store), STORE_OK);
}

/* A cursor that is too old repeatedly does not make a reader read all rows each time. */
static void
cursor_too_old_is_busy_after_ten_restarts(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 }, old;
	int clusters;

	fixture_fill(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	clock_advance(60000);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			old = cursor;
			old.cluster = INT64_MAX;
			assert_int_equal(fixture_read_changes(f, &old, &clusters),
			    i < 10 ? ERR_GONE : ERR_BUSY);
			/* Another reader with a good cursor is served. */
			assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		}
		clock_advance(10000);
	}
}

static void
file_replaced_by_a_locked_one_is_busy_until_unlocked(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	struct bytes good;
	char aside[128];
	int clusters;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	good = file_bytes(f->main_path);
	snprintf(aside, sizeof(aside), "%s.next", f->main_path);
	file_bytes_write(aside, good.data, good.n);
	free(good.data);
	sql_process_start(f, aside);
	assert_int_equal(sql_process_exec(f, "BEGIN EXCLUSIVE"), SQLITE_OK);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(rename(aside, f->main_path), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_BUSY);
		assert_error_contains(&f->err, f->main_path, "locked");
		clock_advance(300);
	}
	assert_int_equal(store_status(f->store), STORE_LOCKED);
	assert_int_equal(sql_process_exec(f, "ROLLBACK"), SQLITE_OK);
	clock_advance(2000);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_GONE);
	memset(&cursor, 0, sizeof(cursor));
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(store_status(f->store), STORE_OK);
}

static enum err_code
set_weight(struct fixture *f, uint32_t weight)
{
	return do_set(f, STORE_SET_NOW, SET_OF(weight, { 5, REAL_WEIGHT, weight })).code;
}

/* A write to a file that lost its name would be acknowledged and lost. */
static void
write_after_the_file_was_replaced_goes_to_the_new_file(void **state)
{
	struct fixture *f = *state;
	struct bytes good;
	char aside[128];

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	good = file_bytes(f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	snprintf(aside, sizeof(aside), "%s.next", f->main_path);
	file_bytes_write(aside, good.data, good.n);
	free(good.data);
	assert_int_equal(rename(aside, f->main_path), 0);
	assert_int_equal(set_weight(f, 77), ERR_OK);
	assert_int_equal(sql_number(f->main_path, "SELECT weight FROM real_service WHERE id = 5"),
	    77);

	assert_int_equal(unlink(f->main_path), 0);
	assert_int_equal(set_weight(f, 77), ERR_IO);	/* ERR_NOT_FOUND means a missing row */
	assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
}

/* -- locks, full and read-only disks -------------------------------------------------------- */

/* Lets the time of the next check pass. */
static void
assert_status_later(struct fixture *f, enum store_status status)
{
	clock_advance(2000);
	(void)store_changed(f->store);
	assert_int_equal(store_status(f->store), status);
}

/* The id belongs to a row of the store that was read before. */
static void
set_of_a_row_of_another_store_is_refused(void **state)
{
	static const char weight[] = "SELECT weight FROM real_service WHERE id = 5";
	struct fixture *f = *state;
	struct store_cursor cursor;
	struct bytes other;
	char aside[128];
	int clusters;

	sqlite_only(state, "SQLite has files");
	for (int by_rename = 0; by_rename < 2; by_rename++) {
		other = content_of_another_store(f);
		memset(&cursor, 0, sizeof(cursor));
		assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		if (by_rename) {
			snprintf(aside, sizeof(aside), "%s.next", f->main_path);
			file_bytes_write(aside, other.data, other.n);
			free(other.data);
			assert_int_equal(rename(aside, f->main_path), 0);
		} else {
			content_restore(f, other);
		}
		assert_int_equal(set_weight(f, 44), ERR_BUSY);
		assert_error_contains(&f->err, f->main_path, "another store was put in its place");
		assert_int_equal(sql_number(f->main_path, weight), 1);
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_GONE);
		memset(&cursor, 0, sizeof(cursor));
		assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
		assert_int_equal(set_weight(f, 45), ERR_OK);
		assert_int_equal(sql_number(f->main_path, weight), 45);
		fixture_close(f);
		fixture_remove_files(f);
	}
}

static void
lock_of_another_program_is_busy_and_reported_until_released(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	int clusters;

	sqlite_only(state, "no lock of another program blocks a reader");
	fixture_fill(f);
	sql_process_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(sql_process_exec(f,
	    "BEGIN EXCLUSIVE; INSERT INTO cluster (name) VALUES ('x')"),
	    SQLITE_OK);

	/* A short lock does not change the status. */
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_BUSY);
	assert_error_contains(&f->err, f->main_path, "locked by another program");
	assert_int_equal(store_status(f->store), STORE_OK);
	clock_advance(WAIT_MS + 1);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_BUSY);
	assert_int_equal(store_status(f->store), STORE_LOCKED);
	assert_string_equal(store_status_text(f->store), f->err.text);
	assert_int_equal(set_weight(f, 44), ERR_BUSY);
	assert_int_equal(store_begin(f->store, &f->err), ERR_BUSY);
	assert_int_equal(store_set_lock_increase(f->store, &f->err), ERR_BUSY);
	assert_true(store_changed(f->store));

	assert_int_equal(sql_process_exec(f, "COMMIT"), SQLITE_OK);
	clock_advance(2000);
	assert_true(store_changed(f->store));	/* checks whether writing is possible */
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(clusters, 1);
	assert_int_equal(store_status(f->store), STORE_OK);
	assert_int_equal(set_weight(f, 45), ERR_OK);
}

/* The check after a failed write finds that the file is missing. */
static void
file_removed_after_a_failed_write_is_reported(void **state)
{
	struct fixture *f = *state;
	char away[128];

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	snprintf(away, sizeof(away), "%s.away", f->main_path);
	sql_process_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(sql_process_exec(f, "BEGIN IMMEDIATE"), SQLITE_OK);
	assert_int_equal(set_weight(f, 44), ERR_BUSY);
	assert_int_equal(sql_process_exec(f, "COMMIT"), SQLITE_OK);
	assert_int_equal(rename(f->main_path, away), 0);
	clock_advance(2000);
	assert_true(store_changed(f->store));
	assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
	assert_int_equal(set_weight(f, 45), ERR_IO);
	assert_int_equal(rename(away, f->main_path), 0);
	clock_advance(2000);
	assert_int_equal(set_weight(f, 46), ERR_OK);
}

/* Another program holds the write lock: reading works, writing does not. */
static void
lock_for_writing_does_not_block_readers(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	int clusters;

	fixture_fill(f);
	sql_process_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(sql_process_exec(f, "BEGIN IMMEDIATE"), SQLITE_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(set_weight(f, 44), ERR_BUSY);
	assert_int_equal(store_status(f->store), STORE_LOCKED);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(store_status(f->store), STORE_LOCKED);
	assert_int_equal(sql_process_exec(f, "ROLLBACK"), SQLITE_OK);
	assert_status_later(f, STORE_OK);
	assert_int_equal(set_weight(f, 44), ERR_OK);
}

/* A read transaction of another program blocks the commit only. */
static void
commit_blocked_by_a_reader_is_busy_and_changes_nothing(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "no lock of another program blocks a reader");
	fixture_fill(f);
	sql_process_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(sql_process_exec(f, "BEGIN; SELECT count(*) FROM real_service"),
	    SQLITE_OK);
	assert_int_equal(set_weight(f, 44), ERR_BUSY);
	assert_int_equal(sql_process_exec(f, "COMMIT"), SQLITE_OK);
	assert_int_equal(sql_number(f->main_path, "SELECT weight FROM real_service WHERE id = 5"),
	    1);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM job"), 0);
	assert_int_equal(set_weight(f, 45), ERR_OK);
	assert_int_equal(store_status(f->store), STORE_OK);
}

static void
open_while_locked_is_busy(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "no lock of another program blocks a reader");
	fixture_fill(f);
	sql_process_start(f, f->main_path);
	assert_int_equal(sql_process_exec(f, "BEGIN EXCLUSIVE"), SQLITE_OK);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_BUSY);
	assert_error_contains(&f->err, f->main_path, "locked by another program");
	assert_int_equal(sql_process_exec(f, "COMMIT"), SQLITE_OK);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
}

/* An open transaction of a collector does not block a SET. */
static void
lock_of_statistics_does_not_block_settings(void **state)
{
	const struct statistics row = { .real_id = 5, .last_update = 6 };
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	int clusters;

	fixture_fill(f);
	sql_process_start(f, f->stats_path);
	assert_int_equal(sql_process_exec(f, "SELECT * FROM store"), SQLITE_OK);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	assert_int_equal(sql_process_exec(f, "BEGIN IMMEDIATE; DELETE FROM statistics"), SQLITE_OK);
	assert_int_equal(set_weight(f, 44), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(store_statistics_put(f->store, &row, 1, &f->err), ERR_BUSY);
	assert_int_equal(store_status(f->store), STORE_OK);
	assert_int_equal(sql_process_exec(f, "ROLLBACK"), SQLITE_OK);
	assert_int_equal(store_statistics_put(f->store, &row, 1, &f->err), ERR_OK);
}

static void
full_disk_refuses_writes_until_there_is_space(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	int clusters;

	sqlite_only(state, "the disk is that of the server");
	mount_small(f, 2048);
	fixture_fill(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	mount_fill(f, 8);
	assert_int_equal(set_weight(f, 44), ERR_FULL);
	assert_error_contains(&f->err, f->main_path, "disk is full");
	assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
	assert_error_contains(&f->err, store_status_text(f->store), "");
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters),
	    ERR_OK);	/* reading still works */
	assert_int_equal(clusters, 1);
	assert_int_equal(store_status(f->store), STORE_UNAVAILABLE);
	assert_status_later(f, STORE_UNAVAILABLE);

	mount_fill(f, 0);
	assert_status_later(f, STORE_OK);
	assert_int_equal(set_weight(f, 45), ERR_OK);
}

/* The check of the timer finds it. */
static void
full_disk_is_reported_before_a_write(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "the disk is that of the server");
	mount_small(f, 2048);
	fixture_fill(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	mount_fill(f, 8);
	assert_status_later(f, STORE_UNAVAILABLE);
	mount_fill(f, 0);
	assert_status_later(f, STORE_OK);
}

/* The disk has more space than the check requires, and less than the load needs. */
static void
disk_that_fills_up_during_a_load_rolls_it_back(void **state)
{
	struct fixture *f = *state;
	struct real_row row = { .service_id = 1, .address = "192.0.2.1", .port = "80",
		.params = "" };
	enum err_code code;
	char name[16];

	sqlite_only(state, "the disk is that of the server");
	mount_small(f, 2048);
	fixture_fill(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	mount_fill(f, 300);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	code = ERR_OK;
	for (int i = 0; i < 20000 && code == ERR_OK; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		row.name = name;
		code = store_put_real(f->store, &row, NULL, NULL, &f->err);
	}
	if (code == ERR_OK)
		code = store_commit(f->store, &f->err);
	else
		store_rollback(f->store);
	assert_int_equal(code, ERR_FULL);
	assert_error_contains(&f->err, f->main_path, "disk is full");
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"), 300);
	mount_fill(f, 0);
	assert_status_later(f, STORE_OK);
	assert_int_equal(set_weight(f, 45), ERR_OK);
	fixture_close(f);
	assert_string_equal(sql_text(f->main_path, "PRAGMA integrity_check"), "ok");
}

static void
full_disk_leaves_no_file_of_a_new_store(void **state)
{
	struct fixture *f = *state;
	char ballast[96];

	sqlite_only(state, "the disk is that of the server");
	mount_small(f, 256);
	mount_fill(f, 16);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_FULL);
	assert_error_contains(&f->err, f->dir, "disk is full");
	snprintf(ballast, sizeof(ballast), "%s/ballast", f->dir);
	assert_false(file_exists(f->main_path));
	mount_fill(f, 0);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
}

static void
full_disk_refuses_statistics_and_keeps_settings(void **state)
{
	enum { ROWS = 3000 };
	struct fixture *f = *state;
	struct statistics *rows;

	sqlite_only(state, "the disk is that of the server");
	rows = calloc(ROWS, sizeof(*rows));
	assert_non_null(rows);
	for (uint32_t i = 0; i < ROWS; i++)
		rows[i] = (struct statistics){ .real_id = i + 1, .last_update = 7 };
	mount_small(f, 2048);
	fixture_fill(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	mount_fill(f, 8);
	assert_int_equal(store_statistics_put(f->store, rows, ROWS, &f->err), ERR_FULL);
	assert_error_contains(&f->err, f->stats_path, "disk is full");
	mount_fill(f, 0);
	assert_int_equal(store_statistics_put(f->store, rows, ROWS, &f->err), ERR_OK);
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), ROWS);
	free(rows);
}

static void
read_only_disk_refuses_writes_until_it_is_writable(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	int clusters;

	sqlite_only(state, "the disk is that of the server");
	mount_small(f, 2048);
	fixture_fill(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	mount_read_only(f, true);
	assert_int_equal(set_weight(f, 44), ERR_READONLY);
	assert_error_contains(&f->err, f->main_path, "cannot be written");
	assert_int_equal(store_status(f->store), STORE_READ_ONLY);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(clusters, 1);
	assert_status_later(f, STORE_READ_ONLY);
	mount_read_only(f, false);
	assert_status_later(f, STORE_OK);
	assert_int_equal(set_weight(f, 45), ERR_OK);
}

static void
open_on_a_read_only_disk_succeeds_for_readers_only(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	int clusters;

	sqlite_only(state, "the disk is that of the server");
	mount_small(f, 2048);
	fixture_fill(f);
	mount_read_only(f, true);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_READONLY);
	assert_error_contains(&f->err, f->main_path, "");
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_READONLY);
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
	assert_int_equal(fixture_read_changes(f, &cursor, &clusters), ERR_OK);
	assert_int_equal(clusters, 1);
	fixture_close(f);
	mount_read_only(f, false);
}

static void
create_on_a_read_only_disk_is_refused(void **state)
{
	struct fixture *f = *state;

	sqlite_only(state, "the disk is that of the server");
	mount_small(f, 2048);
	mount_read_only(f, true);
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_READONLY);
	assert_error_contains(&f->err, f->dir, "Read-only file system");
	mount_read_only(f, false);
}

/* -- special files ------------------------------------------------------------------------ */

/* What a program does with an open store, and what it does when it starts and ends. */
static void
store_use(struct fixture *f)
{
	const struct statistics row = { .real_id = 9 };
	struct store_cursor cursor = { 0 };
	int clusters;

	(void)store_changed(f->store);
	(void)fixture_read_changes(f, &cursor, &clusters);
	(void)set_weight(f, 33);
	(void)store_statistics_put(f->store, &row, 1, &f->err);
}

/* open(2) of a FIFO waits for a writer. A link may refer to any file. */
static void
special_file_in_place_of_any_name_blocks_nothing(void **state)
{
	static const char *const names[] = { "lbcluster.db-journal", "lbcluster.db-wal",
		"lbcluster.db-shm", "lbcluster-stats.db-journal", "lbcluster-stats.db-wal",
		"lbcluster-stats.db-shm", "lbcluster-stats.db", "lbcluster.db" };
	struct fixture *f = *state;
	char path[128], away[128];
	uint32_t weight = 50;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	snprintf(away, sizeof(away), "%s/away", f->dir);
	alarm(60);
	for (size_t i = 0; i < 2 * COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i / 2]);
		assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
		store_use(f);
		(void)rename(path, away);
		assert_int_equal(i % 2 == 0 ? mkfifo(path, 0600) : symlink("/dev/zero", path), 0);
		for (int turn = 0; turn < 3; turn++) {
			store_use(f);
			clock_advance(2000);
		}
		fixture_close(f);
		if (fixture_open(f, STORE_CREATE) == ERR_OK)
			store_use(f);
		unlink(path);
		(void)rename(away, path);
		if (f->store != NULL) {
			clock_advance(2000);
			(void)store_changed(f->store);
			assert_int_equal(set_weight(f, ++weight), ERR_OK);
			fixture_close(f);
		}
	}
	alarm(0);
}

/* -- damaged statistics ------------------------------------------------------------------ */

static void
statistics_all_put(struct fixture *f)
{
	static struct statistics rows[300];

	for (uint32_t i = 0; i < COUNT(rows); i++)
		rows[i] = (struct statistics){ .real_id = i + 1, .last_update = 4711 };
	assert_int_equal(store_statistics_put(f->store, rows, COUNT(rows), &f->err), ERR_OK);
}

static void
last_report_keep(void *arg, bool repaired, const char *text)
{
	(void)repaired;
	snprintf(arg, ERR_TEXT_SIZE, "%s", text);
}

static void
assert_statistics_reported(struct fixture *f, const char *text)
{
	char last[ERR_TEXT_SIZE] = "";

	store_statistics_report(f->store, last_report_keep, last);
	if (strstr(last, text) == NULL)
		fail_msg("\"%s\" is not \"%s\"", last, text);
}

/* Reads as lbclusterd does in each turn of its loop. */
static void
turn(struct fixture *f, struct store_cursor *cursor)
{
	int clusters;

	(void)store_changed(f->store);
	assert_int_equal(fixture_read_changes(f, cursor, &clusters), ERR_OK);
}

/* SQLite maps the file into memory, where an access beyond its end raises SIGBUS. */
static void
truncated_index_of_statistics_costs_statistics_only(void **state)
{
	static const off_t sizes[] = { 0, 100, 4096, 16384 };
	struct fixture *f = *state;
	char path[128];

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	snprintf(path, sizeof(path), "%s-shm", f->stats_path);
	for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
		struct store_cursor cursor = { 0 };

		assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
		statistics_all_put(f);
		turn(f, &cursor);
		assert_int_equal(truncate(path, sizes[i / 2]), 0);
		/* The write replaces the statistics if it notices, otherwise the read does. */
		if (i % 2 == 0)
			turn(f, &cursor);
		statistics_all_put(f);
		turn(f, &cursor);
		clock_advance(2000);
		turn(f, &cursor);
		assert_true(store_statistics_readable(f->store));
		statistics_all_put(f);
		assert_int_equal(set_weight(f, 20 + (uint32_t)i), ERR_OK);
		fixture_close(f);
		assert_string_equal(sql_text(f->stats_path, "PRAGMA integrity_check"), "ok");
		assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"),
		    300);
	}
}

/* Otherwise programs with different files would not see each other's commits. */
static void
removed_files_of_new_statistics_are_noticed(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	struct fixture *f = *state;
	char path[128], aside[128];

	sqlite_only(state, "SQLite has files");
	snprintf(aside, sizeof(aside), "%s.ill", f->stats_path);
	for (size_t i = 0; i < COUNT(tails); i++) {
		fixture_fill(f);
		assert_int_equal(unlink(f->stats_path), 0);
		assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
		assert_false(file_exists(aside));
		snprintf(path, sizeof(path), "%s%s", f->stats_path, tails[i]);
		assert_int_equal(unlink(path), 0);
		(void)store_changed(f->store);
		assert_false(store_statistics_readable(f->store));
		clock_advance(2000);
		(void)store_changed(f->store);
		assert_true(store_statistics_readable(f->store));
		statistics_all_put(f);
		assert_true(file_exists(path));
		fixture_close(f);
		assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"),
		    300);
		fixture_remove_files(f);
	}
}

/* Overwrites nBackfill, how many frames of the WAL are in the database (sqlite.org/walformat.html,
 * 2.1). The caller closes the descriptor that is returned after the store, because close(2) drops
 * the locks of the process. */
static int
index_damage(const struct fixture *f)
{
	static const uint32_t all = 0x7fffffff;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s-shm", f->stats_path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, &all, sizeof(all), 96), sizeof(all));
	return fd;
}

static enum err_code
bps_keep(void *arg, const struct store_real_view *view)
{
	*(uint64_t *)arg = view->statistics.number[STAT_BPS_IN];
	return ERR_OK;
}

/* SQLite reads old pages then, without an error. */
static void
damaged_index_of_statistics_hides_no_row_for_long(void **state)
{
	struct fixture *f = *state;
	struct store_cursor cursor = { 0 };
	uint64_t shown = 0;
	uint32_t value = 1;
	char sql[80];
	int fds[5];

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	sql_process_start(f, f->stats_path);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	for (int i = 0; i < 5; i++) {
		turn(f, &cursor);
		snprintf(sql, sizeof(sql), "UPDATE statistics SET bps_in = %u", ++value);
		assert_int_equal(sql_process_exec(f, sql), 0);
		turn(f, &cursor);
		fds[i] = index_damage(f);
		for (int commits = 0; shown != value && commits < 4; commits++) {
			snprintf(sql, sizeof(sql), "UPDATE statistics SET bps_in = %u", ++value);
			(void)sql_process_exec(f, sql);
			turn(f, &cursor);
			clock_advance(2000);
			turn(f, &cursor);
			assert_int_equal(store_each_real(f->store, NULL, bps_keep, &shown,
			    &f->err), ERR_OK);
		}
		assert_int_equal(shown, value);
	}
	fixture_close(f);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	sql_process_stop(f);
}

static enum err_code
real_count(void *arg, const struct store_real_view *view)
{
	(void)view;
	++*(int *)arg;
	return ERR_OK;
}

/* Overwrites the first page of the table. */
static void
table_damage(const char *path)
{
	int64_t page = sql_number(path, "SELECT rootpage FROM sqlite_schema WHERE name = "
	    "'statistics'");
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, 4096 * (page - 1), SEEK_SET), 0);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(fputc(0xa5, file), 0xa5);
	assert_int_equal(fclose(file), 0);
}

static void
damaged_statistics_are_left_out_of_a_listing_and_replaced_by_a_write(void **state)
{
	struct fixture *f = *state;
	int reals = 0;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	table_damage(f->stats_path);
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
	assert_int_equal(store_each_real(f->store, NULL, real_count, &reals, &f->err), ERR_OK);
	assert_int_equal(reals, 300);
	assert_statistics_reported(f, "damaged; remove it, and lbclusterd creates it again");
	fixture_close(f);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	statistics_all_put(f);
	fixture_close(f);
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), 300);
}

/* -- size of the files ----------------------------------------------------------------- */

static off_t
log_size(const struct fixture *f)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s-wal", f->stats_path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* Another program does not end its transaction, so SQLite cannot overwrite the WAL. */
static void
wal_of_statistics_shrinks_again(void **state)
{
	enum { USUAL = 8 * 1024 * 1024 };
	struct fixture *f = *state;

	sqlite_only(state, "SQLite has files");
	fixture_fill(f);
	sql_process_start(f, f->stats_path);
	assert_int_equal(sql_process_exec(f, "BEGIN; SELECT count(*) FROM statistics"), 0);
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	sql_exec(f->stats_path, "CREATE TABLE ballast (octets);"
	    "INSERT INTO ballast VALUES (zeroblob(17000000))");
	assert_true(log_size(f) > 2 * USUAL);
	assert_int_equal(sql_process_exec(f, "COMMIT"), 0);
	for (int i = 0; i < 2; i++)
		statistics_all_put(f);
	assert_true(log_size(f) <= USUAL);
	fixture_close(f);
	sql_process_stop(f);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(removed_file_is_reported_and_read_again_when_it_is_back),
		TEST(file_removed_after_a_failed_write_is_reported),
		TEST(readers_of_a_replaced_file_must_read_again),
		TEST(readers_of_older_content_in_the_same_file_must_read_again),
		TEST(readers_of_another_store_in_the_same_file_must_read_again),
		TEST(set_of_a_row_of_another_store_is_refused),
		TEST(file_replaced_by_a_damaged_one_is_refused_until_repaired),
		TEST(cursor_too_old_is_busy_after_ten_restarts),
		TEST(file_replaced_by_a_locked_one_is_busy_until_unlocked),
		TEST(write_after_the_file_was_replaced_goes_to_the_new_file),
		TEST(lock_of_another_program_is_busy_and_reported_until_released),
		TEST(lock_for_writing_does_not_block_readers),
		TEST(commit_blocked_by_a_reader_is_busy_and_changes_nothing),
		TEST(open_while_locked_is_busy),
		TEST(lock_of_statistics_does_not_block_settings),
		TEST(full_disk_refuses_writes_until_there_is_space),
		TEST(full_disk_is_reported_before_a_write),
		TEST(disk_that_fills_up_during_a_load_rolls_it_back),
		TEST(full_disk_leaves_no_file_of_a_new_store),
		TEST(full_disk_refuses_statistics_and_keeps_settings),
		TEST(read_only_disk_refuses_writes_until_it_is_writable),
		TEST(open_on_a_read_only_disk_succeeds_for_readers_only),
		TEST(create_on_a_read_only_disk_is_refused),
		TEST(special_file_in_place_of_any_name_blocks_nothing),
		TEST(truncated_index_of_statistics_costs_statistics_only),
		TEST(removed_files_of_new_statistics_are_noticed),
		TEST(damaged_index_of_statistics_hides_no_row_for_long),
		TEST(damaged_statistics_are_left_out_of_a_listing_and_replaced_by_a_write),
		TEST(wal_of_statistics_shrinks_again),
	};

	return cmocka_run_group_tests_name("store_run", tests, NULL, NULL);
}
