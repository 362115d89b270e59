/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The socket of the family IPVS: changes and dumps, one at a time, without blocking the loop.
 */
#ifndef PLANE_IPVS_SOCKET_H
#define PLANE_IPVS_SOCKET_H

#include "plane/ipvs/ipvs_message.h"
#include "util/loop.h"

struct ipvs_socket;

/* The error of a kernel without the module ip_vs; all other errors are errnos. */
enum { IPVS_NO_MODULE = -1 };

/* A change. 'error' is the result. For a command of a service, 'dest' is ignored. */
struct ipvs_request {
	uint8_t			 command;	/* IPVS_CMD_NEW_, SET_, DEL_ SERVICE or DEST */
	int			 error;
	struct ipvs_service	 service;
	struct ipvs_dest	 dest;
};

/* Each entry of a dump. False: no memory, which ends the dump with ENOMEM. */
typedef bool (*ipvs_service_fn)(void *arg, const struct ipvs_service *service);
typedef bool (*ipvs_dest_fn)(void *arg, const struct ipvs_dest *dest);

/* 'error' is 0, IPVS_NO_MODULE or an errno: EPERM without CAP_NET_ADMIN, ETIMEDOUT, EBADMSG for a
 * reply that is not valid, EINTR if the table changed during the dump. */
typedef void (*ipvs_done_fn)(void *arg, int error);

/* 'timeout_ms' bounds the wait for one reply. NULL without memory. Opens nothing yet. */
struct ipvs_socket *ipvs_socket_new(struct loop *loop, int timeout_ms);

/* Ends an operation without its callback. NULL is allowed. */
void ipvs_socket_free(struct ipvs_socket *socket);

/* Each of the four calls done(arg) once, from the loop. The caller starts no other operation
 * before. A dump of the destinations of a service that does not exist has no entry and no
 * error. */
void ipvs_socket_services(struct ipvs_socket *socket, ipvs_service_fn each, ipvs_done_fn done,
    void *arg);
/* Calls each() for one service. A service that does not exist is no error. */
void ipvs_socket_service(struct ipvs_socket *socket, const struct ipvs_key *key,
    ipvs_service_fn each, ipvs_done_fn done, void *arg);
void ipvs_socket_dests(struct ipvs_socket *socket, const struct ipvs_key *key, ipvs_dest_fn each,
    ipvs_done_fn done, void *arg);

/* Sends the requests in their order and sets the error of each. The requests must stay in place.
 * An error of done() means that the socket failed; the requests that the kernel did not answer
 * have this error too. */
void ipvs_socket_change(struct ipvs_socket *socket, struct ipvs_request *requests, size_t n,
    ipvs_done_fn done, void *arg);

#endif
