/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A file for libConfuse, read whole and made fit for it: libConfuse 3.3 counts
 * lines wrongly after every comment, puts environment variables into the text,
 * takes a quotation mark that was forgotten for the start of a text that goes on
 * for the rest of the file, and a file that was cut short for a whole one.
 */
#ifndef UTIL_CONFTEXT_H
#define UTIL_CONFTEXT_H

#include <stddef.h>

#include "util/err.h"

enum {
	CONFTEXT_MAX = 256 * 1024 * 1024,	/* octets of a file */
	CONFTEXT_LINE_MAX = 64 * 1024,		/* octets of a line */
};

/* Every comment is blank, every line where it was. */
struct conftext {
	char	*text;		/* the caller's; a NUL follows it */
	size_t	 length;
	int	 open_line;	/* of the outermost brace that is not closed; 0: none */
};

/* Reads 'file' ("-": the standard input). ERR_INVALID with words that begin with
 * FILE:LINE for a NUL, a comment or a quoted text without end, "${", a line too
 * long; ERR_RANGE for a file too long, ERR_IO, ERR_NOMEM. */
enum err_code conftext_read(const char *file, struct conftext *ret, struct err *err);

/* The same for a text in memory, in place. 'file' is for the words. */
enum err_code conftext_clean(const char *file, struct conftext *conftext, struct err *err);

#endif
