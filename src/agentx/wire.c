/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
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
	return (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[1] << 8 | data[0];
}

size_t
wire_length(const uint8_t *header)
{
	uint32_t payload = number_read(header + 16, (header[2] & WIRE_NETWORK_ORDER) != 0);

	if (header[0] != 1 || payload % 4 != 0)
		return 0;
	return (size_t)payload + WIRE_HEADER;
}

void
wire_ids(const uint8_t *message, uint32_t *ret_session, uint32_t *ret_transaction)
{
	bool network_order = (message[2] & WIRE_NETWORK_ORDER) != 0;

	*ret_session = number_read(message + 4, network_order);
	*ret_transaction = number_read(message + 8, network_order);
}

/* -- check of what was decoded --------------------------------------------------- */

/* A position in a message. It does not move beyond the end. */
struct walk {
	const uint8_t	*data;
	size_t		 length, at;
	bool		 network_order;
};

static void
walk_on(struct walk *walk, size_t n)
{
	walk->at = n > walk->length - walk->at ? walk->length : walk->at + n;
}

static size_t
walk_left(const struct walk *walk)
{
	return walk->length - walk->at;
}

/* Section 5.1. */
static void
walk_oid(struct walk *walk)
{
	walk_on(walk, walk_left(walk) == 0 ? 0 : 4 + 4 * (size_t)walk->data[walk->at]);
}

/* Section 5.3. The octets are padded to a multiple of four. */
static void
walk_octets(struct walk *walk)
{
	size_t n = walk_left(walk) < 4 ? 0 :
	    number_read(walk->data + walk->at, walk->network_order);

	walk_on(walk, 4 + (n + 3) / 4 * 4);
}

/* Section 5.4. */
static void
walk_varbind(struct walk *walk)
{
	const uint8_t *at = walk->data + walk->at;
	unsigned int type = walk_left(walk) < 2 ? ASN_NULL : walk->network_order ? at[1] : at[0];

	walk_on(walk, 4);
	walk_oid(walk);
	switch (type) {
	case ASN_INTEGER:
	case ASN_COUNTER:
	case ASN_GAUGE:
	case ASN_TIMETICKS:
		walk_on(walk, 4);
		break;
	case ASN_COUNTER64:
		walk_on(walk, 8);
		break;
	case ASN_OCTET_STR:
	case ASN_IPADDRESS:
	case ASN_OPAQUE:
		walk_octets(walk);
		break;
	case ASN_OBJECT_ID:
		walk_oid(walk);
		break;
	default:
		break;
	}
}

/* True if the PDU has all varbinds of the message (sections 6.2.5 to 6.2.8). net-snmp 5.9.3 omits
 * a varbind without an error if it is out of memory. A SET would change only a part. */
static bool
all_decoded(const netsnmp_pdu *pdu, const uint8_t *message, size_t length)
{
	struct walk walk = { .data = message, .length = length, .at = WIRE_HEADER,
		.network_order = (message[2] & WIRE_NETWORK_ORDER) != 0 };
	const netsnmp_variable_list *varbind = pdu->variables;

	if (pdu->command < WIRE_GET || pdu->command > WIRE_TEST_SET)
		return true;
	if ((message[2] & WIRE_CONTEXT) != 0)
		walk_octets(&walk);
	if (pdu->command == WIRE_GET_BULK)
		walk_on(&walk, 4);
	for (; walk_left(&walk) > 0 && varbind != NULL; varbind = varbind->next_variable) {
		if (pdu->command == WIRE_TEST_SET) {
			walk_varbind(&walk);
		} else {
			walk_oid(&walk);
			walk_oid(&walk);
		}
	}
	return walk_left(&walk) == 0 && varbind == NULL;
}

/* -- messages ------------------------------------------------------------------------ */

netsnmp_pdu *
wire_pdu_new(enum wire_command command, uint32_t session, uint32_t packet)
{
	netsnmp_pdu *pdu = snmp_pdu_create((int)command);

	if (pdu == NULL)
		return NULL;
	pdu->version = VERSION_1;
	pdu->flags = 0;
	pdu->sessid = (long)session;
	pdu->transid = 0;
	pdu->reqid = (long)packet;
	pdu->time = 0;			/* the master's own timeout */
	pdu->errstat = pdu->errindex = 0;
	pdu->priority = 127;		/* the default of RFC 2741 section 6.2.3 */
	pdu->range_subid = 0;
	return pdu;
}

int
wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu)
{
	netsnmp_pdu *pdu = snmp_pdu_create(message[1]);
	int error = 0;

	*ret_pdu = pdu;
	if (pdu == NULL)
		return WIRE_PROCESSING_ERROR;
	/* snmp_pdu_create() sets flags that are not of AgentX. */
	pdu->flags = 0;
	if (length > WIRE_MESSAGE_MAX) {
		/* The answer needs the header only. */
		memset(message + 16, 0, 4);
		message[2] &= (uint8_t)~WIRE_CONTEXT;
		length = WIRE_HEADER;
		error = WIRE_PARSE_ERROR;
	}
	if (agentx_parse(&wire->session, pdu, message, length) != SNMP_ERR_NOERROR)
		error = WIRE_PARSE_ERROR;
	else if (error == 0 && !all_decoded(pdu, message, length))
		error = WIRE_PROCESSING_ERROR;
	return error;
}

const uint8_t *
wire_encode(struct wire *wire, netsnmp_pdu *pdu, size_t *ret_length)
{
	size_t length = 0;

	if (agentx_realloc_build(&wire->session, pdu, &wire->buffer, &wire->room, &length) != 0)
		return NULL;
	*ret_length = length;
	return wire->buffer;
}
