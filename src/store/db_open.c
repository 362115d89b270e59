/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * One SQLite file: made, opened, checked, brought up to date, closed; see db.h.
 */
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

static enum err_code
pragmas_set(struct db *db, const char *const *pragmas, struct err *err)
{
	enum err_code code = ERR_OK;

	for (; *pragmas != NULL && code == ERR_OK; pragmas++)
		code = db_exec(db, *pragmas, err);
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

/* Checks the whole file. quick_check does not see an index that lost a row (measured). A
 * row without its parent is left to the readers, which leave it out: left_out.c. */
enum err_code
db_verify(struct db *db, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	bool row;

	code = db_first(db, SQL_INTEGRITY_CHECK, DB_NO_VALUES, &stmt, &row, err);
	if (code == ERR_OK && row && strcmp(db_text(stmt, 0), "ok") != 0)
		code = integrity_error(db, db_text(stmt, 0), err);
	db_reset(stmt);
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
			code = db_number(db, SQL_USER_VERSION, DB_NO_VALUES, &version, err);
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
	int64_t id = 0, version = 0, newest = (int64_t)db->kind->n_migrations;
	enum err_code code;

	code = db_number(db, SQL_APPLICATION_ID, DB_NO_VALUES, &id, err);
	if (code == ERR_OK)
		code = db_number(db, SQL_USER_VERSION, DB_NO_VALUES, &version, err);
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

/* A file may be whole, have the right number, and lack what a statement asks for. */
static enum err_code
needed_check(struct db *db, struct err *err)
{
	enum err_code code = ERR_OK;
	sqlite3_stmt *stmt;

	for (size_t i = 0; i < db->kind->n_needed && code == ERR_OK; i++)
		code = db_query(db, db->kind->needed[i], DB_NO_VALUES, &stmt, err);
	return code;
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
			code = err_set(err, ERR_READONLY, "%s: cannot be written: %s; check "
			    "its owner and mode", part, strerror(errno));
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
	/* SQLite would only report "unable to open database file". */
	if (access(db->path, R_OK) == -1)
		return err_set(err, ERR_READONLY, "%s: cannot be read: %s; check its owner and "
		    "mode",
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
		code = db->verify ? db_verify(db, err) : ERR_OK;
	if (code == ERR_OK && writable)
		code = pragmas_set(db, db->kind->pragmas, err);
	if (code == ERR_OK && version < (int64_t)db->kind->n_migrations)
		code = migrate(db, err);
	if (code == ERR_OK)
		code = needed_check(db, err);
	if (code == ERR_OK && writable && sqlite3_db_readonly(db->handle, "main") == 1)
		code = err_set(err, ERR_READONLY, "%s: cannot be written; check the owner "
		    "and the file system", db->path);
	/* SQLITE_ERROR here means that the schema is not ours: report a damaged file. */
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
	for (size_t i = 0; i < SQL_STATEMENTS; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
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
db_directory_sync(const char *path, struct err *err)
{
	int fd = file_directory_open(path);
	enum err_code code = ERR_OK;

	if (fd == -1 && errno == ENOMEM)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	if (fd == -1 || fsync(fd) == -1)
		code = err_set(err, err_of_errno(errno), "%s: its directory cannot be synced: %s",
		    path, strerror(errno));
	if (fd != -1)
		close(fd);
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
			code = db_exec(&db, "PRAGMA journal_mode = MEMORY", err);
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
		code = db_directory_sync(path, err);
	sqlite3_free(db.path);
	return code;
}
