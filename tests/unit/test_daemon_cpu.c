/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the setting "cpu" of lbclusterd, on a machine of four CPUs that the test makes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "daemon/daemon_cpu.h"

enum { CPUS = 4, SNMPD = 4711, ALL = (1 << CPUS) - 1 };

static unsigned int own, snmpd;		/* bits of CPUs */
static unsigned int calls;		/* of sched_setaffinity() */
static int error;			/* of sched_setaffinity() */
static struct daemon_cpu cpu;

int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);

int
__wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	unsigned int bits = pid == 0 ? own : snmpd;

	assert_int_equal(size, sizeof(*set));
	if (pid != 0 && (pid != SNMPD || snmpd == 0)) {
		errno = ESRCH;
		return -1;
	}
	CPU_ZERO(set);
	for (size_t i = 0; i < CPUS; i++) {
		if ((bits & 1u << i) != 0)
			CPU_SET(i, set);
	}
	return 0;
}

int
__wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	assert_int_equal(pid, 0);
	assert_int_equal(size, sizeof(*set));
	calls++;
	if (error != 0) {
		errno = error;
		return -1;
	}
	own = 0;
	for (size_t i = 0; i < CPUS; i++)
		own |= CPU_ISSET(i, set) ? 1u << i : 0;
	return 0;
}

static int
machine_make(void **state)
{
	(void)state;
	own = ALL;
	snmpd = ALL;
	calls = 0;
	error = 0;
	daemon_cpu_init(&cpu);
	return 0;
}

static void
like_snmpd_follows_a_single_cpu(void **state)
{
	(void)state;
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	assert_int_equal(calls, 0);	/* snmpd has all */
	snmpd = 1 << 2;
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	assert_int_equal(own, 1 << 2);
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	assert_int_equal(calls, 1);
	snmpd = 1 << 3;			/* "taskset -p" moves snmpd */
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	assert_int_equal(own, 1 << 3);
	snmpd = 1 << 3 | 1 << 1;
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	assert_int_equal(own, ALL);
}

static void
without_snmpd_all_cpus_are_used(void **state)
{
	(void)state;
	snmpd = 1 << 2;
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, 0);	/* the session ended, or is over TCP */
	assert_int_equal(own, ALL);
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD + 1);	/* no such process */
	assert_int_equal(own, ALL);
}

static void
cpus_at_the_start_are_a_limit_and_are_restored(void **state)
{
	(void)state;
	own = 1 << 0 | 1 << 1;
	daemon_cpu_init(&cpu);
	snmpd = 1 << 2;
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	assert_int_equal(calls, 0);
	snmpd = 1 << 1;
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);
	assert_int_equal(own, 1 << 1);
	daemon_cpu_apply(&cpu, CPU_ANY, SNMPD);
	assert_int_equal(own, 1 << 0 | 1 << 1);
}

static void
number_is_set_whatever_snmpd_does(void **state)
{
	(void)state;
	snmpd = 1 << 2;
	daemon_cpu_apply(&cpu, 3, SNMPD);
	assert_int_equal(own, 1 << 3);
	daemon_cpu_apply(&cpu, 3, 0);
	assert_int_equal(calls, 1);
	daemon_cpu_apply(&cpu, CPU_LIKE_SNMPD, SNMPD);	/* SIGHUP */
	assert_int_equal(own, 1 << 2);
	daemon_cpu_apply(&cpu, CPU_ANY, SNMPD);
	assert_int_equal(own, ALL);
}

static void
refused_cpu_changes_nothing_and_is_tried_again(void **state)
{
	(void)state;
	error = EINVAL;
	daemon_cpu_apply(&cpu, 3, 0);
	assert_int_equal(own, ALL);
	error = 0;
	daemon_cpu_apply(&cpu, 3, 0);
	assert_int_equal(own, 1 << 3);
}

#define MACHINE(test) cmocka_unit_test_setup(test, machine_make)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE(like_snmpd_follows_a_single_cpu),
		MACHINE(without_snmpd_all_cpus_are_used),
		MACHINE(cpus_at_the_start_are_a_limit_and_are_restored),
		MACHINE(number_is_set_whatever_snmpd_does),
		MACHINE(refused_cpu_changes_nothing_and_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
