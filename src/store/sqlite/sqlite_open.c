/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Creates, opens, checks, migrates and closes one SQLite file.
 */
#include "store/sqlite/sqlite_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/memory.h"

/* -- steps of an open ------------------------------------------------------------- */

struct opening {
	struct db	*db;
	bool		 writable;
	int		 wait_ms;
};

/* Checks that the name refers to a regular file with content. SQLite would open an empty file
 * as an empty database, and says only "unable to open" of a file that it may not read. */
static enum err_code
name_check(struct opening *opening, struct err *err)
{
	struct db *db = opening->db;
	struct stat st;

	if (lstat(db->path, &st) == -1)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s",
		    db->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_FOREIGN, "%s: not a regular file; move it away",
		    db->path);
	if (st.st_size == 0)
		return err_set(err, ERR_FOREIGN, "%s: an empty file, not a store; move it away",
		    db->path);
	if (access(db->path, R_OK) == -1)
		return err_set(err, ERR_READONLY, "%s: cannot be read: %s; check its owner and "
		    "mode", db->path, strerror(errno));
	db->state->file = (struct sqlite_file){ st.st_dev, st.st_ino };
	return ERR_OK;
}

/* Checks the files that SQLite keeps beside the database. SQLite says only "unable to open
 * database file" if one is a link or may not be written. */
static enum err_code
companions_check(struct opening *opening, struct err *err)
{
	enum err_code code = sqlite_special_files_check(opening->db, err);
	char path[DB_PATH_SIZE];

	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < DB_TAILS; i++) {
		snprintf(path, sizeof(path), "%s%s", opening->db->path, sqlite_tails[i]);
		if (opening->writable && access(path, R_OK | W_OK) == -1 && errno == EACCES)
			return err_set(err, ERR_READONLY, "%s: cannot be written: %s; check its "
			    "owner and mode", path, strerror(errno));
	}
	return ERR_OK;
}

static enum err_code
pragmas_set(struct db *db, const char *const *pragmas, struct err *err)
{
	enum err_code code = ERR_OK;

	for (; *pragmas != NULL && code == ERR_OK; pragmas++)
		code = sqlite_exec(db, *pragmas, err);
	return code;
}

/* Rolls back the journal of a program that was killed in a commit, on another connection: a
 * read-only one cannot, and would wait for lbclusterd to do it. False if that was not the error, or
 * if the rollback failed. */
static bool
journal_roll_back(struct opening *opening)
{
	sqlite3 *writer = NULL;
	int rc;

	if (sqlite3_extended_errcode(opening->db->state->handle) != SQLITE_READONLY_ROLLBACK)
		return false;
	rc = sqlite3_open_v2(opening->db->path, &writer,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, sqlite_vfs());
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(writer, opening->wait_ms);
		rc = sqlite3_exec(writer, "PRAGMA application_id", NULL, NULL, NULL);
	}
	sqlite3_close(writer);
	return rc == SQLITE_OK;
}

/* Opens a connection and sets its pragmas. SQLite reads the schema for them, so here it finds the
 * journal of a program that was killed. */
static enum err_code
connect_file(struct opening *opening, struct err *err)
{
	static const char *const pragmas[] = {
		"PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF",
		"PRAGMA cell_size_check = ON", "PRAGMA mmap_size = 0",
		"PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -512", NULL,
	};
	struct db *db = opening->db;
	int flags = opening->writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int rc = sqlite3_open_v2(db->path, &db->state->handle, flags | SQLITE_OPEN_NOMUTEX,
	    sqlite_vfs());
	enum err_code code;

	if (rc != SQLITE_OK)
		return sqlite_error(db, rc, err);
	sqlite3_extended_result_codes(db->state->handle, 1);
	sqlite3_db_config(db->state->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	db_wait_set(db, opening->wait_ms);
	code = pragmas_set(db, pragmas, err);
	if (code == ERR_READONLY && journal_roll_back(opening))
		code = pragmas_set(db, pragmas, err);
	return code;
}

static enum err_code
identity_check(struct opening *opening, struct err *err)
{
	struct db *db = opening->db;
	int64_t id = 0, version = 0, newest = (int64_t)db->state->kind->n_migrations;
	enum err_code code;

	if ((code = db_number(db, SQL_APPLICATION_ID, DB_NO_VALUES, &id, err)) != ERR_OK ||
	    (code = db_number(db, SQL_USER_VERSION, DB_NO_VALUES, &version, err)) != ERR_OK)
		return code;
	if (id != db->state->kind->application_id)
		return err_set(err, ERR_FOREIGN, "%s: not a file of lbcluster "
		    "(application_id %lld); move it away", db->path, (long long)id);
	if (version < 0)
		return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (version %lld)", db->path,
		    (long long)version);
	if (version > newest)
		return err_set(err, ERR_NEWER, "%s: made by a newer lbcluster (version %lld, this "
		    "one knows %lld); use that one", db->path, (long long)version,
		    (long long)newest);
	if (version < newest && !opening->writable)
		return err_set(err, ERR_INVALID, "%s: of an older lbcluster (version %lld); start "
		    "lbclusterd once to migrate it", db->path, (long long)version);
	db->version_found = version;
	return ERR_OK;
}

