/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Words to systemd, sd_notify(3); nothing where it does not listen, or where this
 * was built without libsystemd.
 */
#ifndef UTIL_SUPERVISOR_H
#define UTIL_SUPERVISOR_H

void supervisor_ready(void);
void supervisor_reloading(void);
void supervisor_stopping(void);
/* The loop is alive: feeds WatchdogSec=. */
void supervisor_alive(void);
/* One line for "systemctl status". */
void supervisor_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
