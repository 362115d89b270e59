/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * One request; see haproxy_socket.h.
 *
 *   (start) --connect--> sending --all sent--> receiving --end of file--> answered
 *      ^ |                  |                      |
 *      | v full             +------ deadline ------+--> failed
 *     (wait)
 *
 * A request waits if the backlog of HAProxy is full, or if this program has too many open files.
 *
 * The deadline bounds HAProxy's time. If the loop of this program notices the deadline late
 * (slow disk, busy machine), the request gets that delay once more, and reads what has arrived.
 */
#include "plane/haproxy/haproxy_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/dial.h"

enum {
	RETRY_MIN_MS = 10,	/* the backlog of HAProxy is full; doubled by each try */
	RETRY_MAX_MS = 500,
	FDS_RESERVED = 16,	/* descriptors that are left to SQLite, which opens journals */
	READ_MIN = 16384,	/* space for one read */
	READS_MAX = 64,		/* in one turn of the loop */
};

struct haproxy_request {
	struct loop		*loop;
	struct loop_timer	 deadline, retry;
	int			 timeout_ms;
	int			 retry_ms;	/* before the next connect(2) */
	int64_t			 due_ms;	/* the deadline */
	bool			 extended;	/* noticed late, and moved once */
	bool			 no_fd;		/* waits for a descriptor */
	haproxy_answer_fn	 fn;
	void			*arg;
	int			 fd;
	struct haproxy_endpoint	 to;
	char			*line;
	size_t			 length, sent;
	char			*answer;
	size_t			 received, room;
	pid_t			*peer;		/* NULL: not wanted */
};

static void start(void *arg);

static void
request_close(struct haproxy_request *request)
{
	if (request->fd == -1)
		return;
	loop_fd_watch(request->loop, request->fd, 0, NULL, NULL);
	close(request->fd);
	request->fd = -1;
}

void
haproxy_request_cancel(struct haproxy_request *request)
{
	if (request == NULL)
		return;
	request_close(request);
	loop_timer_cancel(request->loop, &request->deadline);
	loop_timer_cancel(request->loop, &request->retry);
	free(request->line);
	free(request->answer);
	free(request);
}

void
haproxy_request_want_peer(struct haproxy_request *request, pid_t *ret)
{
	request->peer = ret;
}

static pid_t
peer_of(const struct haproxy_request *request)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);

	if (request->to.address.ss_family != AF_UNIX || request->fd == -1 ||
	    getsockopt(request->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == -1)
		return 0;
	return peer.pid;
}

/* Frees the request and calls its callback. */
static void
finish(struct haproxy_request *request, enum haproxy_failure failure, const char *message)
{
	haproxy_answer_fn fn = request->fn;
	char text[ERR_TEXT_SIZE], *answer = NULL;
	size_t length = 0;
	void *arg = request->arg;

	snprintf(text, sizeof(text), "%.120s: %s", request->to.text, message);
	if (failure == HAPROXY_ANSWERED) {
		answer = request->answer;
		length = request->received;
		request->answer = NULL;
	}
	if (request->peer != NULL)
		*request->peer = peer_of(request);
	haproxy_request_cancel(request);
	fn(arg, failure, answer, length, text);
}

static void on_deadline(void *arg);

static void
deadline_set(struct haproxy_request *request, int64_t after_ms)
{
	request->due_ms = clock_steady_ms() + after_ms;
	loop_timer_set(request->loop, &request->deadline, after_ms, on_deadline, request);
}

static void
on_deadline(void *arg)
{
	struct haproxy_request *request = arg;
	char message[80];

	if (!request->extended) {
		request->extended = true;
		deadline_set(request, clock_steady_ms() - request->due_ms);
		return;
	}
	if (request->no_fd) {
		finish(request, HAPROXY_UNREACHABLE,
		    "lbcluster-haproxy has too many open files; raise LimitNOFILE= of its unit");
		return;
	}
	snprintf(message, sizeof(message), "no %s within %d.%03d s",
	    request->received > 0 ? "end of its answer" : "answer", request->timeout_ms / 1000,
	    request->timeout_ms % 1000);
	finish(request, HAPROXY_TIMEOUT, message);
}

/* -- receiving -------------------------------------------------------------------- */

static bool
answer_grow(struct haproxy_request *request)
{
	size_t room = request->room == 0 ? 4 * (size_t)READ_MIN : 2 * request->room;
	char *bigger;

	if (request->room - request->received > READ_MIN)
		return true;
	if (room > HAPROXY_ANSWER_MAX)
		return false;
	bigger = realloc(request->answer, room);
	if (bigger == NULL)
		return false;
	request->answer = bigger;
	request->room = room;
	return true;
}

