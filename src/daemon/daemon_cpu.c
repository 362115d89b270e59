/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "daemon/daemon_cpu.h"

#include <errno.h>
#include <string.h>

#include "util/log_limit.h"

/* snmpd can cause these lines at any rate. */
static struct log_limit limit = LOG_LIMIT("cpu", 10);

void
daemon_cpu_init(struct daemon_cpu *cpu)
{
	cpu->cpu = CPU_ANY;
	cpu->refused = CPU_LIKE_SNMPD;
	/* It fails with more CPUs than a cpu_set_t holds; then no CPU is followed. */
	if (sched_getaffinity(0, sizeof(cpu->before), &cpu->before) == -1)
		CPU_ZERO(&cpu->before);
}

/* Returns the only CPU of a process, CPU_ANY if it has several or is unknown. */
static int32_t
only_cpu(pid_t pid)
{
	cpu_set_t set;

	if (pid <= 0 || sched_getaffinity(pid, sizeof(set), &set) == -1 || CPU_COUNT(&set) != 1)
		return CPU_ANY;
	for (size_t i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &set))
			return (int32_t)i;
	}
	return CPU_ANY;
}

static void
change_log(int32_t setting, int32_t wanted)
{
	if (wanted == CPU_ANY)
		log_limited(&limit, LOG_LEVEL_INFO, "lbclusterd runs on all its CPUs again");
	else
		log_limited(&limit, LOG_LEVEL_INFO, "lbclusterd runs on CPU %d%s", (int)wanted,
		    setting == CPU_LIKE_SNMPD ? ", as snmpd does" : "");
}

void
daemon_cpu_apply(struct daemon_cpu *cpu, int32_t setting, pid_t master)
{
	int32_t wanted = setting == CPU_LIKE_SNMPD ? only_cpu(master) : setting;
	cpu_set_t set = cpu->before;

	if (setting == CPU_LIKE_SNMPD && wanted != CPU_ANY &&
	    !CPU_ISSET((size_t)wanted, &cpu->before))
		wanted = CPU_ANY;
	if (wanted == cpu->cpu)
		return;
	if (wanted != CPU_ANY) {
		CPU_ZERO(&set);
		CPU_SET((size_t)wanted, &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) == 0) {
		cpu->cpu = wanted;
		cpu->refused = CPU_LIKE_SNMPD;
		change_log(setting, wanted);
	} else if (cpu->refused != wanted) {
		cpu->refused = wanted;
		log_limited(&limit, LOG_LEVEL_WARN, "CPU %d: %s; lbclusterd stays where it is",
		    (int)wanted, strerror(errno));
	}
}
