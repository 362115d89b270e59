/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/cache: the cache compared with the files of the store.
 */
#include "cache_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- changes ------------------------------------------------------------------------- */

static void
store_change_at_random(struct fixture *f, uint64_t *seed)
{
	static const struct {
		bool		 stats;
		const char	*sql;
	} kinds[] = {
		{ false, "INSERT OR IGNORE INTO cluster (name, plane) VALUES ('c%u', 'ipvs')" },
		{ false, "INSERT OR IGNORE INTO service (cluster_id, name) SELECT id, 's%u'"
		    " FROM cluster ORDER BY random() LIMIT 2" },
		{ false, "INSERT OR IGNORE INTO real_service (service_id, name, address, port)"
		    " SELECT id, 'r%u', '10.0.0.1', '80' FROM service ORDER BY random() LIMIT 3" },
		{ false, "INSERT OR IGNORE INTO real_service (service_id, name) SELECT id, %u"
		    " FROM service" },
		{ false, "UPDATE real_service SET weight = %u WHERE id %% 3 = abs(random() %% 3)" },
		{ false, "UPDATE real_service SET enabled = abs(random() %% 2) WHERE id %% 4 ="
		    " %u %% 4" },
		{ false, "UPDATE OR IGNORE real_service SET fallback = 1 - fallback WHERE id %% 5 ="
		    " %u %% 5" },
		{ false,
		  "UPDATE OR IGNORE real_service SET name = 'a%u', reason = 'renamed' WHERE id"
		    " IN (SELECT id FROM real_service ORDER BY random() LIMIT 3)" },
		{ false, "UPDATE OR IGNORE service SET name = 's%u', port = '1' WHERE id IN"
		    " (SELECT id FROM service ORDER BY random() LIMIT 3)" },
		{ false, "UPDATE OR IGNORE cluster SET name = 'c%u', plane_status = 2,"
		    " plane_message = 'm' WHERE id IN (SELECT id FROM cluster ORDER BY random()"
		    " LIMIT 1)" },
		{ false, "INSERT INTO job (real_id, operation, state, old_value, new_value,"
		    " cluster_name, service_name, real_name) SELECT id, 5, %u %% 3, 1, 2, 'c', 's',"
		    " name FROM real_service ORDER BY random() LIMIT 4" },
		{ false, "UPDATE service SET enabled = abs(random() %% 2) WHERE id %% 3 ="
		    " %u %% 3" },
		{ false, "INSERT INTO job (service_id, operation, state, old_value, new_value,"
		    " cluster_name, service_name, real_name) SELECT id, 6 + id %% 2, %u %% 3, 0, 1,"
		    " 'c', name, '' FROM service ORDER BY random() LIMIT 2" },
		{ false, "UPDATE job SET state = state + 1 + %u %% 3 WHERE state < 3" },
		{ false, "DELETE FROM job WHERE id %% 7 = %u %% 7" },
		{ false, "DELETE FROM real_service WHERE id %% 9 = %u %% 9" },
		{ false, "DELETE FROM service WHERE id %% 11 = %u %% 11" },
		{ false, "DELETE FROM cluster WHERE id %% 13 = %u %% 13" },
		{ true, "INSERT OR REPLACE INTO statistics (real_id, active, bps_in, last_update)"
		    " SELECT real_id, abs(random() %% 2), 5000000000,"
		    " 1000000 - abs(random() %% 500)"
		    " FROM statistics WHERE real_id %% 3 = %u %% 3" },
		{ true, "INSERT OR REPLACE INTO statistics (real_id, active_connections,"
		    " connections_per_second, pps_out, last_update) SELECT id, 7, 5, %u, 1000000"
		    " FROM inventory.real_service ORDER BY random() LIMIT 1" },
		{ true,
		  "INSERT OR REPLACE INTO statistics (real_id, active, last_update) SELECT id,"
		    " %u %% 2, 1000000 - abs(random() %% 400) FROM inventory.real_service"
		    " ORDER BY random() LIMIT 20" },
		{ true, "UPDATE statistics SET role = %u %% 3 WHERE real_id %% 4 = 1" },
		{ true, "DELETE FROM statistics WHERE real_id %% 10 = %u %% 10" },
		{ true, "UPDATE statistics SET requests = 1 << 40, pps_in = %u,"
		    " check_code = 503,"
		    " http_5xx = 6 WHERE real_id %% 3 = abs(random() %% 3)" },
		{ true, "UPDATE statistics SET requests = NULL, pps_in = NULL"
		    " WHERE real_id %% 5 = %u %% 5" },
		{ true, "INSERT OR REPLACE INTO service_statistics (service_id, algorithm,"
		    " requests, counters_since) SELECT id, 'a%u', 1 << 50, 77"
		    " FROM inventory.service"
		    " ORDER BY random() LIMIT 5" },
		{ true, "UPDATE service_statistics SET queued_connections = %u, requests = NULL"
		    " WHERE service_id %% 2 = abs(random() %% 2)" },
		{ true, "DELETE FROM service_statistics WHERE service_id %% 4 = %u %% 4" },
	};
	size_t i = random_next(seed) % COUNT(kinds);
	char sql[700];
	int n = snprintf(sql, sizeof(sql), "ATTACH '%s' AS inventory;", f->main_path);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql + n, sizeof(sql) - (size_t)n, kinds[i].sql, random_next(seed) % 40);
