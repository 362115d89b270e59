/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Requests of the master to the MIB engine, and what it says back (RFC 2741
 * section 7.2). Owns nothing, sends nothing.
 */
#ifndef AGENTX_RESPONDER_H
#define AGENTX_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agentx/wire.h"
#include "mib/mib.h"

/* The session that a request must be of. */
struct responder {
	struct mib	*mib;
	uint32_t	 session;	/* our own count, for the engine */
	uint32_t	 session_id;	/* the master's */
};

/* True if 'command' is one for responder_answer(). */
bool responder_knows(int command);

/* Does what the request 'pdu' asks and turns it into its own answer, which keeps its
 * session, transaction and packet ids and its byte order. 'error' is what
 * wire_decode() said of it. False if nothing is to be sent. */
bool responder_answer(const struct responder *responder, netsnmp_pdu *pdu, int error);

/* The CleanupSet 'message', for which there is no memory to decode it. It is carried out
 * all the same: the manager has been told of success by now. */
void responder_cleanup(const struct responder *responder, const uint8_t *message);

/* Adds a copy of 'from' to a list of varbinds whose end is '*end'. NULL without memory. */
netsnmp_variable_list *responder_varbind_add(netsnmp_variable_list **end,
    const struct mib_varbind *from);

/* Makes the answer 'pdu' one that tells an error and no varbinds. */
void responder_refuse(netsnmp_pdu *pdu, int error, size_t index);

#endif