/* Leaves one byte for a NUL. */
static void
receive(struct haproxy_request *request)
{
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n;

		if (!answer_grow(request)) {
			finish(request, HAPROXY_TOO_LONG, "its answer is too long");
			return;
		}
		n = recv(request->fd, request->answer + request->received,
		    request->room - request->received - 1, 0);
		if (n == 0) {
			finish(request, HAPROXY_ANSWERED, "");
			return;
		}
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1) {
			finish(request, HAPROXY_UNREACHABLE, strerror(errno));
			return;
		}
		request->received += (size_t)n;
	}
}

/* The message for an errno of socket(2) or connect(2). The unit for systemd allows no network:
 * socket() fails with EAFNOSUPPORT, and the packet filter of IPAddressDeny= makes connect()
 * fail with EPERM. */
static const char *
connect_message(const struct haproxy_request *request, int error)
{
	const struct sockaddr_un *address =
	    (const struct sockaddr_un *)(const void *)&request->to.address;
	bool on_disk = request->to.address.ss_family == AF_UNIX;
	struct stat st;

	if (!on_disk && (error == EAFNOSUPPORT || error == EPERM))
		return "the unit of systemd allows no network; install "
		    "lbcluster-haproxy-tcp.conf.example";
	if (on_disk && error == ECONNREFUSED && stat(address->sun_path, &st) == 0 &&
	    !S_ISSOCK(st.st_mode))
		return "is not a socket; give the path of \"stats socket\" in haproxy.cfg";
	return strerror(error);
}

/* -- sending ---------------------------------------------------------------------- */

static void
on_ready(void *arg, short events)
{
	struct haproxy_request *request = arg;
	ssize_t n;

	(void)events;
	if (request->sent == request->length) {
		receive(request);
		return;
	}
	n = send(request->fd, request->line + request->sent, request->length - request->sent,
	    MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		finish(request, HAPROXY_UNREACHABLE, connect_message(request, errno));
		return;
	}
	if (n > 0)
		request->sent += (size_t)n;
	if (request->sent == request->length)
		loop_fd_watch(request->loop, request->fd, POLLIN, on_ready, request);
}

/* -- starting --------------------------------------------------------------------- */

/* A HAProxy that has stopped leaves its backlog full for long, one that is busy for
 * milliseconds. */
static void
start_later(struct haproxy_request *request)
{
	request_close(request);
	loop_timer_set(request->loop, &request->retry, request->retry_ms, start, request);
	request->retry_ms *= 2;
	if (request->retry_ms > RETRY_MAX_MS)
		request->retry_ms = RETRY_MAX_MS;
}

static void
start(void *arg)
{
	struct haproxy_request *request = arg;
	int error;

	error = dial_socket((const struct sockaddr *)&request->to.address, request->to.length,
	    &request->fd);
	if ((error == 0 || error == EINPROGRESS) && request->fd >= getdtablesize() - FDS_RESERVED)
		error = EMFILE;
	/* Mute HAProxys have all descriptors until their deadline. */
	if (request->no_fd != (error == EMFILE)) {
		request->no_fd = error == EMFILE;
		deadline_set(request, (request->no_fd ? 2 : 1) * (int64_t)request->timeout_ms);
	}
	/* The backlog of a UNIX socket is full. */
	if (request->no_fd || (error == EAGAIN && request->to.address.ss_family == AF_UNIX)) {
		start_later(request);
		return;
	}
	/* If TCP is still connecting, on_ready() gets the result. */
	if (error != 0 && error != EINPROGRESS) {
		finish(request, HAPROXY_UNREACHABLE, connect_message(request, error));
		return;
	}
	if (!loop_fd_watch(request->loop, request->fd, POLLOUT, on_ready, request))
		finish(request, HAPROXY_UNREACHABLE, strerror(ENOMEM));
}

struct haproxy_request *
haproxy_request_new(struct loop *loop, const struct haproxy_endpoint *to, const char *line,
    size_t length, int timeout_ms, haproxy_answer_fn fn, void *arg)
{
	struct haproxy_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->loop = loop;
	request->timeout_ms = timeout_ms;
	request->fn = fn;
	request->arg = arg;
	request->fd = -1;
	request->retry_ms = RETRY_MIN_MS;
	request->length = length;
	request->to = *to;
	request->line = malloc(length);
	if (request->line == NULL) {
		free(request);
		return NULL;
	}
	memcpy(request->line, line, length);
	deadline_set(request, timeout_ms);
	loop_timer_set(loop, &request->retry, 0, start, request);
	return request;
}
