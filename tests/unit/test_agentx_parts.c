/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of parts of src/agentx: the stream and its buffers, messages and waits of an outage.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agentx/reason.h"
#include "agentx/stream.h"
#include "in_range.h"

/* -- the stream ------------------------------------------------------------------------------- */

static struct stream stream;
static int peer;

static int
stream_begin(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	stream_init(&stream);
	stream.fd = pair[0];
	peer = pair[1];
	return 0;
}

static int
stream_end(void **state)
{
	(void)state;
	stream_close(&stream);
	close(peer);
	return 0;
}

/* Numbers, so that a lost or misplaced byte is found. */
static void
numbers_send(uint32_t *from, uint32_t n)
{
	uint32_t block[250];

	for (uint32_t i = 0; i < n; i++)
		block[i] = (*from)++;
	assert_int_equal(stream_send(&stream, (uint8_t *)block, n * sizeof(block[0])), STREAM_OK);
}

static void
numbers_receive(uint32_t *from, uint32_t n)
{
	uint32_t block[250];

	assert_int_equal(recv(peer, block, n * sizeof(block[0]), MSG_WAITALL | MSG_DONTWAIT),
	    n * sizeof(block[0]));
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(block[i], (*from)++);
}

static void
waiting_bytes_keep_their_order(void **state)
{
	uint32_t sent = 0, received = 0;

	(void)state;
	while (stream_events(&stream) == POLLIN)
		numbers_send(&sent, 250);
	for (int i = 0; i < 100; i++)
		numbers_send(&sent, 250);
	/* The socket has room for these bytes, but others wait before them. */
	for (int i = 0; i < 50; i++)
		numbers_receive(&received, 250);
	numbers_send(&sent, 10);
	assert_int_equal(stream_events(&stream), POLLIN | POLLOUT);
	while (received < sent) {
		stream_flush(&stream);
		numbers_receive(&received, sent - received < 250 ? sent - received : 250);
	}
	assert_int_equal(stream_events(&stream), POLLIN);
}

static void
stream_of_a_closed_peer_still_reads(void **state)
{
	static const uint8_t header[20] = { 1, 18 };
	uint32_t number = 0;
	uint8_t *message;
	size_t length;

	(void)state;
	assert_int_equal(send(peer, header, sizeof(header), 0), sizeof(header));
	shutdown(peer, SHUT_RDWR);
	numbers_send(&number, 1);
	numbers_send(&number, 1);
	assert_int_equal(stream_events(&stream), POLLIN);
	assert_int_equal(stream_read(&stream), STREAM_OK);
	assert_int_equal(stream_take(&stream, &message, &length), STREAM_OK);
	assert_non_null(message);
	assert_int_equal(length, 20);
	assert_int_equal(stream_take(&stream, &message, &length), STREAM_OK);
	assert_null(message);
	assert_int_equal(stream_read(&stream), STREAM_END);
}

static void
messages_of_each_size_are_taken(void **state)
{
	static uint8_t out[20 + 4 * 4000];
	uint8_t *message;
	size_t length, n = 0;

	(void)state;
	for (size_t i = 0; i < 4000; i += 7) {
		memset(out, (int)i, sizeof(out));
		memcpy(out, "\1\22\20\0", 4);
		out[16] = out[17] = 0;
		out[18] = (uint8_t)(4 * i >> 8);
		out[19] = (uint8_t)(4 * i);
		assert_int_equal(send(peer, out, 20 + 4 * i, 0), 20 + 4 * i);
		/* Leave some bytes in the buffer, so that it moves and grows. */
		if (i % 5 == 0)
			continue;
		assert_int_equal(stream_read(&stream), STREAM_OK);
		while (assert_int_equal(stream_take(&stream, &message, &length), STREAM_OK),
		    message != NULL) {
			assert_int_equal(length, 20 + 4 * 7 * n);
			if (length > 20)
				assert_int_equal(message[length - 1], (uint8_t)(7 * n));
			n++;
		}
	}
	assert_int_equal(n, 572);
}

/* -- messages and waits --------------------------------------------------------------- */

