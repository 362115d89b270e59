/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the decisions, messages and measurements of a driver: plan.c, plan_reason.c,
 * plan_job.c, foreign.c, difference.c and measure.c of src/driver.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "plan_fixture.h"

#include <stdio.h>
#include <string.h>

#include "driver/difference.h"
#include "plane/haproxy/haproxy.h"

/* One service with four servers, in the store and in the data plane. */
enum { A, B, F, G, N = PLAN_REALS };

static int
setup(void **state)
{
	static const char *const names[N] = { "a", "b", "f", "g" };
	static char http[] = "http";

	(void)state;
	plan_world_setup(&haproxy_plane, http, names, N);
	return 0;
}

/* Carries out a command as HAProxy does. */
static void
carry_out(const struct plane_command *command, struct plane_server *server)
{
	switch (command->kind) {
	case PLANE_COMMAND_WEIGHT:
		server->weight = command->value;
		break;
	case PLANE_COMMAND_END_SESSIONS:
	case PLANE_COMMAND_SERVICE:
		break;
	case PLANE_COMMAND_DRAIN_FIRST:
		server->state = PLANE_DRAIN;
		server->up = true;
		break;
	case PLANE_COMMAND_HEALTH_DOWN:
		assert_int_not_equal(server->state, PLANE_OUT);	/* HAProxy refuses it */
		server->up = false;
		break;
	case PLANE_COMMAND_STATE:
		server->up = command->value != PLANE_OUT &&
		    (server->up || server->state == PLANE_OUT);
		server->state = (enum plane_state)command->value;
		break;
	}
}

/* Makes a plan and carries it out. Returns the commands as text: "a weight 5; b out". */
static const char *
plan(void)
{
	static const char *const states[] = { "ready", "drain", "out" };
	static const char *const kinds[] = {
		[PLANE_COMMAND_END_SESSIONS] = "end sessions",
		[PLANE_COMMAND_DRAIN_FIRST] = "drain first",
		[PLANE_COMMAND_HEALTH_DOWN] = "health down",
	};
	static char text[512];
	size_t used = 0;

	plan_done(&w.plan);
	plan_bind(&w.cluster, &w.poll);
	assert_int_equal(plan_make(&w.cluster, &w.poll, &w.rules, &w.plan), ERR_OK);
	text[0] = '\0';
	for (int i = 0; i < N; i++) {
		for (size_t j = 0; j < w.plan.n; j++) {
			const struct plane_command *command = &w.plan.commands[j];
			char weight[32];

			if (command->id != w.reals[i].row.id)
				continue;
			snprintf(weight, sizeof(weight), "weight %u", command->value);
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s",
			    used > 0 ? "; " : "", w.names[i],
			    command->kind == PLANE_COMMAND_WEIGHT ? weight :
			    command->kind == PLANE_COMMAND_STATE ? states[command->value] :
			    kinds[command->kind]);
			carry_out(command, &w.servers[i]);
			plan_carried_out(command, &w.reals[i], &w.service, w.rules.now_ms);
		}
	}
	plan_confirm(&w.cluster);
	return text;
}

/* -- commands --------------------------------------------------------------------------- */

static void
plan_is_empty_without_differences(void **state)
{
	(void)state;
	assert_string_equal(plan(), "");
}

static void
plan_restores_differences(void **state)
{
	(void)state;
	w.reals[A].weight = 5;
	w.reals[B].enabled = false;
	w.servers[F].state = PLANE_OUT;
	w.servers[G].state = PLANE_MIXED;
	assert_string_equal(plan(), "a weight 5; b out; f ready; g ready");
	assert_string_equal(plan(), "");
}

static void
plan_has_no_command_for_a_missing_server(void **state)
{
	(void)state;
	w.reals[G].weight = 5;
	w.servers[G].exists = false;
	assert_string_equal(plan(), "");
	assert_false(plan_active(&w.reals[G], &w.rules));
}

static void
plan_fallback_is_in_reserve_while_another_server_is_up(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	assert_string_equal(plan(), "f drain");
	assert_string_equal(reason(F), "held in reserve by lbcluster");
	assert_true(plan_active(&w.reals[F], &w.rules));
	w.servers[A].up = w.servers[B].up = false;
	assert_string_equal(plan(), "");
	w.servers[G].blocked = true;
	assert_string_equal(plan(), "f ready");
	assert_string_equal(reason(F), "brought in by lbcluster: no other server is up");
	w.servers[B].up = true;
	assert_string_equal(plan(), "f drain");
}

static void
plan_fallback_is_brought_in_when_others_get_no_work(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.reals[A].enabled = w.reals[B].enabled = false;
	w.reals[G].weight = 0;
	assert_string_equal(plan(), "a out; b out; g weight 0");
	assert_int_equal(w.reals[F].wanted, PLANE_READY);
}

static void
down(int i, bool is_down)
{
	w.servers[i].up = !is_down;
}

static void
plan_fallback_is_brought_in_as_the_status_is_derived(void **state)
{
	(void)state;
	w.reals[G].enabled = false;
	assert_fallback_is_as_derived(down, plan);
}

static void
backup_is_used_while_the_others_have_weight_0(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.servers[F].role = ROLE_BACKUP;
	plan();
	assert_string_equal(reason(F), "backup by HAProxy's configuration");
	w.reals[A].weight = w.reals[B].weight = w.reals[G].weight = 0;
	plan();
	assert_string_equal(reason(F),
	    "backup by HAProxy's configuration; every other active server has weight 0");
}

/* After a start of HAProxy all servers are up, and none was checked. */
static void
plan_fallback_keeps_its_state_until_a_check_has_ended(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	for (int i = 0; i < N; i++)
		w.servers[i].check_pending = true;
	assert_string_equal(plan(), "");
	assert_string_equal(reason(F),
	    "brought in by lbcluster: no check of another server has ended yet");
	w.servers[A].up = w.servers[B].up = false;
	w.servers[A].check_pending = w.servers[B].check_pending = false;
	assert_string_equal(plan(), "");
	w.servers[G].check_pending = false;
	assert_string_equal(plan(), "f drain");
	/* A pending check does not bring the fallback in either. */
	w.servers[G].check_pending = true;
	assert_string_equal(plan(), "");
	w.servers[G].up = false;
	assert_string_equal(plan(), "f ready");
}

static void
plan_server_enabled_beside_a_working_fallback_waits_for_its_checks(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++)
		w.servers[i].checked = true;
	w.reals[F].fallback = true;
	w.reals[A].enabled = w.reals[B].enabled = w.reals[G].enabled = false;
	assert_string_equal(plan(), "a out; b out; g out");
	w.reals[A].enabled = true;
	assert_string_equal(plan(), "a drain first; a health down; a ready");
	assert_string_equal(reason(A), "DOWN by lbcluster until its checks pass");
	assert_string_equal(plan(), "");
	snprintf(w.servers[A].message, sizeof(w.servers[A].message), "L4CON");
	assert_string_equal(reason(A), "DOWN by lbcluster until its checks pass: L4CON");
	w.servers[A].message[0] = '\0';
	w.servers[A].up = true;
	assert_string_equal(plan(), "f drain");
	assert_string_equal(reason(A), "");
	/* Beside a working server it gets work at once. */
	w.reals[B].enabled = true;
	assert_string_equal(plan(), "b ready");
}

