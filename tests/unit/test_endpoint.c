/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/endpoint.c: accepted addresses of AgentX masters, messages about refused
 * ones, and addresses of the loopback interface.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "util/endpoint.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
paths_and_tcp_addresses_are_accepted(void **state)
{
	static const struct {
		const char	*text, *host, *port;
	} cases[] = {
		{ "tcp:localhost:705", "localhost", "705" },
		{ "TCP:localhost:705", "localhost", "705" },
		{ "tcp:127.0.0.1:1", "127.0.0.1", "1" },
		{ "tcp:[::1]:65535", "::1", "65535" },
		{ "tcp:[fe80::1%eth0]:705", "fe80::1%eth0", "705" },
		{ "tcp:[::ffff:192.0.2.1]:705", "::ffff:192.0.2.1", "705" },
		{ "tcp:snmp_agent.example.net.:0705", "snmp_agent.example.net.", "705" },
		{ "tcp:3com.example:705", "3com.example", "705" },
	};
	struct endpoint endpoint;

	(void)state;
	assert_int_equal(endpoint_parse("/var/agentx/master", &endpoint, NULL), ERR_OK);
	assert_int_equal(endpoint.kind, ENDPOINT_UNIX);
	assert_string_equal(endpoint.path, "/var/agentx/master");
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(endpoint_parse(cases[i].text, &endpoint, NULL), ERR_OK);
		assert_int_equal(endpoint.kind, ENDPOINT_TCP);
		assert_string_equal(endpoint.host, cases[i].host);
		assert_string_equal(endpoint.port, cases[i].port);
		assert_string_equal(endpoint.path, "");
	}
}

static void
messages_of_refusals_have_the_valid_forms(void **state)
{
	static const struct {
		const char	*text, *advice;
	} cases[] = {
		{ "", "neither with / nor with tcp:" },
		{ "master", "neither with / nor with tcp:" },
		{ "agentx/master", "neither with / nor with tcp:" },
		{ "localhost:705", "tcp:HOST:PORT" },
		{ "unix:/var/agentx/master", "write /PATH" },
		{ "udp:localhost:705", "write /PATH" },
		{ "UDP6:[::1]:705", "write /PATH" },
		{ "ssh:localhost:705", "write /PATH" },
		{ "tcp6:[::1]:705", "tcp:[::1]:705" },
		{ "tcp:", "port is missing" },
		{ "tcp:705", "port is missing" },
		{ "tcp:localhost", "port is missing" },
		{ "tcp:localhost:", "port is not a number" },
		{ "tcp:localhost:agentx", "port is not a number" },
		{ "tcp:localhost:0", "port is not a number" },
		{ "tcp:localhost:65536", "port is not a number" },
		{ "tcp:localhost:-1", "port is not a number" },
		{ "tcp::705", "host is missing" },
		{ "tcp:[]:705", "host is missing" },
		{ "tcp:[::1]", "port is missing" },
		{ "tcp:[::1:705", "port is missing" },
		{ "tcp:::1:705", "in brackets" },
		{ "tcp:localhost:705:706", "in brackets" },
		{ "tcp:[localhost]:705", "not an IPv6 address" },
		{ "tcp:[::1%]:705", "not an IPv6 address" },
		{ "tcp:10.0.0.300:705", "neither a name nor an IPv4" },
		{ "tcp:10.0.1:705", "neither a name nor an IPv4" },
		{ "tcp:a..b:705", "neither a name nor an IPv4" },
		{ "tcp:-a:705", "neither a name nor an IPv4" },
		{ "tcp:a b:705", "neither a name nor an IPv4" },
		{ "tcp:localhost/x:705", "neither a name nor an IPv4" },
		{ "tcp:\xc3\xa4:705", "neither a name nor an IPv4" },
	};
	struct endpoint endpoint;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(endpoint_parse(cases[i].text, &endpoint, &err), ERR_INVALID);
		if (strstr(err.text, cases[i].advice) == NULL)
			fail_msg("\"%s\": %s", cases[i].text, err.text);
	}
}

static void
lengths_have_bounds(void **state)
{
	char text[512];
	struct endpoint endpoint;
	struct err err;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[ENDPOINT_PATH_MAX] = '\0';
	assert_int_equal(endpoint_parse(text, &endpoint, &err), ERR_OK);
	text[ENDPOINT_PATH_MAX] = 'a';
	text[ENDPOINT_PATH_MAX + 1] = '\0';
	assert_int_equal(endpoint_parse(text, &endpoint, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "107 at most"));

	memset(text, 'a', sizeof(text));
	memcpy(text, "tcp:", 4);
	for (size_t i = 1; i < 8; i++)
		text[4 + 32 * i] = '.';
	memcpy(text + 4 + ENDPOINT_HOST_MAX, ":705", 5);
	assert_int_equal(endpoint_parse(text, &endpoint, &err), ERR_OK);
	memcpy(text + 4 + ENDPOINT_HOST_MAX, "a:705", 6);
	assert_int_equal(endpoint_parse(text, &endpoint, &err), ERR_INVALID);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(endpoint_parse(text, &endpoint, &err), ERR_INVALID);
}

static void
loopback_addresses_are_recognized(void **state)
{
	static const struct {
		const char	*text;
		bool		 loopback;
	} cases[] = {
		{ "127.0.0.1", true }, { "127.9.9.9", true }, { "128.0.0.1", false },
		{ "0.0.0.0", false }, { "192.0.2.1", false }, { "::1", true }, { "::2", false },
		{ "::ffff:127.0.0.1", true }, { "::ffff:10.0.0.1", false }, { "fe80::1", false },
	};
	struct sockaddr_un local = { .sun_family = AF_UNIX };

	(void)state;
	assert_true(endpoint_is_loopback((struct sockaddr *)&local));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sockaddr_in v4 = { .sin_family = AF_INET };
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
		bool is_v4 = inet_pton(AF_INET, cases[i].text, &v4.sin_addr) == 1;

		if (!is_v4)
			assert_int_equal(inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr), 1);
		assert_int_equal(endpoint_is_loopback(is_v4 ? (struct sockaddr *)&v4 :
		    (struct sockaddr *)&v6), cases[i].loopback);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_and_tcp_addresses_are_accepted),
		cmocka_unit_test(messages_of_refusals_have_the_valid_forms),
		cmocka_unit_test(lengths_have_bounds),
		cmocka_unit_test(loopback_addresses_are_recognized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
