/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * One SQLite file: open and check, statements, transactions; see db.h.
 */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/file.h"

/* SQLite's result codes, primary but for the first, with what a person on call does about
 * each. */
static const struct {
	int		 rc;
	enum err_code	 code;
	const char	*words;
} results[] = {
	/* A program died in a COMMIT, and who only reads may not undo that. */
	{ SQLITE_READONLY_ROLLBACK, ERR_READONLY, "a write was cut off: start lbclusterd, "
	    "which mends it" },
	{ SQLITE_BUSY, ERR_BUSY, "locked by another program" },
	{ SQLITE_LOCKED, ERR_BUSY, "locked by another program" },
	{ SQLITE_PROTOCOL, ERR_BUSY, "locked by another program" },
	{ SQLITE_READONLY, ERR_READONLY, "read-only, look at the owner and mode of it and of "
	    "its directory, and at the file system" },
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

enum err_code
db_error(struct db *db, int rc, struct err *err)
{
	const char *detail = db->handle != NULL &&
	    (sqlite3_errcode(db->handle) & 0xff) == (rc & 0xff) ? sqlite3_errmsg(db->handle) :
	    sqlite3_errstr(rc);
	int error = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;

	if ((rc & 0xff) == SQLITE_CANTOPEN && error != 0)
		return open_error(db, error, err);
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

/* -- open and check --------------------------------------------------------- */

static enum err_code
pragma_number(struct db *db, const char *sql, int64_t *ret, struct err *err)
{
	return db_number(db, err, 0, ret, sql, "");
}

static enum err_code
pragmas_set(struct db *db, const char *const *pragmas, struct err *err)
{
	enum err_code code = ERR_OK;

	for (; *pragmas != NULL && code == ERR_OK; pragmas++)
		code = db_run(db, err, *pragmas, "");
	return code;
}

/* The check says in words, too, which page it could not read: that is a disk or a memory
 * which fails, not a file that is damaged. */
static enum err_code
integrity_error(struct db *db, const char *words, struct err *err)
{
	static const char mark[] = "error code=";
	const char *code = strstr(words, mark);
	int rc = code == NULL ? SQLITE_CORRUPT :
	    (int)strtol(code + sizeof(mark) - 1, NULL, 10);

	return (rc & 0xff) != SQLITE_CORRUPT ? db_error(db, rc, err) :
	    err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (%s)", db->path, words);
}

/* The whole file, not quick_check: that one does not see an index that lost a
 * row (measured). */
static enum err_code
integrity_check(struct db *db, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	bool row;

	code = db_query(db, err, &stmt, "PRAGMA integrity_check(1)", "");
	if (code == ERR_OK)
		code = db_next(db, stmt, &row, err);
	if (code == ERR_OK && row && strcmp(db_text(stmt, 0), "ok") != 0)
		code = integrity_error(db, db_text(stmt, 0), err);
	db_reset(stmt);
	if (code != ERR_OK)
		return code;
	code = db_query(db, err, &stmt, "PRAGMA foreign_key_check", "");
	if (code == ERR_OK)
		code = db_next(db, stmt, &row, err);
	if (code == ERR_OK && row) {
		db_reset(stmt);
		code = err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED
		    " (a row refers to a row that is not there)", db->path);
	}
	return code;
}

static enum err_code
step_do(struct db *db, size_t step, struct err *err)
{
	char *sql = sqlite3_mprintf("PRAGMA application_id = %d;%sPRAGMA user_version = %d;",
	    db->kind->application_id, db->kind->migrations[step], (int)step + 1);
	int rc;

	if (sql == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory", db->path);
	rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? ERR_OK : db_error(db, rc, err);
}

/* One transaction for each step, with the version inside it: another program may be
 * about the same thing. */
static enum err_code
migrate(struct db *db, struct err *err)
{
	int64_t version = 0;
	enum err_code code;

	do {
		code = db_begin(db, true, err);
		if (code == ERR_OK)
			code = pragma_number(db, "PRAGMA user_version", &version, err);
		if (code == ERR_OK && version < (int64_t)db->kind->n_migrations)
			code = step_do(db, (size_t)version, err);
		if (code == ERR_OK)
			code = db_commit(db, err);
		db_rollback(db);
	} while (code == ERR_OK && version + 1 < (int64_t)db->kind->n_migrations);
	return code;
}

/* A program that was killed in a commit leaves a journal, with which the next one that may
 * write takes the rest back. Whoever only reads must be that one, or would wait for
 * lbclusterd to do it. */
static bool
rolled_back(struct db *db, int wait_ms)
{
	sqlite3 *writer = NULL;
	int rc;

	if (sqlite3_extended_errcode(db->handle) != SQLITE_READONLY_ROLLBACK)
		return false;
	rc = sqlite3_open_v2(db->path, &writer, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(writer, wait_ms);
		rc = sqlite3_exec(writer, "PRAGMA application_id", NULL, NULL, NULL);
	}
	sqlite3_close(writer);
	return rc == SQLITE_OK;
}

static enum err_code
identity_check(struct db *db, bool writable, int64_t *ret_version, struct err *err)
{
	int64_t id, version, newest = (int64_t)db->kind->n_migrations;
	enum err_code code;

	code = pragma_number(db, "PRAGMA application_id", &id, err);
	if (code == ERR_OK)
		code = pragma_number(db, "PRAGMA user_version", &version, err);
	if (code != ERR_OK)
		return code;
	if (id != db->kind->application_id)
		return err_set(err, ERR_FOREIGN, "%s: not a file of lbcluster "
		    "(application_id %lld); move it away", db->path, (long long)id);
	if (version < 0)
		return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (version %lld)", db->path,
		    (long long)version);
	if (version > newest)
		return err_set(err, ERR_NEWER, "%s: made by a newer lbcluster (version "
		    "%lld, this one knows %lld); use that one", db->path,
		    (long long)version, (long long)newest);
	if (version < newest && !writable)
		return err_set(err, ERR_INVALID, "%s: of an older lbcluster (version "
		    "%lld); start lbclusterd once to bring it up to date", db->path,
		    (long long)version);
	*ret_version = version;
	return ERR_OK;
}

static enum err_code
needs_check(struct db *db, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->handle, db->kind->needs, -1, &stmt, NULL);

	sqlite3_finalize(stmt);
	return rc == SQLITE_OK ? ERR_OK : db_error(db, rc, err);
}

