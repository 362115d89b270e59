/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A cluster of the driver in memory; see plan_fixture.h.
 */
#include "plan_fixture.h"

#include <stdio.h>
#include <string.h>

struct plan_world w;

void
plan_world_setup(const struct plane_kind_ops *ops, char *service, const char *const *names,
    uint32_t n)
{
	plan_done(&w.plan);
	memset(&w, 0, sizeof(w));
	w.rules = (struct plan_rules){ .job_timeout_s = 3600, .ops = ops,
	    .title = plane_kind_find(ops->kind)->title, .now_ms = 1000 };
	w.cluster.branch.children = (struct tree_list){ w.services, 1, 1 };
	w.services[0] = &w.service.row;
	w.service.row.parent = &w.cluster.branch;
	w.service.row.name = service;
	w.service.enabled = true;
	w.service.branch.children = (struct tree_list){ w.rows, 0, PLAN_REALS + PLAN_ADDED };
	for (uint32_t i = 0; i < n; i++) {
		snprintf(w.names[i], sizeof(w.names[i]), "%s", names[i]);
		w.reals[i] = (struct driver_real){
		    .row = { .parent = &w.service.branch, .name = w.names[i], .id = i + 1 },
		    .place = i + 1, .weight = 10, .enabled = true };
		tree_list_add(&w.service.branch.children, &w.reals[i].row);
		w.servers[i] = (struct plane_server){ .exists = true, .state = PLANE_READY,
		    .up = true, .weight = 10 };
	}
	w.poll = (struct plane_poll){ .servers = w.servers, .epoch = 1, .counters_since = 500 };
}

int
plan_world_teardown(void **state)
{
	(void)state;
	plan_done(&w.plan);
	return 0;
}

const char *
reason(int i)
{
	static char buf[MODEL_MESSAGE_MAX + 1];

	plan_bind(&w.cluster, &w.poll);
	return plan_reason(&w.reals[i], &w.rules, buf);
}
