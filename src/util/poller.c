/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The wait of the loop; see poller.h.
 *
 * setitimer(2) keeps the time: its alarm stays set over many turns, while poll(2) with a
 * timeout sets and clears a timer in each turn. Caught signals in place of a signalfd(2)
 * leave one descriptor fewer to poll. Both together save 5 % of the time of a GETNEXT
 * (measured side by side, doc/performance.txt).
 */
#include "util/poller.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#include "util/clock.h"
#include "util/signals.h"

/* When the alarm is set to go off. There is one alarm per process. */
static int64_t alarm_ms = POLLER_FOREVER;

/* Sets the alarm. False if 'until_ms' has passed or the alarm cannot be set; the caller must
 * not block then. */
static bool
alarm_set(int64_t until_ms)
{
	static bool caught;
	struct itimerval interval = { 0 };
	int64_t left = 0;

	if (until_ms == alarm_ms)
		return true;
	if (!caught && !(caught = signals_catch(SIGALRM)))
		return false;
	if (until_ms != POLLER_FOREVER) {
		left = until_ms - clock_steady_ms();
		if (left <= 0)
			return false;
	}
	/* An interval of 0 disarms the alarm. */
	interval.it_value.tv_sec = (time_t)(left / 1000);
	interval.it_value.tv_usec = (suseconds_t)(left % 1000) * 1000;
	if (setitimer(ITIMER_REAL, &interval, NULL) == -1)
		return false;
	alarm_ms = until_ms;
	return true;
}

int
poller_wait(struct pollfd *fds, nfds_t n, int64_t until_ms)
{
	static const struct timespec none;
	int ready = ppoll(fds, n, alarm_set(until_ms) ? NULL : &none, signals_wait_mask());

	if (signals_take(SIGALRM))
		alarm_ms = POLLER_FOREVER;
	return ready;
}
