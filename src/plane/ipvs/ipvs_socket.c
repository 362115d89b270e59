/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * One operation on the socket of the family IPVS; see ipvs_socket.h.
 *
 *   (start) --> resolving --number of the family--> working --last reply--> done
 *                  ^                                   |
 *                  +-----ENOENT of the first reply-----+
 *
 * The kernel carries a request out within send(2), and makes a dump piece by piece within
 * recv(2). So a reply is there at once, and the deadline only bounds the wait for a kernel that
 * does not behave so. The number of the family changes when the module is loaded again.
 */
#include "plane/ipvs/ipvs_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUFFER_SIZE = 65536,	/* the kernel sends at most 32 KB at once */
	READS_MAX = 22,		/* in one turn of the loop; about 2,000 destinations */
};

enum operation {
	OPERATION_NONE, OPERATION_SERVICES, OPERATION_SERVICE, OPERATION_DESTS, OPERATION_CHANGE
};

struct ipvs_socket {
	struct loop		*loop;
	int			 timeout_ms;
	int			 fd;
	uint16_t		 family;	/* 0: not known */
	uint32_t		 sequence;	/* of the request that waits for a reply */
	struct loop_timer	 deadline;
	int			 error;		/* for on_failed() */
	enum operation		 operation;
	bool			 resolving;	/* waits for the number of the family */
	bool			 resolved;	/* the operation has asked for the number */
	struct ipvs_key		 key;		/* of OPERATION_SERVICE, OPERATION_DESTS */
	ipvs_service_fn		 each_service;
	ipvs_dest_fn		 each_dest;
	struct ipvs_request	*requests;
	size_t			 n_requests, at;
	ipvs_done_fn		 done;
	void			*arg;
	struct nlmsghdr		*buffer;
};

static void on_readable(void *arg, short events);
static void on_deadline(void *arg);

struct ipvs_socket *
ipvs_socket_new(struct loop *loop, int timeout_ms)
{
	struct ipvs_socket *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return NULL;
	new->buffer = malloc(BUFFER_SIZE);
	if (new->buffer == NULL) {
		free(new);
		return NULL;
	}
	new->loop = loop;
	new->timeout_ms = timeout_ms;
	new->fd = -1;
	return new;
}

/* Closes the descriptor, so that a reply that comes late is not read. */
static void
socket_close(struct ipvs_socket *socket)
{
	if (socket->fd == -1)
		return;
	loop_fd_watch(socket->loop, socket->fd, 0, NULL, NULL);
	close(socket->fd);
	socket->fd = -1;
	socket->family = 0;
}

void
ipvs_socket_free(struct ipvs_socket *socket)
{
	if (socket == NULL)
		return;
	socket_close(socket);
	loop_timer_cancel(socket->loop, &socket->deadline);
	free(socket->buffer);
	free(socket);
}

/* Ends the operation. Closes the socket if an error leaves replies unread. */
static void
finish(struct ipvs_socket *socket, int error)
{
	loop_timer_cancel(socket->loop, &socket->deadline);
	if (error != 0) {
		for (; socket->operation == OPERATION_CHANGE && socket->at < socket->n_requests;
		    socket->at++)
			socket->requests[socket->at].error = error;
		socket_close(socket);
	}
	socket->operation = OPERATION_NONE;
	socket->done(socket->arg, error);
}

static void
on_failed(void *arg)
{
	struct ipvs_socket *socket = arg;

	finish(socket, socket->error);
}

static void
on_deadline(void *arg)
{
	finish(arg, ETIMEDOUT);
}

/* -- sending ------------------------------------------------------------------------------ */

static int
message_send(struct ipvs_socket *socket, struct nl_msg *message)
{
	struct nlmsghdr *header;
	int error = 0;

	if (message == NULL)
		return ENOMEM;
	header = nlmsg_hdr(message);
	if (send(socket->fd, header, header->nlmsg_len, 0) == -1)
		error = errno;
	nlmsg_free(message);
	return error;
}

static struct nl_msg *
request_make(const struct ipvs_socket *socket)
{
	const struct ipvs_request *request;

	if (socket->resolving)
		return ipvs_message_family(socket->sequence);
	switch (socket->operation) {
	case OPERATION_SERVICES:
		return ipvs_message_dump(socket->family, socket->sequence, IPVS_CMD_GET_SERVICE,
		    NULL);
	case OPERATION_SERVICE:
		return ipvs_message_service(socket->family, socket->sequence, &socket->key);
	case OPERATION_DESTS:
		return ipvs_message_dump(socket->family, socket->sequence, IPVS_CMD_GET_DEST,
		    &socket->key);
	case OPERATION_CHANGE:
		request = &socket->requests[socket->at];
		return ipvs_message_change(socket->family, socket->sequence, request->command,
		    &request->service, request->command < IPVS_CMD_NEW_DEST ? NULL :
		    &request->dest);
	case OPERATION_NONE:
		break;
	}
	return NULL;
}

/* Sends the next request of the operation. */
static int
request_send(struct ipvs_socket *socket)
{
	socket->sequence++;
	socket->resolving = socket->family == 0;
	socket->resolved |= socket->resolving;
	return message_send(socket, request_make(socket));
}

static int
socket_open(struct ipvs_socket *ipvs)
{
	if (ipvs->fd != -1)
		return 0;
	ipvs->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (ipvs->fd == -1)
		return errno;
	if (loop_fd_watch(ipvs->loop, ipvs->fd, POLLIN, on_readable, ipvs))
		return 0;
	close(ipvs->fd);
	ipvs->fd = -1;
	return EMFILE;
}

