/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Prints the differences that a merge reports: lines for people, or an array of JSON.
 */
#ifndef CTL_CHANGE_LINES_H
#define CTL_CHANGE_LINES_H

#include "ctl/merge.h"
#include "ctl/out.h"

struct changes {
	FILE		*file;
	struct out	*out;		/* of JSON; NULL: lines */
	/* The data plane with which the store is compared, which JSON has in each object; NULL:
	 * the store is compared with a file. */
	const char	*source;
	size_t		 n;		/* printed */
};

/* Begins the output. False without memory. */
bool changes_begin(struct changes *changes, FILE *file, enum out_format format);
void changes_print(struct changes *changes, const struct merge_change *change);
/* Ends the output. If not 'complete', an array of JSON is left open. */
void changes_end(struct changes *changes, bool complete);

#endif
