/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * One SQLite file: errors, statements, transactions; see db.h.
 */
#include "store/db.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/statvfs.h>

/* SQLite's result codes, primary but for the first, with what a person on call does about
 * each. */
static const struct {
	int		 rc;
	enum err_code	 code;
	const char	*words;
} results[] = {
	/* A program died in a COMMIT, and who only reads may not undo that. */
	{ SQLITE_READONLY_ROLLBACK, ERR_READONLY, "a write was cut off: start lbclusterd, "
	    "which repairs it" },
	{ SQLITE_BUSY, ERR_BUSY, "locked by another program" },
	{ SQLITE_LOCKED, ERR_BUSY, "locked by another program" },
	{ SQLITE_PROTOCOL, ERR_BUSY, "locked by another program" },
	{ SQLITE_READONLY, ERR_READONLY, "read-only; check the owner and mode of it and of "
	    "its directory, and the file system" },
	{ SQLITE_PERM, ERR_READONLY, "no permission" },
	{ SQLITE_FULL, ERR_FULL, "the disk is full" },
	{ SQLITE_CORRUPT, ERR_CORRUPT, DB_DAMAGED },
	{ SQLITE_NOTADB, ERR_FOREIGN, "not a database, move it away" },
	{ SQLITE_NOMEM, ERR_NOMEM, "out of memory" },
	{ SQLITE_CONSTRAINT, ERR_INVALID, "refused by a constraint" },
	{ SQLITE_CANTOPEN, ERR_IO, "cannot be opened, look at its owner, mode and disk" },
	{ SQLITE_IOERR, ERR_IO, "the disk fails, see the kernel's log" },
};

/* Why a file cannot be opened SQLite leaves to the system's word. Where it could not make
 * one it looks for it again, and the word is of that. */
static enum err_code
open_error(const struct db *db, int error, struct err *err)
{
	struct statvfs vfs;

	if (error != ENOENT)
		return err_set(err, err_of_errno(error), "%s: cannot be opened: %s", db->path,
		    strerror(error));
	if (statvfs(db->path, &vfs) == 0 && vfs.f_files > 0 && vfs.f_favail == 0)
		return err_set(err, ERR_FULL, "%s: the disk is full: no inode is left", db->path);
	return err_set(err, ERR_IO, "%s: what SQLite keeps beside it cannot be opened, look at "
	    "owner and mode of the directory", db->path);
}

/* A -shm that cannot grow is an error of input or output to SQLite, with no word why. */
static bool
no_block_is_left(const struct db *db)
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
db_error(struct db *db, int rc, struct err *err)
{
	const char *detail = db->handle != NULL &&
	    (sqlite3_errcode(db->handle) & 0xff) == (rc & 0xff) ? sqlite3_errmsg(db->handle) :
	    sqlite3_errstr(rc);
	int error = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;

	if ((rc & 0xff) == SQLITE_CANTOPEN && error != 0)
		return open_error(db, error, err);
	/* Not the disk, though SQLite tells them no apart. A sync that says so has failed all
	 * the same: what it leaves is in doubt. */
	if ((rc & 0xff) == SQLITE_IOERR && (error == EDQUOT || error == EFBIG))
		return err_set(err, is_growth(rc) ? ERR_FULL : ERR_IO,
		    "%s: there is no more room for this program: %s", db->path,
		    strerror(error));
	if (rc == SQLITE_IOERR_SHMSIZE && no_block_is_left(db))
		rc = SQLITE_FULL;
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (results[i].rc == rc || results[i].rc == (rc & 0xff))
			return err_set(err, results[i].code, "%s: %s (%s)", db->path,
			    results[i].words, detail);
	}
	return err_set(err, ERR_IO, "%s: %s (SQLite %d)", db->path, detail, rc);
}

/* -- statements ------------------------------------------------------------ */

