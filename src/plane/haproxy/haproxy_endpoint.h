/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The address of a runtime socket of HAProxy as a person writes it: the one parser for
 * inventory files, discover, the doctor and the driver.
 *
 *   /PATH, unix@/PATH                       a UNIX socket
 *   ADDRESS:PORT, ipv4@ADDRESS:PORT         TCP over IPv4
 *   [ADDRESS]:PORT, ipv6@[ADDRESS]:PORT     TCP over IPv6
 *
 * These are forms of "stats socket" in HAProxy's configuration.txt. ADDRESS is numeric: a
 * lookup of a name would wait.
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
	char			 text[HAPROXY_ENDPOINT_TEXT_MAX];	/* as it was written */
	struct sockaddr_storage	 address;
	socklen_t		 length;	/* of 'address', for connect(2) */
	/* TCP to another address than that of the loopback interface: the Runtime API has no
	 * password and no encryption. */
	bool			 remote;
};

/* What a person is warned about where the socket is remote. */
#define HAPROXY_REMOTE_RISK "the Runtime API has no password and no encryption"

/* ERR_INVALID: the message names the text, what is wrong with it, and what to write. */
enum err_code haproxy_endpoint_parse(const char *text, struct haproxy_endpoint *ret,
    struct err *err);

/* Writes the line of haproxy.cfg that opens 'socket' (as a cluster names it) with the level
 * that a driver needs. Cut at 'size'; returns 'buf'. */
const char *haproxy_socket_line(const char *socket, char *buf, size_t size);

#endif
