/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lines of a file or a pipe, as they come: the caller learns when no more is
 * there for the moment, so that what a collector sends is not kept waiting.
 */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

enum { LINES_LENGTH_MAX = 64 * 1024 };

struct lines {
	int		 fd;
	const char	*file;		/* as messages name it */
	size_t		 number;	/* of the line handed out last, from 1 */
	char		*buf;
	size_t		 start, end;	/* what is read and not handed out */
	bool		 eof;
	bool		 skipping;	/* the rest of a line too long */
};

/* "-" is the standard input. A directory is ERR_INVALID. */
enum err_code lines_open(struct lines *lines, const char *file, struct err *err);
void lines_close(struct lines *lines);

/* The next line without its newline, valid until the next call; *ret_line NULL at
 * the end. ERR_RANGE for a line that is too long: the next call goes on behind it. */
enum err_code lines_next(struct lines *lines, char **ret_line, size_t *ret_length,
    struct err *err);

/* True if lines_next() would have to wait now. */
bool lines_would_wait(const struct lines *lines);

#endif
