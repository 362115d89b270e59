/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Two clocks: the wall clock for times that people read, the steady clock for deadlines.
 */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>

/* Seconds since 1970-01-01 00:00:00 UTC. Every time in the store has this form. */
int64_t clock_wall_s(void);

/* Milliseconds of a clock that never jumps (CLOCK_MONOTONIC). */
int64_t clock_steady_ms(void);

enum { CLOCK_TEXT_SIZE = sizeof("-2147483648-01-01T00:00:00Z") };

/* A wall time as "2026-11-22T13:42:00Z"; "" for 0, which means never.
 * Returns 'buf'. */
const char *clock_text(int64_t wall_s, char buf[CLOCK_TEXT_SIZE]);

#endif
