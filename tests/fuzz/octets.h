/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * AgentX messages as octets (RFC 2741 section 6), written and read without net-snmp, for
 * a master that is not one of its friends.
 */
#ifndef TESTS_FUZZ_OCTETS_H
#define TESTS_FUZZ_OCTETS_H

#include "mib/mib.h"

enum {
	OPEN = 1, CLOSE = 2, REGISTER = 3, GET = 5, GET_NEXT = 6, GET_BULK = 7, TEST_SET = 8,
	COMMIT_SET = 9, UNDO_SET = 10, CLEANUP_SET = 11, NOTIFY = 12, PING = 13, ADD_CAPS = 16,
	RESPONSE = 18,

	HEADER = 20, CONTEXT = 0x08, NETWORK = 0x10
};

struct header {
	uint8_t		type, flags;
	uint32_t	session, transaction, packet;
	uint32_t	length;		/* of what follows */
};

/* -- writing --------------------------------------------------------------------------- */

struct message {
	uint8_t	data[64 * 1024];
	size_t	n;
	bool	network;	/* byte order, as the flags say */
};

/* Begins with the header, whose length message_end() fills in. */
void message_begin(struct message *m, const struct header *header);
void message_end(struct message *m);
void put_32(struct message *m, uint32_t value);
void put_octets(struct message *m, const uint8_t *data, size_t n);
/* Compressed where it can be. */
void put_oid(struct message *m, const struct mib_oid *oid, bool include);
void put_varbind(struct message *m, const struct mib_varbind *varbind);

/* -- reading: it must be right to the last octet ------------------------------------------ */

struct reader {
	const uint8_t	*data;
	size_t		 left;
	bool		 network;
};

/* The header of a whole message of 'n' octets; 'reader' stands behind it. */
struct header header_read(struct reader *reader, const uint8_t *data, size_t n);
uint32_t read_16(struct reader *reader);
uint32_t read_32(struct reader *reader);
/* Octets of the value are in the message. */
struct mib_varbind varbind_read(struct reader *reader);

#endif
