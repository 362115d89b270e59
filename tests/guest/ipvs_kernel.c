/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/plane/ipvs with the kernel of the guest; see check.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/ipvs_steps.h"
#include "util/memory.h"

enum { SERVICES = 10, DESTS = 1000, RUNS = 5 };

static double
now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Fills the kernel's table with SERVICES * DESTS destinations. */
static void
table_fill(void)
{
	struct ipvs_table wanted = { 0 }, none = { 0 };
	struct ipvs_request *requests;
	size_t n;

	for (uint16_t i = 0; i < SERVICES; i++) {
		struct ipvs_service service = { .key = { .address = { .family = AF_INET,
		    .bytes = { 192, 0, 2, 1 } }, .protocol = 6, .port = (uint16_t)(80 + i) },
		    .scheduler = "wlc", .netmask = UINT32_MAX };

		assert_true(ipvs_table_service_add(&wanted, &service));
		for (int j = 0; j < DESTS; j++) {
			struct ipvs_dest dest = { .address = { .family = AF_INET,
			    .bytes = { 10, 0, (uint8_t)(j / 250), (uint8_t)(1 + j % 250) } },
			    .port = 80, .weight = 1 };

			assert_true(ipvs_table_dest_add(&wanted, &dest));
		}
	}
	ipvs_table_sort(&wanted);
	assert_true(ipvs_changes_make(&none, &wanted, &requests, &n));
	assert_int_equal(ipvs_change_wait(requests, n), 0);
	free(requests);
	ipvs_table_done(&wanted);
}

static double
poll_ms(void)
{
	double begin = now_ms();
	struct ipvs_table table;

	assert_int_equal(ipvs_poll_wait(&table), 0);
	begin = now_ms() - begin;
	assert_int_equal(table.n, SERVICES);
	for (size_t i = 0; i < table.n; i++)
		assert_int_equal(table.entries[i].n, DESTS);
	ipvs_table_done(&table);
	return begin;
}

/* Runs a program with two arguments, without its output. */
static void
program_run(const char *program, const char *first, const char *second)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (fd != -1 && dup2(fd, STDOUT_FILENO) != -1)
			execlp(program, program, first, second, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static double
ipvsadm_ms(void)
{
	double begin = now_ms();

	program_run("ipvsadm", "-Ln", "--stats");
	return now_ms() - begin;
}

/* The shortest of some runs of each, because the machine may be busy. */
static void
a_poll_takes_at_most_035_of_the_time_of_ipvsadm(void **state)
{
	double poll = 1e9, ipvsadm = 1e9, time;

	(void)state;
	table_fill();
	for (int i = 0; i < RUNS; i++) {
		time = poll_ms();
		poll = time < poll ? time : poll;
		time = ipvsadm_ms();
		ipvsadm = time < ipvsadm ? time : ipvsadm;
	}
	print_message("%d destinations: poll %.0f ms, ipvsadm -Ln --stats %.0f ms: %.2f\n",
	    SERVICES * DESTS, poll, ipvsadm, poll / ipvsadm);
	program_run("ipvsadm", "-C", NULL);
	assert_true(poll <= 0.35 * ipvsadm);
}

static void
a_poll_without_the_capability_is_refused(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct ipvs_table table;

		if (setresuid(65534, 65534, 65534) == -1)
			_exit(1);
		_exit(ipvs_poll_wait(&table) == EPERM ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The guest has no modprobe(8) for the module, so the kernel cannot load it again. */
static void
a_poll_without_the_module_is_refused(void **state)
{
	static const char *const modules[] = { "ip_vs_rr", "ip_vs_wrr", "ip_vs_lc", "ip_vs_wlc",
	    "ip_vs_sh", "ip_vs_mh", "ip_vs_sed", "ip_vs_nq", "ip_vs_dh", "ip_vs_lblc",
	    "ip_vs_lblcr", "ip_vs" };
	struct ipvs_table table;

	(void)state;
	assert_int_equal(ipvs_poll_wait(&table), 0);
	for (size_t i = 0; i < ROWS(modules); i++)
		program_run("busybox", "rmmod", modules[i]);
	assert_int_equal(ipvs_poll_wait(&table), IPVS_NO_MODULE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipvs_steps_have_the_same_results),
		cmocka_unit_test(ipvs_tables_take_effect),
		cmocka_unit_test(a_poll_takes_at_most_035_of_the_time_of_ipvsadm),
		cmocka_unit_test(a_poll_without_the_capability_is_refused),
		/* The last one, because it removes the module. */
		cmocka_unit_test(a_poll_without_the_module_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
