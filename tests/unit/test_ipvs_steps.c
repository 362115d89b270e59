/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the kernel in memory, tests/unit/ipvs_fake.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>

#include "ipvs_fake.h"
#include "ipvs_steps.h"
#include "util/memory.h"

static const struct ipvs_key web = { .address = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } },
    .protocol = 6, .port = 80 };

static int
reset(void **state)
{
	(void)state;
	ipvs_fake_reset();
	return 0;
}

static void
on_done(void *arg, int error)
{
	*(int *)arg = error;
}

static bool
on_service(void *arg, const struct ipvs_service *service)
{
	(void)arg;
	(void)service;
	return true;
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

/* Sends the requests and returns the error of the socket. */
static int
change(struct ipvs_request *requests, size_t n)
{
	struct loop *loop = loop_new();
	struct ipvs_socket *socket = ipvs_socket_new(loop, 1000);
	struct loop_timer timer = { 0 };
	int error = -3;

	ipvs_socket_change(socket, requests, n, on_done, &error);
	loop_timer_set(loop, &timer, 0, stop, loop);
	loop_run(loop);
	ipvs_socket_free(socket);
	loop_free(loop);
	return error;
}

static struct ipvs_request
web_request(uint8_t command)
{
	return (struct ipvs_request){ .command = command,
	    .service = { .key = web, .scheduler = "rr", .netmask = UINT32_MAX },
	    .dest = { .address = { .family = AF_INET, .bytes = { 10, 0, 0, 1 } }, .port = 80,
	    .weight = 1 } };
}

static void
a_destination_with_connections_comes_back_with_its_numbers(void **state)
{
	struct ipvs_request begin[] = { web_request(IPVS_CMD_NEW_SERVICE),
	    web_request(IPVS_CMD_NEW_DEST) };
	struct ipvs_request again[] = { web_request(IPVS_CMD_DEL_DEST),
	    web_request(IPVS_CMD_NEW_DEST) };
	struct ipvs_dest *dest;

	(void)state;
	assert_int_equal(change(begin, ROWS(begin)), 0);
	dest = ipvs_fake_dest(&web, &begin[1].dest.address, 80);
	assert_non_null(dest);
	dest->active = 1;
	dest->number[IPVS_STATS_ATTR_CONNS - 1] = 7;
	assert_int_equal(change(again, ROWS(again)), 0);
	dest = ipvs_fake_dest(&web, &begin[1].dest.address, 80);
	assert_non_null(dest);
	assert_int_equal(dest->number[IPVS_STATS_ATTR_CONNS - 1], 7);
	ipvs_fake_connections_end();
	assert_int_equal(change(again, ROWS(again)), 0);
	dest = ipvs_fake_dest(&web, &begin[1].dest.address, 80);
	assert_int_equal(dest->number[IPVS_STATS_ATTR_CONNS - 1], 0);
}

static void
every_nth_change_fails(void **state)
{
	struct ipvs_request requests[] = { web_request(IPVS_CMD_NEW_SERVICE),
	    web_request(IPVS_CMD_NEW_DEST), web_request(IPVS_CMD_SET_DEST),
	    web_request(IPVS_CMD_DEL_DEST) };

	(void)state;
	ipvs_fake.fail_every = 2;
	ipvs_fake.fail_error = ENOMEM;
	assert_int_equal(change(requests, ROWS(requests)), 0);
	assert_int_equal(requests[0].error, 0);
	assert_int_equal(requests[1].error, ENOMEM);
	assert_int_equal(requests[2].error, ENOENT);
	assert_int_equal(requests[3].error, ENOMEM);
}

static void
a_kernel_without_module_or_capability_refuses_all(void **state)
{
	struct ipvs_request request = web_request(IPVS_CMD_NEW_SERVICE);
	struct loop *loop = loop_new();
	struct ipvs_socket *socket = ipvs_socket_new(loop, 1000);
	struct loop_timer timer = { 0 };
	int error = 0;

	(void)state;
	ipvs_fake.no_capability = true;
	assert_int_equal(change(&request, 1), 0);
	assert_int_equal(request.error, EPERM);
	ipvs_fake.no_module = true;
	assert_int_equal(change(&request, 1), IPVS_NO_MODULE);
	ipvs_socket_services(socket, on_service, on_done, &error);
	loop_timer_set(loop, &timer, 0, stop, loop);
	loop_run(loop);
	assert_int_equal(error, IPVS_NO_MODULE);
	ipvs_socket_free(socket);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ipvs_steps_have_the_same_results, reset),
		cmocka_unit_test_setup(a_destination_with_connections_comes_back_with_its_numbers,
		    reset),
		cmocka_unit_test_setup(every_nth_change_fails, reset),
		cmocka_unit_test_setup(a_kernel_without_module_or_capability_refuses_all, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
