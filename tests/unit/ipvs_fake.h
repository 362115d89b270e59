/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A kernel with IPVS in memory, behind src/plane/ipvs/ipvs_socket.h. A program that has ipvs_fake.c
 * among its sources gets this kernel in place of the socket. ipvs_steps.h holds it to the errnos of
 * the real one. There is one kernel, which all sockets use.
 */
#ifndef TESTS_UNIT_IPVS_FAKE_H
#define TESTS_UNIT_IPVS_FAKE_H

#include "plane/ipvs/ipvs_socket.h"

struct ipvs_fake {
	bool		 no_module;	/* of IPVS */
	bool		 no_capability;	/* every operation is EPERM */
	unsigned int	 fail_every;	/* each Nth change fails; 0: none does */
	int		 fail_error;	/* with this errno */
	unsigned int	 left_out;	/* services that a dump lacks, from the first one on */
	unsigned int	 changes;	/* that were sent since the start, also those that failed */
};

extern struct ipvs_fake ipvs_fake;

/* Empties the table and the trash, and sets ipvs_fake to zeros. */
void ipvs_fake_reset(void);

/* The entry of the table; NULL if it does not exist. A test may change its numbers. */
struct ipvs_service *ipvs_fake_service(const struct ipvs_key *key);
struct ipvs_dest *ipvs_fake_dest(const struct ipvs_key *key, const struct ipvs_address *address,
    uint16_t port);

/* Ends all connections, which empties the trash. */
void ipvs_fake_connections_end(void);

#endif
