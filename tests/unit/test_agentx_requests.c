/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/agentx: the calls of the engine and the answer to each request on the wire, in
 * both byte orders.
 */
#include "agentx_fake.h"

#include <string.h>

#include "agentx/responder.h"
#include "in_range.h"

static const uint8_t orders[] = { 0, NETWORK };

#define FOR_BOTH_ORDERS(flags)                                                 \
	for (size_t order_ = 0; order_ < 2; order_++)                          \
		for (uint8_t flags = orders[order_], once_ = 1; once_; once_ = 0)

static struct message question, answer;

static void
begin(uint8_t type, uint8_t flags)
{
	static uint32_t packet;

	message_begin(&question, type, flags, SESSION_ID, 7, ++packet);
}

static int
serving_begin(void **state)
{
	if (world_begin(state) != 0)
		return -1;
	run_until_serving(1000);
	run_ms(10);
	return 0;
}

/* -- Get ------------------------------------------------------------------------------- */

static void
get_answers_each_name(void **state)
{
	(void)state;
	FOR_BOTH_ORDERS(flags) {
		begin(GET, flags);
		put_oid(&question, false, 2, 1, 4294967295u);
		put_null_oid(&question);
		put_oid(&question, false, 2, 1, 2);
		put_null_oid(&question);
		ask(&question, &answer, 0, 0);
		assert_int_equal(take_32(&answer), flags == 0 ? 0x42 : 0x42u << 16);
		take_oid(&answer, 2, 1, 4294967295u);
		assert_int_equal(take_32(&answer), 4294967295u);
		assert_int_equal(take_16(&answer), 0x42);
		take_16(&answer);
		take_oid(&answer, 2, 1, 2);
		assert_int_equal(take_32(&answer), 2);
		take_end(&answer);
	}
	assert_int_equal(engine.gets, 4);
}

/* Takes type and name of a varbind of root.1.1. */
static void
take_head(unsigned int type)
{
	assert_int_equal(take_16(&answer), type);
	assert_int_equal(take_16(&answer), 0);
	take_oid(&answer, 2, 1, 1);
}

static void
get_answer(const struct mib_value *value, uint8_t flags)
{
	engine.value = *value;
	begin(GET, flags);
	put_oid(&question, false, 2, 1, 1);
	put_null_oid(&question);
	ask(&question, &answer, 0, 0);
	take_head(value->type);
}

static void
value_of_each_type_is_encoded(void **state)
{
	struct mib_value v;

	(void)state;
	FOR_BOTH_ORDERS(flags) {
		get_answer(&(struct mib_value){ .type = MIB_INTEGER, .integer = -2 }, flags);
		assert_int_equal(take_32(&answer), 0xfffffffe);
		take_end(&answer);
		get_answer(&(struct mib_value){ .type = MIB_COUNTER32, .number = 4294967295u },
		    flags);
		assert_int_equal(take_32(&answer), 4294967295u);
		take_end(&answer);
		get_answer(&(struct mib_value){ .type = MIB_TIMETICKS, .number = 5 }, flags);
		assert_int_equal(take_32(&answer), 5);
		take_end(&answer);
		get_answer(&(struct mib_value){ .type = MIB_COUNTER64,
		    .counter64 = 0x8877665544332211 }, flags);
		assert_int_equal(take_32(&answer), flags == 0 ? 0x44332211 : 0x88776655);
		assert_int_equal(take_32(&answer), flags == 0 ? 0x88776655 : 0x44332211);
		take_end(&answer);
		v = (struct mib_value){ .type = MIB_OBJECT_ID, .oid = { 12,
		    { 1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 522, 4294967295u, 0 } } };
		get_answer(&v, flags);
		take_oid(&answer, 2, 4294967295u, 0);
		take_end(&answer);
		/* zeroDotZero: no prefix, two sub-identifiers. */
		v = (struct mib_value){ .type = MIB_OBJECT_ID, .oid = { 2, { 0, 0 } } };
		get_answer(&v, flags);
		assert_int_equal(take_8(&answer), 2);
		assert_int_equal(take_8(&answer), 0);
		take_16(&answer);
		assert_int_equal(take_32(&answer), 0);
		assert_int_equal(take_32(&answer), 0);
		take_end(&answer);
	}
}

