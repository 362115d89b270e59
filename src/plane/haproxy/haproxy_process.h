/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The processes behind one runtime socket. After a reload of HAProxy the socket belongs to
 * the new process; the one before serves the connections it has until they end, and answers
 * to nobody. What can be seen of it is whether it still runs.
 */
#ifndef PLANE_HAPROXY_PROCESS_H
#define PLANE_HAPROXY_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { HAPROXY_EARLIER_MAX = 8 };

/* A process, by its number and by a pidfd_open(2) of it; -1 where it cannot be seen. */
struct haproxy_process {
	uint64_t	pid;
	int		fd;
};

/* Zero at first. */
struct haproxy_processes {
	struct haproxy_process	now;		/* pid 0: none answered yet */
	struct haproxy_process	earlier[HAPROXY_EARLIER_MAX];	/* those that still run */
	size_t			n;
	bool			unseen;		/* one came before whose end cannot be seen */
};

/* After an answer of the process 'pid' (of "show info"). 'peer' is the process that listens at
 * the socket, as the kernel names it for our PID namespace; 0 where it has no such name, and
 * for TCP. HAProxy in a container has numbers of another namespace: where 'pid' and 'peer' are
 * not of one process group, 'pid' is not taken for a process of this machine. */
void haproxy_processes_follow(struct haproxy_processes *processes, uint64_t pid, pid_t peer);
void haproxy_processes_done(struct haproxy_processes *processes);

#endif
