/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "model/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "util/endpoint.h"
#include "util/num.h"

static const char unix_prefix[] = "unix@";

/* Reads the part before '%': an address without zone. */
static struct address
plain_from_text(const char *text, size_t length)
{
	struct address address = { .type = ADDRESS_UNKNOWN };
	char plain[INET6_ADDRSTRLEN];

	if (length >= sizeof(plain))
		return address;
	memcpy(plain, text, length);
	plain[length] = '\0';
	if (inet_pton(AF_INET, plain, address.octets) == 1) {
		address.type = ADDRESS_IPV4;
		address.length = 4;
	} else if (inet_pton(AF_INET6, plain, address.octets) == 1) {
		address.type = ADDRESS_IPV6;
		address.length = 16;
	}
	return address;
}

/* Returns the zone index of "3" or "eth0"; false if there is no such interface. */
static bool
zone_index(const char *zone, uint32_t *ret)
{
	uint64_t number;
	enum err_code code = num_parse(zone, 0, UINT32_MAX, &number);

	if (code == ERR_INVALID)
		number = if_nametoindex(zone);
	if (code == ERR_RANGE || (code == ERR_INVALID && number == 0))
		return false;
	*ret = (uint32_t)number;
	return true;
}

struct address
address_from_text(const char *text)
{
	size_t length = strcspn(text, "%");
	struct address address = plain_from_text(text, length);
	uint32_t zone;

	if (address.type == ADDRESS_UNKNOWN || text[length] == '\0')
		return address;
	if (!zone_index(text + length + 1, &zone))
		return (struct address){ .type = ADDRESS_UNKNOWN };
	/* InetAddressIPv4z and InetAddressIPv6z end in the zone index, in network order. */
	zone = htonl(zone);
	memcpy(address.octets + address.length, &zone, sizeof(zone));
	address.length = (uint8_t)(address.length + sizeof(zone));
	address.type = address.type == ADDRESS_IPV4 ? ADDRESS_IPV4Z : ADDRESS_IPV6Z;
	return address;
}

uint16_t
address_port(const char *text)
{
	uint64_t port;

	return num_parse(text, 0, UINT16_MAX, &port) == ERR_OK ? (uint16_t)port : 0;
}

static bool
is_unix(const char *text)
{
	return strncmp(text, unix_prefix, strlen(unix_prefix)) == 0;
}

const char *
address_endpoint(const char *address, const char *port, char *buf, size_t size)
{
	/* Only an IPv6 address has colons. */
	bool brackets = strchr(address, ':') != NULL;

	if (address[0] == '\0' || port[0] == '\0' || is_unix(address))
		snprintf(buf, size, "%s", address);
	else
		snprintf(buf, size, "%s%s%s:%s", brackets ? "[" : "", address,
		    brackets ? "]" : "", port);
	return buf;
}

/* True if the path is absolute and safe to print and to give to a data plane. */
static bool
unix_valid(const char *text)
{
	const char *path = text + strlen(unix_prefix);

	if (path[0] != '/')
		return false;
	for (; *path != '\0'; path++)
		if (*path <= ' ' || *path > '~')
			return false;
	return true;
}

/* Checks the form of a zone only. Its interface may be on another machine. */
static bool
zone_valid(const char *zone)
{
	size_t length = strlen(zone);

	for (const char *p = zone; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '/' || *p == ':' || *p == '%')
			return false;
	return length >= 1 && length < IF_NAMESIZE;
}

enum err_code
address_check(const char *text, struct err *err)
{
	size_t length = strlen(text), plain = strcspn(text, "%");

	if (length > MODEL_ADDRESS_MAX)
		return err_set(err, ERR_RANGE, "address has %zu bytes, more than %d", length,
		    MODEL_ADDRESS_MAX);
	if (length == 0)
		return err_set(err, ERR_INVALID, "address is empty");
	if (is_unix(text))
		return unix_valid(text) ? ERR_OK : err_set(err, ERR_INVALID,
		    "\"%s\" is not an address: unix@ needs an absolute path", text);
	if (plain_from_text(text, plain).type != ADDRESS_UNKNOWN) {
		if (plain == length || zone_valid(text + plain + 1))
			return ERR_OK;
		return err_set(err, ERR_INVALID,
		    "\"%s\" is not an address: %% needs a number or an interface", text);
	}
	if (strchr(text, ':') != NULL)
		return err_set(err, ERR_INVALID,
		    "\"%s\" is not an IPv6 address; the port is not part of the address", text);
	if (!endpoint_is_host_name(text))
		return err_set(err, ERR_INVALID,
		    "\"%s\" is not an IPv4 address, IPv6 address or host name", text);
	return ERR_OK;
}
