/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * "lbclusterctl status" as lines of text, for a terminal or a pipe.
 */
#ifndef CTL_STATUS_TABLE_H
#define CTL_STATUS_TABLE_H

#include <stdio.h>

#include "ctl/status_cells.h"

struct status_table {
	FILE		*file;
	bool		 colour;
	size_t		 width;		/* columns of the terminal; 0: lines are not cut */
	/* Set by status_table_measure(). */
	size_t		 widths[CELLS];
	bool		 shown[CELLS];
	size_t		 rows;		/* of the view */
};

/* Computes the widths from the first rows, and leaves out columns until the lines fit. False
 * without memory. */
bool status_table_measure(struct status_table *table, struct status_view *view);

/* Print the titles, a row, and a text cut at the width; each without a newline. */
void status_table_titles(const struct status_table *table);
void status_table_row(const struct status_table *table, const struct status_view *view,
    const struct status_row *row);
void status_table_text(const struct status_table *table, const char *text);

#endif
