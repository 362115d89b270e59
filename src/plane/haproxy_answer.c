/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The parts of an answer, told apart by how they begin; see haproxy_answer.h.
 */
#include "plane/haproxy_answer.h"

#include <stdlib.h>
#include <string.h>

#include "plane/haproxy_csv.h"
#include "plane/haproxy_state.h"
#include "util/num.h"

char *
haproxy_line_next(struct haproxy_text *text)
{
	char *line = text->at, *end;

	if (line >= text->end)
		return NULL;
	end = memchr(line, '\n', (size_t)(text->end - line));
	if (end == NULL)
		end = text->end;
	*end = '\0';
	text->at = end < text->end ? end + 1 : end;
	return line;
}

char *
haproxy_printable(char *text)
{
	for (char *p = text; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	return text;
}

static void
info_take(struct haproxy_view *view, const char *line)
{
	if (strncmp(line, "Pid: ", 5) == 0)
		(void)num_parse(line + 5, 0, UINT64_MAX, &view->pid);
	else if (strncmp(line, "Start_time_sec: ", 16) == 0)
		(void)num_parse(line + 16, 0, INT64_MAX, &view->start_time);
	else if (strncmp(line, "Version: ", 9) == 0)
		view->version = line + 9;
}

/* "show info", from its first line to an empty one. */
static void
info_parse(struct haproxy_text *text, struct haproxy_view *view)
{
	const char *line;

	while ((line = haproxy_line_next(text)) != NULL && line[0] != '\0')
		info_take(view, line);
}

/* What HAProxy said in place of what was asked for. */
static enum err_code
refuse(char *words, struct err *err)
{
	if (words == NULL)
		return err_set(err, ERR_INVALID, "its answer is empty");
	return err_set(err, ERR_INVALID, "its answer is \"%.120s\"", haproxy_printable(words));
}

static enum err_code
parts_parse(struct haproxy_text *text, struct haproxy_view *view, struct err *err)
{
	bool info = false, stat = false, state = false;
	enum err_code code = ERR_OK;
	char *line, *words = NULL;

	while (code == ERR_OK && (line = haproxy_line_next(text)) != NULL) {
		if (strncmp(line, "Name: ", 6) == 0 && !info) {
			info = true;
			info_parse(text, view);
		} else if (haproxy_csv_begins(line) && !stat) {
			stat = true;
			code = haproxy_csv_parse(line, text, view, err);
		} else if (haproxy_state_begins(line) && stat && !state) {
			state = true;
			code = haproxy_state_parse(line, text, view, err);
		} else if (words == NULL && line[0] != '\0' && strcmp(line, "1") != 0) {
			words = line;	/* "1" is the version of show servers state */
		}
	}
	if (code == ERR_OK && !(info && stat && state))
		code = refuse(words, err);
	return code;
}

enum err_code
haproxy_view_parse(char *text, size_t length, struct haproxy_view *ret, struct err *err)
{
	struct haproxy_text rest = { text, text + length };
	struct haproxy_view view = { .version = "" };
	enum err_code code;

	text[length] = '\0';
	code = parts_parse(&rest, &view, err);
	if (code != ERR_OK) {
		haproxy_view_done(&view);
		return code;
	}
	*ret = view;
	return ERR_OK;
}

void
haproxy_view_done(struct haproxy_view *view)
{
	free(view->servers);
	free(view->backends);
	*view = (struct haproxy_view){ .version = "" };
}
