/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/util/loop.c with a simulated clock and poll(2). No test waits, and a loaded
 * machine changes no result.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/loop.h"
#include "util/signals.h"
#include "util/poller.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- time ---------------------------------------------------------------------- */

enum { POLLS_MAX = 1000 };

static int64_t clock_now_ms;
static int polls, poll_interrupts;
static int64_t poll_until_ms;

/* Replaces the function of src/util/clock.c, which is not linked then. */
int64_t
clock_steady_ms(void)
{
	return clock_now_ms;
}

/* Replaces the function of src/util/poller.c. Descriptors are real. If none is ready, the
 * simulated clock advances by the time of the wait. */
int
poller_wait(struct pollfd *fds, nfds_t n, int64_t until_ms)
{
	const struct timespec none = { 0 };
	int ready = ppoll(fds, n, &none, signals_wait_mask());

	if (++polls > POLLS_MAX)
		fail_msg("the loop never ends");
	poll_until_ms = until_ms;
	if (poll_interrupts-- > 0) {
		errno = EINTR;
		return -1;
	}
	if (ready == 0) {
		if (until_ms == POLLER_FOREVER)
			fail_msg("the loop waits without a timer");
		if (until_ms > clock_now_ms)
			clock_now_ms = until_ms;
	}
	return ready;
}

/* -- a loop and its events ------------------------------------------ */

/* The calls of the loop, in order. */
static struct {
	struct loop	*loop;
	char		 order[64];
	short		 events;
	int		 pipes[4][2];
	struct loop_timer timers[4];
} played;

static int
loop_setup(void **state)
{
	(void)state;
	memset(&played, 0, sizeof(played));
	clock_now_ms = 1000000;
	polls = poll_interrupts = 0;
	played.loop = loop_new();
	for (size_t i = 0; i < COUNT(played.pipes); i++)
		if (pipe(played.pipes[i]) != 0)
			return -1;
	return played.loop == NULL ? -1 : 0;
}

static int
loop_teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(played.pipes); i++) {
		close(played.pipes[i][0]);
		close(played.pipes[i][1]);
	}
	loop_free(played.loop);
	return 0;
}

static void
note(char letter)
{
	size_t n = strlen(played.order);

	assert_true(n < sizeof(played.order) - 1);
	played.order[n] = letter;
}

static char letters[] = "abcdefgh";

static void
timer_note(void *arg)
{
	note(*(char *)arg);
}

static void
timer_stop(void *arg)
{
	(void)arg;
	loop_stop(played.loop);
}

/* Makes a descriptor readable. */
static int
readable(size_t i)
{
	assert_int_equal(write(played.pipes[i][1], "x", 1), 1);
	return played.pipes[i][0];
}

static void
fd_note_and_stop(void *arg, short events)
{
	note(*(char *)arg);
	played.events = events;
	loop_stop(played.loop);
}

static void
timer_at(size_t i, int64_t after_ms, loop_timer_fn fn)
{
	loop_timer_set(played.loop, &played.timers[i], after_ms, fn, &letters[i]);
}

static void
timers_run_in_order_of_due(void **state)
{
	(void)state;
	timer_at(0, 3, timer_note);
	timer_at(1, 1, timer_note);
	timer_at(2, 2, timer_note);
	timer_at(3, 4, timer_stop);
	loop_run(played.loop);
	assert_string_equal(played.order, "bca");
	assert_int_equal(clock_now_ms, 1000004);
	for (size_t i = 0; i < COUNT(played.timers); i++)
		assert_false(played.timers[i].armed);
}

static void
timers_due_at_once_run_in_order_of_setting(void **state)
{
	(void)state;
	timer_at(2, 5, timer_note);
	timer_at(0, 5, timer_note);
	timer_at(1, 5, timer_note);
	timer_at(3, 5, timer_stop);
	loop_run(played.loop);
	assert_string_equal(played.order, "cab");
}

static void
timer_in_the_far_future_runs_on_time(void **state)
{
	(void)state;
	timer_at(0, INT64_C(10000000000), timer_stop);
	timer_at(1, 120001, timer_note);
	timer_at(2, 120002, timer_stop);
	loop_run(played.loop);
	assert_string_equal(played.order, "b");
	assert_int_equal(clock_now_ms, 1120002);
	assert_int_equal(polls, 2);
	assert_true(played.timers[0].armed);
}

