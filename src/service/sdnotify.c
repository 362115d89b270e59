/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "service/sdnotify.h"

#include <stdarg.h>
#include <stdio.h>

#ifdef HAVE_LIBSYSTEMD
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#else
#define sd_watchdog_enabled(unset, ret_us) ((void)(ret_us), 0)
#endif

/* Sends one message; false if systemd's socket is full. sd_notify(3) would block then. The
 * protocol is documented in sd_notify(3). */
static bool
message_send(const char *message)
{
#ifdef HAVE_LIBSYSTEMD
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path == NULL ? 0 : strlen(path);
	ssize_t sent;
	int fd;

	if (length < 2 || length > sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return true;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';	/* abstract socket */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	sent = sendto(fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
	return sent != -1;
#else
	(void)message;
	return true;
#endif
}

/* READY=1 was not sent, because the socket of systemd was full. Without READY=1 the start of the
 * unit fails. */
static bool ready_pending;

void
sdnotify_ready(void)
{
	ready_pending = !message_send("READY=1");
}

void
sdnotify_reloading(void)
{
	(void)message_send("RELOADING=1");
}

void
sdnotify_stopping(void)
{
	(void)message_send("STOPPING=1");
}

static void
on_watchdog(void *arg)
{
	struct sdnotify_watchdog *watchdog = arg;

	(void)message_send("WATCHDOG=1");
	loop_timer_set(watchdog->loop, &watchdog->timer, watchdog->every_ms, on_watchdog, watchdog);
}

void
sdnotify_watchdog_start(struct sdnotify_watchdog *watchdog, struct loop *loop)
{
	uint64_t allowed_us = 0;

	if (sd_watchdog_enabled(0, &allowed_us) <= 0)
		return;
	watchdog->loop = loop;
	watchdog->every_ms = (int64_t)(allowed_us / 2000);
	on_watchdog(watchdog);
}

void
sdnotify_status(const char *fmt, ...)
{
	char text[256] = "STATUS=";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + 7, sizeof(text) - 7, fmt, ap);
	va_end(ap);
	if (ready_pending)
		sdnotify_ready();
	(void)message_send(text);
}
