/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the answer to a SET, and of rows, jobs and objects after it. test_mib_phases.c and
 * test_phases.c test the order of the phases.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mib/table.h"
#include "mib_pdu.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- the contract, row by row ------------------------------------------------------------ */

struct answer {
	const char		*pdu;
	enum mib_status		 status;
	size_t			 fault;
	const char		*rows;		/* after it; NULL: as before */
	const char		*jobs;		/* NULL: none */
	int64_t			 lock;		/* after it */
	const char		*notify;	/* bits after it; NULL: as before */
	enum reject_reason	 reason;	/* 0: no refusal that is counted */
	const char		*text;
	const char		*before;	/* SQL */
};

#define ACCEPTED(pdu_, rows_, jobs_) { .pdu = (pdu_), .rows = (rows_), .jobs = (jobs_) }
#define SAME(pdu_) { .pdu = (pdu_) }
#define REFUSED(pdu_, at, reason_, text_)                                      \
	{ .pdu = (pdu_), .status = MIB_INCONSISTENT_VALUE, .fault = (at),      \
	  .reason = (reason_), .text = (text_) }
#define WRONG(pdu_, status_, at) { .pdu = (pdu_), .status = (status_), .fault = (at) }

static const struct answer answers[] = {
	/* The value that is stored. */
	SAME("A.weight=10"), SAME("A.enabled=1"), SAME("A.fallback=2"), SAME("D.enabled=2"),
	SAME("X.fallback=1"), SAME("H.weight=10"), SAME("A.enabled=1 A.fallback=2 A.weight=10"),

	/* An effective change. */
	ACCEPTED("A.weight=5", "A5e B10e D10 X10ef Y10e H10e F10",
	    "A set_weight 10>5 succeeded #1"),
	ACCEPTED("A.weight=0", "A0e B10e D10 X10ef Y10e H10e F10",
	    "A set_weight 10>0 succeeded #1"),
	ACCEPTED("A.weight=65535", "A65535e B10e D10 X10ef Y10e H10e F10",
	    "A set_weight 10>65535 succeeded #1"),
	ACCEPTED("H.weight=256", "A10e B10e D10 X10ef Y10e H256e F10",
	    "H set_weight 10>256 queued #1"),
	ACCEPTED("D.enabled=1", "A10e B10e D10e X10ef Y10e H10e F10",
	    "D enable 0>1 succeeded #1"),
	ACCEPTED("H.enabled=2", "A10e B10e D10 X10ef Y10e H10 F10", "H disable 1>0 queued #1"),
	ACCEPTED("B.fallback=1", "A10e B10ef D10 X10ef Y10e H10e F10",
	    "B enable_fallback 0>1 succeeded #1"),
	ACCEPTED("X.fallback=2", "A10e B10e D10 X10e Y10e H10e F10",
	    "X disable_fallback 1>0 succeeded #1"),
	ACCEPTED("A.enabled=2 B.weight=7 A.weight=10 H.weight=1",
	    "A10 B7e D10 X10ef Y10e H1e F10", "A disable 1>0 succeeded #1,"
	    " B set_weight 10>7 succeeded #1, H set_weight 10>1 queued #1"),

	/* No such real service. */
	WRONG("Z.weight=5", MIB_NO_CREATION, 1), WRONG("Z.enabled=1", MIB_NO_CREATION, 1),
	WRONG("Z.fallback=1", MIB_NO_CREATION, 1),
	WRONG("A.weight=5 Z.weight=5", MIB_NO_CREATION, 2),
	WRONG("Z.weight=5 A.weight=5", MIB_NO_CREATION, 1),

	/* Invalid values. */
	WRONG("A.weight=65536", MIB_WRONG_VALUE, 1),
	WRONG("A.weight=2147483648", MIB_WRONG_VALUE, 1),
	WRONG("A.weight=4294967295", MIB_WRONG_VALUE, 1),
	WRONG("H.weight=65536", MIB_WRONG_VALUE, 1),
	WRONG("A.enabled=0", MIB_WRONG_VALUE, 1), WRONG("A.enabled=3", MIB_WRONG_VALUE, 1),
	WRONG("A.enabled=-1", MIB_WRONG_VALUE, 1), WRONG("A.enabled=257", MIB_WRONG_VALUE, 1),
	WRONG("A.enabled=-2147483648", MIB_WRONG_VALUE, 1),
	WRONG("A.enabled=2147483647", MIB_WRONG_VALUE, 1),
	WRONG("A.fallback=0", MIB_WRONG_VALUE, 1), WRONG("A.fallback=3", MIB_WRONG_VALUE, 1),
	WRONG("A.fallback=65537", MIB_WRONG_VALUE, 1), WRONG("lock=-1", MIB_WRONG_VALUE, 1),
	WRONG("lock=-2147483648", MIB_WRONG_VALUE, 1),
	WRONG("Z.weight=65536", MIB_WRONG_VALUE, 1),	/* the value is checked first */
	WRONG("A.weight=5 B.weight=6 A.enabled=9", MIB_WRONG_VALUE, 3),

	/* Preconditions. */
	REFUSED("Y.fallback=1", 1, REJECT_FALLBACK_TAKEN,
	    "web/smtp: fallback is mx-1 already; disable its fallback first or in the "
	    "same request"),
	REFUSED("D.fallback=1", 1, REJECT_FALLBACK_NEEDS_ENABLED,
	    "web/http/web-3: not enabled; enable it first or in the same request"),
	REFUSED("H.weight=257", 1, REJECT_VALUE_OUT_OF_RANGE,
	    "lb/http/web-1: weight 257 is above 256, the limit of plane haproxy"),
	REFUSED("A.weight=5 B.weight=6 Y.fallback=1", 3, REJECT_FALLBACK_TAKEN, NULL),
	REFUSED("lock=1", 1, REJECT_LOCK_MISMATCH,
	    "lbcSysSetLock is 0, not 1: another manager changed it; read it again"),
	REFUSED("lock=2147483647", 1, REJECT_LOCK_MISMATCH, NULL),

	/* As if simultaneously. */
	ACCEPTED("D.enabled=1 D.fallback=1", "A10e B10e D10ef X10ef Y10e H10e F10",
	    "D enable 0>1 succeeded #1, D enable_fallback 0>1 succeeded #1"),
	ACCEPTED("D.fallback=1 D.enabled=1", "A10e B10e D10ef X10ef Y10e H10e F10",
	    "D enable_fallback 0>1 succeeded #1, D enable 0>1 succeeded #1"),
	ACCEPTED("Y.fallback=1 X.fallback=2", "A10e B10e D10 X10e Y10ef H10e F10",
	    "Y enable_fallback 0>1 succeeded #1, X disable_fallback 1>0 succeeded #1"),
	ACCEPTED("X.fallback=2 Y.fallback=1", "A10e B10e D10 X10e Y10ef H10e F10",
	    "X disable_fallback 1>0 succeeded #1, Y enable_fallback 0>1 succeeded #1"),
	ACCEPTED("X.fallback=2 Y.fallback=1 X.enabled=2 Y.weight=0",
	    "A10e B10e D10 X10 Y0ef H10e F10", "X disable_fallback 1>0 succeeded #1,"
	    " Y enable_fallback 0>1 succeeded #1, X disable 1>0 succeeded #1,"
	    " Y set_weight 10>0 succeeded #1"),
	REFUSED("A.fallback=1 B.fallback=1", 2, REJECT_FALLBACK_TAKEN,
	    "web/http: the same request makes web-1 fallback; a service has one fallback"),
	REFUSED("X.fallback=2 Y.fallback=1 X.fallback=1", 2, REJECT_FALLBACK_TAKEN, NULL),
	ACCEPTED("A.fallback=1 H.fallback=1", "A10ef B10e D10 X10ef Y10e H10ef F10",
	    "A enable_fallback 0>1 succeeded #1, H enable_fallback 0>1 queued #1"),
	REFUSED("A.enabled=2 A.fallback=1", 2, REJECT_FALLBACK_NEEDS_ENABLED,
	    "web/http/web-1: the same request disables it; a fallback must be enabled"),
	REFUSED("A.fallback=1 A.enabled=2", 1, REJECT_FALLBACK_NEEDS_ENABLED, NULL),
	ACCEPTED("X.enabled=2", "A10e B10e D10 X10f Y10e H10e F10", "X disable 1>0 succeeded #1"),
	{ .before = "UPDATE real_service SET enabled = 0 WHERE id = 4", .pdu = "X.fallback=1" },
	{ .before = "UPDATE real_service SET enabled = 0 WHERE id = 4", .pdu = "Y.fallback=1",
	  .status = MIB_INCONSISTENT_VALUE, .fault = 1, .reason = REJECT_FALLBACK_TAKEN },
	ACCEPTED("A.weight=5 A.weight=7", "A7e B10e D10 X10ef Y10e H10e F10",
	    "A set_weight 10>7 succeeded #1"),
	SAME("A.weight=5 A.weight=10"), SAME("A.fallback=1 A.fallback=2"),
	SAME("D.fallback=1 D.fallback=2"),	/* the first of them does not count */
	ACCEPTED("A.fallback=1 B.fallback=1 A.fallback=2", "A10e B10ef D10 X10ef Y10e H10e F10",
	    "B enable_fallback 0>1 succeeded #1"),

	/* A service. Its real services keep their settings. */
	SAME("P.service=1"), SAME("R.service=1"), SAME("P.service=2 P.service=1"),
	ACCEPTED("P.service=2", ROWS_AT_FIRST " P!", "P disable_service 1>0 succeeded #1"),
	ACCEPTED("R.service=2", ROWS_AT_FIRST " R!", "R disable_service 1>0 queued #1"),
	{ .before = "UPDATE service SET enabled = 0", .pdu = "P.service=1",
	  .rows = ROWS_AT_FIRST " Q! R!", .jobs = "P enable_service 0>1 succeeded #1" },
	{ .before = "UPDATE service SET enabled = 0", .pdu = "R.service=2 Q.service=2" },
	ACCEPTED("P.service=1 P.service=2", ROWS_AT_FIRST " P!",
	    "P disable_service 1>0 succeeded #1"),
	ACCEPTED("Q.service=2 X.enabled=2 R.service=2 A.weight=3",
	    "A3e B10e D10 X10f Y10e H10e F10 Q! R!", "Q disable_service 1>0 succeeded #1,"
	    " X disable 1>0 succeeded #1, R disable_service 1>0 queued #1,"
	    " A set_weight 10>3 succeeded #1"),
	/* The fallback of a disabled service. */
	ACCEPTED("P.service=2 B.fallback=1", "A10e B10ef D10 X10ef Y10e H10e F10 P!",
	    "P disable_service 1>0 succeeded #1, B enable_fallback 0>1 succeeded #1"),
	WRONG("Z.service=2", MIB_NO_CREATION, 1), WRONG("P.service=2 Z.service=2",
	    MIB_NO_CREATION, 2),
	WRONG("P.service=0", MIB_WRONG_VALUE, 1), WRONG("P.service=3", MIB_WRONG_VALUE, 1),
	WRONG("Z.service=3", MIB_WRONG_VALUE, 1), WRONG("A.weight=1 P.service=-1",
	    MIB_WRONG_VALUE, 2),
	REFUSED("P.service=2 Y.fallback=1", 2, REJECT_FALLBACK_TAKEN, NULL),
	REFUSED("P.service=2 lock=3", 2, REJECT_LOCK_MISMATCH, NULL),

	/* A server in all services of its cluster. */
	SAME("V.server=1"), SAME("U.server=1"), SAME("W.server=1"), SAME("V.server=2 V.server=1"),
	ACCEPTED("U.server=2", "A10 B10e D10 X10ef Y10e H10e F10", "A disable 1>0 succeeded #1"),
	ACCEPTED("W.server=2", "A10e B10e D10 X10ef Y10e H10 F10", "H disable 1>0 queued #1"),
	{ .before = "UPDATE real_service SET enabled = 0 WHERE id = 2", .pdu = "V.server=2",
	  .rows = "A10e B10 D10 X10ef Y10 H10e F10", .jobs = "Y disable 1>0 succeeded #1" },
	{ .before = "UPDATE real_service SET enabled = 0 WHERE id = 2", .pdu = "V.server=1",
	  .rows = ROWS_AT_FIRST, .jobs = "B enable 0>1 succeeded #1" },
	/* The last of a server's varbind and one of its real services wins. */
	ACCEPTED("V.server=2 B.enabled=1", "A10e B10e D10 X10ef Y10 H10e F10",
	    "Y disable 1>0 succeeded #1"),
	ACCEPTED("Y.enabled=2 V.server=1 A.weight=1", "A1e B10e D10 X10ef Y10e H10e F10",
	    "A set_weight 10>1 succeeded #1"),
	SAME("B.enabled=2 V.server=1"),
	/* A fallback that is disabled stays fallback; a disabled one cannot become fallback. */
	{ .before = "UPDATE real_service SET fallback = (id = 2)", .pdu = "V.server=2",
	  .rows = "A10e B10f D10 X10e Y10 H10e F10",
	  .jobs = "B disable 1>0 succeeded #1, Y disable 1>0 succeeded #1" },
	REFUSED("U.server=2 A.fallback=1", 2, REJECT_FALLBACK_NEEDS_ENABLED, NULL),
	REFUSED("A.fallback=1 U.server=2", 1, REJECT_FALLBACK_NEEDS_ENABLED, NULL),
	WRONG("V.server=3", MIB_WRONG_VALUE, 1), WRONG("V.server=0", MIB_WRONG_VALUE, 1),
	WRONG("Z.server=3", MIB_WRONG_VALUE, 1), WRONG("Z.server=2", MIB_NO_CREATION, 1),
	WRONG("V.server=2 Z.server=2", MIB_NO_CREATION, 2),
	{ .before = "UPDATE setting SET value = 7 WHERE name = 'set_lock'",
	  .pdu = "V.server=2 lock=7 Q.service=2", .lock = 8,
	  .rows = "A10e B10 D10 X10ef Y10 H10e F10 Q!", .jobs = "B disable 1>0 succeeded #1,"
	    " Y disable 1>0 succeeded #1, Q disable_service 1>0 succeeded #1" },

	/* The lock. */
	{ .pdu = "lock=0", .lock = 1 },
	{ .pdu = "lock=0 A.weight=10", .lock = 1 },
	{ .pdu = "lock=0 A.weight=5", .lock = 1, .rows = "A5e B10e D10 X10ef Y10e H10e F10",
	  .jobs = "A set_weight 10>5 succeeded #1" },
	{ .pdu = "A.weight=5 lock=0", .lock = 1, .rows = "A5e B10e D10 X10ef Y10e H10e F10",
	  .jobs = "A set_weight 10>5 succeeded #1" },
	REFUSED("lock=3 A.weight=5", 1, REJECT_LOCK_MISMATCH, NULL),
	REFUSED("A.weight=5 lock=3", 2, REJECT_LOCK_MISMATCH, NULL),
	REFUSED("lock=0 Y.fallback=1", 2, REJECT_FALLBACK_TAKEN, NULL),
	WRONG("lock=0 Z.weight=1", MIB_NO_CREATION, 2),
	{ .before = "UPDATE setting SET value = 2147483647 WHERE name = 'set_lock'",
	  .pdu = "lock=2147483647", .lock = 0 },
	{ .before = "UPDATE setting SET value = 7 WHERE name = 'set_lock'",
	  .pdu = "lock=7 B.enabled=2", .lock = 8, .rows = "A10e B10 D10 X10ef Y10e H10e F10",
	  .jobs = "B disable 1>0 succeeded #1" },

	/* Which notifications are sent. */
	SAME("notify=248"), SAME("notify=0 notify=248"),
	{ .pdu = "notify=144", .notify = "9" }, { .pdu = "notify=0", .notify = "0" },
	{ .pdu = "notify=248 notify=8", .notify = "16" },
	{ .pdu = "lock=0 notify=128 A.weight=5", .lock = 1, .notify = "1",
	  .rows = "A5e B10e D10 X10ef Y10e H10e F10",
	  .jobs = "A set_weight 10>5 succeeded #1" },
	WRONG("notify=4", MIB_WRONG_VALUE, 1), WRONG("notify=255", MIB_WRONG_VALUE, 1),
	WRONG("notify=0 notify=1", MIB_WRONG_VALUE, 2),
	REFUSED("notify=0 Y.fallback=1", 2, REJECT_FALLBACK_TAKEN, NULL),
	REFUSED("notify=0 lock=5", 2, REJECT_LOCK_MISMATCH, NULL),
	WRONG("notify=0 Z.weight=1", MIB_NO_CREATION, 2),
	{ .before = "INSERT INTO setting VALUES ('notify_enable', 0)", .pdu = "notify=0",
	  .notify = "0" },
};

