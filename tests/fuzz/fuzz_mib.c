/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the MIB engine: octets become GETs, GETNEXTs and SETs, phase by phase
 * and in any order, against a small store. GETNEXT has to go up and to stay before its
 * end, GET has to say the same of what it found, and a SET may not be answered with
 * what is no answer.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/mib_fixture.h"
#include "util/log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char fuzz_corpus[] = "mib";

enum { VARBINDS_MAX = 8, SESSIONS = 3, TRANSACTIONS = 3 };

static struct fixture f;

/* Where an OID may start from. */
static const char *const bases[] = {
	"", ".", ".1", ".1.1", ".1.1.2.0", ".1.2.1", ".1.3.1", ".1.4.1", ".1.5.1", ".1.6.1.1.1",
	".1.6.2.1.1", ".1.6.3.1.1", ".1.7", ".1.7.8.1", ".1.8", ".1.8.1.0", ".1.4.1.8.1.1",
	".1.4.1.9.1.1", ".1.4.1.10.1.1", ".1.4.1.8.2.2", ".1.4.1.9.2.2", ".1.4.1.10.2.2",
	".1.6.1.1.1.$web", ".1.6.2.1.1.1.$http", ".1.6.3.1.1.1.1.$web-2",
};

/* -- the input ------------------------------------------------------------------------ */

/* A base or the name of before, cut, and with more behind. */
static struct mib_oid
take_oid(struct input *in, const struct mib_oid *last)
{
	uint8_t base = take(in), shape = take(in);
	struct mib_oid oid = base < COUNT(bases) ? oid_make(bases[base]) : *last;
	uint32_t cut = shape >> 5, more = shape & 31;

	oid.n -= cut < oid.n ? cut : oid.n;
	if (more == 31)
		more = take(in);
	for (; more > 0 && oid.n < MIB_OID_MAX; more--)
		oid.sub[oid.n++] = take_number(in);
	return oid;
}

static void
take_value(struct input *in, struct mib_value *ret)
{
	static const enum mib_type types[] = {
		MIB_INTEGER, MIB_GAUGE32, MIB_OCTETS, MIB_NULL, MIB_OBJECT_ID, MIB_COUNTER32,
		MIB_TIMETICKS, MIB_OPAQUE, MIB_COUNTER64,
	};

	memset(ret, 0, sizeof(*ret));
	ret->type = types[take(in) % COUNT(types)];
	if (ret->type == MIB_OCTETS || ret->type == MIB_OPAQUE) {
		size_t length = take(in);

		ret->octets.data = take_octets(in, length, &ret->octets.length);
	} else if (ret->type != MIB_OBJECT_ID) {
		ret->number = take_number(in);
	}
}

/* -- what must hold ---------------------------------------------------------------------- */

static void
must_at(bool condition, const char *what, const struct mib_oid *oid)
{
	char text[OID_TEXT_SIZE];

	if (condition)
		return;
	fprintf(stderr, "%s: %s\n", what, oid_text(oid, text));
	abort();
}

/* Reads all of it, so that a sanitizer may look. */
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
		MIB_NO_ERROR, MIB_WRONG_TYPE, MIB_WRONG_LENGTH, MIB_WRONG_VALUE, MIB_NO_CREATION,
		MIB_INCONSISTENT_VALUE, MIB_RESOURCE_UNAVAILABLE, MIB_COMMIT_FAILED,
		MIB_UNDO_FAILED, MIB_NOT_WRITABLE,
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
	free(varbinds);		/* nothing of it may be looked at later */
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
		mib_repair(f.mib);
		fixture_refresh(&f);
		return false;
	}
}

/* -- the store ------------------------------------------------------------------------------- */

static const char store_rows[] =
    "BEGIN;"
    "DELETE FROM cluster; DELETE FROM job; DELETE FROM removed; DELETE FROM sqlite_sequence;"
    "INSERT INTO cluster (id, name, plane) VALUES (1, 'web', 'none'), (2, 'lb', 'haproxy'),"
    " (7, 'empty', 'none');"
    "INSERT INTO service (id, cluster_id, name, address, port) VALUES"
    " (1, 1, 'http', '192.0.2.1', '80'), (2, 2, 'http', 'fe80::1%3', '443'), (5, 1, 'none', '', '');"
    "INSERT INTO real_service (id, service_id, name, address, port, weight, fallback, enabled)"
    " VALUES (1, 1, 'web-1', '10.0.0.1', '80', 1, 0, 1), (2, 1, 'web-2', '10.0.0.2', '80', 2, 1, 1),"
    " (3, 1, 'web-10', 'host', '', 3, 0, 0), (4, 2, 'a', '2001:db8::1', '443', 4, 0, 1),"
    " (5, 2, 'b', 'unix@/run/b', '', 5, 0, 0);"
    "INSERT INTO job (operation, state, old_value, new_value, cluster_name, service_name, real_name)"
    " VALUES (5, 3, 1, 2, 'c', 's', 'r'), (1, 1, 0, 1, 'c', 's', 'r');"
    "UPDATE setting SET value = 0 WHERE name = 'set_lock';"
    "DELETE FROM setting WHERE name = 'notify_enable';"
    "COMMIT;";

static void
finish(void)
{
	fixture_free(&f);
}

static void
engine_make(void)
{
	log_level_set(LOG_LEVEL_ERROR);
	fixture_dir_make(&f);
	fixture_store_make(&f);
	atexit(finish);
	fixture_sql(f.main, "%s", store_rows);
	fixture_sql(f.stats, "INSERT INTO statistics (real_id, active, bps_in, total_octets_in,"
	    " last_update) VALUES (1, 1, 5000000000, 7, %lld), (2, 0, NULL, NULL, %lld),"
	    " (4, NULL, 3, NULL, 1)", (long long)fixture_now, (long long)fixture_now);
	fixture_start(&f, STORE_WRITE, 10);
}

/* Each input finds the same rows. */
static void
store_reset(void)
{
	fixture_stop(&f);
	fixture_sql(f.main, "%s", store_rows);
	fixture_start(&f, STORE_WRITE, 10);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .left = size };
	struct mib_oid last = { .n = 0 }, none = { .n = 0 };
	bool changed = false;

	if (f.mib == NULL)
		engine_make();
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
		store_reset();
	return 0;
}
