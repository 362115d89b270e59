/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of messages of a hostile master: cut at each byte, in pieces, many at once, of any
 * length, type, flag and number, and unexpected responses. Each is answered as RFC 2741 defines,
 * or the session ends and a new one begins.
 */
#include "hostile.h"

#include <string.h>

#include "agentx/stream.h"
#include "in_range.h"

/* -- one message of each type -------------------------------------------------------------- */

enum { WHOLES_MAX = 5 };

/* Lengths at which the message is valid. */
static size_t wholes[WHOLES_MAX];
static size_t n_wholes;

static void
whole(void)
{
	assert_true(n_wholes < WHOLES_MAX);
	wholes[n_wholes++] = request.n;
}

static bool
is_whole(size_t length)
{
	for (size_t i = 0; i < n_wholes; i++)
		if (wholes[i] == length)
			return true;
	return false;
}

static void
message_make(uint8_t type)
{
	static const char *const names[] = { ".1.4.1.8.1.1.1", "1.3", "2.4294967295" };
	static const char *const sets[] = { "A.weight=5", "X.fallback=2", "notify=240" };

	request_begin(&request, type, 7);
	n_wholes = 0;
	if (type == GET_BULK) {
		put_16(&request, 1);
		put_16(&request, 2);
	}
	whole();
	for (size_t i = 0; i < COUNT(names) && type <= TEST_SET; i++) {
		if (type == TEST_SET)
			put_set(sets[i]);
		else
			put_range(names[i]);
		whole();
	}
}

static void
end_it(void)
{
	request_begin(&request, UNDO_SET, 7);
	ask(&request, &reply, 0, 0);
}

/* -- cut short --------------------------------------------------------------------------------- */

/* The length in the header fits the cut message. */
HOSTILE_TEST(message_cut_short_is_a_parse_error)
{
	for (uint8_t type = GET; type <= TEST_SET; type++) {
		size_t length;

		message_make(type);
		length = request.n;
		for (size_t cut = HEADER; cut < length; cut += 4) {
			message_make(type);
			request.n = cut;
			if (type == TEST_SET && cut == HEADER)
				ask(&request, &reply, MIB_GEN_ERR, 1);
			else
				ask(&request, &reply, is_whole(cut) ? 0 : PARSE_ERROR, 0);
			end_it();
		}
	}
}

/* The master ends while it writes. The message and the phases before have no effect. */
HOSTILE_TEST(message_cut_by_the_end_of_the_connection_does_nothing)
{
	for (uint8_t type = GET; type <= CLEANUP_SET; type++) {
		message_make(type);
		for (size_t cut = 1, length = request.n; cut < length; cut++) {
			message_make(TEST_SET);
			ask(&request, &reply, 0, 0);
			request_begin(&request, COMMIT_SET, 7);
			if (type > COMMIT_SET)
				ask(&request, &reply, 0, 0);
			message_make(type);
			message_finish(&request);
			octets_send(request.data, cut);
			run_ms(5000);
			assert_true(agentx_serving(agentx));
			assert_int_equal(master.peer.n, 0);
			session_renew();
		}
	}
}

/* -- in pieces ----------------------------------------------------------------------- */

HOSTILE_TEST(message_in_any_two_pieces_is_answered)
{
	for (uint8_t type = GET; type <= UNDO_SET; type++) {
		message_make(type);
		for (size_t cut = 1, length = request.n; cut < length; cut++) {
			message_make(type);
			message_finish(&request);
			octets_send(request.data, cut);
			run_ms(1);
			octets_send(request.data + cut, length - cut);
			message_receive(&reply);
			assert_int_equal(reply.packet, request.packet);
			take_32(&reply);
			assert_int_equal(take_16(&reply),
			    type == COMMIT_SET ? MIB_COMMIT_FAILED : 0);
			end_it();
		}
	}
}

HOSTILE_TEST(messages_byte_by_byte_are_answered)
{
	static struct message two;

	for (uint8_t type = GET; type <= UNDO_SET; type++) {
		message_make(type);
		message_finish(&request);
		two = request;
		message_make(GET);
		message_finish(&request);
		memcpy(two.data + two.n, request.data, request.n);
		for (size_t i = 0; i < two.n + request.n; i++) {
			octets_send(two.data + i, 1);
			run_ms(0);
		}
		message_receive(&reply);
		assert_int_equal(reply.packet, two.packet);
		message_receive(&reply);
		assert_int_equal(reply.packet, request.packet);
		end_it();
	}
}

