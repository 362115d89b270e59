/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the files of src/store/sqlite share: one SQLite file, and the two files of a store. Only
 * they and tests include this.
 */
#ifndef STORE_SQLITE_SQLITE_PRIVATE_H
#define STORE_SQLITE_SQLITE_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store_private.h"

enum { DB_TAIL_JOURNAL, DB_TAIL_WAL, DB_TAIL_SHM, DB_TAILS };

/* Ends of the names of the files that SQLite keeps beside a database. */
extern const char *const sqlite_tails[DB_TAILS];

/* The kind of a file: lbcluster.db or lbcluster-stats.db. */
struct sqlite_kind {
	const char		*file;		/* name in the store's directory */
	int			 application_id;
	const char *const	*migrations;	/* append-only: [n-1] migrates to user_version n */
	size_t			 n_migrations;
	const char		*const *pragmas;	/* at every open, NULL at the end */
	const unsigned int	*needed;	/* statements over all tables and columns */
	size_t			 n_needed;
};

extern const struct db_engine sqlite_db_engine;

extern const struct sqlite_kind sqlite_main_kind;
extern const struct sqlite_kind sqlite_stats_kind;

/* Whether sqlite_open() checks all pages. Commits of other programs wait while it checks the
 * file. */
enum sqlite_verify { DB_VERIFY_NO, DB_VERIFY_FILE, DB_VERIFY_COPY };

/* Identifies a file; inode 0: none. */
struct sqlite_file {
	dev_t	dev;
	ino_t	ino;
};

/* Statements that are not in enum sql. */
enum sqlite_sql {
	SQL_BEGIN = SQL_STATEMENTS,
	SQL_BEGIN_IMMEDIATE, SQL_COMMIT, SQL_ROLLBACK, SQL_APPLICATION_ID, SQL_USER_VERSION,
	SQL_DATA_VERSION, SQL_INTEGRITY_CHECK, SQL_CHANGE_ADD,

	/* a draft: see draft.c */
	SQL_DRAFT_OTHERS, SQL_DRAFT_REALS, SQL_DRAFT_REAL_SAME, SQL_DRAFT_JOBS,
	SQL_DRAFT_JOB_SAME, SQL_DRAFT_ADD, SQL_DRAFT_NUMBERS, SQL_DRAFT_SERVER,
	SQL_SERVER_INSERT, SQL_SERVER_DELETE,
	SQL_REAL_NUMBERED,	/* INSERT of a real service; ?10 is its server_id, ?11 "changed" */

	SQLITE_STATEMENTS
};

/* sql_build() for both tables of statements. */
void sqlite_sql_build(unsigned int statement, char ret[SQL_TEXT_SIZE]);

struct db_state {
	const struct sqlite_kind	*kind;
	enum sqlite_verify		 verify;	/* at sqlite_open() */
	sqlite3				*handle;	/* NULL while closed */
	bool				 rules_off;	/* sqlite_rules_set() */
	struct sqlite_file		 file;		/* that is open, or was open last */
	struct sqlite_file		 beside[DB_TAILS];	/* the same of -wal and -shm */
	int64_t				 busy_since_ms;
	struct sqlite_statement		*statements[SQLITE_STATEMENTS];	/* NULL: not prepared */
};

/* -- one file ----------------------------------------------------------------------- */

/* Opens an existing file and checks it. Runs migrations if 'writable'. */
enum err_code sqlite_open(struct db *db, bool writable, int wait_ms, struct err *err);
/* Checks all pages and indexes of an open file. ERR_CORRUPT names the first error. */
enum err_code sqlite_verify(struct db *db, struct err *err);
/* Does the same with a copy, so that commits of other programs wait for the copying only. */
enum err_code sqlite_copy_verify(struct db *db, struct err *err);
/* Copies the file to memory. db_free() frees *ret, whose path is that of 'db'. */
enum err_code sqlite_copy_make(struct db *db, struct db *ret, struct err *err);
/* Creates an empty database under another name and links it to 'path' when it is complete.
 * So two programs may do this at once, and a crash leaves no incomplete file at 'path'.
 * ERR_OK also if another program created the file. */
enum err_code sqlite_create(const struct sqlite_kind *kind, const char *path, struct err *err);
/* Syncs the directory that 'path' is in, so that the name survives a power cut. ERR_READONLY:
 * this user may not read the directory. */
enum err_code sqlite_directory_sync(const char *path, struct err *err);
/* Closes a database without the checkpoint of the last connection. SQLite deletes -wal and -shm
 * after it, which may be those of a new database that another program puts there. */
