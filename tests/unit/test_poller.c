/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/poller.c and signals.c with a loop in real time. They assert events and
 * their order, and no times.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/loop.h"
#include "util/signals.h"

static struct loop *loop;
static char order[16];
static char letters[] = "abcdefghijklmnopqrstuvwxyz";

static int
loop_setup(void **state)
{
	(void)state;
	memset(order, 0, sizeof(order));
	loop = loop_new();
	return loop == NULL ? -1 : 0;
}

static int
loop_teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void
note(void *arg)
{
	order[strlen(order)] = *(char *)arg;
}

static void
note_and_stop(void *arg)
{
	note(arg);
	loop_stop(loop);
}

static void
fd_nothing(void *arg, short events)
{
	(void)arg;
	(void)events;
}

static void
raise_user(void *arg)
{
	note(arg);
	raise(SIGUSR1);
	raise(SIGUSR1);
}

static void
signal_in_a_callback_is_delivered_once_by_the_loop(void **state)
{
	struct loop_timer timer = { 0 };

	(void)state;
	assert_true(loop_signal_watch(loop, SIGUSR1, note_and_stop, &letters['s' - 'a']));
	loop_timer_set(loop, &timer, 1, raise_user, &letters['t' - 'a']);
	loop_run(loop);
	assert_string_equal(order, "ts");
	assert_false(signals_take(SIGUSR1));
}

static void
signal_before_the_loop_is_not_lost(void **state)
{
	(void)state;
	assert_true(loop_signal_watch(loop, SIGUSR2, note_and_stop, &letters['s' - 'a']));
	raise(SIGUSR2);
	loop_run(loop);
	assert_string_equal(order, "s");
}

static void
signals_beyond_four_are_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(loop_signal_watch(loop, SIGRTMIN + i, note, &letters['s' - 'a']));
	assert_false(loop_signal_watch(loop, SIGUSR1, note, &letters['s' - 'a']));
	loop_free(loop);
	loop = loop_new();
	assert_false(loop_signal_watch(loop, SIGKILL, note, &letters['s' - 'a']));
}

/* Returns the exit status of a child process that runs the function; 7 without a signal. */
static int
status_of(void (*serve)(int signo), int signo)
{
	int status = -1;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		serve(signo);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
start_and_raise(int signo)
{
	if (loop_signals_start(loop, note, &letters['h' - 'a']))
		raise(signo);
}

static void
serve_and_raise(int signo)
{
	if (!loop_signals_start(loop, note, &letters['h' - 'a']) || !loop_signals_serve(loop))
		_exit(1);
	raise(SIGHUP);
	raise(signo);
	loop_run(loop);
	if (strcmp(order, "h") != 0)
		_exit(2);
}

static void
sigterm_during_the_start_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(status_of(start_and_raise, SIGTERM), 0);
	assert_int_equal(status_of(start_and_raise, SIGINT), 0);
	assert_int_equal(status_of(start_and_raise, SIGHUP), 7);
	assert_int_equal(status_of(start_and_raise, SIGPIPE), 7);
}

static void
sigterm_while_serving_stops_the_loop(void **state)
{
	(void)state;
	assert_int_equal(status_of(serve_and_raise, SIGTERM), 7);
	assert_int_equal(status_of(serve_and_raise, SIGINT), 7);
}

static void
timers_run_in_order_and_again(void **state)
{
	struct loop_timer first = { 0 }, second = { 0 }, third = { 0 }, far = { 0 };

	(void)state;
	loop_timer_set(loop, &far, INT64_C(100000000000), note, &letters['x' - 'a']);
	/* The times are far apart, because the machine may stop between two calls. */
	loop_timer_set(loop, &second, 400, note, &letters['b' - 'a']);
	loop_timer_set(loop, &first, 1, note, &letters['a' - 'a']);
	loop_timer_set(loop, &third, 401, note_and_stop, &letters['c' - 'a']);
	loop_run(loop);
	loop_timer_set(loop, &first, 0, note_and_stop, &letters['d' - 'a']);
	loop_run(loop);
	loop_timer_set(loop, &first, 2, note_and_stop, &letters['e' - 'a']);
	loop_run(loop);
	assert_string_equal(order, "abcde");
	loop_timer_cancel(loop, &far);
}

static void
timer_runs_while_a_descriptor_is_always_ready(void **state)
{
	struct loop_timer timer = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_true(loop_fd_watch(loop, fds[0], POLLIN, fd_nothing, NULL));
	loop_timer_set(loop, &timer, 1, note_and_stop, &letters['t' - 'a']);
	loop_run(loop);
	assert_string_equal(order, "t");
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(signal_in_a_callback_is_delivered_once_by_the_loop,
		    loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(signal_before_the_loop_is_not_lost, loop_setup,
		    loop_teardown),
		cmocka_unit_test_setup_teardown(signals_beyond_four_are_refused, loop_setup,
		    loop_teardown),
		cmocka_unit_test_setup_teardown(sigterm_during_the_start_ends_the_process,
		    loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(sigterm_while_serving_stops_the_loop, loop_setup,
		    loop_teardown),
		cmocka_unit_test_setup_teardown(timers_run_in_order_and_again, loop_setup,
		    loop_teardown),
		cmocka_unit_test_setup_teardown(timer_runs_while_a_descriptor_is_always_ready,
		    loop_setup, loop_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
