/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/driver/driver_tree.c: the settings that a driver follows while a SET is open,
 * and its rows when the store is replaced.
 */
#include "store_set_fixture.h"

#include <stdio.h>

#include "driver/driver_tree.h"

enum { REAL_PLAIN = 1, REAL_PROXY = 4, CLUSTER_PROXY = 2, BEFORE = 10, TOKEN = 7, LATER = 8 };

static struct driver_tree tree;
static unsigned detached[3];	/* by id of the cluster */

static void
on_detach(struct driver_cluster *cluster)
{
	detached[cluster->row.id]++;
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
refresh(struct fixture *f)
{
	if (driver_tree_refresh(&tree, f->store, &f->err) != ERR_OK)
		fail_msg("%s", f->err.text);
}

static void
assert_weight(struct fixture *f, uint32_t id, int weight)
{
	refresh(f);
	assert_int_equal(driver_real_find(&tree, id)->weight, weight);
}

static void
weight_hold(struct fixture *f, uint64_t token, uint32_t id, uint32_t weight)
{
	assert_int_equal(do_set(f, STORE_SET_HOLD, SET_OF(token, { id, REAL_WEIGHT, weight })).code,
	    ERR_OK);
}

/* -- SETs -------------------------------------------------------------------------------- */

static void
value_of_a_set_counts_after_its_release(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	weight_hold(f, LATER, REAL_PLAIN, 55);
	assert_weight(f, REAL_PROXY, BEFORE);
	sql_exec(f->main_path, "UPDATE real_service SET reason = 'down' WHERE id = 4");
	assert_weight(f, REAL_PROXY, BEFORE);
	release(f, TOKEN);
	assert_weight(f, REAL_PROXY, 55);
	/* A cluster without a data plane has no driver yet. A driver that gets it later has to
	 * know the value. */
	assert_weight(f, REAL_PLAIN, BEFORE);
	release(f, LATER);
	assert_weight(f, REAL_PLAIN, 55);
}

static void
value_of_an_undone_set_never_counts(void **state)
{
	struct fixture *f = *state;

	weight_hold(f, TOKEN, REAL_PROXY, 55);
	assert_weight(f, REAL_PROXY, BEFORE);
	assert_int_equal(store_set_undo(f->store, TOKEN, &f->err), ERR_OK);
	assert_weight(f, REAL_PROXY, BEFORE);
}

/* The driver sets a value for a job that it claims. The value holds until the driver reads that
 * job again, because plain SQL may have changed the row since. */
static void
row_counts_again_when_its_job_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(do_set(f, STORE_SET_NOW,
	    SET_OF(TOKEN, { REAL_PROXY, REAL_WEIGHT, 55 })).code, ERR_OK);
	sql_exec(f->main_path, "UPDATE real_service SET weight = 66 WHERE id = 4");
	assert_weight(f, REAL_PROXY, 66);
	driver_real_value_set(driver_real_find(&tree, REAL_PROXY), REAL_WEIGHT, 55);
	sql_exec(f->main_path, "UPDATE job SET state = 2 WHERE id = 1");
	assert_weight(f, REAL_PROXY, 66);
}

/* -- rows -------------------------------------------------------------------------------- */

/* In the other file an id may be that of another row. */
static void
replaced_store_resets_what_the_driver_knows(void **state)
{
	struct fixture *f = *state;
	char sql[200], backup[128];
	unsigned before;

	sqlite_only(state, "SQLite has files");
	snprintf(backup, sizeof(backup), "%s.backup", f->main_path);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", backup);
	sql_exec(f->main_path, sql);
	sql_exec(f->main_path, "INSERT INTO real_service (service_id, name) VALUES (2, 'new')");
	refresh(f);
	assert_int_equal(driver_cluster_reals(driver_cluster_of(driver_real_find(&tree,
	    REAL_PROXY))), tree_count(&tree.tree, STORE_REAL) - 3);
	before = detached[CLUSTER_PROXY];
	driver_real_find(&tree, REAL_PROXY)->drain_since_ms = 1;

	assert_int_equal(rename(backup, f->main_path), 0);
	clock_advance(2000);
	refresh(f);
	assert_true(detached[CLUSTER_PROXY] > before);
	assert_int_equal(driver_real_find(&tree, REAL_PROXY)->drain_since_ms, 0);
	assert_weight(f, REAL_PROXY, BEFORE);
	assert_int_equal(driver_cluster_reals(driver_cluster_of(driver_real_find(&tree,
	    REAL_PROXY))), tree_count(&tree.tree, STORE_REAL) - 3);
	before = detached[CLUSTER_PROXY];
	refresh(f);
	assert_int_equal(detached[CLUSTER_PROXY], before);
}

static void
changed_parameters_detach_the_cluster(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	refresh(f);
	before = detached[CLUSTER_PROXY];
	sql_exec(f->main_path, "UPDATE cluster SET name = 'other' WHERE id = 2");
	refresh(f);
	assert_int_equal(detached[CLUSTER_PROXY], before);
	sql_exec(f->main_path, "UPDATE cluster SET plane_params = '{\"socket\":\"/run/x\"}'"
	    " WHERE id = 2");
	refresh(f);
	assert_int_equal(detached[CLUSTER_PROXY], before + 1);
	sql_exec(f->main_path, "DELETE FROM cluster WHERE id = 2");
	refresh(f);
	assert_int_equal(detached[CLUSTER_PROXY], before + 2);
	assert_null(driver_real_find(&tree, REAL_PROXY));
}

