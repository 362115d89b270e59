/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Encodes and decodes AgentX messages (RFC 2741 sections 5 and 6) without net-snmp, in the types
 * of the engine. An invalid message fails the test.
 */
#ifndef TESTS_AGENTX_PDU_H
#define TESTS_AGENTX_PDU_H

#include "mib/mib.h"

enum {
	OPEN = 1, CLOSE = 2, REGISTER = 3, GET = 5, GET_NEXT = 6, GET_BULK = 7, TEST_SET = 8,
	COMMIT_SET = 9, UNDO_SET = 10, CLEANUP_SET = 11, NOTIFY = 12, PING = 13, ADD_CAPS = 16,
	RESPONSE = 18,

	HEADER = 20, CONTEXT = 0x08, NETWORK = 0x10
};

struct message {
	uint8_t		data[128 * 1024];
	size_t		n;
	size_t		at;		/* position of reading */
	bool		network;	/* byte order */
	uint8_t		type, flags;
	uint32_t	session, transaction, packet;
};

/* -- writing --------------------------------------------------------------------------- */

/* Begins a message to the subagent, in network byte order if 'flags' say so. */
void message_begin(struct message *m, uint8_t type, uint8_t flags, uint32_t session,
    uint32_t transaction, uint32_t packet);
void put_8(struct message *m, unsigned int value);
void put_16(struct message *m, unsigned int value);
void put_32(struct message *m, uint32_t value);
void put_octets(struct message *m, const void *octets, size_t length);
/* Puts an OID with 'n' sub-identifiers after 'prefix', valid or not. */
void put_subs(struct message *m, unsigned int prefix, bool include, size_t n,
    const uint32_t *subs);
/* Puts an OID, compressed if possible. */
void put_name(struct message *m, const struct mib_oid *name, bool include);
void put_varbind(struct message *m, const struct mib_varbind *varbind);
void message_finish(struct message *m);	/* puts its length into the header */

/* -- reading --------------------------------------------------------------------------- */

/* Copies the first message of 'n' octets and reads its header. Returns its length, or 0 if it is
 * not complete. */
size_t message_take(struct message *m, const uint8_t *data, size_t n);
unsigned int take_8(struct message *m);
unsigned int take_16(struct message *m);
uint32_t take_32(struct message *m);
void take_name(struct message *m, struct mib_oid *ret_name);
/* Takes a varbind of the types of the engine. The octets of a value stay in the message. */
void take_varbind(struct message *m, struct mib_varbind *ret_varbind);

#endif
