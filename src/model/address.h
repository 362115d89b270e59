/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Addresses as text, and as InetAddressType and InetAddress of the MIB (RFC 4001).
 */
#ifndef MODEL_ADDRESS_H
#define MODEL_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/* InetAddressType, RFC 4001 section 4. dns(16) is not used. */
enum address_type {
	ADDRESS_UNKNOWN = 0, ADDRESS_IPV4 = 1, ADDRESS_IPV6 = 2, ADDRESS_IPV4Z = 3,
	ADDRESS_IPV6Z = 4
};

struct address {
	enum address_type	type;
	uint8_t			length;		/* 0, 4, 8, 16 or 20 */
	uint8_t			octets[20];	/* network order, the zone last */
};

/* Reads an address. A zone ("fe80::1%3") is a number, or the name of an interface of this
 * machine. Invalid text gives ADDRESS_UNKNOWN with length 0. */
struct address address_from_text(const char *text);

/* Reads a port number; 0 if 'text' is not a number in 0..65535. */
uint16_t address_port(const char *text);

/* Writes "192.0.2.1:80" or "[2001:db8::1]:80" and returns 'buf'. Without a port and for
 * "unix@/path", writes the address alone. Cuts at 'size'; MODEL_ADDRESS_MAX +
 * MODEL_PORT_TEXT_MAX + 4 is always enough. */
const char *address_endpoint(const char *address, const char *port, char *buf, size_t size);

/* Checks an address that a person wrote. Accepts an IPv4 or IPv6 address, a host name and
 * "unix@/path". Refuses invalid text such as "10.0.0.300", "2001:db8::g" and "10.0.0.1:80"
 * with ERR_INVALID, and text longer than MODEL_ADDRESS_MAX with ERR_RANGE. Checks the form of
 * a zone only, because its interface may be on another machine. */
enum err_code address_check(const char *text, struct err *err);

#endif
