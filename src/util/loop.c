/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The event loop; see loop.h.
 */
#include "util/loop.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>

#include "util/clock.h"

enum { FDS_MAX = 16 };

struct loop {
	struct pollfd		 fds[FDS_MAX];
	struct {
		loop_fd_fn	 fn;
		void		*arg;
	} watchers[FDS_MAX];
	nfds_t			 n;
	struct loop_timer	*timers;	/* the earliest first */
	bool			 stop;
};

struct loop *
loop_new(void)
{
	return calloc(1, sizeof(struct loop));
}

void
loop_free(struct loop *loop)
{
	free(loop);
}

bool
loop_fd_watch(struct loop *loop, int fd, short events, loop_fd_fn fn, void *arg)
{
	nfds_t i;

	for (i = 0; i < loop->n && loop->fds[i].fd != fd; i++)
		;
	if (events == 0) {
		/* The slot is only marked: loop_run() may be walking over it. */
		if (i < loop->n)
			loop->fds[i].fd = -1;
		return true;
	}
	if (i == loop->n) {
		for (i = 0; i < loop->n && loop->fds[i].fd != -1; i++)
			;
		if (i == FDS_MAX)
			return false;
		if (i == loop->n)
			loop->n++;
		loop->fds[i].revents = 0;
	}
	loop->fds[i].fd = fd;
	loop->fds[i].events = events;
	loop->watchers[i].fn = fn;
	loop->watchers[i].arg = arg;
	return true;
}

void
loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer **p = &loop->timers;

	if (!timer->armed)
		return;
	while (*p != timer)
		p = &(*p)->next;
	*p = timer->next;
	timer->armed = false;
}

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms,
    loop_timer_fn fn, void *arg)
{
	struct loop_timer **p = &loop->timers;

	loop_timer_cancel(loop, timer);
	timer->at_ms = clock_steady_ms() + after_ms;
	timer->fn = fn;
	timer->arg = arg;
	while (*p != NULL && (*p)->at_ms <= timer->at_ms)
		p = &(*p)->next;
	timer->next = *p;
	*p = timer;
	timer->armed = true;
}

/* Timers that a due timer sets for "now" wait for the next turn, so that
 * descriptors are never starved. */
static void
timers_run(struct loop *loop)
{
	int64_t now = clock_steady_ms();
	int budget = 8;

	while (loop->timers != NULL && loop->timers->at_ms <= now && budget-- > 0) {
		struct loop_timer *timer = loop->timers;

		loop_timer_cancel(loop, timer);
		timer->fn(timer->arg);
	}
}

static int
timeout_ms(const struct loop *loop)
{
	int64_t left;

	if (loop->timers == NULL)
		return -1;
	left = loop->timers->at_ms - clock_steady_ms();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

void
loop_run(struct loop *loop)
{
	loop->stop = false;
	while (!loop->stop) {
		int ready = poll(loop->fds, loop->n, timeout_ms(loop));

		for (nfds_t i = 0; ready > 0 && i < loop->n; i++) {
			short events = loop->fds[i].revents;

			loop->fds[i].revents = 0;
			if (loop->fds[i].fd >= 0 && events != 0)
				loop->watchers[i].fn(loop->watchers[i].arg, events);
		}
		timers_run(loop);
	}
}

void
loop_stop(struct loop *loop)
{
	loop->stop = true;
}