static void
reject_check(const struct answer *answer)
{
	struct mib_oid text_name = oid_make(".1.1.14.0"), object_name = oid_make(".1.1.15.0"),
	    time_name = oid_make(".1.1.16.0"), zero = oid_make("0.0");
	static struct mib_value text, object, time;
	static struct pdu pdu;
	bool counted = answer->reason != 0;

	assert_int_equal(get_number(".1.1.12.0"), counted);
	assert_int_equal(get_number(".1.1.13.0"), counted ? answer->reason : REJECT_NONE);
	mib_get(f.mib, &text_name, &text);
	mib_get(f.mib, &object_name, &object);
	mib_get(f.mib, &time_name, &time);
	pdu = pdu_make(answer->pdu);
	assert_int_equal(oid_order(&object.oid, counted ? &pdu.varbinds[answer->fault - 1].name :
	    &zero), 0);
	assert_int_equal(text.octets.length > 0, counted);
	if (answer->text != NULL) {
		assert_int_equal(text.octets.length, strlen(answer->text));
		assert_memory_equal(text.octets.data, answer->text, text.octets.length);
	}
	assert_int_equal(time.octets.length, 11);
	assert_int_equal(time.octets.data[0] != 0, counted);
}

static void
each_row_of_the_contract_is_answered(void **state)
{
	(void)state;
	for (const struct answer *answer = answers; answer < answers + COUNT(answers); answer++) {
		char before[256];

		pdu_fixture_make(NULL);
		if (answer->before != NULL)
			fixture_sql(f.main, "%s", answer->before);
		snprintf(before, sizeof(before), "%s", rows_stored());
		print_message("%s\n", answer->pdu);	/* shown if it fails */
		assert_int_equal(set_all(answer->pdu), answer->status);
		assert_int_equal(fault, answer->fault);
		assert_string_equal(rows_stored(), answer->rows != NULL ? answer->rows : before);
		assert_string_equal(jobs_stored(), answer->jobs != NULL ? answer->jobs : "");
		if (answer->reason == 0 && answer->status == MIB_NO_ERROR)
			assert_int_equal(lock_stored(), answer->lock);
		assert_int_equal(lock_stored(), get_number(".1.1.2.0"));
		assert_int_equal(notify_stored(), answer->notify != NULL ?
		    strtol(answer->notify, NULL, 10) : 31);
		reject_check(answer);
		assert_false(mib_needs_flush(f.mib));
		fixture_free(&f);
	}
}

