/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * One SQLite file: connection, statements, transactions.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

enum { DB_STATEMENTS_MAX = 128 };

#define DB_DAMAGED "damaged: put a backup in its place"

/* What makes a file the one or the other. */
struct db_kind {
	const char		*file;		/* name in the store's directory */
	int			 application_id;
	const char *const	*migrations;	/* append-only: user_version n is done by [n-1] */
	size_t			 n_migrations;
	const char		*const *pragmas;	/* at every open, NULL at the end */
	const char		*needs;		/* a query over all tables and columns */
};

extern const struct db_kind db_main_kind;
extern const struct db_kind db_stats_kind;

struct db {
	const struct db_kind	*kind;
	char			*path;
	bool			 verify;	/* every page and reference, at an open */
	sqlite3			*handle;	/* NULL while closed */
	dev_t			 dev;		/* the file that is open */
	ino_t			 ino;
	int64_t			 data_version;	/* of the last look */
	int			 wait_ms;	/* for a lock */
	int64_t			 busy_since_ms;
	struct {
		const char	*sql;
		sqlite3_stmt	*stmt;
	} statements[DB_STATEMENTS_MAX];
	size_t			 n_statements;
};

/* Opens an existing file and checks it. Migrates if 'writable'. */
enum err_code db_open(struct db *db, bool writable, int wait_ms, struct err *err);
/* Checks every page, row and reference of an open file: ERR_CORRUPT, with what is wrong. */
enum err_code db_verify(struct db *db, struct err *err);
/* Makes an empty file under another name and gives it its own only when it is
 * whole: two programs may do so at once, and a crash leaves nothing behind that
 * looks like a store. ERR_OK if it is there now, whoever made it. */
enum err_code db_create(const struct db_kind *kind, const char *path, struct err *err);
/* fsync(2) of the directory that 'path' is in, so that the name is there after a power
 * cut. ERR_READONLY: that directory may not be read. */
enum err_code db_directory_sync(const char *path, struct err *err);
void db_close(struct db *db);

/* To open connections with: the system's files, without SQLite's long wait for what a WAL
 * has for its readers. NULL, which is SQLite's own, if there is no memory. */
const char *db_vfs(void);

/* True while the path names the file that is open, or, of a closed one, was open last. */
bool db_is_in_place(const struct db *db);
/* True while the path names the file that is open. */
bool db_is_same_file(const struct db *db);

/* Fills 'err' from the connection, or from 'rc' alone, with the file's name. */
enum err_code db_error(struct db *db, int rc, struct err *err);

/* Takes a statement from the cache (keyed by the address of 'sql', a literal) and
 * binds arguments by 'types': i int64_t, s const char *, n nothing (NULL). */
enum err_code db_query(struct db *db, struct err *err, sqlite3_stmt **ret_stmt,
    const char *sql, const char *types, ...);
/* ERR_OK with *ret_row false at the end; the statement is reset then, and on error. */
enum err_code db_next(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err);
/* Resets a statement that was not stepped to its end. NULL is fine. */
void db_reset(sqlite3_stmt *stmt);
/* A statement without rows, or whose rows do not matter. */
enum err_code db_run(struct db *db, struct err *err, const char *sql, const char *types, ...);
/* A query for one number; 'fallback' if there is no row. */
enum err_code db_number(struct db *db, struct err *err, int64_t fallback, int64_t *ret,
    const char *sql, const char *types, ...);

enum err_code db_begin(struct db *db, bool immediate, struct err *err);
/* ERR_DOUBT if the disk failed while committing. The transaction is over in any
 * case. */
enum err_code db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* How long a statement waits for another program's lock from now on; nothing to a file
 * that is not open, as it may be once it was looked for and not found. */
void db_wait_set(struct db *db, int wait_ms);

/* Text of a column, never NULL. */
const char *db_text(sqlite3_stmt *stmt, int column);

#endif