#pragma GCC diagnostic pop
	sql_exec(kinds[i].stats ? f->stats_path : f->main_path, kinds[i].stats ? sql : sql + n);
}

static void
cache_reads_every_change_with_any_limit(void **state)
{
	static const size_t limits[] = { 1, 2, 7, 1000 };
	struct fixture *f = *state;
	struct cache *caches[COUNT(limits)];
	int64_t now = NOW;
	uint64_t seed = 17;
	uint32_t most = 0;

	sqlite_only(state, "its statements are of SQLite; store_changes has the same for both");
	for (size_t i = 0; i < COUNT(limits); i++)
		caches[i] = cache_make();
	for (int round = 0; round < 120; round++) {
		for (uint32_t n = random_next(&seed) % 6 + 1; n > 0; n--)
			store_change_at_random(f, &seed);
		now += random_next(&seed) % 8;
		/* The wall clock is set back or forward. */
		if (random_next(&seed) % 10 == 0)
			now += (int64_t)(random_next(&seed) % 800) - 400;
		for (size_t i = 0; i < COUNT(limits); i++) {
			bool more = true;

			/* The next changes come while this cache is behind. */
			if (random_next(&seed) % 3 == 0) {
				assert_int_equal(cache_refresh(caches[i], f->store, limits[i], now,
				    &more, &f->err), ERR_OK);
				assert_int_equal(caches[i]->tree.behind, more);
				continue;
			}
			refresh(f, caches[i], limits[i], now);
			cache_tick(caches[i], now);
			if (round % 4 != 0)
				continue;
			assert_cache_equals_store(f, caches[i], now);
			if (tree_count(&caches[i]->tree, STORE_REAL) > most)
				most = tree_count(&caches[i]->tree, STORE_REAL);
		}
	}
	for (size_t i = 0; i < COUNT(limits); i++) {
		refresh(f, caches[i], limits[i], now);
		cache_tick(caches[i], now);
		assert_cache_equals_store(f, caches[i], now);
		assert_memory_equal(&caches[i]->totals, &caches[0]->totals,
		    sizeof(struct store_totals));
	}
	/* There were rows to compare. */
	assert_true(most > 10);
	for (size_t i = 0; i < COUNT(limits); i++)
		cache_free(caches[i]);
}

/* A manager that finds a new number reads the rows once. They must have the change by then. */
static void
number_of_changes_is_shown_after_the_changed_rows(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	bool more = true;
	uint32_t before;

	inventory_make(f);
	refresh(f, cache, 1000, NOW);
	before = (uint32_t)cache->totals.config_changes;
	sql_exec(f->main_path, "UPDATE real_service SET weight = 77");
	for (uint32_t rows = 0; more; rows++) {
		assert_int_equal(cache_refresh(cache, f->store, 1, NOW, &more, &f->err), ERR_OK);
		if (rows < 2)
			assert_true(more);
		if (more)
			assert_int_equal(cache->totals.config_changes, before);
	}
	assert_int_equal(cache->totals.config_changes, before + 3);
	assert_int_equal(real_of(cache, 3)->weight, 77);
	cache_free(cache);
}

