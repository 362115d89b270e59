/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Allocations that fail: the n-th of the objects of lbcluster, or of SQLite. A program with this
 * file is linked with memory_fails_ldflags of tests/local.mk.
 */
#ifndef TESTS_FAULTS_MEMORY_H
#define TESTS_FAULTS_MEMORY_H

#include <stdbool.h>

/* The n-th allocation of lbcluster from now on fails once. 0: none fails. */
void memory_fails_at(long n);
/* True if the failure happened, in lbcluster or in SQLite. */
bool memory_failed(void);

/* Prepares failures of SQLite's allocations. Call it before any other function of SQLite. */
void memory_sqlite_set_up(void);
/* As memory_fails_at(), for SQLite. */
void memory_sqlite_fails_at(long n);

#endif