/* Sends the first request. The callback of a failure comes from the loop. */
static void
start(struct ipvs_socket *socket, enum operation operation, ipvs_done_fn done, void *arg)
{
	socket->operation = operation;
	socket->done = done;
	socket->arg = arg;
	socket->resolved = false;
	socket->error = 0;
	if (operation != OPERATION_CHANGE || socket->n_requests > 0) {
		socket->error = socket_open(socket);
		if (socket->error == 0)
			socket->error = request_send(socket);
		if (socket->error == 0) {
			loop_timer_set(socket->loop, &socket->deadline, socket->timeout_ms,
			    on_deadline, socket);
			return;
		}
	}
	loop_timer_set(socket->loop, &socket->deadline, 0, on_failed, socket);
}

void
ipvs_socket_services(struct ipvs_socket *socket, ipvs_service_fn each, ipvs_done_fn done,
    void *arg)
{
	socket->each_service = each;
	start(socket, OPERATION_SERVICES, done, arg);
}

void
ipvs_socket_service(struct ipvs_socket *socket, const struct ipvs_key *key,
    ipvs_service_fn each, ipvs_done_fn done, void *arg)
{
	socket->key = *key;
	socket->each_service = each;
	start(socket, OPERATION_SERVICE, done, arg);
}

void
ipvs_socket_dests(struct ipvs_socket *socket, const struct ipvs_key *key, ipvs_dest_fn each,
    ipvs_done_fn done, void *arg)
{
	socket->key = *key;
	socket->each_dest = each;
	start(socket, OPERATION_DESTS, done, arg);
}

void
ipvs_socket_change(struct ipvs_socket *socket, struct ipvs_request *requests, size_t n,
    ipvs_done_fn done, void *arg)
{
	socket->requests = requests;
	socket->n_requests = n;
	socket->at = 0;
	start(socket, OPERATION_CHANGE, done, arg);
}

/* -- replies ------------------------------------------------------------------------------ */

enum { GOES_ON = -2 };	/* the operation waits for another reply */

/* Each on_ function below returns GOES_ON, or the error of the whole operation. */
static int
on_family(struct ipvs_socket *socket, const struct ipvs_reply *reply)
{
	int error;

	if (reply->kind == IPVS_REPLY_ERROR)
		return reply->error == ENOENT ? IPVS_NO_MODULE : reply->error;
	if (!ipvs_reply_family(reply, &socket->family))
		return EBADMSG;
	error = request_send(socket);
	return error == 0 ? GOES_ON : error;
}

static int
on_entry(struct ipvs_socket *socket, const struct ipvs_reply *reply)
{
	struct ipvs_service service;
	struct ipvs_dest dest;

	if (socket->operation != OPERATION_DESTS) {
		if (!ipvs_reply_service(reply, &service))
			return EBADMSG;
		if (!socket->each_service(socket->arg, &service))
			return ENOMEM;
		return socket->operation == OPERATION_SERVICE ? 0 : GOES_ON;
	}
	if (!ipvs_reply_dest(reply, &dest))
		return EBADMSG;
	return socket->each_dest(socket->arg, &dest) ? GOES_ON : ENOMEM;
}

static int
on_change(struct ipvs_socket *socket, const struct ipvs_reply *reply)
{
	int error;

	if (reply->kind != IPVS_REPLY_ERROR)
		return EBADMSG;
	socket->requests[socket->at++].error = reply->error;
	if (socket->at == socket->n_requests)
		return 0;
	error = request_send(socket);
	return error == 0 ? GOES_ON : error;
}

static int
on_reply(struct ipvs_socket *socket, const struct ipvs_reply *reply)
{
	int error;

	if (socket->resolving)
		return on_family(socket, reply);
	if (socket->operation == OPERATION_CHANGE)
		return on_change(socket, reply);
	if (reply->kind == IPVS_REPLY_DATA)
		return on_entry(socket, reply);
	if (reply->kind == IPVS_REPLY_END ||
	    (reply->error == ESRCH && socket->operation == OPERATION_SERVICE))
		return 0;
	/* The module was removed or loaded again. */
	if (reply->error == ENOENT && !socket->resolved) {
		socket->family = 0;
		error = request_send(socket);
		return error == 0 ? GOES_ON : error;
	}
	return reply->error;
}

/* Reads the replies of one recv(2). Replies to earlier requests are skipped. */
static int
replies_read(struct ipvs_socket *socket, ssize_t length)
{
	struct nlmsghdr *at = socket->buffer;
	struct ipvs_reply reply;
	int left = (int)length, result = GOES_ON;

	while (result == GOES_ON && ipvs_reply_next(&at, &left, &reply)) {
		if (reply.sequence == socket->sequence)
			result = on_reply(socket, &reply);
	}
	return result == GOES_ON && left > 0 ? EBADMSG : result;
}

static void
on_readable(void *arg, short events)
{
	struct ipvs_socket *socket = arg;
	int result = GOES_ON;

	(void)events;
	for (int i = 0; i < READS_MAX && result == GOES_ON; i++) {
		ssize_t n = recv(socket->fd, socket->buffer, BUFFER_SIZE, MSG_TRUNC);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n == -1)
			result = errno;
		else if (n > BUFFER_SIZE)
			result = EBADMSG;
		else if (socket->operation != OPERATION_NONE)
			result = replies_read(socket, n);
	}
	if (socket->operation == OPERATION_NONE)
		return;
	if (result != GOES_ON)
		finish(socket, result);
	else
		loop_timer_set(socket->loop, &socket->deadline, socket->timeout_ms, on_deadline,
		    socket);
}