static void
empty_store_gives_an_empty_cache(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();

	assert_false(cache->tree.loaded);
	refresh(f, cache, 1, NOW);
	assert_true(cache->tree.loaded);
	assert_cache_equals_store(f, cache, NOW);
	assert_int_equal(cache->stale_after_s, STALE_AFTER_S);
	cache_free(cache);
	cache_free(NULL);
}

/* -- changes of status ------------------------------------------------------------ */

static void
first_load_counts_no_change_of_status(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	const struct cache_service *service;

	inventory_make(f);
	statistics_set(f, 1, 0, NOW);
	statistics_set(f, 2, 0, NOW);
	refresh(f, cache, 1, NOW);
	service = cache_service_of(real_of(cache, 1));
	assert_int_equal(service->status, STATUS_ON_FALLBACK);
	assert_true(service->on_fallback);
	assert_int_equal(service->fallback_uses, 0);
	assert_int_equal(service->status_last_change, 0);
	assert_int_equal(cache_cluster_of(service)->status, STATUS_ON_FALLBACK);
	assert_int_equal(cache_cluster_of(service)->status_last_change, 0);
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(real_of(cache, id)->active_transitions, 0);
		assert_int_equal(real_of(cache, id)->active_last_change, 0);
	}
	cache_free(cache);
}

static void
later_changes_are_counted_with_their_time(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	const struct cache_service *service;

	inventory_make(f);
	refresh(f, cache, 1000, NOW);
	service = cache_service_of(real_of(cache, 1));
	assert_int_equal(service->status, STATUS_UP);

	statistics_set(f, 1, 0, NOW + 1);
	refresh(f, cache, 1000, NOW + 1);
	assert_int_equal(service->status, STATUS_DEGRADED);
	assert_int_equal(service->status_last_change, NOW + 1);
	assert_int_equal(cache_cluster_of(service)->status_last_change, NOW + 1);
	assert_int_equal(real_of(cache, 1)->active_transitions, 1);
	assert_int_equal(real_of(cache, 1)->active_last_change, NOW + 1);

	statistics_set(f, 2, 0, NOW + 2);
	refresh(f, cache, 1000, NOW + 2);
	assert_int_equal(service->status, STATUS_ON_FALLBACK);
	assert_int_equal(service->fallback_uses, 1);
	/* The same value again is not counted. */
	statistics_set(f, 2, 0, NOW + 3);
	refresh(f, cache, 1000, NOW + 3);
	assert_int_equal(real_of(cache, 2)->active_transitions, 1);
	assert_int_equal(service->status_last_change, NOW + 2);
	assert_int_equal(service->fallback_uses, 1);

	statistics_set(f, 3, 0, NOW + 4);
	refresh(f, cache, 1000, NOW + 4);
	assert_int_equal(service->status, STATUS_DOWN);
	statistics_set(f, 3, 1, NOW + 5);
	refresh(f, cache, 1000, NOW + 5);
	assert_int_equal(service->fallback_uses, 2);
	assert_int_equal(real_of(cache, 3)->active_transitions, 2);
	/* The first value after a measurement without one is not counted. */
	sql_exec(f->stats_path, "UPDATE statistics SET active = NULL WHERE real_id = 3");
	refresh(f, cache, 1000, NOW + 6);
	statistics_set(f, 3, 1, NOW + 7);
	refresh(f, cache, 1000, NOW + 7);
	assert_int_equal(real_of(cache, 3)->active_transitions, 2);
	assert_cache_equals_store(f, cache, NOW + 7);
	cache_free(cache);
}

/* -- time ---------------------------------------------------------------------------- */

