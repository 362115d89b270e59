/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine of src/mib over a store, for the master of agentx_fake.h: the whole subagent without
 * lbclusterd's main loop. Also measures its memory and descriptors.
 */
#ifndef TESTS_AGENTX_REAL_H
#define TESTS_AGENTX_REAL_H

#include "agentx_fake.h"
#include "mib_pdu.h"

struct usage {
	int	descriptors;
	size_t	heap;		/* bytes without SQLite, whose caches have bounds */
};

/* Fills the job table with finished jobs, so that each new job replaces one. */
void real_jobs_fill(unsigned int kept);

/* Drops all waiting notifications. */
void real_notifications_drop(void);

struct usage real_usage(void);
/* Starts the program again with a malloc() that keeps no freed blocks for the thread. They count
 * as used, and glibc 2.43 keeps more of them than real_usage_check() allows. Does nothing if
 * valgrind or a sanitizer has the heap. 'argv' is that of main(). */
void real_heap_exact(char *argv[]);
/* Fails if more is in use than at that time, apart from 'slack' bytes. */
void real_usage_check(const struct usage *before, size_t slack);

#endif
