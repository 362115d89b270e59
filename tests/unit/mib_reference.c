/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reference answers for an OID; see mib_reference.h.
 */
#include "mib_reference.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* -- the store ---------------------------------------------------------------------------- */

void
reference_make(struct fixture *f, bool empty)
{
	fixture_dir_make(f);
	fixture_store_make(f);
	fixture_now = START_S;
	fixture_steady_ms = 1000000;
	if (!empty) {
		fixture_sql(f->main, "%s", world_inventory);
		fixture_sql(f->main, "%s", world_jobs);
		fixture_sql(f->stats, "%s", world_statistics);
	}
	fixture_start(f, STORE_WRITE, 1000);
	world_expect(empty ? empty_tables : world_tables);
	if (empty)
		return;
	fixture_sql(f->main, "%s", world_changes);
	fixture_sql(f->stats, "%s", world_measured);
	fixture_now = LATER_S;
	fixture_refresh(f);
	cache_tick(f->cache, fixture_now);
}

/* -- values ---------------------------------------------------------------------------------- */

static bool
value_equals(const struct mib_value *a, const struct mib_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case MIB_INTEGER:
		return a->integer == b->integer;
	case MIB_GAUGE32:
	case MIB_COUNTER32:
	case MIB_TIMETICKS:
		return a->number == b->number;
	case MIB_COUNTER64:
		return a->counter64 == b->counter64;
	case MIB_OBJECT_ID:
		return oid_order(&a->oid, &b->oid) == 0;
	case MIB_OCTETS:
	case MIB_OPAQUE:
		return a->octets.length == b->octets.length &&
		    memcmp(a->octets.data, b->octets.data, a->octets.length) == 0;
	case MIB_NULL:
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		break;
	}
	return true;
}

static const char *
value_text(const struct mib_value *value)
{
	static char text[2 * OID_TEXT_SIZE];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "0x%02x ", (unsigned)value->type);
	if (value->type == MIB_OCTETS)
		for (size_t i = 0; i < value->octets.length && i < 300; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%02x",
			    value->octets.data[i]);
	else if (value->type == MIB_OBJECT_ID)
		oid_text(&value->oid, text + n);
	else if (value->type == MIB_COUNTER64)
		snprintf(text + n, sizeof(text) - n, "%llu",
		    (unsigned long long)value->counter64);
	else
		snprintf(text + n, sizeof(text) - n, "%u", value->number);
	return text;
}

void
reference_check(const struct mib_oid *name, const struct mib_value *value,
    const struct mib_value *expected)
{
	char text[OID_TEXT_SIZE];

	if (value_equals(value, expected))
		return;
	print_message("%s\n is %s\n", oid_text(name, text), value_text(value));
	fail_msg("expected %s", value_text(expected));
}

/* -- OIDs ------------------------------------------------------------------------------------- */

size_t
reference_position(const struct mib_oid *start, bool inclusive)
{
	size_t low = 0, high = entries_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = oid_order(&entries[middle].name, start);

		if (order > 0 || (order == 0 && inclusive))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void
reference_get(const struct mib_oid *name, struct mib_value *ret_value)
{
	size_t i = reference_position(name, true);

	if (i < entries_count && oid_order(&entries[i].name, name) == 0) {
		*ret_value = entries[i].value;
		return;
	}
	ret_value->type = MIB_NO_SUCH_OBJECT;
	for (size_t c = 0; c < columns_count; c++)
		if (oid_starts(name, &columns[c]))
			ret_value->type = MIB_NO_SUCH_INSTANCE;
}

void
reference_next(const struct mib_oid *start, bool inclusive, const struct mib_oid *end,
    struct mib_varbind *ret_varbind)
{
	size_t i = reference_position(start, inclusive);

	if (i < entries_count && (end->n == 0 || oid_order(&entries[i].name, end) < 0)) {
		ret_varbind->name = entries[i].name;
		ret_varbind->value = entries[i].value;
	} else {
		ret_varbind->name = *start;
		ret_varbind->value.type = MIB_END_OF_VIEW;
	}
}