static void
statistics_become_stale_by_time_alone(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	const struct cache_service *service;
	static const struct {
		int64_t		now;
		uint32_t	stale;
		enum lb_status	status;
	} steps[] = {
		/* The statistics of c, b and a are of NOW - 30, NOW - 20 and NOW - 10. */
		{ NOW + 270, 0, STATUS_UP }, { NOW + 271, 1, STATUS_UP },
		{ NOW + 280, 1, STATUS_UP }, { NOW + 281, 2, STATUS_DEGRADED },
		{ NOW + 290, 2, STATUS_DEGRADED }, { NOW + 291, 3, STATUS_UNKNOWN },
		{ NOW + 9999, 3, STATUS_UNKNOWN },
	};

	inventory_make(f);
	refresh(f, cache, 1000, NOW);
	service = cache_service_of(real_of(cache, 1));
	for (size_t i = 0; i < COUNT(steps); i++) {
		cache_tick(cache, steps[i].now);
		assert_int_equal(cache->reals_stale, steps[i].stale);
		assert_int_equal(service->status, steps[i].status);
		assert_cache_equals_store(f, cache, steps[i].now);
	}
	assert_int_equal(service->status_last_change, NOW + 291);
	/* Stale values stay in the sums. */
	assert_int_equal(service->sums.number[STAT_ACTIVE_CONNECTIONS], 60);

	statistics_set(f, 1, 1, NOW + 9999);
	refresh(f, cache, 1000, NOW + 9999);
	assert_int_equal(cache->reals_stale, 2);
	assert_cache_equals_store(f, cache, NOW + 9999);
	cache_free(cache);
}

/* Rows are fresh again when the wall clock is set back; so are the sums, without a change in the
 * store. */
static void
clock_set_back_leaves_rows_and_sums_equal(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();

	inventory_make(f);
	refresh(f, cache, 100, NOW);
	cache_tick(cache, NOW + STALE_AFTER_S + 10);
	assert_int_equal(cache->reals_stale, 3);
	assert_cache_equals_store(f, cache, NOW + STALE_AFTER_S + 10);
	cache_tick(cache, NOW - 60);
	assert_int_equal(cache->reals_stale, 0);
	assert_cache_equals_store(f, cache, NOW - 60);
	cache_tick(cache, NOW + STALE_AFTER_S + 10);
	assert_int_equal(cache->reals_stale, 3);
	refresh(f, cache, 100, NOW - 60);
	assert_int_equal(cache->reals_stale, 0);
	assert_cache_equals_store(f, cache, NOW - 60);
	cache_free(cache);
}

/* The downtime of real service 1 after that many more seconds. */
static uint32_t
downtime_after(struct fixture *f, struct cache *cache, int64_t now, int s)
{
	refresh(f, cache, 100, now);
	clock_advance(s * INT64_C(1000));
	return cache_real_downtime(real_of(cache, 1));
}

static void
downtime_is_the_time_of_operstatus_inactive(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	uint32_t all;

	inventory_make(f);
	assert_int_equal(downtime_after(f, cache, NOW, 100), 0);
	statistics_set(f, 1, 0, NOW);
	assert_in_range(downtime_after(f, cache, NOW, 100), 100, 101);
	/* Disabled: the real service, its service. */
	sql_exec(f->main_path, "UPDATE real_service SET enabled = 0 WHERE id = 1");
	all = downtime_after(f, cache, NOW, 0);
	assert_int_equal(downtime_after(f, cache, NOW, 100), all);
	sql_exec(f->main_path, "UPDATE real_service SET enabled = 1 WHERE id = 1");
	sql_exec(f->main_path, "UPDATE service SET enabled = 0");
	assert_int_equal(downtime_after(f, cache, NOW, 100), all);
	sql_exec(f->main_path, "UPDATE service SET enabled = 1");
	assert_in_range(downtime_after(f, cache, NOW, 50), all + 50, all + 51);
	/* Stale statistics: the status is unknown. */
	cache_tick(cache, NOW + STALE_AFTER_S + 1);
	all = cache_real_downtime(real_of(cache, 1));
	assert_int_equal(downtime_after(f, cache, NOW + STALE_AFTER_S + 1, 100), all);
	statistics_set(f, 1, 0, NOW + STALE_AFTER_S + 1);
	assert_in_range(downtime_after(f, cache, NOW + STALE_AFTER_S + 1, 10), all + 10, all + 11);
	/* Active again, then without statistics: the count stays. */
	statistics_set(f, 1, 1, NOW + STALE_AFTER_S + 1);
	all = downtime_after(f, cache, NOW + STALE_AFTER_S + 1, 0);
	assert_int_equal(downtime_after(f, cache, NOW + STALE_AFTER_S + 1, 100), all);
	sql_exec(f->stats_path, "DELETE FROM statistics");
	assert_int_equal(downtime_after(f, cache, NOW + STALE_AFTER_S + 1, 100), all);
	assert_int_equal(cache_real_downtime(real_of(cache, 2)), 0);
	cache_free(cache);
}

