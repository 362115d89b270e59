/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads lines of a file or a pipe. Reports whether a read would wait, so that the caller can store
 * the lines that a collector has sent so far.
 */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

enum {
	LINES_LENGTH_MAX = 64 * 1024,		/* of a line */
	LINES_BUFFER_SIZE = 1024 * 1024,	/* a longer line ends the reading */
};

struct lines {
	int		 fd;
	const char	*file;		/* its name in messages */
	size_t		 number;	/* of the last line returned, from 1 */
	char		*buf;
	size_t		 start, end;	/* bytes read and not returned */
	bool		 eof;
};

/* "-" is the standard input. A directory is ERR_INVALID. */
enum err_code lines_open(struct lines *lines, const char *file, struct err *err);
void lines_close(struct lines *lines);

/* Returns the next line without its newline, valid until the next call; *ret_line is NULL at
 * the end. ERR_RANGE: the line is longer than LINES_LENGTH_MAX, and the next call returns the
 * line after it. ERR_LIMIT: it is longer than LINES_BUFFER_SIZE. ERR_IO. */
enum err_code lines_next(struct lines *lines, char **ret_line, size_t *ret_length, struct err *err);

/* True if lines_next() would have to wait now. */
bool lines_would_wait(const struct lines *lines);

#endif
