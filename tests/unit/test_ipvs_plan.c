/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the decisions of src/driver/plan.c for a data plane that removes servers and has no
 * health checks of its own, which is IPVS. test_haproxy_plan.c has the common ones.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "plan_fixture.h"

#include <stdio.h>
#include <string.h>

#include "plane/ipvs/ipvs.h"

/* One service with three servers, in the store and in the data plane. */
enum { A, B, F, N };

/* The service in the data plane. */
static struct plane_service found;

static int
setup(void **state)
{
	static const char *const names[N] = { "a", "b", "f" };
	static char web[] = "web";

	(void)state;
	plan_world_setup(&ipvs_plane, web, names, N);
	found = (struct plane_service){ 0 };
	w.service.place = 1;
	w.poll.services = &found;
	for (int i = 0; i < N; i++)
		w.reals[i].health = HEALTH_UP;
	return 0;
}

static void
carry_out(const struct plane_command *command)
{
	if (command->kind == PLANE_COMMAND_SERVICE) {
		found.differs = false;
		plan_carried_out(command, NULL, &w.service, w.rules.now_ms);
		return;
	}
	if (command->kind == PLANE_COMMAND_WEIGHT)
		w.servers[command->at].weight = command->value;
	else
		w.servers[command->at].state = (enum plane_state)command->value;
	plan_carried_out(command, &w.reals[command->at], &w.service, w.rules.now_ms);
}

/* Makes a plan and carries it out. Returns the commands in their order: "a weight 5; b out"; with
 * "(repair)" after those that restore a setting. */
static const char *
plan(void)
{
	static const char *const states[] = { "ready", "drain", "out" };
	static char text[512];
	size_t used = 0;

	plan_done(&w.plan);
	plan_bind(&w.cluster, &w.poll);
	assert_int_equal(plan_make(&w.cluster, &w.poll, &w.rules, &w.plan), ERR_OK);
	text[0] = '\0';
	for (size_t i = 0; i < w.plan.n; i++) {
		const struct plane_command *command = &w.plan.commands[i];
		const char *name = command->kind == PLANE_COMMAND_SERVICE ? "service" :
		    w.names[command->at];
		char what[32] = "";

		if (command->kind == PLANE_COMMAND_WEIGHT)
			snprintf(what, sizeof(what), " weight %u", command->value);
		else if (command->kind == PLANE_COMMAND_STATE)
			snprintf(what, sizeof(what), " %s", states[command->value]);
		else
			assert_int_equal(command->kind, PLANE_COMMAND_SERVICE);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s%s",
		    used > 0 ? "; " : "", name, what, command->routine ? "" : " (repair)");
		carry_out(command);
	}
	plan_confirm(&w.cluster);
	return text;
}

static void
connections_set(int i, uint64_t active, uint64_t inactive)
{
	w.servers[i].counts.number[STAT_ACTIVE_CONNECTIONS] = active;
	w.servers[i].counts.number[STAT_INACTIVE_CONNECTIONS] = inactive;
}

static void
down(int i, bool is_down)
{
	w.reals[i].health = is_down ? HEALTH_DOWN : HEALTH_UP;
	w.reals[i].health_message = is_down ? "connect: Connection refused" : NULL;
}

/* -- health ---------------------------------------------------------------------------------- */

static void
a_server_that_is_down_goes_out_at_once(void **state)
{
	(void)state;
	assert_string_equal(plan(), "");
	connections_set(A, 3, 0);
	w.service.drain_ms = 60000;
	down(A, true);
	assert_string_equal(plan(), "a out");
	assert_string_equal(reason(A), "connect: Connection refused");
	assert_false(plan_active(&w.reals[A], &w.rules));
	assert_string_equal(plan(), "");
	down(A, false);
	assert_string_equal(plan(), "a ready");
	assert_string_equal(reason(A), "");
	assert_true(plan_active(&w.reals[A], &w.rules));
}

static void
with_on_failure_drain_it_drains(void **state)
{
	(void)state;
	w.service.failed_drain = true;
	down(A, true);
	assert_string_equal(plan(), "a drain");
	assert_string_equal(plan(), "");
	w.reals[A].enabled = false;
	assert_string_equal(plan(), "a out");
}

static void
a_server_that_is_not_checked_yet_stays_as_it_is(void **state)
{
	(void)state;
	w.reals[A].health = HEALTH_UNKNOWN;
	for (int i = PLANE_READY; i <= PLANE_OUT; i++) {
		w.servers[A].state = (enum plane_state)i;
		assert_string_equal(plan(), "");
	}
	w.reals[A].health = HEALTH_UP;
	assert_string_equal(plan(), "a ready");
	/* A person may take it out meanwhile. */
	w.reals[A].health = HEALTH_UNKNOWN;
	w.reals[A].enabled = false;
	assert_string_equal(plan(), "a drain");
}

