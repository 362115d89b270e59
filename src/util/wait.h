/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Waiting for descriptors until a time: poll(2) for a loop that turns once for each
 * request.
 */
#ifndef UTIL_WAIT_H
#define UTIL_WAIT_H

#include <poll.h>
#include <stdint.h>

#define WAIT_FOR_EVER INT64_MAX

/* poll(2) until 'until_ms' of clock_steady_ms() at the latest; fds[n] must be there and
 * is used. Returns how many of fds[0..n-1] are ready, -1 as poll(2) does. May return 0
 * early. One loop in a process. */
int wait_ready(struct pollfd *fds, nfds_t n, int64_t until_ms);

#endif
