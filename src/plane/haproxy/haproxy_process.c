/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Processes that a reload left behind; see haproxy_process.h. Only system calls that need no
 * right on the process and no /proc: the unit of a driver hides it (ProtectProc=invisible).
 */
#include "plane/haproxy/haproxy_process.h"

#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* A pidfd of 'pid', while it is known to run; -1 if it cannot be seen. A master and its workers
 * are one process group, and so is a process alone (seen with HAProxy 2.6.12). The group of a
 * kernel thread is 0. */
static int
process_open(uint64_t pid, pid_t peer)
{
	pid_t group;

	if (peer <= 0 || pid == 0 || pid > INT32_MAX)
		return -1;
	group = getpgid((pid_t)pid);
	if (group <= 0 || group != getpgid(peer))
		return -1;
	return pidfd_open((pid_t)pid, 0);
}

/* A pidfd can be read from once the process has ended, pidfd_open(2). */
static bool
process_runs(const struct haproxy_process *process)
{
	struct pollfd fd = { .fd = process->fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 0;
}

static void
process_close(struct haproxy_process *process)
{
	if (process->pid != 0 && process->fd != -1)
		close(process->fd);
}

/* Closes those that have ended. */
static void
ended_drop(struct haproxy_processes *processes)
{
	size_t n = 0;

	for (size_t i = 0; i < processes->n; i++) {
		if (process_runs(&processes->earlier[i]))
			processes->earlier[n++] = processes->earlier[i];
		else
			process_close(&processes->earlier[i]);
	}
	processes->n = n;
}

/* The present process becomes an earlier one. */
static void
now_leave(struct haproxy_processes *processes)
{
	struct haproxy_process *now = &processes->now;

	if (now->pid == 0)
		return;
	if (now->fd == -1 || processes->n == HAPROXY_EARLIER_MAX) {
		processes->unseen = true;
		process_close(now);
	} else {
		processes->earlier[processes->n++] = *now;
	}
}

void
haproxy_processes_follow(struct haproxy_processes *processes, uint64_t pid, pid_t peer)
{
	if (pid != processes->now.pid) {
		now_leave(processes);
		processes->now = (struct haproxy_process){ pid, process_open(pid, peer) };
	}
	ended_drop(processes);
}

void
haproxy_processes_done(struct haproxy_processes *processes)
{
	for (size_t i = 0; i < processes->n; i++)
		process_close(&processes->earlier[i]);
	process_close(&processes->now);
	memset(processes, 0, sizeof(*processes));
}
