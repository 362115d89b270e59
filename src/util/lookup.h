/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The addresses of a host name for a program that must not wait: getaddrinfo(3) in a thread
 * of its own, since it may take as long as DNS servers that do not answer.
 */
#ifndef UTIL_LOOKUP_H
#define UTIL_LOOKUP_H

#include <netdb.h>

struct lookup;

/* Starts to look up 'host' for TCP to 'port'. NULL without memory, descriptor or thread, and
 * while LOOKUPS_MAX others that were abandoned still wait for their DNS server. */
struct lookup *lookup_begin(const char *host, const char *port);

enum { LOOKUPS_MAX = 8 };

/* A descriptor that poll(2) reports as readable when the lookup has ended. */
int lookup_fd(const struct lookup *lookup);

/* Frees a lookup that has ended. Returns 0 and the addresses, for freeaddrinfo(3), or an
 * EAI_ number of getaddrinfo(3). */
int lookup_end(struct lookup *lookup, struct addrinfo **ret);

/* Ends the interest in a lookup, whether it has ended or not. NULL is fine. */
void lookup_abandon(struct lookup *lookup);

/* The same for a host that is a number: at once, without a thread. EAI_NONAME: it is a
 * name. */
int lookup_number(const char *host, const char *port, struct addrinfo **ret);

#endif
