/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/loop.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/signals.h"
#include "util/poller.h"

enum { FDS_MIN = 16, SIGNALS_MAX = 4 };

struct watcher {
	loop_fd_fn	 fn;
	void		*arg;
};

struct loop {
	struct pollfd		*fds;
	struct watcher		*watchers;	/* of the same index in 'fds' */
	nfds_t			 n, room;
	struct {
		int		 signo;
		loop_timer_fn	 fn;
		void		*arg;
	} signals[SIGNALS_MAX];
	size_t			 n_signals;
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
	if (loop == NULL)
		return;
	free(loop->fds);
	free(loop->watchers);
	free(loop);
}

static bool
fds_grow(struct loop *loop)
{
	nfds_t room = loop->room == 0 ? FDS_MIN : 2 * loop->room;
	struct pollfd *fds = realloc(loop->fds, room * sizeof(*fds));
	struct watcher *watchers;

	if (fds == NULL)
		return false;
	loop->fds = fds;
	watchers = realloc(loop->watchers, room * sizeof(*watchers));
	if (watchers == NULL)
		return false;
	loop->watchers = watchers;
	loop->room = room;
	return true;
}

/* Drops the free slots at the end, which poll(2) would otherwise read in each turn. */
static void
fds_trim(struct loop *loop)
{
	while (loop->n > 0 && loop->fds[loop->n - 1].fd == -1)
		loop->n--;
}

bool
loop_fd_watch(struct loop *loop, int fd, short events, loop_fd_fn fn, void *arg)
{
	nfds_t i;

	if (fd < 0)
		return events == 0;
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
		if (i == loop->room && !fds_grow(loop))
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

bool
loop_signal_watch(struct loop *loop, int signo, loop_timer_fn fn, void *arg)
{
	if (loop->n_signals == SIGNALS_MAX || !signals_catch(signo))
		return false;
	loop->signals[loop->n_signals].signo = signo;
	loop->signals[loop->n_signals].fn = fn;
	loop->signals[loop->n_signals++].arg = arg;
	return true;
}

bool
loop_signals_start(struct loop *loop, loop_timer_fn hangup, void *arg)
{
	/* A write to a closed connection, or to a file at its size limit, fails with an error
	 * and does not end the process. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return loop_signal_watch(loop, SIGHUP, hangup, arg) && signals_exit_on(SIGTERM) &&
	    signals_exit_on(SIGINT);
}

static void
on_end(void *arg)
{
	loop_stop(arg);
}

bool
loop_signals_serve(struct loop *loop)
{
	return loop_signal_watch(loop, SIGTERM, on_end, loop) &&
	    loop_signal_watch(loop, SIGINT, on_end, loop);
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

/* Runs the timers that are due at its start. Timers that these set for "now" run in the next
 * turn, so that descriptors are served in between. A pending signal ends the turn early: a
 * driver has a timer for each cluster, and each of them may wait for a disk. */
static void
timers_run(struct loop *loop)
{
	int64_t now = clock_steady_ms();
	size_t due = 0;

	for (struct loop_timer *t = loop->timers; t != NULL && t->at_ms <= now; t = t->next)
		due++;
	while (!loop->stop && loop->timers != NULL && loop->timers->at_ms <= now && due-- > 0) {
		struct loop_timer *timer = loop->timers;

		loop_timer_cancel(loop, timer);
		timer->fn(timer->arg);
		if (signals_wait())
			return;
	}
}

/* Calls the functions of ready descriptors. A function may change or end the watch of another
 * descriptor in the same turn; only events that are still watched are reported. */
static void
fds_run(struct loop *loop)
{
	for (nfds_t i = 0; i < loop->n && !loop->stop; i++) {
		short events = loop->fds[i].revents;

		loop->fds[i].revents = 0;
		events = (short)(events & (loop->fds[i].events | POLLERR | POLLHUP | POLLNVAL));
		if (loop->fds[i].fd >= 0 && events != 0)
			loop->watchers[i].fn(loop->watchers[i].arg, events);
	}
	fds_trim(loop);
}

static void
signals_run(struct loop *loop)
{
	for (size_t i = 0; i < loop->n_signals && !loop->stop; i++)
		if (signals_take(loop->signals[i].signo))
			loop->signals[i].fn(loop->signals[i].arg);
}

void
loop_run(struct loop *loop)
{
	while (!loop->stop) {
		/* -1: a signal arrived; signals_run() handles it. */
		if (poller_wait(loop->fds, loop->n, loop->timers == NULL ? POLLER_FOREVER :
		    loop->timers->at_ms) > 0)
			fds_run(loop);
		signals_run(loop);
		timers_run(loop);
	}
	loop->stop = false;
}

void
loop_stop(struct loop *loop)
{
	loop->stop = true;
}