static void
plan_server_without_a_check_or_a_fallback_does_not_wait(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.reals[A].enabled = w.reals[B].enabled = w.reals[G].enabled = false;
	assert_string_equal(plan(), "a out; b out; g out");
	w.reals[A].enabled = true;
	assert_string_equal(plan(), "a ready");
	w.reals[A].enabled = w.reals[F].enabled = false;
	w.servers[A].checked = true;
	assert_string_equal(plan(), "a out; f out");
	w.reals[A].enabled = true;
	assert_string_equal(plan(), "a ready");
}

static void
plan_backup_of_the_data_plane_stays_ready(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.servers[F].role = ROLE_BACKUP;
	assert_string_equal(plan(), "");
	assert_string_equal(reason(F), "backup by HAProxy's configuration");
	w.reals[F].fallback = false;
	assert_string_equal(plan(), "");
}

static void
plan_disabled_fallback_is_out(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.reals[F].enabled = false;
	assert_string_equal(plan(), "f out");
	assert_string_equal(reason(F), "MAINT by lbcluster");
	assert_false(plan_active(&w.reals[F], &w.rules));
}

/* Its fallback and its backups are out too. The settings of its real services stay. */
static void
plan_disabled_service_has_all_its_servers_out(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.reals[B].enabled = false;
	w.servers[G].role = ROLE_BACKUP;
	assert_string_equal(plan(), "b out; f drain");
	w.service.enabled = false;
	assert_string_equal(plan(), "a out; f out; g out");
	assert_string_equal(reason(A), "MAINT by lbcluster; its service is disabled");
	assert_string_equal(reason(B), "MAINT by lbcluster; its service is disabled");
	for (int i = 0; i < N; i++)
		assert_false(plan_active(&w.reals[i], &w.rules));
	assert_string_equal(plan(), "");
	w.service.enabled = true;
	assert_string_equal(plan(), "a ready; f ready; g ready");
	assert_string_equal(plan(), "f drain");
	assert_string_equal(reason(B), "MAINT by lbcluster");
}

static void
plan_disabled_service_drains(void **state)
{
	(void)state;
	w.rules.drain_ms = 5000;
	w.service.enabled = false;
	w.servers[A].counts.number[STAT_ACTIVE_CONNECTIONS] = 3;
	assert_string_equal(plan(), "a drain; b drain; f drain; g drain");
	assert_string_equal(plan(), "b out; f out; g out");
	assert_string_equal(reason(A), "DRAIN by lbcluster until its connections end; its service"
	    " is disabled");
	w.servers[A].counts.number[STAT_ACTIVE_CONNECTIONS] = 0;
	assert_string_equal(plan(), "a out");
}

static void
plan_drain_ends_with_the_last_connection(void **state)
{
	(void)state;
	w.rules.drain_ms = 5000;
	w.reals[A].enabled = false;
	w.servers[A].counts.number[STAT_ACTIVE_CONNECTIONS] = 3;
	assert_string_equal(plan(), "a drain");
	assert_string_equal(reason(A), "DRAIN by lbcluster until its connections end");
	w.rules.now_ms += 4999;
	assert_string_equal(plan(), "");
	w.servers[A].counts.number[STAT_ACTIVE_CONNECTIONS] = 0;
	assert_string_equal(plan(), "a out");
	w.reals[A].enabled = true;
	assert_string_equal(plan(), "a ready");
	assert_int_equal(w.reals[A].drain_since_ms, 0);
}

/* A connection may come between the poll and the command. */
static void
plan_drain_of_an_idle_server_lasts_until_the_next_poll(void **state)
{
	(void)state;
	w.rules.drain_ms = 5000;
	w.reals[A].enabled = false;
	assert_string_equal(plan(), "a drain");
	assert_string_equal(plan(), "a out");
	assert_string_equal(plan(), "");
}

static void
plan_drain_waits_for_a_process_from_before_a_reload(void **state)
{
	(void)state;
	w.rules.drain_ms = 5000;
	w.reals[A].enabled = false;
	w.poll.earlier_pid = 77;
	assert_string_equal(plan(), "a drain");
	w.reals[A].ours = true;
	assert_string_equal(plan(), "");
	assert_string_equal(reason(A), "DRAIN by lbcluster: HAProxy process 77, from before a"
	    " reload, still runs and may serve its connections");
	w.rules.now_ms += 5000;
	assert_string_equal(plan(), "a out");
	assert_string_equal(reason(A), "MAINT by lbcluster: HAProxy process 77, from before a"
	    " reload, still runs and may serve its connections");
	w.poll.earlier_pid = 0;
	w.poll.earlier_unseen = true;
	assert_string_equal(plan(), "");
	assert_string_equal(reason(A), "MAINT by lbcluster: its connections in a HAProxy process"
	    " from before a reload cannot be seen");
	w.poll.earlier_unseen = false;
	assert_string_equal(plan(), "");
	assert_string_equal(reason(A), "MAINT by lbcluster");
}

static void
plan_drain_ends_at_its_time(void **state)
{
	(void)state;
	w.rules.drain_ms = 5000;
	w.reals[A].enabled = false;
	w.servers[A].counts.number[STAT_ACTIVE_CONNECTIONS] = 3;
	assert_string_equal(plan(), "a drain");
	w.rules.now_ms += 5000;
	assert_string_equal(plan(), "a out; a end sessions");
	assert_string_equal(plan(), "");
}

/* -- reasons ---------------------------------------------------------------------------- */

/* Sets the texts of real service a. */
static void
address_set(const char *address, const char *port)
{
	memset(w.names[A], 0, sizeof(w.names[A]));
	snprintf(w.names[A], sizeof(w.names[A]), "a%c%s%c%s", '\0', address, '\0', port);
}