/* A driver needs them. lbclusterd does without, which saves memory: its trees end at the reason. */
static void
parameters_of_rows_are_texts_of_the_tree(void **state)
{
	struct fixture *f = *state;
	const struct driver_real *real;

	sql_exec(f->main_path, "UPDATE service SET params = '{\"check\":\"none\"}';"
	    "UPDATE real_service SET params = '{\"check\":\"http\"}', reason = 'because'");
	refresh(f);
	real = driver_real_find(&tree, REAL_PROXY);
	assert_string_equal(tree_text(&real->row, TREE_REASON), "because");
	assert_string_equal(tree_text(&real->row, TREE_REAL_PARAMS), "{\"check\":\"http\"}");
	assert_string_equal(tree_text(&real->row.parent->row, TREE_SERVICE_PARAMS),
	    "{\"check\":\"none\"}");
	sql_exec(f->main_path, "UPDATE real_service SET params = ''");
	refresh(f);
	assert_string_equal(tree_text(&driver_real_find(&tree, REAL_PROXY)->row, TREE_REAL_PARAMS),
	    "");
}

static bool
is_mine(uint32_t real_id)
{
	return driver_cluster_of(driver_real_find(&tree, real_id))->mine;
}

static void
cluster_is_served_while_it_has_the_plane_of_the_driver(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	refresh(f);
	before = detached[CLUSTER_PROXY];
	assert_true(is_mine(REAL_PROXY));
	assert_false(is_mine(REAL_PLAIN));
	sql_exec(f->main_path, "UPDATE cluster SET plane = CASE id WHEN 2 THEN 'none'"
	    " ELSE 'haproxy' END");
	refresh(f);
	assert_int_equal(detached[CLUSTER_PROXY], before + 1);
	assert_false(is_mine(REAL_PROXY));
	assert_true(is_mine(REAL_PLAIN));
}

/* The driver of plane none serves clusters with a check, and those whose status it has to clear. */
static void
cluster_without_a_data_plane_is_served_while_it_has_a_check(void **state)
{
	static const struct {
		const char	*sql;
		bool		 mine;
	} steps[] = {
		{ "SELECT 1", false },
		{ "UPDATE service SET params = '{\"check\":\"none\"}'", false },
		{ "UPDATE service SET params = '{\"check-path\":\"/\"}'", false },
		{ "UPDATE service SET params = '{\"check\":\"http\"}'", true },
		{ "UPDATE service SET params = ''", false },
		{ "UPDATE real_service SET params = '{\"check\":\"connect\"}' WHERE id = 1", true },
		{ "UPDATE cluster SET plane_status = 2 WHERE id = 1", true },
		{ "UPDATE real_service SET params = ''", true },
		{ "UPDATE cluster SET plane_status = 1 WHERE id = 1", false },
	};
	struct fixture *f = *state;

	driver_tree_done(&tree);
	driver_tree_init(&tree, "none", on_detach);
	for (size_t i = 0; i < COUNT(steps); i++) {
		sql_exec(f->main_path, steps[i].sql);
		refresh(f);
		if (is_mine(REAL_PLAIN) != steps[i].mine)
			fail_msg("%s", steps[i].sql);
		assert_false(is_mine(REAL_PROXY));
	}
}

static void
check_is_made_again_when_a_row_above_changed(void **state)
{
	static const char *const changes[] = {
		"UPDATE real_service SET address = '10.9.9.9' WHERE id = 4",
		"UPDATE service SET params = '{\"check\":\"http\"}' WHERE cluster_id = 2",
		"UPDATE cluster SET name = 'other' WHERE id = 2",
		"UPDATE cluster SET plane = 'ipvs' WHERE id = 2",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(changes); i++) {
		refresh(f);
		driver_real_find(&tree, REAL_PLAIN)->check_set = true;
		driver_real_find(&tree, REAL_PROXY)->check_set = true;
		sql_exec(f->main_path, changes[i]);
		refresh(f);
		if (driver_real_find(&tree, REAL_PROXY)->check_set)
			fail_msg("%s", changes[i]);
		assert_true(driver_real_find(&tree, REAL_PLAIN)->check_set);
	}
}

/* A store that was changed without its triggers may have rows below no row. */
static void
row_without_its_parent_is_ignored(void **state)
{
	struct fixture *f = *state;
	uint32_t rows;

	sqlite_only(state, "PostgreSQL checks references always");
	refresh(f);
	rows = tree_count(&tree.tree, STORE_REAL);
	sql_exec(f->main_path, "PRAGMA foreign_keys = OFF; DROP TRIGGER service_parent;"
	    "DROP TRIGGER IF EXISTS real_service_parent;"
	    "INSERT INTO service (id, cluster_id, name) VALUES (50, 99, 'orphan');"
	    "INSERT INTO real_service (service_id, name) VALUES (50, 'orphan')");
	refresh(f);
	assert_int_equal(tree_count(&tree.tree, STORE_REAL), rows);
	assert_null(tree_find(&tree.tree, STORE_SERVICE, 50));
	assert_weight(f, REAL_PROXY, BEFORE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(value_of_a_set_counts_after_its_release),
		TEST(value_of_an_undone_set_never_counts),
		TEST(row_counts_again_when_its_job_is_read),
		TEST(replaced_store_resets_what_the_driver_knows),
		TEST(changed_parameters_detach_the_cluster),
		TEST(parameters_of_rows_are_texts_of_the_tree),
		TEST(cluster_is_served_while_it_has_the_plane_of_the_driver),
		TEST(cluster_without_a_data_plane_is_served_while_it_has_a_check),
		TEST(check_is_made_again_when_a_row_above_changed),
		TEST(row_without_its_parent_is_ignored),
	};

	return cmocka_run_group_tests_name("driver_tree", tests, NULL, NULL);
}