/* -- one invalid varbind ---------------------------------------------------------------------- */

static enum mib_status
test_one(const char *name, const struct mib_value *value)
{
	static struct mib_varbind varbind;
	enum mib_status status;

	varbind.name = oid_make(name);
	varbind.value = *value;
	status = mib_set_test(f.mib, session, ++transaction, &varbind, 1, &fault);
	mib_set_cleanup(f.mib, session, transaction);
	assert_int_equal(fault, status == MIB_NO_ERROR ? 0 : 1);
	return status;
}

static const enum mib_type types[] = {
	MIB_INTEGER, MIB_OCTETS, MIB_NULL, MIB_OBJECT_ID, MIB_COUNTER32, MIB_GAUGE32,
	MIB_TIMETICKS, MIB_OPAQUE, MIB_COUNTER64, MIB_NO_SUCH_OBJECT, MIB_NO_SUCH_INSTANCE,
	MIB_END_OF_VIEW,
};

static void
value_of_another_type_is_wrong_type(void **state)
{
	static const struct {
		const char	*name;
		enum mib_type	 type;
	} columns[] = {
		{ ".1.4.1.8.1.1.1", MIB_GAUGE32 }, { ".1.4.1.9.1.1.1", MIB_INTEGER },
		{ ".1.4.1.10.1.1.1", MIB_INTEGER }, { ".1.1.2.0", MIB_INTEGER },
		/* The type is checked before the row. */
		{ ".1.4.1.8.1.1.99", MIB_GAUGE32 }, { ".1.4.1.8", MIB_GAUGE32 },
		{ ".1.1.2.1", MIB_INTEGER }, { ".1.8.1.0", MIB_OCTETS },
		{ ".1.3.1.29.1.1", MIB_INTEGER }, { ".1.3.1.29.1.99", MIB_INTEGER },
		{ ".1.9.1.7.1.1", MIB_INTEGER }, { ".1.9.1.7.9", MIB_INTEGER },
	};
	static const size_t lengths[] = { 0, 1, 2, 4, 8, 255, 65000 };
	static uint8_t octets[65000];

	(void)state;
	for (size_t c = 0; c < COUNT(columns); c++) {
		for (size_t t = 0; t < COUNT(types); t++) {
			static struct mib_value value;

			memset(&value, 0, sizeof(value));
			value.type = types[t];
			if (value.type == columns[c].type)
				continue;
			if (value.type != MIB_OCTETS && value.type != MIB_OPAQUE) {
				value.number = 1;
				assert_int_equal(test_one(columns[c].name, &value), MIB_WRONG_TYPE);
				continue;
			}
			for (size_t l = 0; l < COUNT(lengths); l++) {
				value.octets.data = octets;
				value.octets.length = lengths[l];
				assert_int_equal(test_one(columns[c].name, &value), MIB_WRONG_TYPE);
			}
		}
	}
	assert_int_equal(get_number(".1.1.12.0"), 0);
}