static void
reasons_say_what_to_do(void **state)
{
	static const struct {
		struct reason	reason;
		const char	*message;
	} expected[] = {
		{ { REASON_CONNECT, ENOENT }, "no AgentX master at /s; start snmpd, with "
		    "'master agentx' in snmpd.conf" },
		{ { REASON_CONNECT, EACCES }, "no permission for /s: snmpd.conf needs "
		    "'agentXPerms 0660 0755 Debian-snmp lbcluster', and lbclusterd the group "
		    "lbcluster (it runs as nobody, group users)" },
		{ { REASON_CONNECT, ENOTDIR }, "cannot connect to the master at /s: Not a "
		    "directory" },
		{ { REASON_REFUSED, 263 }, "another subagent serves 1.3.6; stop the other "
		    "lbclusterd (duplicateRegistration)" },
		{ { REASON_REFUSED, 999 }, "the master at /s refused to register 1.3.6 (999)" },
		{ { REASON_CLOSE, 5 }, "the master at /s closed the session: it ends "
		    "(reasonShutdown)" },
		{ { REASON_TIMEOUT, 0 }, "the master at /s does not answer; snmpd is stopped or "
		    "hung: restart it" },
		{ { REASON_CONNECT_TCP, ECONNREFUSED }, "no AgentX master at /s: connection "
		    "refused; start snmpd, with 'master agentx' and this address in 'agentXSocket' "
		    "of snmpd.conf" },
		{ { REASON_CONNECT_TCP, ENETUNREACH }, "cannot connect to the master at /s: "
		    "Network is unreachable" },
		{ { REASON_NAME, EAI_NONAME }, "the host of /s has no address: Name or service "
		    "not known" },
		{ { REASON_END, ETIMEDOUT }, "the connection to the master at /s timed out; its "
		    "host or the network is down" },
		{ { REASON_END, 0 }, "the master at /s closed the connection" },
	};
	const struct reason_context place = { "/s", "1.3.6", "nobody", "users" };
	char text[512], little[12];

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_string_equal(reason_text(&expected[i].reason, &place, text, sizeof(text)),
		    expected[i].message);
	assert_string_equal(reason_text(&expected[0].reason, &place, little, sizeof(little)),
	    "no AgentX m");
}

static void
reason_is_logged_once_in_an_outage(void **state)
{
	const struct reason gone = { REASON_CONNECT, ENOENT }, silent = { REASON_TIMEOUT, 0 };
	struct outage outage = { 0 };

	(void)state;
	outage_begin(&outage, 0, 0);
	assert_true(outage_is_new(&outage, 1, &gone));
	assert_false(outage_is_new(&outage, 2, &gone));
	assert_true(outage_is_new(&outage, 3, &silent));
	assert_false(outage_is_new(&outage, 4, &gone));
	outage_begin(&outage, 10, 10000);
	assert_true(outage_is_new(&outage, 11, &silent));
	assert_false(outage_is_new(&outage, 12, &gone));	/* may be a restart */
	assert_true(outage_is_new(&outage, 6000, &gone));
}

static void
waits_grow_to_their_limit_and_are_reset(void **state)
{
	static const int64_t most[] = { 250, 500, 1000, 2000, 4000, 8000, 8000 };
	const struct reason gone = { REASON_CONNECT, ENOENT }, closed = { REASON_END, 0 };
	struct outage outage = { 0 };
	int64_t wait;

	(void)state;
	outage_begin(&outage, 0, 0);
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		wait = outage_retry_ms(&outage, &gone);
		assert_int_in_range(wait, 187, most[i] < 1000 ? most[i] : 1000);
		wait = outage_retry_ms(&outage, &closed);
		assert_int_in_range(wait, most[i] * 3 / 4, most[i]);
	}
	/* A minute of service makes the wait short again; less does not, and does not double it. */
	outage_begin(&outage, 0, 59000);
	assert_int_in_range(outage_retry_ms(&outage, &closed), 187, 250);
	assert_int_in_range(outage_retry_ms(&outage, &closed), 6000, 8000);
	outage_begin(&outage, 0, 60000);
	assert_int_in_range(outage_retry_ms(&outage, &closed), 187, 250);
	assert_int_in_range(outage_retry_ms(&outage, &closed), 187, 250);
	assert_int_in_range(outage_retry_ms(&outage, &closed), 375, 500);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, stream_begin, stream_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(waiting_bytes_keep_their_order),
		STREAM_TEST(stream_of_a_closed_peer_still_reads),
		STREAM_TEST(messages_of_each_size_are_taken),
		cmocka_unit_test(reasons_say_what_to_do),
		cmocka_unit_test(reason_is_logged_once_in_an_outage),
		cmocka_unit_test(waits_grow_to_their_limit_and_are_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
