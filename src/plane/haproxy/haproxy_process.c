/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Processes that a reload left running; see haproxy_process.h. Uses only system calls that
 * need no permission and no /proc, which the unit of the driver hides (ProtectProc=invisible).
 */
#include "plane/haproxy/haproxy_process.h"

#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* Returns a pidfd of 'pid', which runs; -1 if 'pid' cannot be seen. A master and its workers
 * are one process group, and so is a single process (seen with HAProxy 2.6.12). The group of a
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

/* A pidfd is readable after its process has ended, pidfd_open(2). */
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

/* Removes the processes that have ended. */
static void
ended_remove(struct haproxy_processes *processes)
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

/* The current process becomes an earlier one. */
static void
current_retire(struct haproxy_processes *processes)
{
	struct haproxy_process *current = &processes->current;

	if (current->pid == 0)
		return;
	if (current->fd == -1 || processes->n == HAPROXY_EARLIER_MAX) {
		processes->unseen = true;
		process_close(current);
	} else {
		processes->earlier[processes->n++] = *current;
	}
}

void
haproxy_processes_follow(struct haproxy_processes *processes, uint64_t pid, pid_t peer)
{
	if (pid != processes->current.pid) {
		current_retire(processes);
		processes->current = (struct haproxy_process){ pid, process_open(pid, peer) };
	}
	ended_remove(processes);
}

void
haproxy_processes_done(struct haproxy_processes *processes)
{
	for (size_t i = 0; i < processes->n; i++)
		process_close(&processes->earlier[i]);
	process_close(&processes->current);
	memset(processes, 0, sizeof(*processes));
}