static void
timer_overdue_runs_without_waiting(void **state)
{
	(void)state;
	timer_at(0, 5, timer_stop);
	clock_now_ms += 100;
	loop_run(played.loop);
	assert_true(poll_until_ms <= clock_now_ms);
	timer_at(0, -5, timer_stop);
	loop_run(played.loop);
	assert_true(poll_until_ms <= clock_now_ms);
	assert_int_equal(polls, 2);
}

static void
loop_without_timers_waits_for_descriptors(void **state)
{
	(void)state;
	assert_true(loop_fd_watch(played.loop, readable(0), POLLIN, fd_note_and_stop,
	    &letters[0]));
	loop_run(played.loop);
	assert_true(poll_until_ms == POLLER_FOREVER);
}

static void
loop_continues_after_a_signal(void **state)
{
	(void)state;
	poll_interrupts = 2;
	assert_true(loop_fd_watch(played.loop, readable(0), POLLIN, fd_note_and_stop,
	    &letters[0]));
	timer_at(1, 0, timer_note);
	loop_run(played.loop);
	assert_string_equal(played.order, "ba");
	assert_int_equal(polls, 3);
}

static void
timer_note_and_raise(void *arg)
{
	note(*(char *)arg);
	raise(SIGUSR1);
}

/* Each timer may take long. */
static void
loop_serves_a_signal_between_two_timers(void **state)
{
	(void)state;
	assert_true(loop_signal_watch(played.loop, SIGUSR1, timer_note, &letters[7]));
	timer_at(0, 0, timer_note_and_raise);
	timer_at(1, 0, timer_note);
	timer_at(2, 0, timer_note);
	timer_at(3, 1, timer_stop);
	loop_run(played.loop);
	assert_string_equal(played.order, "ahbc");
}

static void
timer_cancelled_never_runs(void **state)
{
	(void)state;
	timer_at(0, 0, timer_note);
	timer_at(1, 0, timer_note);
	timer_at(2, 0, timer_note);
	timer_at(3, 1, timer_stop);
	loop_timer_cancel(played.loop, &played.timers[1]);
	loop_timer_cancel(played.loop, &played.timers[1]);
	loop_run(played.loop);
	assert_string_equal(played.order, "ac");
}

static void
timer_set_again_moves(void **state)
{
	(void)state;
	timer_at(0, 0, timer_note);
	timer_at(1, 1, timer_note);
	timer_at(0, 2, timer_note);
	timer_at(2, 60000, timer_note);
	timer_at(2, 0, timer_note);
	timer_at(3, 3, timer_stop);
	loop_run(played.loop);
	assert_string_equal(played.order, "cba");
}

static void
cancel_second(void *arg)
{
	timer_note(arg);
	loop_timer_cancel(played.loop, &played.timers[1]);
}

static void
timer_cancelled_by_a_timer_never_runs(void **state)
{
	(void)state;
	timer_at(0, 0, cancel_second);
	timer_at(1, 0, timer_note);
	timer_at(2, 1, timer_stop);
	loop_run(played.loop);
	assert_string_equal(played.order, "a");
}

/* Makes the descriptor readable and sets its timer for now again. */
static void
greedy(void *arg)
{
	timer_note(arg);
	readable(0);
	timer_at(0, 0, greedy);
}

static void
timer_set_for_now_does_not_starve_descriptors(void **state)
{
	(void)state;
	assert_true(loop_fd_watch(played.loop, played.pipes[0][0], POLLIN, fd_note_and_stop,
	    &letters[5]));
	timer_at(0, 0, greedy);
	loop_run(played.loop);
	assert_string_equal(played.order, "af");
}

static void
readable_fd_is_reported_with_events(void **state)
{
	(void)state;
	assert_true(loop_fd_watch(played.loop, readable(0), POLLIN, fd_note_and_stop,
	    &letters[0]));
	assert_true(loop_fd_watch(played.loop, played.pipes[1][0], POLLIN, fd_note_and_stop,
	    &letters[1]));
	loop_run(played.loop);
	assert_string_equal(played.order, "a");
	assert_int_equal(played.events, POLLIN);
}

