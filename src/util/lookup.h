/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Looks up the addresses of a host in a thread, because getaddrinfo(3) blocks as long as DNS
 * servers do not answer.
 */
#ifndef UTIL_LOOKUP_H
#define UTIL_LOOKUP_H

#include <netdb.h>

struct lookup;

enum { LOOKUPS_MAX = 8 };

/* Starts a lookup of 'host' for TCP to 'port'. NULL without memory, descriptor or thread, and
 * while LOOKUPS_MAX threads wait for DNS servers. */
struct lookup *lookup_begin(const char *host, const char *port);

/* Returns a descriptor that poll(2) reports as readable when the lookup has ended. */
int lookup_fd(const struct lookup *lookup);

/* Frees a lookup that has ended. Returns 0 and the addresses, for freeaddrinfo(3), or an EAI_
 * number of getaddrinfo(3). */
int lookup_end(struct lookup *lookup, struct addrinfo **ret);

/* Frees a lookup, ended or not, without its result. A thread that still waits for DNS servers frees
 * it later. NULL is allowed. */
void lookup_abandon(struct lookup *lookup);

/* Converts a numeric address without a thread. EAI_NONAME if 'host' is a name. */
int lookup_number(const char *host, const char *port, struct addrinfo **ret);

#endif
