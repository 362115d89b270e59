/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Signals that are delivered only while the loop waits, and recorded for it. Without a signal
 * this costs nothing, while poll(2) would check a signalfd(2) in every turn.
 */
#ifndef UTIL_SIGNALS_H
#define UTIL_SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* Until signals_catch(), 'signo' ends the process at once with status 0. For a program that may
 * block for long while it starts. To the store such an end is a crash, which loses nothing. False
 * with errno on failure. */
bool signals_exit_on(int signo);

/* Blocks 'signo' except in a wait with signals_wait_mask(), and records its arrival. False
 * with errno on failure. */
bool signals_catch(int signo);

/* True if 'signo' arrived since the last call for it. */
bool signals_take(int signo);

/* True if a signal of signals_catch() is pending. */
bool signals_wait(void);

/* The mask for ppoll(2): unblocks the signals of signals_catch() and those that were unblocked
 * when the process started. */
const sigset_t *signals_wait_mask(void);

/* Starts a thread in which all signals are blocked, so that the main thread gets them. Returns 0
 * or the error of pthread_create(3). */
int signals_thread_start(pthread_t *ret_thread, void *(*fn)(void *arg), void *arg);

#endif
