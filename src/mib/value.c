/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mib/table.h"
#include "model/address.h"
#include "model/oid.h"
#include "util/digest.h"
#include "util/text.h"

const uint32_t mib_root[] = { OID_LBC_MIB };
const size_t mib_root_length = sizeof(mib_root) / sizeof(mib_root[0]);

void
mib_name_make(struct mib_oid *ret, const struct mib_table *table, uint32_t column,
    const uint32_t *index, size_t n)
{
	uint32_t *to = ret->sub;

	memcpy(to, mib_root, mib_root_length * sizeof(uint32_t));
	to += mib_root_length;
	memcpy(to, table->prefix, table->prefix_n * sizeof(uint32_t));
	to += table->prefix_n;
	*to++ = column;
	memcpy(to, index, n * sizeof(uint32_t));
	ret->n = (uint32_t)(mib_root_length + table->prefix_n + 1 + n);
}

enum mib_type
mib_syntax_type(enum mib_syntax syntax)
{
	static const enum mib_type types[] = {
		[SYNTAX_INTEGER] = MIB_INTEGER,
		[SYNTAX_UNSIGNED32] = MIB_GAUGE32,
		[SYNTAX_COUNTER32] = MIB_COUNTER32,
		[SYNTAX_COUNTER64] = MIB_COUNTER64,
		[SYNTAX_OCTETS] = MIB_OCTETS,
		[SYNTAX_BITS] = MIB_OCTETS,
		[SYNTAX_OBJECT_ID] = MIB_OBJECT_ID,
	};

	return types[syntax];
}

bool
mib_value_text(struct mib_value *value, const char *text)
{
	/* SnmpAdminString is UTF-8 (RFC 3411); any program may have written the text with SQL. */
	if (strlen(text) > MODEL_MESSAGE_MAX || !text_is_clean(text)) {
		char *copy = (char *)value->buffer;

		if (text != copy)
			snprintf(copy, sizeof(value->buffer), "%s", text);
		text = text_clean(copy, '?');
	}
	value->octets.data = (const uint8_t *)text;
	value->octets.length = strlen(text);
	return true;
}

bool
mib_value_printf(struct mib_value *value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf((char *)value->buffer, sizeof(value->buffer), fmt, ap);
	va_end(ap);
	return mib_value_text(value, (const char *)value->buffer);
}

/* The year of a DateAndTime has 16 bits. Times outside become all zero. */
bool
mib_value_time(struct mib_value *value, int64_t wall_s)
{
	enum { LENGTH = 11 };
	time_t t = (time_t)wall_s;
	struct tm tm;
	uint8_t *to = value->buffer;

	memset(to, 0, LENGTH);
	if (wall_s > 0 && gmtime_r(&t, &tm) != NULL && tm.tm_year <= 65535 - 1900) {
		unsigned year = (unsigned)tm.tm_year + 1900;

		to[0] = (uint8_t)(year >> 8);
		to[1] = (uint8_t)(year & 0xff);
		to[2] = (uint8_t)(tm.tm_mon + 1);
		to[3] = (uint8_t)tm.tm_mday;
		to[4] = (uint8_t)tm.tm_hour;
		to[5] = (uint8_t)tm.tm_min;
		to[6] = (uint8_t)tm.tm_sec;
		to[8] = '+';
	}
	value->octets.data = to;
	value->octets.length = LENGTH;
	return true;
}

bool
mib_value_number(struct mib_value *value, uint32_t number)
{
	/* 'integer', the member for MIB_INTEGER, has the same size and place in the union. */
	value->number = number;
	return true;
}

bool
mib_value_truth(struct mib_value *value, bool truth)
{
	return mib_value_number(value, truth ? 1 : 2);
}

bool
mib_value_address_type(struct mib_value *value, const char *address)
{
	return mib_value_number(value, address_from_text(address).type);
}

bool
mib_value_address(struct mib_value *value, const char *address)
{
	struct address found = address_from_text(address);

	memcpy(value->buffer, found.octets, found.length);
	value->octets.data = value->buffer;
	value->octets.length = found.length;
	return true;
}

