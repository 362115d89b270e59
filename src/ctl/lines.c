/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

enum err_code
lines_open(struct lines *lines, const char *file, struct err *err)
{
	struct stat st;

	*lines = (struct lines){ .file = file_input_name(file) };
	lines->fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (lines->fd < 0)
		return err_set(err, ERR_IO, "%s: %s", lines->file, strerror(errno));
	if (fstat(lines->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		lines_close(lines);
		return err_set(err, ERR_INVALID, "%s: is a directory; give a file, or - for the "
		    "standard input", lines->file);
	}
	lines->buf = malloc(LINES_BUFFER_SIZE + 2);
	if (lines->buf == NULL) {
		lines_close(lines);
		return err_set(err, ERR_NOMEM, "%s: out of memory", lines->file);
	}
	return ERR_OK;
}

void
lines_close(struct lines *lines)
{
	if (lines->fd > STDIN_FILENO)
		close(lines->fd);
	free(lines->buf);
	lines->buf = NULL;
}

static char *
newline_find(const struct lines *lines)
{
	return memchr(lines->buf + lines->start, '\n', lines->end - lines->start);
}

static enum err_code
buffer_fill(struct lines *lines, struct err *err)
{
	ssize_t n;

	memmove(lines->buf, lines->buf + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	do
		n = read(lines->fd, lines->buf + lines->end, LINES_BUFFER_SIZE + 1 - lines->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, ERR_IO, "%s: %s", lines->file, strerror(errno));
	lines->end += (size_t)n;
	lines->eof = n == 0;
	return ERR_OK;
}

enum err_code
lines_next(struct lines *lines, char **ret_line, size_t *ret_length, struct err *err)
{
	char *newline, *line, *end;
	enum err_code code;

	*ret_line = NULL;
	while ((newline = newline_find(lines)) == NULL && !lines->eof) {
		if (lines->end - lines->start > LINES_BUFFER_SIZE)
			return err_set(err, ERR_LIMIT, "%s:%zu: the line is longer than %d bytes; "
			    "write one JSON object on each line", lines->file, lines->number + 1,
			    LINES_BUFFER_SIZE);
		code = buffer_fill(lines, err);
		if (code != ERR_OK)
			return code;
	}
	line = lines->buf + lines->start;
	end = newline != NULL ? newline : lines->buf + lines->end;
	if (newline == NULL && line == end)
		return ERR_OK;
	lines->start = (size_t)(end - lines->buf) + (newline != NULL);
	if (lines->number++ == 0)
		line += file_bom_length(line, (size_t)(end - line));
	if (end - line > LINES_LENGTH_MAX)
		return err_set(err, ERR_RANGE, "the line is longer than %d bytes",
		    LINES_LENGTH_MAX);
	*end = '\0';
	*ret_line = line;
	*ret_length = (size_t)(end - line);
	return ERR_OK;
}

bool
lines_would_wait(const struct lines *lines)
{
	struct pollfd fd = { .fd = lines->fd, .events = POLLIN };

	return newline_find(lines) == NULL && !lines->eof && poll(&fd, 1, 0) == 0;
}
