/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The processes behind one runtime socket. After a reload of HAProxy the socket belongs to
 * the new process. The earlier process serves its connections until they end, and has no
 * socket. A driver can see only whether that process still runs.
 */
#ifndef PLANE_HAPROXY_PROCESS_H
#define PLANE_HAPROXY_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { HAPROXY_EARLIER_MAX = 8 };

/* A process by number, and its pidfd of pidfd_open(2); -1 if it cannot be seen. */
struct haproxy_process {
	uint64_t	pid;
	int		fd;
};

/* Initialize with zeros. */
struct haproxy_processes {
	struct haproxy_process	current;	/* pid 0: none has answered yet */
	struct haproxy_process	earlier[HAPROXY_EARLIER_MAX];	/* still running */
	size_t			n;
	bool			unseen;		/* there was one whose end cannot be seen */
};

/* Call after an answer of the process 'pid' (of "show info"). 'peer' is the process that
 * listens at the socket, as numbered in the PID namespace of the caller; 0 for TCP and for
 * processes outside of it. HAProxy in a container reports a number of another namespace.
 * Therefore 'pid' counts as seen only if 'pid' and 'peer' are of one process group. */
void haproxy_processes_follow(struct haproxy_processes *processes, uint64_t pid, pid_t peer);
void haproxy_processes_done(struct haproxy_processes *processes);

#endif
