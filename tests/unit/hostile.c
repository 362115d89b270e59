/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A subagent and a store for tests of hostile masters; see hostile.h.
 */
#include "hostile.h"

#include <string.h>

#include "agentx/wire.h"

enum { HEAP_SLACK = 8 * 1024, JOBS_KEPT = 10 };

struct message request, reply;

/* Decodes a copy of exactly this size, so that valgrind and the sanitizer find a codec that reads
 * beyond it. */
int __wrap_wire_decode(struct wire *wire, uint8_t *message, size_t length,
    netsnmp_pdu **ret_pdu);
int __real_wire_decode(struct wire *wire, uint8_t *message, size_t length,
    netsnmp_pdu **ret_pdu);

int
__wrap_wire_decode(struct wire *wire, uint8_t *message, size_t length, netsnmp_pdu **ret_pdu)
{
	uint8_t *copy = test_malloc(length);
	int error;

	memcpy(copy, message, length);
	error = __real_wire_decode(wire, copy, length, ret_pdu);
	test_free(copy);
	return error;
}

/* -- requests ---------------------------------------------------------------------------- */

void
put_range(const char *name)
{
	struct mib_oid oid = oid_make(name);

	put_name(&request, &oid, false);
	put_null_oid(&request);
}

void
put_set(const char *text)
{
	struct pdu set = pdu_make(text);

	for (size_t i = 0; i < set.n; i++)
		put_varbind(&request, &set.varbinds[i]);
}

void
service_check(void)
{
	struct mib_varbind varbind;

	run_ms(0);
	run_until_serving(10000);
	request_begin(&request, GET, 0);
	put_range(".1.4.1.8.1.1.1");
	ask(&request, &reply, 0, 0);
	take_varbind(&reply, &varbind);
	assert_int_equal(varbind.value.type, MIB_GAUGE32);
	assert_int_equal(varbind.value.number, 10);
	take_end(&reply);
}

void
session_renew(void)
{
	master_hang_up();
	run_ms(0);
	assert_false(agentx_serving(agentx));
	run_until_serving(10000);
	run_ms(0);
}

/* -- the world ----------------------------------------------------------------------------- */

void
hostile_run_twice(void (*body)(void))
{
	struct usage usage = { 0 };

	for (int i = 0; i < 2; i++) {
		body();
		service_check();
		session_renew();
		if (i == 0)
			usage = real_usage();
	}
	real_usage_check(&usage, HEAP_SLACK);
}

int
hostile_begin(void **state)
{
	if (world_begin(state) != 0)
		return -1;
	real_jobs_fill(JOBS_KEPT);
	run_until_serving(1000);
	run_ms(10);
	return 0;
}

int
hostile_end(void **state)
{
	bool flushed = !mib_needs_flush(f.mib);
	bool same_rows = strcmp(rows_stored(), ROWS_AT_FIRST) == 0;
	int64_t unfinished = fixture_number(f.main, "SELECT count(*) FROM job WHERE state < 3");

	/* Ends the session before the checks, so that a failure does not affect the next test. */
	world_end(state);
	assert_true(flushed);
	assert_true(same_rows);
	assert_int_equal(unfinished, 0);
	return 0;
}
