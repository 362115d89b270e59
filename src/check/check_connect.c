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
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/check_private.h"

static socklen_t
sockaddr_of(const struct check_spec *spec, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, spec->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(spec->port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, spec->address, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(spec->port);
	return sizeof(*v6);
}

static void
connect_cancel(struct check_run *run)
{
	struct check_watch *watch = run->state;

	/* A child that is starting may have the same open file, see check_command.c. */
	epoll_ctl(run->io->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	close(watch->fd);
	free(watch);
	run->state = NULL;
	run->io->open[CHECK_POOL_SOCKETS]--;
}

static void
message_set(struct check_run *run, int error)
{
	snprintf(run->message, sizeof(run->message), "connect: %s", strerror(error));
}

static void
on_connected(struct check_watch *watch, uint32_t events)
{
	struct check_run *run = watch->arg;
	int error = 0;
	socklen_t size = sizeof(error);

	(void)events;
	if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	connect_cancel(run);
	message_set(run, error);
	run->io->done(run, error == 0);
}

/* Errors of connect(2) that say nothing about the server. */
static bool
is_local(int error)
{
	return error == EADDRNOTAVAIL || error == ENOBUFS || error == ENOMEM || error == EAGAIN;
}

static enum check_started
connect_start(struct check_run *run)
{
	const struct linger reset = { .l_onoff = 1 };
	struct check_watch *watch = malloc(sizeof(*watch));
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = watch };
	struct sockaddr_storage to;
	socklen_t size = sockaddr_of(run->spec, &to);
	int fd = -1;

	if (watch == NULL)
		goto local;
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto local;
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0)
		goto local;
	*watch = (struct check_watch){ .fn = on_connected, .arg = run, .fd = fd };
	if (connect(fd, (const struct sockaddr *)&to, size) == 0 || errno == EINPROGRESS) {
		if (epoll_ctl(run->io->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
			goto local;
		run->state = watch;
		run->io->open[CHECK_POOL_SOCKETS]++;
		return CHECK_STARTED;
	}
	message_set(run, errno);
	if (is_local(errno))
		goto close;
	close(fd);
	free(watch);
	run->io->done(run, false);
	return CHECK_STARTED;
local:
	message_set(run, errno);
close:
	if (fd >= 0)
		close(fd);
	free(watch);
	return CHECK_NOT_STARTED;
}

const struct check_ops check_connect_ops = {
	"connect", CHECK_POOL_SOCKETS, connect_start, connect_cancel
};
