/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Waits for descriptors, signals and a time: a faster poll(2) for a loop that makes one turn
 * per request.
 */
#ifndef UTIL_POLLER_H
#define UTIL_POLLER_H

#include <poll.h>
#include <stdint.h>

#define POLLER_FOREVER INT64_MAX

/* poll(2) until 'until_ms' of clock_steady_ms(). Returns -1 if a signal of signals_catch()
 * arrived. May return early. Only one loop in a process may call it. */
int poller_wait(struct pollfd *fds, nfds_t n, int64_t until_ms);

#endif
