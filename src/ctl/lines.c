/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lines; see lines.h.
 */
#include "ctl/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/input.h"

enum { LINES_ROOM = 2 * LINES_LENGTH_MAX };

enum err_code
lines_open(struct lines *lines, const char *file, struct err *err)
{
	struct stat st;

	*lines = (struct lines){ .file = input_name(file) };
	lines->fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (lines->fd < 0)
		return err_set(err, ERR_IO, "%s: %s", lines->file, strerror(errno));
	if (fstat(lines->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		lines_close(lines);
		return err_set(err, ERR_INVALID, "%s: is a directory; give a file, or - for the "
		    "standard input", lines->file);
	}
	lines->buf = malloc(LINES_ROOM + 1);
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
refill(struct lines *lines, struct err *err)
{
	ssize_t n;

	memmove(lines->buf, lines->buf + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	do
		n = read(lines->fd, lines->buf + lines->end, LINES_ROOM - lines->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, ERR_IO, "%s: %s", lines->file, strerror(errno));
	lines->end += (size_t)n;
	lines->eof = n == 0;
	return ERR_OK;
}

/* Hands out up to 'newline' (NULL: all that is left). */
static void
hand_out(struct lines *lines, char *newline, char **ret_line, size_t *ret_length)
{
	char *end = newline != NULL ? newline : lines->buf + lines->end;

	*ret_line = lines->buf + lines->start;
	if (lines->number == 0)
		*ret_line += input_bom_length(*ret_line, (size_t)(end - *ret_line));
	*ret_length = (size_t)(end - *ret_line);
	*end = '\0';
	lines->start = (size_t)(end - lines->buf) + (newline != NULL);
	lines->number++;
}

enum err_code
lines_next(struct lines *lines, char **ret_line, size_t *ret_length, struct err *err)
{
	*ret_line = NULL;
	for (;;) {
		char *newline = newline_find(lines);
		size_t left = lines->end - lines->start;
		enum err_code code;

		if (lines->skipping && (newline != NULL || lines->eof)) {
			hand_out(lines, newline, ret_line, ret_length);
			lines->number--;
			lines->skipping = false;
			*ret_line = NULL;
			continue;
		}
		if (newline != NULL || (lines->eof && left > 0)) {
			hand_out(lines, newline, ret_line, ret_length);
			return ERR_OK;
		}
		if (lines->eof)
			return ERR_OK;
		if (left >= LINES_LENGTH_MAX) {
			bool first = !lines->skipping;

			lines->skipping = true;
			lines->start = lines->end;
			lines->number += first;
			if (first)
				return err_set(err, ERR_RANGE, "the line is longer than %d bytes",
				    LINES_LENGTH_MAX);
		}
		code = refill(lines, err);
		if (code != ERR_OK)
			return code;
	}
}

bool
lines_would_wait(const struct lines *lines)
{
	struct pollfd fd = { .fd = lines->fd, .events = POLLIN };

	return newline_find(lines) == NULL && !lines->eof && poll(&fd, 1, 0) == 0;
}