static void
octets_of_any_length_are_encoded(void **state)
{
	static const size_t lengths[] = { 0, 1, 3, 4, 39, 40, 41, 255, 60000 };
	static uint8_t text[60000];

	(void)state;
	memset(text, 0xa5, sizeof(text));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct mib_value v = { .type = MIB_OCTETS };

		v.octets.data = lengths[i] == 0 ? NULL : text;
		v.octets.length = lengths[i];
		get_answer(&v, NETWORK);
		take_text(&answer, (const char *)text, lengths[i]);
		take_end(&answer);
	}
}

static void
exception_has_no_value(void **state)
{
	static const enum mib_type types[] = { MIB_NULL, MIB_NO_SUCH_OBJECT,
	    MIB_NO_SUCH_INSTANCE };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		get_answer(&(struct mib_value){ .type = types[i] }, 0);
		take_end(&answer);
	}
}

/* -- GetNext and GetBulk -------------------------------------------------------------- */

static void
take_row(uint32_t row)
{
	assert_int_equal(take_16(&answer), MIB_GAUGE32);
	take_16(&answer);
	take_oid(&answer, 2, 1, row);
	assert_int_equal(take_32(&answer), row);
}

static void
take_end_of_view(uint32_t row)
{
	assert_int_equal(take_16(&answer), MIB_END_OF_VIEW);
	take_16(&answer);
	take_oid(&answer, 2, 1, row);
}

static void
next_after_a_row_is_the_next_row(void **state)
{
	(void)state;
	FOR_BOTH_ORDERS(flags) {
		begin(GET_NEXT, flags);
		put_oid(&question, false, 2, 1, 2);
		put_oid(&question, false, 1, 2);
		ask(&question, &answer, 0, 0);
		take_row(3);
		take_end(&answer);
		assert_false(engine.inclusive);
		assert_int_equal(engine.end.n, 11);
		assert_int_equal(engine.end.sub[10], 2);
	}
}

static void
next_including_a_row_is_that_row(void **state)
{
	(void)state;
	FOR_BOTH_ORDERS(flags) {
		begin(GET_NEXT, flags);
		put_oid(&question, true, 2, 1, 2);
		put_null_oid(&question);
		ask(&question, &answer, 0, 0);
		take_row(2);
		take_end(&answer);
		assert_true(engine.inclusive);
		assert_int_equal(engine.end.n, 0);
	}
}

static void
next_at_the_end_is_end_of_view_of_the_start(void **state)
{
	(void)state;
	begin(GET_NEXT, 0);
	put_oid(&question, false, 2, 1, 5);
	put_null_oid(&question);
	put_oid(&question, false, 2, 1, 2);
	put_oid(&question, false, 2, 1, 3);
	put_oid(&question, false, 2, 1, 1);
	put_null_oid(&question);
	ask(&question, &answer, 0, 0);
	take_end_of_view(5);
	take_end_of_view(2);
	take_row(2);
	take_end(&answer);
}

static void
bulk_ask(unsigned int non_repeaters, unsigned int repetitions)
{
	begin(GET_BULK, NETWORK);
	put_16(&question, non_repeaters);
	put_16(&question, repetitions);
	put_oid(&question, true, 2, 1, 1);
	put_null_oid(&question);
	put_oid(&question, false, 2, 1, 1);
	put_null_oid(&question);
	put_oid(&question, true, 2, 1, 3);
	put_oid(&question, false, 2, 1, 5);
	ask(&question, &answer, 0, 0);
}

static void
bulk_repeats_all_but_the_first(void **state)
{
	(void)state;
	bulk_ask(1, 3);
	take_row(1);
	take_row(2), take_row(3);
	take_row(3), take_row(4);
	take_row(4), take_end_of_view(4);
	take_end(&answer);
}

static void
bulk_ends_when_every_view_ends(void **state)
{
	(void)state;
	bulk_ask(0, 65535);
	take_row(1), take_row(2), take_row(3);
	take_row(2), take_row(3), take_row(4);
	take_row(3), take_row(4), take_end_of_view(4);
	take_row(4), take_row(5), take_end_of_view(4);
	take_row(5), take_end_of_view(5), take_end_of_view(4);
	take_end_of_view(5), take_end_of_view(5), take_end_of_view(4);
	take_end(&answer);
}

