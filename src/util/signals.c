/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/signals.h"

#include <stddef.h>
#include <unistd.h>

enum { SIGNALS_MAX = 65 };

/* One set per process, as signals are. */
static volatile sig_atomic_t came[SIGNALS_MAX];
static sigset_t wait_mask;
static bool wait_mask_known;
static sigset_t caught;

static void
on_signal(int signo)
{
	came[signo] = 1;
}

const sigset_t *
signals_wait_mask(void)
{
	if (!wait_mask_known) {
		sigprocmask(SIG_BLOCK, NULL, &wait_mask);
		wait_mask_known = true;
	}
	return &wait_mask;
}

static void
on_signal_exit(int signo)
{
	(void)signo;
	_exit(0);
}

bool
signals_exit_on(int signo)
{
	const struct sigaction action = { .sa_handler = on_signal_exit };

	return sigaction(signo, &action, NULL) == 0;
}

bool
signals_catch(int signo)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	(void)signals_wait_mask();
	sigemptyset(&set);
	sigaddset(&set, signo);
	if (signo >= SIGNALS_MAX || sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    sigaction(signo, &action, NULL) == -1)
		return false;
	sigdelset(&wait_mask, signo);
	sigaddset(&caught, signo);
	return true;
}

bool
signals_wait(void)
{
	sigset_t pending;

	if (sigpending(&pending) == -1 || sigandset(&pending, &pending, &caught) == -1)
		return false;
	return sigisemptyset(&pending) == 0;
}

bool
signals_take(int signo)
{
	bool taken = came[signo] != 0;

	came[signo] = 0;
	return taken;
}

int
signals_thread_start(pthread_t *ret_thread, void *(*fn)(void *arg), void *arg)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(ret_thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}