static void
hang_up_of_fd_is_reported_without_request(void **state)
{
	(void)state;
	close(played.pipes[0][1]);
	played.pipes[0][1] = -1;
	assert_true(loop_fd_watch(played.loop, played.pipes[0][0], POLLIN, fd_note_and_stop,
	    &letters[0]));
	loop_run(played.loop);
	assert_int_equal(played.events & POLLHUP, POLLHUP);
}

static void
fd_watched_again_replaces(void **state)
{
	int fd = readable(0);

	(void)state;
	assert_true(loop_fd_watch(played.loop, fd, POLLIN, fd_note_and_stop, &letters[0]));
	assert_true(loop_fd_watch(played.loop, fd, POLLIN, fd_note_and_stop, &letters[1]));
	loop_run(played.loop);
	assert_string_equal(played.order, "b");
}

static void
fd_unwatch_itself(void *arg, short events)
{
	(void)events;
	note(*(char *)arg);
	assert_true(loop_fd_watch(played.loop, played.pipes[0][0], 0, NULL, NULL));
	timer_at(3, 0, timer_stop);
}

static void
fd_removed_in_its_callback_is_silent(void **state)
{
	(void)state;
	assert_true(loop_fd_watch(played.loop, readable(0), POLLIN, fd_unwatch_itself,
	    &letters[0]));
	loop_run(played.loop);
	assert_string_equal(played.order, "a");
}

/* The first one called ends the watch of the other one. */
static void
fd_unwatch_other(void *arg, short events)
{
	size_t other = *(char *)arg == 'a' ? 1 : 0;

	(void)events;
	note('x');
	assert_true(loop_fd_watch(played.loop, played.pipes[other][0], 0, NULL, NULL));
	timer_at(3, 0, timer_stop);
	assert_true(loop_fd_watch(played.loop, played.pipes[1 - other][0], 0, NULL, NULL));
}

static void
fd_removed_in_another_callback_is_silent(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_true(loop_fd_watch(played.loop, readable(i), POLLIN, fd_unwatch_other,
		    &letters[i]));
	loop_run(played.loop);
	assert_string_equal(played.order, "x");
}

static void
fd_note(void *arg, short events)
{
	(void)events;
	note(*(char *)arg);
}

/* The first one called watches the other one for POLLOUT instead of POLLIN. The reading end of
 * a pipe never has POLLOUT. */
static void
fd_change_other(void *arg, short events)
{
	size_t other = *(char *)arg == 'a' ? 1 : 0;

	(void)events;
	note('x');
	assert_true(loop_fd_watch(played.loop, played.pipes[other][0], POLLOUT, fd_note, arg));
	assert_true(loop_fd_watch(played.loop, played.pipes[1 - other][0], 0, NULL, NULL));
	timer_at(3, 0, timer_stop);
}

static void
fd_changed_in_another_callback_gets_no_old_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_true(loop_fd_watch(played.loop, readable(i), POLLIN, fd_change_other,
		    &letters[i]));
	loop_run(played.loop);
	assert_string_equal(played.order, "x");
}

/* Ends the watch of the second descriptor and gives its slot to the third, which is not
 * readable. */
static void
fd_swap_second_for_third(void *arg, short events)
{
	(void)arg;
	(void)events;
	note('x');
	assert_true(loop_fd_watch(played.loop, played.pipes[0][0], 0, NULL, NULL));
	assert_true(loop_fd_watch(played.loop, played.pipes[1][0], 0, NULL, NULL));
	assert_true(loop_fd_watch(played.loop, played.pipes[3][0], POLLIN, fd_note, &letters[3]));
	assert_true(loop_fd_watch(played.loop, played.pipes[2][0], POLLIN, fd_note, &letters[2]));
	timer_at(3, 0, timer_stop);
}

static void
fd_in_a_used_slot_gets_no_old_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_true(loop_fd_watch(played.loop, readable(i), POLLIN,
		    fd_swap_second_for_third, &letters[i]));
	loop_run(played.loop);
	assert_string_equal(played.order, "x");
}

enum { FDS_MANY = 200 };

static int many[FDS_MANY];

