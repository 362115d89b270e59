/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A tape played up to the moment when the power goes, and what the disk may hold then.
 * What was synced is there. Of what was not, a disk owes nothing: neither that it is
 * there, nor that it is not, nor an order, nor whole writes; and the name of a file is
 * another thing than the file, safe only once its directory was synced.
 */
#ifndef TESTS_POWER_CUT_H
#define TESTS_POWER_CUT_H

#include "tape.h"

/* What becomes of what was not synced. */
enum loss {
	LOSS_NONE,	/* all is there: the end of the process alone */
	LOSS_ALL,
	LOSS_TAIL,	/* in order up to some point, and that write in part */
	LOSS_SOME,	/* any of the operations, whole */
	LOSS_SECTORS,	/* any of the sectors; what is missing of a longer file is zeros */
	LOSS_GARBAGE,	/* that, and a sector half written, and what mmap(2) wrote wild */
	LOSSES
};

extern const char *const loss_names[LOSSES];

struct cut_file {
	unsigned char	*data;		/* what is safe */
	size_t		 size;
};

struct cut_name {
	char		 name[NAME_SIZE];
	int		 file;		/* NO_FILE: a directory */
};

struct cut {
	const struct tape	*tape;
	size_t			 at;		/* operations that the disk was told */
	size_t			 begun, done;	/* steps, counted from 1 */
	struct cut_file		*files;
	struct cut_name		 names[REMAINS_MAX];	/* safe as well */
	size_t			 n_names;
	size_t			*pending;	/* operations that are not, in order */
	size_t			 n_pending;
};

void cut_start(struct cut *cut, const struct tape *tape);
/* One operation more; false at the end of the tape. */
bool cut_next(struct cut *cut);
/* True if the last operation was about the name of a file. */
bool cut_is_at_name(const struct cut *cut);
/* Fills *ret, for remains_free(). The same seed gives the same. */
void cut_remains(const struct cut *cut, enum loss loss, uint64_t seed, struct remains *ret);
void cut_end(struct cut *cut);

#endif
