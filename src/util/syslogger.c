/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Sends lines to syslogd; see syslogger.h. The format is the C library's (RFC 3164).
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

/* One connection per process. */
static const char *place = _PATH_LOG;
static int connection = -1;
static int type;	/* of the socket: SOCK_DGRAM or SOCK_STREAM */

static void
leave(void)
{
	if (connection != -1)
		close(connection);
	connection = -1;
}

void
syslogger_path_set(const char *path)
{
	place = path;
	leave();
}

/* Connects with a socket of type 'wanted'. Returns 0 or errno. */
static int
connect_as(int wanted)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", place);
	type = wanted;
	connection = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connection != -1 &&
	    connect(connection, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	error = errno;
	leave();
	return error;
}

/* Connects if not connected. Some older syslogds listen on a stream socket. */
static bool
reach(void)
{
	int error = connection != -1 ? 0 : connect_as(SOCK_DGRAM);

	return (error == EPROTOTYPE ? connect_as(SOCK_STREAM) : error) == 0;
}

bool
syslogger_send(int priority, const char *ident, const char *line)
{
	char text[LINE_SIZE], when[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int length;
	ssize_t sent;
	size_t size;

	if (localtime_r(&now, &tm) != NULL)
		strftime(when, sizeof(when), "%h %e %T", &tm);
	length = snprintf(text, sizeof(text), "<%d>%s %s[%ld]: %s", LOG_DAEMON | priority, when,
	    ident, (long)getpid(), line);
	if (length >= (int)sizeof(text))
		length = (int)sizeof(text) - 1;
	/* Two tries, because syslogd may have been restarted. */
	for (int tries = 0; tries < 2 && reach(); tries++) {
		/* In a stream a NUL ends a line. */
		size = (size_t)length + (type == SOCK_STREAM ? 1 : 0);
		sent = send(connection, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent == (ssize_t)size)
			return true;
		if (sent == -1 && (errno == EAGAIN || errno == ENOBUFS))
			return false;
		leave();
	}
	return false;
}