static void
reason_names_an_address_that_differs(void **state)
{
	static const char address[] = "10.0.0.1", port[] = "80", name[] = "a.example", none[] = "";
	static const struct plane_endpoint same = { "10.0.0.1", "80", "" },
	    moved = { "10.0.0.9", "80", "" }, other_port = { "10.0.0.1", "81", "" },
	    no_port = { "10.0.0.1", "", "" }, unknown = { "", "", "" },
	    six = { "2001:db8::9", "80", "" }, named = { "10.0.0.9", "80", "A.example" },
	    renamed = { "10.0.0.9", "80", "b.example" }, unresolved = { "", "81", "a.example" };
	const struct {
		const char			*address, *port;
		const struct plane_endpoint	*one, *two;
		const char			*message;
	} cases[] = {
		{ address, port, &same, &same, "" },
		{ address, port, &moved, &moved, "its address in HAProxy is 10.0.0.9:80" },
		{ address, port, &same, &moved, "its address in HAProxy is 10.0.0.9:80" },
		{ address, port, &six, &six, "its address in HAProxy is [2001:db8::9]:80" },
		{ address, port, &other_port, &same, "its address in HAProxy is 10.0.0.1:81" },
		{ address, port, &no_port, &no_port, "" },
		{ address, none, &same, &same, "" },
		{ address, port, &unknown, &unknown, "" },
		{ name, port, &moved, &moved, "" },
		{ name, port, &named, &named, "" },
		{ name, port, &renamed, &renamed, "its address in HAProxy is b.example:80" },
		{ name, port, &unresolved, &named, "its address in HAProxy is a.example:81" },
		{ address, port, &named, &named, "its address in HAProxy is 10.0.0.9:80" },
		{ none, port, &renamed, &renamed, "" },
		{ none, none, &moved, &moved, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		address_set(cases[i].address, cases[i].port);
		w.servers[A].endpoint = *cases[i].one;
		w.servers[A].other_endpoint = *cases[i].two;
		assert_string_equal(reason(A), cases[i].message);
	}
	snprintf(w.servers[A].message, sizeof(w.servers[A].message), "L4CON");
	address_set(address, none);
	assert_string_equal(reason(A), "L4CON; its address in HAProxy is 10.0.0.9:80");
}

/* All combinations of bits and states, with each kind of check. */
static void
reason_is_given_for_each_inactive_server(void **state)
{
	static const char *const checks[] = { "", "INI", "L4OK", "L7OK", "L7OKC", "L4CON" };
	static const char *const statuses[] = { "UP", "DOWN", "DOWN 1/2", "DOWN (agent)", "NOLB" };
	static const char *const tracked[] = { "", "http/t" };
	struct haproxy_server server = { .backend = "http", .name = "a", .last_check = "",
	    .check_code = "", .last_agent = "", .address = "", .port = "", .fqdn = "",
	    .srv_record = "", .weight = 10, .has_state = true };

	(void)state;
	for (unsigned int i = 0; i < 0x80 * 4 * 6 * 5 * 2; i++) {
		unsigned int rest = i;
		struct haproxy_found found;
		const char *text;

		server.admin_state = rest % 0x80;
		server.op_state = (rest /= 0x80) % 4;
		server.check_status = checks[(rest /= 4) % 6];
		server.status = statuses[(rest /= 6) % 5];
		server.tracked = tracked[rest / 5];
		haproxy_server_read(&server, &found);
		w.servers[A] = found.server;
		text = reason(A);
		if (plan_active(&w.reals[A], &w.rules) != (text[0] == '\0'))
			fail_msg("op %u, admin %#x, %s, %s, %s: \"%s\"", server.op_state,
			    server.admin_state, server.check_status, server.status, server.tracked,
			    text);
		if (strstr(text, "L4OK") != NULL || strstr(text, "L7OK") != NULL)
			fail_msg("\"%s\" is not a cause", text);
	}
}

static void
missing_servers_of_a_pair_are_counted(void **state)
{
	char text[MODEL_MESSAGE_MAX + 1];

	(void)state;
	plan_missing(&w.cluster, &w.rules, text);
	assert_string_equal(text, "");
	w.servers[B].missing_at = "/run/two.sock";
	assert_string_equal(reason(B), "HAProxy at /run/two.sock has no such server");
	plan_missing(&w.cluster, &w.rules, text);
	assert_string_equal(text, "HAProxy at /run/two.sock has no server http/b");
	w.servers[A].missing_at = "/run/one.sock";
	w.servers[F].missing_at = "/run/two.sock";
	plan_missing(&w.cluster, &w.rules, text);
	assert_string_equal(text, "HAProxy at /run/one.sock has no server http/a; 2 more servers"
	    " are missing in one of the pair");
}

static void
repairs_are_shown_for_a_minute(void **state)
{
	char text[MODEL_MESSAGE_MAX + 1];

	(void)state;
	assert_string_equal(plan_repairs(&w.cluster, &w.rules, text), "");
	w.cluster.repairs = 3;
	w.cluster.repaired = 1;
	w.cluster.repaired_s = 1000;
	w.cluster.repaired_ms = w.rules.now_ms;
	w.rules.now_ms += 60000;
	assert_string_equal(plan_repairs(&w.cluster, &w.rules, text), "1 setting restored to the"
	    " values of the store, 1970-01-01T00:16:40Z (3 since the driver started)");
	w.rules.now_ms++;
	assert_string_equal(plan_repairs(&w.cluster, &w.rules, text), "");
	/* After the next repairs. */
	w.cluster.repaired = 2;
	w.cluster.repaired_ms = w.rules.now_ms;
	assert_non_null(strstr(plan_repairs(&w.cluster, &w.rules, text), "2 settings restored"));
}

/* -- foreign changes -------------------------------------------------------------------- */

/* Changes "a" in the data plane. */
static void
foreign_set(enum plane_state state, uint32_t weight)
{
	w.servers[A].state = state;
	w.servers[A].weight = weight;
}

static const char *
contested(void)
{
	static char text[MODEL_MESSAGE_MAX + 1];

	return plan_foreign(&w.cluster, true, &w.rules, text);
}

static void
plan_restores_foreign_changes_and_reports_the_third_one(void **state)
{
	(void)state;
	w.reals[A].weight = 50;
	assert_string_equal(plan(), "a weight 50");
	for (int i = 0; i < 3; i++) {
		assert_string_equal(contested(), "");
		assert_string_equal(reason(A), "");
		w.rules.now_ms += 5000;
		foreign_set(PLANE_READY, 1);
		assert_string_equal(plan(), "a weight 50");
	}
	assert_string_equal(reason(A), "weight 50 was set 3 times in 10 seconds, but something"
	    " outside lbcluster changes it back to 1; stop that (SRV record: set ignore-weight;"
	    " agent-check; script) or use foreign-changes = keep");
	assert_string_equal(contested() + strlen("http/a: "), reason(A));
	/* It ends after three pauses without a change. */
	w.rules.now_ms += 15000;
	assert_string_equal(plan(), "");
	assert_string_not_equal(contested(), "");
	w.rules.now_ms += 2000;
	assert_string_equal(plan(), "");
	assert_string_equal(contested(), "");
	assert_string_equal(reason(A), "");
	/* The next change counts from one. */
	foreign_set(PLANE_READY, 1);
	assert_string_equal(plan(), "a weight 50");
	assert_string_equal(contested(), "");
}

static void
plan_does_not_count_restarts_and_jobs_as_foreign_changes(void **state)
{
	(void)state;
	w.reals[A].weight = 50;
	plan();
	for (int i = 0; i < 5; i++) {
		foreign_set(PLANE_READY, 1);
		w.rules.round.restarted = i % 2 == 0;
		w.reals[A].foreign[FOREIGN_WEIGHT].job = i % 2 == 1;
		assert_string_equal(plan(), "a weight 50");
	}
	assert_string_equal(contested(), "");
}

static void
plan_keeps_foreign_changes_until_a_job_or_a_restart(void **state)
{
	char text[MODEL_MESSAGE_MAX + 1];

	(void)state;
	w.rules.round.keep = true;
	w.reals[A].weight = 50;
	assert_string_equal(plan(), "a weight 50");
	foreign_set(PLANE_DRAIN, 3);
	for (int i = 0; i < 5; i++)
		assert_string_equal(plan(), "");
	assert_string_equal(reason(A), "state drain was set outside lbcluster and is kept;"
	    " the store has ready (foreign-changes = keep)");
	assert_string_equal(contested(), "");
	plan_foreign(&w.cluster, false, &w.rules, text);
	assert_non_null(strstr(text, "http/a and 1 more: "));
	/* A job changes its own setting only. */
	w.reals[A].weight = 60;
	assert_string_equal(plan(), "a weight 60");
	foreign_set(PLANE_DRAIN, 4);
	assert_string_equal(plan(), "");
	w.reals[A].foreign[FOREIGN_WEIGHT].job = true;
	assert_string_equal(plan(), "a weight 60");
	w.rules.round.restarted = true;
	foreign_set(PLANE_DRAIN, 5);
	assert_string_equal(plan(), "a weight 60; a ready");
	assert_string_equal(plan_foreign(&w.cluster, false, &w.rules, text), "");
}

/* A restarted driver reads from the stored statistics whether HAProxy was restarted too. */
static void
plan_keeps_foreign_changes_over_a_restart_of_the_driver(void **state)
{
	(void)state;
	w.rules.round.keep = w.rules.first = true;
	for (int i = A; i < N; i++)
		w.reals[i].measure.since = 500;
	w.reals[B].measure.since = 0;
	w.reals[F].fallback = true;
	w.reals[A].weight = w.reals[B].weight = 50;
	/* lbcluster does not drain a backup of HAProxy: this is a foreign change. */
	w.reals[G].fallback = true;
	w.servers[G].role = ROLE_BACKUP;
	w.servers[G].state = PLANE_DRAIN;
	assert_string_equal(plan(), "b weight 50; f drain");
	w.rules.first = false;
	assert_string_equal(plan(), "");
}

static void
plan_counts_a_backup_that_is_ready_again_as_a_repair(void **state)
{
	(void)state;
	w.reals[F].fallback = true;
	w.servers[F].role = ROLE_BACKUP;
	w.reals[G].fallback = true;
	w.servers[F].state = PLANE_DRAIN;
	assert_string_equal(plan(), "f ready; g drain");
	assert_int_equal(w.plan.commands[0].id, w.reals[F].row.id);
	assert_false(w.plan.commands[0].routine);
	assert_true(w.plan.commands[1].routine);
}

static void
plan_fallback_is_brought_in_for_a_kept_drain(void **state)
{
	(void)state;
	w.rules.round.keep = true;
	w.reals[F].fallback = true;
	w.reals[B].enabled = w.reals[G].enabled = false;
	assert_string_equal(plan(), "b out; f drain; g out");
	foreign_set(PLANE_DRAIN, 10);
	assert_string_equal(plan(), "f ready");
	foreign_set(PLANE_READY, 0);
	assert_string_equal(plan(), "");
	foreign_set(PLANE_READY, 10);
	assert_string_equal(plan(), "f drain");
}

static void
reason_names_who_took_a_server_out(void **state)
{
	(void)state;
	w.reals[A].enabled = w.reals[B].enabled = w.reals[G].enabled = false;
	w.servers[A].state = w.servers[G].state = PLANE_OUT;
	snprintf(w.servers[A].message, sizeof(w.servers[A].message), "MAINT by HAProxy");
	/* An earlier driver took "g" out. */
	w.rules.first = true;
	w.reals[G].measure.since = 500;
	snprintf(w.names[G], sizeof(w.names[G]), "g%c%c%c%s", '\0', '\0', '\0',
	    "MAINT by lbcluster");
	assert_string_equal(plan(), "b out");
	assert_string_equal(reason(A), "MAINT by HAProxy");
	assert_string_equal(reason(B), "MAINT by lbcluster");
	assert_string_equal(reason(G), "MAINT by lbcluster");
	/* After a restart the configuration of HAProxy takes "g" out. */
	w.rules.first = false;
	w.rules.round.restarted = true;
	snprintf(w.servers[G].message, sizeof(w.servers[G].message), "MAINT by HAProxy");
	/* The restarted process may be the one that lacks the server. */
	w.servers[B].missing_at = "/run/two.sock";
	assert_string_equal(plan(), "");
	assert_string_equal(reason(G), "MAINT by HAProxy");
	assert_string_equal(reason(B), "MAINT by lbcluster; HAProxy at /run/two.sock has no such"
	    " server");
}

/* A server that changes from DRAIN to weight 0 gets no work in between. */
static void
plan_gives_all_weights_before_all_states(void **state)
{
	(void)state;
	w.reals[A].weight = w.reals[F].weight = 0;
	foreign_set(PLANE_DRAIN, 10);
	plan();
	assert_int_equal(w.plan.n, 3);
	assert_int_equal(w.plan.commands[0].kind, PLANE_COMMAND_WEIGHT);
	assert_int_equal(w.plan.commands[1].kind, PLANE_COMMAND_WEIGHT);
	assert_int_equal(w.plan.commands[2].kind, PLANE_COMMAND_STATE);
}

/* -- jobs ------------------------------------------------------------------------------- */

static int64_t now_s = 1000;

static struct plan_result
judge(int i, enum job_operation operation, uint32_t value)
{
	struct plan_job job = { .id = 1, .real_id = w.reals[i].row.id, .real = &w.reals[i],
	    .operation = operation, .value = value, .created_s = 1000 };

	w.rules.now_ms = now_s * 1000;
	plan_bind(&w.cluster, &w.poll);
	plan_job_judge(&job, &w.plan, &w.rules);
	return job.result;
}

static struct plan_result
service_judge(uint32_t value)
{
	struct plan_job job = { .id = 1, .service_id = 1, .service = &w.service,
	    .operation = value ? JOB_ENABLE_SERVICE : JOB_DISABLE_SERVICE, .value = value,
	    .created_s = 1000 };

	w.rules.now_ms = now_s * 1000;
	plan_bind(&w.cluster, &w.poll);
	plan_job_judge(&job, &w.plan, &w.rules);
	return job.result;
}

static void
job_of_a_service_ends_when_all_its_servers_have_their_state(void **state)
{
	struct plan_result end;

	(void)state;
	w.rules.drain_ms = 5000;
	w.service.enabled = false;
	w.servers[G].exists = false;
	plan();
	end = service_judge(0);
	assert_int_equal(end.state, JOB_SUCCEEDED);
	assert_string_equal(end.message, "3 of its servers drain until their connections end;"
	    " HAProxy lacks 1 of its servers");
	/* A job of a real service meanwhile. */
	end = judge(A, JOB_ENABLE, 1);
	assert_int_equal(end.state, JOB_SUCCEEDED);
	assert_string_equal(end.message, "drains until its connections end; its service is"
	    " disabled");
	w.servers[B].state = PLANE_READY;
	end = service_judge(0);
	assert_int_equal(end.state, JOB_FAILED);
	assert_int_equal(end.cause, JOB_CAUSE_OTHER);
	assert_int_equal(service_judge(1).state, JOB_SUPERSEDED);
}

static void
job_of_a_service_fails_with_the_refusal_of_one_server(void **state)
{
	struct plan_result end;

	(void)state;
	w.service.enabled = false;
	plan();
	for (size_t i = 0; i < w.plan.n; i++) {
		struct plane_command *command = &w.plan.commands[i];

		if (command->id != w.reals[B].row.id)
			continue;
		command->cause = JOB_CAUSE_REJECTED;
		snprintf(command->message, sizeof(command->message), "Permission denied");
		w.servers[B].state = PLANE_READY;
	}
	end = service_judge(0);
	assert_int_equal(end.state, JOB_FAILED);
	assert_int_equal(end.cause, JOB_CAUSE_REJECTED);
	assert_string_equal(end.message, "Permission denied");
}

static void
job_of_a_service_without_any_server_is_not_found(void **state)
{
	struct plan_result end;

	(void)state;
	w.service.enabled = false;
	for (int i = 0; i < N; i++)
		w.servers[i].exists = false;
	plan();
	end = service_judge(0);
	assert_int_equal(end.cause, JOB_CAUSE_NOT_FOUND);
	assert_string_equal(end.message, "HAProxy has no server of http");
	w.service.branch.children.n = 0;	/* a service without real services */
	assert_int_equal(service_judge(0).state, JOB_SUCCEEDED);
}

/* Of a data plane that makes its services itself. */
static void
job_of_a_service_waits_for_the_service_of_the_data_plane(void **state)
{
	struct plane_service found = { .differs = true };

	(void)state;
	w.poll.services = &found;
	w.service.place = 1;
	w.service.enabled = false;
	plan();
	assert_int_equal(service_judge(0).state, JOB_FAILED);
	w.plan.commands[0].cause = JOB_CAUSE_TIMEOUT;
	assert_int_equal(w.plan.commands[0].kind, PLANE_COMMAND_SERVICE);
	w.plan.commands[0].id = w.service.row.id;
	assert_int_equal(service_judge(0).state, JOB_QUEUED);
	found.differs = false;
	assert_int_equal(service_judge(0).state, JOB_SUCCEEDED);
}

static void
job_succeeds_if_its_value_is_read_back(void **state)
{
	(void)state;
	w.reals[A].weight = 5;
	w.reals[B].enabled = false;
	w.reals[F].fallback = true;
	plan();
	assert_int_equal(judge(A, JOB_SET_WEIGHT, 5).state, JOB_SUCCEEDED);
	assert_int_equal(judge(B, JOB_DISABLE, 0).state, JOB_SUCCEEDED);
	assert_int_equal(judge(F, JOB_ENABLE_FALLBACK, 1).state, JOB_SUCCEEDED);
	assert_string_equal(judge(F, JOB_ENABLE_FALLBACK, 1).message, "held in reserve");
	assert_int_equal(judge(A, JOB_ENABLE, 1).state, JOB_SUCCEEDED);
	w.servers[F].missing_at = "/run/two.sock";
	assert_int_equal(judge(F, JOB_ENABLE_FALLBACK, 1).state, JOB_SUCCEEDED);
	assert_string_equal(judge(F, JOB_ENABLE_FALLBACK, 1).message,
	    "held in reserve; HAProxy at /run/two.sock has no such server");
}

static void
job_fails_with_the_message_of_a_refusal(void **state)
{
	struct plan_result end;

	(void)state;
	w.reals[A].weight = 5;
	plan();
	w.servers[A].weight = 10;
	w.plan.commands[0].cause = JOB_CAUSE_REJECTED;
	snprintf(w.plan.commands[0].message, sizeof(w.plan.commands[0].message), "no");
	end = judge(A, JOB_SET_WEIGHT, 5);
	assert_int_equal(end.state, JOB_FAILED);
	assert_int_equal(end.cause, JOB_CAUSE_REJECTED);
	assert_string_equal(end.message, "no");
	w.plan.commands[0].cause = JOB_CAUSE_NONE;
	end = judge(A, JOB_SET_WEIGHT, 5);
	assert_int_equal(end.state, JOB_FAILED);
	assert_int_equal(end.cause, JOB_CAUSE_OTHER);
}

static void
job_with_an_unanswered_command_waits_until_its_timeout(void **state)
{
	static const enum job_fail_cause causes[] = { JOB_CAUSE_TIMEOUT, JOB_CAUSE_UNREACHABLE,
		JOB_CAUSE_OTHER };
	struct plan_result end;

	(void)state;
	w.reals[A].weight = 5;
	plan();
	w.servers[A].weight = 10;
	snprintf(w.plan.commands[0].message, sizeof(w.plan.commands[0].message), "mute");
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		w.plan.commands[0].cause = causes[i];
		now_s = 4599;
		end = judge(A, JOB_SET_WEIGHT, 5);
		assert_int_equal(end.state, JOB_QUEUED);
		assert_string_equal(end.message, "waits: mute");
		now_s = 4600;
		end = judge(A, JOB_SET_WEIGHT, 5);
		assert_int_equal(end.state, JOB_FAILED);
		assert_int_equal(end.cause, causes[i]);
		assert_string_equal(end.message, "given up after 3600 s: mute");
	}
}

