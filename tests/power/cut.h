/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A recording up to the moment of a power cut, and what the disk may hold then. Synced
 * operations are there. Each other operation may be there or not, in any order. The name of a
 * file is safe only after a sync of its directory.
 */
#ifndef TESTS_POWER_CUT_H
#define TESTS_POWER_CUT_H

#include "record.h"

/* What happens to the operations that are not synced. */
enum loss {
	LOSS_ALL,	/* none of them is on the disk */
	LOSS_NONE,	/* all are: only the process ended */
	LOSS_SOME,	/* each one at random */
};

struct cut {
	const struct recording	*recording;
	size_t			 at;		/* operations before the cut */
	size_t			 begun, done;	/* steps, counted from 1 */
	struct {
		unsigned char	*data;
		size_t		 size;
	} *files;				/* synced content, by number */
	struct name_table	 names;		/* synced names */
	size_t			*pending;	/* operations that are not synced, in order */
	size_t			 n_pending;
};

void cut_start(struct cut *cut, const struct recording *recording);
/* Moves the cut behind the next operation. Returns false at the end of the recording. */
bool cut_next(struct cut *cut);
/* True if the last operation changed a name. */
bool cut_is_at_name(const struct cut *cut);
/* Fills *ret, for disk_free(). The same seed gives the same disk. */
void cut_disk(const struct cut *cut, enum loss loss, uint64_t seed, struct disk *ret);
void cut_end(struct cut *cut);

#endif
