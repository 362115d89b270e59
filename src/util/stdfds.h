/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Opens standard input, output and error if the caller closed them.
 */
#ifndef UTIL_STDFDS_H
#define UTIL_STDFDS_H

#include <stdbool.h>

/* Opens those of the descriptors 0 to 2 that are closed, so that no other file gets their
 * numbers: output and log lines would go into that file, and daemonize_done() would close
 * it. Each read and write of them fails, as it did before. Call it first in main(). False
 * with errno on failure. */
bool stdfds_open(void);

#endif
