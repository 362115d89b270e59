/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Encodes and decodes AgentX messages; see agentx_pdu.h.
 */
#include "agentx_pdu.h"

#include <string.h>

#include "require.h"

enum { INTERNET = 4 };	/* sub-identifiers of 1.3.6.1, which a prefix stands for */

static const uint32_t internet[INTERNET] = { 1, 3, 6, 1 };

/* -- writing ----------------------------------------------------------------------- */

void
put_8(struct message *m, unsigned int value)
{
	require(m->n < sizeof(m->data), "the message is too long");
	m->data[m->n++] = (uint8_t)value;
}

void
put_16(struct message *m, unsigned int value)
{
	put_8(m, m->network ? value >> 8 : value & 0xff);
	put_8(m, m->network ? value & 0xff : value >> 8);
}

void
put_32(struct message *m, uint32_t value)
{
	put_16(m, m->network ? value >> 16 : value & 0xffff);
	put_16(m, m->network ? value & 0xffff : value >> 16);
}

void
put_octets(struct message *m, const void *octets, size_t length)
{
	const uint8_t *octet = octets;

	put_32(m, (uint32_t)length);
	for (size_t i = 0; i < (length + 3) / 4 * 4; i++)
		put_8(m, i < length ? octet[i] : 0);
}

void
put_subs(struct message *m, unsigned int prefix, bool include, size_t n, const uint32_t *subs)
{
	put_8(m, (unsigned int)n);
	put_8(m, prefix);
	put_8(m, include);
	put_8(m, 0);
	for (size_t i = 0; i < n; i++)
		put_32(m, subs[i]);
}

void
put_name(struct message *m, const struct mib_oid *name, bool include)
{
	bool compressed = name->n > INTERNET && name->sub[INTERNET] > 0 &&
	    name->sub[INTERNET] <= UINT8_MAX &&
	    memcmp(name->sub, internet, sizeof(internet)) == 0;

	if (compressed)
		put_subs(m, name->sub[INTERNET], include, name->n - INTERNET - 1,
		    name->sub + INTERNET + 1);
	else
		put_subs(m, 0, include, name->n, name->sub);
}

void
put_varbind(struct message *m, const struct mib_varbind *varbind)
{
	const struct mib_value *value = &varbind->value;

	put_16(m, value->type);
	put_16(m, 0);
	put_name(m, &varbind->name, false);
	switch (value->type) {
	case MIB_INTEGER:
	case MIB_COUNTER32:
	case MIB_GAUGE32:
	case MIB_TIMETICKS:
		put_32(m, value->number);
		break;
	case MIB_COUNTER64:
		put_32(m, (uint32_t)(value->counter64 >> (m->network ? 32 : 0)));
		put_32(m, (uint32_t)(value->counter64 >> (m->network ? 0 : 32)));
		break;
	case MIB_OCTETS:
	case MIB_OPAQUE:
		put_octets(m, value->octets.data, value->octets.length);
		break;
	case MIB_OBJECT_ID:
		put_name(m, &value->oid, false);
		break;
	case MIB_NULL:
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		break;
	}
}

void
message_begin(struct message *m, uint8_t type, uint8_t flags, uint32_t session,
    uint32_t transaction, uint32_t packet)
{
	m->type = type;
	m->flags = flags;
	m->session = session;
	m->transaction = transaction;
	m->packet = packet;
	m->n = m->at = 0;
	m->network = (flags & NETWORK) != 0;
	put_8(m, 1);
	put_8(m, type);
	put_8(m, flags);
	put_8(m, 0);
	put_32(m, session);
	put_32(m, transaction);
	put_32(m, packet);
	put_32(m, 0);
}

void
message_finish(struct message *m)
{
	size_t n = m->n;

	m->n = 16;
	put_32(m, (uint32_t)(n - HEADER));
	m->n = n;
}

/* -- reading ----------------------------------------------------------------------- */

unsigned int
take_8(struct message *m)
{
	require(m->at < m->n, "the message is too short");
	return m->data[m->at++];
}

unsigned int
take_16(struct message *m)
{
	unsigned int first = take_8(m), second = take_8(m);

	return m->network ? first << 8 | second : second << 8 | first;
}

uint32_t
take_32(struct message *m)
{
	uint32_t first = take_16(m), second = take_16(m);

	return m->network ? first << 16 | second : second << 16 | first;
}

size_t
message_take(struct message *m, const uint8_t *data, size_t n)
{
	if (n < HEADER)
		return 0;
	memcpy(m->data, data, HEADER);
	m->n = HEADER;
	m->at = 0;
	require(take_8(m) == 1, "not version 1");
	m->type = (uint8_t)take_8(m);
	m->flags = (uint8_t)take_8(m);
	m->network = (m->flags & NETWORK) != 0;
	require(take_8(m) == 0, "a reserved octet is used");
	m->session = take_32(m);
	m->transaction = take_32(m);
	m->packet = take_32(m);
	m->n += take_32(m);
	require(m->n % 4 == 0 && m->n <= sizeof(m->data), "a message of %zu octets", m->n);
	if (m->n > n)
		return 0;
	memcpy(m->data, data, m->n);
	return m->n;
}

/* The codec sets "include" in each value that is an OID, where it has no meaning. */
void
take_name(struct message *m, struct mib_oid *ret_name)
{
	unsigned int n = take_8(m), prefix = take_8(m), include = take_8(m);

	require(include <= 1 && take_8(m) == 0, "a reserved octet is used");
	ret_name->n = 0;
	if (prefix != 0) {
		memcpy(ret_name->sub, internet, sizeof(internet));
		ret_name->sub[INTERNET] = prefix;
		ret_name->n = INTERNET + 1;
	}
	require(ret_name->n + n <= MIB_OID_MAX, "an OID of %u sub-identifiers", ret_name->n + n);
	while (n-- > 0)
		ret_name->sub[ret_name->n++] = take_32(m);
}

static void
octets_of_value(struct message *m, struct mib_value *ret_value)
{
	size_t length = take_32(m);

	require(length <= m->n - m->at, "a text longer than its message");
	ret_value->octets.data = m->data + m->at;
	ret_value->octets.length = length;
	m->at += length;
	while (length++ % 4 != 0)
		require(take_8(m) == 0, "padding is not zero");
}

void
take_varbind(struct message *m, struct mib_varbind *ret_varbind)
{
	struct mib_value *value = &ret_varbind->value;
	uint64_t first;

	value->type = (enum mib_type)take_16(m);
	require(take_16(m) == 0, "a reserved field is used");
	take_name(m, &ret_varbind->name);
	switch (value->type) {
	case MIB_INTEGER:
	case MIB_COUNTER32:
	case MIB_GAUGE32:
		value->number = take_32(m);
		break;
	case MIB_COUNTER64:
		first = take_32(m);
		value->counter64 = m->network ? first << 32 | take_32(m) :
		    (uint64_t)take_32(m) << 32 | first;
		break;
	case MIB_OCTETS:
		octets_of_value(m, value);
		break;
	case MIB_OBJECT_ID:
		take_name(m, &value->oid);
		break;
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		break;
	case MIB_TIMETICKS:
	case MIB_OPAQUE:
	case MIB_NULL:
		require(false, "invalid type of a value: %u",
		    (unsigned int)value->type);
	}
}
