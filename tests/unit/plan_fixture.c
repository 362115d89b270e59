/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A cluster of the driver in memory; see plan_fixture.h.
 */
#include "plan_fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "model/status.h"

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

/* Asserts after a plan that server 'i', the fallback, is brought in or not as src/model/status.c
 * derives it. */
static void
assert_is_as_derived(int i)
{
	struct status_tally tally = { .disabled = !w.service.enabled };
	bool is_in = w.reals[i].enabled && plan_is_up(&w.reals[i]) &&
	    w.reals[i].wanted == PLANE_READY;
	enum drained drained;

	for (uint32_t j = 0; j < w.service.branch.children.n; j++) {
		const struct status_real real = { .enabled = w.reals[j].enabled,
		    .fallback = w.reals[j].fallback, .weight = w.reals[j].weight,
		    .active = plan_active(&w.reals[j], &w.rules), .freshness = FRESHNESS_FRESH };

		status_tally_add(&tally, &real);
	}
	drained = status_drained(&tally);
	assert_int_equal(is_in && w.reals[i].weight > 0,
	    drained == DRAINED_TO_FALLBACK || (status_on_fallback(&tally) && !drained));
	if (is_in)
		assert_string_equal(reason(i), drained == DRAINED_NO ?
		    "brought in by lbcluster: no other server is up" :
		    "brought in by lbcluster: every other active server has weight 0");
}

void
assert_fallback_is_as_derived(void (*down)(int i, bool is_down), const char *(*plan)(void))
{
	enum { UP, DRAINED, DOWN, DISABLED, STATES };

	w.reals[2].fallback = true;
	for (int n = 0; n < 2 * STATES * STATES * STATES; n++) {
		const int states[] = { n % STATES, n / STATES % STATES,
			n / STATES / STATES % STATES };

		w.service.enabled = n < STATES * STATES * STATES;
		for (int i = 0; i < 3; i++) {
			w.reals[i].enabled = states[i] != DISABLED;
			w.reals[i].weight = states[i] == DRAINED ? 0 : 10;
			down(i, states[i] == DOWN);
		}
		for (int i = 0; i < 3; i++)
			plan();
		assert_is_as_derived(2);
	}
}

const char *
reason(int i)
{
	static char buf[MODEL_MESSAGE_MAX + 1];

	plan_bind(&w.cluster, &w.poll);
	return plan_reason(&w.reals[i], &w.rules, buf);
}
