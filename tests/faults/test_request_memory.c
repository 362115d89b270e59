/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Requests without enough memory: the n-th allocation of the process fails, for each n, in each
 * kind of request and each phase of a SET. The answer is an error or correct, or the session ends.
 * The store has what the answers to the master say. The next request is answered correctly.
 */
#include "../unit/agentx_real.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "any_memory.h"

enum {
	ERRORS_AT = HEADER + 4,		/* res.error and res.index */
	VARBINDS_AT = HEADER + 8,
	TURNS = 20,			/* turns of the loop until the answer */
	JOBS_KEPT = 10,
	GEN_ERR = 5, PARSE_ERROR = 266, PROCESSING_ERROR = 268,
};

static struct message request, reply;
static long faults;

static void
begin(uint8_t type)
{
	static uint32_t packet;

	message_begin(&request, type, NETWORK, SESSION_ID, transaction, ++packet);
}

static void
put_range(const char *name)
{
	struct mib_oid oid = oid_make(name);

	put_name(&request, &oid, false);
	put_null_oid(&request);
}

/* Sends the request; the n-th allocation fails (0: none). Returns false without an answer: the
 * session ended, or the request has none. */
static bool
asked(long n)
{
	bool wanted = request.type != CLEANUP_SET;

	message_send(&request);
	any_memory_fails_at(n);
	for (int i = 0; i < TURNS && agentx_serving(agentx) && master.peer.n == master.peer.at; i++)
		run_ms(1);
	any_memory_fails_at(0);
	if (!wanted || !agentx_serving(agentx))
		return false;
	message_receive(&reply);
	assert_int_equal(reply.type, RESPONSE);
	assert_int_equal(reply.packet, request.packet);
	return true;
}

static unsigned int
error_of_reply(void)
{
	reply.at = ERRORS_AT;
	return take_16(&reply);
}

static void
serves_again(void)
{
	run_until_serving(10000);
	run_ms(10);
}

/* Skips some of many numbers, unless FAULTS_ALL is set. */
static long
next_number(long n)
{
	return getenv("FAULTS_ALL") != NULL || n < 40 ? n + 1 : n + n / 4;
}

/* -- reading ------------------------------------------------------------------------------ */

static const struct {
	const char	*name;
	uint8_t		 type;
	const char	*names[4];
} reads[] = {
	{ "Get", GET, { ".1.4.1.8.1.1.1", ".1.4.1.3.1.1.1", ".1.1.1.0", ".1.4.1.8.1.1.99" } },
	{ "GetNext", GET_NEXT, { ".1.4.1.8", ".1.4.1.3", ".1", ".9" } },
	{ "GetBulk", GET_BULK, { ".1.1", ".1.4.1.3", ".1.4.1.8", ".1.5" } },
};

static void
read_begin(size_t i)
{
	begin(reads[i].type);
	if (reads[i].type == GET_BULK) {
		put_16(&request, 1);
		put_16(&request, 8);
	}
	for (size_t j = 0; j < sizeof(reads[i].names) / sizeof(reads[i].names[0]); j++)
		put_range(reads[i].names[j]);
}

static void
reading_without_memory_is_an_error_or_correct(void **state)
{
	static struct message right;

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		read_begin(i);
		assert_true(asked(0));
		assert_int_equal(error_of_reply(), 0);
		right = reply;
		for (long n = 1; ; n = next_number(n)) {
			bool failed, answered;

			read_begin(i);
			answered = asked(n);
			failed = any_memory_failed();
			faults += failed;
			if (answered && error_of_reply() == 0) {
				if (reply.n != right.n || memcmp(reply.data + VARBINDS_AT,
				    right.data + VARBINDS_AT, right.n - VARBINDS_AT) != 0)
					fail_msg("%s, allocation %ld: the answer is wrong",
					    reads[i].name, n);
			} else if (answered) {
				unsigned int error = error_of_reply();

				assert_true(error == GEN_ERR || error == PARSE_ERROR ||
				    error == PROCESSING_ERROR);
			}
			if (!failed)
				break;
			serves_again();
			read_begin(i);
			assert_true(asked(0));
			assert_int_equal(reply.n, right.n);
			assert_memory_equal(reply.data + VARBINDS_AT, right.data + VARBINDS_AT,
			    right.n - VARBINDS_AT);
		}
	}
}

/* -- a SET ---------------------------------------------------------------------------------- */

static const char set_text[] = "A.weight=7 B.weight=8 H.enabled=2 F.enabled=1";
static const char back_text[] = "A.weight=10 B.weight=10 H.enabled=1 F.enabled=2";

enum fate { DONE, REFUSED, LOST };

static void
set_begin(uint8_t phase, const char *text)
{
	struct pdu set;

	begin(phase);
	if (phase != TEST_SET)
		return;
	set = pdu_make(text);
	for (size_t i = 0; i < set.n; i++)
		put_varbind(&request, &set.varbinds[i]);
}

/* Does a SET like snmpd; the n-th allocation of 'phase' fails. An UndoSet follows a successful
 * CommitSet, as if another subagent had refused its part. */
