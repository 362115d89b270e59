/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Names and varbinds of AgentX, octet by octet, to and from the types of the engine
 * (RFC 2741 section 5).
 */
#ifndef TESTS_AGENTX_PDU_H
#define TESTS_AGENTX_PDU_H

#include "agentx_fake.h"

/* An OID as it is told: its 'n' sub-identifiers after 'prefix', whatever that makes. */
void put_subs(struct message *m, unsigned int prefix, bool include, size_t n,
    const uint32_t *subs);
/* An OID, compressed where it can be. */
void put_name(struct message *m, const struct mib_oid *name, bool include);
void put_varbind(struct message *m, const struct mib_varbind *varbind);

/* Fails for what is no OID and no varbind. The octets of a value stay in the message. */
void take_name(struct message *m, struct mib_oid *ret_name);
void take_varbind(struct message *m, struct mib_varbind *ret_varbind);

/* The next request of the session, in its own byte order each. */
void request_begin(struct message *m, uint8_t type, uint32_t transaction);

#endif
