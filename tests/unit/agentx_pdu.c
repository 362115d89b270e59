/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Names and varbinds of AgentX; see agentx_pdu.h.
 */
#include "agentx_pdu.h"

#include <string.h>

static const uint32_t internet[] = { 1, 3, 6, 1 };

enum { INTERNET = 4 };

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
		put_text(m, (const char *)value->octets.data, value->octets.length);
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
take_name(struct message *m, struct mib_oid *ret_name)
{
	unsigned int n = take_8(m), prefix = take_8(m);

	assert_in_range(take_8(m), 0, 1);
	assert_int_equal(take_8(m), 0);
	ret_name->n = 0;
	if (prefix != 0) {
		memcpy(ret_name->sub, internet, sizeof(internet));
		ret_name->sub[INTERNET] = prefix;
		ret_name->n = INTERNET + 1;
	}
	assert_in_range(ret_name->n + n, 0, MIB_OID_MAX);
	while (n-- > 0)
		ret_name->sub[ret_name->n++] = take_32(m);
}

static void
take_octets(struct message *m, struct mib_value *ret_value)
{
	size_t length = take_32(m), padded = (length + 3) / 4 * 4;

	assert_in_range(padded, length, m->n - m->at);
	ret_value->octets.data = m->data + m->at;
	ret_value->octets.length = length;
	m->at += padded;
}

void
take_varbind(struct message *m, struct mib_varbind *ret_varbind)
{
	struct mib_value *value = &ret_varbind->value;
	uint32_t first;

	value->type = (enum mib_type)take_16(m);
	assert_int_equal(take_16(m), 0);
	take_name(m, &ret_varbind->name);
	switch (value->type) {
	case MIB_INTEGER:
	case MIB_COUNTER32:
	case MIB_GAUGE32:
	case MIB_TIMETICKS:
		value->number = take_32(m);
		return;
	case MIB_COUNTER64:
		first = take_32(m);
		value->counter64 = take_32(m);
		value->counter64 = m->network ? (uint64_t)first << 32 | value->counter64 :
		    value->counter64 << 32 | first;
		return;
	case MIB_OCTETS:
	case MIB_OPAQUE:
		take_octets(m, value);
		return;
	case MIB_OBJECT_ID:
		take_name(m, &value->oid);
		return;
	case MIB_NULL:
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		return;
	}
	fail_msg("type %u", (unsigned int)value->type);
}

void
request_begin(struct message *m, uint8_t type, uint32_t transaction)
{
	static uint32_t packet;

	packet++;
	message_begin(m, type, packet % 2 == 0 ? NETWORK : 0, SESSION_ID, transaction, packet);
}