static void
bulk_without_repetitions_or_repeaters_is_a_next(void **state)
{
	(void)state;
	bulk_ask(1, 0);
	take_row(1);
	take_end(&answer);
	bulk_ask(9, 9);
	take_row(1), take_row(2), take_row(3);
	take_end(&answer);
}

static void
bulk_of_a_long_table_is_bounded(void **state)
{
	(void)state;
	engine.rows = 1000000;
	begin(GET_BULK, 0);
	put_16(&question, 0);
	put_16(&question, 65535);
	put_oid(&question, false, 1, 1);
	put_null_oid(&question);
	ask(&question, &answer, 0, 0);
	take_row(1);
	assert_int_in_range(engine.nexts, 100, 1000);
}

/* 500 values of this length would not fit into an answer, and the manager would get tooBig. */
static void
bulk_of_long_values_fits_into_one_answer(void **state)
{
	static uint8_t text[MODEL_MESSAGE_MAX];

	(void)state;
	engine.rows = 1000000;
	engine.value = (struct mib_value){ .type = MIB_OCTETS };
	engine.value.octets.data = text;
	engine.value.octets.length = sizeof(text);
	begin(GET_BULK, 0);
	put_16(&question, 0);
	put_16(&question, 65535);
	put_oid(&question, false, 1, 1);
	put_null_oid(&question);
	ask(&question, &answer, 0, 0);
	assert_int_in_range(engine.nexts, 100, 250);
}

/* -- SET --------------------------------------------------------------------------------- */

static void
put_head(unsigned int type, uint32_t row)
{
	put_16(&question, type);
	put_16(&question, 0);
	put_oid(&question, false, 2, 1, row);
}

static void
put_each_type(void)
{
	put_head(0x02, 1), put_32(&question, 0xfffffffe);
	put_head(0x41, 2), put_32(&question, 4294967295u);
	put_head(0x42, 3), put_32(&question, 4294967294u);
	put_head(0x43, 4), put_32(&question, 6);
	put_head(0x46, 5);
	put_32(&question, question.network ? 1 : 0xfffffffd);
	put_32(&question, question.network ? 0xfffffffd : 1);
	put_head(0x04, 6), put_octets(&question, "a\0bcd", 5);
	put_head(0x06, 7), put_oid(&question, false, 1, 4294967293u);
	put_head(0x05, 8);
	put_head(0x40, 9), put_octets(&question, "\n\0\0\1", 4);
	put_head(0x44, 10), put_octets(&question, "xyz", 3);
	put_head(0x04, 11), put_octets(&question, "", 0);
}

static void
test_of_each_type_reaches_the_engine(void **state)
{
	static const enum mib_type types[] = { MIB_INTEGER, MIB_COUNTER32, MIB_GAUGE32,
	    MIB_TIMETICKS, MIB_COUNTER64, MIB_OCTETS, MIB_OBJECT_ID, MIB_NULL, MIB_OPAQUE,
	    MIB_OPAQUE, MIB_OCTETS };
	struct mib_varbind *v = engine.varbinds;

	(void)state;
	FOR_BOTH_ORDERS(flags) {
		begin(TEST_SET, flags);
		put_each_type();
		ask(&question, &answer, 0, 0);
		take_end(&answer);
		assert_int_equal(engine.n, 11);
		for (size_t i = 0; i < 11; i++) {
			assert_int_equal(v[i].value.type, types[i]);
			assert_int_equal(v[i].name.n, 12);
			assert_int_equal(v[i].name.sub[11], i + 1);
		}
		assert_int_equal(v[0].value.integer, -2);
		assert_int_equal(v[1].value.number, 4294967295u);
		assert_int_equal(v[2].value.number, 4294967294u);
		assert_true(v[4].value.counter64 == 0x1fffffffd);
		assert_int_equal(v[5].value.octets.length, 5);
		assert_memory_equal(v[5].value.octets.data, "a\0bcd", 5);
		assert_int_equal(v[6].value.oid.n, 11);
		assert_int_equal(v[6].value.oid.sub[10], 4294967293u);
		assert_int_equal(v[10].value.octets.length, 0);
	}
}

