/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What identifies a virtual service and a destination of IPVS, and the text of both.
 */
#ifndef PLANE_IPVS_KEY_H
#define PLANE_IPVS_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ipvs_address {
	uint16_t	family;		/* AF_INET or AF_INET6 */
	uint8_t		bytes[16];	/* in network order; IPv4 has four of them, then zeros */
};

/* A virtual service. A service of a fwmark has a family and no address, protocol and port. */
struct ipvs_key {
	struct ipvs_address	 address;
	uint16_t		 protocol;	/* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	uint16_t		 port;		/* in host order */
	uint32_t		 fwmark;	/* 0: the service has an address */
};

enum { IPVS_KEY_TEXT_SIZE = 64 };

/* Reads an IPv4 or IPv6 address without brackets. */
bool ipvs_address_parse(const char *text, struct ipvs_address *ret);

/* Writes "192.0.2.1:80" or "[2001:db8::1]:80"; returns 'buf'. */
const char *ipvs_endpoint_text(const struct ipvs_address *address, uint16_t port,
    char buf[IPVS_KEY_TEXT_SIZE]);

/* Writes "tcp 192.0.2.1:80", "udp [2001:db8::1]:53" or "fwmark 7 ipv6"; returns 'buf'. */
const char *ipvs_key_text(const struct ipvs_key *key, char buf[IPVS_KEY_TEXT_SIZE]);

/* Reads what ipvs_key_text() writes. */
bool ipvs_key_parse(const char *text, struct ipvs_key *ret);

/* Orders keys; 0 if both are the same service. */
int ipvs_key_compare(const struct ipvs_key *a, const struct ipvs_key *b);

/* Orders endpoints; 0 if both are the same. */
int ipvs_endpoint_compare(const struct ipvs_address *a, uint16_t a_port,
    const struct ipvs_address *b, uint16_t b_port);

#endif