static void
job_fails_if_it_is_impossible(void **state)
{
	(void)state;
	w.servers[F].role = ROLE_BACKUP;
	plan();
	assert_int_equal(judge(F, JOB_DISABLE_FALLBACK, 0).cause, JOB_CAUSE_REJECTED);
	w.servers[B].exists = false;
	assert_int_equal(judge(B, JOB_SET_WEIGHT, 10).cause, JOB_CAUSE_NOT_FOUND);
}

static void
job_that_would_fail_waits_if_a_process_was_restarted(void **state)
{
	struct plan_result end;

	(void)state;
	w.rules.restarted = true;
	w.reals[A].weight = 5;
	plan();
	assert_int_equal(judge(A, JOB_SET_WEIGHT, 5).state, JOB_SUCCEEDED);
	w.servers[A].weight = 10;
	now_s = 1000;
	end = judge(A, JOB_SET_WEIGHT, 5);
	assert_int_equal(end.state, JOB_QUEUED);
	assert_string_equal(end.message, "waits: HAProxy was restarted or reloaded meanwhile");
	w.plan.commands[0].cause = JOB_CAUSE_REJECTED;
	assert_int_equal(judge(A, JOB_SET_WEIGHT, 5).state, JOB_QUEUED);
	w.servers[A].exists = false;
	assert_int_equal(judge(A, JOB_SET_WEIGHT, 5).state, JOB_QUEUED);
	now_s = 4600;
	end = judge(A, JOB_SET_WEIGHT, 5);
	assert_int_equal(end.state, JOB_FAILED);
	assert_int_equal(end.cause, JOB_CAUSE_NOT_FOUND);
	w.rules.restarted = false;
	now_s = 1000;
	assert_int_equal(judge(A, JOB_SET_WEIGHT, 5).state, JOB_FAILED);
}

