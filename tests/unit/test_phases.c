/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the phases of SETs over AgentX, with the real session, engine and store: all
 * sequences of events up to a length, then long random ones. After each event the answer, the
 * values, the lock and the jobs are compared with phases_model.h.
 *
 * LBCLUSTER_PHASES_LENGTH=5 and LBCLUSTER_PHASES_RANDOM=10000 try more sequences.
 * LBCLUSTER_PHASES_SEQUENCE=TCX with LBCLUSTER_PHASES_RANDOM=1 repeats one.
 */
#include "agentx_real.h"
#include "phases_model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LENGTH = 2,		/* of all sequences of all events; one more of the core */
	RANDOM = 30,		/* long sequences ... */
	RANDOM_LENGTH = 100,	/* ... of so many events */
	UNKNOWN_TRANSACTION = 77,
	JOBS_KEPT = 400,	/* more than a sequence makes */
	HEAP_SLACK = 32 * 1024,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The events of two managers and of a lost session. */
#define EVENTS_CORE "TCUXtcuxL"

static struct model model;
static char sequence[RANDOM_LENGTH + 1];	/* being played */
static unsigned long sequences, pdus;
static int64_t first_job;

/* -- the master ------------------------------------------------------------------------- */

static struct message request, reply;

static void
phase_begin(uint8_t type, uint32_t number, const char *pdu)
{
	struct pdu set;

	request_begin(&request, type, number);
	pdus++;
	if (type != TEST_SET)
		return;
	set = pdu_make(pdu);
	for (size_t i = 0; i < set.n; i++)
		put_varbind(&request, &set.varbinds[i]);
}

/* CleanupSet has no answer. The next exchange() would find one. */
static uint32_t
phase_send(void)
{
	if (request.type != CLEANUP_SET)
		return exchange(&request, &reply);
	message_send(&request);
	return ANSWER(0, 0);
}

static uint8_t
type_of(int event)
{
	switch (event) {
	case EVENT_TEST:
	case EVENT_BAD:
		return TEST_SET;
	case EVENT_COMMIT:
		return COMMIT_SET;
	case EVENT_UNDO:
		return UNDO_SET;
	default:
		return CLEANUP_SET;
	}
}

static void
answer_check(uint32_t got, unsigned int error, unsigned int index, int event)
{
	if (got != ANSWER(error, index))
		fail_msg("%s: %c answered %u at %u, not %u at %u", sequence, event, got & 0xffff,
		    got >> 16, error, index);
}

static void
phase_play(char event)
{
	size_t number = islower(event) ? 2 : 1;
	int kind = toupper(event);
	const char *pdu = model_pdu(&model, number, kind == EVENT_BAD);
	struct model_answer expected = model_phase(&model, number, kind);

	phase_begin(type_of(kind), (uint32_t)number, pdu);
	answer_check(phase_send(), expected.error, expected.index, event);
}

/* Phases of a transaction that was never tested change nothing. */
static void
stranger_play(void)
{
	phase_begin(COMMIT_SET, UNKNOWN_TRANSACTION, NULL);
	answer_check(phase_send(), MIB_COMMIT_FAILED, 1, EVENT_STRANGER);
	phase_begin(UNDO_SET, UNKNOWN_TRANSACTION, NULL);
	answer_check(phase_send(), MIB_NO_ERROR, 0, EVENT_STRANGER);
	phase_begin(CLEANUP_SET, UNKNOWN_TRANSACTION, NULL);
	phase_send();
}

static void
wrong_play(void)
{
	for (uint8_t type = TEST_SET; type <= CLEANUP_SET; type++) {
		request_begin(&request, type, 1);
		message_begin(&request, type, 0, SESSION_ID + 1, 1, request.packet);
		pdus++;
		if (type == CLEANUP_SET)
			message_send(&request);
		else
			answer_check(exchange(&request, &reply), 257, 0, EVENT_WRONG);
	}
}

static void
lost_play(void)
{
	master_hang_up();
	run_ms(0);
	assert_false(agentx_serving(agentx));
	run_until_serving(10000);
	run_ms(0);
	model_lost(&model);
}

/* Writes the releases first: lbclusterd would write them later, over the values of plain SQL. */
static void
other_play(void)
{
	if (mib_needs_flush(f.mib))
		mib_flush(f.mib);
	fixture_sql(f.main, "BEGIN; UPDATE real_service SET weight = 8 WHERE id = 1;"
	    "UPDATE setting SET value = value + 1 WHERE name = 'set_lock'; COMMIT");
	model_other(&model);
	fixture_refresh(&f);
}

static void
flush_play(void)
{
	if (mib_needs_flush(f.mib))
		mib_flush(f.mib);
	assert_false(mib_needs_flush(f.mib));
	fixture_refresh(&f);
}

