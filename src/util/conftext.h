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

/* The text with each comment, and a byte order mark, replaced by spaces; every line keeps its
 * number. */
struct conftext {
	char	*text;		/* owned by the caller; NUL-terminated; NULL on an error */
	size_t	 length;
	int	 open_line;	/* line of the outermost unclosed brace; 0: none */
	int	 error_line;	/* of ERR_INVALID */
};

/* Reads 'file' ("-": standard input). ERR_INVALID for a NUL byte, an unclosed comment or
 * string, "${", or a line that is too long: ret->error_line has the line, and the message
 * neither file nor line. ERR_RANGE for a file that is too long, ERR_IO, ERR_NOMEM: the message
 * begins with the file. */
enum err_code conftext_read(const char *file, struct conftext *ret, struct err *err);

#endif
