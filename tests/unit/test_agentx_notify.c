/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/agentx: notifications on the wire, and their pace.
 */
#include "agentx_fake.h"

#include <string.h>

#include "in_range.h"

enum { BATCH = 50, PACE_MS = 100 };

static struct message m;

static void
notification_make(unsigned int n)
{
	struct mib_varbind *varbinds = engine.notification.varbinds;
	static const uint32_t trap_oid[] = { 1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0 };

	engine.notifications = n;
	engine.notification.n = 2;
	memcpy(varbinds[0].name.sub, trap_oid, sizeof(trap_oid));
	varbinds[0].name.n = 11;
	varbinds[0].value.type = MIB_OBJECT_ID;
	memcpy(varbinds[0].value.oid.sub, mib_root, mib_root_length * sizeof(mib_root[0]));
	varbinds[0].value.oid.sub[10] = 0;
	varbinds[0].value.oid.sub[11] = 4;
	varbinds[0].value.oid.n = 12;
	varbinds[1].name = varbinds[0].value.oid;
	varbinds[1].name.sub[10] = 1;
	varbinds[1].value.type = MIB_OCTETS;
	varbinds[1].value.octets.data = (const uint8_t *)"words";
	varbinds[1].value.octets.length = 5;
}

static void
answer_send(unsigned int error)
{
	struct message answer;

	message_begin(&answer, RESPONSE, m.flags & NETWORK, SESSION_ID, 0, m.packet);
	put_32(&answer, 12345);
	put_16(&answer, error), put_16(&answer, 0);
	message_send(&answer);
}

/* Sends what the pace allows and receives it. Answers 'after_ms' later, or never (-1). */
static unsigned int
batch_send(int after_ms)
{
	static uint32_t packets[BATCH + 1];
	unsigned int before = engine.notifications, n;

	agentx_notifications_send(agentx);
	n = before - engine.notifications;
	assert_int_in_range(n, 0, BATCH);
	for (unsigned int i = 0; i < n; i++) {
		message_receive(&m);
		assert_int_equal(m.type, NOTIFY);
		packets[i] = m.packet;
	}
	if (after_ms >= 0)
		run_ms(after_ms);
	for (unsigned int i = 0; i < n && after_ms >= 0; i++) {
		m.packet = packets[i];
		answer_send(0);
	}
	run_ms(PACE_MS);
	return n;
}

/* Reaches full batches, with 'n' notifications left. */
static void
serve(unsigned int n)
{
	run_until_serving(1000);
	run_ms(PACE_MS);
	for (unsigned int batch = 1; n > 1 && batch < BATCH; batch *= 2) {
		notification_make(BATCH);
		assert_int_equal(batch_send(0), batch);
	}
	notification_make(n);
}