static void
column_that_is_read_only_is_not_writable(void **state)
{
	char text[64];

	(void)state;
	for (size_t i = 0; i < mib_tables_count; i++) {
		const struct mib_table *table = &mib_tables[i];

		for (const struct mib_column *c = table->columns; c->sub != 0; c++) {
			size_t n = 0;

			for (size_t k = 0; k < table->prefix_n; k++)
				n += (size_t)snprintf(text + n, sizeof(text) - n, ".%u",
				    table->prefix[k]);
			snprintf(text + n, sizeof(text) - n, ".%u%s", c->sub,
			    table->rows == &mib_rows_scalar ? ".0" :
			    table->rows == &mib_rows_real ? ".1.1.1" :
			    table->rows == &mib_rows_service ? ".1.1" : ".1");
			for (size_t t = 0; t < COUNT(types) && c->access != ACCESS_WRITE; t++) {
				static struct mib_value value;

				value.type = types[t];
				value.octets.data = (const uint8_t *)"";
				value.octets.length = 0;
				if (test_one(text, &value) != MIB_NOT_WRITABLE)
					fail_msg("%s", c->name);
			}
		}
	}
}

static void
any_other_oid_is_not_writable(void **state)
{
	static const char *const names[] = {
		"", "0", "1.3.6.1", "1.3.6.1.2.1.1.5.0", ".", ".0", ".1", ".1.0", ".1.1", ".1.1.0",
		".1.1.0.0", ".1.1.18.0", ".1.4", ".1.4.1", ".1.4.0.8.1.1.1", ".1.4.2.8.1.1.1",
		".1.4.1.0.1.1.1", ".1.4.1.16.1.1.1", ".1.4.1.4294967295.1.1.1", ".1.4.1.1.1.1.1",
		".1.6.1.1.1.$web", ".1.6.3.1.1.1.1.$web-1", ".1.7.8.1.1.1", ".1.7.9.1", ".1.8.4.0",
		".1.8",
		".2.1.1", ".4294967295", "1.3.6.1.4.1.8072.9999.9999.521.1.4.1.8.1.1.1",
		"1.3.6.1.4.1.8072.9999.9999.523.1.4.1.8.1.1.1", "4294967295.4294967295",
	};
	static struct mib_value value = { .type = MIB_GAUGE32, .number = 5 };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		if (test_one(names[i], &value) != MIB_NOT_WRITABLE)
			fail_msg("'%s'", names[i]);
}

