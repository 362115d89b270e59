/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/plane/haproxy/haproxy_process.c with processes of this test.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plane/haproxy/haproxy_process.h"

/* Starts a process that waits to be killed, in its own process group if 'alone'. */
static pid_t
child_new(bool alone)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* A child that outlives a failed test would hold the test's output open. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (alone)
		assert_int_equal(setpgid(pid, pid), 0);
	return pid;
}

static void
child_kill(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	/* WNOWAIT leaves a zombie. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void
child_reap(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
earlier_processes_are_seen_until_they_end(void **state)
{
	struct haproxy_processes processes = { 0 };
	pid_t peer = getpid(), first = child_new(false), second = child_new(false);

	(void)state;
	haproxy_processes_follow(&processes, (uint64_t)first, peer);
	haproxy_processes_follow(&processes, (uint64_t)first, peer);
	assert_int_equal(processes.n, 0);
	haproxy_processes_follow(&processes, (uint64_t)second, peer);
	assert_int_equal(processes.n, 1);
	assert_int_equal(processes.earlier[0].pid, first);
	child_kill(first);
	haproxy_processes_follow(&processes, (uint64_t)second, peer);
	assert_int_equal(processes.n, 0);
	/* A process that ended before the next one answered. */
	child_kill(second);
	haproxy_processes_follow(&processes, (uint64_t)peer, peer);
	assert_int_equal(processes.n, 0);
	assert_false(processes.unseen);
	haproxy_processes_done(&processes);
	child_reap(first);
	child_reap(second);
}

static void
process_of_another_namespace_is_not_seen(void **state)
{
	struct haproxy_processes processes = { 0 };
	pid_t pid = child_new(true);
	const struct {
		uint64_t	pid;
		pid_t		peer;
	} cases[] = {
		{ (uint64_t)pid, 0 },		/* TCP */
		{ (uint64_t)pid, getpid() },	/* the number of another process */
		{ 2, getpid() },		/* a kernel thread, or no process */
		{ UINT64_MAX, getpid() },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		haproxy_processes_follow(&processes, cases[i].pid, cases[i].peer);
		assert_int_equal(processes.current.fd, -1);
		assert_false(processes.unseen);
		haproxy_processes_follow(&processes, 1, 0);
		assert_true(processes.unseen);
		assert_int_equal(processes.n, 0);
		haproxy_processes_done(&processes);
	}
	child_kill(pid);
	child_reap(pid);
}

static void
further_processes_are_unseen(void **state)
{
	struct haproxy_processes processes = { 0 };
	pid_t pids[HAPROXY_EARLIER_MAX + 2];

	(void)state;
	for (size_t i = 0; i < HAPROXY_EARLIER_MAX + 2; i++) {
		pids[i] = child_new(false);
		haproxy_processes_follow(&processes, (uint64_t)pids[i], getpid());
		assert_int_equal(processes.unseen, i == HAPROXY_EARLIER_MAX + 1);
	}
	assert_int_equal(processes.n, HAPROXY_EARLIER_MAX);
	for (size_t i = 0; i < HAPROXY_EARLIER_MAX + 2; i++) {
		child_kill(pids[i]);
		child_reap(pids[i]);
	}
	haproxy_processes_follow(&processes, (uint64_t)getpid(), getpid());
	assert_int_equal(processes.n, 0);
	haproxy_processes_done(&processes);
}

/* valgrind of Debian 12 has no pidfd_open(2). */
static int
pidfd_needed(void)
{
	int fd = pidfd_open(getpid(), 0);

	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(earlier_processes_are_seen_until_they_end),
		cmocka_unit_test(process_of_another_namespace_is_not_seen),
		cmocka_unit_test(further_processes_are_unseen),
	};

	if (pidfd_needed() == -1)
		return 77;	/* skipped */
	/* The group that started the test may be of an outer PID namespace, whose number is 0. */
	setpgid(0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
