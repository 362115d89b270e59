/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A cluster of the driver in memory for tests of src/driver/plan.c: one service, with the same
 * servers in the store and in the data plane.
 */
#ifndef TESTS_UNIT_PLAN_FIXTURE_H
#define TESTS_UNIT_PLAN_FIXTURE_H

#include "driver/plan.h"

enum { PLAN_REALS = 4, PLAN_ADDED = 5 };

struct plan_world {
	struct driver_cluster	 cluster;
	struct driver_service	 service;
	struct driver_real	 reals[PLAN_REALS];
	struct tree_row		*services[1], *rows[PLAN_REALS + PLAN_ADDED];
	char			 names[PLAN_REALS][40];	/* and the other texts of the row */
	struct plane_server	 servers[PLAN_REALS];
	struct plane_poll	 poll;
	struct plan_rules	 rules;
	struct plan		 plan;
};

extern struct plan_world w;

/* Makes 'n' enabled servers of weight 10 that are ready and up in a service; 'names' and 'service'
 * stay valid. */
void plan_world_setup(const struct plane_kind_ops *ops, char *service, const char *const *names,
    uint32_t n);

/* A teardown of cmocka. */
int plan_world_teardown(void **state);

/* Makes server 2 the fallback. Asserts that the driver brings it in exactly if status_drained() or
 * status_on_fallback() says so: for each combination of servers 0, 1 and 2 that are up, up with
 * weight 0, down or disabled, in a service that is enabled or not. 'down' makes a health check of
 * server 'i' fail or pass; 'plan' makes a plan and carries it out. */
void assert_fallback_is_as_derived(void (*down)(int i, bool is_down), const char *(*plan)(void));

/* Returns the reason of server 'i'. */
const char *reason(int i);

#endif