static void
missing_instance_is_no_creation(void **state)
{
	static const char *const weights[] = {
		"", ".1", ".1.1", ".1.1.0", ".1.1.1.0", ".1.1.1.1", ".1.1.4", ".1.2.1", ".2.1.1",
		".2.3.1", ".0.0.0", ".0.1.1", ".1.1.8", ".1.1.2147483647", ".1.1.2147483648",
		".1.1.4294967295", ".4294967295.4294967295.4294967295", ".1.1.257",
		(".1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"
		".1.1.1.1.1"),
	};
	static const char *const others[] = {
		".1.1.2", ".1.1.2.1", ".1.1.2.0.0", ".1.1.2.4294967295",
		".1.3.1.29", ".1.3.1.29.1", ".1.3.1.29.1.3", ".1.3.1.29.2.1", ".1.3.1.29.1.1.0",
		".1.3.1.29.0.0", ".1.3.1.29.1.4294967295", ".1.3.1.29.4294967295.1",
		".1.9.1.7", ".1.9.1.7.1", ".1.9.1.7.1.5", ".1.9.1.7.2.1", ".1.9.1.7.1.1.0",
		".1.9.1.7.0.0", ".1.9.1.7.1.4294967295", ".1.9.1.7.4294967295.1",
	};
	static struct mib_value value;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(weights); i++) {
		value.type = MIB_GAUGE32;
		value.number = 5;
		snprintf(text, sizeof(text), ".1.4.1.8%s", weights[i]);
		if (test_one(text, &value) != MIB_NO_CREATION)
			fail_msg("%s", text);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		value.type = MIB_INTEGER;
		value.integer = 1;
		if (test_one(others[i], &value) != MIB_NO_CREATION)
			fail_msg("%s", others[i]);
	}
	assert_int_equal(get_number(".1.1.12.0"), 0);
}

/* RFC 3417 section 8: bits that are not sent are 0. */
static void
bits_of_up_to_eight_octets_are_accepted(void **state)
{
	static const uint8_t octets[300] = { 0x80 }, behind[] = { 0x80, 0, 0x80 };
	static struct mib_value value = { .type = MIB_OCTETS, .octets.data = octets };

	(void)state;
	for (size_t length = 0; length <= 8; length++) {
		value.octets.length = length;
		assert_int_equal(test_one(".1.8.1.0", &value), MIB_NO_ERROR);
	}
	for (size_t length = 9; length <= sizeof(octets); length++) {
		value.octets.length = length;
		assert_int_equal(test_one(".1.8.1.0", &value), MIB_WRONG_LENGTH);
	}
	value.octets.data = behind;
	value.octets.length = 3;
	assert_int_equal(test_one(".1.8.1.0", &value), MIB_WRONG_VALUE);
	value.octets.length = 2;
	assert_int_equal(test_one(".1.8.1.1", &value), MIB_NO_CREATION);
}

static void
instance_of_128_sub_identifiers_is_no_creation(void **state)
{
	static struct mib_varbind varbind = { .value = { .type = MIB_GAUGE32, .number = 5 } };

	(void)state;
	varbind.name = oid_make(".1.4.1.8.1.1.1");
	while (varbind.name.n < MIB_OID_MAX)
		varbind.name.sub[varbind.name.n++] = 1;
	assert_int_equal(mib_set_test(f.mib, 1, 1, &varbind, 1, &fault), MIB_NO_CREATION);
	assert_int_equal(fault, 1);
}

/* -- what is shown of refusals and jobs ---------------------------------------------- */

static void
refusals_are_counted_and_the_latest_is_shown(void **state)
{
	struct mib_oid object = oid_make(".1.1.15.0");
	static struct mib_value value;
	struct pdu pdu;

	(void)state;
	set_all("Y.fallback=1");
	fixture_now += 5;
	set_all("lock=9");
	set_all("A.weight=5");		/* an accepted SET changes none of these objects */
	set_all("Z.weight=5");		/* and so does a SET that another error refuses */
	assert_int_equal(get_number(".1.1.12.0"), 2);
	assert_int_equal(get_number(".1.1.13.0"), REJECT_LOCK_MISMATCH);
	mib_get(f.mib, &object, &value);
	pdu = pdu_make("lock=9");
	assert_int_equal(oid_order(&value.oid, &pdu.varbinds[0].name), 0);
}

