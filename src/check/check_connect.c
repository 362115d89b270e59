/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks that a server accepts a TCP connection. The close sends a reset (SO_LINGER 0, socket(7)),
 * so no connection waits in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "check/check_private.h"

union endpoint {
	struct sockaddr		any;
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;
};

static socklen_t
endpoint_of(const struct check_spec *spec, union endpoint *ret)
{
	*ret = (union endpoint){ .v6.sin6_family = AF_INET6, .v6.sin6_port = htons(spec->port) };
	if (inet_pton(AF_INET6, spec->text[CHECK_ADDRESS], &ret->v6.sin6_addr) == 1)
		return sizeof(ret->v6);
	*ret = (union endpoint){ .v4.sin_family = AF_INET, .v4.sin_port = htons(spec->port) };
	inet_pton(AF_INET, spec->text[CHECK_ADDRESS], &ret->v4.sin_addr);
	return sizeof(ret->v4);
}

static sa_family_t
family_of(const struct check_spec *spec)
{
	return strchr(spec->text[CHECK_ADDRESS], ':') != NULL ? AF_INET6 : AF_INET;
}

static struct check_idle *
idle_of(struct check_io *io, sa_family_t family)
{
	return &io->idle[family == AF_INET6];
}

/* An event of an idle socket. */
static void
on_idle(void *arg, int fd, uint32_t events)
{
	(void)arg;
	(void)fd;
	(void)events;
}

static void on_connected(void *arg, int fd, uint32_t events);

/* Opens a socket for 'run', or takes an idle one. A socket is watched with EPOLLET, so the kernel
 * reports each connection once and an idle socket not again and again. -1 with errno. */
static int
socket_get(struct check_run *run, sa_family_t family)
{
	const struct linger reset = { .l_onoff = 1 };
	struct check_idle *idle = idle_of(run->io, family);
	int fd, error;

	if (idle->n > 0) {
		fd = idle->fds[--idle->n];
		check_watch_pass(run->io, fd, on_connected, run);
		return fd;
	}
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0 &&
	    check_watch(run->io, fd, EPOLLOUT | EPOLLET, on_connected, run)))
		return fd;
	error = errno;
	check_close(run->io, fd);
	errno = error;
	return -1;
}

/* Ends the connection of 'fd' with a reset and keeps the socket for the next check, connect(2).
 * That costs half of a close(2) and a socket(2). */
static void
socket_put(struct check_run *run, int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct check_idle *idle = idle_of(run->io, family_of(run->spec));

	if (idle->n < CHECK_IDLE_MAX && connect(fd, &none, sizeof(none)) == 0) {
		check_watch_pass(run->io, fd, on_idle, NULL);
		idle->fds[idle->n++] = fd;
	} else {
		check_close(run->io, fd);
	}
}

static void
run_end(struct check_run *run)
{
	run->state = NULL;
	run->io->open[CHECK_POOL_SOCKETS]--;
}

static void
connect_cancel(struct check_run *run)
{
	check_close(run->io, run->fd);
	run_end(run);
}

static void
error_done(struct check_run *run, int error)
{
	snprintf(run->io->message, sizeof(run->io->message), "%s", strerror(error));
	run->io->done(run, check_error_is_local(error) ? CHECK_UNDECIDED : CHECK_BAD);
}

/* No error, ECONNRESET and EPIPE mean that the server accepted the connection: tcp_reset() of Linux
 * reports a reset before the connection is established as ECONNREFUSED, and a later one as one of
 * these two. */
static void
on_connected(void *arg, int fd, uint32_t events)
{
	struct check_run *run = arg;
	int error = 0;
	socklen_t size = sizeof(error);

	if ((events & (EPOLLERR | EPOLLHUP)) == 0) {
		socket_put(run, fd);
		run_end(run);
		run->io->done(run, CHECK_GOOD);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	connect_cancel(run);
	if (error == 0 || error == ECONNRESET || error == EPIPE)
		run->io->done(run, CHECK_GOOD);
	else
		error_done(run, error);
}

static void
connect_start(struct check_run *run)
{
	union endpoint to;
	socklen_t size = endpoint_of(run->spec, &to);
	int fd = socket_get(run, to.any.sa_family), error;

	if (fd >= 0 && (connect(fd, &to.any, size) == 0 || errno == EINPROGRESS)) {
		run->fd = fd;
		run->state = run;
		run->io->open[CHECK_POOL_SOCKETS]++;
		return;
	}
	error = errno;
	check_close(run->io, fd);
	error_done(run, error);
}

void
check_connect_close(struct check_io *io)
{
	for (size_t i = 0; i < 2; i++)
		while (io->idle[i].n > 0)
			check_close(io, io->idle[i].fds[--io->idle[i].n]);
}

const struct check_ops check_connect_ops = {
	"connect", CHECK_POOL_SOCKETS, connect_start, connect_cancel
};
