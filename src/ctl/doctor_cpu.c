/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The check of the doctor on the CPUs of snmpd and lbclusterd; see src/daemon/daemon_cpu.h.
 */
#include "ctl/doctor.h"

#include <sched.h>
#include <unistd.h>

#define EXAMPLE LBCLUSTER_EXAMPLES_DIR "/snmpd-cpu.conf.example"
#define FOLLOW "lbclusterd.conf: cpu = like-snmpd\nsystemctl reload lbclusterd"

/* The CPUs of a process. */
struct affinity {
	int	n;
	int	first;
};

/* False if the process is unknown. */
static bool
affinity_read(pid_t pid, struct affinity *ret)
{
	cpu_set_t set;

	if (pid <= 0 || sched_getaffinity(pid, sizeof(set), &set) == -1)
		return false;
	ret->n = CPU_COUNT(&set);
	ret->first = 0;
	while (ret->first < CPU_SETSIZE - 1 && !CPU_ISSET((size_t)ret->first, &set))
		ret->first++;
	return true;
}

void
doctor_cpus(struct doctor *doctor)
{
	struct affinity snmpd, daemon;

	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		doctor_ok(doctor, "this machine has one CPU");
	else if (doctor->lock != LOCK_HELD || !affinity_read(doctor->daemon.pid, &daemon))
		doctor_skip(doctor, "the CPUs of lbclusterd are unknown");
	else if (!affinity_read(doctor->master_pid, &snmpd))
		doctor_skip(doctor, "the CPUs of snmpd are unknown");
	else if (snmpd.n == 1 && daemon.n == 1 && snmpd.first == daemon.first)
		doctor_ok(doctor, "snmpd and lbclusterd run on CPU %d", snmpd.first);
	else if (snmpd.n == 1 && daemon.n == 1)
		doctor_warn(doctor, FOLLOW, "snmpd runs on CPU %d and lbclusterd on CPU %d: each"
		    " request of a walk wakes another CPU", snmpd.first, daemon.first);
	else if (snmpd.n == 1)
		doctor_report(doctor, DOCTOR_OK, FOLLOW, "snmpd runs on CPU %d and lbclusterd on"
		    " %d CPUs; long walks are faster if lbclusterd follows", snmpd.first, daemon.n);
	else
		doctor_ok(doctor, "snmpd runs on %d CPUs; walks of many rows are two to four times"
		    " as fast if it runs on one: " EXAMPLE, snmpd.n);
}
