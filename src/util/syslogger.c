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
static int type;	/* of its socket */

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

/* 0, or errno. */
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

/* A few of the older ones listen for streams. */
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
	/* A second time, since syslogd may have been started anew. */
	for (int tries = 0; tries < 2 && reach(); tries++) {
		/* In a stream a line ends with its NUL. */
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