static void
job_of_a_handover_waits_with_the_other(void **state)
{
	struct plan_job jobs[] = {
		{ .real = &w.reals[G], .operation = JOB_ENABLE_FALLBACK, .value = 1 },
		{ .real = &w.reals[F], .operation = JOB_DISABLE_FALLBACK },
	};

	(void)state;
	w.rules.restarted = true;
	w.reals[G].fallback = true;
	w.servers[F].role = ROLE_BACKUP;
	plan();
	for (size_t i = 0; i < 2; i++)
		plan_job_judge(&jobs[i], &w.plan, &w.rules);
	plan_handovers_judge(jobs, 2);
	assert_int_equal(jobs[0].result.state, JOB_QUEUED);
	assert_string_equal(jobs[0].result.message, "f is still the fallback:"
	    " waits: HAProxy was restarted or reloaded meanwhile");
	assert_int_equal(jobs[1].result.state, JOB_QUEUED);
}

static void
job_of_a_handover_fails_with_the_other(void **state)
{
	struct plan_job jobs[] = {
		{ .real = &w.reals[G], .operation = JOB_ENABLE_FALLBACK, .value = 1 },
		{ .real = &w.reals[F], .operation = JOB_DISABLE_FALLBACK },
		{ .real = &w.reals[A], .operation = JOB_SET_WEIGHT, .value = 10 },
	};

	(void)state;
	w.reals[G].fallback = true;
	w.servers[F].role = w.servers[G].role = ROLE_BACKUP;
	plan();
	for (size_t i = 0; i < 3; i++)
		plan_job_judge(&jobs[i], &w.plan, &w.rules);
	plan_handovers_judge(jobs, 3);
	assert_int_equal(jobs[0].result.state, JOB_FAILED);
	assert_int_equal(jobs[0].result.cause, JOB_CAUSE_REJECTED);
	assert_string_equal(jobs[0].result.message, "f stays the fallback: HAProxy's configuration"
	    " makes it a backup, which no command changes");
	assert_int_equal(jobs[1].result.state, JOB_FAILED);
	assert_int_equal(jobs[2].result.state, JOB_SUCCEEDED);
}