/* Many requests of a manager in one write. */
HOSTILE_TEST(messages_in_one_write_are_answered_in_order)
{
	static const uint8_t life[] = { TEST_SET, COMMIT_SET, GET, UNDO_SET, GET_NEXT, TEST_SET,
	    CLEANUP_SET, GET_BULK };
	enum { ROUNDS = 40 };
	static struct message all;
	uint32_t packets[ROUNDS * COUNT(life)];
	size_t n = 0;

	all.n = 0;
	for (size_t i = 0; i < ROUNDS * COUNT(life); i++) {
		message_make(life[i % COUNT(life)]);
		message_finish(&request);
		assert_true(all.n + request.n <= sizeof(all.data));
		memcpy(all.data + all.n, request.data, request.n);
		all.n += request.n;
		if (request.type != CLEANUP_SET)
			packets[n++] = request.packet;
	}
	octets_send(all.data, all.n);
	for (size_t i = 0; i < n; i++) {
		message_receive(&reply);
		assert_int_equal(reply.packet, packets[i]);
		take_32(&reply);
		assert_int_equal(take_16(&reply), 0);
	}
}

/* -- lengths ------------------------------------------------------------------------- */

HOSTILE_TEST(length_above_the_limit_ends_the_session)
{
	static const uint32_t lengths[] = { 1, 2, 3, 5, 0x7ffffffc, 0x80000000, 0x80000001,
	    0xfffffffc, 0xfffffffd, 0xffffffff, STREAM_MESSAGE_MAX - HEADER + 4, 0x01000000 };

	for (size_t i = 0; i < 2 * COUNT(lengths); i++) {
		message_begin(&request, GET, i % 2 == 0 ? NETWORK : 0, SESSION_ID, 0, 1);
		request.n = 16;
		put_32(&request, lengths[i / 2]);
		octets_send(request.data, HEADER);
		run_ms(0);
		assert_false(agentx_serving(agentx));
		service_check();
	}
}

/* The longest message that is accepted, and the first that is too long for the codec. */
HOSTILE_TEST(length_below_the_limit_is_answered)
{
	static const size_t lengths[] = { 64 * 1024 - 4, 64 * 1024 + 4, STREAM_MESSAGE_MAX };
	static uint8_t zeros[STREAM_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(lengths); i++) {
		request_begin(&request, GET, 0);
		request.n = 16;
		put_32(&request, (uint32_t)(lengths[i] - HEADER));
		octets_send(request.data, HEADER);
		for (size_t at = HEADER, part = 0; at < lengths[i]; at += part) {
			run_ms(0);
			assert_int_equal(master.peer.n, 0);
			part = lengths[i] - at < 65536 ? lengths[i] - at : 65536;
			octets_send(zeros, part);
		}
		message_receive(&reply);
		assert_int_equal(reply.packet, request.packet);
		take_32(&reply);
		/* So many null OIDs need an answer above 64 KiB, or are not decoded. */
		assert_int_equal(take_16(&reply), lengths[i] <= 65536 ? 1 : PARSE_ERROR);
	}
}

HOSTILE_TEST(other_version_ends_the_session)
{
	for (unsigned int version = 0; version <= 255; version++) {
		if (version == 1)
			continue;
		message_make(GET);
		message_finish(&request);
		request.data[0] = (uint8_t)version;
		octets_send(request.data, request.n);
		run_ms(0);
		assert_false(agentx_serving(agentx));
		run_until_serving(10000);
	}
}

/* -- headers ------------------------------------------------------------------------- */

HOSTILE_TEST(unknown_flags_are_ignored)
{
	for (unsigned int flags = 0; flags <= 255; flags++) {
		for (uint8_t type = GET; type <= UNDO_SET; type++) {
			if (type == COMMIT_SET)
				continue;
			message_begin(&request, type, (uint8_t)flags, SESSION_ID, 7, flags);
			if ((flags & CONTEXT) != 0)
				put_octets(&request, "", 0);
			if (type == GET_BULK)
				put_32(&request, 0);
			/* A TestSet without varbinds is refused. */
			if (type == TEST_SET)
				ask(&request, &reply, MIB_GEN_ERR, 1);
			else
				ask(&request, &reply, 0, 0);
		}
	}
}

HOSTILE_TEST(context_of_any_request_is_unsupported)
{
	for (uint8_t type = GET; type <= CLEANUP_SET; type++) {
		for (size_t length = 1; length <= 300; length += 13) {
			char text[300] = "east";

			message_begin(&request, type, CONTEXT | NETWORK, SESSION_ID, 7, type);
			put_octets(&request, text, length);
			if (type == GET_BULK)
				put_32(&request, 0);
			if (type == CLEANUP_SET)
				message_send(&request);
			else
				ask(&request, &reply, UNSUPPORTED_CONTEXT, 0);
		}
		/* A context is announced and missing. The first name is read as its length. */
		message_begin(&request, type, CONTEXT, SESSION_ID, 7, type);
		put_range(".1.4.1.8.1.1.1");
		if (type < CLEANUP_SET)
			ask(&request, &reply, PARSE_ERROR, 0);
	}
}

