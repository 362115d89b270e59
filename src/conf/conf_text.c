/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Prepares a text for libConfuse; see conf_text.h. Words and comments end as in libConfuse's
 * lexer.l.
 */
#include "conf/conf_text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/file.h"

enum { READ_SIZE = 64 * 1024 };

/* -- reading ------------------------------------------------------------------ */

/* Reads all of 'fd'. On an error the caller frees ret->text too. */
static enum err_code
read_all(int fd, const char *name, struct conf_text *ret, struct err *err)
{
	size_t room = 0;
	ssize_t n = 1;

	while (n != 0) {
		if (ret->length + 1 >= room) {
			char *bigger = realloc(ret->text, room = room == 0 ? READ_SIZE : 2 * room);

			if (bigger == NULL)
				return err_set(err, ERR_NOMEM, "%s: out of memory", name);
			ret->text = bigger;
		}
		n = read(fd, ret->text + ret->length, room - ret->length - 1);
		if (n < 0 && errno != EINTR)
			return err_set(err, ERR_IO, "%s: %s", name, strerror(errno));
		ret->length += n > 0 ? (size_t)n : 0;
		if (ret->length > CONF_TEXT_MAX)
			return err_set(err, ERR_RANGE, "%s: larger than %d MB", name,
			    CONF_TEXT_MAX / 1024 / 1024);
	}
	ret->text[ret->length] = '\0';
	memset(ret->text, ' ', file_bom_length(ret->text, ret->length));
	return ERR_OK;
}

/* -- preparing ----------------------------------------------------------------- */

/* The position in a text. The functions below advance it and return NULL or a problem of
 * 'line', which counts from 1. */
struct scan {
	char	*at, *end;
	int	 line;
	size_t	 depth;		/* of open braces */
	int	 open_line;	/* of the outermost one */
};

static const char no_variables[] = "${ begins a variable, which is not replaced; write its value";

static bool
starts(const struct scan *scan, const char *what)
{
	size_t length = strlen(what);

	return (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, what, length) == 0;
}

static void
blank_line_rest(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		*scan->at++ = ' ';
}

static const char *
blank_comment(struct scan *scan)
{
	int line = scan->line;

	for (; scan->at < scan->end && !starts(scan, "*/"); scan->at++) {
		if (*scan->at == '\n')
			scan->line++;
		else
			*scan->at = ' ';
	}
	if (scan->at == scan->end) {
		scan->line = line;
		return "the comment is never closed; add */";
	}
	*scan->at++ = ' ';
	*scan->at++ = ' ';
	return NULL;
}

static const char *
skip_quoted(struct scan *scan)
{
	char quote = *scan->at++;

	while (scan->at < scan->end && *scan->at != quote && *scan->at != '\n') {
		if (quote == '"' && starts(scan, "${"))
			return no_variables;
		if (*scan->at == '\\' && scan->at + 1 < scan->end && scan->at[1] != '\n')
			scan->at++;
		scan->at++;
	}
	if (scan->at >= scan->end || *scan->at == '\n')
		return "the quoted text does not end on its line; add the closing quote";
	scan->at++;
	return NULL;
}

/* Skips a word, or one character that ends words. */
static void
skip_word(struct scan *scan)
{
	size_t length = strcspn(scan->at, " #\"'\t\n\r={}()+,*");

	if (*scan->at == '\n')
		scan->line++;
	else if (*scan->at == '{' && scan->depth++ == 0)
		scan->open_line = scan->line;
	else if (*scan->at == '}' && scan->depth > 0)
		scan->depth--;
	scan->at += length == 0 ? 1 : length;
}

/* Skips one comment, quoted text, word or other character. */
static const char *
step(struct scan *scan)
{
	if (*scan->at == '"' || *scan->at == '\'')
		return skip_quoted(scan);
	if (starts(scan, "/*"))
		return blank_comment(scan);
	if (starts(scan, "${"))
		return no_variables;
	if (*scan->at == '#' || starts(scan, "//"))
		blank_line_rest(scan);
	else
		skip_word(scan);
	return NULL;
}

static_assert(CONF_TEXT_LINE_MAX == 65536, "lines_check() says so");

static const char *
lines_check(struct scan *scan)
{
	const char *start = scan->at;

	for (const char *p = start; p <= scan->end; p++) {
		bool last = p == scan->end || *p == '\n';

		if (!last && *p == '\0')
			return "has a NUL byte: the file is not a text";
		if (last && p - start > CONF_TEXT_LINE_MAX)
			return "the line is longer than 65536 bytes; split it";
		if (last) {
			start = p + 1;
			scan->line++;
		}
	}
	scan->line = 1;
	return NULL;
}

static enum err_code
prepare(struct conf_text *conf_text, struct diagnostics *diagnostics)
{
	struct scan scan = { .at = conf_text->text, .end = conf_text->text + conf_text->length,
	    .line = 1 };
	const char *problem = lines_check(&scan);

	while (problem == NULL && scan.at < scan.end)
		problem = step(&scan);
	if (problem != NULL) {
		diagnostics_error(diagnostics, scan.line, "%s", problem);
		return ERR_INVALID;
	}
	conf_text->open_line = scan.depth > 0 ? scan.open_line : 0;
	return ERR_OK;
}

enum err_code
conf_text_read(const char *file, struct conf_text *ret, struct diagnostics *diagnostics,
    struct err *err)
{
	bool standard = strcmp(file, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	enum err_code code;

	*ret = (struct conf_text){ .text = NULL };
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", file, strerror(errno));
	code = read_all(fd, file_input_name(file), ret, err);
	if (!standard)
		close(fd);
	if (code == ERR_OK)
		code = prepare(ret, diagnostics);
	if (code != ERR_OK) {
		free(ret->text);
		ret->text = NULL;
	}
	return code;
}