/* -- differences of the inventory -------------------------------------------------------- */

static const char *
difference(void)
{
	static char buf[MODEL_MESSAGE_MAX + 1];

	plan_bind(&w.cluster, &w.poll);
	difference_write(&w.cluster, &w.poll, "HAProxy", buf);
	return buf;
}

static void
difference_names_what_only_one_side_has(void **state)
{
	struct plane_name unknown[] = { { "http", "a" }, { "http", "b" }, { "http", "f" },
	    { "http", "g" } };
	static char name[] = "web-7";
	struct driver_real more = { .place = N + 1,
	    .row = { .parent = &w.service.branch, .name = name, .id = 9 } };
	struct plane_server servers[N + 1];

	(void)state;
	assert_string_equal(difference(), "");
	w.servers[G].exists = false;
	assert_string_equal(difference(), "inventory differs: HAProxy has no http/g");
	memcpy(servers, w.servers, sizeof(w.servers));
	servers[N] = (struct plane_server){ 0 };
	w.poll.servers = servers;
	tree_list_add(&w.service.branch.children, &more.row);
	assert_string_equal(difference(),
	    "inventory differs: HAProxy has no http/g, http/web-7");
	/* A row that was added during the poll is not compared. */
	more.place = 0;
	assert_string_equal(difference(), "inventory differs: HAProxy has no http/g");
	w.poll.unknown = unknown;
	w.poll.n_unknown = 1;
	assert_string_equal(difference(),
	    "inventory differs: HAProxy has no http/g; the store has no http/a");
	servers[G].exists = true;
	w.poll.n_unknown = 4;
	assert_string_equal(difference(),
	    "inventory differs: the store has no http/a, http/b, http/f and 1 more");
}

static void
difference_of_long_names_fits(void **state)
{
	char name[MODEL_NAME_MAX + 1], names[5][MODEL_NAME_MAX + 1];
	struct plane_name unknown[N];
	struct driver_real reals[5];

	(void)state;
	memset(name, 'n', MODEL_NAME_MAX);
	name[MODEL_NAME_MAX] = '\0';
	w.service.row.name = name;
	for (int i = 0; i < N; i++) {
		w.servers[i].exists = false;
		unknown[i] = (struct plane_name){ name, name };
	}
	for (size_t i = 0; i < 5; i++) {
		reals[i] = (struct driver_real){ .place = i % N + 1,
		    .row = { .parent = &w.service.branch, .name = names[i] } };
		memcpy(names[i], name, sizeof(name));
		names[i][0] = (char)('1' + i);
		tree_list_add(&w.service.branch.children, &reals[i].row);
	}
	for (int i = A; i < N; i++)
		tree_list_remove(&w.service.branch.children, &w.reals[i].row);
	w.poll.unknown = unknown;
	w.poll.n_unknown = N;
	assert_true(strlen(difference()) <= MODEL_MESSAGE_MAX);
	assert_non_null(strstr(difference(), "n/1n"));
	assert_non_null(strstr(difference(), " and 4 more; the store has no "));
}

static void
job_is_superseded_by_a_later_value(void **state)
{
	(void)state;
	w.reals[A].weight = 7;
	plan();
	assert_int_equal(judge(A, JOB_SET_WEIGHT, 5).state, JOB_SUPERSEDED);
	assert_int_equal(judge(A, JOB_SET_WEIGHT, 7).state, JOB_SUCCEEDED);
}

