/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Plays a tape to every cut, and has what remains of the disk judged.
 */
#ifndef TESTS_POWER_PLAY_H
#define TESTS_POWER_PLAY_H

#include "cut.h"
#include "judge.h"

struct play_options {
	unsigned	variants;	/* at each cut with something not synced */
	unsigned	again;		/* one in so many is cut again while it recovers; 0: none */
	uint64_t	seed;
	size_t		enough;		/* harms, then it ends; 0: never */
	bool		quiet;
};

struct figures {
	size_t	ops[OP_KINDS];
	size_t	cuts;
	size_t	remains;		/* disks made */
	size_t	judged;			/* of these, the different ones */
	size_t	kinds[LOSSES];		/* of those judged */
	size_t	again;			/* cuts while it recovered from one */
	size_t	harms[HARMS];
};

/* Adds to *figures. What is below scene->root is used for it. */
void play(const struct scene *scene, const struct tape *tape,
    const struct play_options *options, struct figures *figures);
void figures_add(struct figures *figures, const struct figures *more);
size_t figures_harms(const struct figures *figures);
void figures_print(const char *name, const struct figures *figures);

#endif
