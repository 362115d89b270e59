/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is wrong with a file, or odd, each with its line: collected while the file
 * is read, so that a person sees all of it at once.
 */
#ifndef CTL_COMPLAINTS_H
#define CTL_COMPLAINTS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { COMPLAINTS_MAX = 20 };	/* kept, of errors and of warnings each */

struct complaint {
	int	 line;
	bool	 warning;
	char	*text;
};

/* All zero but 'file' is an empty one. */
struct complaints {
	const char		*file;
	size_t			 errors, warnings;	/* how many there are */
	size_t			 n;			/* kept below */
	struct complaint	 list[2 * COMPLAINTS_MAX];
};

void complaints_add(struct complaints *complaints, int line, bool warning, const char *fmt,
    va_list ap) __attribute__((format(printf, 4, 0)));
void complaints_warn(struct complaints *complaints, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void complaints_error(struct complaints *complaints, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints them by line, "FILE:LINE: text" each, and forgets them. */
void complaints_print(struct complaints *complaints, FILE *file);
void complaints_free(struct complaints *complaints);

#endif
