/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * System calls of our own objects that fail: the n-th of open(2), link(2), mkdir(2),
 * fsync(2). Programs with this are linked with system_fails_ldflags of
 * tests/faults/local.mk.
 */
#ifndef TESTS_FAULTS_SYSTEM_H
#define TESTS_FAULTS_SYSTEM_H

#include <stdbool.h>

/* The n-th from now on fails, once, with 'error' as errno (n 0: none does). */
void system_fails_at(long n, int error);
/* True if that came to pass. */
bool system_failed(void);

#endif
