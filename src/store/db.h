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

enum { DB_PATH_SIZE = 4096 };
enum { DB_TAIL_JOURNAL, DB_TAIL_WAL, DB_TAIL_SHM, DB_TAILS };

/* Ends of the names of the files that SQLite keeps beside a database. */
extern const char *const db_tails[DB_TAILS];

#define DB_DAMAGED "damaged: put a backup in its place"

/* The kind of a file: lbcluster.db or lbcluster-stats.db. */
struct db_kind {
	const char		*file;		/* name in the store's directory */
	int			 application_id;
	const char *const	*migrations;	/* append-only: [n-1] migrates to user_version n */
	size_t			 n_migrations;
	const char		*const *pragmas;	/* at every open, NULL at the end */
	const unsigned int	*needed;	/* statements over all tables and columns */
	size_t			 n_needed;
	bool			 rules_off;	/* triggers and CHECKs; the store does their work */
};

extern const struct db_kind db_main_kind;
extern const struct db_kind db_stats_kind;

/* Whether db_open() checks all pages. Commits of other programs wait while it checks the file. */
enum db_verify { DB_VERIFY_NO, DB_VERIFY_FILE, DB_VERIFY_COPY };

/* Identifies a file; inode 0: none. */
struct db_file {
	dev_t	dev;
	ino_t	ino;
};

struct db {
	const struct db_kind	*kind;
	char			*path;
	enum db_verify		 verify;	/* at db_open() */
	sqlite3			*handle;	/* NULL while closed */
	struct db_file		 file;		/* that is open */
	struct db_file		 beside[DB_TAILS];	/* the same of -wal and -shm */
	int64_t			 data_version;	/* at the last read */
	int			 wait_ms;	/* for a lock */
	int64_t			 busy_since_ms;
	struct sqlite_statement	*statements[SQL_STATEMENTS];	/* NULL: not prepared yet */
};

/* A parameter of a statement, or a column of a row. */
struct db_value {
	enum {
		DB_NULL, DB_INTEGER, DB_TEXT,
		DB_OTHER,		/* only in a damaged row: no column has another type */
	} type;
	int64_t		 number;	/* 0 unless an integer; of a text in a row, its bytes */
	const char	*text;		/* "" unless a text. The engine copies a parameter. */
};

/* A statement that was prepared, and its current row, which is valid until the next step. */
struct db_statement {
	const char		*path;		/* of the database */
	size_t			 n;		/* columns */
	const struct db_value	*values;
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

/* Opens an existing file and checks it. Runs migrations if 'writable'. */
enum err_code db_open(struct db *db, bool writable, int wait_ms, struct err *err);
/* Checks all pages and indexes of an open file. ERR_CORRUPT names the first error. */
enum err_code db_verify(struct db *db, struct err *err);
/* Does the same with a copy, so that commits of other programs wait for the copying only. */
enum err_code db_copy_verify(struct db *db, struct err *err);
/* Copies the file to memory. The caller closes *ret. */
enum err_code db_copy_make(struct db *db, sqlite3 **ret, struct err *err);
/* Creates an empty database under another name and links it to 'path' when it is complete.
 * So two programs may do this at once, and a crash leaves no incomplete file at 'path'.
 * ERR_OK also if another program created the file. */
enum err_code db_create(const struct db_kind *kind, const char *path, struct err *err);
/* Syncs the directory that 'path' is in, so that the name survives a power cut. ERR_READONLY:
 * this user may not read the directory. */
enum err_code db_directory_sync(const char *path, struct err *err);
void db_close(struct db *db);
/* Closes a database without the checkpoint of the last connection. SQLite deletes -wal and -shm
 * after it, which may be those of a new database that another program puts there. */
void db_abandon(struct db *db);

/* Returns the name of the VFS for connections: SQLite's default VFS, but with a short wait for the
 * read marks of a WAL, and without special files. NULL, SQLite's default, if out of memory. */
const char *db_vfs(void);

/* The files that SQLite opened last with that VFS, by the end of the name. Another program may have
 * removed or replaced a file since, so the name does not tell. */
extern struct db_file db_tails_opened[DB_TAILS];

/* Lets this process survive the truncation of a -shm file of statistics that 'vfs' maps. */
bool db_shm_guard(sqlite3_vfs *vfs);
/* True once if such a file was truncated while this process used it. What was read or written
 * since the last call is lost; close the database. */
bool db_shm_was_lost(void);
/* Lets SQLite build the index of the WAL again, in each process that uses it. Does no harm. */
void db_shm_rebuild(void);

/* ERR_FOREIGN names a file that SQLite keeps beside the database and that is not a regular file. */
enum err_code db_special_files_check(const struct db *db, struct err *err);

/* True while the path refers to the file that is open, or was open last. */
bool db_is_in_place(const struct db *db);
/* The same for the file and its -wal and -shm. DB_PARTLY: some names refer to other files or to
 * none. Programs with different files do not see each other's locks and commits. */
enum db_place { DB_IN_PLACE, DB_PARTLY, DB_REPLACED };
enum db_place db_place(const struct db *db);

/* Maps result code 'rc' of SQLite to an error that names the file. */
enum err_code db_error(struct db *db, int rc, struct err *err);

/* Prepares statement 'sql' if necessary and binds 'values' to ?1, ?2 ... Ignores values without a
 * parameter. *ret_stmt belongs to 'db'. The caller steps the statement with db_next(). */
enum err_code db_query(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, struct err *err);
/* Steps to the next row. ERR_OK with *ret_row false at the end. The statement is reset at the
 * end and on an error. */
enum err_code db_next(struct db *db, struct db_statement *stmt, bool *ret_row, struct err *err);
/* The same of a statement that is not in the table of statements. */
enum err_code db_step(struct db *db, sqlite3_stmt *stmt, bool *ret_row, struct err *err);
/* db_query() and the first db_next(). */
enum err_code db_first(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, bool *ret_row, struct err *err);
/* Resets a statement that was not stepped to its end. NULL is fine. */
void db_reset(struct db_statement *stmt);
/* Runs a statement to its end and ignores its rows. */
enum err_code db_run(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct err *err);
/* How many rows the last INSERT, UPDATE or DELETE changed, without those of triggers. */
int64_t db_changed_rows(const struct db *db);
/* Runs SQL that is not in the table of statements and has no parameters. */
enum err_code db_exec(struct db *db, const char *sql, struct err *err);
/* Turns triggers, foreign keys and CHECKs off, or on again. */
void db_rules_set(struct db *db, bool on);
/* Frees a statement; NULL is fine. */
void db_statement_free(struct sqlite_statement *statement);
/* A query for one number. *ret stays as it is if there is no row. */
enum err_code db_number(struct db *db, unsigned int sql, const struct db_value *values,
    size_t n, int64_t *ret, struct err *err);

enum err_code db_begin(struct db *db, bool immediate, struct err *err);
/* ERR_DOUBT: the COMMIT failed with an I/O error. The transaction has ended in any case. */
enum err_code db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* Sets how long a statement waits for the lock of another program. The file may be closed. */
void db_wait_set(struct db *db, int wait_ms);

/* The number of a column; 0 if it is no integer. */
static inline int64_t
db_integer(const struct db_statement *stmt, size_t column)
{
	const struct db_value *value = &stmt->values[column];

	return value->type == DB_INTEGER ? value->number : 0;
}

/* Text of a column, never NULL. */
static inline const char *
db_text(const struct db_statement *stmt, size_t column)
{
	return stmt->values[column].text;
}

static inline bool
db_is_null(const struct db_statement *stmt, size_t column)
{
	return stmt->values[column].type == DB_NULL;
}

#endif
