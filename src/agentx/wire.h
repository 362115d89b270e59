/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * AgentX messages to net-snmp's PDUs and back (RFC 2741 sections 5 and 6). The
 * codec is net-snmp's; its sessions, requests and reconnection are not used, since
 * they wait for the master inside the library.
 */
#ifndef AGENTX_WIRE_H
#define AGENTX_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

enum wire_command {
	WIRE_OPEN = 1, WIRE_CLOSE = 2, WIRE_REGISTER = 3, WIRE_GET = 5, WIRE_GET_NEXT = 6,
	WIRE_GET_BULK = 7, WIRE_TEST_SET = 8, WIRE_COMMIT_SET = 9, WIRE_UNDO_SET = 10,
	WIRE_CLEANUP_SET = 11, WIRE_NOTIFY = 12, WIRE_ADD_AGENT_CAPS = 16, WIRE_RESPONSE = 18
};

enum wire_flag { WIRE_CONTEXT = 0x08, WIRE_NETWORK_ORDER = 0x10 };

/* res.error, RFC 2741 section 6.2.16, besides those of mib.h. */
enum wire_error {
	WIRE_TOO_BIG = 1, WIRE_NOT_OPEN = 257, WIRE_UNSUPPORTED_CONTEXT = 262,
	WIRE_DUPLICATE = 263, WIRE_PARSE_ERROR = 266, WIRE_REQUEST_DENIED = 267,
	WIRE_PROCESSING_ERROR = 268
};

enum {
	WIRE_HEADER = 20,	/* octets, section 6.1 */

	/* net-snmp 5.9.3 decodes no longer ones, here or in snmpd: it would not see an
	 * answer, and close the session in the end. It also bounds the time: the library
	 * walks the list of varbinds to add one, and the 8,189 smallest that fit take
	 * 0.12 s; 819 under our root take 2 ms. */
	WIRE_MESSAGE_MAX = 64 * 1024,

	WIRE_CLOSE_SHUTDOWN = 5
};

struct wire {
	netsnmp_session	 session;	/* only what the codec looks at */
	u_char		*buffer;
	size_t		 room;
};

void wire_init(struct wire *wire);
void wire_free(struct wire *wire);

/* Length of the message that begins with this header of 20 octets, header
 * included; 0 if it is no header of AgentX version 1. */
size_t wire_length(const uint8_t *header);

/* The master's numbers of session and transaction in a header of 20 octets. */
void wire_ids(const uint8_t *message, uint32_t *ret_session, uint32_t *ret_transaction);

/* Decodes one whole message of wire_length() octets, and may change its header.
 * Returns 0, or the error to answer with, and then 'ret_pdu' holds the header.
 * 'ret_pdu' is NULL only without memory; snmp_free_pdu() frees it. */
int wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu);

/* Encodes 'pdu'. The octets belong to 'wire' and stay until the next call. NULL if
 * it cannot be done. */
const uint8_t *wire_encode(struct wire *wire, netsnmp_pdu *pdu, size_t *ret_length);

#endif
