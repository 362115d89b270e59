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

void
supervisor_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
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
