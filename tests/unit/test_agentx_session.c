/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/agentx: beginning and end of the session, with correct and with faulty masters.
 */
#include "agentx_fake.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "in_range.h"

/* No turn of the loop may take longer. */
enum { TURN_MAX_MS = 500 };

static struct message m, answer;

static int
world_check(void **state)
{
	assert_int_in_range(worst_turn_ms, 0, TURN_MAX_MS);
	return world_end(state);
}

/* -- opening ---------------------------------------------------------------------------- */

static void
accept_it(unsigned int error)
{
	struct message yes;

	message_begin(&yes, RESPONSE, m.flags & NETWORK, SESSION_ID, 0, m.packet);
	put_32(&yes, 12345);
	put_16(&yes, error), put_16(&yes, 0);
	message_send(&yes);
}

static void
session_opens_registers_and_adds_capabilities(void **state)
{
	(void)state;
	master.manners = MANNERS_NONE;
	message_receive(&m);
	assert_int_equal(m.type, OPEN);
	assert_int_equal(m.session, 0);
	assert_int_equal(take_32(&m), 0);		/* timeout */
	take_oid(&m, 0);
	take_text(&m, "a test", 6);
	take_end(&m);
	accept_it(0);
	message_receive(&m);
	assert_int_equal(m.type, REGISTER);
	assert_int_equal(m.session, SESSION_ID);
	assert_int_equal(m.flags & ~NETWORK, 0);
	assert_int_equal(take_8(&m), 0);		/* timeout */
	assert_int_equal(take_8(&m), 127);		/* priority */
	assert_int_equal(take_16(&m), 0);		/* range */
	take_oid(&m, 0);
	take_end(&m);
	assert_false(agentx_serving(agentx));
	accept_it(0);
	message_receive(&m);
	assert_true(agentx_serving(agentx));
	assert_int_equal(state_changes, 1);
	assert_int_equal(m.type, ADD_CAPS);
	assert_int_equal(m.session, SESSION_ID);
	take_oid(&m, 3, 2, 1, 1);
	take_text(&m, "a test", 6);
	take_end(&m);
	accept_it(265);					/* has no effect */
	run_ms(100000);
	assert_true(agentx_serving(agentx));
	assert_int_equal(master.connects, 1);
	assert_int_equal(state_changes, 1);
}

static void
session_closes_with_the_agent(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(10);
	agentx_free(agentx);
	agentx = NULL;
	message_receive(&m);
	assert_int_equal(m.type, CLOSE);
	assert_int_equal(m.session, SESSION_ID);
	assert_int_equal(take_8(&m), 5);		/* reasonShutdown */
	assert_string_equal(engine.calls, "left 1 0, ");
	assert_int_equal(state_changes, 1);
}

/* -- losing ------------------------------------------------------------------------------ */

static void
ended_connection_is_opened_again(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(5000);
	master_hang_up();
	run_ms(0);
	assert_false(agentx_serving(agentx));
	assert_string_equal(engine.calls, "lost 1 0, ");
	run_until_serving(300);
	assert_int_equal(state_changes, 3);
	message_begin(&m, COMMIT_SET, 0, SESSION_ID, 4, 5);
	ask(&m, &answer, 0, 0);
	assert_string_equal(engine.calls, "lost 1 0, commit 2 4, ");
}

static void
closed_session_is_opened_again(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(5000);
	message_begin(&m, CLOSE, 0, SESSION_ID, 0, 5);
	put_8(&m, 4), put_8(&m, 0), put_16(&m, 0);
	message_send(&m);
	run_ms(0);
	assert_false(agentx_serving(agentx));
	assert_string_equal(engine.calls, "lost 1 0, ");
	run_until_serving(300);
	assert_int_equal(master.connects, 2);
}

/* The manager got success when the master wrote this message. */
static void
cleanup_before_the_end_of_the_connection_is_carried_out(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(10);
	message_begin(&m, GET, 0, SESSION_ID, 1, 5);
	message_send(&m);
	message_begin(&m, CLEANUP_SET, 0, SESSION_ID, 9, 6);
	message_send(&m);
	master_leave();
	run_ms(10);
	assert_string_equal(engine.calls, "cleanup 1 9, lost 1 0, ");
}

