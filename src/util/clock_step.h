/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Ages of wall times that do not grow when someone sets the wall clock forward, as NTP does after
 * a start with a wrong clock.
 */
#ifndef UTIL_CLOCK_STEP_H
#define UTIL_CLOCK_STEP_H

#include <stdint.h>

/* Compares the wall clock with the steady clock. Call it about once a second from the start on:
 * a step is found by the first call after it. */
void clock_steps_note(void);

/* Returns how many seconds ago 'wall_s' was, at least 0. The steps forward that this process
 * found and that are later than 'wall_s' are not part of the age. */
int64_t clock_age_s(int64_t wall_s);

#endif