void sqlite_abandon(struct db *db);

/* Returns the name of the VFS for connections: SQLite's default VFS, but with a short wait for the
 * read marks of a WAL, and without special files. NULL, SQLite's default, if out of memory. */
const char *sqlite_vfs(void);

/* The files that SQLite opened last with that VFS, by the end of the name. The names may refer to
 * other files or to none, because another program may have removed or replaced a file since. */
extern struct sqlite_file sqlite_tails_opened[DB_TAILS];

/* Lets this process survive the truncation of a -shm file of statistics that 'vfs' maps. */
bool sqlite_shm_guard(sqlite3_vfs *vfs);
/* True once if such a file was truncated while this process used it. What was read or written
 * since the last call is lost; close the database. */
bool sqlite_shm_was_lost(void);

/* ERR_FOREIGN names a file that SQLite keeps beside the database and that is not a regular file. */
enum err_code sqlite_special_files_check(const struct db *db, struct err *err);

/* True while the path refers to the file that is open, or was open last. */
bool sqlite_is_in_place(const struct db *db);
/* The same for the file and its -wal and -shm. DB_PARTLY: some names refer to other files or to
 * none. Programs with different files do not see each other's locks and commits. */
enum sqlite_place { DB_IN_PLACE, DB_PARTLY, DB_REPLACED };
enum sqlite_place sqlite_place(const struct db *db);

/* Maps result code 'rc' of SQLite to an error that names the file. */
enum err_code sqlite_error(struct db *db, int rc, struct err *err);
/* Runs SQL that is not in the table of statements and has no parameters. */
enum err_code sqlite_exec(struct db *db, const char *sql, struct err *err);
/* Steps a statement that is not in the table of statements, as db_next() does. */
enum err_code sqlite_step(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err);

/* Turns triggers, foreign keys and CHECKs off, or on again, for this connection. */
void sqlite_rules_set(struct db *db, bool on);
/* Functions of sqlite_db_engine. */
void sqlite_wait_set(struct db *db, int wait_ms);
void sqlite_hidden_repair(const struct db *db);

/* -- the two files of a store --------------------------------------------------------- */

/* Opens lbcluster.db. Takes the lock of 'program' first if its file exists, so that a newer
 * version, started by mistake, does not migrate a file in use. ERR_PRECOND: another process
 * holds the lock. Other errors are those of sqlite_open(). */
enum err_code sqlite_main_open(struct store *store, struct err *err);
/* Takes the lock for the file that sqlite_main_open() opened, and lets calls use the file. The
 * lock file is created here, so only in a good store. Closes the file on an error. */
enum err_code sqlite_main_claim(struct store *store, struct err *err);

/* True while the name of the lock file refers to the file whose lock is held, and if the store
 * needs no lock. */
bool sqlite_lock_is_in_place(const struct store *store);
/* Takes the lock unless it is in place. If its file does not exist: creates it with 'make',
 * otherwise ERR_OK without a lock. ERR_PRECOND: another process holds the lock. */
enum err_code sqlite_lock_take(struct store *store, bool make, struct err *err);
void sqlite_lock_release(struct store *store);

/* Functions of sqlite_store_engine. */
enum err_code sqlite_main_step(struct store *store, bool writes, struct err *err);
enum err_code sqlite_identity_check(struct store *store, struct err *err);
enum err_code sqlite_stats_open(struct store *store, int wait_ms, struct err *err);
void sqlite_stats_step(struct store *store);
void sqlite_stats_note(struct store *store, enum err_code code);
void sqlite_read_show(struct store *store, int64_t main, int64_t stats);
enum err_code sqlite_reader_wait(struct store *store, const char *program, int wait_ms,
    struct err *err);
enum err_code sqlite_change(struct store *store, enum err_code (*prepare)(void *arg),
    enum err_code (*settle)(void *arg), void *arg, struct err *err);
enum err_code sqlite_draft_real_insert(struct store *store, const struct real_row *row,
    int64_t *ret_id, struct err *err);

/* sqlite_load.c: functions of struct store_engine */
enum err_code sqlite_load_begin(struct store *store, struct err *err);
enum err_code sqlite_load_rows(struct store *store, struct copy_rows *rows, struct err *err);
enum err_code sqlite_load_end(struct store *store, const struct copy_totals *totals,
    struct err *err);
enum err_code sqlite_describe(struct store *store, struct store_description *ret,
    struct err *err);

#endif
