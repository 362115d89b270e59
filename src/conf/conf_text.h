/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads a file and prepares its text for libConfuse. libConfuse 3.3 counts lines wrongly after
 * a comment, replaces environment variables, reads a string without its closing quote up to the
 * end of the file, and accepts a truncated file.
 */
#ifndef CONF_CONF_TEXT_H
#define CONF_CONF_TEXT_H

#include <stddef.h>

#include "conf/diagnostics.h"
#include "util/err.h"

enum {
	CONF_TEXT_MAX = 256 * 1024 * 1024,	/* bytes of a file */
	CONF_TEXT_LINE_MAX = 64 * 1024,		/* bytes of a line */
};

/* The text. Spaces replace each comment and the byte order mark, so that every line keeps its
 * number. */
struct conf_text {
	char	*text;		/* owned by the caller; ends with NUL; NULL on an error */
	size_t	 length;
	int	 open_line;	/* line of the outermost unclosed brace; 0: none */
};

/* Reads 'file' ("-": standard input). ERR_INVALID for a NUL byte, an unclosed comment or string,
 * "${", or a line that is too long: 'diagnostics' has the line and the message, and 'err' has no
 * message. ERR_RANGE for a file that is too long, ERR_IO, ERR_NOMEM: the message is in 'err' and
 * begins with the name of the file. */
enum err_code conf_text_read(const char *file, struct conf_text *ret,
    struct diagnostics *diagnostics, struct err *err);

#endif
