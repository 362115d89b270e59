/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The CPU of lbclusterd: the setting "cpu". snmpd waits for each answer of lbclusterd, and the
 * two never work at the same time. On one CPU neither has to wake another CPU, so a walk takes a
 * third of the time (doc/performance.txt).
 */
#ifndef DAEMON_CPU_H
#define DAEMON_CPU_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

/* The setting; otherwise it is the number of a CPU. */
enum { CPU_ANY = -1, CPU_LIKE_SNMPD = -2 };

struct daemon_cpu {
	cpu_set_t	before;		/* the CPUs of lbclusterd at its start */
	int32_t		cpu;		/* the only one now; CPU_ANY: those at its start */
	int32_t		refused;	/* what the kernel refused; CPU_LIKE_SNMPD: nothing */
};

/* Reads the CPUs that this thread may use. Call it once, at the start. */
void daemon_cpu_init(struct daemon_cpu *cpu);

/* Applies the setting to this thread. CPU_LIKE_SNMPD: the CPU of 'master', if it has one only and
 * lbclusterd may use it by its own affinity at the start; otherwise all of these. 'master' is the
 * AgentX master, 0 if unknown. Costs a system call; logs a change. Call it at each new session and
 * every second, because "taskset -p" moves a running snmpd. */
void daemon_cpu_apply(struct daemon_cpu *cpu, int32_t setting, pid_t master);

#endif
