/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * AgentX messages to net-snmp's PDUs and back; see wire.h.
 */
#include "agentx/wire.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* libnetsnmpagent exports these; the header that declares them is not installed. */
int agentx_parse(netsnmp_session *session, netsnmp_pdu *pdu, u_char *data, size_t length);
int agentx_realloc_build(netsnmp_session *session, netsnmp_pdu *pdu, u_char **buffer,
    size_t *room, size_t *length);

/* What net-snmp calls AGENTX_VERSION_1. */
enum { VERSION_1 = 192 | 1 };

void
wire_init(struct wire *wire)
{
	memset(wire, 0, sizeof(*wire));
	wire->session.version = VERSION_1;
}

void
wire_free(struct wire *wire)
{
	free(wire->buffer);
	wire->buffer = NULL;
}

static uint32_t
number_read(const uint8_t *data, bool network_order)
{
	if (network_order)
		return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
		    (uint32_t)data[2] << 8 | data[3];
	return (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 |
	    (uint32_t)data[1] << 8 | data[0];
}

size_t
wire_length(const uint8_t *header)
{
	uint32_t payload = number_read(header + 16, (header[2] & WIRE_NETWORK_ORDER) != 0);

	if (header[0] != 1 || payload % 4 != 0)
		return 0;
	return (size_t)payload + WIRE_HEADER;
}

int
wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu)
{
	netsnmp_pdu *pdu = snmp_pdu_create(message[1]);
	int error = 0;

	*ret_pdu = pdu;
	if (pdu == NULL)
		return WIRE_PROCESSING_ERROR;
	/* The library's own flags are above the octet of the wire. */
	pdu->flags = 0;
	if (length > WIRE_MESSAGE_MAX) {
		/* The header is still good for an answer. */
		memset(message + 16, 0, 4);
		message[2] &= (uint8_t)~WIRE_CONTEXT;
		length = WIRE_HEADER;
		error = WIRE_PARSE_ERROR;
	}
	if (agentx_parse(&wire->session, pdu, message, length) != SNMP_ERR_NOERROR)
		error = WIRE_PARSE_ERROR;
	return error;
}

const uint8_t *
wire_encode(struct wire *wire, netsnmp_pdu *pdu, size_t *ret_length)
{
	size_t length = 0;

	if (agentx_realloc_build(&wire->session, pdu, &wire->buffer, &wire->room,
	    &length) != 0)
		return NULL;
	*ret_length = length;
	return wire->buffer;
}