static void
stale_after_may_change(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();

	inventory_make(f);
	refresh(f, cache, 1000, NOW);
	cache_stale_after_set(cache, 15, NOW);
	assert_int_equal(cache->stale_after_s, 15);
	assert_int_equal(cache->reals_stale, 2);
	cache_tick(cache, NOW + 6);
	assert_int_equal(cache->reals_stale, 3);
	cache_stale_after_set(cache, STALE_AFTER_S, NOW + 6);
	assert_int_equal(cache->reals_stale, 0);
	assert_cache_equals_store(f, cache, NOW + 6);
	cache_free(cache);
}

/* -- replaced files ------------------------------------------------------------------ */

/* Replaces lbcluster.db by the file 'from'. */
static void
replace(struct fixture *f, const char *from)
{
	assert_int_equal(rename(from, f->main_path), 0);
	clock_advance(2000);
}

static void
load_of_a_backup_keeps_counters_and_removes_missing_rows(void **state)
{
	struct fixture *f = *state;
	struct cache *cache;
	char sql[200], backup[128];

	sqlite_only(state, "SQLite has files");
	cache = cache_make();
	inventory_make(f);
	snprintf(backup, sizeof(backup), "%s.backup", f->main_path);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", backup);
	sql_exec(f->main_path, sql);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('later');"
	    "INSERT INTO service (cluster_id, name) VALUES (2, 's'), (1, 't');"
	    "INSERT INTO real_service (service_id, name) VALUES (1, 'd'), (2, 'e'), (3, 'f');"
	    "INSERT INTO job (real_id, operation, old_value, new_value, cluster_name, service_name,"
	    " real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a'),"
	    " (4, 5, 1, 2, 'web', 'http', 'd')");
	refresh(f, cache, 1000, NOW);
	statistics_set(f, 1, 0, NOW + 1);
	statistics_set(f, 2, 0, NOW + 1);
	refresh(f, cache, 1000, NOW + 1);
	assert_cache_equals_store(f, cache, NOW + 1);
	assert_int_equal(real_of(cache, 1)->active_transitions, 1);
	assert_int_equal(tree_count(&cache->tree, STORE_REAL), 6);

	replace(f, backup);
	refresh(f, cache, 2, NOW + 2);
	assert_cache_equals_store(f, cache, NOW + 2);
	assert_int_equal(tree_count(&cache->tree, STORE_REAL), 3);
	assert_int_equal(real_of(cache, 1)->active_transitions, 1);
	assert_int_equal(real_of(cache, 1)->active_last_change, NOW + 1);
	assert_int_equal(cache_service_of(real_of(cache, 1))->status_last_change, NOW + 1);
	cache_free(cache);
}

/* In the file of another store an id is that of another row. */
static void
load_of_another_store_equals_it(void **state)
{
	static const char *const others[] = {
		"INSERT INTO cluster (name, plane) VALUES ('other', 'ipvs'), ('web', 'none');"
		"INSERT INTO service (cluster_id, name) VALUES (2, 'http'), (1, 'smtp');"
		"INSERT INTO real_service (service_id, name, fallback) VALUES (2, 'a', 1),"
		" (1, 'b', 0), (2, 'c', 0), (1, 'd', 0)",

		"INSERT INTO cluster (name) VALUES ('a'), ('b'), ('web');"
		"INSERT INTO service (cluster_id, name) VALUES (3, 'http');"
		"INSERT INTO real_service (service_id, name) VALUES (1, 'z')",
	};
	struct fixture *f = *state;
	struct cache *cache;

	sqlite_only(state, "SQLite has files");
	cache = cache_make();
	inventory_make(f);
	sql_exec(f->main_path, "INSERT INTO job (real_id, operation, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a'),"
	    " (2, 5, 1, 2, 'web', 'http', 'b')");
	refresh(f, cache, 1000, NOW);
	for (size_t i = 0; i < COUNT(others); i++) {
		struct fixture *g;
		void *other;
		char from[96];

		assert_int_equal(fixture_setup_open(&other), 0);
		g = other;
		fixture_close(g);
		sql_exec(g->main_path, others[i]);
		sql_exec(g->main_path, "INSERT INTO job (real_id, operation, old_value, new_value,"
		    " cluster_name, service_name, real_name) VALUES (1, 5, 1, 2, 'a', 'b', 'c'),"
		    " (1, 4, 1, 2, 'a', 'b', 'c')");
		snprintf(from, sizeof(from), "%s/next.db", f->dir);
		assert_int_equal(rename(g->main_path, from), 0);
		fixture_teardown(&other);
		replace(f, from);
		refresh(f, cache, i + 1, NOW);
		assert_cache_equals_store(f, cache, NOW);
	}
	cache_free(cache);
}

