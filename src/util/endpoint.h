/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The address of an AgentX master as a person writes it: the path of a UNIX socket, or
 * "tcp:HOST:PORT" (RFC 2741 section 8 names both transports). lbclusterd's option and
 * configuration file and lbclusterctl's doctor share this parser.
 */
#ifndef UTIL_ENDPOINT_H
#define UTIL_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/err.h"

enum endpoint_kind { ENDPOINT_UNIX, ENDPOINT_TCP };

enum {
	ENDPOINT_HOST_MAX = 253,	/* bytes of a host name, RFC 1035 section 2.3.4 */
	ENDPOINT_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	ENDPOINT_TEXT_MAX = ENDPOINT_HOST_MAX + sizeof("tcp:[]:65535"),
};

struct endpoint {
	enum endpoint_kind	 kind;
	char			 path[ENDPOINT_PATH_MAX + 1];	/* of a UNIX socket, absolute */
	char			 host[ENDPOINT_HOST_MAX + 1];	/* a name or number, no brackets */
	char			 port[sizeof("65535")];		/* 1 to 65535, decimal */
};

/* The parts of "HOST:PORT". */
struct endpoint_parts {
	char		 host[ENDPOINT_HOST_MAX + 1];	/* without brackets */
	uint16_t	 port;				/* 1 to 65535 */
	bool		 brackets;			/* the host was in brackets: IPv6 */
};

/* Splits "HOST:PORT" or "[IPV6]:PORT". Does not check that the host is a name or an address.
 * Returns NULL, or the problem without its remedy, such as "the port is missing". */
const char *endpoint_split(const char *text, struct endpoint_parts *ret);

/* Reads "/PATH", "tcp:HOST:PORT", "tcp:192.0.2.1:PORT" or "tcp:[IPV6]:PORT". Does not look
 * the host up. ERR_INVALID for any other text; the message names the text, the problem
 * and the valid forms. */
enum err_code endpoint_parse(const char *text, struct endpoint *ret, struct err *err);

/* True for a host name (RFC 1123 section 2.1), which may have underscores, as container tools
 * write them. Its last label is not a number, so 10.0.0.300 is no host name. */
bool endpoint_is_host_name(const char *text);

/* True for an address of this machine's loopback interface (127.0.0.0/8, ::1), IPv4-mapped
 * ones included, and for every UNIX socket. */
bool endpoint_is_loopback(const struct sockaddr *address);

#endif
