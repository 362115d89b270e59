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

/* Asserts after a plan that the driver brings in the fallback, server 'i', by the same rule as
 * src/model/status.c derives from the statistics of the servers. */
void assert_fallback_is_as_derived(int i);

/* Returns the reason of server 'i'. */
const char *reason(int i);

#endif
