/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/num.h"

#define DIGITS "0123456789"
#define HOST_CHARACTERS DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_"
#define FORMS "write /PATH for a UNIX socket, or tcp:HOST:PORT, for example tcp:localhost:705 or " \
    "tcp:[::1]:705"

enum { LABEL_MAX = 63 };	/* bytes between two dots of a name, RFC 1035 section 2.3.4 */

static const char tcp[] = "tcp:";

static enum err_code
refuse(struct err *err, const char *text, const char *problem)
{
	return err_set(err, ERR_INVALID, "\"%.*s\" is not an AgentX address: %s; " FORMS,
	    ENDPOINT_TEXT_MAX, text, problem);
}

/* -- UNIX sockets ---------------------------------------------------------------------- */

static enum err_code
unix_parse(const char *text, struct endpoint *ret, struct err *err)
{
	if (strlen(text) > ENDPOINT_PATH_MAX)
		return err_set(err, ERR_INVALID, "\"%.20s...\" is not an AgentX address: "
		    "the path has %zu bytes; the path of a UNIX socket has %d at most", text,
		    strlen(text), ENDPOINT_PATH_MAX);
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

/* True if the label is a number for inet_aton(3), which reads "0x1" too. The last label of a host
 * name is not a number (RFC 1123 section 2.1). */
static bool
label_is_number(const char *label, size_t length)
{
	return strspn(label, DIGITS) == length ||
	    (label[0] == '0' && (label[1] == 'x' || label[1] == 'X') &&
	    strspn(label + 2, DIGITS "ABCDEFabcdef") == length - 2);
}

bool
endpoint_is_host_name(const char *text)
{
	if (text[strspn(text, HOST_CHARACTERS)] != '\0')
		return false;
	for (;;) {
		size_t length = strcspn(text, ".");
		bool last = text[length] == '\0' || text[length + 1] == '\0';

		if (length == 0 || length > LABEL_MAX || text[0] == '-' || text[length - 1] == '-')
			return false;
		if (last)
			return !label_is_number(text, length);
		text += length + 1;
	}
}

const char *
endpoint_split(const char *text, struct endpoint_parts *ret)
{
	bool brackets = text[0] == '[';
	const char *end = brackets ? strchr(text, ']') : strrchr(text, ':');
	const char *host = text + brackets;
	uint64_t port;

	if (end == NULL || (brackets && end[1] != ':'))
		return "the port is missing";
	if (num_parse(end + 1 + brackets, 1, UINT16_MAX, &port) != ERR_OK)
		return "the port is not a number of 1 to 65535";
	if (end == host)
		return "the host is missing";
	if (end - host > ENDPOINT_HOST_MAX)
		return "the host has more than 253 characters";
	if (!brackets && memchr(host, ':', (size_t)(end - host)) != NULL)
		return "an IPv6 address must be in brackets";
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(end - host), host);
	ret->port = (uint16_t)port;
	ret->brackets = brackets;
	return NULL;
}

static enum err_code
tcp_parse(const char *text, const char *host, struct endpoint *ret, struct err *err)
{
	struct endpoint_parts parts = { .port = 0 };
	const char *problem = endpoint_split(host, &parts);
	struct in_addr v4;

	if (problem == NULL && parts.brackets && !is_ipv6(parts.host))
		problem = "the text in the brackets is not an IPv6 address";
	if (problem == NULL && !parts.brackets &&
	    inet_pton(AF_INET, parts.host, &v4) != 1 && !endpoint_is_host_name(parts.host))
		problem = "the host is neither a name nor an IPv4 address";
	if (problem != NULL)
		return refuse(err, text, problem);
	*ret = (struct endpoint){ .kind = ENDPOINT_TCP };
	memcpy(ret->host, parts.host, sizeof(ret->host));
	snprintf(ret->port, sizeof(ret->port), "%u", (unsigned int)parts.port);
	return ERR_OK;
}

enum err_code
endpoint_parse(const char *text, struct endpoint *ret, struct err *err)
{
	if (text[0] == '/')
		return unix_parse(text, ret, err);
	if (strncasecmp(text, tcp, strlen(tcp)) == 0)
		return tcp_parse(text, text + strlen(tcp), ret, err);
	return refuse(err, text, "it begins neither with / nor with tcp:");
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
