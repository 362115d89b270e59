/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The event loop of a program: descriptors by poll(2), a handful of timers and
 * signals. One thread. Nothing called from it may wait.
 */
#ifndef UTIL_LOOP_H
#define UTIL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* 'events' are those of poll(2) that came. */
typedef void (*loop_fd_fn)(void *arg, short events);
typedef void (*loop_timer_fn)(void *arg);

/* A timer lives in its owner, who cancels it before going. Zero it, then
 * loop_timer_set(). */
struct loop_timer {
	int64_t			 at_ms;		/* clock_steady_ms() when due */
	loop_timer_fn		 fn;
	void			*arg;
	struct loop_timer	*next;
	bool			 armed;
};

/* NULL without memory. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Watches 'fd' for 'events' of poll(2) from now on, in place of what was asked
 * for it before; 'events' 0 ends the watch, and must come before close(2).
 * At most 16 descriptors: false beyond. A function called before in the same turn
 * of the loop may do either to any descriptor. */
bool loop_fd_watch(struct loop *loop, int fd, short events, loop_fd_fn fn, void *arg);

/* Calls fn(arg) from the loop when 'signo' came, once for any number of times; at other
 * moments it is blocked. At most 4 signals, for the life of the process: false beyond,
 * or with errno. */
bool loop_signal_watch(struct loop *loop, int signo, loop_timer_fn fn, void *arg);

/* The signals of a program that serves, while it starts: SIGTERM and SIGINT end it there
 * and then, see signals_end(), SIGPIPE and SIGXFSZ are nothing, SIGHUP will be hangup(arg)
 * from the loop. False as loop_signal_watch(). */
bool loop_signals_start(struct loop *loop, loop_timer_fn hangup, void *arg);
/* And once it has started: SIGTERM and SIGINT are loop_stop(), so that it ends in order. */
bool loop_signals_serve(struct loop *loop);

/* Calls fn(arg) once, 'after_ms' milliseconds from now or as soon after as the
 * loop comes to it; timers due at the same time in the order they were set. Setting
 * an armed timer moves it. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms,
    loop_timer_fn fn, void *arg);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* Serves until loop_stop(), at once if that came before. */
void loop_run(struct loop *loop);

/* Ends loop_run(): nothing else is called once the function it came from returns. */
void loop_stop(struct loop *loop);

#endif
