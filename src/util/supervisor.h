/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Messages to systemd, sd_notify(3). Every function does nothing without $NOTIFY_SOCKET or
 * libsystemd. No function blocks if systemd does not read.
 */
#ifndef UTIL_SUPERVISOR_H
#define UTIL_SUPERVISOR_H

#include "util/loop.h"

/* Must live as long as the loop. The caller zeroes it. */
struct supervisor_watchdog {
	struct loop		*loop;
	struct loop_timer	 timer;
	int64_t			 every_ms;
};

void supervisor_ready(void);
void supervisor_reloading(void);
void supervisor_stopping(void);
/* Sends WATCHDOG=1 from the loop, twice per WatchdogSec=. Does nothing if systemd has no
 * watchdog for this process. */
void supervisor_watchdog_start(struct supervisor_watchdog *watchdog, struct loop *loop);
/* Sets the line of "systemctl status". Sends READY=1 again if supervisor_ready() could not
 * send it. */
void supervisor_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
