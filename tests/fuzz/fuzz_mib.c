/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the MIB engine: the input becomes GETs, GETNEXTs and the phases of SETs, in any
 * order, on a small store. A GETNEXT gives a greater OID below its end, a GET of that OID gives
 * the same value, and each SET gets a valid answer.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

const char fuzz_corpus[] = "mib";

enum { VARBINDS_MAX = 8, SESSIONS = 3, TRANSACTIONS = 3 };

/* -- what must hold ---------------------------------------------------------------------- */

/* Reads all bytes, so that a sanitizer checks them. */
static uint32_t
touch(const struct mib_value *value)
{
	uint32_t sum = 0;

	if (value->type == MIB_OCTETS)
		for (size_t i = 0; i < value->octets.length; i++)
			sum += value->octets.data[i];
	return sum;
}

static void
values_compare(const struct mib_value *a, const struct mib_value *b, const struct mib_oid *name)
{
	must_at(a->type == b->type, "GET and GETNEXT differ in type", name);
	switch (a->type) {
	case MIB_INTEGER:
	case MIB_GAUGE32:
	case MIB_COUNTER32:
		must_at(a->number == b->number, "they differ", name);
		break;
	case MIB_COUNTER64:
		must_at(a->counter64 == b->counter64, "they differ", name);
		break;
	case MIB_OBJECT_ID:
		must_at(oid_order(&a->oid, &b->oid) == 0, "they differ", name);
		break;
	case MIB_OCTETS:
		must_at(a->octets.length <= MODEL_MESSAGE_MAX, "too long", name);
		must_at(a->octets.length == b->octets.length && touch(a) == touch(b) &&
		    memcmp(a->octets.data, b->octets.data, a->octets.length) == 0, "they differ",
		    name);
		break;
	case MIB_TIMETICKS:
	case MIB_NULL:
	case MIB_OPAQUE:
	case MIB_NO_SUCH_OBJECT:
	case MIB_NO_SUCH_INSTANCE:
	case MIB_END_OF_VIEW:
		must_at(0, "no type of this module", name);
	}
}

static void
next(const struct mib_oid *start, bool inclusive, const struct mib_oid *end,
    struct mib_oid *ret_name)
{
	struct mib_value value, again;
	int order;

	mib_next(f.mib, start, inclusive, end, ret_name, &value);
	order = oid_order(ret_name, start);
	if (value.type == MIB_END_OF_VIEW) {
		must_at(order == 0, "the end has another name", start);
		return;
	}
	must_at(order > 0 || (order == 0 && inclusive), "does not go up", start);
	must_at(end->n == 0 || oid_order(ret_name, end) < 0, "goes beyond its end", start);
	touch(&value);
	mib_get(f.mib, ret_name, &again);
	values_compare(&value, &again, ret_name);
}

static void
get(const struct mib_oid *name)
{
	struct mib_value value;
	struct mib_oid same;

	mib_get(f.mib, name, &value);
	if (value.type == MIB_NO_SUCH_OBJECT || value.type == MIB_NO_SUCH_INSTANCE)
		return;
	next(name, true, &(struct mib_oid){ .n = 0 }, &same);
	must_at(oid_order(name, &same) == 0, "GETNEXT does not find it", name);
}

/* -- SETs ----------------------------------------------------------------------------------- */

static void
answer_check(enum mib_status status, size_t index, size_t n)
{
	static const enum mib_status known[] = {
		MIB_NO_ERROR, MIB_GEN_ERR, MIB_WRONG_TYPE, MIB_WRONG_LENGTH, MIB_WRONG_VALUE,
		MIB_NO_CREATION, MIB_INCONSISTENT_VALUE, MIB_RESOURCE_UNAVAILABLE,
		MIB_COMMIT_FAILED, MIB_UNDO_FAILED, MIB_NOT_WRITABLE,
	};
	struct mib_oid none = { .n = 0 };
	size_t i = 0;

	while (i < COUNT(known) && known[i] != status)
		i++;
	must_at(i < COUNT(known), "an unknown status", &none);
	must_at((status == MIB_NO_ERROR) == (index == 0), "no index", &none);
	must_at(index <= n, "an index of no varbind", &none);
}

static void
set_test(struct input *in, uint32_t session, uint32_t transaction, const struct mib_oid *last)
{
	struct mib_varbind *varbinds;
	size_t n = 1 + take(in) % VARBINDS_MAX, index = 999;
	enum mib_status status;

	varbinds = calloc(n, sizeof(*varbinds));
	must_at(varbinds != NULL, "no memory", last);
	for (size_t i = 0; i < n; i++) {
		varbinds[i].name = take_oid(in, last);
		take_value(in, &varbinds[i].value);
	}
	status = mib_set_test(f.mib, session, transaction, varbinds, n, &index);
	free(varbinds);		/* the engine must not read it later */
	answer_check(status, index, n);
}

/* True if the store may have changed. */
static bool
set_phase(struct input *in, uint8_t phase, const struct mib_oid *last)
{
	uint8_t which = take(in);
	uint32_t session = which % SESSIONS, transaction = which / SESSIONS % TRANSACTIONS;
	size_t index = 999;
	enum mib_status status;

	switch (phase) {
	case 0:
		set_test(in, session, transaction, last);
		return false;
	case 1:
		status = mib_set_commit(f.mib, session, transaction, &index);
		answer_check(status, index, VARBINDS_MAX);
		return status == MIB_NO_ERROR;
	case 2:
		status = mib_set_undo(f.mib, session, transaction, &index);
		answer_check(status, index, 1);
		return false;
	case 3:
		mib_set_cleanup(f.mib, session, transaction);
		return false;
	case 4:
		mib_session_lost(f.mib, session);
		return false;
	default:
		mib_flush(f.mib);
		fixture_refresh(&f);
		return false;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .left = size };
	struct mib_oid last = { .n = 0 }, none = { .n = 0 };
	bool changed = false;

	if (f.mib == NULL)
		world_make();
	while (in.left > 0) {
		uint8_t op = take(&in);
		struct mib_oid start, end;

		if (op >= 192) {
			changed |= set_phase(&in, op % 6, &last);
			continue;
		}
		start = take_oid(&in, &last);
		end = (op & 4) != 0 ? take_oid(&in, &last) : none;
		if ((op & 1) != 0)
			get(&start);
		else
			next(&start, (op & 2) != 0, &end, &last);
	}
	for (uint32_t session = 0; session < SESSIONS; session++)
		mib_session_lost(f.mib, session);
	if (changed)
		world_reset();
	return 0;
}