static void
many_watch(void)
{
	for (size_t i = 0; i < FDS_MANY; i++) {
		many[i] = dup(played.pipes[3][0]);
		assert_true(many[i] >= 0);
		assert_true(loop_fd_watch(played.loop, many[i], POLLIN, fd_note_and_stop,
		    &letters[3]));
	}
}

static void
many_close(void)
{
	for (size_t i = 0; i < FDS_MANY; i++) {
		assert_true(loop_fd_watch(played.loop, many[i], 0, NULL, NULL));
		close(many[i]);
	}
}

static void
fd_add_many(void *arg, short events)
{
	(void)events;
	note(*(char *)arg);
	many_watch();
	assert_true(loop_fd_watch(played.loop, played.pipes[0][0], 0, NULL, NULL));
}

/* A limit of descriptors would let peers that do not answer keep the others out. */
static void
fds_have_no_limit(void **state)
{
	(void)state;
	many_watch();
	assert_true(loop_fd_watch(played.loop, readable(1), POLLIN, fd_note_and_stop, &letters[1]));
	loop_run(played.loop);
	assert_string_equal(played.order, "b");
	many_close();
}

/* The arrays of the loop move while it walks over them. */
static void
fds_may_be_added_by_a_ready_fd(void **state)
{
	(void)state;
	assert_true(loop_fd_watch(played.loop, readable(0), POLLIN, fd_add_many, &letters[0]));
	assert_true(loop_fd_watch(played.loop, readable(1), POLLIN, fd_note_and_stop, &letters[1]));
	loop_run(played.loop);
	assert_string_equal(played.order, "ab");
	many_close();
}

static void
fd_negative_is_refused(void **state)
{
	(void)state;
	assert_false(loop_fd_watch(played.loop, -1, POLLIN, fd_note, &letters[0]));
	assert_true(loop_fd_watch(played.loop, -1, 0, NULL, NULL));
}

static void
stop_before_run_ends_it_at_once(void **state)
{
	(void)state;
	timer_at(0, 0, timer_note);
	loop_stop(played.loop);
	loop_run(played.loop);
	assert_string_equal(played.order, "");
	timer_at(1, 1, timer_stop);
	loop_run(played.loop);
	assert_string_equal(played.order, "a");
}

static void
stop_in_a_callback_ends_the_turn(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_true(loop_fd_watch(played.loop, readable(i), POLLIN, fd_note_and_stop,
		    &letters[i]));
	timer_at(3, 0, timer_note);
	loop_run(played.loop);
	assert_int_equal(strlen(played.order), 1);
}

static void
stop_in_a_timer_ends_the_turn(void **state)
{
	(void)state;
	timer_at(0, 0, timer_stop);
	timer_at(1, 0, timer_note);
	loop_run(played.loop);
	assert_string_equal(played.order, "");
}

#define loop_test(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, loop_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		loop_test(timers_run_in_order_of_due),
		loop_test(timers_due_at_once_run_in_order_of_setting),
		loop_test(timer_in_the_far_future_runs_on_time),
		loop_test(timer_overdue_runs_without_waiting),
		loop_test(loop_without_timers_waits_for_descriptors),
		loop_test(loop_continues_after_a_signal),
		loop_test(loop_serves_a_signal_between_two_timers),
		loop_test(timer_cancelled_never_runs),
		loop_test(timer_set_again_moves),
		loop_test(timer_cancelled_by_a_timer_never_runs),
		loop_test(timer_set_for_now_does_not_starve_descriptors),
		loop_test(readable_fd_is_reported_with_events),
		loop_test(hang_up_of_fd_is_reported_without_request),
		loop_test(fd_watched_again_replaces),
		loop_test(fd_removed_in_its_callback_is_silent),
		loop_test(fd_removed_in_another_callback_is_silent),
		loop_test(fd_changed_in_another_callback_gets_no_old_events),
		loop_test(fd_in_a_used_slot_gets_no_old_events),
		loop_test(fds_have_no_limit),
		loop_test(fds_may_be_added_by_a_ready_fd),
		loop_test(fd_negative_is_refused),
		loop_test(stop_before_run_ends_it_at_once),
		loop_test(stop_in_a_callback_ends_the_turn),
		loop_test(stop_in_a_timer_ends_the_turn),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
