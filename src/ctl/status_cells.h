/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The columns of "lbclusterctl status" for people, in a table and in a page.
 */
#ifndef CTL_STATUS_CELLS_H
#define CTL_STATUS_CELLS_H

#include "ctl/status_rows.h"

enum status_cell {
	CELL_NAME, CELL_STATUS, CELL_ENDPOINT, CELL_SHARE, CELL_WEIGHT, CELL_CONNS, CELL_RATE,
	CELL_BPS_IN, CELL_BPS_OUT, CELL_REASON, CELLS
};

enum { CELL_SIZE = 400 };

struct status_column {
	const char	*title;
	bool		 right;		/* aligned to the right */
	/* A narrow screen leaves out the column with the highest number first; 0: never. */
	int		 leave_out;
};

extern const struct status_column status_columns[CELLS];

/* Returns the text of a cell, without control characters: "-" for a value that is absent, "" for
 * one that the row cannot have. */
const char *status_cell_text(const struct status_view *view, const struct status_row *row,
    enum status_cell cell, char buf[CELL_SIZE]);

/* Returns why the status of a service may not be what clients see: cache_service_reason(), and the
 * age of the measurement if its data plane is not polled. "" if there is nothing to say. */
const char *status_service_reason(const struct status_view *view, const struct status_row *row,
    char buf[CELL_SIZE]);

/* Returns the counts in one line: "4 services: 1 degraded, 3 up; 9 real services, 2 clusters". */
const char *status_summary_text(const struct status_view *view, char buf[CELL_SIZE]);

/* Returns what is shown in place of no rows. */
const char *status_empty_text(const struct status_view *view);

#endif
