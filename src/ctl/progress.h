/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The progress of a command that takes longer than a second, on a terminal.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE		*file;		/* a terminal; NULL: none */
	const char	*what;
	uint64_t	 done;
	uint64_t	 total;		/* 0: unknown */
	int64_t		 next_ms;	/* time of the next output */
	bool		 shown;
};

void progress_begin(struct progress *progress, FILE *file, const char *what, uint64_t total);
/* Counts a row. */
void progress_step(struct progress *progress);
/* Sets the number of rows that are done, at any rate. */
void progress_set(struct progress *progress, uint64_t done);
/* Erases the line. */
void progress_end(struct progress *progress);

#endif
