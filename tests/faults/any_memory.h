/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Memory that runs out for everybody in this process: us, SQLite, net-snmp's library, the
 * C library. Stands in for malloc(3) and its kind.
 */
#ifndef TESTS_FAULTS_ANY_MEMORY_H
#define TESTS_FAULTS_ANY_MEMORY_H

#include <stdbool.h>

/* The sanitizers and valgrind have a heap of their own, which nobody can stand in for. */
bool any_memory_possible(void);

/* The n-th allocation from now on fails, once (0: none). */
void any_memory_fails_at(long n);
/* True if the last one that was to fail did. */
bool any_memory_failed(void);

#endif