static void
cleanup_before_the_end_of_lbclusterd_is_carried_out(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(10);
	message_begin(&m, CLEANUP_SET, 0, SESSION_ID, 9, 6);
	message_send(&m);
	agentx_free(agentx);
	agentx = NULL;
	assert_string_equal(engine.calls, "cleanup 1 9, left 1 0, ");
}

/* The end of a committed SET arrives while lbclusterd ends. The master sends it when it has the
 * answer to CommitSet. */
static void
end_of_lbclusterd_waits_for_the_cleanup_of_a_committed_set(void **state)
{
	pid_t late;

	(void)state;
	run_until_serving(1000);
	run_ms(10);
	engine.open = true;
	request_begin(&m, COMMIT_SET, 9);
	message_send(&m);
	late = fork();
	if (late == 0) {
		struct pollfd fd = { .fd = master.peer.fd, .events = POLLIN };

		if (poll(&fd, 1, 5000) == 1) {
			request_begin(&m, CLEANUP_SET, 9);
			message_send(&m);
		}
		_exit(0);
	}
	assert_true(late > 0);
	agentx_free(agentx);
	agentx = NULL;
	assert_string_equal(engine.calls, "commit 1 9, cleanup 1 9, left 1 0, ");
	assert_int_equal(waitpid(late, NULL, 0), late);
}

/* A stopped master sends no end. lbclusterd waits for it one second. */
static void
end_of_lbclusterd_waits_one_second_for_a_cleanup(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(10);
	engine.open = true;
	agentx_free(agentx);
	agentx = NULL;
	assert_string_equal(engine.calls, "left 1 0, ");
}

static void
message_in_pieces_is_put_together(void **state)
{
	struct message two;

	(void)state;
	run_until_serving(1000);
	run_ms(10);
	message_begin(&m, COMMIT_SET, 0, SESSION_ID, 1, 5);
	for (size_t i = 0; i < m.n; i++) {
		octets_send(m.data + i, 1);
		run_ms(1);
	}
	message_receive(&answer);
	assert_int_equal(answer.packet, 5);
	message_begin(&two, UNDO_SET, NETWORK, SESSION_ID, 1, 6);
	memcpy(m.data + m.n, two.data, two.n);
	octets_send(m.data, m.n + two.n);
	message_receive(&answer);
	assert_int_equal(answer.packet, 5);
	message_receive(&answer);
	assert_int_equal(answer.packet, 6);
	assert_string_equal(engine.calls, "commit 1 1, commit 1 1, undo 1 1, ");
}

/* The beginning of the next message is unknown. */
static void
message_with_a_bad_header_ends_the_session(void **state)
{
	static const struct {
		size_t	at;
		uint8_t	octet;
	} bad[] = { { 0, 0 }, { 0, 2 }, { 16, 1 }, { 19, 1 }, { 19, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		run_until_serving(2000);
		run_ms(5000);
		message_begin(&m, GET, NETWORK, SESSION_ID, 0, 5);
		m.data[bad[i].at] = bad[i].octet;
		octets_send(m.data, HEADER);
		run_ms(0);
		assert_false(agentx_serving(agentx));
	}
}

/* The smallest varbinds: 32 KiB are decoded, 128 KiB are not. */
static void
message_of_any_type_does_not_block(void **state)
{
	static struct message big;

	(void)state;
	run_until_serving(2000);
	for (unsigned int i = 0; i < 42; i++) {
		if (i / 2 == CLOSE)
			continue;
		message_begin(&big, (uint8_t)(i / 2), 0, SESSION_ID, 0, 77);
		while (big.n + 8 <= sizeof(big.data) / (i % 2 == 0 ? 4 : 1))
			put_32(&big, 5), put_32(&big, 0);
		message_send(&big);
		run_ms(10);
		assert_true(agentx_serving(agentx));
	}
}

/* -- masters that are not there ----------------------------------------------------------- */

static void
late_master_is_served_within_two_seconds(void **state)
{
	(void)state;
	master_leave();
	run_ms(600000);
	assert_false(agentx_serving(agentx));
	assert_int_equal(log_lines, 1);
	assert_non_null(strstr(log_latest, "no AgentX master at /tmp/"));
	master_listen();
	run_until_serving(2000);
	assert_int_equal(log_lines, 2);
}

static void
restarted_master_is_served_within_two_seconds(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		run_until_serving(2000);
		run_ms(3000);
		master_leave();
		run_ms(i * 4000);
		master_listen();
	}
	run_until_serving(2000);
}

