/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The event loop of a program: file descriptors by poll(2), timers and signals, in one
 * thread. A function that the loop calls must not block.
 */
#ifndef UTIL_LOOP_H
#define UTIL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* 'events' are the revents of poll(2). */
typedef void (*loop_fd_fn)(void *arg, short events);
typedef void (*loop_timer_fn)(void *arg);

/* A timer is a member of its owner's struct. The owner zeroes it before the first
 * loop_timer_set() and cancels it before the struct is freed. */
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

/* Watches 'fd' for 'events' of poll(2); replaces an earlier watch of 'fd'. 'events' 0 ends the
 * watch, which the caller must do before close(2). False without memory. A function that the loop
 * calls may begin or end the watch of any descriptor, also of one that is ready in the same
 * turn. */
bool loop_fd_watch(struct loop *loop, int fd, short events, loop_fd_fn fn, void *arg);

/* Calls fn(arg) from the loop after 'signo' arrived, once for several arrivals. The signal is
 * blocked outside the loop's wait. False if the process watches 4 signals already, and with errno
 * if the system call fails. A watch of a signal has no end. */
bool loop_signal_watch(struct loop *loop, int signo, loop_timer_fn fn, void *arg);

/* Sets the signals of a daemon for the time of its start: SIGTERM and SIGINT end the process
 * at once (signals_exit_on()), SIGPIPE and SIGXFSZ are ignored, SIGHUP calls hangup(arg) from
 * the loop. Fails as loop_signal_watch() does. */
bool loop_signals_start(struct loop *loop, loop_timer_fn hangup, void *arg);
/* Sets the signals for the time after the start: SIGTERM and SIGINT call loop_stop(). */
bool loop_signals_serve(struct loop *loop);

/* Calls fn(arg) once, at least 'after_ms' milliseconds from now. Timers due at the same time
 * run in the order in which they were set. Setting an armed timer moves it. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms,
    loop_timer_fn fn, void *arg);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* Runs until loop_stop(); returns at once if loop_stop() was called before. */
void loop_run(struct loop *loop);

/* Ends loop_run(). The loop calls no further function after the caller returns. */
void loop_stop(struct loop *loop);

#endif