bool
mib_value_endpoint(struct mib_value *value, const char *address, const char *port)
{
	address_endpoint(address, port, (char *)value->buffer, sizeof(value->buffer));
	return mib_value_text(value, (const char *)value->buffer);
}

bool
mib_value_gauge(struct mib_value *value, uint64_t number)
{
	return mib_value_number(value, number > UINT32_MAX ? UINT32_MAX : (uint32_t)number);
}

static bool
value_kilo(struct mib_value *value, uint64_t number)
{
	return mib_value_gauge(value, number / 1000 + (number % 1000 >= 500));
}

bool
mib_column_value(struct mib *mib, const struct mib_column *column, const void *row,
    struct mib_value *ret_value)
{
	const char *block = row, *member;
	uint64_t number = 0;

	if (column->block != 0)
		block = *(const char *const *)(const void *)(block + column->block);
	if (block == NULL || (column->needs != 0 && !(*(const uint32_t *)(const void *)(block +
	    column->needs_at) & column->needs)))
		return false;
	member = block + column->at;
	ret_value->type = mib_syntax_type(column->syntax);
	if (column->source == SOURCE_STAT || column->source == SOURCE_STAT_KILO)
		number = cache_number((const struct cache_statistics *)(const void *)member,
		    (enum stat_number)__builtin_ctz(column->needs));
	switch (column->source) {
	case SOURCE_NONE:
		return false;
	case SOURCE_FUNCTION:
		return column->get(mib, row, ret_value);
	case SOURCE_BOOL:
		return mib_value_truth(ret_value, *(const bool *)member);
	case SOURCE_U16:
		return mib_value_number(ret_value, *(const uint16_t *)(const void *)member);
	case SOURCE_U32:
		return mib_value_number(ret_value, *(const uint32_t *)(const void *)member);
	case SOURCE_U64:
		ret_value->counter64 = *(const uint64_t *)(const void *)member;
		return true;
	case SOURCE_TEXT:
		return mib_value_text(ret_value, *(const char *const *)(const void *)member);
	case SOURCE_TIME:
		return mib_value_time(ret_value, *(const int64_t *)(const void *)member);
	case SOURCE_SUM:
		return mib_value_gauge(ret_value, *(const uint64_t *)(const void *)member);
	case SOURCE_SUM_KILO:
		return value_kilo(ret_value, *(const uint64_t *)(const void *)member);
	case SOURCE_STAT:
		if (ret_value->type != MIB_COUNTER64)
			return mib_value_gauge(ret_value, number);
		ret_value->counter64 = number;
		return true;
	case SOURCE_STAT_KILO:
		return value_kilo(ret_value, number);
	}
	return false;
}

/* -- hashes of varbind lists ---------------------------------------------------------- */

static uint64_t
digest_add_oid(uint64_t digest, const struct mib_oid *oid)
{
	digest = digest_add(digest, &oid->n, sizeof(oid->n));
	return digest_add(digest, oid->sub, oid->n * sizeof(oid->sub[0]));
}

static uint64_t
digest_add_value(uint64_t digest, const struct mib_value *value)
{
	digest = digest_add(digest, &value->type, sizeof(value->type));
	switch (value->type) {
	case MIB_INTEGER:
	case MIB_COUNTER32:
	case MIB_GAUGE32:
	case MIB_TIMETICKS:
		return digest_add(digest, &value->number, sizeof(value->number));
	case MIB_COUNTER64:
		return digest_add(digest, &value->counter64, sizeof(value->counter64));
	case MIB_OCTETS:
	case MIB_OPAQUE:
		return digest_add(digest, value->octets.data, value->octets.length);
	case MIB_OBJECT_ID:
		return digest_add_oid(digest, &value->oid);
	case MIB_NULL:
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		break;
	}
	return digest;
}

uint64_t
mib_varbinds_digest(const struct mib_varbind *varbinds, size_t n)
{
	uint64_t digest = DIGEST_EMPTY;

	for (size_t i = 0; i < n; i++) {
		digest = digest_add_oid(digest, &varbinds[i].name);
		digest = digest_add_value(digest, &varbinds[i].value);
	}
	return digest;
}