static void
phases_reach_the_engine_and_are_answered(void **state)
{
	(void)state;
	FOR_BOTH_ORDERS(flags) {
		engine.calls[0] = '\0';
		begin(TEST_SET, flags);
		put_head(0x02, 1), put_32(&question, 1);
		ask(&question, &answer, 0, 0);
		begin(COMMIT_SET, flags);
		ask(&question, &answer, 0, 0);
		begin(UNDO_SET, flags);
		ask(&question, &answer, 0, 0);
		assert_string_equal(engine.calls, "test 1 7, commit 1 7, undo 1 7, ");
	}
}

static void
failed_phase_is_answered_with_its_varbind(void **state)
{
	(void)state;
	engine.index = 2;
	engine.status = MIB_INCONSISTENT_VALUE;
	begin(TEST_SET, 0);
	put_each_type();
	ask(&question, &answer, 12, 2);
	engine.status = MIB_COMMIT_FAILED;
	begin(COMMIT_SET, 0);
	ask(&question, &answer, 14, 2);
	engine.status = MIB_UNDO_FAILED;
	begin(UNDO_SET, 0);
	ask(&question, &answer, 15, 2);
}

static void
cleanup_has_no_answer(void **state)
{
	(void)state;
	begin(CLEANUP_SET, NETWORK);
	message_send(&question);
	begin(GET, 0);
	put_oid(&question, false, 2, 1, 1);
	put_null_oid(&question);
	ask(&question, &answer, 0, 0);
	assert_string_equal(engine.calls, "cleanup 1 7, ");
}

/* A CleanupSet that cannot be decoded, because memory is short, is carried out by its header. */
static void
cleanup_by_its_header_needs_the_session_id(void **state)
{
	const struct responder responder = { .session = 1, .session_id = SESSION_ID };

	(void)state;
	FOR_BOTH_ORDERS(flags) {
		begin(CLEANUP_SET, flags);
		responder_cleanup(&responder, question.data);
		message_begin(&question, CLEANUP_SET, flags, SESSION_ID + 1, 8, 99);
		responder_cleanup(&responder, question.data);
	}
	assert_string_equal(engine.calls, "cleanup 1 7, cleanup 1 7, ");
}

/* -- what is refused --------------------------------------------------------------------- */

static void
other_session_id_is_not_open(void **state)
{
	(void)state;
	for (uint8_t type = GET; type <= UNDO_SET; type++) {
		message_begin(&question, type, 0, SESSION_ID + 1, 7, 99);
		if (type == GET_BULK)
			put_32(&question, 0);
		ask(&question, &answer, 257, 0);
	}
	message_begin(&question, CLEANUP_SET, 0, SESSION_ID + 1, 7, 99);
	message_send(&question);
	run_ms(10);
	assert_string_equal(engine.calls, "");
	assert_int_equal(engine.gets + engine.nexts, 0);
}

static void
context_is_unsupported_unless_it_is_the_default(void **state)
{
	(void)state;
	FOR_BOTH_ORDERS(flags) {
		begin(GET, flags | CONTEXT);
		put_octets(&question, "east", 4);
		put_oid(&question, false, 2, 1, 1);
		put_null_oid(&question);
		ask(&question, &answer, 262, 0);
		begin(GET, flags | CONTEXT);
		put_octets(&question, "", 0);
		put_oid(&question, false, 2, 1, 1);
		put_null_oid(&question);
		ask(&question, &answer, 0, 0);
		take_row(1);
	}
}

static void
invalid_request_is_a_parse_error(void **state)
{
	(void)state;
	begin(TEST_SET, 0);			/* an unknown type */
	put_head(0x99, 1), put_32(&question, 1);
	ask(&question, &answer, 266, 0);
	begin(GET, 0);				/* announces 200 sub-identifiers */
	put_8(&question, 200), put_8(&question, 0), put_16(&question, 0);
	ask(&question, &answer, 266, 0);
	begin(TEST_SET, 0);			/* announces a longer text than the message has */
	put_head(0x04, 1), put_32(&question, 0xfffffffe);
	ask(&question, &answer, 266, 0);
	assert_int_equal(engine.gets + engine.nexts + engine.n, 0);
}

/* A large request of a manager may cause it, so it must not end the session. */
static void
request_above_64_kib_is_refused(void **state)
{
	(void)state;
	FOR_BOTH_ORDERS(flags) {
		begin(GET, flags);
		for (int i = 0; i < 1000; i++) {
			put_oid(&question, false, 2, 1, 1);
			put_null_oid(&question), put_null_oid(&question), put_null_oid(&question);
		}
		while (question.n <= 65536)
			put_null_oid(&question), put_null_oid(&question);
		ask(&question, &answer, 266, 0);
	}
	assert_int_equal(engine.gets, 0);
}