static void
notify_is_encoded_as_in_the_rfc(void **state)
{
	(void)state;
	serve(1);
	agentx_notifications_send(agentx);
	message_receive(&m);
	assert_int_equal(m.type, NOTIFY);
	assert_int_equal(m.session, SESSION_ID);
	assert_int_equal(m.flags & ~NETWORK, 0);
	assert_int_equal(take_16(&m), 6);		/* OBJECT IDENTIFIER */
	assert_int_equal(take_16(&m), 0);
	assert_int_equal(take_8(&m), 6);		/* 1.3.6.1.6, compressed */
	assert_int_equal(take_8(&m), 6);
	assert_int_equal(take_16(&m), 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(take_32(&m), engine.notification.varbinds[0].name.sub[5 + i]);
	take_oid(&m, 2, 0, 4);
	assert_int_equal(take_16(&m), 4);		/* OCTET STRING */
	assert_int_equal(take_16(&m), 0);
	take_oid(&m, 2, 1, 4);
	take_text(&m, "words", 5);
	take_end(&m);
	answer_send(0);
	run_ms(1000);
	assert_true(agentx_serving(agentx));
}

static void
notifications_wait_for_a_session(void **state)
{
	(void)state;
	notification_make(1);
	agentx_notifications_send(agentx);
	assert_int_equal(engine.notifications, 1);
	run_until_serving(1000);
	run_ms(PACE_MS);
	assert_int_equal(batch_send(0), 1);
}

static void
batch_waits_until_the_last_one_is_answered(void **state)
{
	(void)state;
	serve(3 * BATCH);
	assert_int_equal(batch_send(-1), BATCH);
	for (unsigned int i = 0; i + 1 < BATCH; i++)
		answer_send(0);
	run_ms(PACE_MS);
	assert_int_equal(batch_send(-1), 0);
	answer_send(0);
	run_ms(PACE_MS);
	assert_int_equal(batch_send(0), BATCH);
}

static void
batches_keep_their_pace(void **state)
{
	(void)state;
	serve(2 * BATCH);
	agentx_notifications_send(agentx);
	assert_int_equal(engine.notifications, BATCH);
	for (unsigned int i = 0; i < BATCH; i++) {
		message_receive(&m);
		answer_send(0);
	}
	run_ms(PACE_MS / 2);
	agentx_notifications_send(agentx);
	assert_int_equal(engine.notifications, BATCH);	/* too early */
	run_ms(PACE_MS / 2);
	assert_int_equal(batch_send(0), BATCH);
}

/* As with an inform to a receiver that does not answer, when snmpd blocks. */
static void
slow_master_gets_a_long_pause(void **state)
{
	(void)state;
	serve(3 * BATCH);
	assert_int_equal(batch_send(6000), BATCH);
	run_ms(59000);
	assert_int_equal(batch_send(0), 0);
	run_ms(1000);
	assert_int_equal(batch_send(6000), 1);
	run_ms(60000);
	assert_int_equal(batch_send(0), 1);		/* the master answers quickly again */
	assert_int_equal(batch_send(0), 2);
	assert_int_equal(batch_send(0), 4);
}

static void
batch_does_not_grow_for_a_master_that_answers_late(void **state)
{
	(void)state;
	run_until_serving(1000);
	run_ms(PACE_MS);
	notification_make(100);
	assert_int_equal(batch_send(0), 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(batch_send(500), 2);
}

static void
sending_goes_on_a_minute_after_a_missing_answer(void **state)
{
	(void)state;
	serve(BATCH + 2);
	assert_int_equal(batch_send(-1), BATCH);
	run_ms(59000);
	assert_int_equal(batch_send(-1), 0);
	run_ms(2000);
	assert_int_equal(batch_send(-1), 1);
	assert_true(agentx_serving(agentx));
}

static void
master_that_does_not_read_gets_nothing_more(void **state)
{
	unsigned int left = 100 * 1000;

	(void)state;
	serve(0);
	master.paused = true;
	/* Notifications without an answer are lost after a minute, and the socket gets full. */
	for (int i = 0; i < 5000; i++) {
		notification_make(left);
		agentx_notifications_send(agentx);
		left = engine.notifications;
		run_ms(60100);
	}
	assert_int_in_range(100 * 1000 - left, 2, 4000);
	assert_true(agentx_serving(agentx));
}

static void
refusal_does_not_end_the_session(void **state)
{
	(void)state;
	serve(0);
	for (unsigned int i = 0; i < 3; i++) {
		notification_make(1);
		agentx_notifications_send(agentx);
		message_receive(&m);
		answer_send(268);
		run_ms(PACE_MS);
	}
	assert_true(agentx_serving(agentx));
	assert_int_equal(master.connects, 1);
}

/* Each time with another error. */
static void
log_lines_of_refusals_are_limited(void **state)
{
	(void)state;
	serve(0);
	log_lines = 0;
	for (unsigned int i = 0; i < 200; i++) {
		notification_make(1);
		agentx_notifications_send(agentx);
		message_receive(&m);
		answer_send(256 + i % 2);
		run_ms(PACE_MS);
	}
	assert_int_in_range(log_lines, 1, 10);
	assert_true(agentx_serving(agentx));
}

static void
new_session_begins_with_a_batch_of_one(void **state)
{
	(void)state;
	serve(2 * BATCH);
	assert_int_equal(batch_send(-1), BATCH);
	run_ms(5000);
	master_hang_up();
	run_ms(0);
	run_until_serving(2000);
	run_ms(PACE_MS);
	assert_int_equal(batch_send(0), 1);
	assert_int_equal(batch_send(0), 2);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(notify_is_encoded_as_in_the_rfc),
		TEST(notifications_wait_for_a_session),
		TEST(batch_waits_until_the_last_one_is_answered),
		TEST(batches_keep_their_pace),
		TEST(slow_master_gets_a_long_pause),
		TEST(batch_does_not_grow_for_a_master_that_answers_late),
		TEST(sending_goes_on_a_minute_after_a_missing_answer),
		TEST(master_that_does_not_read_gets_nothing_more),
		TEST(refusal_does_not_end_the_session),
		TEST(log_lines_of_refusals_are_limited),
		TEST(new_session_begins_with_a_batch_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
