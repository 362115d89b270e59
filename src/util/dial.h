/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Connects to an endpoint without blocking the loop. For TCP it looks the host up and tries
 * each of its addresses in turn.
 */
#ifndef UTIL_DIAL_H
#define UTIL_DIAL_H

#include <stdbool.h>

#include "util/endpoint.h"
#include "util/lookup.h"
#include "util/loop.h"

enum {
	DIAL_LOOKUP_MS = 10000,		/* for the lookup of a host */
	DIAL_CONNECT_MS = 3000,		/* for each address: time for two SYN segments */
	/* The kernel closes a TCP connection after this time without an acknowledgement: the
	 * host of the peer lost power, or the network drops packets. */
	DIAL_PEER_TIMEOUT_MS = 20000,
};

enum dial_status {
	DIAL_CONNECTED,
	DIAL_NAME,		/* the lookup failed; code: EAI_ number of getaddrinfo(3) */
	DIAL_FAILED,		/* no address accepts; code: errno of the last one */
	DIAL_LOCAL,		/* this process has no memory, descriptor or thread */
};

/* 'fd' belongs to the caller and does not block; -1 unless connected. 'remote': at least one
 * address that was tried is not of the loopback interface. */
struct dial_result {
	enum dial_status	status;
	int			code;
	int			fd;
	bool			remote;
};

typedef void (*dial_fn)(void *arg, const struct dial_result *result);

/* The caller zeroes it before the first dial_begin(). */
struct dial {
	struct loop		*loop;		/* NULL: no attempt is in progress */
	dial_fn			 done;
	void			*arg;
	struct lookup		*lookup;
	struct addrinfo		*list, *next;
	int			 fd;
	int			 error;		/* errno of the last address */
	bool			 remote;
	struct loop_timer	 timer;
};

/* Starts an attempt that calls done(arg) once: before dial_begin() returns for a UNIX socket,
 * otherwise from the loop, after at most DIAL_LOOKUP_MS plus DIAL_CONNECT_MS for each address.
 * Errors of a UNIX socket: EPERM if this process has no access to its directory, EACCES if it
 * has no access to the socket, EAGAIN if the backlog is full. */
void dial_begin(struct dial *dial, struct loop *loop, const struct endpoint *to, dial_fn done,
    void *arg);

/* Ends an attempt without a call of done(). Does nothing without one. */
void dial_cancel(struct dial *dial);

/* Creates a stream socket that does not block, and starts its connect(2). Returns 0 if it is
 * connected, EINPROGRESS if POLLOUT and then SO_ERROR report the result (TCP), otherwise errno
 * and no socket (*ret_fd is -1). EAGAIN of a UNIX socket: its backlog is full. */
int dial_socket(const struct sockaddr *address, socklen_t length, int *ret_fd);

#endif
