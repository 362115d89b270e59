/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/cache: 100,000 rows, and allocations that fail.
 */
#include "cache_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fewer rows under valgrind(1), which is fifty times slower. */
static unsigned
many_rows(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL ? 4000 : 100000;
}

static void
cache_reads_changes_of_many_rows(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	unsigned rows = many_rows();
	char sql[500];

	snprintf(sql, sizeof(sql), "INSERT INTO cluster (name) VALUES ('big');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'flat');"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
	    " INSERT INTO real_service (service_id, name) SELECT 1, 'r' || i FROM n", rows);
	sql_exec(f->main_path, sql);
	snprintf(sql, sizeof(sql), "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %u) INSERT INTO statistics (real_id, active, last_update, bps_in)"
	    " SELECT i, 1, 1000000, i FROM n", rows);
	sql_exec(f->stats_path, sql);
	refresh(f, cache, 1000, NOW);
	assert_int_equal(tree_count(&cache->tree, STORE_REAL), rows);
	assert_cache_equals_store(f, cache, NOW);
	sql_exec(f->main_path, "DELETE FROM real_service WHERE id % 2 = 0;"
	    "UPDATE real_service SET name = 'n' || id WHERE id < 1000");
	refresh(f, cache, 1000, NOW);
	assert_int_equal(tree_count(&cache->tree, STORE_REAL), rows / 2);
	assert_cache_equals_store(f, cache, NOW);
	sql_exec(f->main_path, "DELETE FROM cluster");
	refresh(f, cache, 1000, NOW);
	assert_cache_equals_store(f, cache, NOW);
	assert_int_equal(tree_count(&cache->tree, STORE_REAL), 0);
	cache_free(cache);
}

/* Adds, removes and renames rows, and adds jobs, between the two loads. */
static const char changes_sql[] =
    "INSERT INTO cluster (name) VALUES ('new');"
    "INSERT INTO service (cluster_id, name) VALUES (2, 's'), (1, 't'), (1, 'u'), (1, 'v');"
    "INSERT INTO real_service (service_id, name) VALUES (1, 'd'), (1, 'e'), (2, 'f'), (3, 'g');"
    "UPDATE cluster SET name = 'www' WHERE id = 1; UPDATE service SET name = 'x' WHERE id = 1;"
    "UPDATE real_service SET name = 'y' WHERE id = 1; DELETE FROM real_service WHERE id = 2;"
    "INSERT INTO job (real_id, operation, old_value, new_value, cluster_name, service_name,"
    " real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a')";

/* Every allocation fails once. The cache is consistent after each failure, and continues. */
static void
failed_allocation_only_delays_changes(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	long failures = 0;
	bool changed = false;

	inventory_make(f);
	for (long n = 1; ; n++) {
		bool more = true, failed;
		enum err_code code;

		memory_fails_at(n);
		code = cache_refresh(cache, f->store, 1000, NOW, &more, &f->err);
		failed = memory_failed();
		memory_fails_at(0);
		failures += failed;
		/* The engine of PostgreSQL also allocates for statistics, without which a read goes
		 * on. */
		if (!failed || code != ERR_OK || !fixture_is_postgres())
			assert_int_equal(code, failed ? ERR_NOMEM : ERR_OK);
		if (cache->tree.loaded) {
			char *text = cache_dump(cache, NOW);	/* reads every row */

			free(text);
			assert_names_found(cache);
		}
		if (failed) {
			n = 0;	/* part of the changes is read: fail in the rest */
			if (failures % 2 == 0)
				refresh(f, cache, 1, NOW);
			continue;
		}
		if (more)
			continue;
		assert_cache_equals_store(f, cache, NOW);
		if (changed)
			break;
		sql_exec(f->main_path, changes_sql);
		changed = true;
		n = 0;
	}
	cache_free(cache);
}

/* Fails the n-th allocation of a load, and of a set of changes, for each n. */
static void
failed_allocation_loses_no_change(void **state)
{
	struct fixture *f = *state;
	long failures = 0;
	bool failed = true;

	inventory_make(f);
	sql_exec(f->main_path, "INSERT INTO job (real_id, operation, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a')");
	for (long n = 1; failed; n++) {
		struct cache *cache;
		bool more;

		memory_fails_at(n);
		cache = cache_new();
		if (cache == NULL) {
			assert_true(memory_failed());
			memory_fails_at(0);
			continue;
		}
		cache_stale_after_set(cache, STALE_AFTER_S, NOW);
		(void)cache_refresh(cache, f->store, 1000, NOW, &more, &f->err);
		failed = memory_failed();
		memory_fails_at(0);
		refresh(f, cache, 1000, NOW);
		assert_cache_equals_store(f, cache, NOW);
		cache_free(cache);
		failures += failed;
	}
	assert_true(failures > 10);
	failed = true;
	for (long n = 1; failed; n++) {
		struct cache *cache = cache_make();
		char sql[2000];
		bool more;

		sql_exec(f->main_path, "DELETE FROM cluster WHERE name = 'again';"
		    "DELETE FROM service WHERE name = 'again';"
		    "DELETE FROM real_service WHERE name = 'again'");
		refresh(f, cache, 1000, NOW);
		snprintf(sql, sizeof(sql),
		    "%s; UPDATE cluster SET name = 'web' || (id * 1000 + %ld);"
		    "UPDATE service SET name = 's' || (id * 1000 + %ld);"
		    "UPDATE real_service SET name = 'r' || (id * 1000 + %ld)",
		    n == 1 ? changes_sql : "SELECT 1", n, n, n);
		sql_exec(f->main_path, sql);
		sql_exec(f->main_path,
		    "INSERT INTO real_service (service_id, name) VALUES (1, 'again');"
		    "INSERT INTO service (cluster_id, name) VALUES (1, 'again');"
		    "INSERT INTO cluster (name) VALUES ('again')");
		memory_fails_at(n);
		(void)cache_refresh(cache, f->store, 1000, NOW, &more, &f->err);
		failed = memory_failed();
		memory_fails_at(0);
		assert_names_found(cache);
		refresh(f, cache, 1000, NOW);
		assert_cache_equals_store(f, cache, NOW);
		cache_free(cache);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_open, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(cache_reads_changes_of_many_rows),
		TEST(failed_allocation_only_delays_changes),
		TEST(failed_allocation_loses_no_change),
	};

	return cmocka_run_group_tests_name("cache_size", tests, NULL, NULL);
}
