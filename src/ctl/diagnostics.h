/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is wrong with a file, or odd, each with its line: collected while the file
 * is read, so that a person sees all of it at once.
 */
#ifndef CTL_DIAGNOSTICS_H
#define CTL_DIAGNOSTICS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { DIAGNOSTICS_MAX = 20 };	/* kept, of errors and of warnings each */

struct diagnostic {
	int	 line;
	bool	 warning;
	char	*text;
};

/* All zero but 'file' is an empty one. */
struct diagnostics {
	const char		*file;
	size_t			 errors, warnings;	/* how many there are */
	size_t			 n;			/* kept below */
	struct diagnostic	 list[2 * DIAGNOSTICS_MAX];
};

void diagnostics_add(struct diagnostics *diagnostics, int line, bool warning, const char *fmt,
    va_list ap) __attribute__((format(printf, 4, 0)));
void diagnostics_warn(struct diagnostics *diagnostics, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void diagnostics_error(struct diagnostics *diagnostics, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints them by line, "FILE:LINE: text" each, and forgets them. */
void diagnostics_print(struct diagnostics *diagnostics, FILE *file);
void diagnostics_free(struct diagnostics *diagnostics);

#endif
