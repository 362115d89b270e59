/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the tests of hostile masters share: one world for each test, and at its end the
 * proof that the master has left no trace in it.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include "agentx_real.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	NOT_OPEN = 257, UNSUPPORTED_CONTEXT = 262, PARSE_ERROR = 266, PROCESSING_ERROR = 268,
};

extern struct message request, reply;

/* Appends the range of one name, or the varbinds of a SET as pdu_make() reads it. */
void put_range(const char *name);
void put_set(const char *text);

/* A GET is answered, on a new connection if the session has ended. */
void still_serves(void);
/* Ends the connection and waits for the next one. */
void session_renew(void);

/* A test of cmocka. What it holds is done twice: the second time must need no descriptor and
 * no memory that the first did not. */
#define HOSTILE_TEST(name)                                                     \
	static void name##_once(void);                                         \
	static void name(void **state)                                         \
	{                                                                      \
		(void)state;                                                   \
		hostile_twice(name##_once);                                    \
	}                                                                      \
	static void name##_once(void)

void hostile_twice(void (*body)(void));

/* A world for each test. At its end the rows are as they were at first, no job waits, and no
 * SET waits for anything. */
int hostile_begin(void **state);
int hostile_end(void **state);

#endif