/* -- the fallback ---------------------------------------------------------------------------- */

static void
a_fallback_drains_before_it_goes_out(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	connections_set(F, 0, 1);
	assert_string_equal(plan(), "f drain");
	assert_string_equal(reason(F), "held in reserve by lbcluster");
	assert_string_equal(plan(), "");
	connections_set(F, 0, 0);
	assert_string_equal(plan(), "f out");
	assert_string_equal(reason(F), "held in reserve by lbcluster");
	assert_true(plan_active(&w.reals[F], &w.rules));
	assert_string_equal(plan(), "");
}

/* The fallback comes in in the round that takes the last server out. */
static void
a_fallback_comes_in_with_the_last_failure(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.servers[F].state = PLANE_OUT;
	down(A, true);
	assert_string_equal(plan(), "a out");
	down(B, true);
	assert_string_equal(plan(), "b out; f ready");
	assert_string_equal(reason(F), "brought in by lbcluster: no other server is up");
	down(A, false);
	assert_string_equal(plan(), "a ready; f drain");
	assert_string_equal(plan(), "f out");
	/* A fallback that is down does not come in. */
	down(A, true);
	down(F, true);
	assert_string_equal(plan(), "a out");
	down(F, false);
	assert_string_equal(plan(), "f ready");
}

static void
fallback_is_brought_in_as_the_status_is_derived(void **state)
{
	(void)state;
	assert_fallback_is_as_derived(down, plan);
}

static void
a_fallback_keeps_its_state_until_a_check_has_ended(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	for (int i = PLANE_READY; i <= PLANE_OUT; i++) {
		w.reals[A].health = w.reals[B].health = HEALTH_UNKNOWN;
		w.servers[F].state = (enum plane_state)i;
		assert_string_equal(plan(), "");
	}
	w.reals[A].health = HEALTH_DOWN;
	w.servers[A].state = w.servers[B].state = PLANE_OUT;
	assert_string_equal(plan(), "");
	w.reals[B].health = HEALTH_DOWN;
	assert_string_equal(plan(), "f ready");
}

/* manage = settings: another program makes the destinations. */
static void
a_data_plane_with_a_fallback_of_its_own_keeps_it(void **state)
{
	(void)state;
	w.poll.fallback_problem = "another program decides";
	w.reals[F].fallback = true;
	assert_string_equal(plan(), "");
	w.servers[F].role = ROLE_BACKUP;
	assert_string_equal(plan(), "");
	down(A, true);
	down(B, true);
	assert_string_equal(plan(), "a out; b out");
}

/* A SET gives "fallback" from f to b. */
static void
a_handover_of_the_fallback_brings_the_old_one_in_first(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.servers[F].state = PLANE_OUT;
	assert_string_equal(plan(), "");
	w.reals[F].fallback = false;
	w.reals[B].fallback = true;
	w.reals[F].foreign[FOREIGN_STATE].job = w.reals[B].foreign[FOREIGN_STATE].job = true;
	assert_string_equal(plan(), "f ready; b drain");
	assert_string_equal(plan(), "b out");
}

/* -- servers that leave ---------------------------------------------------------------------- */

static void
a_disabled_server_drains_until_it_is_idle(void **state)
{
	(void)state;
	connections_set(A, 1, 0);
	w.reals[A].enabled = false;
	assert_string_equal(plan(), "a drain");
	assert_string_equal(reason(A), "drained by lbcluster until its connections end");
	connections_set(A, 0, 1);
	assert_string_equal(plan(), "");
	connections_set(A, 0, 0);
	assert_string_equal(plan(), "a out");
	assert_string_equal(reason(A), "removed by lbcluster");
	assert_string_equal(plan(), "");
	/* An idle server drains for one round: a connection may begin before it. */
	w.reals[B].enabled = false;
	assert_string_equal(plan(), "b drain");
	assert_string_equal(plan(), "b out");
}

static void
a_drain_ends_after_the_drain_time(void **state)
{
	(void)state;
	connections_set(A, 1, 0);
	w.rules.drain_ms = 60000;
	w.service.drain_ms = 5000;	/* of the service, which comes first */
	w.reals[A].enabled = false;
	assert_string_equal(plan(), "a drain");
	w.rules.now_ms += 4999;
	assert_string_equal(plan(), "");
	w.rules.now_ms++;
	assert_string_equal(plan(), "a out");
	w.service.drain_ms = 0;
	connections_set(B, 1, 0);
	w.reals[B].enabled = false;
	assert_string_equal(plan(), "b drain");
	w.rules.now_ms += 59999;
	assert_string_equal(plan(), "");
	w.rules.now_ms++;
	assert_string_equal(plan(), "b out");
}