/* Settings of a connection; none of them touches the file but the last ones. */
static enum err_code
connection_set_up(struct db *db, int wait_ms, struct err *err)
{
	static const char *const pragmas[] = {
		"PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF",
		"PRAGMA cell_size_check = ON", "PRAGMA mmap_size = 0",
		"PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -512", NULL,
	};

	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	db_wait_set(db, wait_ms);
	return pragmas_set(db, pragmas, err);
}

/* A database without content opens without complaint: that is no store. */
static enum err_code
file_look(struct db *db, struct err *err)
{
	struct stat st;

	if (lstat(db->path, &st) == -1)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s",
		    db->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_FOREIGN, "%s: not a regular file; move it away",
		    db->path);
	if (st.st_size == 0)
		return err_set(err, ERR_FOREIGN,
		    "%s: an empty file, not a store; move it away", db->path);
	db->dev = st.st_dev;
	db->ino = st.st_ino;
	return ERR_OK;
}

/* What SQLite keeps beside the file: of one that is a link, or somebody else's, it says
 * no more than "unable to open database file". */
static enum err_code
parts_look(const struct db *db, bool writable, struct err *err)
{
	static const char *const tails[] = { "-journal", "-wal", "-shm" };
	enum err_code code = ERR_OK;
	struct stat st;

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]) && code == ERR_OK; i++) {
		char *part = sqlite3_mprintf("%s%s", db->path, tails[i]);

		if (part == NULL)
			return err_set(err, ERR_NOMEM, "%s: out of memory", db->path);
		if (lstat(part, &st) == 0 && !S_ISREG(st.st_mode))
			code = err_set(err, ERR_FOREIGN, "%s: not a regular file; move it away",
			    part);
		else if (writable && access(part, R_OK | W_OK) == -1 && errno == EACCES)
			code = err_set(err, ERR_READONLY, "%s: may not be written: %s; whose file "
			    "is it?", part, strerror(errno));
		sqlite3_free(part);
	}
	return code;
}

