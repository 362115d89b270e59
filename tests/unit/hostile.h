/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A subagent and a store for each test of hostile masters. The end of each test checks that the
 * master changed nothing.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include "agentx_real.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	NOT_OPEN = 257, UNSUPPORTED_CONTEXT = 262, PARSE_ERROR = 266, PROCESSING_ERROR = 268,
};

extern struct message request, reply;

/* Append the range of one name, or the varbinds of a SET as pdu_make() reads it. */
void put_range(const char *name);
void put_set(const char *text);

/* Checks that a GET is answered, on a new connection if the session ended. */
void service_check(void);
/* Ends the connection and waits for a new session. */
void session_renew(void);

/* A cmocka test. The body runs twice; the second run must need no more descriptors and memory
 * than the first. */
#define HOSTILE_TEST(name)                                                     \
	static void name##_once(void);                                         \
	static void name(void **state)                                         \
	{                                                                      \
		(void)state;                                                   \
		hostile_run_twice(name##_once);                                    \
	}                                                                      \
	static void name##_once(void)

void hostile_run_twice(void (*body)(void));

/* Setup and teardown of a test. At the end the rows are unchanged, all jobs have ended, and no
 * SET is open. */
int hostile_begin(void **state);
int hostile_end(void **state);

#endif
