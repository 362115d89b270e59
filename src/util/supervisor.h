/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Words to systemd, sd_notify(3); nothing where it does not listen, or where this
 * was built without libsystemd. Nothing waits for a systemd that stands still.
 */
#ifndef UTIL_SUPERVISOR_H
#define UTIL_SUPERVISOR_H

#include "util/loop.h"

/* Lives as long as the loop; zero it. */
struct supervisor_watchdog {
	struct loop		*loop;
	struct loop_timer	 timer;
	int64_t			 every_ms;
};

void supervisor_ready(void);
void supervisor_reloading(void);
void supervisor_stopping(void);
/* Feeds the watchdog from the loop, twice in the time that WatchdogSec= allows, from now
 * on and as long as the loop runs; nothing if nobody watches this process. */
void supervisor_watchdog_start(struct supervisor_watchdog *watchdog, struct loop *loop);
/* One line for "systemctl status", every now and then: what supervisor_ready() had to say
 * and was not heard goes with it. */
void supervisor_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
