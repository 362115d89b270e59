/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A request to HAProxy's Runtime API in its non-interactive mode: one connection, one line of
 * commands joined by ";", one answer that ends with the connection. No function blocks, and
 * every request ends.
 */
#ifndef PLANE_HAPROXY_SOCKET_H
#define PLANE_HAPROXY_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

#include "plane/haproxy/haproxy_endpoint.h"
#include "util/loop.h"

enum { HAPROXY_ANSWER_MAX = 64 * 1024 * 1024 };

struct haproxy_request;

enum haproxy_failure {
	HAPROXY_ANSWERED,
	HAPROXY_UNREACHABLE,	/* not connected, or the connection broke */
	HAPROXY_TIMEOUT,	/* no complete answer in time */
	HAPROXY_TOO_LONG,	/* more than HAPROXY_ANSWER_MAX, or out of memory */
};

/* The callee owns 'answer' and frees it; answer[length] is writable. After a failure 'answer'
 * is NULL and 'message' names the socket and the failure. */
typedef void (*haproxy_answer_fn)(void *arg, enum haproxy_failure failure, char *answer,
    size_t length, const char *message);

/* Sends 'line' to the socket 'to' and passes the answer to fn(arg), once, from the loop.
 * Copies 'to' and 'line'. NULL: out of memory. */
struct haproxy_request *haproxy_request_new(struct loop *loop,
    const struct haproxy_endpoint *to, const char *line, size_t length, int timeout_ms,
    haproxy_answer_fn fn, void *arg);

/* Writes the process that listens at the socket (SO_PEERCRED of unix(7)) to *ret, before fn is
 * called. 0 for TCP, and for a process of another PID namespace. */
void haproxy_request_want_peer(struct haproxy_request *request, pid_t *ret);

/* Ends the request without calling fn. Not allowed after fn was called. NULL is allowed. */
void haproxy_request_cancel(struct haproxy_request *request);

#endif
