/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The functions of struct db_engine with SQLite, and its errors.
 */
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/memory.h"

enum { SPACE_NEEDED_BYTES = 256 * 1024 };	/* journal and pages of a large SET */

/* Result codes of SQLite and what a person does about each. The first is an extended code. */
static const struct {
	int		 rc;
	enum err_code	 code;
	const char	*message;
} results[] = {
	/* A program was killed in a COMMIT. A program that only reads cannot roll that back. */
	{ SQLITE_READONLY_ROLLBACK, ERR_READONLY, "a write was interrupted; start lbclusterd, "
	    "which rolls it back" },
	/* A write finds that the name refers to no file or to another one. The next open helps. */
	{ SQLITE_READONLY_DBMOVED, ERR_BUSY, "removed or replaced by another program" },
	/* Of a WAL that was truncated. SQLite reads a truncated database as zeros. */
	{ SQLITE_IOERR_SHORT_READ, ERR_CORRUPT, DB_DAMAGED },
	{ SQLITE_BUSY, ERR_BUSY, "locked by another program" },
	{ SQLITE_LOCKED, ERR_BUSY, "locked by another program" },
	{ SQLITE_PROTOCOL, ERR_BUSY, "locked by another program" },
	{ SQLITE_READONLY, ERR_READONLY, "read-only; check the owner and mode of the file "
	    "and of its directory, and the file system" },
	{ SQLITE_PERM, ERR_READONLY, "no permission" },
	{ SQLITE_FULL, ERR_FULL, "the disk is full" },
	{ SQLITE_CORRUPT, ERR_CORRUPT, DB_DAMAGED },
	{ SQLITE_NOTADB, ERR_FOREIGN, "not a database; move it away" },
	{ SQLITE_NOMEM, ERR_NOMEM, "out of memory" },
	{ SQLITE_CONSTRAINT, ERR_INVALID, "refused by a constraint" },
	{ SQLITE_CANTOPEN, ERR_IO, "cannot be opened; check its owner, mode and disk" },
	{ SQLITE_IOERR, ERR_IO, "input/output error; see the kernel's log" },
};

enum err_code
sqlite_special_files_check(const struct db *db, struct err *err)
{
	char path[DB_PATH_SIZE];
	struct stat st;

	for (size_t i = 0; i < DB_TAILS; i++) {
		snprintf(path, sizeof(path), "%s%s", db->path, sqlite_tails[i]);
		if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
			return err_set(err, ERR_FOREIGN, "%s: not a regular file; move it away",
			    path);
	}
	return ERR_OK;
}

/* Reports why SQLite cannot open a file. ENOENT is about a file that SQLite could not create
 * beside it: the journal or the shared memory. */
static enum err_code
open_error(const struct db *db, int error, struct err *err)
{
	struct statvfs vfs;
	enum err_code code;

	/* A link or a special file: see sqlite_vfs(). */
	if ((error == ENXIO || error == ELOOP) &&
	    (code = sqlite_special_files_check(db, err)) != ERR_OK)
		return code;
	if (error != ENOENT)
		return err_set(err, err_of_errno(error), "%s: cannot be opened: %s", db->path,
		    strerror(error));
	if (statvfs(db->path, &vfs) == 0 && vfs.f_files > 0 && vfs.f_favail == 0)
		return err_set(err, ERR_FULL, "%s: the disk is full: no free inodes", db->path);
	return err_set(err, ERR_IO, "%s: SQLite cannot create a file beside it; check the "
	    "owner and mode of the directory", db->path);
}

/* SQLite reports a -shm file that cannot grow as an I/O error, without errno. */
static bool
disk_is_full(const struct db *db)
{
	struct statvfs vfs;

	return statvfs(db->path, &vfs) == 0 && vfs.f_bavail == 0;
}

static bool
is_growth(int rc)
{
	return rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_SHMSIZE;
}

enum err_code
sqlite_error(struct db *db, int rc, struct err *err)
{
	sqlite3 *handle = db->state->handle;
	const char *detail = handle != NULL && (sqlite3_errcode(handle) & 0xff) == (rc & 0xff) ?
	    sqlite3_errmsg(handle) : sqlite3_errstr(rc);
	int error = handle != NULL ? sqlite3_system_errno(handle) : 0;

	if ((rc & 0xff) == SQLITE_CANTOPEN && error != 0)
		return open_error(db, error, err);
	/* SQLite reports a quota or a file size limit as an I/O error. After a failed sync the
	 * commit is in doubt all the same. */
	if ((rc & 0xff) == SQLITE_IOERR && (error == EDQUOT || error == EFBIG))
		return err_set(err, is_growth(rc) ? ERR_FULL : ERR_IO,
		    "%s: cannot grow: %s", db->path,
		    strerror(error));
	if (rc == SQLITE_IOERR_SHMSIZE && disk_is_full(db))
		rc = SQLITE_FULL;
	for (size_t i = 0; i < ROWS(results); i++) {
		if (results[i].rc == rc || results[i].rc == (rc & 0xff))
			return err_set(err, results[i].code, "%s: %s (%s)", db->path,
			    results[i].message, detail);
	}
	return err_set(err, ERR_IO, "%s: %s (SQLite %d)", db->path, detail, rc);
}