static enum err_code
pages_check(struct opening *opening, struct err *err)
{
	switch (opening->db->state->verify) {
	case DB_VERIFY_NO: break;
	case DB_VERIFY_FILE: return sqlite_verify(opening->db, err);
	case DB_VERIFY_COPY: return sqlite_copy_verify(opening->db, err);
	}
	return ERR_OK;
}

static enum err_code
kind_pragmas_set(struct opening *opening, struct err *err)
{
	struct db *db = opening->db;

	return opening->writable ? pragmas_set(db, db->state->kind->pragmas, err) : ERR_OK;
}

static enum err_code
migration_run(struct db *db, size_t step, struct err *err)
{
	char *sql = sqlite3_mprintf("PRAGMA application_id = %d;%sPRAGMA user_version = %d;",
	    db->state->kind->application_id, db->state->kind->migrations[step], (int)step + 1);
	int rc;

	if (sql == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory", db->path);
	rc = sqlite3_exec(db->state->handle, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, err);
}

/* Runs each missing migration in a transaction. The transaction reads the version again,
 * because another program may migrate the file too. */
static enum err_code
migrations_run(struct db *db, struct err *err)
{
	int64_t version = 0, newest = (int64_t)db->state->kind->n_migrations;
	enum err_code code;

	do {
		code = db_begin(db, DB_BEGIN_WRITE, err);
		if (code == ERR_OK)
			code = db_number(db, SQL_USER_VERSION, DB_NO_VALUES, &version, err);
		if (code == ERR_OK && version < newest)
			code = migration_run(db, (size_t)version, err);
		if (code == ERR_OK)
			code = db_commit(db, err);
		db_rollback(db);
	} while (code == ERR_OK && version + 1 < newest);
	return code;
}

static enum err_code
migrate(struct opening *opening, struct err *err)
{
	struct db *db = opening->db;

	return db->version_found < (int64_t)db->state->kind->n_migrations ?
	    migrations_run(db, err) : ERR_OK;
}

/* Checks that the file has all tables and columns. */
static enum err_code
schema_check(struct opening *opening, struct err *err)
{
	const struct sqlite_kind *kind = opening->db->state->kind;
	enum err_code code = ERR_OK;
	struct db_statement *stmt;

	for (size_t i = 0; i < kind->n_needed && code == ERR_OK; i++)
		code = db_query(opening->db, kind->needed[i], DB_NO_VALUES, &stmt, err);
	return code;
}

/* SQLite opens a file that may not be written as read-only, without an error. */
static enum err_code
writable_check(struct opening *opening, struct err *err)
{
	if (opening->writable && sqlite3_db_readonly(opening->db->state->handle, "main") == 1)
		return err_set(err, ERR_READONLY, "%s: cannot be written; check the owner and the "
		    "file system", opening->db->path);
	return ERR_OK;
}

/* Notes the -wal and -shm that are open. They stay until the last connection is closed; a journal
 * may be deleted earlier. SQLite opens those of a new file at the first read in mode WAL. */
static enum err_code
tails_note(struct opening *opening, struct err *err)
{
	struct db *db = opening->db;
	int64_t version;
	enum err_code code;

	if ((code = db_number(db, SQL_USER_VERSION, DB_NO_VALUES, &version, err)) != ERR_OK)
		return code;
	memcpy(db->state->beside, sqlite_tails_opened, sizeof(db->state->beside));
	db->state->beside[DB_TAIL_JOURNAL].ino = 0;
	return ERR_OK;
}

enum err_code
sqlite_open(struct db *db, bool writable, int wait_ms, struct err *err)
{
	static enum err_code (*const steps[])(struct opening *, struct err *) = {
		name_check, companions_check, connect_file, identity_check, pages_check,
		kind_pragmas_set, migrate, schema_check, writable_check, tails_note,
	};
	struct opening opening = { .db = db, .writable = writable, .wait_ms = wait_ms };
	enum err_code code = ERR_OK;

	memset(sqlite_tails_opened, 0, sizeof(sqlite_tails_opened));
	for (size_t i = 0; i < ROWS(steps) && code == ERR_OK; i++)
		code = steps[i](&opening, err);
	/* SQLITE_ERROR means that SQLite cannot parse the schema or a statement. */
	if (code == ERR_IO && db_is_open(db) && sqlite3_errcode(db->state->handle) == SQLITE_ERROR)
		code = err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (%s)", db->path,
		    sqlite3_errmsg(db->state->handle));
	if (code != ERR_OK)
		db_close(db);
	return code;
}

/* -- checks of an open file -------------------------------------------------------- */

/* The message of integrity_check names a page that SQLite could not read. Then the disk or the
 * memory fails, and the file may be good. */
