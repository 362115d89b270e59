/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/driver/health.c with a server on loopback: the checks that rows and parameters
 * make, the state at a start of the driver, and the slow start.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/checks.h"
#include "driver/health.h"
#include "util/clock.h"
#include "util/loop.h"

int64_t __real_clock_steady_ms(void);
int64_t __wrap_clock_steady_ms(void);

static int64_t clock_offset_ms;

int64_t
__wrap_clock_steady_ms(void)
{
	return __real_clock_steady_ms() + clock_offset_ms;
}

enum { TOO_LONG_MS = 20000, WEB_1 = 7, WEB_2 = 8, CLUSTER = 3 };

/* Results within milliseconds, one failure an interval. */
#define QUICK "\"check-interval\":0.1,\"check-retry\":0.1"

static struct {
	struct loop		*loop;
	struct health		*health;
	struct loop_timer	 too_long;
	int			 listener, client;
	char			 port[8];
	unsigned int		 changes, wanted_changes;
	uint32_t		 changed_id;
	char			 request[1024];
} world;

static void
on_changed(void *arg, uint32_t real_id)
{
	assert_ptr_equal(arg, &world);
	world.changed_id = real_id;
	if (++world.changes == world.wanted_changes)
		loop_stop(world.loop);
}

static void
on_too_long(void *arg)
{
	(void)arg;
	fail_msg("no result within %d ms", TOO_LONG_MS);
}

static void
run_until_changes(unsigned int n)
{
	world.wanted_changes = world.changes + n;
	loop_timer_set(world.loop, &world.too_long, TOO_LONG_MS, on_too_long, NULL);
	loop_run(world.loop);
	loop_timer_cancel(world.loop, &world.too_long);
}

/* Reads the request of a connection; a connection of a check of kind connect has none. */
static void
on_client(void *arg, short events)
{
	ssize_t n;

	(void)arg;
	(void)events;
	if (world.client >= 0)
		close(world.client);
	world.client = accept(world.listener, NULL, NULL);
	assert_true(world.client >= 0);
	n = read(world.client, world.request, sizeof(world.request) - 1);
	world.request[n > 0 ? n : 0] = '\0';
	if (n > 0)
		assert_true(write(world.client, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
		    41) > 0);
}

static void
health_open(const char *kind)
{
	bool checks_itself = strcmp(kind, "haproxy") == 0;
	struct err err;

	health_free(world.health);
	if (health_new(world.loop, kind, checks_itself ? NULL : check_kinds, "/nonexistent",
	    on_changed, &world, &world.health, &err) != ERR_OK)
		fail_msg("%s", err.text);
}

static int
setup(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	(void)state;
	memset(&world, 0, sizeof(world));
	clock_offset_ms = 0;
	world.loop = loop_new();
	world.client = -1;
	world.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(world.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(world.listener, (struct sockaddr *)&address, &size), 0);
	snprintf(world.port, sizeof(world.port), "%u", ntohs(address.sin_port));
	health_open("ipvs");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	health_free(world.health);
	close(world.listener);
	if (world.client >= 0)
		close(world.client);
	loop_free(world.loop);
	return 0;
}

static void
server_listen(void)
{
	assert_int_equal(listen(world.listener, 64), 0);
	loop_fd_watch(world.loop, world.listener, POLLIN, on_client, NULL);
}

static struct health_real
real_of(uint32_t id)
{
	return (struct health_real){ .id = id, .cluster_id = CLUSTER, .cluster_name = "web",
	    .service_name = "http", .name = "web-1", .service_address = "192.0.2.1",
	    .service_port = "80", .service_params = "{" QUICK "}", .protocol = PROTOCOL_TCP,
	    .address = "127.0.0.1", .port = world.port, .params = "" };
}

static void
set(const struct health_real *real, bool serves)
{
	struct err err;

	if (health_set(world.health, real, serves, &err) != ERR_OK)
		fail_msg("%s", err.text);
}

static struct health_result
get(uint32_t id)
{
	struct health_result result;

	health_get(world.health, id, &result);
	return result;
}

static void
assert_health(uint32_t id, enum health_state state, const char *message)
{
	struct health_result result = get(id);

	assert_string_equal(result.message, message);
	assert_int_equal(result.state, state);
}

/* -- which check ------------------------------------------------------------------------ */

