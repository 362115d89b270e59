/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests that run against the kernel in memory (tests/unit/test_ipvs_steps) and against the kernel
 * of the guest (tests/guest/ipvs_kernel), so that both behave the same. The table of IPVS has to
 * be empty before each of them, and is empty afterwards.
 */
#ifndef TESTS_UNIT_IPVS_STEPS_H
#define TESTS_UNIT_IPVS_STEPS_H

#include "plane/ipvs/ipvs_table.h"

/* A list of changes has the expected errnos. */
void ipvs_steps_have_the_same_results(void **state);

/* Random tables take effect: the changes to each of them leave no difference. */
void ipvs_tables_take_effect(void **state);

/* -- operations that are waited for; each has a loop and a socket of its own --------------- */

/* Polls all services. Returns the error; ipvs_table_done() frees *ret. */
int ipvs_poll_wait(struct ipvs_table *ret);

/* Sends the requests and returns the error of the socket. */
int ipvs_change_wait(struct ipvs_request *requests, size_t n);

/* Polls, and sends the changes that make 'wanted' the table of the kernel. Returns the *ret_n
 * requests with their results, which the caller frees. */
struct ipvs_request *ipvs_changes_wait(const struct ipvs_table *wanted, size_t *ret_n);

/* Adds services with destinations to 'table' and sorts it; the same ones for the same 'seed'. */
void ipvs_table_random(struct ipvs_table *table, unsigned int seed);

#endif
