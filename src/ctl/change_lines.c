/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/change_lines.h"

#include "util/memory.h"

enum { VALUE_SIZE = 2048 };

static const struct out_column columns[] = {
	{ "change", NULL, OUT_TEXT },
	{ "path", NULL, OUT_TEXT },
	{ "column", NULL, OUT_TEXT },
	{ "from", NULL, OUT_TEXT },
	{ "to", NULL, OUT_TEXT },
	{ "source", NULL, OUT_TEXT },
};

bool
changes_begin(struct changes *changes, FILE *file, enum out_format format)
{
	changes->file = file;
	if (format != OUT_JSON)
		return true;
	changes->out = out_begin(file, OUT_JSON, OUT_LIST, columns,
	    changes->source != NULL ? ROWS(columns) : ROWS(columns) - 1);
	return changes->out != NULL;
}

static const char *
value_text(const char *value, char buf[VALUE_SIZE])
{
	return value[0] == '\0' ? "\"\"" : out_printable(value, buf, VALUE_SIZE);
}

static void
line_print(struct changes *changes, const struct merge_change *change, const char *path)
{
	char from[VALUE_SIZE], to[VALUE_SIZE];

	fprintf(changes->file, "%c %s", change->sign, path);
	if (change->column != NULL)
		fprintf(changes->file, " %s %s -> %s", change->column,
		    value_text(change->from, from), value_text(change->to, to));
	fputc('\n', changes->file);
}

void
changes_print(struct changes *changes, const struct merge_change *change)
{
	const char *name = change->sign == '+' ? "add" : change->sign == '-' ? "remove" : "update";
	bool row = change->column == NULL;
	char path[PATH_TEXT_SIZE];

	path_text(change->path, path);
	changes->n++;
	if (changes->out == NULL)
		line_print(changes, change, path);
	else
		out_row(changes->out, (const struct out_value[ROWS(columns)]){ { .text = name },
		    { .text = path }, { .text = change->column, .absent = row },
		    { .text = change->from, .absent = row }, { .text = change->to, .absent = row },
		    { .text = changes->source } });
}

void
changes_end(struct changes *changes, bool complete)
{
	out_finish(changes->out, complete);
}
