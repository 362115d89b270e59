/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The errors and warnings of one file, each with its line. They are collected while the file
 * is read, so that a person sees all of them at once.
 */
#ifndef CONF_DIAGNOSTICS_H
#define CONF_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { DIAGNOSTICS_MAX = 20 };	/* errors that are kept, and as many warnings */

struct diagnostic {
	int	 line;
	bool	 warning;
	char	*text;
};

/* All members but 'file' are zero before the first diagnostic. */
struct diagnostics {
	const char		*file;			/* its name in messages */
	size_t			 errors, warnings;	/* all of them */
	size_t			 n;			/* of 'list' */
	struct diagnostic	 list[2 * DIAGNOSTICS_MAX];
};

/* Adds an error or a warning. Bytes that are not printable text are replaced by '?'. */
#define diagnostics_error(list, line, ...) diagnostics_add(list, line, false, __VA_ARGS__)
#define diagnostics_warn(list, line, ...) diagnostics_add(list, line, true, __VA_ARGS__)
void diagnostics_add(struct diagnostics *diagnostics, int line, bool warning, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Prints "FILE:LINE: text" for each one, sorted by line, and empties the list. */
void diagnostics_print(struct diagnostics *diagnostics, FILE *file);
/* Drops the warnings that were added after 'n' and 'warnings' had these values. */
void diagnostics_truncate(struct diagnostics *diagnostics, size_t n, size_t warnings);
void diagnostics_free(struct diagnostics *diagnostics);

#endif
