/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The shapes of rows: each column of a table with its bounds and its member of the row's
 * struct. SQL, checks, reads and copies are derived from these descriptions.
 */
#ifndef STORE_SHAPES_H
#define STORE_SHAPES_H

#include "store/store.h"

struct db_statement;
struct db_value;

enum shape_id {
	SHAPE_CLUSTER = STORE_CLUSTER, SHAPE_SERVICE = STORE_SERVICE, SHAPE_REAL = STORE_REAL,
	SHAPE_JOB = STORE_JOB, SHAPE_STATISTICS = STORE_STATISTICS,
	SHAPE_SERVICE_STATISTICS = STORE_SERVICE_STATISTICS,
	SHAPE_POLL,
	SHAPE_REMOVED,			/* of lbcluster.db */
	SHAPE_REMOVED_STATISTICS,	/* of lbcluster-stats.db */
	SHAPES
};

/* Why readers do not get a row; see left_out.c. */
enum left_out_why {
	LEFT_OUT_NOT, LEFT_OUT_PARENT, LEFT_OUT_NAME, LEFT_OUT_FALLBACK, LEFT_OUT_CHANGE
};

enum column_type {
	COLUMN_INTEGER,
	COLUMN_COUNT,	/* uint64_t, at most INT64_MAX in the table */
	COLUMN_TEXT,
	COLUMN_NAME,	/* a text that model_name_valid() accepts; also "" if 'min' is 0 */
};

enum column_flag {
	COLUMN_KEY = 1,		/* identifies a row that is written */
	COLUMN_PUT = 2,		/* written by INSERT and UPDATE */
	COLUMN_FIRST = 4,	/* written by INSERT only */
	COLUMN_NULLABLE = 8,	/* NULL is read as 0 */
	COLUMN_VIEW = 16,	/* only in the view: not a column of the table */
};

enum { SHAPE_COLUMNS_MAX = 31 };

struct column {
	const char		*name;
	enum column_type	 type;
	size_t			 offset, size;	/* of the member */
	int64_t			 min, max;	/* of the number, or of the length in bytes */
	unsigned int		 flags;
	unsigned int		 present;	/* bit of struct statistics; NULL without it */
	const char		*view;		/* expression for people; NULL: the column */
};

struct shape {
	size_t			 row_size;	/* of the struct, with the columns of the view */
	size_t			 n;
	const struct column	*columns;
	const char		*table;
	const char		*id;		/* column that numbers the rows */
	const char		*order;		/* column by which pages are read */
	const char		*parent;	/* table of the parent */
	const char		*parent_column;	/* that names it */
	const char		*below;		/* rows r of parent ?1 */
	const char		*why;		/* enum left_out_why of row r */
};

extern const struct shape shapes[SHAPES];

struct removed_row {
	enum store_kind	kind;
	uint32_t	id;
};

/* Any row. */
union shape_row {
	struct cluster_row	cluster;
	struct service_row	service;
	struct store_real_view	real;		/* its row is first */
	struct job_row		job;
	struct statistics	statistics;
	struct driver_poll	poll;
	struct removed_row	removed;
};

/* Reads the columns of 'shape' from column 'first' of a row on; those of the view if the row has
 * them. Texts are valid until the next step. ERR_CORRUPT names a column that
 * breaks a rule of the schema; *ret_row is incomplete then. */
enum err_code shape_read(const struct shape *shape, const struct db_statement *stmt, size_t first,
    void *ret_row, struct err *err);

/* The bytes of a row with its texts. */
size_t shape_kept_size(const struct shape *shape);
/* Copies the texts of a row behind it, so that they outlive the statement. 'row' has
 * shape_kept_size() bytes. */
void shape_keep(const struct shape *shape, union shape_row *row);

/* The columns of 'row' as parameters, column N as ?N; ret_values has room for SHAPE_COLUMNS_MAX.
 * Columns of the view are NULL, because a row that is written may lack their members. Texts
 * belong to the row. Returns how many. */
size_t shape_values(const struct shape *shape, const void *row, struct db_value *ret_values);
/* Refuses a number that the CHECKs of the schema refuse: a reader reports it as damage.
 * ERR_INVALID; 'path' names the database. */
enum err_code shape_values_check(const struct shape *shape, const struct db_value *values,
    const char *path, struct err *err);

#endif
