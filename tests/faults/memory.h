/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Memory that runs out: the n-th allocation fails, of our own objects or of SQLite.
 * Programs with this are linked with memory_fails_ldflags of tests/local.mk.
 */
#ifndef TESTS_FAULTS_MEMORY_H
#define TESTS_FAULTS_MEMORY_H

#include <stdbool.h>

/* Of the allocations of our own objects from now on the n-th fails, once (0: none). */
void memory_fails_at(long n);
/* True if that came to pass, here or in SQLite. */
bool memory_failed(void);

/* So that SQLite's may fail as well, every single one of them: before anything else of
 * SQLite is used. */
void memory_sqlite_set_up(void);
/* As memory_fails_at(), for SQLite. */
void memory_sqlite_fails_at(long n);

#endif