/* The connection fills the backlog and is never accepted. */
static void
master_that_does_not_accept_does_not_block(void **state)
{
	(void)state;
	master.manners = MANNERS_NO_ACCEPT;
	run_ms(60000);
	assert_false(agentx_serving(agentx));
	assert_int_in_range(log_lines, 1, 2);
	assert_non_null(strstr(log_latest, "accepts no connections"));
	master.manners = MANNERS_GOOD;
	run_until_serving(2000);
}

/* -- masters that misbehave --------------------------------------------------------------- */

/* Runs with a faulty master for ten minutes, then with a correct one. The log has the message
 * once in that time. */
static void
faulty_master_met(enum manners manners, const char *message, unsigned int connects_min,
    unsigned int connects_max, int64_t cured_ms)
{
	master.manners = manners;
	run_ms(600000);
	assert_false(agentx_serving(agentx));
	assert_int_in_range(master.connects, connects_min, connects_max);
	assert_int_equal(state_changes, 0);
	assert_int_equal(log_lines, 1);
	assert_non_null(strstr(log_latest, message));
	master.manners = MANNERS_GOOD;
	run_until_serving(cured_ms);
	assert_int_equal(log_lines, 2);
	assert_non_null(strstr(log_latest, "serving 1.3.6.1."));
}

static void
retries_slow_down_for_a_master_that_closes(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_CLOSE, "closed the connection", 60, 120,
	    8100);
}

static void
retries_slow_down_for_a_master_that_closes_after_open(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_OPEN_ONLY, "closed the connection", 60, 120,
	    8100);
	assert_int_equal(strncmp(engine.calls, "lost 1 0, lost 2 0, ", 20), 0);
}

static void
retries_slow_down_for_another_protocol(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_GARBAGE, "does not speak AgentX", 60, 120, 8100);
}

static void
retries_slow_down_for_a_huge_length(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_HUGE, "does not speak AgentX", 60, 120, 8100);
}

static void
retries_slow_down_for_half_a_message(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_HALF, "closed the connection", 60, 120, 8100);
}

static void
retries_slow_down_for_a_duplicate_registration(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_DUPLICATE, "another subagent serves", 60, 120, 8100);
}

static void
master_that_does_not_answer_does_not_block(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_NONE, "does not answer; snmpd is stopped or hung",
	    150, 300, 3100);
}

static void
master_that_answers_only_open_does_not_block(void **state)
{
	(void)state;
	faulty_master_met(MANNERS_OPEN_SILENT, "does not answer; snmpd is stopped or hung",
	    150, 300, 3100);
}

/* Service does not need the answer to AddAgentCaps. */
static void
missing_answer_to_addagentcaps_has_no_effect(void **state)
{
	(void)state;
	master.manners = MANNERS_NONE;
	message_receive(&m);
	accept_it(0);
	message_receive(&m);
	accept_it(0);
	message_receive(&m);
	assert_int_equal(m.type, ADD_CAPS);
	run_ms(600000);
	assert_true(agentx_serving(agentx));
	assert_int_equal(master.connects, 1);
	message_begin(&m, COMMIT_SET, 0, SESSION_ID, 4, 5);
	ask(&m, &answer, 0, 0);
	assert_int_equal(log_lines, 1);
}

/* The master is killed and restarted within two seconds, each time. */
static void
master_that_restarts_often_is_found_soon(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		run_until_serving(1000);
		run_ms(100);
		master_leave();
		run_ms(i % 2 == 0 ? 0 : 500);
		master_listen();
	}
	run_until_serving(1000);
}