static enum fate
set_with_fault(const char *text, uint8_t phase, long n)
{
	static const uint8_t phases[] = { TEST_SET, COMMIT_SET, CLEANUP_SET };
	enum fate fate = DONE;

	transaction++;
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		bool answered;

		if (phases[i] == CLEANUP_SET && phase == UNDO_SET) {
			set_begin(UNDO_SET, text);
			/* undoFailed: lbclusterd undoes the SET later. */
			return asked(n) && error_of_reply() == 0 ? REFUSED : LOST;
		}
		set_begin(phases[i], text);
		answered = asked(phases[i] == phase ? n : 0);
		if (phases[i] == CLEANUP_SET)
			return fate;
		if (!answered)
			return LOST;	/* snmpd has no session any more */
		if (error_of_reply() == 0)
			continue;
		set_begin(phases[i] == TEST_SET ? CLEANUP_SET : UNDO_SET, text);
		(void)asked(0);
		return REFUSED;
	}
	return fate;
}

static void
settle(void)
{
	serves_again();
	for (int i = 0; i < TURNS && mib_needs_flush(f.mib); i++)
		mib_flush(f.mib);
	assert_false(mib_needs_flush(f.mib));
	fixture_refresh(&f);
}

static void
set_without_memory_is_all_or_nothing(void **state)
{
	static const uint8_t phases[] = { TEST_SET, COMMIT_SET, UNDO_SET, CLEANUP_SET };
	char before[256], after[256];

	(void)state;
	snprintf(before, sizeof(before), "%s", rows_stored());
	assert_int_equal(set_with_fault(set_text, TEST_SET, 0), DONE);
	settle();
	snprintf(after, sizeof(after), "%s", rows_stored());
	assert_string_not_equal(before, after);
	assert_int_equal(set_with_fault(back_text, TEST_SET, 0), DONE);
	settle();
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		bool failed = true;

		for (long n = 1; failed; n = next_number(n)) {
			enum fate fate = set_with_fault(set_text, phases[i], n);
			bool done;

			failed = any_memory_failed();
			settle();
			done = strcmp(rows_stored(), after) == 0;
			if (!done && strcmp(rows_stored(), before) != 0)
				fail_msg("phase %d, allocation %ld: half done: %s", phases[i], n,
				    rows_stored());
			if (done != (fate == DONE))
				fail_msg("phase %d, allocation %ld: %s, but the answer is %d",
				    phases[i], n,
				    done ? "done" : "not done", (int)fate);
			assert_int_equal(get_number(".1.4.1.8.1.1.1"), done ? 7 : 10);
			/* The next SETs succeed. */
			assert_int_equal(set_with_fault(set_text, TEST_SET, 0), DONE);
			settle();
			assert_string_equal(rows_stored(), after);
			assert_int_equal(set_with_fault(back_text, TEST_SET, 0), DONE);
			settle();
			assert_string_equal(rows_stored(), before);
			faults += failed;
		}
	}
}

/* -- what others changed ------------------------------------------------------------- */

/* Renames, adds, removes and changes rows and statistics; 'n' makes unique names. */
static void
others_change(long n)
{
	fixture_sql(f.main, "DELETE FROM real_service WHERE name LIKE 'n%%';"
	    "INSERT INTO real_service (service_id, name) VALUES (1, 'n%ld'), (2, 'n%ld');"
	    "UPDATE cluster SET name = 'w%ld' WHERE id = 1;"
	    "UPDATE service SET address = 'a%ld' WHERE id = 1;"
	    "UPDATE real_service SET weight = %ld WHERE id = 1", n, n, n, n, n % 1000);
	fixture_sql(f.stats, "REPLACE INTO statistics (real_id, active, bps_in)"
	    " VALUES (1, 1, %ld)", n);
}

/* The engine serves the old or the new row, and the new one after the next refresh. */
static void
changes_without_memory_are_read_later(void **state)
{
	bool failed = true;

	(void)state;
	for (long n = 1; failed; n = next_number(n)) {
		int64_t old = get_number(".1.4.1.8.1.1.1"), now;
		struct err err;
		bool more;

		others_change(n + 100);
		(void)store_changed(f.store);
		any_memory_fails_at(n);
		(void)cache_refresh(f.cache, f.store, 1000, fixture_now, &more, &err);
		any_memory_fails_at(0);
		failed = any_memory_failed();
		faults += failed;
		now = get_number(".1.4.1.8.1.1.1");
		assert_true(now == old || now == (n + 100) % 1000);
		fixture_refresh(&f);
		assert_int_equal(get_number(".1.4.1.8.1.1.1"), (n + 100) % 1000);
		assert_int_equal(tree_count(&f.cache->tree, STORE_REAL),
		    fixture_number(f.main, "SELECT count(*) FROM real_service"));
		serves_again();
	}
}

static int
setup(void **state)
{
	if (world_begin(state) != 0)
		return -1;
	if (!any_memory_possible())
		return 0;
	real_jobs_fill(JOBS_KEPT);
	serves_again();
	return 0;
}

static int
faults_print(void **state)
{
	(void)state;
	print_message("%ld allocations failed\n", faults);
	return 0;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_end)
	const struct CMUnitTest tests[] = {
		TEST(reading_without_memory_is_an_error_or_correct),
		TEST(set_without_memory_is_all_or_nothing),
		TEST(changes_without_memory_are_read_later),
	};

	if (!any_memory_possible())
		return 77;
	/* Without the lookaside memory of SQLite, which never fails. */
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	return cmocka_run_group_tests_name("request_memory", tests, NULL, faults_print);
}
