/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Keys of services and destinations; see ipvs_key.h.
 */
#include "plane/ipvs/ipvs_key.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "util/memory.h"
#include "util/num.h"

static const struct {
	uint16_t	 number;
	const char	*name;
} protocols[] = { { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_SCTP, "sctp" } };

static const struct {
	uint16_t	 number;
	const char	*name;
} families[] = { { AF_INET, "ipv4" }, { AF_INET6, "ipv6" } };

bool
ipvs_address_parse(const char *text, struct ipvs_address *ret)
{
	struct ipvs_address address = { .family = AF_INET };

	if (inet_pton(AF_INET, text, address.bytes) != 1) {
		address.family = AF_INET6;
		if (inet_pton(AF_INET6, text, address.bytes) != 1)
			return false;
	}
	*ret = address;
	return true;
}

const char *
ipvs_endpoint_text(const struct ipvs_address *address, uint16_t port,
    char buf[IPVS_KEY_TEXT_SIZE])
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(address->family, address->bytes, text, sizeof(text));
	snprintf(buf, IPVS_KEY_TEXT_SIZE, address->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
	    text, port);
	return buf;
}

static const char *
protocol_name(uint16_t number)
{
	for (size_t i = 0; i < ROWS(protocols); i++) {
		if (protocols[i].number == number)
			return protocols[i].name;
	}
	return "?";
}

const char *
ipvs_key_text(const struct ipvs_key *key, char buf[IPVS_KEY_TEXT_SIZE])
{
	char endpoint[IPVS_KEY_TEXT_SIZE];

	if (key->fwmark != 0)
		snprintf(buf, IPVS_KEY_TEXT_SIZE, "fwmark %u %s", key->fwmark,
		    families[key->address.family == AF_INET6].name);
	else
		snprintf(buf, IPVS_KEY_TEXT_SIZE, "%s %.56s", protocol_name(key->protocol),
		    ipvs_endpoint_text(&key->address, key->port, endpoint));
	return buf;
}

/* Reads "MARK FAMILY". */
static bool
fwmark_parse(char *text, struct ipvs_key *ret)
{
	char *space = strchr(text, ' ');
	uint64_t mark;

	if (space == NULL)
		return false;
	*space = '\0';
	if (num_parse(text, 1, UINT32_MAX, &mark) != ERR_OK)
		return false;
	for (size_t i = 0; i < ROWS(families); i++) {
		if (strcmp(space + 1, families[i].name) != 0)
			continue;
		ret->fwmark = (uint32_t)mark;
		ret->address.family = families[i].number;
		return true;
	}
	return false;
}

/* Reads "ADDRESS:PORT" or "[ADDRESS]:PORT". */
static bool
endpoint_read(char *text, struct ipvs_key *ret)
{
	char *colon = strrchr(text, ':');
	size_t length;
	uint64_t port;

	if (colon == NULL || num_parse(colon + 1, 0, UINT16_MAX, &port) != ERR_OK)
		return false;
	*colon = '\0';
	length = strlen(text);
	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text[length - 1] = '\0';
		text++;
	}
	ret->port = (uint16_t)port;
	return ipvs_address_parse(text, &ret->address);
}

bool
ipvs_key_parse(const char *text, struct ipvs_key *ret)
{
	struct ipvs_key key = { 0 };
	char copy[IPVS_KEY_TEXT_SIZE], *space;
	bool ok = false;

	if (strlen(text) >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%s", text);
	space = strchr(copy, ' ');
	if (space == NULL)
		return false;
	*space = '\0';
	if (strcmp(copy, "fwmark") == 0)
		ok = fwmark_parse(space + 1, &key);
	for (size_t i = 0; i < ROWS(protocols) && !ok; i++) {
		key.protocol = protocols[i].number;
		ok = strcmp(copy, protocols[i].name) == 0 && endpoint_read(space + 1, &key);
	}
	if (ok)
		*ret = key;
	return ok;
}

/* Returns less than 0, 0 or more than 0. */
static int
number_compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int
ipvs_endpoint_compare(const struct ipvs_address *a, uint16_t a_port,
    const struct ipvs_address *b, uint16_t b_port)
{
	int order = number_compare(a->family, b->family);

	if (order == 0)
		order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	return order != 0 ? order : number_compare(a_port, b_port);
}

int
ipvs_key_compare(const struct ipvs_key *a, const struct ipvs_key *b)
{
	int order = number_compare(a->fwmark, b->fwmark);

	if (order == 0)
		order = number_compare(a->protocol, b->protocol);
	return order != 0 ? order : ipvs_endpoint_compare(&a->address, a->port, &b->address,
	    b->port);
}