static enum err_code
statement_get(struct db *db, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc;

	for (size_t i = 0; i < db->n_statements; i++) {
		if (db->statements[i].sql == sql) {
			*ret = db->statements[i].stmt;
			return ERR_OK;
		}
	}
	if (db->n_statements == DB_STATEMENTS_MAX)
		return err_set(err, ERR_LIMIT, "%s: too many statements", db->path);
	rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc != SQLITE_OK)
		return db_error(db, rc, err);
	db->statements[db->n_statements].sql = sql;
	db->statements[db->n_statements++].stmt = stmt;
	*ret = stmt;
	return ERR_OK;
}

static int
bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
	int rc = SQLITE_OK;

	for (int i = 1; *types != '\0' && rc == SQLITE_OK; types++, i++) {
		if (*types == 'i')
			rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
		else if (*types == 's')
			rc = sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1,
			    SQLITE_TRANSIENT);
		else
			rc = sqlite3_bind_null(stmt, i);
	}
	return rc;
}

static enum err_code
query_va(struct db *db, struct err *err, sqlite3_stmt **ret_stmt, const char *sql,
    const char *types, va_list ap)
{
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	int rc;

	code = statement_get(db, sql, &stmt, err);
	if (code != ERR_OK)
		return code;
	rc = bind_all(stmt, types, ap);
	if (rc != SQLITE_OK)
		return db_error(db, rc, err);
	*ret_stmt = stmt;
	return ERR_OK;
}

enum err_code
db_query(struct db *db, struct err *err, sqlite3_stmt **ret_stmt, const char *sql,
    const char *types, ...)
{
	enum err_code code;
	va_list ap;

	va_start(ap, types);
	code = query_va(db, err, ret_stmt, sql, types, ap);
	va_end(ap);
	return code;
}

enum err_code
db_next(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err)
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
		code = db_error(db, rc, err);
	sqlite3_reset(stmt);
	return code;
}

void
db_reset(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
}

static enum err_code
number_va(struct db *db, struct err *err, int64_t fallback, int64_t *ret, const char *sql,
    const char *types, va_list ap)
{
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	bool row;

	code = query_va(db, err, &stmt, sql, types, ap);
	if (code == ERR_OK)
		code = db_next(db, stmt, &row, err);
	if (code != ERR_OK)
		return code;
	if (ret != NULL)
		*ret = row ? sqlite3_column_int64(stmt, 0) : fallback;
	db_reset(stmt);
	return ERR_OK;
}

enum err_code
db_number(struct db *db, struct err *err, int64_t fallback, int64_t *ret, const char *sql,
    const char *types, ...)
{
	enum err_code code;
	va_list ap;

	va_start(ap, types);
	code = number_va(db, err, fallback, ret, sql, types, ap);
	va_end(ap);
	return code;
}

enum err_code
db_run(struct db *db, struct err *err, const char *sql, const char *types, ...)
{
	enum err_code code;
	va_list ap;

	va_start(ap, types);
	code = number_va(db, err, 0, NULL, sql, types, ap);
	va_end(ap);
	return code;
}

const char *
db_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	return text == NULL ? "" : (const char *)text;
}

/* -- transactions ----------------------------------------------------------- */

enum err_code
db_begin(struct db *db, bool immediate, struct err *err)
{
	/* IMMEDIATE for every write: a read transaction that turns into a writing
	 * one gets SQLITE_BUSY at once, whatever the wait. */
	return immediate ? db_run(db, err, "BEGIN IMMEDIATE", "") :
	    db_run(db, err, "BEGIN", "");
}

enum err_code
db_commit(struct db *db, struct err *err)
{
	enum err_code code = db_run(db, err, "COMMIT", "");

	if (code == ERR_OK)
		return ERR_OK;
	db_rollback(db);
	/* A failed fsync(2) at the end leaves a commit that may be found whole when
	 * the file is opened again: seen with SQLite 3.40.1 in both journal modes. */
	if (code == ERR_IO && err != NULL)
		err->code = ERR_DOUBT;
	return code == ERR_IO ? ERR_DOUBT : code;
}

void
db_rollback(struct db *db)
{
	if (db->handle != NULL && !sqlite3_get_autocommit(db->handle))
		(void)db_run(db, NULL, "ROLLBACK", "");
}
