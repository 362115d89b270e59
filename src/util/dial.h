/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A connection to an endpoint, made from a loop that never waits: a UNIX socket at once, TCP
 * after a lookup of the name and a connect to each of its addresses in turn.
 */
#ifndef UTIL_DIAL_H
#define UTIL_DIAL_H

#include <stdbool.h>

#include "util/endpoint.h"
#include "util/lookup.h"
#include "util/loop.h"

enum {
	DIAL_LOOKUP_MS = 10000,	/* for a name */
	DIAL_CONNECT_MS = 3000,	/* for each address: two SYN segments, and their answers */
	/* A peer that vanished without a word (its host lost power, packets are dropped) is
	 * noticed after this time, idle or not. */
	DIAL_SILENCE_MS = 20000,
};

enum dial_status {
	DIAL_CONNECTED,
	DIAL_NAME,		/* the name has no address; code: EAI_ number of getaddrinfo(3) */
	DIAL_FAILED,		/* no address answers; code: errno of the last one */
	DIAL_LOCAL,		/* no memory, descriptor or thread */
};

/* 'fd' is the caller's when it is connected, else -1; it does not block. 'remote': one of
 * the addresses that were tried is not of the loopback interface. */
struct dial_result {
	enum dial_status	status;
	int			code;
	int			fd;
	bool			remote;
};

typedef void (*dial_fn)(void *arg, const struct dial_result *result);

/* Zero it, then dial_begin(). */
struct dial {
	struct loop		*loop;		/* NULL: nothing is under way */
	dial_fn			 done;
	void			*arg;
	struct lookup		*lookup;
	struct addrinfo		*list, *next;
	int			 fd;
	int			 error;		/* errno of the latest address */
	bool			 remote;
	struct loop_timer	 timer;
};

/* Starts, and calls done(arg) once: before it returns where nothing has to be waited for
 * (UNIX sockets), else from the loop, after DIAL_LOOKUP_MS and DIAL_CONNECT_MS for each
 * address at the latest. EPERM for a UNIX socket means that its directory may not be
 * entered, EACCES that the socket may not be used, EAGAIN that its backlog is full. */
void dial_begin(struct dial *dial, struct loop *loop, const struct endpoint *to, dial_fn done,
    void *arg);

/* Ends a connection attempt without a call of done(). Does nothing without one. */
void dial_cancel(struct dial *dial);

/* Creates a stream socket that does not block, and starts its connect(2). Returns 0 if it is
 * connected, EINPROGRESS if POLLOUT and then SO_ERROR report the result (TCP), otherwise errno
 * and no socket (*ret_fd is -1). EAGAIN of a UNIX socket: its backlog is full. */
int dial_socket(const struct sockaddr *address, socklen_t length, int *ret_fd);

#endif