HOSTILE_TEST(answer_has_the_numbers_of_the_request)
{
	static const uint32_t numbers[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };

	for (size_t i = 0; i < COUNT(numbers) * COUNT(numbers); i++) {
		uint32_t number = numbers[i % COUNT(numbers)];

		message_begin(&request, TEST_SET, i % 2 == 0 ? NETWORK : 0, SESSION_ID, number,
		    numbers[i / COUNT(numbers)]);
		put_set("A.weight=5");
		ask(&request, &reply, 0, 0);
		for (size_t k = 0; k < COUNT(numbers); k++) {
			message_begin(&request, COMMIT_SET, 0, SESSION_ID, numbers[k] ^ 1, 1);
			if ((numbers[k] ^ 1) != number)
				ask(&request, &reply, MIB_COMMIT_FAILED, 1);
			message_begin(&request, UNDO_SET, 0, numbers[k], number, 1);
			ask(&request, &reply, NOT_OPEN, 0);
		}
		message_begin(&request, COMMIT_SET, 0, SESSION_ID, number, 1);
		ask(&request, &reply, 0, 0);
		message_begin(&request, UNDO_SET, 0, SESSION_ID, number, 1);
		ask(&request, &reply, 0, 0);
	}
}

/* -- types --------------------------------------------------------------------------- */

HOSTILE_TEST(message_of_any_type_and_length_is_answered_or_ignored)
{
	static const size_t lengths[] = { 0, 4, 8, 12, 16, 44, 64 };

	for (unsigned int type = 0; type <= 255; type++) {
		for (size_t i = 0; i < 2 * COUNT(lengths); i++) {
			bool answered = type >= GET && type <= UNDO_SET;

			message_begin(&request, (uint8_t)type, 0, SESSION_ID, 7, 1);
			while (request.n < HEADER + lengths[i / 2])
				put_32(&request, i % 2 == 0 ? 0 : 0xffffffff);
			message_send(&request);
			run_ms(10);
			assert_int_equal(master.peer.n > 0, answered);
			if (answered)
				message_receive(&reply);
			/* Only Close may end the session. */
			assert_true(type == CLOSE || agentx_serving(agentx));
			service_check();
		}
	}
}

HOSTILE_TEST(close_for_any_reason_is_followed_by_a_new_session)
{
	for (unsigned int reason = 0; reason <= 255; reason++) {
		request_begin(&request, CLOSE, 0);
		put_8(&request, reason);
		put_8(&request, reason), put_16(&request, reason);
		message_send(&request);
		run_ms(0);
		assert_false(agentx_serving(agentx));
		run_until_serving(10000);
		run_ms(0);
	}
}

/* Session and log do not change. */
HOSTILE_TEST(unexpected_response_is_ignored)
{
	static const uint32_t errors[] = { 0, 1, 5, 256, 257, 263, 266, 0xffff };
	unsigned int lines;

	service_check();
	lines = log_lines;
	for (uint32_t packet = 0; packet < 200; packet++) {
		for (size_t i = 0; i < COUNT(errors); i++) {
			message_begin(&request, RESPONSE, 0, SESSION_ID + packet % 2, packet,
			    packet);
			put_32(&request, 0xffffffff);
			put_16(&request, errors[i]), put_16(&request, packet);
			if (packet % 3 == 0)
				put_set("A.weight=5");
			message_send(&request);
		}
		run_ms(0);
		assert_true(agentx_serving(agentx));
		assert_int_equal(master.peer.n, 0);
	}
	assert_int_in_range(log_lines, lines, lines + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hostile_begin, hostile_end)

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(message_cut_short_is_a_parse_error),
		TEST(message_cut_by_the_end_of_the_connection_does_nothing),
		TEST(message_in_any_two_pieces_is_answered),
		TEST(messages_byte_by_byte_are_answered),
		TEST(messages_in_one_write_are_answered_in_order),
		TEST(length_above_the_limit_ends_the_session),
		TEST(length_below_the_limit_is_answered),
		TEST(other_version_ends_the_session),
		TEST(unknown_flags_are_ignored),
		TEST(context_of_any_request_is_unsupported),
		TEST(answer_has_the_numbers_of_the_request),
		TEST(message_of_any_type_and_length_is_answered_or_ignored),
		TEST(close_for_any_reason_is_followed_by_a_new_session),
		TEST(unexpected_response_is_ignored),
	};

	(void)argc;
	real_heap_exact(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
