/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The address of an AgentX master; see endpoint.h.
 */
#include "util/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/num.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#define DIGITS "0123456789"
#define HOST_CHARACTERS DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_"
#define FORMS "write /PATH for a UNIX socket, or tcp:HOST:PORT"
#define IPV6_FORM "write an IPv6 address in brackets, for example tcp:[::1]:705"

enum { LABEL_MAX = 63 };	/* octets between two dots of a name, RFC 1035 section 2.3.4 */

static const char tcp[] = "tcp:";

/* Transports of other programs that people may try here. */
static const struct {
	const char	*prefix;
	const char	*advice;
} others[] = {
	{ "unix:", "write the path alone, for example /var/agentx/master" },
	{ "tcp6:", IPV6_FORM },
	{ "tcpv6:", IPV6_FORM },
	{ "tcpipv6:", IPV6_FORM },
	{ "udp", "AgentX does not use UDP; " FORMS },
	{ "ssh:", "only UNIX sockets and TCP are supported; " FORMS },
	{ "tls", "only UNIX sockets and TCP are supported; " FORMS },
	{ "dtls", "only UNIX sockets and TCP are supported; " FORMS },
};

static enum err_code
refuse(struct err *err, const char *text, const char *advice)
{
	return err_set(err, ERR_INVALID, "\"%.*s\" is not an AgentX address: %s",
	    ENDPOINT_TEXT_MAX, text, advice);
}

/* -- UNIX sockets ---------------------------------------------------------------------- */

static enum err_code
unix_parse(const char *text, struct endpoint *ret, struct err *err)
{
	if (strlen(text) > ENDPOINT_PATH_MAX)
		return err_set(err, ERR_INVALID, "the path \"%.20s...\" of the AgentX socket has"
		    " %zu octets: a socket's path has %d at most", text, strlen(text),
		    ENDPOINT_PATH_MAX);
	*ret = (struct endpoint){ .kind = ENDPOINT_UNIX };
	memcpy(ret->path, text, strlen(text) + 1);
	return ERR_OK;
}

/* -- TCP --------------------------------------------------------------------------------- */

/* True for the IPv6 address in 'text', with or without a zone as in fe80::1%eth0. */
static bool
is_ipv6(const char *text)
{
	size_t length = strcspn(text, "%");
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (length >= sizeof(plain) || (text[length] == '%' && text[length + 1] == '\0'))
		return false;
	memcpy(plain, text, length);
	plain[length] = '\0';
	return inet_pton(AF_INET6, plain, &address) == 1;
}

/* RFC 1123 section 2.1: the last label of a name is not a number, so that 10.0.0.300 is
 * neither an address nor a name. Container tools put underscores into names. */
static bool
is_name(const char *text)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) == 1)
		return true;
	if (text[strspn(text, HOST_CHARACTERS)] != '\0')
		return false;
	for (;;) {
		size_t length = strcspn(text, ".");
		bool last = text[length] == '\0' || text[length + 1] == '\0';

		if (length == 0 || length > LABEL_MAX || text[0] == '-' || text[length - 1] == '-')
			return false;
		if (last)
			return strspn(text, DIGITS) < length;
		text += length + 1;
	}
}

/* Splits "HOST:PORT" or "[IPV6]:PORT". NULL, or what is wrong with it. */
static const char *
host_parse(const char *text, struct endpoint *ret)
{
	bool brackets = text[0] == '[';
	const char *end = brackets ? strchr(text, ']') : strrchr(text, ':');
	const char *host = text + brackets, *port;
	uint64_t number;

	if (end == NULL || (brackets && end[1] != ':'))
		return "the port is missing; write tcp:HOST:PORT, for example tcp:localhost:705";
	port = end + 1 + brackets;
	if (num_parse(port, 1, UINT16_MAX, &number) != ERR_OK)
		return "the port is not a number of 1 to 65535; write tcp:HOST:PORT";
	if (end == host)
		return "the host is missing; write tcp:HOST:PORT, for example tcp:localhost:705";
	if ((size_t)(end - host) > ENDPOINT_HOST_MAX)
		return "the host has more than 253 characters";
	memcpy(ret->host, host, (size_t)(end - host));
	ret->host[end - host] = '\0';
	snprintf(ret->port, sizeof(ret->port), "%u", (unsigned int)(uint16_t)number);
	if (brackets)
		return is_ipv6(ret->host) ? NULL : "no IPv6 address is in the brackets";
	if (strchr(ret->host, ':') != NULL)
		return IPV6_FORM;
	return is_name(ret->host) ? NULL : "the host is neither a name nor an IPv4 address";
}

enum err_code
endpoint_parse(const char *text, struct endpoint *ret, struct err *err)
{
	struct endpoint endpoint = { .kind = ENDPOINT_TCP };
	const char *problem;

	if (text[0] == '/')
		return unix_parse(text, ret, err);
	for (size_t i = 0; i < ROWS(others); i++) {
		if (strncasecmp(text, others[i].prefix, strlen(others[i].prefix)) == 0)
			return refuse(err, text, others[i].advice);
	}
	if (strncasecmp(text, tcp, strlen(tcp)) != 0)
		return refuse(err, text, strchr(text, ':') != NULL ? FORMS :
		    "the path of a UNIX socket begins with /; over TCP write tcp:HOST:PORT");
	problem = host_parse(text + strlen(tcp), &endpoint);
	if (problem != NULL)
		return refuse(err, text, problem);
	*ret = endpoint;
	return ERR_OK;
}

bool
endpoint_is_loopback(const struct sockaddr *address)
{
	static const uint8_t mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

	switch (address->sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		    memcmp(&v6->sin6_addr, mapped, sizeof(mapped)) == 0;
	default:
		return false;
	}
}
