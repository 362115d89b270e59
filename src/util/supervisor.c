/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Words to systemd; see supervisor.h.
 */
#include "util/supervisor.h"

#include <stdarg.h>
#include <stdio.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, state) ((void)(state))
#define sd_watchdog_enabled(unset, ret_us) ((void)(ret_us), 0)
#endif

void
supervisor_ready(void)
{
	sd_notify(0, "READY=1");
}

void
supervisor_reloading(void)
{
	sd_notify(0, "RELOADING=1");
}

void
supervisor_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

static void
on_watchdog(void *arg)
{
	struct supervisor_watchdog *watchdog = arg;

	sd_notify(0, "WATCHDOG=1");
	loop_timer_set(watchdog->loop, &watchdog->timer, watchdog->every_ms, on_watchdog,
	    watchdog);
}

void
supervisor_watchdog_start(struct supervisor_watchdog *watchdog, struct loop *loop)
{
	uint64_t allowed_us = 0;

	if (sd_watchdog_enabled(0, &allowed_us) <= 0)
		return;
	watchdog->loop = loop;
	watchdog->every_ms = (int64_t)(allowed_us / 2000);
	on_watchdog(watchdog);
}

void
supervisor_status(const char *fmt, ...)
{
	char text[256] = "STATUS=";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + 7, sizeof(text) - 7, fmt, ap);
	va_end(ap);
	sd_notify(0, text);
}
