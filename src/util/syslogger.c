/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lines to syslogd; see syslogger.h. The format is that of the C library, RFC 3164.
 */
#include "util/syslogger.h"

#include <errno.h>
#include <paths.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 2048 };

/* Of the process, as the log is. */
static const char *place = _PATH_LOG;
static int connection = -1;

static void
leave(void)
{
	if (connection != -1)
		close(connection);
	connection = -1;
}

void
syslogger_place(const char *path)
{
	place = path;
	leave();
}

static bool
reach(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (connection != -1)
		return true;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", place);
	connection = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (connection == -1)
		return false;
	if (connect(connection, (struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	leave();
	return false;
}

bool
syslogger_send(int priority, const char *ident, const char *line)
{
	char text[LINE_SIZE], when[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int length;

	if (localtime_r(&now, &tm) != NULL)
		strftime(when, sizeof(when), "%h %e %T", &tm);
	length = snprintf(text, sizeof(text), "<%d>%s %s[%ld]: %s", LOG_DAEMON | priority, when,
	    ident, (long)getpid(), line);
	if (length >= (int)sizeof(text))
		length = (int)sizeof(text) - 1;
	/* A second time, since syslogd may have been started anew. */
	for (int tries = 0; tries < 2 && reach(); tries++) {
		if (send(connection, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
			return true;
		if (errno == EAGAIN || errno == ENOBUFS)
			return false;
		leave();
	}
	return false;
}