/* -- statements ------------------------------------------------------------ */

struct sqlite_statement {
	struct db_statement	 statement;
	sqlite3_stmt		*handle;
	struct db_value		 row[];
};

static struct sqlite_statement *
sqlite_of(struct db_statement *statement)
{
	return (struct sqlite_statement *)(void *)statement;
}

static enum err_code
no_memory(const struct db *db, struct err *err)
{
	return err_set(err, ERR_NOMEM, "%s: out of memory", db->path);
}

static enum err_code
statement_prepare(struct db *db, unsigned int sql, struct sqlite_statement **ret,
    struct err *err)
{
	struct sqlite_statement *statement;
	char text[SQL_TEXT_SIZE];
	sqlite3_stmt *handle;
	size_t n;
	int rc;

	sqlite_sql_build(sql, text);
	rc = sqlite3_prepare_v3(db->state->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &handle,
	    NULL);
	if (rc != SQLITE_OK)
		return sqlite_error(db, rc, err);
	n = (size_t)sqlite3_column_count(handle);
	statement = sqlite3_malloc64(sizeof(*statement) + n * sizeof(statement->row[0]));
	if (statement == NULL) {
		sqlite3_finalize(handle);
		return no_memory(db, err);
	}
	statement->handle = handle;
	statement->statement = (struct db_statement){ .engine = db->engine,
		.path = db->path, .n = n, .values = statement->row };
	*ret = statement;
	return ERR_OK;
}

static void
statement_free(struct sqlite_statement *statement)
{
	if (statement != NULL)
		sqlite3_finalize(statement->handle);
	sqlite3_free(statement);
}

static int
values_bind(sqlite3_stmt *stmt, const struct db_value *values, size_t n)
{
	int parameters = sqlite3_bind_parameter_count(stmt), rc = SQLITE_OK;

	for (int i = 0; i < (int)n && i < parameters && rc == SQLITE_OK; i++) {
		if (values[i].type == DB_TEXT)
			rc = sqlite3_bind_text(stmt, i + 1, values[i].text, -1,
			    SQLITE_TRANSIENT);
		else if (values[i].type == DB_INTEGER)
			rc = sqlite3_bind_int64(stmt, i + 1, values[i].number);
		else
			rc = sqlite3_bind_null(stmt, i + 1);
	}
	return rc;
}

static enum err_code
query(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, struct err *err)
{
	struct sqlite_statement **statement = &db->state->statements[sql];
	enum err_code code = ERR_OK;
	int rc;

	if (*statement == NULL)
		code = statement_prepare(db, sql, statement, err);
	/* ERR_OK does not happen here. For an analyzer, sqlite_error() may return it. */
	if (*statement == NULL)
		return code == ERR_OK ? ERR_NOMEM : code;
	rc = values_bind((*statement)->handle, values, n);
	*ret_stmt = &(*statement)->statement;
	return rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, err);
}

/* Reads a column of the current row. False if out of memory. */
static bool
value_read(sqlite3_stmt *handle, int i, struct db_value *ret)
{
	int type = sqlite3_column_type(handle, i);
	const unsigned char *text;

	*ret = (struct db_value){ .type = DB_NULL, .text = "" };
	if (type == SQLITE_NULL)
		return true;
	if (type == SQLITE_INTEGER) {
		ret->type = DB_INTEGER;
		ret->number = sqlite3_column_int64(handle, i);
		return true;
	}
	ret->type = type == SQLITE_TEXT ? DB_TEXT : DB_OTHER;
	if ((text = sqlite3_column_text(handle, i)) == NULL)
		return type != SQLITE_TEXT;
	ret->text = (const char *)text;
	if (type == SQLITE_TEXT)
		ret->number = sqlite3_column_bytes(handle, i);
	return true;
}

static void
reset(struct db_statement *stmt)
{
	sqlite3_reset(sqlite_of(stmt)->handle);
}

static enum err_code
next(struct db *db, struct db_statement *stmt, bool *ret_row, struct err *err)
{
	struct sqlite_statement *statement = sqlite_of(stmt);
	enum err_code code = sqlite_step(db, statement->handle, ret_row, err);

	if (code != ERR_OK || !*ret_row)
		return code;
	for (size_t i = 0; i < stmt->n; i++) {
		if (value_read(statement->handle, (int)i, &statement->row[i]))
			continue;
		reset(stmt);
		return no_memory(db, err);
	}
	return ERR_OK;
}

enum err_code
sqlite_step(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err)
{
	enum err_code code = ERR_OK;
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW) {
		*ret_row = true;
		return ERR_OK;
	}
	if (rc == SQLITE_DONE)
		*ret_row = false;
	else
		code = sqlite_error(db, rc, err);
	sqlite3_reset(stmt);
	return code;
}

static int64_t
changed_rows(const struct db *db)
{
	return sqlite3_changes(db->state->handle);
}

/* -- open and closed ----------------------------------------------------------------- */

