/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Waiting for descriptors, signals and a time: poll(2) for a loop that turns once for
 * each request.
 */
#ifndef UTIL_WAIT_H
#define UTIL_WAIT_H

#include <poll.h>
#include <stdint.h>

#define WAIT_FOR_EVER INT64_MAX

/* poll(2) until 'until_ms' of clock_steady_ms(), or until a signal comes that
 * signals_catch() caught: -1 then. May return early. One loop in a process. */
int wait_ready(struct pollfd *fds, nfds_t n, int64_t until_ms);

#endif