static void
rows_have_the_check_of_their_parameters(void **state)
{
	static const struct {
		const char		*kind;
		enum protocol		 protocol;
		const char		*address, *port, *params;
		enum health_state	 after;
		const char		*message;
	} rows[] = {
		{ "ipvs", PROTOCOL_TCP, "127.0.0.1", "80", "", HEALTH_UNKNOWN, "not checked yet" },
		{ "ipvs", PROTOCOL_UDP, "127.0.0.1", "80", "", HEALTH_NONE, "" },
		{ "ipvs", PROTOCOL_SCTP, "127.0.0.1", "80", "", HEALTH_NONE, "" },
		{ "ipvs", PROTOCOL_OTHER, "127.0.0.1", "", "", HEALTH_NONE, "" },
		{ "ipvs", PROTOCOL_TCP, "127.0.0.1", "80", "{\"check\":\"none\"}", HEALTH_NONE,
		  "" },
		{ "ipvs", PROTOCOL_UDP, "127.0.0.1", "80", "{\"check\":\"connect\"}",
		  HEALTH_UNKNOWN, "not checked yet" },
		{ "ipvs", PROTOCOL_TCP, "db.example.org", "80", "", HEALTH_NONE,
		  "not checked: address \"db.example.org\" is not an IPv4 or IPv6 address; set "
		  "check-address" },
		{ "ipvs", PROTOCOL_TCP, "db.example.org", "80", "{\"check-address\":\"::1\"}",
		  HEALTH_UNKNOWN, "not checked yet" },
		{ "ipvs", PROTOCOL_TCP, "127.0.0.1", "", "", HEALTH_NONE,
		  "not checked: the check has no port; set check-port" },
		{ "ipvs", PROTOCOL_TCP, "127.0.0.1", "", "{\"check-port\":80}", HEALTH_UNKNOWN,
		  "not checked yet" },
		{ "ipvs", PROTOCOL_TCP, "127.0.0.1", "80", "{\"check-port\":\"x\"}", HEALTH_NONE,
		  "not checked: check-port \"x\" is not a whole number of 1 to 65535" },
		{ "ipvs", PROTOCOL_TCP, "127.0.0.1", "80", "{\"check\":\"command\"}", HEALTH_NONE,
		  "not checked: command \"\" is not the name of a file" },
		{ "haproxy", PROTOCOL_TCP, "127.0.0.1", "80", "", HEALTH_NONE, "" },
		{ "none", PROTOCOL_TCP, "127.0.0.1", "80", "", HEALTH_NONE, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct health_real real = real_of(WEB_1);

		real.protocol = rows[i].protocol;
		real.address = rows[i].address;
		real.port = rows[i].port;
		real.params = rows[i].params;
		health_open(rows[i].kind);
		set(&real, false);
		assert_health(WEB_1, rows[i].after, rows[i].message);
		assert_int_equal(get(WEB_1).since_s, 0);
	}
	assert_health(WEB_2, HEALTH_NONE, "");
}

static void
the_request_has_the_parameters(void **state)
{
	struct health_real real = real_of(WEB_1);

	(void)state;
	server_listen();
	real.service_params = "{" QUICK ",\"check\":\"http\",\"check-path\":\"/health\","
	    "\"check-host\":\"www.example.org\",\"check-status\":\"200\"}";
	set(&real, false);
	run_until_changes(1);
	assert_non_null(strstr(world.request, "GET /health HTTP/1.1\r\n"));
	assert_non_null(strstr(world.request, "Host: www.example.org\r\n"));
	assert_health(WEB_1, HEALTH_DOWN, "http: status 503");
	/* A real service overrides its service. */
	real.params = "{\"check-method\":\"HEAD\",\"check-path\":\"/\","
	    "\"check-status\":\"500-599\"}";
	set(&real, false);
	assert_health(WEB_1, HEALTH_UNKNOWN, "not checked yet");
	run_until_changes(1);
	assert_non_null(strstr(world.request, "HEAD / HTTP/1.1\r\n"));
	assert_health(WEB_1, HEALTH_UP, "");
	assert_true(get(WEB_1).since_s > 0);
}

static void
a_row_that_did_not_change_keeps_its_result(void **state)
{
	struct health_real real = real_of(WEB_1);

	(void)state;
	set(&real, false);
	run_until_changes(1);
	assert_int_equal(world.changed_id, WEB_1);
	assert_health(WEB_1, HEALTH_DOWN, "connect: Connection refused");
	set(&real, true);
	assert_health(WEB_1, HEALTH_DOWN, "connect: Connection refused");
	real.service_params = "{" QUICK ",\"check-fall\":2}";
	set(&real, false);
	assert_health(WEB_1, HEALTH_UNKNOWN, "not checked yet");
	real.protocol = PROTOCOL_UDP;
	set(&real, false);
	assert_health(WEB_1, HEALTH_NONE, "");
}

static void
removed_rows_have_no_check(void **state)
{
	struct health_real one = real_of(WEB_1), two = real_of(WEB_2), other = real_of(9);

	(void)state;
	other.cluster_id = CLUSTER + 1;
	set(&one, false);
	set(&two, false);
	set(&other, false);
	health_remove(world.health, WEB_1);
	health_remove(world.health, WEB_1);
	assert_health(WEB_1, HEALTH_NONE, "");
	assert_health(WEB_2, HEALTH_UNKNOWN, "not checked yet");
	health_cluster_remove(world.health, CLUSTER);
	assert_health(WEB_2, HEALTH_NONE, "");
	assert_health(9, HEALTH_UNKNOWN, "not checked yet");
}

/* -- the start of a driver ---------------------------------------------------------------- */

static void
a_real_service_that_serves_is_up_until_fall_failures(void **state)
{
	struct health_real serves = real_of(WEB_1), not = real_of(WEB_2);
	int64_t begin = clock_steady_ms();

	(void)state;
	set(&serves, true);
	set(&not, false);
	assert_health(WEB_1, HEALTH_UP, "not checked yet");
	assert_health(WEB_2, HEALTH_UNKNOWN, "not checked yet");
	/* The two share a probe. */
	run_until_changes(1);
	assert_int_equal(world.changed_id, WEB_2);
	assert_health(WEB_1, HEALTH_UP, "");
	assert_health(WEB_2, HEALTH_DOWN, "connect: Connection refused");
	run_until_changes(1);
	assert_int_equal(world.changed_id, WEB_1);
	assert_health(WEB_1, HEALTH_DOWN, "connect: Connection refused");
	/* Two more failures of check-fall = 3, each check-retry after the one before. */
	assert_true(clock_steady_ms() - begin >= 200);
	server_listen();
	run_until_changes(2);
	assert_health(WEB_1, HEALTH_UP, "");
	assert_health(WEB_2, HEALTH_UP, "");
}

static void
one_success_suffices_for_a_real_service_that_does_not_serve(void **state)
{
	struct health_real real = real_of(WEB_1);

	(void)state;
	server_listen();
	real.service_params = "{" QUICK ",\"check-rise\":100}";
	set(&real, false);
	run_until_changes(1);
	assert_health(WEB_1, HEALTH_UP, "");
	assert_true(get(WEB_1).since_s > 0);
}

/* -- slow start ------------------------------------------------------------------------------ */

static void
the_weight_grows_after_the_real_service_did_not_serve(void **state)
{
	struct health_real real = real_of(WEB_1);

	(void)state;
	real.service_params = "{\"slow-start\":60}";
	set(&real, true);
	assert_int_equal(health_weight(world.health, WEB_1, 1000), 1000);
	set(&real, false);
	assert_in_range(health_weight(world.health, WEB_1, 1000), 1, 10);
	assert_int_equal(health_weight(world.health, WEB_1, 0), 0);
	clock_offset_ms = 30000;
	assert_in_range(health_weight(world.health, WEB_1, 1000), 500, 510);
	set(&real, false);
	set(&real, true);
	assert_in_range(health_weight(world.health, WEB_1, 1000), 1, 10);
	clock_offset_ms += 45000;
	set(&real, true);
	assert_in_range(health_weight(world.health, WEB_1, 1000), 750, 760);
	clock_offset_ms += 15000;
	assert_int_equal(health_weight(world.health, WEB_1, 1000), 1000);
	assert_int_equal(health_weight(world.health, WEB_2, 1000), 1000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_have_the_check_of_their_parameters),
		TEST(the_request_has_the_parameters),
		TEST(a_row_that_did_not_change_keeps_its_result),
		TEST(removed_rows_have_no_check),
		TEST(a_real_service_that_serves_is_up_until_fall_failures),
		TEST(one_success_suffices_for_a_real_service_that_does_not_serve),
		TEST(the_weight_grows_after_the_real_service_did_not_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
