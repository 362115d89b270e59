/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * System calls of lbcluster that fail: the n-th of open(2), link(2), mkdir(2) and fsync(2). The
 * program is linked with the wraps of test_store_faults in tests/faults/local.mk.
 */
#ifndef TESTS_FAULTS_SYSTEM_H
#define TESTS_FAULTS_SYSTEM_H

#include <stdbool.h>

/* The n-th call from now on fails once with this errno. n 0: none fails. */
void system_fails_at(long n, int error);
/* True if the failure happened. */
bool system_failed(void);

#endif