static void
change_shows_at_once_in_all_columns(void **state)
{
	(void)state;
	assert_int_equal(set_test("H.weight=5 A.weight=6"), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.4.1.8.2.3.6"), 10);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.4.1.8.2.3.6"), 10);	/* an undo may follow */
	assert_int_equal(get_number(".1.4.1.14.2.3.6"), 1);	/* last job */
	assert_int_equal(get_number(".1.4.1.14.1.1.1"), 2);
	assert_int_equal(get_number(".1.4.1.15.2.3.6"), 1);	/* pending */
	assert_int_equal(get_number(".1.7.8.1.9.1"), JOB_QUEUED);	/* held */
	assert_int_equal(get_number(".1.7.8.1.16.2"), 1);	/* all of one request */
	assert_int_equal(get_number(".1.7.5.0"), 2);
	set_cleanup();
	/* Before the rows are written. */
	assert_true(mib_needs_flush(f.mib));
	assert_string_equal(jobs_stored(),
	    "H set_weight 10>5 held #1, A set_weight 10>6 held #1");
	assert_string_equal(rows_stored(), ROWS_AT_FIRST);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(get_number(".1.4.1.8.2.3.6"), 5);
		assert_int_equal(get_number(".1.4.1.8.1.1.1"), 6);
		assert_int_equal(get_number(".1.3.1.14.2.3"), 5);	/* sum of weights */
		/* The rows of the store do not change it back. */
		fixture_sql(f.main, "UPDATE real_service SET reason = 'r%d'", i);
		fixture_refresh(&f);
	}
	assert_int_equal(get_number(".1.7.8.1.9.1"), JOB_QUEUED);
	assert_int_equal(get_number(".1.7.8.1.9.2"), JOB_SUCCEEDED);
	assert_int_equal(get_number(".1.4.1.15.2.3.6"), 1);
	assert_int_equal(get_number(".1.4.1.15.1.1.1"), 0);
	assert_int_equal(get_number(".1.7.5.0"), 1);
	mib_flush(f.mib);
	fixture_refresh(&f);
	assert_false(mib_needs_flush(f.mib));
	assert_string_equal(jobs_stored(),
	    "H set_weight 10>5 queued #1, A set_weight 10>6 succeeded #1");
	assert_int_equal(get_number(".1.4.1.8.2.3.6"), 5);
	assert_int_equal(get_number(".1.4.1.8.1.1.1"), 6);
	assert_int_equal(get_number(".1.1.3.0"), 2);		/* config changes */
	assert_int_equal(get_number(".1.7.8.1.9.1"), JOB_QUEUED);
	assert_int_equal(get_number(".1.7.8.1.9.2"), JOB_SUCCEEDED);
	assert_int_equal(get_number(".1.7.5.0"), 1);
	assert_int_equal(get_number(".1.7.6.0"), 1);
}