static bool
is_open(const struct db *db)
{
	return db->state->handle != NULL;
}

static void
close_file(struct db *db)
{
	for (size_t i = 0; i < SQLITE_STATEMENTS; i++)
		statement_free(db->state->statements[i]);
	memset(db->state->statements, 0, sizeof(db->state->statements));
	sqlite3_close(db->state->handle);
	db->state->handle = NULL;
	db->state->rules_off = false;
	db->version_read = 0;
}

static void
free_file(struct db *db)
{
	if (db->state != NULL)
		close_file(db);
	free(db->state);
	db->state = NULL;
}

/* -- made of statements ------------------------------------------------------------ */

enum err_code
sqlite_exec(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->state->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, err);
}

/* INSERT ... RETURNING would make a SET 2 % slower. */
static enum err_code
insert(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    int64_t *ret_id, struct err *err)
{
	enum err_code code = db_run(db, sql, values, n, err);

	if (code == ERR_OK)
		*ret_id = sqlite3_last_insert_rowid(db->state->handle);
	return code;
}

void
sqlite_rules_set(struct db *db, bool on)
{
	sqlite3 *handle = db->state->handle;

	if (db->state->rules_off == !on)
		return;
	db->state->rules_off = !on;
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)on, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, (int)on, NULL);
	(void)sqlite_exec(db, on ? "PRAGMA ignore_check_constraints = OFF" :
	    "PRAGMA ignore_check_constraints = ON", NULL);
}

static enum err_code
version(struct db *db, int64_t *ret, struct err *err)
{
	return db_number(db, SQL_DATA_VERSION, DB_NO_VALUES, ret, err);
}

/* For statistics the triggers and CHECKs are off, because they take five times as long as the rest.
 * rows_put() does their work. */
static enum err_code
begin(struct db *db, enum db_begin how, struct err *err)
{
	if (how == DB_BEGIN_READ)
		return db_run(db, SQL_BEGIN, DB_NO_VALUES, err);
	sqlite_rules_set(db, how == DB_BEGIN_WRITE);
	return db_run(db, SQL_BEGIN_IMMEDIATE, DB_NO_VALUES, err);
}

/* The counter moves first by the number of rows. */
static enum err_code
rows_put(struct db *db, enum shape_id id, const void *rows, size_t n, size_t size,
    struct err *err)
{
	const struct shape *shape = &shapes[id];
	struct db_value values[SHAPE_COLUMNS_MAX + 1];
	enum err_code code;
	int64_t change = 0;

	if ((code = db_number(db, SQL_CHANGE, DB_NO_VALUES, &change, err)) == ERR_OK)
		code = db_run(db, SQL_CHANGE_ADD, DB_VALUES(db_int((int64_t)n)), err);
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		size_t columns = shape_values(shape, (const char *)rows + i * size, values);

		values[columns] = db_int(++change);
		if ((code = shape_values_check(shape, values, db->path, err)) == ERR_OK)
			code = db_run(db, SQL_OF_ROWS(ROW_UPSERT, id), values, columns + 1, err);
	}
	return code;
}

static void
rollback(struct db *db)
{
	if (is_open(db) && !sqlite3_get_autocommit(db->state->handle))
		(void)db_run(db, SQL_ROLLBACK, DB_NO_VALUES, NULL);
}

static enum err_code
commit(struct db *db, struct err *err)
{
	enum err_code code = db_run(db, SQL_COMMIT, DB_NO_VALUES, err);

	if (code == ERR_OK)
		return ERR_OK;
	rollback(db);
	/* After a failed fsync(2) at the end the commit may be found when the file is opened
	 * again: seen with SQLite 3.40.1 in both journal modes. */
	if (code == ERR_IO && err != NULL)
		err->code = ERR_DOUBT;
	return code == ERR_IO ? ERR_DOUBT : code;
}

/* -- the disk ---------------------------------------------------------------------- */

/* Finds a read-only or full file system before a write does. */
static enum err_code
write_check(const struct db *db, struct err *err)
{
	struct statvfs vfs;
	unsigned long long free_bytes;

	if (access(db->path, W_OK) == -1)
		return err_set(err, ERR_READONLY, "%s: cannot be written: %s", db->path,
		    strerror(errno));
	if (statvfs(db->path, &vfs) == -1)
		return ERR_OK;
	free_bytes = (unsigned long long)vfs.f_frsize *
	    (geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail);
	if (free_bytes < SPACE_NEEDED_BYTES)
		return err_set(err, ERR_FULL, "%s: the disk is full: %llu bytes are left, "
		    "%d are needed", db->path, free_bytes, SPACE_NEEDED_BYTES);
	return ERR_OK;
}

const struct db_engine sqlite_db_engine = {
	.is_open = is_open,
	.close = close_file,
	.free = free_file,
	.query = query,
	.next = next,
	.reset = reset,
	.insert = insert,
	.changed_rows = changed_rows,
	.rows_put = rows_put,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.wait_set = sqlite_wait_set,
	.version = version,
	.write_check = write_check,
	.hidden_repair = sqlite_hidden_repair,
};