static void
event_play(char event)
{
	switch (event) {
	case EVENT_STRANGER:
		stranger_play();
		break;
	case EVENT_WRONG:
		wrong_play();
		break;
	case EVENT_LOST:
		lost_play();
		break;
	case EVENT_OTHER:
		other_play();
		break;
	case EVENT_FLUSH:
		flush_play();
		break;
	default:
		phase_play(event);
		break;
	}
}

/* -- checks -------------------------------------------------------------------------------- */

/* Compares what a manager reads. 'rest' is the part of the sequence that was not played. */
static void
served_check(const char *rest)
{
	enum { JOBS_ACTIVE = 6 };
	static const char *const names[] = { ".1.4.1.8.1.1.1", ".1.4.1.8.2.3.6",
	    ".1.4.1.9.1.2.4", ".1.4.1.9.1.2.5", ".1.3.1.29.2.3", ".1.1.2.0", ".1.7.5.0" };
	const uint32_t expected[] = { model.values[A_WEIGHT], model.values[H_WEIGHT],
	    2 - model.values[X_FALLBACK], 2 - model.values[Y_FALLBACK],
	    2 - model.values[R_ENABLED], model.lock, model_jobs_active(&model) };
	struct mib_varbind varbind;

	request_begin(&request, GET, 0);
	pdus++;
	for (size_t i = 0; i < COUNT(names); i++) {
		varbind.name = oid_make(names[i]);
		put_name(&request, &varbind.name, false);
		put_null_oid(&request);
	}
	ask(&request, &reply, 0, 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		take_varbind(&reply, &varbind);
		/* A superseded job is shown as superseded once the release is written. */
		if (i == JOBS_ACTIVE && mib_needs_flush(f.mib))
			continue;
		if (varbind.value.number != expected[i])
			fail_msg("%s: %s is %u, not %u, before '%s'", sequence, names[i],
			    varbind.value.number, expected[i], rest);
	}
	take_end(&reply);
}

static void
stored_check(const char *when)
{
	char sql[256];
	const char *stored;

	stored = fixture_text(f.main, "SELECT group_concat(v, ' ') FROM ("
	    "SELECT weight AS v FROM real_service WHERE id = 1 UNION ALL"
	    " SELECT weight FROM real_service WHERE id = 6 UNION ALL"
	    " SELECT fallback FROM real_service WHERE id = 4 UNION ALL"
	    " SELECT fallback FROM real_service WHERE id = 5 UNION ALL"
	    " SELECT enabled FROM service WHERE id = 3 UNION ALL"
	    " SELECT value FROM setting WHERE name = 'set_lock')");
	if (strcmp(stored, model_settings(&model)) != 0)
		fail_msg("%s: settings %s are %s, not %s", sequence, when, stored,
		    model_settings(&model));
	snprintf(sql, sizeof(sql), "SELECT ifnull(real_id, service_id) || ' ' || old_value || '>'"
	    " || new_value || ' ' || state FROM job WHERE id > %lld ORDER BY id",
	    (long long)first_job);
	stored = fixture_text(f.main, sql);
	if (strcmp(stored, model_jobs(&model)) != 0)
		fail_msg("%s: jobs %s are %s, not %s", sequence, when, stored,
		    model_jobs(&model));
}

static void
sequence_begin(void)
{
	fixture_sql(f.main, "BEGIN; UPDATE job SET state = 3 WHERE state < 3;"
	    "UPDATE real_service SET weight = 10 WHERE weight <> 10;"
	    "UPDATE real_service SET fallback = 0 WHERE id = 5 AND fallback <> 0;"
	    "UPDATE real_service SET fallback = 1 WHERE id = 4 AND fallback <> 1;"
	    "UPDATE service SET enabled = 1 WHERE enabled <> 1;"
	    "UPDATE setting SET value = 0 WHERE name = 'set_lock' AND value <> 0; COMMIT");
	fixture_refresh(&f);
	real_notifications_drop();
	first_job = fixture_number(f.main, "SELECT max(id) FROM job");
	model_begin(&model);
}

/* After a new session the next SET works. */
static void
sequence_end(void)
{
	flush_play();
	stored_check("at the end");
	lost_play();
	stored_check("after the session");
	for (const char *event = "TCX"; *event != '\0'; event++)
		phase_play(*event);
	served_check("");
	flush_play();
	stored_check("after one more SET");
	other_play();
	served_check("");
}

static void
sequence_play(void)
{
	sequence_begin();
	for (const char *event = sequence; *event != '\0'; event++) {
		event_play(*event);
		served_check(event + 1);
	}
	sequence_end();
	sequences++;
}

/* -- the tests --------------------------------------------------------------------------------- */

/* A typing error must not turn the test off. */
static long
environment(const char *name, long otherwise)
{
	const char *text = getenv(name);
	long value;
	char *end;

	if (text == NULL)
		return otherwise;
	value = strtol(text, &end, 10);
	if (value < 1 || *end != '\0')
		fail_msg("%s=%s: not a number above 0", name, text);
	return value;
}

