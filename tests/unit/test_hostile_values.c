/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the contents of messages of a hostile master: OIDs that are too long or cut, texts
 * beyond the end of the message, unknown types, values out of range, thousands of varbinds.
 */
#include "hostile.h"

#include <string.h>

#include "in_range.h"

enum { SUBS_MAX = 255, PREFIX_SUBS = 5 };

static void
end_it(void)
{
	request_begin(&request, UNDO_SET, 7);
	ask(&request, &reply, 0, 0);
}

/* -- OIDs ---------------------------------------------------------------------------- */

/* Puts an OID that announces 'n' sub-identifiers and has another number of them. */
static void
put_long(unsigned int n, unsigned int prefix, size_t there)
{
	static uint32_t subs[SUBS_MAX];

	memset(subs, 0xff, sizeof(subs));
	put_subs(&request, prefix, false, there, subs);
	request.data[request.n - 4 * there - 4] = (uint8_t)n;
}

/* OIDs of the engine have up to 128 sub-identifiers, as RFC 2578 allows. */
HOSTILE_TEST(oid_of_any_length_is_answered)
{
	static const unsigned int prefixes[] = { 0, 1, 4, 255 };

	for (unsigned int i = 0; i <= SUBS_MAX * COUNT(prefixes); i++) {
		unsigned int n = i / COUNT(prefixes), prefix = prefixes[i % COUNT(prefixes)];
		bool fits = n + (prefix > 0 ? PREFIX_SUBS : 0) <= MIB_OID_MAX;

		request_begin(&request, GET, 0);
		put_range(".1.1.1.0");
		put_long(n, prefix, n);
		put_null_oid(&request);
		ask(&request, &reply, fits ? 0 : MIB_GEN_ERR, fits ? 0 : 2);
		request_begin(&request, GET_NEXT, 0);
		put_null_oid(&request);
		put_long(n, prefix, n);		/* as the end of the range */
		ask(&request, &reply, fits ? 0 : MIB_GEN_ERR, fits ? 0 : 1);
		request_begin(&request, TEST_SET, 7);
		put_set("A.weight=5");
		put_16(&request, MIB_GAUGE32), put_16(&request, 0);
		put_long(n, prefix, n);
		put_32(&request, 5);
		ask(&request, &reply, MIB_NOT_WRITABLE, 2);
		request_begin(&request, TEST_SET, 7);
		put_16(&request, MIB_OBJECT_ID), put_16(&request, 0);
		put_name(&request, &(struct mib_oid){ 3, { 1, 3, 6 } }, false);
		put_long(n, prefix, n);		/* as a value */
		ask(&request, &reply, MIB_NOT_WRITABLE, 1);
	}
}

HOSTILE_TEST(cut_oid_is_a_parse_error)
{
	for (unsigned int n = 1; n <= SUBS_MAX; n++) {
		for (size_t there = 0; there < n && there < 3; there++) {
			for (uint8_t type = GET; type <= GET_BULK; type++) {
				request_begin(&request, type, 0);
				if (type == GET_BULK)
					put_32(&request, 0xffffffff);
				put_range(".1.1.1.0");
				put_long(n, n % 2 == 0 ? 4 : 0, there);
				ask(&request, &reply, PARSE_ERROR, 0);
			}
			request_begin(&request, TEST_SET, 7);
			put_set("A.weight=5");
			put_16(&request, MIB_GAUGE32), put_16(&request, 0);
			put_long(n, 0, there);
			ask(&request, &reply, PARSE_ERROR, 0);
		}
	}
}

/* The octet after the prefix is 0 or 1, the next one is 0. */
HOSTILE_TEST(unused_octets_of_an_oid_are_ignored)
{
	struct mib_varbind varbind;

	for (unsigned int octet = 0; octet <= 255; octet++) {
		request_begin(&request, GET, 0);
		put_range(".1.4.1.8.1.1.1");
		request.data[HEADER + 2] = (uint8_t)octet;
		request.data[HEADER + 3] = (uint8_t)octet;
		ask(&request, &reply, 0, 0);
		take_varbind(&reply, &varbind);
		assert_int_equal(varbind.value.number, 10);
	}
}

/* -- values -------------------------------------------------------------------------- */

static void
varbind_begin(unsigned int type, const char *name)
{
	struct mib_oid oid = oid_make(name);

	request_begin(&request, TEST_SET, 7);
	put_16(&request, type), put_16(&request, 0);
	put_name(&request, &oid, false);
}

/* Each type with the least number of octets. */
HOSTILE_TEST(value_of_any_type_is_refused_or_accepted)
{
	static const struct {
		unsigned int	type, error;
	} known[] = {
		{ MIB_INTEGER, MIB_WRONG_TYPE }, { MIB_OCTETS, MIB_WRONG_TYPE },
		{ MIB_NULL, MIB_WRONG_TYPE }, { MIB_OBJECT_ID, MIB_WRONG_TYPE },
		{ 0x40, MIB_WRONG_TYPE }, { MIB_COUNTER32, MIB_WRONG_TYPE },
		{ MIB_GAUGE32, MIB_NO_ERROR }, { MIB_TIMETICKS, MIB_WRONG_TYPE },
		{ MIB_OPAQUE, MIB_WRONG_TYPE }, { MIB_COUNTER64, MIB_WRONG_TYPE },
		{ MIB_NO_SUCH_OBJECT, MIB_WRONG_TYPE }, { MIB_NO_SUCH_INSTANCE, MIB_WRONG_TYPE },
		{ MIB_END_OF_VIEW, MIB_WRONG_TYPE },
		/* types of net-snmp that its codec accepts */
		{ 0x47, PROCESSING_ERROR }, { 0xc2, PROCESSING_ERROR }, { 0xc3, PROCESSING_ERROR },
	};

	for (unsigned int type = 0; type <= 0x2ff; type++) {
		unsigned int expected = PARSE_ERROR;

		for (size_t i = 0; i < COUNT(known); i++)
			if (known[i].type == type)
				expected = known[i].error;
		varbind_begin(type, ".1.4.1.8.1.1.1");
		if (type != MIB_NULL && (type < MIB_NO_SUCH_OBJECT || type > MIB_END_OF_VIEW))
			put_32(&request, 0);
		if (type == MIB_COUNTER64)
			put_32(&request, 0);
		ask(&request, &reply, expected, expected == MIB_WRONG_TYPE);
		end_it();
	}
}

