/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Parser for the address of a runtime socket, as a person writes it in an inventory file or on
 * the command line.
 *
 *   /PATH, unix@/PATH                       a UNIX socket
 *   ADDRESS:PORT, ipv4@ADDRESS:PORT         TCP over IPv4
 *   [ADDRESS]:PORT, ipv6@[ADDRESS]:PORT     TCP over IPv6
 *
 * These are forms of "stats socket" in HAProxy's configuration.txt. ADDRESS is numeric, because
 * a lookup of a name could block.
 */
#ifndef PLANE_HAPROXY_ENDPOINT_H
#define PLANE_HAPROXY_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/err.h"

enum {
	HAPROXY_SOCKETS_MAX = 8,	/* of a cluster */
	HAPROXY_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	HAPROXY_ENDPOINT_TEXT_MAX = HAPROXY_PATH_MAX + sizeof("unix@"),
};

struct haproxy_endpoint {
	char			 text[HAPROXY_ENDPOINT_TEXT_MAX];	/* as written */
	struct sockaddr_storage	 address;
	socklen_t		 length;	/* of 'address', for connect(2) */
	bool			 remote;	/* TCP, and not the loopback interface */
};

/* A warning for a remote socket. */
#define HAPROXY_REMOTE_RISK "the Runtime API has no password and no encryption"

/* ERR_INVALID: the message has the text, the problem and the valid forms. */
enum err_code haproxy_endpoint_parse(const char *text, struct haproxy_endpoint *ret,
    struct err *err);

/* Writes the line of haproxy.cfg that opens 'socket' with the level that a driver needs. Cuts it
 * at 'size'. Returns 'buf'. */
const char *haproxy_socket_line(const char *socket, char *buf, size_t size);

#endif