static void
job_that_is_deferred_fails_at_its_timeout(void **state)
{
	struct plan_job job = { .created_s = 1000 };

	(void)state;
	w.rules.now_ms = 4599999;
	plan_job_defer(&job, JOB_CAUSE_UNREACHABLE, "gone", &w.rules);
	assert_int_equal(job.result.state, JOB_QUEUED);
	assert_string_equal(job.result.message, "waits: gone");
	w.rules.now_ms = 4600000;
	plan_job_defer(&job, JOB_CAUSE_UNREACHABLE, "gone", &w.rules);
	assert_int_equal(job.result.state, JOB_FAILED);
	assert_int_equal(job.result.cause, JOB_CAUSE_UNREACHABLE);
	assert_string_equal(job.result.message, "given up after 3600 s: gone");
}

/* -- measuring ---------------------------------------------------------------------------- */

static struct statistics
take(struct measure *measure, int64_t at_ms, uint64_t in, uint64_t out)
{
	struct plane_server *server = &w.servers[A];
	struct statistics row;

	server->counts.present = 1u << STAT_TOTAL_OCTETS_IN | 1u << STAT_TOTAL_OCTETS_OUT;
	server->counts.number[STAT_TOTAL_OCTETS_IN] = in;
	server->counts.number[STAT_TOTAL_OCTETS_OUT] = out;
	measure_take(measure, &w.poll, &server->counts,
	    (struct measure_time){ at_ms, at_ms / 1000 }, 1, true, &row);
	return row;
}

static void
measure_rate_is_over_the_elapsed_time(void **state)
{
	struct measure measure = { 0 };
	struct statistics row;

	(void)state;
	row = take(&measure, 10000, 1000, 5000);
	assert_false(row.present & 1u << STAT_BPS_IN);
	assert_int_equal(row.counters_since, 500);
	assert_int_equal(row.last_update, 10);
	row = take(&measure, 12500, 3500, 5000);
	assert_true(row.present & 1u << STAT_BPS_IN);
	assert_int_equal(row.number[STAT_BPS_IN], 8000);
	assert_int_equal(row.number[STAT_BPS_OUT], 0);
	assert_false(row.present & 1u << STAT_PPS_IN);
	assert_false(row.present & 1u << STAT_INACTIVE_CONNECTIONS);
}

static void
measure_of_large_totals_does_not_overflow(void **state)
{
	struct measure measure = { 0 };
	struct statistics row;

	(void)state;
	take(&measure, 10000, 0, 0);
	row = take(&measure, 11000, UINT64_C(1) << 60, 0);
	assert_int_equal(row.number[STAT_BPS_IN], UINT64_C(1) << 63);
}

static void
measure_after_a_reset_has_no_rate(void **state)
{
	struct measure measure = { 0 };
	struct statistics row;

	(void)state;
	w.poll.counters_since = 5;
	take(&measure, 10000, 1000, 1000);
	row = take(&measure, 11000, 2000, 10);
	assert_false(row.present & 1u << STAT_BPS_IN);
	assert_int_equal(row.counters_since, 11);
	row = take(&measure, 12000, 3000, 1010);
	assert_int_equal(row.number[STAT_BPS_IN], 8000);
	assert_int_equal(row.number[STAT_BPS_OUT], 8000);
	assert_int_equal(row.counters_since, 11);
	/* Another process, whose totals are already higher. */
	w.poll.epoch++;
	w.poll.counters_since = 12;
	row = take(&measure, 13000, 9000, 9000);
	assert_false(row.present & 1u << STAT_BPS_IN);
	assert_int_equal(row.counters_since, 12);
}

/* As after a restart of the driver, which had stored 1000 bytes. */
static struct measure
resumed(int64_t since, uint32_t present)
{
	struct statistics row = { .real_id = 1, .present = present, .last_update = 9,
	    .counters_since = since };
	struct measure measure = { 0 };

	row.number[STAT_TOTAL_OCTETS_IN] = 1000;
	measure_resume(&measure, &row);
	return measure;
}

static const uint32_t octets = 1u << STAT_TOTAL_OCTETS_IN | 1u << STAT_TOTAL_OCTETS_OUT;

static void
measure_continues_from_stored_totals(void **state)
{
	static const struct {
		int64_t		since, process_since;
		uint64_t	total;
		int64_t		expected;
	} cases[] = {
		{ 500, 500, 1000, 500 },	/* no change */
		{ 700, 500, 1000, 700 },	/* cleared before the driver ended */
		{ 700, 500, 999, 701 },	/* cleared without a driver, clock behind */
		{ 20, 5, 999, 30 },		/* cleared without a driver */
		{ 20, 25, 9999, 25 },		/* the process was restarted */
		{ 0, 5, 2000, 5 },		/* never measured */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct measure measure = resumed(cases[i].since, octets);
		struct statistics row;

		w.poll.counters_since = cases[i].process_since;
		row = take(&measure, 30000, cases[i].total, 0);
		assert_int_equal(row.counters_since, cases[i].expected);
		assert_false(row.present & 1u << STAT_BPS_IN);
		row = take(&measure, 31000, cases[i].total, 0);
		assert_int_equal(row.counters_since, cases[i].expected);
		assert_true(row.present & 1u << STAT_BPS_IN);
	}
}

static void
measure_keeps_counters_since_for_another_plane(void **state)
{
	struct measure measure = { 0 };

	(void)state;
	take(&measure, 10000, 1000, 1000);
	measure_detach(&measure);
	assert_true(measure_continues(&measure, &w.poll));
	assert_int_equal(take(&measure, 11000, 1000, 1000).counters_since, 500);
	measure_detach(&measure);
	w.poll.counters_since = 501;
	assert_false(measure_continues(&measure, &w.poll));
	assert_int_equal(take(&measure, 12000, 1000, 1000).counters_since, 501);
}

/* Twice within a second, or with a clock that was set back. */
static void
measure_increases_counters_since_at_each_reset(void **state)
{
	struct measure measure = { 0 };

	(void)state;
	assert_int_equal(take(&measure, 600000, 1000, 0).counters_since, 500);
	assert_int_equal(take(&measure, 600100, 10, 0).counters_since, 600);
	assert_int_equal(take(&measure, 600200, 5, 0).counters_since, 601);
	assert_int_equal(take(&measure, 3000, 4, 0).counters_since, 602);
	w.poll.epoch++;
	assert_int_equal(take(&measure, 700000, 9, 0).counters_since, 603);
}

static void
measure_increases_counters_since_of_an_added_server(void **state)
{
	struct measure measure = resumed(20, octets);
	struct statistics row;

	(void)state;
	w.poll.counters_since = 5;
	assert_int_equal(take(&measure, 30000, 1000, 0).counters_since, 20);
	measure_take(&measure, &w.poll, NULL, (struct measure_time){ 31000, 31 }, 1, false, &row);
	assert_int_equal(row.counters_since, 20);
	assert_int_equal(take(&measure, 40000, 5000, 0).counters_since, 40);
	/* The driver was restarted while the server was deleted. */
	measure = resumed(20, 0);
	assert_int_equal(take(&measure, 50000, 5000, 0).counters_since, 50);
}

