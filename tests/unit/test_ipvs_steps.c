/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/plane/ipvs/ipvs_table.c, ipvs_changes.c and ipvs_failure.c with the kernel in
 * memory, and of that kernel.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "ipvs_fake.h"
#include "ipvs_steps.h"
#include "plane/ipvs/ipvs_failure.h"
#include "util/memory.h"

static const struct ipvs_key web = { .address = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } },
    .protocol = 6, .port = 80 };

static int
reset(void **state)
{
	(void)state;
	ipvs_fake_reset();
	return 0;
}

static struct ipvs_request
web_request(uint8_t command)
{
	return (struct ipvs_request){ .command = command,
	    .service = { .key = web, .scheduler = "rr", .netmask = UINT32_MAX },
	    .dest = { .address = { .family = AF_INET, .bytes = { 10, 0, 0, 1 } }, .port = 80,
	    .weight = 1 } };
}

static void
a_destination_with_connections_comes_back_with_its_numbers(void **state)
{
	struct ipvs_request begin[] = { web_request(IPVS_CMD_NEW_SERVICE),
	    web_request(IPVS_CMD_NEW_DEST) };
	struct ipvs_request again[] = { web_request(IPVS_CMD_DEL_DEST),
	    web_request(IPVS_CMD_NEW_DEST) };
	struct ipvs_dest *dest;

	(void)state;
	assert_int_equal(ipvs_change_wait(begin, ROWS(begin)), 0);
	dest = ipvs_fake_dest(&web, &begin[1].dest.address, 80);
	assert_non_null(dest);
	dest->active = 1;
	dest->number[IPVS_STATS_ATTR_CONNS - 1] = 7;
	assert_int_equal(ipvs_change_wait(again, ROWS(again)), 0);
	dest = ipvs_fake_dest(&web, &begin[1].dest.address, 80);
	assert_non_null(dest);
	assert_int_equal(dest->number[IPVS_STATS_ATTR_CONNS - 1], 7);
	ipvs_fake_connections_end();
	assert_int_equal(ipvs_change_wait(again, ROWS(again)), 0);
	dest = ipvs_fake_dest(&web, &begin[1].dest.address, 80);
	assert_int_equal(dest->number[IPVS_STATS_ATTR_CONNS - 1], 0);
}

static void
every_nth_change_fails(void **state)
{
	struct ipvs_request requests[] = { web_request(IPVS_CMD_NEW_SERVICE),
	    web_request(IPVS_CMD_NEW_DEST), web_request(IPVS_CMD_SET_DEST),
	    web_request(IPVS_CMD_DEL_DEST) };

	(void)state;
	ipvs_fake.fail_every = 2;
	ipvs_fake.fail_error = ENOMEM;
	assert_int_equal(ipvs_change_wait(requests, ROWS(requests)), 0);
	assert_int_equal(requests[0].error, 0);
	assert_int_equal(requests[1].error, ENOMEM);
	assert_int_equal(requests[2].error, ENOENT);
	assert_int_equal(requests[3].error, ENOMEM);
}

static void
a_kernel_without_module_or_capability_refuses_all(void **state)
{
	struct ipvs_request request = web_request(IPVS_CMD_NEW_SERVICE);
	struct ipvs_table table;

	(void)state;
	ipvs_fake.no_capability = true;
	assert_int_equal(ipvs_change_wait(&request, 1), 0);
	assert_int_equal(request.error, EPERM);
	ipvs_fake.no_module = true;
	assert_int_equal(ipvs_change_wait(&request, 1), IPVS_NO_MODULE);
	assert_int_equal(ipvs_poll_wait(&table), IPVS_NO_MODULE);
	ipvs_table_done(&table);
}

/* -- the changes between tables ------------------------------------------------------------- */

static bool
entry_works(const struct ipvs_entry *entry)
{
	for (size_t i = 0; entry != NULL && i < entry->n; i++) {
		if (entry->dests[i].weight > 0)
			return true;
	}
	return false;
}

static void
a_service_is_never_without_a_destination_between_two_tables(void **state)
{
	struct ipvs_table have = { 0 }, wanted, now;
	struct ipvs_request *requests;
	size_t n, checked = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= 60; seed++) {
		wanted = (struct ipvs_table){ 0 };
		ipvs_table_random(&wanted, seed);
		assert_true(ipvs_changes_make(&have, &wanted, &requests, &n));
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(ipvs_change_wait(&requests[i], 1), 0);
			assert_int_equal(requests[i].error, 0);
			assert_int_equal(ipvs_poll_wait(&now), 0);
			for (size_t j = 0; j < now.n; j++) {
				const struct ipvs_key *key = &now.entries[j].service.key;

				if (!entry_works(ipvs_table_service(&have, key)) ||
				    !entry_works(ipvs_table_service(&wanted, key)))
					continue;
				assert_true(entry_works(&now.entries[j]));
				checked++;
			}
			ipvs_table_done(&now);
		}
		free(requests);
		ipvs_table_done(&have);
		have = wanted;
	}
	ipvs_table_done(&have);
	assert_true(checked > 1000);
}

