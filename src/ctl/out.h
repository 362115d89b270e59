/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rows for people (a table) or for programs (JSON). The columns are data: one
 * array says a column's key, title and type, and serves both forms. Rows go out
 * as they come, however many.
 */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum out_format { OUT_TABLE, OUT_JSON };

enum out_type { OUT_TEXT, OUT_NUMBER, OUT_BOOL, OUT_TIME };

struct out_column {
	const char	*key;	/* in JSON; NULL: not there */
	const char	*title;	/* in a table; NULL: not there */
	enum out_type	 type;
};

/* A cell. An absent one is null in JSON, "-" in a table. A time of 0 (never) is
 * absent as well. */
struct out_value {
	bool	absent;
	union {
		const char	*text;
		uint64_t	 number;
		bool		 truth;
		int64_t		 time;
	};
};

struct out;

/* Begins a listing. NULL without memory. */
struct out *out_begin(FILE *file, enum out_format format, const struct out_column *columns,
    size_t n);

/* One row, with a value for each column. False without memory. */
bool out_row(struct out *out, const struct out_value *values);

/* Ends the listing and frees it. NULL is fine. */
void out_end(struct out *out);

/* Frees a listing that failed: writes nothing more, so a JSON array is seen to be
 * cut off. NULL is fine. */
void out_cancel(struct out *out);

/* One row alone: a JSON object, or lines of key and value. */
bool out_object(FILE *file, enum out_format format, const struct out_column *columns, size_t n,
    const struct out_value *values);

/* 'text' with what a terminal would obey replaced by '?'; returns 'buf'. */
const char *out_printable(const char *text, char *buf, size_t size);

#endif
