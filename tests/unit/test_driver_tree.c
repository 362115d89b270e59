/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/driver: what a driver takes for the settings while a SET is open.
 */
#include "store_set_fixture.h"

#include "driver/driver_tree.h"

enum { REAL_PLAIN = 1, REAL_PROXY = 4, BEFORE = 10, TOKEN = 7, LATER = 8 };

static struct driver_tree tree;

static void
on_detach(struct driver_cluster *cluster)
{
	(void)cluster;
}

static int
setup(void **state)
{
	driver_tree_init(&tree, "haproxy", on_detach);
	return two_clusters_setup(state);
}

static int
teardown(void **state)
{
	driver_tree_done(&tree);
	return fixture_teardown(state);
}

static void
weight_is(struct fixture *f, uint32_t id, int weight)
{
	assert_int_equal(driver_tree_refresh(&tree, f->store, &f->err), ERR_OK);
	assert_int_equal(driver_real_find(&tree, id)->weight, weight);
}

static void
weight_hold(struct fixture *f, uint64_t token, uint32_t id, uint32_t weight)
{
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(token, { id, REAL_WEIGHT, weight })).code,
	    ERR_OK);
}

static void
value_of_a_set_counts_once_that_is_released(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_hold(f, LATER, REAL_PLAIN, 55);
	weight_is(f, REAL_PROXY, BEFORE);
	sql_exec(f->main_path, "UPDATE real_service SET reason = 'down' WHERE id = 4");
	weight_is(f, REAL_PROXY, BEFORE);
	release(f, TOKEN);
	weight_is(f, REAL_PROXY, 55);
	/* No driver claims what is only recorded; one that gets the cluster has to know of it. */
	weight_is(f, REAL_PLAIN, BEFORE);
	release(f, LATER);
	weight_is(f, REAL_PLAIN, 55);
}

static void
value_that_is_undone_never_counted(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_is(f, REAL_PROXY, BEFORE);
	assert_int_equal(store_set_undo(f->store, TOKEN, &f->err), ERR_OK);
	weight_is(f, REAL_PROXY, BEFORE);
}

/* What the driver set for a job that it claimed holds until it reads that job again: by plain
 * SQL the row may have another value by then. */
static void
row_counts_again_once_its_job_was_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_NOW,
	    SET_OF(TOKEN, { REAL_PROXY, REAL_WEIGHT, 55 })).code, ERR_OK);
	sql_exec(f->main_path, "UPDATE real_service SET weight = 66 WHERE id = 4");
	weight_is(f, REAL_PROXY, 66);
	driver_real_value_set(driver_real_find(&tree, REAL_PROXY), JOB_SET_WEIGHT, 55);
	sql_exec(f->main_path, "UPDATE job SET state = 2 WHERE id = 1");
	weight_is(f, REAL_PROXY, 66);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(value_of_a_set_counts_once_that_is_released),
		TEST(value_that_is_undone_never_counted),
		TEST(row_counts_again_once_its_job_was_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