static void
new_statistics_file_forgets_old_statistics(void **state)
{
	struct fixture *f = *state;
	struct cache *cache;

	sqlite_only(state, "SQLite has files");
	cache = cache_make();
	inventory_make(f);
	sql_exec(f->stats_path, "INSERT INTO service_statistics (service_id, algorithm, requests)"
	    " VALUES (1, 'wrr', 5)");
	refresh(f, cache, 1000, NOW);
	assert_int_equal(cache->reals_stale, 0);
	assert_cache_equals_store(f, cache, NOW);
	assert_int_equal(remove(f->stats_path), 0);
	clock_advance(2000);
	refresh(f, cache, 1000, NOW);
	assert_int_equal(cache->reals_stale, 3);
	statistics_set(f, 2, 0, NOW);
	refresh(f, cache, 1000, NOW);
	assert_int_equal(cache->reals_stale, 2);
	assert_int_equal(real_of(cache, 2)->active_transitions, 0);
	assert_cache_equals_store(f, cache, NOW);
	cache_free(cache);
}

/* The values of a service that are absent cost no memory. */
static void
service_without_values_has_no_block_for_them(void **state)
{
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	const struct cache_service *service;

	inventory_make(f);
	refresh(f, cache, 1000, NOW);
	service = tree_find(&cache->tree, STORE_SERVICE, 1);
	assert_null(service->counted);
	sql_exec(f->stats_path, "INSERT INTO service_statistics (service_id, algorithm)"
	    " VALUES (1, 'wrr')");
	refresh(f, cache, 1000, NOW);
	assert_string_equal(service->counted->algorithm, "wrr");
	assert_null(service->counted->statistics.numbers);
	sql_exec(f->stats_path, "UPDATE service_statistics SET algorithm = '', requests = 5");
	refresh(f, cache, 1000, NOW);
	assert_string_equal(service->counted->algorithm, "");
	assert_int_equal(cache_number(&service->counted->statistics, STAT_REQUESTS), 5);
	sql_exec(f->stats_path, "UPDATE service_statistics SET requests = NULL");
	refresh(f, cache, 1000, NOW);
	assert_null(service->counted);
	cache_free(cache);
}

static void
cache_keeps_its_rows_while_the_store_is_missing(void **state)
{
	struct fixture *f = *state;
	struct cache *cache;
	char away[128], *before, *after;
	bool more;

	sqlite_only(state, "SQLite has files");
	cache = cache_make();
	inventory_make(f);
	refresh(f, cache, 1000, NOW);
	before = cache_dump(cache, NOW);
	snprintf(away, sizeof(away), "%s.away", f->main_path);
	assert_int_equal(rename(f->main_path, away), 0);
	if (cache_refresh(cache, f->store, 1000, NOW, &more, &f->err) != ERR_IO)
		fail_msg("%s", f->err.text);
	assert_true(cache->tree.loaded);
	after = cache_dump(cache, NOW);
	assert_string_equal(after, before);
	free(before);
	free(after);
	replace(f, away);
	refresh(f, cache, 1000, NOW);
	assert_cache_equals_store(f, cache, NOW);
	cache_free(cache);
}

