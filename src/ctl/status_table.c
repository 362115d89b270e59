/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/status_table.h"

#include <string.h>

#include "util/memory.h"
#include "util/text.h"

enum {
	SAMPLE_ROWS = 500,
	GAP = 2,		/* spaces between columns */
	INDENT = 2,		/* spaces before a name, for each row above it */
	REASON_MIN = 24,	/* columns left out for a longer part of the reason */
};

/* "\033[" and "m" around them make the colours of ECMA-48 (SGR). */
static const char *const colours[LOOKS] = {
	[LOOK_GOOD] = "32", [LOOK_IDLE] = "36", [LOOK_WARNING] = "33", [LOOK_BAD] = "31",
	[LOOK_UNKNOWN] = "35",
};

#define BOLD "1"

/* -- a line --------------------------------------------------------------------- */

struct line {
	const struct status_table	*table;
	size_t				 used;		/* columns */
	size_t				 spaces;	/* not printed yet */
};

/* Returns the columns that are left of the terminal. */
static size_t
line_left(const struct line *line)
{
	size_t width = line->table->width, used = line->used + line->spaces;

	if (width == 0)
		return SIZE_MAX;
	return width > used ? width - used : 0;
}

/* Prints at most 'limit' columns of a text, in a colour unless it is NULL. A text that does not fit
 * ends with an ellipsis. */
static void
line_text(struct line *line, const char *text, size_t limit, const char *colour)
{
	size_t left = line_left(line), columns = text_columns(text), length;
	FILE *file = line->table->file;
	bool cut;

	if (limit < left)
		left = limit;
	cut = columns > left;
	if (left == 0 || columns == 0)
		return;
	for (; line->spaces > 0; line->spaces--, line->used++)
		putc(' ', file);
	if (colour != NULL)
		fprintf(file, "\033[%sm", colour);
	line->used += cut ? left : columns;
	if (!cut)
		fputs(text, file);
	while (cut && (length = text_character(text, &columns)) > 0 && columns < left) {
		fwrite(text, 1, length, file);
		text += length;
		left -= columns;
	}
	if (cut)
		fputs("\u2026", file);
	if (colour != NULL)
		fputs("\033[m", file);
}

static void
line_cell(struct line *line, enum status_cell cell, size_t indent, const char *text,
    const char *colour)
{
	size_t columns = text_columns(text) + indent;
	size_t width = line->table->widths[cell], pad = width > columns ? width - columns : 0;
	bool right = status_columns[cell].right, is_last = cell == CELL_REASON;

	line->spaces += indent + (right ? pad : 0);
	line_text(line, text, line->table->width == 0 || is_last ? SIZE_MAX :
	    width > indent ? width - indent : 0, colour);
	line->spaces += GAP + (right ? 0 : pad);
}

static size_t
indent_of(enum status_cell cell, const struct status_row *row)
{
	return cell == CELL_NAME ? INDENT * (size_t)(row->depth - DEPTH_CLUSTER) : 0;
}

/* -- lines ----------------------------------------------------------------------- */

void
status_table_titles(const struct status_table *table)
{
	struct line line = { .table = table };

	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		if (table->shown[cell])
			line_cell(&line, cell, 0, status_columns[cell].title, NULL);
	}
}

void
status_table_row(const struct status_table *table, const struct status_view *view,
    const struct status_row *row)
{
	struct line line = { .table = table };
	char buf[CELL_SIZE];

	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		const char *colour = cell == CELL_STATUS ? colours[row->look] :
		    cell == CELL_NAME && row->service == NULL ? BOLD : NULL;

		if (table->shown[cell])
			line_cell(&line, cell, indent_of(cell, row),
			    status_cell_text(view, row, cell, buf), table->colour ? colour : NULL);
	}
}

void
status_table_text(const struct status_table *table, const char *text)
{
	struct line line = { .table = table };

	line_text(&line, text, SIZE_MAX, NULL);
}

/* -- widths ----------------------------------------------------------------------- */

struct measuring {
	struct status_table	*table;
	struct status_view	*view;
};

static bool
row_measure(void *arg, const struct status_row *row)
{
	struct measuring *measuring = arg;
	struct status_table *table = measuring->table;
	char buf[CELL_SIZE];

	if (table->rows++ >= SAMPLE_ROWS)
		return true;
	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		const char *text = status_cell_text(measuring->view, row, cell, buf);
		size_t columns = text_columns(text) + indent_of(cell, row);

		if (columns > table->widths[cell])
			table->widths[cell] = columns;
	}
	return true;
}

static size_t
total_width(const struct status_table *table)
{
	size_t total = 0;

	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		if (table->shown[cell])
			total += GAP + (cell == CELL_REASON && table->widths[cell] > REASON_MIN ?
			    REASON_MIN : table->widths[cell]);
	}
	return total - GAP;
}

/* Narrows names and endpoints that are longer than most, before columns are left out. */
static void
columns_narrow(struct status_table *table)
{
	static const struct {
		enum status_cell	cell;
		size_t			least;
		size_t			percent;	/* of the terminal */
	} rows[] = { { CELL_ENDPOINT, 21, 20 }, { CELL_NAME, 16, 30 } };

	for (size_t i = 0; i < ROWS(rows) && total_width(table) > table->width; i++) {
		size_t part = table->width * rows[i].percent / 100;
		size_t most = part > rows[i].least ? part : rows[i].least;

		if (table->widths[rows[i].cell] > most)
			table->widths[rows[i].cell] = most;
	}
}

static void
columns_leave_out(struct status_table *table)
{
	int highest = 0;

	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		if (table->shown[cell] && status_columns[cell].leave_out > highest)
			highest = status_columns[cell].leave_out;
	}
	for (enum status_cell cell = 0; cell < CELLS && highest > 0; cell++) {
		if (status_columns[cell].leave_out == highest)
			table->shown[cell] = false;
	}
}

bool
status_table_measure(struct status_table *table, struct status_view *view)
{
	struct measuring measuring = { table, view };

	table->rows = 0;
	for (enum status_cell cell = 0; cell < CELLS; cell++) {
		table->widths[cell] = text_columns(status_columns[cell].title);
		table->shown[cell] = true;
	}
	if (!status_view_each(view, row_measure, &measuring))
		return false;
	if (table->width != 0)
		columns_narrow(table);
	for (int i = 0; i < CELLS && table->width != 0 && total_width(table) > table->width; i++)
		columns_leave_out(table);
	return true;
}