static enum err_code
integrity_error(struct db *db, const char *message, struct err *err)
{
	static const char mark[] = "error code=";
	const char *code = strstr(message, mark);
	int rc = code == NULL ? SQLITE_CORRUPT :
	    (int)strtol(code + sizeof(mark) - 1, NULL, 10);

	return (rc & 0xff) != SQLITE_CORRUPT ? sqlite_error(db, rc, err) :
	    err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (%s)", db->path, message);
}

/* integrity_check also finds an index that lacks a row; quick_check does not (tried). Readers
 * find rows without a parent: left_out.c. */
enum err_code
sqlite_verify(struct db *db, struct err *err)
{
	struct db_statement *stmt = NULL;
	enum err_code code;
	bool row;

	code = db_first(db, SQL_INTEGRITY_CHECK, DB_NO_VALUES, &stmt, &row, err);
	if (code == ERR_OK && row && strcmp(db_text(stmt, 0), "ok") != 0)
		code = integrity_error(db, db_text(stmt, 0), err);
	db_reset(stmt);
	return code;
}

enum err_code
sqlite_copy_verify(struct db *db, struct err *err)
{
	enum err_code code;
	struct db copy;

	if ((code = sqlite_copy_make(db, &copy, err)) != ERR_OK)
		return code;
	code = sqlite_verify(&copy, err);
	db_free(&copy);
	return code;
}

static bool
is_named(const struct db *db, const char *tail, const struct sqlite_file *file)
{
	char path[DB_PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", db->path, tail);
	return lstat(path, &st) == 0 && st.st_dev == file->dev && st.st_ino == file->ino;
}

bool
sqlite_is_in_place(const struct db *db)
{
	return is_named(db, "", &db->state->file);
}

enum sqlite_place
sqlite_place(const struct db *db)
{
	size_t files = 1, named = sqlite_is_in_place(db) ? 1 : 0;

	for (size_t i = 0; i < DB_TAILS; i++) {
		if (db->state->beside[i].ino == 0)
			continue;
		files++;
		named += is_named(db, sqlite_tails[i], &db->state->beside[i]) ? 1 : 0;
	}
	return named == files ? DB_IN_PLACE : named > 0 ? DB_PARTLY : DB_REPLACED;
}

void
sqlite_abandon(struct db *db)
{
	if (db_is_open(db))
		sqlite3_db_config(db->state->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db_close(db);
}

/* -- a new file -------------------------------------------------------------------- */

enum err_code
sqlite_directory_sync(const char *path, struct err *err)
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

/* Refuses to create a file beside the journal of a lost one, which SQLite would apply to the
 * new file. If the database appears between the two lstat(2), the journal belongs to it. */
static enum err_code
leftovers_check(const char *path, struct err *err)
{
	static const char *const tails[] = { "-journal", "-wal" };
	char left[DB_PATH_SIZE];
	struct stat st;

	for (size_t i = 0; i < ROWS(tails); i++) {
		snprintf(left, sizeof(left), "%s%s", path, tails[i]);
		if (lstat(left, &st) == 0 && st.st_size > 0 && lstat(path, &st) == -1)
			return err_set(err, ERR_FOREIGN, "%s: belongs to a lost database; put "
			    "both back or move it away", left);
	}
	return ERR_OK;
}

/* Fills an empty file. It needs no journal, because no other program has it before it is
 * whole. */
static enum err_code
file_fill(struct db *db, struct err *err)
{
	int rc = sqlite3_open_v2(db->path, &db->state->handle, SQLITE_OPEN_READWRITE,
	    sqlite_vfs());
	enum err_code code = rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, err);

	if (code == ERR_OK)
		code = sqlite_exec(db, "PRAGMA journal_mode = MEMORY", err);
	if (code == ERR_OK)
		code = migrations_run(db, err);
	db_close(db);
	return code;
}

enum err_code
sqlite_create(const struct sqlite_kind *kind, const char *path, struct err *err)
{
	struct db_state state = { .kind = kind };
	char name[DB_PATH_SIZE];
	struct db db = { .engine = &sqlite_db_engine, .path = name, .state = &state };
	enum err_code code;
	unsigned unique;
	int fd;

	if ((code = leftovers_check(path, err)) != ERR_OK)
		return code;
	/* The pid alone is not unique, because pids are used again after a crash. */
	sqlite3_randomness(sizeof(unique), &unique);
	snprintf(name, sizeof(name), "%s.new-%d-%08x", path, (int)getpid(), unique);
	/* file_make() does not follow a link; SQLite would. */
	if ((code = file_make(name, &fd, err)) != ERR_OK)
		return code;
	close(fd);
	code = file_fill(&db, err);
	/* Unlike rename(2), link(2) keeps a file that another program created first. */
	if (code == ERR_OK && link(name, path) == -1 && errno != EEXIST)
		code = err_set(err, err_of_errno(errno), "%s: %s", path, strerror(errno));
	unlink(name);
	return code == ERR_OK ? sqlite_directory_sync(path, err) : code;
}
