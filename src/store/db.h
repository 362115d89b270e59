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

#include "store/sql.h"

#define DB_DAMAGED "damaged: put a backup in its place"

/* What makes a file the one or the other. */
struct db_kind {
	const char		*file;		/* name in the store's directory */
	int			 application_id;
	const char *const	*migrations;	/* append-only: user_version n is done by [n-1] */
	size_t			 n_migrations;
	const char		*const *pragmas;	/* at every open, NULL at the end */
	const unsigned int	*needed;	/* statements over all tables and columns */
	size_t			 n_needed;
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
	sqlite3_stmt		*statements[SQL_STATEMENTS];	/* NULL: not prepared yet */
};

/* A parameter of a statement. */
struct db_value {
	enum { DB_NULL, DB_INTEGER, DB_TEXT } type;
	int64_t		 number;
	const char	*text;		/* SQLite copies it */
};

static inline struct db_value
db_int(int64_t number)
{
	return (struct db_value){ .type = DB_INTEGER, .number = number };
}

static inline struct db_value
db_str(const char *text)
{
	return (struct db_value){ .type = DB_TEXT, .text = text };
}

/* The parameters ?1, ?2 ... of a statement. */
#define DB_VALUES(...)                                                         \
	(const struct db_value[]){ __VA_ARGS__ },                              \
	sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)
#define DB_NO_VALUES NULL, 0

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

/* Prepares a statement if necessary and binds its parameters; values beyond them are ignored.
 * The caller steps the statement with db_next(). */
enum err_code db_query(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    sqlite3_stmt **ret_stmt, struct err *err);
/* Steps to the next row. ERR_OK with *ret_row false at the end. The statement is reset at the
 * end and on an error. */
enum err_code db_next(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err);
/* db_query() and the first db_next(). */
enum err_code db_first(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    sqlite3_stmt **ret_stmt, bool *ret_row, struct err *err);
/* Resets a statement that was not stepped to its end. NULL is fine. */
void db_reset(sqlite3_stmt *stmt);
/* Runs a statement to its end and ignores its rows. */
enum err_code db_run(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct err *err);
/* Runs SQL that is not in the table of statements and has no parameters. */
enum err_code db_exec(struct db *db, const char *sql, struct err *err);
/* A query for one number. *ret stays as it is if there is no row. */
enum err_code db_number(struct db *db, unsigned int sql, const struct db_value *values,
    size_t n, int64_t *ret, struct err *err);

enum err_code db_begin(struct db *db, bool immediate, struct err *err);
/* ERR_DOUBT if the disk failed while committing. The transaction is over in any
 * case. */
enum err_code db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* How long a statement waits for another program's lock from now on; nothing to a file
 * that is not open, as it may be once it was looked for and not found. */
void db_wait_set(struct db *db, int wait_ms);

/* Text of a column, never NULL. */
static inline const char *
db_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	return text == NULL ? "" : (const char *)text;
}

#endif
