/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What src/store needs from an engine: statements and their values, transactions. An engine is a
 * table of functions; db.c calls them. The files of src/store/sqlite are the engine with SQLite,
 * and no other file knows SQLite.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/sql.h"

enum { DB_PATH_SIZE = 4096 };

#define DB_DAMAGED "damaged: put a backup in its place"

struct db_state;	/* what an engine keeps; it defines this struct for its own files */

/* A database: the inventory, or the statistics. */
struct db {
	const struct db_engine	*engine;
	char			*path;		/* names the database in messages */
	struct db_state		*state;
	int64_t			 version_read;	/* db_version() after the last read of all rows */
	int			 wait_ms;	/* for a lock: db_wait_set() */
	int64_t			 version_found;	/* of the schema, before open() migrated it */
};

/* A parameter of a statement, or a column of a row. 'text' of a column is never NULL. */
struct db_value {
	enum {
		DB_NULL, DB_INTEGER, DB_TEXT,
		DB_OTHER,		/* only in a damaged row: no column has another type */
	} type;
	int64_t		 number;	/* of an integer; bytes of a text in a row; otherwise 0 */
	const char	*text;		/* of DB_TEXT and DB_OTHER; the engine copies a parameter */
};

/* A prepared statement and its current row, which is valid until the next step. It is the first
 * member of the engine's own struct. */
struct db_statement {
	const struct db_engine	*engine;
	const char		*path;		/* of the database */
	size_t			 n;		/* columns */
	const struct db_value	*values;
};

enum db_begin {
	DB_BEGIN_READ,
	DB_BEGIN_WRITE,		/* waits for other writers, and keeps them out */
	DB_BEGIN_ROWS,		/* the same, for db_rows_put() and nothing else */
};

/* The functions of an engine. db_query() calls engine->query(), and so on: see below. */
struct db_engine {
	bool (*is_open)(const struct db *db);
	void (*close)(struct db *db);
	void (*free)(struct db *db);
	enum err_code (*query)(struct db *db, unsigned int sql, const struct db_value *values,
	    size_t n, struct db_statement **ret_stmt, struct err *err);
	enum err_code (*next)(struct db *db, struct db_statement *stmt, bool *ret_row,
	    struct err *err);
	void (*reset)(struct db_statement *stmt);
	/* db_queue(); NULL: db_run() */
	enum err_code (*queue)(struct db *db, unsigned int sql, const struct db_value *values,
	    size_t n, struct err *err);
	enum err_code (*insert)(struct db *db, unsigned int sql, const struct db_value *values,
	    size_t n, int64_t *ret_id, struct err *err);
	int64_t (*changed_rows)(const struct db *db);
	enum err_code (*rows_put)(struct db *db, enum shape_id shape, const void *rows, size_t n,
	    size_t size, struct err *err);
	enum err_code (*begin)(struct db *db, enum db_begin how, struct err *err);
	enum err_code (*commit)(struct db *db, struct err *err);
	void (*rollback)(struct db *db);
	void (*wait_set)(struct db *db, int wait_ms);
	enum err_code (*version)(struct db *db, int64_t *ret, struct err *err);
	enum err_code (*write_check)(const struct db *db, struct err *err);
	void (*hidden_repair)(const struct db *db);
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

/* The number of a column; 0 if its value is not an integer. */
static inline int64_t
db_integer(const struct db_statement *stmt, size_t column)
{
	const struct db_value *value = &stmt->values[column];

	return value->type == DB_INTEGER ? value->number : 0;
}

/* The text of a column, never NULL. */
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

bool db_is_open(const struct db *db);
/* Closes a database and frees its statements. It can be opened again. */
void db_close(struct db *db);
/* Closes a database and frees its state, but not 'path'. */
void db_free(struct db *db);

/* Prepares statement 'sql' if necessary and binds 'values' to ?1, ?2 ... Ignores values without a
 * parameter. *ret_stmt belongs to 'db'. The caller steps the statement with db_next(). */
enum err_code db_query(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, struct err *err);
/* Steps to the next row. ERR_OK with *ret_row false at the end. The statement is reset at the
 * end and on an error. */
enum err_code db_next(struct db *db, struct db_statement *stmt, bool *ret_row, struct err *err);
/* Resets a statement that was not stepped to its end. NULL is fine. */
void db_reset(struct db_statement *stmt);
/* Runs an INSERT of one row. *ret_id: the id that the database gave the row. */
enum err_code db_insert(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    int64_t *ret_id, struct err *err);
/* How many rows the last INSERT, UPDATE or DELETE changed, without those of triggers. */
int64_t db_changed_rows(const struct db *db);
/* Adds or replaces 'n' rows of statistics, of 'size' bytes each, in the transaction of
 * DB_BEGIN_ROWS. A row is written whole: a value that is not present becomes NULL. Each row gets
 * the next value of the counter. ERR_INVALID: a value that shape_values_check() refuses. */
enum err_code db_rows_put(struct db *db, enum shape_id shape, const void *rows, size_t n,
    size_t size, struct err *err);

/* -- made of the functions above ------------------------------------------------------ */

/* db_query() and the first db_next(). */
enum err_code db_first(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, bool *ret_row, struct err *err);
/* Runs a statement to its end and ignores its rows. */
enum err_code db_run(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct err *err);
/* Runs a statement in a write transaction, and ignores its rows. An engine may send it to its
 * server with the next query or commit, which then returns its error. */
enum err_code db_queue(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct err *err);
/* A query for one number. *ret stays as it is if there is no row. */
enum err_code db_number(struct db *db, unsigned int sql, const struct db_value *values,
    size_t n, int64_t *ret, struct err *err);

/* -- transactions -------------------------------------------------------------------- */

enum err_code db_begin(struct db *db, enum db_begin how, struct err *err);
/* ERR_DOUBT: the COMMIT failed with an I/O error. The transaction has ended in any case. */
enum err_code db_commit(struct db *db, struct err *err);
/* Does nothing without a transaction, and if the database is closed. */
void db_rollback(struct db *db);

/* Sets how long a statement waits for the lock of another program. The database may be closed. */
void db_wait_set(struct db *db, int wait_ms);
/* Reads a number that changes with each commit of another connection. In a transaction: of the
 * commits that the transaction sees. */
enum err_code db_version(struct db *db, int64_t *ret, struct err *err);
/* Checks without a transaction whether a write is possible: ERR_READONLY, ERR_FULL. */
enum err_code db_write_check(const struct db *db, struct err *err);
/* Commits of other programs hid their rows from this one; see commit_check() of changes.c. Repairs
 * that if it is the engine's fault, and does no harm otherwise. */
void db_hidden_repair(const struct db *db);

#endif
