/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * AgentX messages as octets; see octets.h.
 */
#include "octets.h"

#include <string.h>

#include "fuzz.h"

enum { INTERNET = 4 };	/* sub-identifiers of 1.3.6.1, which a prefix stands for */

static const uint32_t internet[INTERNET] = { 1, 3, 6, 1 };

/* -- writing ----------------------------------------------------------------------- */

/* What is too long is cut: the length tells of what there is. */
static void
put_8(struct message *m, uint32_t value)
{
	if (m->n < sizeof(m->data))
		m->data[m->n++] = (uint8_t)value;
}

static void
put_16(struct message *m, uint32_t value)
{
	put_8(m, m->network ? value >> 8 : value);
	put_8(m, m->network ? value : value >> 8);
}

void
put_32(struct message *m, uint32_t value)
{
	put_16(m, m->network ? value >> 16 : value);
	put_16(m, m->network ? value : value >> 16);
}

void
message_begin(struct message *m, const struct header *header)
{
	m->n = 0;
	m->network = (header->flags & NETWORK) != 0;
	put_8(m, 1);
	put_8(m, header->type);
	put_8(m, header->flags);
	put_8(m, 0);
	put_32(m, header->session);
	put_32(m, header->transaction);
	put_32(m, header->packet);
	put_32(m, header->length);
}

void
message_end(struct message *m)
{
	size_t n = m->n & ~(size_t)3;

	m->n = HEADER - 4;
	put_32(m, (uint32_t)(n - HEADER));
	m->n = n;
}

void
put_octets(struct message *m, const uint8_t *data, size_t n)
{
	put_32(m, (uint32_t)n);
	for (size_t i = 0; i < (n + 3) / 4 * 4; i++)
		put_8(m, i < n ? data[i] : 0);
}

void
put_oid(struct message *m, const struct mib_oid *oid, bool include)
{
	bool prefix = oid->n > INTERNET && oid->sub[INTERNET] != 0 && oid->sub[INTERNET] <= 255 &&
	    memcmp(oid->sub, internet, sizeof(internet)) == 0;
	uint32_t from = prefix ? INTERNET + 1 : 0;

	put_8(m, oid->n - from);
	put_8(m, prefix ? oid->sub[INTERNET] : 0);
	put_8(m, include);
	put_8(m, 0);
	for (uint32_t i = from; i < oid->n; i++)
		put_32(m, oid->sub[i]);
}

void
put_varbind(struct message *m, const struct mib_varbind *varbind)
{
	const struct mib_value *value = &varbind->value;

	put_16(m, value->type);
	put_16(m, 0);
	put_oid(m, &varbind->name, false);
	switch (value->type) {
	case MIB_INTEGER:
	case MIB_GAUGE32:
	case MIB_COUNTER32:
	case MIB_TIMETICKS:
		put_32(m, value->number);
		break;
	case MIB_COUNTER64:
		put_32(m, (uint32_t)(m->network ? value->counter64 >> 32 : value->counter64));
		put_32(m, (uint32_t)(m->network ? value->counter64 : value->counter64 >> 32));
		break;
	case MIB_OCTETS:
	case MIB_OPAQUE:
		put_octets(m, value->octets.data, value->octets.length);
		break;
	case MIB_OBJECT_ID:
		put_oid(m, &value->oid, false);
		break;
	case MIB_NULL:
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		break;
	}
}

/* -- reading ----------------------------------------------------------------------- */

static uint32_t
read_8(struct reader *reader)
{
	must(reader->left > 0, "the message ends too soon");
	reader->left--;
	return *reader->data++;
}

uint32_t
read_16(struct reader *reader)
{
	uint32_t first = read_8(reader), second = read_8(reader);

	return reader->network ? first << 8 | second : second << 8 | first;
}

uint32_t
read_32(struct reader *reader)
{
	uint32_t first = read_16(reader), second = read_16(reader);

	return reader->network ? first << 16 | second : second << 16 | first;
}

struct header
header_read(struct reader *reader, const uint8_t *data, size_t n)
{
	struct header ret = { 0 };

	*reader = (struct reader){ .data = data, .left = n, .network = (data[2] & NETWORK) != 0 };
	must(read_8(reader) == 1, "not version 1");
	ret.type = (uint8_t)read_8(reader);
	ret.flags = (uint8_t)read_8(reader);
	must(read_8(reader) == 0, "a reserved octet is used");
	ret.session = read_32(reader);
	ret.transaction = read_32(reader);
	ret.packet = read_32(reader);
	ret.length = read_32(reader);
	must(ret.length % 4 == 0, "a length of %u octets", ret.length);
	return ret;
}

/* The codec sets "include" in every value that is an OID: it means nothing there. */
static struct mib_oid
oid_read(struct reader *reader)
{
	uint32_t n = read_8(reader), prefix = read_8(reader), include = read_8(reader);
	struct mib_oid ret = { 0 };

	must(include <= 1 && read_8(reader) == 0, "a reserved octet is used");
	if (prefix != 0) {
		memcpy(ret.sub, internet, sizeof(internet));
		ret.sub[INTERNET] = prefix;
		ret.n = INTERNET + 1;
	}
	must(ret.n + n <= MIB_OID_MAX, "an OID of %u sub-identifiers", ret.n + n);
	while (n-- > 0)
		ret.sub[ret.n++] = read_32(reader);
	return ret;
}

static void
octets_read(struct reader *reader, struct mib_value *value)
{
	size_t n = read_32(reader);

	must(n <= reader->left, "a text longer than its message");
	value->octets.data = reader->data;
	value->octets.length = n;
	reader->data += n;
	reader->left -= n;
	while (n++ % 4 != 0)
		must(read_8(reader) == 0, "padding tells a secret");
}

struct mib_varbind
varbind_read(struct reader *reader)
{
	struct mib_varbind ret = { .value.type = (enum mib_type)read_16(reader) };
	uint64_t first;

	must(read_16(reader) == 0, "a reserved field is used");
	ret.name = oid_read(reader);
	switch (ret.value.type) {
	case MIB_INTEGER:
	case MIB_GAUGE32:
	case MIB_COUNTER32:
		ret.value.number = read_32(reader);
		break;
	case MIB_COUNTER64:
		first = read_32(reader);
		ret.value.counter64 = reader->network ? first << 32 | read_32(reader) :
		    (uint64_t)read_32(reader) << 32 | first;
		break;
	case MIB_OCTETS:
		octets_read(reader, &ret.value);
		break;
	case MIB_OBJECT_ID:
		ret.value.oid = oid_read(reader);
		break;
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		break;
	case MIB_TIMETICKS:
	case MIB_OPAQUE:
	case MIB_NULL:
		must(false, "a value of type %u, which this module has not",
		    (unsigned int)ret.value.type);
	}
	return ret;
}
