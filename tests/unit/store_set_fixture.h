/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For tests of SETs: a store of two clusters, SETs, and what is stored after them.
 */
#ifndef TESTS_STORE_SET_FIXTURE_H
#define TESTS_STORE_SET_FIXTURE_H

#include "store_fixture.h"

/* The results of store_set(). */
struct answer {
	enum err_code	code;
	struct verdict	verdict;
	uint32_t	first_job;
	size_t		jobs;
};

enum { NO_JOB = 4711 };		/* an output that store_set() did not set */

#define SET_OF(token_, ...)                                                    \
	(&(const struct store_set){                                            \
		.changes = (const struct change[]){ __VA_ARGS__ },             \
		.n = sizeof((const struct change[]){ __VA_ARGS__ }) / sizeof(struct change), \
		.lock = STORE_NO_LOCK, .source = JOB_SOURCE_SNMP, .token = (token_) })

/* Clusters plain (1, no data plane) and proxy (2, haproxy); services 1 and 2 of them, 3 of
 * proxy; real services 1, 2, 3 (fallback) of 1; 4, 5, 6 (fallback) of 2; 7 of 3. For
 * cmocka: *state is a struct fixture with it open; fixture_teardown() ends it. */
int two_clusters_setup(void **state);

#define STORE_SET_TEST(name) \
	cmocka_unit_test_setup_teardown(name, two_clusters_setup, fixture_teardown)

/* store_set(); asserts that there is a message if there is an error. */
struct answer do_set(struct fixture *f, enum store_set_mode mode, const struct store_set *set);

/* store_set_release() and store_flush(). */
void release(struct fixture *f, uint64_t token);

int64_t stored_number(struct fixture *f, const char *sql);
int64_t job_state(struct fixture *f, uint32_t id);
/* "weight fallback enabled" of a row. */
void assert_row(struct fixture *f, int id, const char *what);

/* All rows except counters and times. assert_stored_dump() compares and frees it. */
char *stored_dump(struct fixture *f);
void assert_stored_dump(struct fixture *f, char *before);

#endif
