/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Addresses of runtime sockets; see haproxy_endpoint.h.
 */
#include "plane/haproxy/haproxy_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "plane/haproxy/haproxy_answer.h"
#include "util/endpoint.h"
#include "util/num.h"

#define FORMS "write /PATH, ipv4@ADDRESS:PORT, ipv6@[ADDRESS]:PORT or ADDRESS:PORT"

#define HOST_NAME "a host name is not looked up; write its numeric address"

static const struct {
	const char	*name;
	int		 family;
} prefixes[] = {
	{ "unix@", AF_UNIX }, { "ipv4@", AF_INET }, { "ipv6@", AF_INET6 },
};

static enum err_code
refuse(struct err *err, const char *text, const char *problem)
{
	char shown[HAPROXY_ENDPOINT_TEXT_MAX];

	snprintf(shown, sizeof(shown), "%s", text);
	return err_set(err, ERR_INVALID, "\"%s\" is not a runtime socket of HAProxy: %s",
	    haproxy_printable(shown), problem);
}

/* NULL, or what is wrong with it. */
static const char *
unix_parse(const char *path, struct haproxy_endpoint *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (path[0] != '/')
		return "a path begins with /; " FORMS;
	if (strlen(path) > HAPROXY_PATH_MAX)
		return "the path of a UNIX socket has 107 octets at most";
	memcpy(address.sun_path, path, strlen(path) + 1);
	memcpy(&ret->address, &address, sizeof(address));
	ret->length = sizeof(address);
	return NULL;
}

/* NULL, or what is wrong with it. 'family' is AF_UNSPEC where the text says none. */
static const char *
host_parse(const char *host, int family, uint16_t port, struct haproxy_endpoint *ret)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		if (family == AF_INET6)
			return "ipv6@ is followed by an IPv6 address in brackets";
		if (v4.sin_addr.s_addr == htonl(INADDR_ANY))
			return "0.0.0.0 is where HAProxy listens; write an address to connect to";
		memcpy(&ret->address, &v4, sizeof(v4));
		ret->length = sizeof(v4);
		return NULL;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return HOST_NAME;
	if (family == AF_INET)
		return "ipv4@ is followed by an IPv4 address";
	if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr))
		return "[::] is where HAProxy listens; write an address to connect to";
	memcpy(&ret->address, &v6, sizeof(v6));
	ret->length = sizeof(v6);
	return NULL;
}

/* Splits "HOST:PORT" or "[IPV6]:PORT". NULL, or what is wrong with it. */
static const char *
tcp_parse(const char *text, int family, struct haproxy_endpoint *ret)
{
	bool brackets = text[0] == '[';
	const char *end = brackets ? strchr(text, ']') : strrchr(text, ':');
	const char *host = text + brackets, *problem;
	char number[HAPROXY_ENDPOINT_TEXT_MAX];
	uint64_t port;

	if (end == NULL || (brackets && end[1] != ':'))
		return FORMS;
	if (num_parse(end + 1 + brackets, 1, UINT16_MAX, &port) != ERR_OK)
		return "the port is not a number of 1 to 65535; " FORMS;
	if ((size_t)(end - host) >= sizeof(number))
		return FORMS;
	memcpy(number, host, (size_t)(end - host));
	number[end - host] = '\0';
	if (!brackets && strspn(number, "0123456789abcdefABCDEF:.%") != strlen(number))
		return strchr(number, ':') != NULL ? FORMS : HOST_NAME;
	if (!brackets && strchr(number, ':') != NULL)
		return "write an IPv6 address in brackets, for example ipv6@[::1]:9999";
	problem = number[0] == '\0' ? FORMS : host_parse(number, family, (uint16_t)port, ret);
	if (problem == NULL)
		ret->remote = !endpoint_is_loopback((const struct sockaddr *)&ret->address);
	return problem;
}

/* NULL, or what is wrong with it. */
static const char *
any_parse(const char *text, struct haproxy_endpoint *ret)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i].name);

		if (strncmp(text, prefixes[i].name, length) != 0)
			continue;
		return prefixes[i].family == AF_UNIX ? unix_parse(text + length, ret) :
		    tcp_parse(text + length, prefixes[i].family, ret);
	}
	if (text[0] == '/')
		return unix_parse(text, ret);
	return strpbrk(text, "/@") != NULL ? FORMS : tcp_parse(text, AF_UNSPEC, ret);
}

enum err_code
haproxy_endpoint_parse(const char *text, struct haproxy_endpoint *ret, struct err *err)
{
	struct haproxy_endpoint endpoint = { 0 };
	const char *problem = any_parse(text, &endpoint);

	if (problem != NULL)
		return refuse(err, text, problem);
	snprintf(endpoint.text, sizeof(endpoint.text), "%s", text);
	*ret = endpoint;
	return ERR_OK;
}

const char *
haproxy_socket_line(const char *socket, char *buf, size_t size)
{
	bool on_disk = socket[0] == '/' || strncmp(socket, "unix@", 5) == 0;

	snprintf(buf, size, "stats socket %s%s%s level admin",
	    on_disk || strchr(socket, '@') != NULL ? "" : socket[0] == '[' ? "ipv6@" : "ipv4@",
	    socket, on_disk ? " mode 660" : "");
	return buf;
}
