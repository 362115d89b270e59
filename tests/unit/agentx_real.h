/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine of src/mib, over a store on disk, for the master of agentx_fake.h: all of
 * the subagent but the wiring of lbclusterd. And what it uses, which must not grow.
 */
#ifndef TESTS_AGENTX_REAL_H
#define TESTS_AGENTX_REAL_H

#include "agentx_fake.h"
#include "mib_pdu.h"

struct usage {
	int	descriptors;
	size_t	heap;		/* octets, but for SQLite's: its caches have bounds of their own */
};

/* Job rows as many as are kept, all of them ended: from now on none is added but in the
 * place of another. */
void real_jobs_fill(unsigned int kept);

/* They wait for as long as nobody takes them. */
void real_notifications_drop(void);

struct usage real_usage(void);
/* Starts the program again with a malloc() that keeps no freed blocks for the thread: these count
 * as used, and glibc 2.43 keeps more of them than real_usage_check() allows. Does nothing where
 * valgrind or a sanitizer has the heap. 'argv' is that of main(). */
void real_heap_exact(char *argv[]);
/* Fails if more is in use than at that time, but for 'slack' octets. */
void real_usage_check(const struct usage *before, size_t slack);

#endif
