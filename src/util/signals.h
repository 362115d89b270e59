/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Signals that come only while the loop waits: noted then, and dealt with by it. Costs
 * nothing where none comes, unlike a signalfd(2), which poll(2) looks at in every turn.
 */
#ifndef UTIL_SIGNALS_H
#define UTIL_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Until signals_catch(): 'signo' ends the process there and then, with status 0. For a
 * start that may take long, whatever it waits for; to the store it is a crash, which it
 * withstands. False with errno on failure. */
bool signals_end(int signo);

/* Blocks 'signo' but in a wait with signals_wait_mask(), and notes it when it comes.
 * False with errno on failure. */
bool signals_catch(int signo);

/* True if it came since the last call for it. */
bool signals_take(int signo);

/* True if one of those waits to be let through. */
bool signals_wait(void);

/* For ppoll(2): lets through what is caught, and what was let through at the start. */
const sigset_t *signals_wait_mask(void);

#endif
