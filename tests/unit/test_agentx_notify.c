/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/agentx: notifications, octet by octet, and their pace.
 */
#include "agentx_fake.h"

#include <string.h>

enum { NOTIFY = 12, BATCH = 50, PACE_MS = 100 };

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

static void
serve(void)
{
	run_until_serving(1000);
	run_ms(PACE_MS);
}

/* Sends what may go, and receives it. */
static unsigned int
batch_receive(bool answered)
{
	unsigned int before = engine.notifications, n;

	agentx_notifications_send(agentx);
	n = before - engine.notifications;
	for (unsigned int i = 0; i < n; i++) {
		message_receive(&m);
		assert_int_equal(m.type, NOTIFY);
		if (answered)
			answer_send(0);
	}
	run_ms(PACE_MS);
	return n;
}

static void
notify_is_what_the_rfc_says(void **state)
{
	(void)state;
	serve();
	notification_make(1);
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
	serve();
	assert_int_equal(batch_receive(true), 1);
}

static void
no_more_than_a_batch_is_unanswered(void **state)
{
	(void)state;
	serve();
	notification_make(3 * BATCH);
	assert_int_equal(batch_receive(false), BATCH);
	assert_int_equal(batch_receive(false), 0);
	answer_send(0);
	run_ms(PACE_MS);
	assert_int_equal(batch_receive(false), 1);
}

static void
batches_keep_their_pace(void **state)
{
	(void)state;
	serve();
	notification_make(3 * BATCH);
	assert_int_equal(batch_receive(true), BATCH);
	assert_int_equal(batch_receive(true), BATCH);
	agentx_notifications_send(agentx);
	assert_int_equal(engine.notifications, 0);
	for (unsigned int i = 0; i < BATCH; i++) {
		message_receive(&m);
		answer_send(0);
	}
	run_ms(PACE_MS / 2);
	notification_make(1);
	agentx_notifications_send(agentx);
	assert_int_equal(engine.notifications, 1);	/* too early */
	run_ms(PACE_MS / 2);
	assert_int_equal(batch_receive(true), 1);
}

static void
master_that_never_answers_is_told_on_after_a_while(void **state)
{
	(void)state;
	serve();
	notification_make(BATCH + 1);
	assert_int_equal(batch_receive(false), BATCH);
	run_ms(11000);
	assert_int_equal(batch_receive(false), 1);
	assert_true(agentx_serving(agentx));
}

static void
master_that_reads_nothing_is_sent_no_more(void **state)
{
	unsigned int left = 100 * 1000;

	(void)state;
	serve();
	master.paused = true;
	/* What is not answered is given up after 10 seconds, and the socket gets full. */
	for (int i = 0; i < 1000; i++) {
		notification_make(left);
		agentx_notifications_send(agentx);
		left = engine.notifications;
		run_ms(10100);
	}
	assert_in_range(100 * 1000 - left, 2 * BATCH, 20 * 1000);
	assert_true(agentx_serving(agentx));
}

static void
refusal_ends_nothing(void **state)
{
	(void)state;
	serve();
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

static void
new_session_begins_anew(void **state)
{
	(void)state;
	serve();
	notification_make(2 * BATCH);
	assert_int_equal(batch_receive(false), BATCH);
	run_ms(5000);
	master_hang_up();
	run_ms(0);
	run_until_serving(2000);
	run_ms(PACE_MS);
	assert_int_equal(batch_receive(true), BATCH);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(notify_is_what_the_rfc_says),
		TEST(notifications_wait_for_a_session),
		TEST(no_more_than_a_batch_is_unanswered),
		TEST(batches_keep_their_pace),
		TEST(master_that_never_answers_is_told_on_after_a_while),
		TEST(master_that_reads_nothing_is_sent_no_more),
		TEST(refusal_ends_nothing),
		TEST(new_session_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