static void
a_server_of_udp_goes_out_at_once(void **state)
{
	(void)state;
	w.service.protocol = PROTOCOL_UDP;
	for (int i = 0; i < N; i++)
		connections_set(i, 0, 5);
	w.reals[A].enabled = false;
	w.reals[F].fallback = true;
	assert_string_equal(plan(), "a out; f out");
	w.service.enabled = false;
	assert_string_equal(plan(), "b out");
	assert_string_equal(reason(B), "removed by lbcluster; its service is disabled");
}

/* -- weights --------------------------------------------------------------------------------- */

static void
a_slow_start_holds_weight_back(void **state)
{
	(void)state;
	w.reals[A].held_back = 9;
	assert_string_equal(plan(), "a weight 1");
	w.reals[A].held_back = 4;
	assert_string_equal(plan(), "a weight 6");
	w.reals[A].held_back = 0;
	assert_string_equal(plan(), "a weight 10");
	/* No program changed it, so a change now is the first one. */
	w.servers[A].weight = 3;
	assert_string_equal(plan(), "a weight 10 (repair)");
}

/* -- other programs -------------------------------------------------------------------------- */

static void
a_server_that_another_program_removed_is_repaired(void **state)
{
	(void)state;
	assert_string_equal(plan(), "");
	w.servers[A].state = PLANE_OUT;
	assert_string_equal(plan(), "a ready (repair)");
}

static void
a_service_that_differs_because_its_row_changed_is_no_repair(void **state)
{
	char text[MODEL_MESSAGE_MAX + 1];

	(void)state;
	assert_string_equal(plan(), "");
	for (int i = 0; i < 5; i++) {
		w.rules.now_ms += 1000;
		found = (struct plane_service){ .differs = true, .routine = true };
		assert_string_equal(plan(), "service");
		assert_string_equal(plan_foreign(&w.cluster, true, &w.rules, text), "");
	}
}

static void
a_server_that_is_missing_because_its_row_changed_is_no_repair(void **state)
{
	(void)state;
	assert_string_equal(plan(), "");
	found = (struct plane_service){ .differs = true, .routine = true };
	w.servers[A].state = PLANE_OUT;
	w.servers[B].weight = 3;
	assert_string_equal(plan(), "service; b weight 10; a ready");
}

static void
a_service_that_another_program_keeps_changing_is_contested(void **state)
{
	char text[MODEL_MESSAGE_MAX + 1];

	(void)state;
	found.differs = true;
	assert_string_equal(plan(), "service");	/* it is made */
	for (int i = 1; i <= 3; i++) {
		assert_string_equal(plan_foreign(&w.cluster, true, &w.rules, text), "");
		w.rules.now_ms += 1000;
		found.differs = true;
		assert_string_equal(plan(), "service (repair)");
	}
	assert_string_equal(plan_foreign(&w.cluster, true, &w.rules, text), "web: was restored 3"
	    " times in 2 seconds, but something outside lbcluster changes it again; stop that"
	    " (keepalived, ldirectord, ipvsadm)");
	w.rules.now_ms += 60000;
	assert_string_equal(plan_foreign(&w.cluster, true, &w.rules, text), "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, plan_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_that_is_down_goes_out_at_once),
		TEST(with_on_failure_drain_it_drains),
		TEST(a_server_that_is_not_checked_yet_stays_as_it_is),
		TEST(a_fallback_drains_before_it_goes_out),
		TEST(a_fallback_comes_in_with_the_last_failure),
		TEST(fallback_is_brought_in_as_the_status_is_derived),
		TEST(a_fallback_keeps_its_state_until_a_check_has_ended),
		TEST(a_data_plane_with_a_fallback_of_its_own_keeps_it),
		TEST(a_handover_of_the_fallback_brings_the_old_one_in_first),
		TEST(a_disabled_server_drains_until_it_is_idle),
		TEST(a_drain_ends_after_the_drain_time),
		TEST(a_server_of_udp_goes_out_at_once),
		TEST(a_slow_start_holds_weight_back),
		TEST(a_server_that_another_program_removed_is_repaired),
		TEST(a_service_that_differs_because_its_row_changed_is_no_repair),
		TEST(a_server_that_is_missing_because_its_row_changed_is_no_repair),
		TEST(a_service_that_another_program_keeps_changing_is_contested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
