/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Text for libConfuse; see conftext.h. What ends a word and what begins a comment
 * is as in libConfuse's lexer.l.
 */
#include "util/conftext.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/input.h"

enum { CONFTEXT_CHUNK = 64 * 1024 };

/* -- reading ------------------------------------------------------------------ */

static enum err_code
grow(const char *file, char **text, size_t *room, struct err *err)
{
	size_t more = *room == 0 ? CONFTEXT_CHUNK : 2 * *room;
	char *bigger = realloc(*text, more);

	if (bigger == NULL) {
		err_set(err, ERR_NOMEM, "%s: out of memory", file);
		return ERR_NOMEM;	/* clang-tidy does not know what err_set() returns */
	}
	*text = bigger;
	*room = more;
	return ERR_OK;
}

static enum err_code
read_all(int fd, const char *file, char **text, size_t *ret_length, struct err *err)
{
	size_t length = 0, room = 0;
	enum err_code code;

	for (;;) {
		ssize_t n;

		if (length + 1 >= room && (code = grow(file, text, &room, err)) != ERR_OK)
			return code;
		n = read(fd, *text + length, room - length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_IO, "%s: %s", file, strerror(errno));
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > CONFTEXT_MAX)
			return err_set(err, ERR_RANGE, "%s: larger than %d MB", file,
			    CONFTEXT_MAX / 1024 / 1024);
	}
	(*text)[length] = '\0';
	memset(*text, ' ', input_bom_length(*text, length));
	*ret_length = length;
	return ERR_OK;
}

/* -- cleaning ------------------------------------------------------------------ */

/* A text while it is gone through. 'line' counts from 1. */
struct scan {
	char		*at, *end;
	char		*line_start;
	size_t		 line;
	size_t		 depth;		/* braces that are open */
	size_t		 open_line;	/* of the outermost one */
	size_t		 error_line;
	struct err	*err;
};

static const char line_too_long[] = "the line is longer than 65536 bytes; split it";
static const char no_variables[] = "${ begins a variable, which is not replaced; write its value";

static_assert(CONFTEXT_LINE_MAX == 65536, "line_too_long says so");

static enum err_code
complain(struct scan *scan, size_t line, const char *what)
{
	scan->error_line = line;
	return err_set(scan->err, ERR_INVALID, "%s", what);
}

static bool
starts(const struct scan *scan, const char *what)
{
	size_t length = strlen(what);

	return (size_t)(scan->end - scan->at) >= length &&
	    memcmp(scan->at, what, length) == 0;
}

static enum err_code
next_line(struct scan *scan)
{
	if (scan->at - scan->line_start > CONFTEXT_LINE_MAX)
		return complain(scan, scan->line, line_too_long);
	scan->at++;
	scan->line++;
	scan->line_start = scan->at;
	return ERR_OK;
}

static void
blank_line_rest(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		*scan->at++ = ' ';
}

static enum err_code
blank_comment(struct scan *scan)
{
	size_t line = scan->line;
	enum err_code code = ERR_OK;

	while (code == ERR_OK && scan->at < scan->end && !starts(scan, "*/")) {
		if (*scan->at == '\n')
			code = next_line(scan);
		else
			*scan->at++ = ' ';
	}
	if (code != ERR_OK)
		return code;
	if (scan->at == scan->end)
		return complain(scan, line, "the comment is never closed; add */");
	*scan->at++ = ' ';
	*scan->at++ = ' ';
	return ERR_OK;
}

static enum err_code
skip_quoted(struct scan *scan)
{
	char quote = *scan->at++;

	while (scan->at < scan->end && *scan->at != quote && *scan->at != '\n') {
		if (quote == '"' && starts(scan, "${"))
			return complain(scan, scan->line, no_variables);
		if (*scan->at == '\\' && scan->at + 1 < scan->end && scan->at[1] != '\n')
			scan->at++;
		scan->at++;
	}
	if (scan->at >= scan->end || *scan->at == '\n')
		return complain(scan, scan->line,
		    "the quoted text does not end on its line; add the closing quote");
	scan->at++;
	return ERR_OK;
}

static void
note_brace(struct scan *scan)
{
	if (*scan->at == '{' && scan->depth++ == 0)
		scan->open_line = scan->line;
	else if (*scan->at == '}' && scan->depth > 0)
		scan->depth--;
}

/* A word up to what ends it, or one such character. */
static void
skip_word(struct scan *scan)
{
	size_t length = strcspn(scan->at, " #\"'\t\n\r={}()+,*");

	note_brace(scan);
	scan->at += length == 0 ? 1 : length;
}

/* One comment, quoted text, word or other character. */
static enum err_code
step(struct scan *scan)
{
	switch (*scan->at) {
	case '\n':
		return next_line(scan);
	case '"':
	case '\'':
		return skip_quoted(scan);
	case '#':
		blank_line_rest(scan);
		return ERR_OK;
	default:
		break;
	}
	if (starts(scan, "//"))
		blank_line_rest(scan);
	else if (starts(scan, "/*"))
		return blank_comment(scan);
	else if (starts(scan, "${"))
		return complain(scan, scan->line, no_variables);
	else
		skip_word(scan);
	return ERR_OK;
}

/* There is no NUL before the one that ends the text: strcspn(3) stays inside. */
static enum err_code
text_scan(struct scan *scan)
{
	enum err_code code = ERR_OK;

	for (const char *p = scan->at; p < scan->end; p++) {
		if (*p == '\0')
			return complain(scan, scan->line, "has a NUL byte: the file is not a text");
		scan->line += *p == '\n';
	}
	scan->line = 1;
	while (code == ERR_OK && scan->at < scan->end)
		code = step(scan);
	if (code == ERR_OK && scan->at - scan->line_start > CONFTEXT_LINE_MAX)
		return complain(scan, scan->line, line_too_long);
	return code;
}

static enum err_code
text_clean(struct conftext *conftext, struct err *err)
{
	char *text = conftext->text;
	struct scan scan = { .at = text, .end = text + conftext->length, .line_start = text,
	    .line = 1, .err = err };
	enum err_code code;

	code = text_scan(&scan);
	conftext->error_line = (int)scan.error_line;
	conftext->open_line = scan.depth > 0 ? (int)scan.open_line : 0;
	return code;
}

enum err_code
conftext_read(const char *file, struct conftext *ret, struct err *err)
{
	bool standard = strcmp(file, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	struct conftext conftext = { .text = NULL };
	enum err_code code;

	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", file, strerror(errno));
	code = read_all(fd, input_name(file), &conftext.text, &conftext.length, err);
	if (!standard)
		close(fd);
	if (code == ERR_OK)
		code = text_clean(&conftext, err);
	if (code != ERR_OK) {
		free(conftext.text);
		conftext.text = NULL;
	}
	*ret = conftext;
	return code;
}
