/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The master's end of an AgentX connection, for unit tests, fuzz targets and benchmarks. The
 * messages are those of agentx_pdu.h.
 */
#ifndef TESTS_AGENTX_PEER_H
#define TESTS_AGENTX_PEER_H

#include <sys/types.h>

#include "agentx_pdu.h"

struct peer {
	int	fd;			/* -1: no connection */
	size_t	at, n;			/* in[at..n-1] is read and not taken */
	uint8_t	in[8 * 1024 * 1024];
};

/* Makes a UNIX socket at 'path' that accepts without waiting, with the shortest backlog. */
int peer_listen(const char *path);

/* Reads once, with the flags of recv(2), and returns its result. */
ssize_t peer_read(struct peer *peer, int flags);

/* Takes the first message that was read. False if it is not complete. */
bool peer_take(struct peer *peer, struct message *ret);

/* Sends without SIGPIPE and returns the result of send(2). */
ssize_t peer_send(const struct peer *peer, const void *data, size_t n);

/* Makes the response to a request. */
void peer_response(struct message *ret, const struct message *request, uint32_t session,
    unsigned int error);

/* Closes the connection and drops what was read. */
void peer_close(struct peer *peer);

#endif
