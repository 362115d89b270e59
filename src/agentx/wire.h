/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Decodes AgentX messages into net-snmp's PDUs and encodes them (RFC 2741 sections 5 and 6), with
 * net-snmp's codec. The library's sessions are not used, because they wait for the master.
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
	WIRE_CLEANUP_SET = 11, WIRE_NOTIFY = 12, WIRE_PING = 13, WIRE_ADD_AGENT_CAPS = 16,
	WIRE_RESPONSE = 18
};

enum wire_flag { WIRE_CONTEXT = 0x08, WIRE_NETWORK_ORDER = 0x10 };

/* res.error of RFC 2741 section 6.2.16, without the values of enum mib_status. */
enum wire_error {
	WIRE_TOO_BIG = 1, WIRE_NOT_OPEN = 257, WIRE_UNSUPPORTED_CONTEXT = 262,
	WIRE_DUPLICATE = 263, WIRE_PARSE_ERROR = 266, WIRE_REQUEST_DENIED = 267,
	WIRE_PROCESSING_ERROR = 268
};

enum {
	WIRE_HEADER = 20,	/* octets, section 6.1 */

	/* net-snmp 5.9.3 decodes no longer message. snmpd would miss a longer answer and close
	 * the session. The limit also bounds the time: the library walks the list of varbinds
	 * for each new one. The 8,189 smallest varbinds take 0.12 s, 819 under the MIB root
	 * take 2 ms. */
	WIRE_MESSAGE_MAX = 64 * 1024,

	WIRE_CLOSE_SHUTDOWN = 5
};

struct wire {
	netsnmp_session	 session;	/* only the members that the codec reads */
	u_char		*buffer;
	size_t		 room;
};

void wire_init(struct wire *wire);
void wire_free(struct wire *wire);

/* Returns the length of the message with this header, header included; 0 if the header is not
 * one of AgentX version 1. */
size_t wire_length(const uint8_t *header);

/* Returns the session and the transaction in a header. */
void wire_ids(const uint8_t *message, uint32_t *ret_session, uint32_t *ret_transaction);

/* Creates a request to the master with no varbinds. NULL if out of memory; snmp_free_pdu() frees
 * it. */
netsnmp_pdu *wire_pdu_new(enum wire_command command, uint32_t session, uint32_t packet);

/* Decodes one message of wire_length() octets; may change its header. Returns 0, or the error for
 * the answer; then *ret_pdu has the header only. *ret_pdu is NULL if out of memory;
 * snmp_free_pdu() frees it. */
int wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu);

/* Encodes 'pdu'. The octets belong to 'wire' and are valid until the next call. NULL if the codec
 * fails. */
const uint8_t *wire_encode(struct wire *wire, netsnmp_pdu *pdu, size_t *ret_length);

#endif
