/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Answers requests of the master from the MIB engine (RFC 2741 section 7.2).
 */
#ifndef AGENTX_RESPONDER_H
#define AGENTX_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agentx/wire.h"
#include "mib/mib.h"

/* The session that a request must have. */
struct responder {
	struct mib	*mib;
	uint32_t	 session;	/* lbclusterd's count of sessions, for the engine */
	uint32_t	 session_id;	/* given by the master */
};

/* True if responder_answer() handles 'command'. */
bool responder_knows(int command);

/* Carries out the request 'pdu' and turns it into its answer, with the same session, transaction,
 * packet id and byte order. 'error' is the result of wire_decode(). False if the request has
 * no answer. */
bool responder_answer(const struct responder *responder, netsnmp_pdu *pdu, int error);

/* Carries out the CleanupSet 'message' without decoding it, which would need memory. snmpd has
 * reported success to the manager by now. */
void responder_cleanup(const struct responder *responder, const uint8_t *message);

/* Adds a copy of 'from' to a list of varbinds with the end '*end'. NULL if out of memory. */
netsnmp_variable_list *responder_varbind_add(netsnmp_variable_list **end,
    const struct mib_varbind *from);

/* Gives the answer 'pdu' an error and no varbinds. */
void responder_refuse(netsnmp_pdu *pdu, int error, size_t index);

#endif