/* In the new file the id of a released job is that of a job of another row. */
static void
load_of_a_store_without_a_released_set_forgets_it(void **state)
{
	const struct change change = { 1, REAL_WEIGHT, 5 }, other = { 2, REAL_WEIGHT, 7 };
	struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = 9 };
	char sql[200], backup[128];
	struct fixture *f = *state;
	struct cache *cache;
	struct verdict verdict;
	uint32_t first;
	size_t jobs;

	sqlite_only(state, "SQLite has files");
	cache = cache_make();
	inventory_make(f);
	snprintf(backup, sizeof(backup), "%s.backup", f->main_path);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", backup);
	sql_exec(f->main_path, sql);
	assert_int_equal(store_set(f->store, &set, STORE_SET_HOLD, &verdict, &first, &jobs,
	    &f->err), ERR_OK);
	refresh(f, cache, 1000, NOW);
	cache_set_release(cache, &set, first, jobs, NOW);
	assert_int_equal(real_of(cache, 1)->weight, 5);

	replace(f, backup);
	set.changes = &other;
	assert_int_equal(store_set(f->store, &set, STORE_SET_NOW, &verdict, &first, &jobs,
	    &f->err), ERR_OK);
	refresh(f, cache, 1000, NOW);
	assert_int_equal(real_of(cache, 1)->weight, 1);
	assert_int_equal(real_of(cache, 2)->weight, 7);
	assert_int_equal(cache->jobs_ahead, 0);
	assert_cache_equals_store(f, cache, NOW);
	cache_free(cache);
}

/* -- jobs ---------------------------------------------------------------------------- */

static void
released_set_shows_at_once_what_the_store_will_have(void **state)
{
	const struct change changes[] = { { 1, REAL_WEIGHT, 5 }, { 4, REAL_WEIGHT, 5 } };
	const struct store_set set = { .changes = changes, .n = 2, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = 9 };
	struct fixture *f = *state;
	struct cache *cache = cache_make();
	struct verdict verdict;
	uint32_t first, changes_before;
	char *before;
	size_t jobs;

	inventory_make(f);
	sql_exec(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('proxy', 'haproxy');"
	    "INSERT INTO service (cluster_id, name) VALUES (2, 's');"
	    "INSERT INTO real_service (service_id, name) VALUES (2, 'r')");
	assert_int_equal(store_set(f->store, &set, STORE_SET_HOLD, &verdict, &first, &jobs,
	    &f->err),
	    ERR_OK);
	refresh(f, cache, 1000, NOW);
	assert_int_equal(cache->jobs_active, 2);
	assert_int_equal(real_of(cache, 1)->weight, 1);
	changes_before = (uint32_t)cache->totals.config_changes;
	cache_set_release(cache, &set, first, jobs, NOW);
	assert_int_equal(real_of(cache, 1)->weight, 5);
	assert_int_equal(real_of(cache, 4)->weight, 5);
	assert_int_equal(cache->jobs_active, 1);
	assert_int_equal(real_of(cache, 1)->pending_jobs, 0);
	assert_int_equal(real_of(cache, 4)->pending_jobs, 1);
	/* The number of changes does not go back if a read comes before the release is written. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(cache->totals.config_changes, changes_before + 2);
		sql_exec(f->main_path, "UPDATE real_service SET reason = 'x' WHERE id = 2");
		refresh(f, cache, 1000, NOW);
		assert_int_equal(real_of(cache, 1)->weight, 5);
	}
	assert_int_equal(cache->totals.config_changes, changes_before + 2);
	before = cache_dump(cache, NOW);
	cache_set_release(cache, &set, first, 100, NOW);	/* again, and more than there are */
	store_set_release(f->store, 9);
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	{
		char *expected = expected_dump(f, NOW);

		assert_string_equal(before, expected);
		free(expected);
	}
	free(before);
	refresh(f, cache, 1000, NOW);
	assert_cache_equals_store(f, cache, NOW);
	cache_free(cache);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_open, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(cache_reads_every_change_with_any_limit),
		TEST(number_of_changes_is_shown_after_the_changed_rows),
		TEST(empty_store_gives_an_empty_cache),
		TEST(first_load_counts_no_change_of_status),
		TEST(later_changes_are_counted_with_their_time),
		TEST(statistics_become_stale_by_time_alone),
		TEST(clock_set_back_leaves_rows_and_sums_equal),
		TEST(stale_after_may_change),
		TEST(load_of_a_backup_keeps_counters_and_removes_missing_rows),
		TEST(load_of_another_store_equals_it),
		TEST(load_of_a_store_without_a_released_set_forgets_it),
		TEST(new_statistics_file_forgets_old_statistics),
		TEST(downtime_is_the_time_of_operstatus_inactive),
		TEST(service_without_values_has_no_block_for_them),
		TEST(cache_keeps_its_rows_while_the_store_is_missing),
		TEST(released_set_shows_at_once_what_the_store_will_have),
	};

	return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
