/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Addresses as the MIB tells them: InetAddressType and InetAddress (RFC 4001).
 */
#ifndef MODEL_ADDRESS_H
#define MODEL_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/* InetAddressType, RFC 4001 section 4; dns(16) is never told. */
enum address_type {
	ADDRESS_UNKNOWN = 0, ADDRESS_IPV4 = 1, ADDRESS_IPV6 = 2, ADDRESS_IPV4Z = 3,
	ADDRESS_IPV6Z = 4
};

struct address {
	enum address_type	type;
	uint8_t			length;		/* 0, 4, 8, 16 or 20 */
	uint8_t			octets[20];	/* network order, the zone last */
};

/* The address in 'text'. A zone ("fe80::1%3") is a number, or the name of an
 * interface of this machine. Text that is no address gives ADDRESS_UNKNOWN with
 * length 0. */
struct address address_from_text(const char *text);

/* Port number of 'text'; 0 if it is no number of 0..65535. */
uint16_t address_port(const char *text);

/* "192.0.2.1:80", "[2001:db8::1]:80", the text alone without a port and for
 * "unix@/path", "" without an address. Cut at 'size'; MODEL_ADDRESS_MAX +
 * MODEL_PORT_TEXT_MAX + 4 is always enough. Returns 'buf'. */
const char *address_endpoint(const char *address, const char *port, char *buf, size_t size);

/* Judges what a person wrote. Accepts an IPv4 or IPv6 address, a host name, or
 * "unix@/path"; refuses "", an address that is only nearly one ("10.0.0.300",
 * "2001:db8::g", "10.0.0.1:80") and texts above MODEL_ADDRESS_MAX. Of a zone only
 * the form is judged: its interface may be one of another machine. ERR_INVALID,
 * ERR_RANGE. */
enum err_code address_check(const char *text, struct err *err);

#endif