/* The master accepts the registration and closes, each time. */
static void
retries_slow_down_for_a_short_session(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		run_until_serving(8100);
		run_ms(100);
		master_hang_up();
		run_ms(0);
		engine.calls[0] = '\0';
	}
	run_ms(5000);
	assert_false(agentx_serving(agentx));
}

/* There is a new socket: the faults of the last master do not delay the connect. */
static void
retry_is_quick_after_a_restart_of_the_master(void **state)
{
	unsigned int before;

	(void)state;
	master.manners = MANNERS_CLOSE;
	run_ms(60000);
	master_leave();
	master_listen();
	before = master.connects;
	run_ms(2000);
	assert_int_in_range(master.connects - before, 3, 6);
}

/* -- masters that do not read --------------------------------------------------------------- */

static void
row_ask(uint32_t packet)
{
	message_begin(&m, GET, 0, SESSION_ID, 0, packet);
	put_oid(&m, false, 2, 1, 1);
	put_null_oid(&m);
	message_send(&m);
}

static void
waiting_answers_are_sent_in_order(void **state)
{
	enum { ASKED = 3000 };

	(void)state;
	run_until_serving(1000);
	run_ms(10);
	engine.value = (struct mib_value){ .type = MIB_OCTETS };
	engine.value.octets.data = master.peer.in;
	engine.value.octets.length = 1000;
	master.paused = true;
	for (uint32_t i = 0; i < ASKED; i++) {
		row_ask(i);
		run_ms(0);
	}
	assert_true(agentx_serving(agentx));
	assert_int_equal(engine.gets, ASKED);
	master.paused = false;
	for (uint32_t i = 0; i < 2 * ASKED; i++) {
		message_receive(&answer);
		assert_int_equal(answer.packet, i);
		if (i < ASKED)
			row_ask(ASKED + i);
	}
}

static void
session_with_a_master_that_never_reads_ends(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(10);
	engine.value = (struct mib_value){ .type = MIB_OCTETS };
	engine.value.octets.data = master.peer.in;
	engine.value.octets.length = 32 * 1024;
	master.paused = true;
	for (uint32_t i = 0; i < 1000 && engine.calls[0] == '\0'; i++) {
		row_ask(i);
		run_ms(0);
	}
	assert_string_equal(engine.calls, "lost 1 0, ");
	assert_int_in_range(engine.gets, 500, 600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_check)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(session_opens_registers_and_adds_capabilities),
		TEST(session_closes_with_the_agent),
		TEST(ended_connection_is_opened_again),
		TEST(closed_session_is_opened_again),
		TEST(cleanup_before_the_end_of_the_connection_is_carried_out),
		TEST(cleanup_before_the_end_of_lbclusterd_is_carried_out),
		TEST(end_of_lbclusterd_waits_for_the_cleanup_of_a_committed_set),
		TEST(end_of_lbclusterd_waits_one_second_for_a_cleanup),
		TEST(message_in_pieces_is_put_together),
		TEST(message_with_a_bad_header_ends_the_session),
		TEST(message_of_any_type_does_not_block),
		TEST(late_master_is_served_within_two_seconds),
		TEST(restarted_master_is_served_within_two_seconds),
		TEST(master_that_does_not_accept_does_not_block),
		TEST(retries_slow_down_for_a_master_that_closes),
		TEST(retries_slow_down_for_a_master_that_closes_after_open),
		TEST(retries_slow_down_for_another_protocol),
		TEST(retries_slow_down_for_a_huge_length),
		TEST(retries_slow_down_for_half_a_message),
		TEST(retries_slow_down_for_a_duplicate_registration),
		TEST(master_that_does_not_answer_does_not_block),
		TEST(master_that_answers_only_open_does_not_block),
		TEST(missing_answer_to_addagentcaps_has_no_effect),
		TEST(master_that_restarts_often_is_found_soon),
		TEST(retries_slow_down_for_a_short_session),
		TEST(retry_is_quick_after_a_restart_of_the_master),
		TEST(waiting_answers_are_sent_in_order),
		TEST(session_with_a_master_that_never_reads_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