static void
rounds_reach_the_wanted_table_although_changes_fail(void **state)
{
	struct ipvs_table wanted, have;
	struct ipvs_request *requests;
	size_t n = 1;

	(void)state;
	ipvs_fake.fail_error = ENOMEM;
	for (unsigned int seed = 1; seed <= 20; seed++) {
		wanted = (struct ipvs_table){ 0 };
		ipvs_table_random(&wanted, seed);
		n = 1;
		for (unsigned int round = 0; round < 12 && n > 0; round++) {
			/* With one number for all rounds the same change may fail in each. */
			ipvs_fake.fail_every = 2 + (seed + round) % 5;
			free(ipvs_changes_wait(&wanted, &n));
			assert_int_equal(ipvs_poll_wait(&have), 0);
			assert_true(ipvs_changes_make(&have, &wanted, &requests, &n));
			free(requests);
			ipvs_table_done(&have);
		}
		assert_int_equal(n, 0);
		ipvs_table_done(&wanted);
	}
}

static void
a_deletion_of_what_does_not_exist_is_done(void **state)
{
	static const struct {
		bool	service;	/* another program left the service */
		uint8_t	command;
		int	error;
		bool	done;
	} rows[] = {
		{ false, IPVS_CMD_DEL_SERVICE, ESRCH, true },
		{ false, IPVS_CMD_DEL_DEST, ESRCH, true },
		{ true, IPVS_CMD_DEL_DEST, ENOENT, true },
		{ true, IPVS_CMD_SET_DEST, ENOENT, false },
		{ false, IPVS_CMD_SET_SERVICE, ESRCH, false },
		{ false, IPVS_CMD_NEW_DEST, ESRCH, false },
		{ true, IPVS_CMD_NEW_SERVICE, EEXIST, false },
		{ true, IPVS_CMD_DEL_SERVICE, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ipvs_request request = web_request(rows[i].command);
		struct ipvs_request other = web_request(IPVS_CMD_NEW_SERVICE);

		ipvs_fake_reset();
		if (rows[i].service)
			assert_int_equal(ipvs_change_wait(&other, 1), 0);
		assert_int_equal(ipvs_change_wait(&request, 1), 0);
		assert_int_equal(request.error, rows[i].error);
		assert_int_equal(ipvs_change_is_done(&request), rows[i].done);
	}
}

/* -- errors --------------------------------------------------------------------------------- */

static void
a_failure_says_what_to_do(void **state)
{
	static const struct {
		uint8_t			 command;	/* 0: a poll */
		int			 error;
		enum job_fail_cause	 cause;
		const char		*message;
	} rows[] = {
		{ 0, IPVS_NO_MODULE, JOB_CAUSE_REJECTED,
		    "IPVS: the kernel has no module ip_vs; run modprobe ip_vs" },
		{ 0, EPERM, JOB_CAUSE_REJECTED,
		    "IPVS: Operation not permitted; the driver needs CAP_NET_ADMIN" },
		{ 0, ETIMEDOUT, JOB_CAUSE_TIMEOUT, "IPVS: Connection timed out" },
		{ 0, EIO, JOB_CAUSE_OTHER, "IPVS: Input/output error" },
		{ IPVS_CMD_NEW_SERVICE, ENOENT, JOB_CAUSE_REJECTED, "tcp 192.0.2.1:80: the kernel "
		    "has no scheduler rr; run modprobe ip_vs_rr" },
		{ IPVS_CMD_SET_DEST, ENOENT, JOB_CAUSE_UNREACHABLE,
		    "tcp 192.0.2.1:80 to 10.0.0.1:80: another program deleted it" },
		{ IPVS_CMD_NEW_DEST, ESRCH, JOB_CAUSE_UNREACHABLE,
		    "tcp 192.0.2.1:80 to 10.0.0.1:80: another program deleted its service" },
		{ IPVS_CMD_NEW_DEST, ERANGE, JOB_CAUSE_REJECTED,
		    "tcp 192.0.2.1:80 to 10.0.0.1:80: Numerical result out of range" },
		{ IPVS_CMD_DEL_DEST, EBUSY, JOB_CAUSE_UNREACHABLE,
		    "tcp 192.0.2.1:80 to 10.0.0.1:80: Device or resource busy" },
	};
	char message[MODEL_MESSAGE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ipvs_request request = web_request(rows[i].command);

		assert_int_equal(ipvs_failure(rows[i].command == 0 ? NULL : &request,
		    rows[i].error, message), rows[i].cause);
		assert_string_equal(message, rows[i].message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ipvs_steps_have_the_same_results, reset),
		cmocka_unit_test_setup(ipvs_tables_take_effect, reset),
		cmocka_unit_test_setup(a_service_is_never_without_a_destination_between_two_tables,
		    reset),
		cmocka_unit_test_setup(rounds_reach_the_wanted_table_although_changes_fail, reset),
		cmocka_unit_test_setup(a_deletion_of_what_does_not_exist_is_done, reset),
		cmocka_unit_test(a_failure_says_what_to_do),
		cmocka_unit_test_setup(a_destination_with_connections_comes_back_with_its_numbers,
		    reset),
		cmocka_unit_test_setup(every_nth_change_fails, reset),
		cmocka_unit_test_setup(a_kernel_without_module_or_capability_refuses_all, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
