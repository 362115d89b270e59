/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tables of HAProxy's Runtime API: "show stat" and "show servers state", management.txt 9.1
 * and 9.3. A table is a header "# name name ...", rows, and an empty line. Columns are found
 * by name, because each version of HAProxy adds some.
 */
#ifndef PLANE_HAPROXY_TABLE_H
#define PLANE_HAPROXY_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "plane/haproxy/haproxy_text.h"
#include "util/err.h"

enum { HAPROXY_COLUMNS_MAX = 512 };

/* The columns that a caller reads. */
struct haproxy_columns {
	const char		*command;	/* "show stat", for messages */
	const char		*begin;		/* the header begins with it: "# pxname," */
	char			 separator;	/* between values; with ',' they may be quoted */
	bool			 exact;		/* each row has as many values as the header */
	size_t			 n;		/* number of 'names' */
	size_t			 required;	/* the first 'required' names must be there */
	const char		*const *names;
};

struct haproxy_table {
	const struct haproxy_columns	*columns;
	struct haproxy_text		*text;
	size_t				 n;	/* columns of the header */
	size_t				 least;	/* values that a row must have */
	unsigned char			 name_of[HAPROXY_COLUMNS_MAX];	/* columns->n: not read */
};

/* True if 'line' is the header of that table. */
bool haproxy_table_begins(const struct haproxy_columns *columns, const char *line);

/* Reads 'header'; 'text' begins after it. ERR_INVALID if a column is missing. */
enum err_code haproxy_table_open(struct haproxy_table *table,
    const struct haproxy_columns *columns, char *header, struct haproxy_text *text,
    struct err *err);

/* Reads the next row. values[i] is of columns->names[i], "" if the table has no such column.
 * ERR_NOT_FOUND, with no message: the table has ended. ERR_INVALID: the row has too few or
 * too many values, or the answer ends within the table. */
enum err_code haproxy_table_next(struct haproxy_table *table, const char **values,
    struct err *err);

#endif
