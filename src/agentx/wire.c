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

enum {
	VERSION_1 = 192 | 1,	/* what net-snmp calls AGENTX_VERSION_1 */

	/* The library walks the list of varbinds to add one, so their cost grows with
	 * the square: 4,096 take 20 ms. One UDP request holds at most 3,400 of ours. */
	VARBINDS_MAX = 4096
};

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

/* Size of what begins at 'data', or 0 if it does not fit in 'left'. */
static size_t
oid_size(const uint8_t *data, size_t left)
{
	size_t size = left < 4 ? 0 : 4 + 4 * (size_t)data[0];

	return size <= left ? size : 0;
}

static size_t
string_size(const uint8_t *data, size_t left, bool network_order)
{
	size_t size;

	if (left < 4)
		return 0;
	size = 4 + (((size_t)number_read(data, network_order) + 3) & ~(size_t)3);
	return size <= left ? size : 0;
}

static size_t
value_size(unsigned int type, const uint8_t *data, size_t left, bool network_order)
{
	switch (type) {
	case ASN_OCTET_STR:
	case ASN_IPADDRESS:
	case ASN_OPAQUE:
		return string_size(data, left, network_order);
	case ASN_OBJECT_ID:
		return oid_size(data, left);
	case ASN_COUNTER64:
		return 8;
	case ASN_NULL:
	case SNMP_NOSUCHOBJECT:
	case SNMP_NOSUCHINSTANCE:
	case SNMP_ENDOFMIBVIEW:
		return 0;
	default:
		return 4;
	}
}

/* Size of the search range or varbind at 'data', or 0. */
static size_t
item_size(unsigned int command, const uint8_t *data, size_t left, bool network_order)
{
	unsigned int type;
	size_t size, more;

	if (command != WIRE_TEST_SET) {
		size = oid_size(data, left);
		more = size == 0 ? 0 : oid_size(data + size, left - size);
		return more == 0 ? 0 : size + more;
	}
	if (left < 4)
		return 0;
	type = network_order ? (unsigned int)data[0] << 8 | data[1] :
	    (unsigned int)data[1] << 8 | data[0];
	size = oid_size(data + 4, left - 4);
	if (size == 0)
		return 0;
	size += 4 + value_size(type, data + 4 + size, left - 4 - size, network_order);
	return size <= left ? size : 0;
}

/* True if a request has more varbinds than may be decoded. Only counts: whether it
 * is well formed is for the library to say. */
static bool
too_many(const uint8_t *message, size_t length)
{
	bool network_order = (message[2] & WIRE_NETWORK_ORDER) != 0;
	size_t at = WIRE_HEADER, n = 0, size;

	if (message[1] < WIRE_GET || message[1] > WIRE_TEST_SET)
		return false;
	if ((message[2] & WIRE_CONTEXT) != 0)
		at += string_size(message + at, length - at, network_order);
	if (message[1] == WIRE_GET_BULK && length - at >= 4)
		at += 4;
	do {
		size = item_size(message[1], message + at, length - at, network_order);
		at += size;
	} while (size > 0 && ++n <= VARBINDS_MAX);
	return n > VARBINDS_MAX;
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
	if (too_many(message, length)) {
		memset(message + 16, 0, 4);
		message[2] &= (uint8_t)~WIRE_CONTEXT;
		length = WIRE_HEADER;
		error = WIRE_PROCESSING_ERROR;
	}
	if (agentx_parse(&wire->session, pdu, message, length) != SNMP_ERR_NOERROR &&
	    error == 0)
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
