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

#include "util/endpoint.h"
#include "util/memory.h"
#include "util/text.h"

#define FORMS "write /PATH, ipv4@ADDRESS:PORT, ipv6@[ADDRESS]:PORT or ADDRESS:PORT " \
    "with a numeric ADDRESS"

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
	return err_set(err, ERR_INVALID, "\"%s\" is not a runtime socket of HAProxy: %s; "
	    FORMS, text_clean(shown, '?'), problem);
}

/* Returns NULL or the problem. */
static const char *
unix_parse(const char *path, struct haproxy_endpoint *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (path[0] != '/')
		return "a path begins with /";
	if (strlen(path) > HAPROXY_PATH_MAX)
		return "the path of a UNIX socket has 107 bytes at most";
	memcpy(address.sun_path, path, strlen(path) + 1);
	memcpy(&ret->address, &address, sizeof(address));
	ret->length = sizeof(address);
	return NULL;
}

/* Returns NULL or the problem. 'family' is AF_UNSPEC if the text has no prefix. */
static const char *
host_parse(const char *host, int family, uint16_t port, struct haproxy_endpoint *ret)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		if (family == AF_INET6)
			return "ipv6@ is followed by an IPv6 address in brackets";
		if (v4.sin_addr.s_addr == htonl(INADDR_ANY))
			return "HAProxy can listen at 0.0.0.0, but no program can connect to it";
		memcpy(&ret->address, &v4, sizeof(v4));
		ret->length = sizeof(v4);
		return NULL;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return "a host name is not looked up";
	if (family == AF_INET)
		return "ipv4@ is followed by an IPv4 address";
	if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr))
		return "HAProxy can listen at [::], but no program can connect to it";
	memcpy(&ret->address, &v6, sizeof(v6));
	ret->length = sizeof(v6);
	return NULL;
}

/* Returns NULL or the problem. */
static const char *
tcp_parse(const char *text, int family, struct haproxy_endpoint *ret)
{
	struct endpoint_parts parts;
	const char *problem = endpoint_split(text, &parts);

	if (problem == NULL)
		problem = host_parse(parts.host, family, parts.port, ret);
	if (problem == NULL)
		ret->remote = !endpoint_is_loopback((const struct sockaddr *)&ret->address);
	return problem;
}

/* Returns NULL or the problem. */
static const char *
any_parse(const char *text, struct haproxy_endpoint *ret)
{
	for (size_t i = 0; i < ROWS(prefixes); i++) {
		size_t length = strlen(prefixes[i].name);

		if (strncmp(text, prefixes[i].name, length) != 0)
			continue;
		return prefixes[i].family == AF_UNIX ? unix_parse(text + length, ret) :
		    tcp_parse(text + length, prefixes[i].family, ret);
	}
	if (text[0] == '/')
		return unix_parse(text, ret);
	return strpbrk(text, "/@") != NULL ? "unknown form" : tcp_parse(text, AF_UNSPEC, ret);
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