/* Plays every sequence of 'length' events of 'events'. */
static void
play_all(const char *events, size_t length)
{
	size_t kinds = strlen(events), at[RANDOM_LENGTH] = { 0 }, i;

	do {
		for (i = 0; i < length; i++)
			sequence[i] = events[at[i]];
		sequence[length] = '\0';
		sequence_play();
		for (i = 0; i < length && ++at[i] == kinds; i++)
			at[i] = 0;
	} while (i < length);
}

/* Memory and descriptors do not grow with the number of sequences. */
static void
play_all_within_bounds(const char *events, size_t length)
{
	struct usage usage;

	for (size_t n = 1; n < length; n++)
		play_all(events, n);
	usage = real_usage();
	play_all(events, length);
	real_usage_check(&usage, HEAP_SLACK);
}

static void
short_sequence_of_any_events_matches_the_model(void **state)
{
	(void)state;
	play_all_within_bounds(EVENTS_ALL, (size_t)environment("LBCLUSTER_PHASES_LENGTH", LENGTH));
}

static void
sequence_of_phases_matches_the_model(void **state)
{
	(void)state;
	play_all_within_bounds(EVENTS_CORE,
	    (size_t)environment("LBCLUSTER_PHASES_LENGTH", LENGTH) + 1);
}

static void
long_random_sequence_matches_the_model(void **state)
{
	long n = environment("LBCLUSTER_PHASES_RANDOM", RANDOM);
	const char *given = getenv("LBCLUSTER_PHASES_SEQUENCE");

	(void)state;
	if (given != NULL && (strlen(given) > RANDOM_LENGTH ||
	    given[strspn(given, EVENTS_ALL)] != '\0'))
		fail_msg("LBCLUSTER_PHASES_SEQUENCE: at most %d of " EVENTS_ALL, RANDOM_LENGTH);
	for (long i = 0; i < n; i++) {
		for (size_t k = 0; k < RANDOM_LENGTH; k++)
			sequence[k] = EVENTS_ALL[fixture_random(sizeof(EVENTS_ALL) - 1)];
		sequence[RANDOM_LENGTH] = '\0';
		if (given != NULL)
			snprintf(sequence, sizeof(sequence), "%s", given);
		sequence_play();
	}
}

/* Repeated phases, and SETs one after the other. */
static void
chosen_sequence_matches_the_model(void **state)
{
	static const char *const chosen[] = {
		"TCXTCX", "TCUTCU", "TCUTCX", "TCXTCU", "TCLTCX", "TTCCXX", "TTCCUU", "TCUUTCX",
		"TCTCTCX", "TCTUTCX", "TCTXC", "CUXTCX", "XXUUTC", "TXTXTXTC", "TCXTCLTCU",
		"TCXXTTCCUUXX", "TLTLTCLLTC",
	};

	(void)state;
	play_all("TCUXL", 4);
	for (size_t i = 0; i < COUNT(chosen); i++) {
		snprintf(sequence, sizeof(sequence), "%s", chosen[i]);
		sequence_play();
	}
}

/* Plays all ways to mix the events of two transactions. */
static void
mixed_play(const char *first, const char *second, size_t n)
{
	if (*first != '\0') {
		sequence[n] = *first;
		mixed_play(first + 1, second, n + 1);
	}
	if (*second != '\0') {
		sequence[n] = (char)tolower(*second);
		mixed_play(first, second + 1, n + 1);
	}
	sequence[n] = '\0';
	if (*first == '\0' && *second == '\0')
		sequence_play();
}

static void
mixed_transactions_match_the_model(void **state)
{
	static const char *const lives[] = { "TCX", "TCU", "TX", "TU" };

	(void)state;
	for (size_t i = 0; i < COUNT(lives); i++)
		for (size_t k = 0; k < COUNT(lives); k++)
			mixed_play(lives[i], lives[k], 0);
}

static int
phases_begin(void **state)
{
	if (world_begin(state) != 0)
		return -1;
	run_until_serving(1000);
	/* Makes the connection of the test fast. */
	fixture_number(f.main, "PRAGMA journal_mode = MEMORY");
	real_jobs_fill(JOBS_KEPT);
	return 0;
}

static int
phases_end(void **state)
{
	print_message("%lu sequences, %lu requests\n", sequences, pdus);
	return world_end(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, phases_begin, phases_end)

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(short_sequence_of_any_events_matches_the_model),
		TEST(sequence_of_phases_matches_the_model),
		TEST(chosen_sequence_matches_the_model),
		TEST(mixed_transactions_match_the_model),
		TEST(long_random_sequence_matches_the_model),
	};

	(void)argc;
	real_heap_exact(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
