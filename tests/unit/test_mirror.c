/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/driver: what a driver takes for the settings while a SET is open.
 */
#include "store_set_world.h"

#include "driver/mirror.h"

enum { REAL_PLAIN = 1, REAL_PROXY = 4, BEFORE = 10, TOKEN = 7, LATER = 8 };

static struct mirror mirror;

static void
let_go(struct mirror_cluster *cluster)
{
	(void)cluster;
}

static int
setup(void **state)
{
	mirror_init(&mirror, "haproxy", let_go);
	return set_world_setup(state);
}

static int
teardown(void **state)
{
	mirror_done(&mirror);
	return fixture_teardown(state);
}

static void
weight_is(struct fixture *f, uint32_t id, int weight)
{
	assert_int_equal(mirror_refresh(&mirror, f->store, &f->err), ERR_OK);
	assert_int_equal(mirror_real(&mirror, id)->weight, weight);
}

static void
weight_hold(struct fixture *f, uint64_t token, uint32_t id, uint32_t weight)
{
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(token, { id, REAL_WEIGHT, weight })).code,
	    ERR_OK);
}

static void
held_value_does_not_count_whatever_else_changes(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_is(f, REAL_PROXY, BEFORE);
	plain_ok(f->main_path, "UPDATE real_service SET reason = 'down' WHERE id = 4");
	weight_is(f, REAL_PROXY, BEFORE);
	plain_ok(f->main_path, "UPDATE real_service SET enabled = 1 - enabled WHERE id = 4");
	weight_is(f, REAL_PROXY, BEFORE);
	release(f, TOKEN);
	weight_is(f, REAL_PROXY, 55);
	plain_ok(f->main_path, "UPDATE real_service SET reason = '' WHERE id = 4");
	weight_is(f, REAL_PROXY, 55);
}

static void
held_value_that_is_undone_never_counted(void **state)
{
	struct fixture *f = *state;
	const struct store_set *set = SET_OF(TOKEN, { REAL_PROXY, REAL_WEIGHT, 55 });

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_is(f, REAL_PROXY, BEFORE);
	assert_int_equal(store_set_undo(f->store, set, &f->err), ERR_OK);
	weight_is(f, REAL_PROXY, BEFORE);
	/* Nothing of it is left: the same value counts when it comes from elsewhere. */
	plain_ok(f->main_path, "UPDATE real_service SET weight = 55 WHERE id = 4");
	weight_is(f, REAL_PROXY, 55);
}

/* No driver claims what is only recorded; one that gets the cluster has to know of it. */
static void
held_value_that_is_recorded_counts(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PLAIN, 55);
	weight_is(f, REAL_PLAIN, BEFORE);
	release(f, TOKEN);
	weight_is(f, REAL_PLAIN, 55);
}

static void
two_held_values_count_one_after_the_other(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_hold(f, LATER, REAL_PROXY, 66);
	weight_is(f, REAL_PROXY, BEFORE);
	plain_ok(f->main_path, "UPDATE job SET state = 1 WHERE id = 1");
	weight_is(f, REAL_PROXY, 55);
	plain_ok(f->main_path, "UPDATE job SET state = 1 WHERE id = 2");
	weight_is(f, REAL_PROXY, 66);
}

/* That one's job is carried out, whatever becomes of the SET that is open. */
static void
held_value_that_another_set_as_well_counts(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_is(f, REAL_PROXY, BEFORE);
	assert_int_equal(do_set(f, STORE_SET_NOW,
	    SET_OF(LATER, { REAL_PROXY, REAL_WEIGHT, 55 })).jobs,
	    1);
	weight_is(f, REAL_PROXY, 55);
	plain_ok(f->main_path, "UPDATE job SET state = 4 WHERE id = 2");
	weight_is(f, REAL_PROXY, BEFORE);
	release(f, TOKEN);
	weight_is(f, REAL_PROXY, 55);
}

static void
real_service_goes_while_a_value_is_held(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_is(f, REAL_PROXY, BEFORE);
	plain_ok(f->main_path, "DELETE FROM real_service WHERE id = 4");
	assert_int_equal(mirror_refresh(&mirror, f->store, &f->err), ERR_OK);
	assert_null(mirror_real(&mirror, REAL_PROXY));
	/* One that is held at the end goes with the mirror. */
	weight_hold(f, LATER, REAL_PLAIN, 55);
	weight_is(f, REAL_PLAIN, BEFORE);
}

/* A driver goes on from what it had stored before it was restarted. */
static void
statistics_are_read_at_the_start_alone(void **state)
{
	struct fixture *f = *state;

	plain_ok(f->stats_path, "INSERT INTO statistics (real_id, counters_since,"
	    " total_connections) VALUES (4, 77, 5)");
	weight_is(f, REAL_PROXY, BEFORE);
	assert_int_equal(mirror_real(&mirror, REAL_PROXY)->measure.since, 77);
	assert_int_equal(mirror_real(&mirror, REAL_PROXY)->measure.totals[STAT_TOTAL_CONNECTIONS],
	    5);
	plain_ok(f->stats_path, "UPDATE statistics SET counters_since = 99 WHERE real_id = 4");
	weight_is(f, REAL_PROXY, BEFORE);
	assert_int_equal(mirror_real(&mirror, REAL_PROXY)->measure.since, 77);
}

#define IN_MIRROR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_MIRROR(held_value_does_not_count_whatever_else_changes),
		IN_MIRROR(held_value_that_is_undone_never_counted),
		IN_MIRROR(held_value_that_is_recorded_counts),
		IN_MIRROR(two_held_values_count_one_after_the_other),
		IN_MIRROR(held_value_that_another_set_as_well_counts),
		IN_MIRROR(real_service_goes_while_a_value_is_held),
		IN_MIRROR(statistics_are_read_at_the_start_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
