/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads a file and prepares its text for libConfuse 3.3, which counts lines wrongly after
 * every comment, expands environment variables, reads a string without its closing quote up
 * to the end of the file, and accepts a truncated file.
 */
#ifndef UTIL_CONFTEXT_H
#define UTIL_CONFTEXT_H

#include <stddef.h>

#include "util/err.h"

enum {
	CONFTEXT_MAX = 256 * 1024 * 1024,	/* octets of a file */
	CONFTEXT_LINE_MAX = 64 * 1024,		/* octets of a line */
};

/* The text with each comment replaced by spaces; every line keeps its number. */
struct conftext {
	char	*text;		/* owned by the caller; NUL-terminated */
	size_t	 length;
	int	 open_line;	/* line of the outermost unclosed brace; 0: none */
};

/* Reads 'file' ("-": standard input). ERR_INVALID with a message that begins with FILE:LINE
 * for a NUL byte, an unclosed comment or string, "${", or a line that is too long; ERR_RANGE
 * for a file that is too long; ERR_IO, ERR_NOMEM. */
enum err_code conftext_read(const char *file, struct conftext *ret, struct err *err);

/* The same for a text in memory, in place. 'file' is the name in messages. */
enum err_code conftext_clean(const char *file, struct conftext *conftext, struct err *err);

#endif
