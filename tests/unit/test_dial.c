/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/dial.c and lookup.c: connections over UNIX sockets and TCP on the
 * loopback interface. The test replaces getaddrinfo(3), so that a name has the addresses that
 * the test wants and the DNS server does not answer until the test allows it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/dial.h"

/* -- names ----------------------------------------------------------------------------- */

/* Locked while the DNS server does not answer. */
static pthread_mutex_t silence = PTHREAD_MUTEX_INITIALIZER;

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret);
int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret);

/* The name "two" has two addresses, and no program listens at the first. "none" has none. */
int
__wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret)
{
	struct addrinfo numbers = *hints;
	int error;

	if ((hints->ai_flags & AI_NUMERICHOST) != 0)
		return __real_getaddrinfo(host, port, hints, ret);
	pthread_mutex_lock(&silence);
	pthread_mutex_unlock(&silence);
	if (strcmp(host, "none") == 0)
		return EAI_NONAME;
	numbers.ai_flags |= AI_NUMERICHOST;
	error = __real_getaddrinfo(strcmp(host, "two") == 0 ? "127.0.0.2" : "127.0.0.1", port,
	    &numbers, ret);
	if (error == 0 && strcmp(host, "two") == 0)
		error = __real_getaddrinfo("127.0.0.1", port, &numbers, &(*ret)->ai_next);
	return error;
}

/* -- fixture ------------------------------------------------------------------------------- */

static struct loop *loop;
static struct dial dial;
static struct dial_result result;
static unsigned int calls;
static int listener;
static char port[sizeof(((struct endpoint *)0)->port)];

static void
on_done(void *arg, const struct dial_result *reported)
{
	(void)arg;
	result = *reported;
	calls++;
	loop_stop(loop);
}

static int
begin(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t n = sizeof(address);

	(void)state;
	loop = loop_new();
	calls = 0;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (loop == NULL || listener == -1 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, 5) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &n) != 0)
		return -1;
	snprintf(port, sizeof(port), "%hu", ntohs(address.sin_port));
	return 0;
}

static int
end(void **state)
{
	(void)state;
	if (listener != -1)
		close(listener);
	loop_free(loop);
	return 0;
}

/* Starts to connect to "tcp:HOST:port". */
static void
dial_to(const char *host)
{
	struct endpoint to = { .kind = ENDPOINT_TCP };

	snprintf(to.host, sizeof(to.host), "%s", host);
	snprintf(to.port, sizeof(to.port), "%s", port);
	dial_begin(&dial, loop, &to, on_done, NULL);
}

static void
dial_host(const char *host)
{
	dial_to(host);
	while (calls == 0)
		loop_run(loop);
	assert_int_equal(calls, 1);
}

static void
assert_connected(void)
{
	int value = 0, fd;
	socklen_t n = sizeof(value);

	assert_int_equal(result.status, DIAL_CONNECTED);
	assert_false(result.remote);
	assert_int_equal(getsockopt(result.fd, IPPROTO_TCP, TCP_NODELAY, &value, &n), 0);
	assert_int_equal(value, 1);
	assert_int_equal(getsockopt(result.fd, SOL_SOCKET, SO_KEEPALIVE, &value, &n), 0);
	assert_int_equal(value, 1);
	assert_int_equal(getsockopt(result.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &n), 0);
	assert_int_equal(value, DIAL_PEER_TIMEOUT_MS);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	close(fd);
	close(result.fd);
}

/* -- tests ------------------------------------------------------------------------------------ */

static void
number_connects_without_a_lookup(void **state)
{
	(void)state;
	pthread_mutex_lock(&silence);
	dial_host("127.0.0.1");
	pthread_mutex_unlock(&silence);
	assert_connected();
}

static void
name_connects(void **state)
{
	(void)state;
	dial_host("one");
	assert_connected();
}

static void
all_addresses_of_a_name_are_tried(void **state)
{
	(void)state;
	dial_host("two");
	assert_connected();
}

static void
name_without_address_is_reported(void **state)
{
	(void)state;
	dial_host("none");
	assert_int_equal(result.status, DIAL_NAME);
	assert_int_equal(result.code, EAI_NONAME);
	assert_int_equal(result.fd, -1);
}

static void
refused_connection_is_reported(void **state)
{
	(void)state;
	close(listener);
	listener = -1;
	dial_host("two");
	assert_int_equal(result.status, DIAL_FAILED);
	assert_int_equal(result.code, ECONNREFUSED);
}

static void
count_timer(void *arg)
{
	++*(int *)arg;
	loop_stop(loop);
}

/* The loop runs while the DNS server does not answer. A cancelled attempt calls no function. */
static void
silent_dns_does_not_block_the_loop(void **state)
{
	struct loop_timer timer = { 0 };
	int timers = 0;

	(void)state;
	pthread_mutex_lock(&silence);
	for (int i = 0; i < 3; i++) {
		dial_to("one");
		assert_int_equal(calls, 0);
		loop_timer_set(loop, &timer, 1, count_timer, &timers);
		loop_run(loop);
		dial_cancel(&dial);
		dial_cancel(&dial);
	}
	assert_int_equal(timers, 3);
	pthread_mutex_unlock(&silence);
	dial_host("one");
	assert_connected();
}

/* The number of threads is bounded while the DNS server does not answer. */
static void
lookups_have_a_bound(void **state)
{
	(void)state;
	pthread_mutex_lock(&silence);
	for (int i = 0; i < LOOKUPS_MAX + 1 && calls == 0; i++) {
		dial_to("one");
		dial_cancel(&dial);
	}
	assert_int_equal(calls, 1);
	assert_int_equal(result.status, DIAL_LOCAL);
	pthread_mutex_unlock(&silence);
	for (calls = 0; calls == 0 || result.status == DIAL_LOCAL; ) {
		calls = 0;
		dial_host("one");
	}
	assert_connected();
}

static void
unix_socket_connects_or_fails_at_once(void **state)
{
	struct endpoint to = { .kind = ENDPOINT_UNIX, .path = "/nonexistent/master" };

	(void)state;
	dial_begin(&dial, loop, &to, on_done, NULL);
	assert_int_equal(calls, 1);
	assert_int_equal(result.status, DIAL_FAILED);
	assert_int_equal(result.code, ENOENT);
}

static void
address_of_another_host_is_remote(void **state)
{
	(void)state;
	/* TEST-NET-1 of RFC 5737, with or without a route. */
	dial_to("192.0.2.1");
	if (calls == 0) {
		assert_true(dial.remote);
		dial_cancel(&dial);
	} else {
		assert_true(result.remote);
		if (result.fd != -1)
			close(result.fd);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(number_connects_without_a_lookup),
		TEST(name_connects),
		TEST(all_addresses_of_a_name_are_tried),
		TEST(name_without_address_is_reported),
		TEST(refused_connection_is_reported),
		TEST(silent_dns_does_not_block_the_loop),
		TEST(lookups_have_a_bound),
		TEST(unix_socket_connects_or_fails_at_once),
		TEST(address_of_another_host_is_remote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
