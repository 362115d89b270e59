/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the addresses of runtime sockets: src/plane/haproxy/haproxy_endpoint.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "plane/haproxy/haproxy_endpoint.h"

static struct haproxy_endpoint
parsed(const char *text)
{
	struct haproxy_endpoint endpoint;
	struct err err;

	if (haproxy_endpoint_parse(text, &endpoint, &err) != ERR_OK)
		fail_msg("%s", err.text);
	assert_string_equal(endpoint.text, text);
	return endpoint;
}

static void
path_is_accepted(void **state)
{
	static const char *const texts[] = { "/run/x.sock", "unix@/run/x.sock" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct haproxy_endpoint endpoint = parsed(texts[i]);
		const struct sockaddr_un *address =
		    (const struct sockaddr_un *)(const void *)&endpoint.address;

		assert_int_equal(address->sun_family, AF_UNIX);
		assert_string_equal(address->sun_path, "/run/x.sock");
		assert_false(endpoint.remote);
	}
}

static void
address_is_accepted(void **state)
{
	static const struct {
		const char	*text, *address;
		int		 family;
		bool		 remote;
	} cases[] = {
		{ "127.0.0.1:9999", "127.0.0.1", AF_INET, false },
		{ "127.9.9.9:9999", "127.9.9.9", AF_INET, false },
		{ "ipv4@192.0.2.1:9999", "192.0.2.1", AF_INET, true },
		{ "[::1]:9999", "::1", AF_INET6, false },
		{ "ipv6@[2001:db8::1]:9999", "2001:db8::1", AF_INET6, true },
		{ "[::ffff:127.0.0.1]:9999", "::ffff:127.0.0.1", AF_INET6, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct haproxy_endpoint endpoint = parsed(cases[i].text);
		const struct sockaddr_in *v4 =
		    (const struct sockaddr_in *)(const void *)&endpoint.address;
		const struct sockaddr_in6 *v6 =
		    (const struct sockaddr_in6 *)(const void *)&endpoint.address;
		char text[INET6_ADDRSTRLEN] = "";
		bool four = cases[i].family == AF_INET;

		assert_int_equal(endpoint.address.ss_family, cases[i].family);
		inet_ntop(cases[i].family, four ? (const void *)&v4->sin_addr : &v6->sin6_addr,
		    text, sizeof(text));
		assert_string_equal(text, cases[i].address);
		assert_int_equal(ntohs(four ? v4->sin_port : v6->sin6_port), 9999);
		assert_int_equal(endpoint.remote, cases[i].remote);
	}
}

static void
any_other_text_is_refused(void **state)
{
	static const struct {
		const char	*text, *message;
	} cases[] = {
		{ "", "write /PATH" },
		{ "run/x.sock", "write /PATH" },
		{ "unix@run/x.sock", "a path begins with /" },
		{ "abns@x", "write /PATH" },
		{ "tcp@127.0.0.1:9999", "write /PATH" },
		{ "127.0.0.1", "write /PATH" },
		{ ":9999", "write /PATH" },
		{ "[::1]", "write /PATH" },
		{ "[]:9999", "write /PATH" },
		{ "127.0.0.1:0", "port" },
		{ "127.0.0.1:65536", "port" },
		{ "127.0.0.1:", "port" },
		{ "127.0.0.1:http", "port" },
		{ "::1:9999", "brackets" },
		{ "tcp:127.0.0.1:99", "ipv4@" },
		{ "localhost:9999", "host name" },
		{ "ipv4@ha.test:9999", "host name" },
		{ "10.0.0.300:9999", "host name" },
		{ "[fe80::1%eth0]:9999", "numeric" },
		{ "ipv4@[::1]:9999", "IPv4" },
		{ "ipv6@127.0.0.1:9999", "IPv6" },
		{ "0.0.0.0:9999", "connect" },
		{ "[::]:9999", "connect" },
		{ "x\x1b[31m:1", "\"x?[31m:1\"" },
	};
	struct haproxy_endpoint endpoint;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(haproxy_endpoint_parse(cases[i].text, &endpoint, &err),
		    ERR_INVALID);
		if (strstr(err.text, cases[i].message) == NULL)
			fail_msg("\"%s\" has no \"%s\"", err.text, cases[i].message);
	}
}

static void
path_has_a_longest_length(void **state)
{
	char path[HAPROXY_PATH_MAX + 2];
	struct haproxy_endpoint endpoint;
	struct err err;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[HAPROXY_PATH_MAX] = '\0';
	parsed(path);
	path[HAPROXY_PATH_MAX] = 'x';
	path[HAPROXY_PATH_MAX + 1] = '\0';
	assert_int_equal(haproxy_endpoint_parse(path, &endpoint, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "107 bytes at most"));
}

static void
line_is_one_of_haproxy_cfg(void **state)
{
	static const char *const lines[][2] = {
		{ "/run/x", "stats socket /run/x mode 660 level admin" },
		{ "unix@/run/x", "stats socket unix@/run/x mode 660 level admin" },
		{ "127.0.0.1:1", "stats socket ipv4@127.0.0.1:1 level admin" },
		{ "ipv4@127.0.0.1:1", "stats socket ipv4@127.0.0.1:1 level admin" },
		{ "[::1]:1", "stats socket ipv6@[::1]:1 level admin" },
	};
	char buf[160];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_string_equal(haproxy_socket_line(lines[i][0], buf, sizeof(buf)),
		    lines[i][1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_accepted),
		cmocka_unit_test(address_is_accepted),
		cmocka_unit_test(any_other_text_is_refused),
		cmocka_unit_test(path_has_a_longest_length),
		cmocka_unit_test(line_is_one_of_haproxy_cfg),
	};

	return cmocka_run_group_tests_name("haproxy_endpoint", tests, NULL, NULL);
}
