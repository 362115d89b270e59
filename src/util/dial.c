/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* DIAL_PEER_TIMEOUT_MS in all. */
enum { PROBE_AFTER_S = 10, PROBE_EVERY_S = 5, PROBES = 2 };

static void address_try(struct dial *dial);

/* -- the end of an attempt -------------------------------------------------------------- */

static void
connect_drop(struct dial *dial)
{
	if (dial->fd == -1)
		return;
	loop_fd_watch(dial->loop, dial->fd, 0, NULL, NULL);
	close(dial->fd);
	dial->fd = -1;
}

void
dial_cancel(struct dial *dial)
{
	if (dial->loop == NULL)
		return;
	loop_timer_cancel(dial->loop, &dial->timer);
	if (dial->lookup != NULL)
		loop_fd_watch(dial->loop, lookup_fd(dial->lookup), 0, NULL, NULL);
	lookup_abandon(dial->lookup);
	connect_drop(dial);
	if (dial->list != NULL)
		freeaddrinfo(dial->list);
	*dial = (struct dial){ .fd = -1 };
}

/* done() may call dial_begin() again. */
static void
finish(struct dial *dial, enum dial_status status, int code)
{
	struct dial_result result = { .status = status, .code = code, .fd = -1,
		.remote = dial->remote };
	dial_fn done = dial->done;
	void *arg = dial->arg;

	if (status == DIAL_CONNECTED) {
		loop_fd_watch(dial->loop, dial->fd, 0, NULL, NULL);
		result.fd = dial->fd;
		dial->fd = -1;
	}
	dial_cancel(dial);
	done(arg, &result);
}

/* -- UNIX sockets ----------------------------------------------------------------------- */

/* EPERM if this process has no access to the directory, otherwise EACCES: the two have
 * different remedies. */
static int
access_error(const char *path)
{
	char dir[ENDPOINT_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');

	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	return eaccess(slash == path ? "/" : dir, X_OK) == -1 ? EPERM : EACCES;
}

int
dial_socket(const struct sockaddr *address, socklen_t length, int *ret_fd)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = fd == -1 || connect(fd, address, length) == -1 ? errno : 0;

	if (fd != -1 && error != 0 && error != EINPROGRESS) {
		close(fd);
		fd = -1;
	}
	*ret_fd = fd;
	return error;
}

/* Ends with an errno of socket(2) or connect(2). */
static void
finish_failed(struct dial *dial, int error)
{
	bool local = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;

	finish(dial, local ? DIAL_LOCAL : DIAL_FAILED, error);
}

/* The connect(2) of a UNIX socket succeeds or fails at once. */
static void
unix_connect(struct dial *dial, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error;

	memcpy(address.sun_path, path, strlen(path) + 1);
	error = dial_socket((struct sockaddr *)&address, sizeof(address), &dial->fd);
	if (error == 0)
		finish(dial, DIAL_CONNECTED, 0);
	else
		finish_failed(dial, error == EACCES ? access_error(path) : error);
}

/* -- TCP ----------------------------------------------------------------------------------- */

static void
option_set(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Sets options of tcp(7). TCP_USER_TIMEOUT bounds the time for data without acknowledgement,
 * the probes bound it for a connection without traffic. */
static void
options_set(int fd)
{
	option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S);
	option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S);
	option_set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
	option_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, DIAL_PEER_TIMEOUT_MS);
}

/* True if the socket is connected to itself. The kernel may give a socket that connects to a
 * free local port that same port. */
static bool
is_self(int fd)
{
	struct sockaddr_storage own = { 0 }, peer = { 0 };
	socklen_t n = sizeof(own), m = sizeof(peer);

	return getsockname(fd, (struct sockaddr *)&own, &n) == 0 &&
	    getpeername(fd, (struct sockaddr *)&peer, &m) == 0 && n == m &&
	    memcmp(&own, &peer, n) == 0;
}

static void
address_failed(struct dial *dial, int error)
{
	connect_drop(dial);
	dial->error = error;
	address_try(dial);
}

static void
on_connected(void *arg, short events)
{
	struct dial *dial = arg;
	int error = 0;
	socklen_t n = sizeof(error);

	(void)events;
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		error = errno;
	if (error == 0 && is_self(dial->fd))
		error = ECONNREFUSED;
	if (error != 0)
		address_failed(dial, error);
	else
		finish(dial, DIAL_CONNECTED, 0);
}

static void
on_connect_timeout(void *arg)
{
	address_failed(arg, ETIMEDOUT);
}

/* Tries the next address of the list; ends the attempt if there is none. */
static void
address_try(struct dial *dial)
{
	const struct addrinfo *address;
	int error;

	while ((address = dial->next) != NULL) {
		dial->next = address->ai_next;
		if (!endpoint_is_loopback(address->ai_addr))
			dial->remote = true;
		error = dial_socket(address->ai_addr, address->ai_addrlen, &dial->fd);
		if (error == 0 || error == EINPROGRESS) {
			options_set(dial->fd);
			if (loop_fd_watch(dial->loop, dial->fd, POLLOUT, on_connected, dial)) {
				loop_timer_set(dial->loop, &dial->timer, DIAL_CONNECT_MS,
				    on_connect_timeout, dial);
				return;
			}
			error = ENFILE;
		}
		connect_drop(dial);
		dial->error = error;
	}
	finish_failed(dial, dial->error);
}

static void
on_lookup(void *arg, short events)
{
	struct dial *dial = arg;
	struct lookup *lookup = dial->lookup;
	int error;

	(void)events;
	loop_timer_cancel(dial->loop, &dial->timer);
	loop_fd_watch(dial->loop, lookup_fd(lookup), 0, NULL, NULL);
	dial->lookup = NULL;
	error = lookup_end(lookup, &dial->list);
	dial->next = dial->list;
	if (error == EAI_MEMORY)
		finish(dial, DIAL_LOCAL, ENOMEM);
	else if (error != 0)
		finish(dial, DIAL_NAME, error);
	else
		address_try(dial);
}

static void
on_lookup_timeout(void *arg)
{
	finish(arg, DIAL_NAME, EAI_AGAIN);
}

static void
lookup_start(struct dial *dial, const struct endpoint *to)
{
	dial->lookup = lookup_begin(to->host, to->port);
	if (dial->lookup == NULL || !loop_fd_watch(dial->loop, lookup_fd(dial->lookup), POLLIN,
	    on_lookup, dial))
		finish(dial, DIAL_LOCAL, ENOMEM);
	else
		loop_timer_set(dial->loop, &dial->timer, DIAL_LOOKUP_MS, on_lookup_timeout, dial);
}

/* Returns errno if this process may not create TCP sockets, as under systemd with
 * RestrictAddressFamilies=AF_UNIX. A lookup would fail with a misleading error then. */
static int
network_error(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 && errno == EAFNOSUPPORT)
		fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static void
tcp_connect(struct dial *dial, const struct endpoint *to)
{
	int error = network_error();

	if (error != 0) {
		finish(dial, DIAL_FAILED, error);
		return;
	}
	if (lookup_number(to->host, to->port, &dial->list) != 0) {
		lookup_start(dial, to);
		return;
	}
	dial->next = dial->list;
	address_try(dial);
}

void
dial_begin(struct dial *dial, struct loop *loop, const struct endpoint *to, dial_fn done, void *arg)
{
	*dial = (struct dial){ .loop = loop, .done = done, .arg = arg, .fd = -1 };
	switch (to->kind) {
	case ENDPOINT_UNIX:
		unix_connect(dial, to->path);
		return;
	case ENDPOINT_TCP:
		tcp_connect(dial, to);
		return;
	}
}
