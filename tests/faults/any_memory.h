/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Allocations that fail for the whole process: lbcluster, SQLite, net-snmp and the C library.
 * Replaces malloc(3), calloc(3) and realloc(3).
 */
#ifndef TESTS_FAULTS_ANY_MEMORY_H
#define TESTS_FAULTS_ANY_MEMORY_H

#include <stdbool.h>

/* False under a sanitizer or valgrind, which replace malloc(3) themselves. */
bool any_memory_possible(void);

/* The n-th allocation from now on fails once. 0: none fails. */
void any_memory_fails_at(long n);
/* True if the last requested failure happened. */
bool any_memory_failed(void);

#endif
