/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * How far a long command has come, on the standard error: only on a terminal, and
 * only once it takes longer than a second.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE		*file;		/* NULL: nobody looks */
	const char	*what;
	uint64_t	 done;
	uint64_t	 total;		/* 0: not known */
	int64_t		 next_ms;	/* when to write again */
	bool		 shown;
};

void progress_begin(struct progress *progress, FILE *file, const char *what, uint64_t total);
void progress_step(struct progress *progress);
/* Wipes the line. */
void progress_end(struct progress *progress);

#endif