enum err_code
db_open(struct db *db, bool writable, int wait_ms, struct err *err)
{
	int flags = writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	enum err_code code;
	int64_t version = 0;
	int rc;

	code = file_look(db, err);
	if (code != ERR_OK)
		return code;
	/* SQLite's own word for it would be "unable to open database file". */
	if (access(db->path, R_OK) == -1)
		return err_set(err, ERR_READONLY, "%s: may not be read: %s; whose file is it?",
		    db->path, strerror(errno));
	code = parts_look(db, writable, err);
	if (code != ERR_OK)
		return code;
	rc = sqlite3_open_v2(db->path, &db->handle, flags | SQLITE_OPEN_NOMUTEX,
	    db_vfs());
	if (rc != SQLITE_OK)
		code = db_error(db, rc, err);
	if (code == ERR_OK)
		code = connection_set_up(db, wait_ms, err);
	if (code == ERR_OK)
		code = identity_check(db, writable, &version, err);
	if (code == ERR_READONLY && rolled_back(db, wait_ms))
		code = identity_check(db, writable, &version, err);
	if (code == ERR_OK)
		code = db->verify ? integrity_check(db, err) : ERR_OK;
	if (code == ERR_OK && writable)
		code = pragmas_set(db, db->kind->pragmas, err);
	if (code == ERR_OK && version < (int64_t)db->kind->n_migrations)
		code = migrate(db, err);
	if (code == ERR_OK)
		code = needs_check(db, err);
	if (code == ERR_OK && writable && sqlite3_db_readonly(db->handle, "main") == 1)
		code = err_set(err, ERR_READONLY, "%s: may not be written; check the owner "
		    "and the file system", db->path);
	/* What nobody could ask for in vain of a file that is as we made it. */
	if (code == ERR_IO && sqlite3_errcode(db->handle) == SQLITE_ERROR)
		code = err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (%s)", db->path,
		    sqlite3_errmsg(db->handle));
	if (code != ERR_OK)
		db_close(db);
	return code;
}

void
db_close(struct db *db)
{
	for (size_t i = 0; i < db->n_statements; i++)
		sqlite3_finalize(db->statements[i].stmt);
	db->n_statements = 0;
	sqlite3_close(db->handle);
	db->handle = NULL;
	db->data_version = 0;
}

bool
db_is_in_place(const struct db *db)
{
	struct stat st;

	return lstat(db->path, &st) == 0 && st.st_dev == db->dev && st.st_ino == db->ino;
}

bool
db_is_same_file(const struct db *db)
{
	return db->handle != NULL && db_is_in_place(db);
}

enum err_code
db_name_sync(const char *path, struct err *err)
{
	char *copy = strdup(path);
	enum err_code code = ERR_OK;
	const char *dir;
	int fd;

	if (copy == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	dir = dirname(copy);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fsync(fd) == -1)
		code = err_set(err, err_of_errno(errno), "%s: fsync of %s: %s", path, dir,
		    strerror(errno));
	if (fd != -1)
		close(fd);
	free(copy);
	return code;
}

/* SQLite would play what a lost file left behind into a new one of the same name. */
static enum err_code
leftovers_look(const char *path, struct err *err)
{
	static const char *const tails[] = { "-journal", "-wal" };
	enum err_code code = ERR_OK;
	struct stat st;

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]) && code == ERR_OK; i++) {
		char *left = sqlite3_mprintf("%s%s", path, tails[i]);

		if (left == NULL)
			return err_set(err, ERR_NOMEM, "%s: out of memory", path);
		/* In this order: it is nobody's if the file is not there after all. */
		if (lstat(left, &st) == 0 && st.st_size > 0 && lstat(path, &st) == -1)
			code = err_set(err, ERR_FOREIGN, "%s: belongs to a file that is lost; put "
			    "both back or move it away", left);
		sqlite3_free(left);
	}
	return code;
}

enum err_code
db_create(const struct db_kind *kind, const char *path, struct err *err)
{
	struct db db = { .kind = kind };
	enum err_code code;
	unsigned unique;
	int fd, rc;

	code = leftovers_look(path, err);
	if (code != ERR_OK)
		return code;
	/* Not the process's number alone: that comes again, after a crash as well. */
	sqlite3_randomness(sizeof(unique), &unique);
	db.path = sqlite3_mprintf("%s.new-%d-%08x", path, (int)getpid(), unique);
	if (db.path == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	/* By hand and exclusively: SQLite would follow a link. */
	code = file_make(db.path, &fd, err);
	if (code == ERR_OK) {
		close(fd);
		rc = sqlite3_open_v2(db.path, &db.handle, SQLITE_OPEN_READWRITE, NULL);
		code = rc == SQLITE_OK ? ERR_OK : db_error(&db, rc, err);
		/* Nobody has it before it is whole: there is nothing to go back to, and no
		 * journal that a failing disk could leave behind. */
		if (code == ERR_OK)
			code = db_run(&db, err, "PRAGMA journal_mode = MEMORY", "");
		if (code == ERR_OK)
			code = migrate(&db, err);
		db_close(&db);
		/* link(2), not rename(2): whoever was first keeps his. */
		if (code == ERR_OK && link(db.path, path) == -1 && errno != EEXIST)
			code = err_set(err, err_of_errno(errno), "%s: %s", path,
			    strerror(errno));
		unlink(db.path);
	}
	if (code == ERR_OK)
		code = db_name_sync(path, err);
	sqlite3_free(db.path);
	return code;
}