static void
change_of_a_service_or_a_server_shows_at_once(void **state)
{
	(void)state;
	assert_int_equal(get_number(".1.9.1.7.1.2"), SERVER_ENABLED);
	assert_int_equal(set_test("P.service=2 Y.enabled=2"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.3.1.29.1.1"), 1);
	assert_int_equal(get_number(".1.9.1.7.1.2"), SERVER_ENABLED);
	set_cleanup();
	/* Before the rows are written. */
	assert_string_equal(rows_stored(), ROWS_AT_FIRST);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(get_number(".1.3.1.29.1.1"), 2);
		assert_int_equal(get_number(".1.3.1.9.1.1"), STATUS_DISABLED);
		assert_int_equal(get_number(".1.3.1.12.1.1"), 2);	/* their own settings */
		assert_int_equal(get_number(".1.4.1.10.1.1.1"), 1);
		assert_int_equal(get_number(".1.4.1.11.1.1.1"), OPER_DISABLED);
		assert_int_equal(get_number(".1.9.1.7.1.2"), SERVER_MIXED);
		assert_int_equal(get_number(".1.9.1.4.1.2"), 1);
		assert_int_equal(get_number(".1.7.8.1.9.1"), JOB_SUCCEEDED);
		/* The row of the store does not change it back. */
		fixture_sql(f.main, "UPDATE service SET address = 'a%d'", i);
		fixture_refresh(&f);
	}
	mib_flush(f.mib);
	fixture_refresh(&f);
	assert_string_equal(rows_stored(), "A10e B10e D10 X10ef Y10 H10e F10 P!");
	assert_int_equal(get_number(".1.3.1.29.1.1"), 2);
	assert_int_equal(get_number(".1.1.3.0"), 2);		/* config changes */
	assert_int_equal(set_all("V.server=2"), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.9.1.7.1.2"), SERVER_DISABLED);
	/* An undone SET shows in its job only. */
	assert_int_equal(set_test("P.service=1"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.3.1.29.1.1"), 2);
	assert_int_equal(get_number(".1.7.8.1.9.4"), JOB_CANCELLED);
}

static void
server_of_more_real_services_than_jobs_is_refused(void **state)
{
	(void)state;
	fixture_sql(f.main, "UPDATE setting SET value = 10 WHERE name = 'job_max_rows';"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)"
	    " INSERT INTO service (cluster_id, name) SELECT 1, 's' || i FROM n;"
	    "INSERT INTO real_service (service_id, name) SELECT id, 'web-1' FROM service"
	    " WHERE id > 3");
	fixture_refresh(&f);
	assert_int_equal(get_number(".1.9.1.3.1.1"), 11);
	assert_int_equal(set_all("A.weight=3 U.server=2"), MIB_RESOURCE_UNAVAILABLE);
	assert_int_equal(fault, 1);
	assert_int_equal(get_number(".1.1.13.0"), REJECT_QUEUE_FULL);
	assert_int_equal(get_number(".1.9.1.4.1.1"), 11);
	assert_string_equal(jobs_stored(), "");
	fixture_sql(f.main, "DELETE FROM service WHERE id > 12");
	fixture_refresh(&f);
	assert_int_equal(set_all("U.server=2"), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.9.1.7.1.1"), SERVER_DISABLED);
	assert_int_equal(get_number(".1.9.1.4.1.1"), 0);
}

static void
undone_change_shows_in_its_job_only(void **state)
{
	(void)state;
	assert_int_equal(set_test("H.weight=5"), MIB_NO_ERROR);
	assert_int_equal(set_commit(), MIB_NO_ERROR);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.4.1.8.2.3.6"), 10);
	assert_int_equal(get_number(".1.4.1.15.2.3.6"), 0);
	assert_int_equal(get_number(".1.7.8.1.9.1"), JOB_CANCELLED);
	assert_int_equal(get_number(".1.7.5.0"), 0);
}

static void
later_job_for_a_column_supersedes_a_waiting_job(void **state)
{
	(void)state;
	assert_int_equal(set_all("H.weight=5 H.enabled=2"), MIB_NO_ERROR);
	assert_int_equal(set_all("H.weight=6"), MIB_NO_ERROR);
	assert_string_equal(jobs_stored(), "H set_weight 10>5 superseded #1,"
	    " H disable 1>0 queued #1, H set_weight 5>6 queued #3");
	assert_int_equal(get_number(".1.7.8.1.9.1"), JOB_SUPERSEDED);
	assert_int_equal(get_number(".1.4.1.15.2.3.6"), 2);
}

static int64_t
version(void)
{
	return fixture_number(f.main, "PRAGMA data_version");
}

static void
set_of_the_same_values_writes_nothing(void **state)
{
	int64_t before = version();

	(void)state;
	assert_int_equal(set_all("A.weight=10"), MIB_NO_ERROR);
	assert_int_equal(set_all("A.weight=5 A.weight=10 X.fallback=1 D.enabled=2"), MIB_NO_ERROR);
	assert_int_equal(version(), before);
	assert_int_equal(set_all("A.weight=11"), MIB_NO_ERROR);	/* shows a write */
	assert_int_not_equal(version(), before);
}

static void
set_without_commit_writes_nothing(void **state)
{
	int64_t before = version();

	(void)state;
	assert_int_equal(set_test("A.weight=5 lock=0"), MIB_NO_ERROR);
	assert_int_equal(set_test("A.weight=5 lock=0"), MIB_NO_ERROR);
	set_cleanup();
	assert_int_equal(set_test("A.weight=5 lock=0"), MIB_NO_ERROR);
	assert_int_equal(set_undo(), MIB_NO_ERROR);
	assert_int_equal(set_test("A.weight=5 lock=0"), MIB_NO_ERROR);
	mib_session_lost(f.mib, session);
	assert_int_equal(set_test("Y.fallback=1"), MIB_INCONSISTENT_VALUE);
	assert_int_equal(set_test("Z.weight=1"), MIB_NO_CREATION);
	mib_flush(f.mib);
	assert_int_equal(version(), before);
}

/* -- many varbinds ------------------------------------------------------------------- */

/* Adds real services to web/http, from id 1001 on, and makes a PDU for them. */
static struct mib_varbind *
many_make(uint32_t n, uint32_t weight)
{
	struct mib_varbind *varbinds = test_calloc(n, sizeof(*varbinds));

	fixture_sql(f.main, "WITH RECURSIVE number (i) AS (SELECT 1001 UNION ALL SELECT i + 1"
	    " FROM number WHERE i < %u) INSERT INTO real_service (id, service_id, name, weight)"
	    " SELECT i, 1, 'many-' || i, 1 FROM number", 1000 + n);
	fixture_sql(f.main, "UPDATE setting SET value = 100000 WHERE name = 'job_max_rows'");
	fixture_refresh(&f);
	for (uint32_t i = 0; i < n; i++) {
		varbinds[i].name = oid_make(".1.4.1.8.1.1.0");
		varbinds[i].name.sub[varbinds[i].name.n - 1] = 1001 + i;
		varbinds[i].value.type = MIB_GAUGE32;
		varbinds[i].value.number = weight;
	}
	return varbinds;
}

static void
many_check(int64_t with_weight, int64_t jobs, int state)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM real_service WHERE id > 1000 AND"
	    " weight = %lld", (long long)with_weight);
	assert_int_equal(fixture_number(f.main, sql), fixture_number(f.main,
	    "SELECT count(*) FROM real_service WHERE id > 1000"));
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE state = %d", state);
	assert_int_equal(fixture_number(f.main, sql), jobs);
}

static void
many_varbinds(uint32_t n)
{
	struct mib_varbind *varbinds = many_make(n, 20);

	/* One refused varbind at the end refuses the request. */
	varbinds[n - 1].name.sub[varbinds[n - 1].name.n - 1] = 99;
	assert_int_equal(mib_set_test(f.mib, 1, 1, varbinds, n, &fault), MIB_NO_CREATION);
	assert_int_equal(fault, n);
	varbinds[n - 1].name.sub[varbinds[n - 1].name.n - 1] = 1000 + n;
	for (int undo = 1; undo >= 0; undo--) {
		assert_int_equal(mib_set_test(f.mib, 1, 2, varbinds, n, &fault), MIB_NO_ERROR);
		many_check(1, 0, JOB_HELD);
		assert_int_equal(mib_set_commit(f.mib, 1, 2, &fault), MIB_NO_ERROR);
		many_check(1, n, JOB_HELD);
		if (undo) {
			assert_int_equal(mib_set_undo(f.mib, 1, 2, &fault), MIB_NO_ERROR);
			many_check(1, n, JOB_CANCELLED);
		} else {
			mib_set_cleanup(f.mib, 1, 2);
			mib_flush(f.mib);
			many_check(20, n, JOB_SUCCEEDED);
		}
	}
	test_free(varbinds);
}

static void
set_of_128_varbinds_is_done_and_undone_as_one(void **state)
{
	(void)state;
	many_varbinds(128);
}

static void
set_of_2000_varbinds_is_done_and_undone_as_one(void **state)
{
	(void)state;
	many_varbinds(2000);
}

/* Many varbinds for one instance: the last one wins. */
static void
set_of_one_instance_2000_times_makes_one_job(void **state)
{
	struct mib_varbind *varbinds = many_make(2000, 20);

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		varbinds[i].name.sub[varbinds[i].name.n - 1] = 1;
		varbinds[i].value.number = 5000 + i;
	}
	assert_int_equal(mib_set_test(f.mib, 1, 1, varbinds, 2000, &fault), MIB_NO_ERROR);
	assert_int_equal(mib_set_commit(f.mib, 1, 1, &fault), MIB_NO_ERROR);
	assert_string_equal(jobs_stored(), "A set_weight 10>6999 held #1");
	test_free(varbinds);
}

/* -- limits -------------------------------------------------------------------------- */

/* Ten jobs are the maximum, and there are ten. */
static void
jobs_limit(int open, int finished)
{
	fixture_sql(f.main, "UPDATE setting SET value = 10 WHERE name = 'job_max_rows'");
	for (int i = 0; i < open + finished; i++)
		fixture_sql(f.main, "INSERT INTO job (operation, state, old_value, new_value,"
		    " cluster_name, service_name, real_name) VALUES (5, %d, 1, 2, 'c', 's', 'r')",
		    i < finished ? 3 : 1);
	fixture_refresh(&f);
}

static void
set_at_the_limit_of_unfinished_jobs_is_resource_unavailable(void **state)
{
	(void)state;
	jobs_limit(9, 0);
	assert_int_equal(set_test("A.weight=5 B.weight=5"), MIB_RESOURCE_UNAVAILABLE);
	assert_int_equal(fault, 1);
	assert_int_equal(get_number(".1.1.13.0"), REJECT_QUEUE_FULL);
	assert_int_equal(get_number(".1.1.6.0"), STORE_OK);	/* the store is usable */
	assert_int_equal(set_all("A.weight=10 B.weight=10"), MIB_NO_ERROR);
	assert_int_equal(set_all("lock=0"), MIB_NO_ERROR);
	assert_string_equal(rows_stored(), ROWS_AT_FIRST);
	assert_int_equal(set_all("A.weight=5"), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.7.2.0"), 10);
}

static void
finished_jobs_make_room(void **state)
{
	(void)state;
	jobs_limit(0, 10);
	assert_int_equal(set_all("A.weight=5 B.weight=5"), MIB_NO_ERROR);
	assert_int_equal(get_number(".1.7.2.0"), 10);
	assert_int_equal(get_number(".1.7.3.0"), 2);		/* bumped */
	assert_int_equal(get_number(".1.7.8.1.9.2"), -1);
	assert_int_equal(get_number(".1.7.8.1.9.3"), JOB_SUCCEEDED);
}

/* A manager that sends one SET after the other does not wait for the disk. */
static void
ended_jobs_do_not_count_before_they_are_written(void **state)
{
	(void)state;
	jobs_limit(0, 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(set_test(i % 2 == 0 ?
		    "A.weight=1 B.weight=1 D.weight=1 X.weight=1 Y.weight=1 D.enabled=1" :
		    "A.weight=2 B.weight=2 D.weight=2 X.weight=2 Y.weight=2 D.enabled=2"),
		    MIB_NO_ERROR);
		assert_int_equal(set_commit(), MIB_NO_ERROR);
		set_cleanup();
		transaction++;
	}
	assert_int_equal(get_number(".1.1.12.0"), 0);
}

int
main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, pdu_fixture_make, pdu_fixture_end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_of_the_contract_is_answered),
		WITH_STORE(value_of_another_type_is_wrong_type),
		WITH_STORE(column_that_is_read_only_is_not_writable),
		WITH_STORE(any_other_oid_is_not_writable),
		WITH_STORE(missing_instance_is_no_creation),
		WITH_STORE(bits_of_up_to_eight_octets_are_accepted),
		WITH_STORE(instance_of_128_sub_identifiers_is_no_creation),
		WITH_STORE(refusals_are_counted_and_the_latest_is_shown),
		WITH_STORE(change_shows_at_once_in_all_columns),
		WITH_STORE(change_of_a_service_or_a_server_shows_at_once),
		WITH_STORE(server_of_more_real_services_than_jobs_is_refused),
		WITH_STORE(undone_change_shows_in_its_job_only),
		WITH_STORE(later_job_for_a_column_supersedes_a_waiting_job),
		WITH_STORE(set_of_the_same_values_writes_nothing),
		WITH_STORE(set_without_commit_writes_nothing),
		WITH_STORE(set_of_128_varbinds_is_done_and_undone_as_one),
		WITH_STORE(set_of_2000_varbinds_is_done_and_undone_as_one),
		WITH_STORE(set_of_one_instance_2000_times_makes_one_job),
		WITH_STORE(set_at_the_limit_of_unfinished_jobs_is_resource_unavailable),
		WITH_STORE(finished_jobs_make_room),
		WITH_STORE(ended_jobs_do_not_count_before_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