static void
measure_of_a_service_has_its_numbers_only(void **state)
{
	struct plane_service_counts counted = { .exists = true, .algorithm = "wrr",
	    .counts = { .present = UINT32_MAX } };
	struct measure measure = { 0 };
	struct statistics row;

	(void)state;
	for (int i = 0; i < STAT_NUMBERS; i++)
		counted.counts.number[i] = 100;
	w.poll.counters_since = 500;
	for (int s = 11; s < 13; s++) {
		measure_service_take(&measure, &w.poll, &counted,
		    (struct measure_time){ s * 1000, s }, 7, &row);
		assert_int_equal(row.service_id, 7);
		assert_int_equal(row.present, STAT_SERVICE_MASK);
		assert_int_equal(row.number[STAT_HTTP_5XX], 100);
		assert_int_equal(row.counters_since, 500);
		assert_string_equal(row.algorithm, "wrr");
	}
	/* Any counter may be the only one that shows a reset. */
	counted.counts.number[STAT_HTTP_5XX] = 99;
	measure_service_take(&measure, &w.poll, &counted, (struct measure_time){ 600000, 600 }, 7,
	    &row);
	assert_int_equal(row.counters_since, 600);
	measure_service_take(&measure, &w.poll, NULL, (struct measure_time){ 601000, 601 }, 7,
	    &row);
	assert_int_equal(row.present, 0);
	assert_string_equal(row.algorithm, "");
	measure_service_take(&measure, &w.poll, &counted, (struct measure_time){ 602000, 602 }, 7,
	    &row);
	assert_int_equal(row.counters_since, 602);
}

static void
measure_of_a_missing_server_is_not_active(void **state)
{
	struct measure measure = { 0 };
	struct statistics row;

	(void)state;
	take(&measure, 10000, 1000, 1000);
	measure_take(&measure, &w.poll, NULL, (struct measure_time){ 11000, 11 }, 1, false, &row);
	assert_int_equal(row.present, STAT_PRESENT_ACTIVE);
	assert_false(row.active);
	assert_int_equal(row.last_update, 11);
	assert_false(take(&measure, 12000, 9000, 9000).present & 1u << STAT_BPS_IN);
}

static void
measure_keeps_a_rate_of_the_data_plane(void **state)
{
	struct measure measure = { 0 };
	struct statistics row;

	(void)state;
	take(&measure, 10000, 0, 0);
	w.servers[A].counts.present =
	    1u << STAT_TOTAL_CONNECTIONS | 1u << STAT_CONNECTIONS_PER_SECOND;
	w.servers[A].counts.number[STAT_CONNECTIONS_PER_SECOND] = 77;
	for (int i = 0; i < 2; i++) {
		measure_take(&measure, &w.poll, &w.servers[A].counts,
		    (struct measure_time){ 11000 + i * 1000, 11 + i }, 1, true, &row);
		assert_int_equal(row.number[STAT_CONNECTIONS_PER_SECOND], 77);
		w.servers[A].counts.number[STAT_TOTAL_CONNECTIONS] += 5;
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, plan_world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plan_is_empty_without_differences),
		TEST(plan_restores_differences),
		TEST(plan_has_no_command_for_a_missing_server),
		TEST(plan_fallback_is_in_reserve_while_another_server_is_up),
		TEST(plan_fallback_is_brought_in_when_others_get_no_work),
		TEST(plan_fallback_is_brought_in_as_the_status_is_derived),
		TEST(backup_is_used_while_the_others_have_weight_0),
		TEST(plan_fallback_keeps_its_state_until_a_check_has_ended),
		TEST(plan_server_enabled_beside_a_working_fallback_waits_for_its_checks),
		TEST(plan_server_without_a_check_or_a_fallback_does_not_wait),
		TEST(plan_backup_of_the_data_plane_stays_ready),
		TEST(plan_disabled_fallback_is_out),
		TEST(plan_disabled_service_has_all_its_servers_out),
		TEST(plan_disabled_service_drains),
		TEST(plan_drain_ends_with_the_last_connection),
		TEST(plan_drain_of_an_idle_server_lasts_until_the_next_poll),
		TEST(plan_drain_waits_for_a_process_from_before_a_reload),
		TEST(plan_drain_ends_at_its_time),
		TEST(reason_names_an_address_that_differs),
		TEST(reason_is_given_for_each_inactive_server),
		TEST(missing_servers_of_a_pair_are_counted),
		TEST(repairs_are_shown_for_a_minute),
		TEST(plan_restores_foreign_changes_and_reports_the_third_one),
		TEST(plan_does_not_count_restarts_and_jobs_as_foreign_changes),
		TEST(plan_keeps_foreign_changes_until_a_job_or_a_restart),
		TEST(plan_counts_a_backup_that_is_ready_again_as_a_repair),
		TEST(plan_keeps_foreign_changes_over_a_restart_of_the_driver),
		TEST(plan_fallback_is_brought_in_for_a_kept_drain),
		TEST(reason_names_who_took_a_server_out),
		TEST(plan_gives_all_weights_before_all_states),
		TEST(job_succeeds_if_its_value_is_read_back),
		TEST(job_of_a_service_ends_when_all_its_servers_have_their_state),
		TEST(job_of_a_service_fails_with_the_refusal_of_one_server),
		TEST(job_of_a_service_without_any_server_is_not_found),
		TEST(job_of_a_service_waits_for_the_service_of_the_data_plane),
		TEST(job_fails_with_the_message_of_a_refusal),
		TEST(job_with_an_unanswered_command_waits_until_its_timeout),
		TEST(job_fails_if_it_is_impossible),
		TEST(job_that_would_fail_waits_if_a_process_was_restarted),
		TEST(job_of_a_handover_waits_with_the_other),
		TEST(job_of_a_handover_fails_with_the_other),
		TEST(difference_names_what_only_one_side_has),
		TEST(difference_of_long_names_fits),
		TEST(job_is_superseded_by_a_later_value),
		TEST(job_that_is_deferred_fails_at_its_timeout),
		TEST(measure_rate_is_over_the_elapsed_time),
		TEST(measure_of_large_totals_does_not_overflow),
		TEST(measure_after_a_reset_has_no_rate),
		TEST(measure_continues_from_stored_totals),
		TEST(measure_keeps_counters_since_for_another_plane),
		TEST(measure_increases_counters_since_at_each_reset),
		TEST(measure_increases_counters_since_of_an_added_server),
		TEST(measure_of_a_service_has_its_numbers_only),
		TEST(measure_of_a_missing_server_is_not_active),
		TEST(measure_keeps_a_rate_of_the_data_plane),
	};

	return cmocka_run_group_tests_name("haproxy_plan", tests, NULL, NULL);
}