/* snmpd 5.9.3 would not read it, repeat the request five times and close the session. */
static void
answer_above_64_kib_is_too_big(void **state)
{
	static uint8_t text[32768];

	(void)state;
	engine.value = (struct mib_value){ .type = MIB_OCTETS };
	engine.value.octets.data = text;
	for (size_t length = 32000; length < sizeof(text); length += 4) {
		bool fits = HEADER + 8 + 2 * (8 + 4 * 7 + 4 + length) <= 65536;

		engine.value.octets.length = length;
		begin(GET, NETWORK);
		put_oid(&question, false, 2, 1, 1), put_null_oid(&question);
		put_oid(&question, false, 2, 1, 2), put_null_oid(&question);
		ask(&question, &answer, fits ? 0 : 1, fits ? 0 : 1);
	}
}

static void
oid_of_128_sub_identifiers_is_served(void **state)
{
	(void)state;
	begin(GET, 0);
	put_8(&question, 123), put_8(&question, 4), put_16(&question, 0);
	for (uint32_t i = 0; i < 123; i++)
		put_32(&question, 4294967295u - i);
	put_null_oid(&question);
	ask(&question, &answer, 0, 0);
	assert_int_equal(engine.name.n, 128);
	assert_int_equal(engine.name.sub[5], 4294967295u);
	assert_int_equal(engine.name.sub[127], 4294967295u - 122);
}

/* net-snmp 5.9.3 decodes it; OIDs of the engine have no space for it. */
static void
oid_of_129_sub_identifiers_is_refused(void **state)
{
	(void)state;
	begin(GET, 0);
	put_8(&question, 129), put_8(&question, 0), put_16(&question, 0);
	for (uint32_t i = 0; i < 129; i++)
		put_32(&question, i);
	put_null_oid(&question);
	message_send(&question);
	message_receive(&answer);
	assert_int_equal(answer.packet, question.packet);
	take_32(&answer);
	assert_int_not_equal(take_16(&answer), 0);
	assert_int_equal(engine.gets, 0);
}

static void
messages_of_other_types_are_ignored(void **state)
{
	static const uint8_t types[] = { 0, OPEN, REGISTER, 4, 12, 13, 14, 17, 19, 255 };

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		begin(types[i], 0);
		message_send(&question);
	}
	begin(RESPONSE, 0);
	put_32(&question, 0), put_32(&question, 0);
	message_send(&question);
	begin(GET, 0);
	put_oid(&question, false, 2, 1, 1);
	put_null_oid(&question);
	ask(&question, &answer, 0, 0);
	assert_true(agentx_serving(agentx));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serving_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(get_answers_each_name),
		TEST(value_of_each_type_is_encoded),
		TEST(octets_of_any_length_are_encoded),
		TEST(exception_has_no_value),
		TEST(next_after_a_row_is_the_next_row),
		TEST(next_including_a_row_is_that_row),
		TEST(next_at_the_end_is_end_of_view_of_the_start),
		TEST(bulk_repeats_all_but_the_first),
		TEST(bulk_ends_when_every_view_ends),
		TEST(bulk_without_repetitions_or_repeaters_is_a_next),
		TEST(bulk_of_a_long_table_is_bounded),
		TEST(bulk_of_long_values_fits_into_one_answer),
		TEST(test_of_each_type_reaches_the_engine),
		TEST(phases_reach_the_engine_and_are_answered),
		TEST(failed_phase_is_answered_with_its_varbind),
		TEST(cleanup_has_no_answer),
		TEST(cleanup_by_its_header_needs_the_session_id),
		TEST(other_session_id_is_not_open),
		TEST(context_is_unsupported_unless_it_is_the_default),
		TEST(invalid_request_is_a_parse_error),
		TEST(request_above_64_kib_is_refused),
		TEST(answer_above_64_kib_is_too_big),
		TEST(oid_of_128_sub_identifiers_is_served),
		TEST(oid_of_129_sub_identifiers_is_refused),
		TEST(messages_of_other_types_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
