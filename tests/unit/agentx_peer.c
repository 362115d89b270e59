/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The master's end of an AgentX connection; see agentx_peer.h.
 */
#include "agentx_peer.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "require.h"

enum { READ_SIZE = 64 * 1024 };

int
peer_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	require(fd >= 0 && strlen(path) < sizeof(address.sun_path), "%s: no socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	require(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s: bind", path);
	require(listen(fd, 0) == 0, "%s: listen", path);
	return fd;
}

ssize_t
peer_read(struct peer *peer, int flags)
{
	size_t used = peer->n - peer->at;
	ssize_t got;

	if (peer->at > used) {
		memcpy(peer->in, peer->in + peer->at, used);
		peer->at = 0;
		peer->n = used;
	}
	require(peer->n + READ_SIZE <= sizeof(peer->in), "too many bytes without a message");
	got = recv(peer->fd, peer->in + peer->n, READ_SIZE, flags);
	if (got > 0)
		peer->n += (size_t)got;
	return got;
}

bool
peer_take(struct peer *peer, struct message *ret)
{
	size_t length = message_take(ret, peer->in + peer->at, peer->n - peer->at);

	peer->at += length;
	if (peer->at == peer->n)
		peer->at = peer->n = 0;
	return length > 0;
}

ssize_t
peer_send(const struct peer *peer, const void *data, size_t n)
{
	return send(peer->fd, data, n, MSG_NOSIGNAL);
}

void
peer_response(struct message *ret, const struct message *request, uint32_t session,
    unsigned int error)
{
	message_begin(ret, RESPONSE, request->flags & NETWORK, session, request->transaction,
	    request->packet);
	put_32(ret, 0);
	put_16(ret, error);
	put_16(ret, 0);
	message_finish(ret);
}

void
peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	peer->at = peer->n = 0;
}
