/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Messages to systemd, sd_notify(3). Every function does nothing without $NOTIFY_SOCKET or
 * libsystemd. No function blocks if systemd does not read.
 */
#ifndef SERVICE_SDNOTIFY_H
#define SERVICE_SDNOTIFY_H

#include "util/loop.h"

/* Must live as long as the loop. The caller zeroes it. */
struct sdnotify_watchdog {
	struct loop		*loop;
	struct loop_timer	 timer;
	int64_t			 every_ms;
};

void sdnotify_ready(void);
void sdnotify_reloading(void);
void sdnotify_stopping(void);
/* Sends WATCHDOG=1 from the loop, twice per WatchdogSec=. Does nothing if systemd has no
 * watchdog for this process. */
void sdnotify_watchdog_start(struct sdnotify_watchdog *watchdog, struct loop *loop);
/* Sets the line of "systemctl status". Sends READY=1 again if sdnotify_ready() could not
 * send it. */
void sdnotify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
