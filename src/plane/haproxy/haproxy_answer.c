/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The parts of an answer, told apart by how they begin; see haproxy_answer.h.
 */
#include "plane/haproxy/haproxy_answer.h"

#include <stdlib.h>
#include <string.h>

#include "plane/haproxy/haproxy_csv.h"
#include "plane/haproxy/haproxy_state.h"
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

static const char *const level_names[] = {
	[HAPROXY_LEVEL_USER] = "user", [HAPROXY_LEVEL_OPERATOR] = "operator",
	[HAPROXY_LEVEL_ADMIN] = "admin",
};

enum { LEVELS = sizeof(level_names) / sizeof(level_names[0]) };

static enum haproxy_level
level_of(const char *line)
{
	for (size_t i = HAPROXY_LEVEL_USER; i < LEVELS; i++) {
		if (strcmp(line, level_names[i]) == 0)
			return (enum haproxy_level)i;
	}
	return HAPROXY_LEVEL_UNKNOWN;
}

const char *
haproxy_level_problem(enum haproxy_level level)
{
	switch (level) {
	case HAPROXY_LEVEL_USER:
		return "its level is user, which changes no server";
	case HAPROXY_LEVEL_OPERATOR:
		return "its level is operator, which changes no server";
	case HAPROXY_LEVEL_UNKNOWN:
	case HAPROXY_LEVEL_ADMIN:
		break;
	}
	return NULL;
}

/* The parts of an answer that were found so far. */
struct parts {
	bool	 info, stat, state;
	char	*words;		/* the first line that belongs to no part; NULL: none */
};

static enum err_code
parts_parse(struct haproxy_text *text, struct haproxy_view *view, struct parts *parts,
    struct err *err)
{
	enum err_code code = ERR_OK;
	char *line;

	while (code == ERR_OK && (line = haproxy_line_next(text)) != NULL) {
		if (strncmp(line, "Name: ", 6) == 0 && !parts->info) {
			parts->info = true;
			info_parse(text, view);
		} else if (haproxy_csv_begins(line) && !parts->stat) {
			parts->stat = true;
			code = haproxy_csv_parse(line, text, view, err);
		} else if (haproxy_state_begins(line) && parts->stat && !parts->state) {
			parts->state = true;
			code = haproxy_state_parse(line, text, view, err);
		} else if (!parts->info && level_of(line) != HAPROXY_LEVEL_UNKNOWN) {
			view->level = level_of(line);
		} else if (parts->words == NULL && line[0] != '\0' && strcmp(line, "1") != 0) {
			parts->words = line;	/* "1" is the version of show servers state */
		}
	}
	return code;
}

/* Judges what was found. An answer of HAProxy, also one that refuses, ends with an empty
 * line (management.txt 9.3): without it HAProxy ended, or something between cut it off. */
static enum err_code
parts_judge(const struct parts *parts, bool begun, bool whole, size_t length,
    enum err_code code, struct err *err)
{
	if (code == ERR_NOMEM || (code == ERR_OK && parts->info && parts->stat && parts->state))
		return code;
	if (length == 0)
		return err_set(err, ERR_INVALID, "its answer is empty");
	if ((begun && !whole) || (code == ERR_OK && parts->words == NULL))
		return err_set(err, ERR_INVALID, "its answer is cut off after %zu octets", length);
	if (code != ERR_OK)
		return code;
	return err_set(err, ERR_INVALID, "its answer is \"%.120s\"",
	    haproxy_printable(parts->words));
}

enum err_code
haproxy_view_parse(char *text, size_t length, struct haproxy_view *ret, struct err *err)
{
	struct haproxy_text rest = { text, text + length };
	struct haproxy_view view = { .version = "" };
	bool whole = length >= 2 && text[length - 1] == '\n' && text[length - 2] == '\n';
	struct parts parts = { 0 };
	enum err_code code;

	text[length] = '\0';
	code = parts_parse(&rest, &view, &parts, err);
	code = parts_judge(&parts, parts.info || parts.stat || view.level != HAPROXY_LEVEL_UNKNOWN,
	    whole, length, code, err);
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
