/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Waiting for descriptors; see wait.h.
 *
 * The time is given to a timerfd that stays armed over many turns, and not to poll(2),
 * which would set and clear a timer of the processor in each of them: a tenth of what a
 * GETNEXT costs here, on a virtual machine.
 */
#include "util/wait.h"

#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "util/clock.h"

/* Of the process, as the one loop is. */
static int timer_fd = -1;
static int64_t armed_ms = WAIT_FOR_EVER;

/* False without a timer: then poll(2) keeps the time. */
static bool
timer_arm(int64_t until_ms)
{
	struct itimerspec spec = { 0 };

	if (timer_fd == -1)
		timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer_fd == -1)
		return false;
	if (until_ms == armed_ms)
		return true;
	if (until_ms != WAIT_FOR_EVER) {
		spec.it_value.tv_sec = (time_t)(until_ms / 1000);
		/* A time of 0 would mean none. */
		spec.it_value.tv_nsec = (long)(until_ms % 1000) * 1000000 + 1;
	}
	if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == -1)
		return false;
	armed_ms = until_ms;
	return true;
}

static int
timeout_ms(int64_t until_ms)
{
	int64_t left;

	if (until_ms == WAIT_FOR_EVER)
		return -1;
	left = until_ms - clock_steady_ms();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

int
wait_ready(struct pollfd *fds, nfds_t n, int64_t until_ms)
{
	uint64_t expirations;
	int ready;

	if (!timer_arm(until_ms))
		return poll(fds, n, timeout_ms(until_ms));
	fds[n].fd = timer_fd;
	fds[n].events = POLLIN;
	ready = poll(fds, n + 1, -1);
	if (ready > 0 && fds[n].revents != 0) {
		ready--;
		armed_ms = WAIT_FOR_EVER;	/* over: it has to be set again */
		if (read(timer_fd, &expirations, sizeof(expirations)) == -1)
			return ready;	/* nobody else reads it */
	}
	return ready;
}