HOSTILE_TEST(text_beyond_the_message_is_a_parse_error)
{
	static const uint32_t lengths[] = { 5, 8, 9, 255, 65535, 65536, 0x7fffffff, 0x80000000,
	    0xfffffff8, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff };
	static const unsigned int types[] = { MIB_OCTETS, 0x40, MIB_OPAQUE };

	for (size_t i = 0; i < COUNT(lengths) * COUNT(types); i++) {
		varbind_begin(types[i % COUNT(types)], ".1.8.1.0");
		put_32(&request, lengths[i / COUNT(types)]);
		put_32(&request, 0x61626364);
		ask(&request, &reply, PARSE_ERROR, 0);
		/* A context is a text too. */
		message_begin(&request, GET, CONTEXT, SESSION_ID, 0, 1);
		put_32(&request, lengths[i / COUNT(types)]);
		put_32(&request, 0x61626364);
		ask(&request, &reply, PARSE_ERROR, 0);
	}
}

HOSTILE_TEST(text_of_any_length_is_wrong_or_accepted)
{
	static char text[60000];

	for (size_t length = 0; length < sizeof(text); length = length * 5 / 4 + 1) {
		varbind_begin(MIB_OCTETS, ".1.8.1.0");
		put_octets(&request, text, length);
		ask(&request, &reply, length > 8 ? MIB_WRONG_LENGTH : 0, length > 8);
		end_it();
		varbind_begin(MIB_OCTETS, ".1.4.1.2.1.1.1");
		put_octets(&request, text, length);
		ask(&request, &reply, MIB_NOT_WRITABLE, 1);
	}
}

HOSTILE_TEST(number_of_any_size_is_wrong_or_accepted)
{
	static const uint32_t numbers[] = { 0, 1, 2, 3, 65535, 65536, 0x7fffffff, 0x80000000,
	    0xffffffff };

	for (size_t i = 0; i < COUNT(numbers); i++) {
		bool weight = numbers[i] <= 65535, truth = numbers[i] == 1 || numbers[i] == 2;

		varbind_begin(MIB_GAUGE32, ".1.4.1.8.1.1.1");
		put_32(&request, numbers[i]);
		ask(&request, &reply, weight ? 0 : MIB_WRONG_VALUE, weight ? 0 : 1);
		end_it();
		varbind_begin(MIB_INTEGER, ".1.4.1.10.1.1.1");
		put_32(&request, numbers[i]);
		ask(&request, &reply, truth ? 0 : MIB_WRONG_VALUE, truth ? 0 : 1);
		end_it();
		/* Another lock than the current one, or an invalid one. */
		varbind_begin(MIB_INTEGER, ".1.1.2.0");
		put_32(&request, numbers[i]);
		if (numbers[i] == 0)
			ask(&request, &reply, 0, 0);
		else
			ask(&request, &reply, numbers[i] <= INT32_MAX ? MIB_INCONSISTENT_VALUE :
			    MIB_WRONG_VALUE, 1);
		end_it();
	}
}

/* -- many ---------------------------------------------------------------------------- */

/* As many varbinds as 64 KiB hold, in a SET that is committed and undone. */
HOSTILE_TEST(thousands_of_varbinds_are_answered)
{
	uint32_t answer;
	size_t n = 0;

	request_begin(&request, TEST_SET, 7);
	for (; request.n < 65400; n++)
		put_set(n % 2 == 0 ? "A.weight=5" : "B.weight=6");
	ask(&request, &reply, 0, 0);
	request_begin(&request, COMMIT_SET, 7);
	ask(&request, &reply, 0, 0);
	assert_int_equal(fixture_number(f.main, "SELECT count(*) FROM job WHERE state = 0"
	    " AND new_value = 4 + real_id"), 2);
	end_it();
	/* The last varbind is wrong. */
	request_begin(&request, TEST_SET, 7);
	for (size_t i = 1; i < n; i++)
		put_set("A.weight=5");
	put_set("Z.weight=5");
	ask(&request, &reply, MIB_NO_CREATION, (unsigned int)n);
	for (uint8_t type = GET; type <= GET_BULK; type++) {
		request_begin(&request, type, 0);
		if (type == GET_BULK)
			put_16(&request, 0xffff), put_16(&request, 0xffff);
		while (request.n < 65400)
			put_range(".1.4.1.3.1.1.1");
		answer = exchange(&request, &reply);
		assert_true(answer == ANSWER(0, 0) || answer == ANSWER(1, 1));
		assert_int_in_range(reply.n, HEADER + 8, 65536);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hostile_begin, hostile_end)

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(oid_of_any_length_is_answered),
		TEST(cut_oid_is_a_parse_error),
		TEST(unused_octets_of_an_oid_are_ignored),
		TEST(value_of_any_type_is_refused_or_accepted),
		TEST(text_beyond_the_message_is_a_parse_error),
		TEST(text_of_any_length_is_wrong_or_accepted),
		TEST(number_of_any_size_is_wrong_or_accepted),
		TEST(thousands_of_varbinds_are_answered),
	};

	(void)argc;
	real_heap_exact(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
