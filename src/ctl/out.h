/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Prints rows as a table for people or as JSON for programs. One array describes the columns
 * of both formats. Rows are printed as they come, so their number is not limited by memory.
 */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum out_format { OUT_TABLE, OUT_JSON, OUT_HTML /* status only */ };

enum out_type {
	OUT_TEXT, OUT_NUMBER, OUT_BOOL, OUT_TIME,
	OUT_PARAMS,	/* the parameters of a row of the store; only in JSON, as an object */
};

struct out_column {
	const char	*key;	/* in JSON; NULL: not in JSON */
	const char	*title;	/* in a table; NULL: not in tables */
	enum out_type	 type;
};

/* A value. An absent value is null in JSON and "-" in a table, as is the time 0. */
struct out_value {
	bool	absent;
	union {
		const char	*text;
		uint64_t	 number;
		bool		 truth;
		int64_t		 time;
	};
};

/* Each returns a value that is present; a text must outlive it. */
static inline struct out_value
out_text(const char *value)
{
	return (struct out_value){ .text = value };
}

static inline struct out_value
out_number(uint64_t value)
{
	return (struct out_value){ .number = value };
}

static inline struct out_value
out_truth(bool value)
{
	return (struct out_value){ .truth = value };
}

/* A listing of rows, or one row alone. */
enum out_shape { OUT_LIST, OUT_OBJECT };

struct out;

/* Begins the output of rows. NULL without memory. */
struct out *out_begin(FILE *file, enum out_format format, enum out_shape shape,
    const struct out_column *columns, size_t n);

/* Prints one row, with a value for each column. False without memory. */
bool out_row(struct out *out, const struct out_value *values);

/* Ends the output of rows and frees it (NULL is fine). If not 'complete', prints nothing more,
 * so that a program sees that a JSON array is cut off. */
void out_finish(struct out *out, bool complete);

/* Limits the following rows of OUT_OBJECT to the columns from 'first' on and before 'end'. */
void out_limit(struct out *out, size_t first, size_t end);

/* Prints one row: a JSON object, or lines of key and value. False without memory. */
bool out_object(FILE *file, enum out_format format, const struct out_column *columns, size_t n,
    const struct out_value *values);

/* Copies 'text', cleaned by text_clean(): a terminal would obey control characters. Returns
 * 'buf'. */
const char *out_printable(const char *text, char *buf, size_t size);

#endif
