/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Waiting; see wait.h.
 *
 * The time is kept by setitimer(2), whose alarm stays set over many turns, and not by
 * poll(2), which would set and clear a timer in each of them. With signals in place of
 * a signalfd(2) that leaves one descriptor to look at: together 5 % of the time of a
 * GETNEXT, measured side by side.
 */
#include "util/wait.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#include "util/clock.h"
#include "util/signals.h"

/* Of the process, as the alarm is. */
static int64_t alarm_ms = WAIT_FOR_EVER;

/* False if the time has come, or there is no alarm to be had: then do not wait long. */
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
	if (until_ms != WAIT_FOR_EVER) {
		left = until_ms - clock_steady_ms();
		if (left <= 0)
			return false;
	}
	/* An interval of 0 ends it. */
	interval.it_value.tv_sec = (time_t)(left / 1000);
	interval.it_value.tv_usec = (suseconds_t)(left % 1000) * 1000;
	if (setitimer(ITIMER_REAL, &interval, NULL) == -1)
		return false;
	alarm_ms = until_ms;
	return true;
}

int
wait_ready(struct pollfd *fds, nfds_t n, int64_t until_ms)
{
	static const struct timespec none;
	int ready = ppoll(fds, n, alarm_set(until_ms) ? NULL : &none, signals_wait_mask());

	if (signals_take(SIGALRM))
		alarm_ms = WAIT_FOR_EVER;
	return ready;
}
