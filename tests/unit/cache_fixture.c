/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A small inventory, and a cache compared with its files; see cache_fixture.h.
 */
#include "cache_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- the cache as text --------------------------------------------------------------- */

static void
sums_write(FILE *out, const struct cache_sums *sums)
{
	fprintf(out, " %u/%u/%u", sums->tally.active, sums->tally.enabled, sums->tally.reals);
	for (int i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		fprintf(out, " %" PRIu64, sums->number[i]);
	fprintf(out, " oldest %" PRId64, sums->any_enabled ? sums->oldest_update : 0);
}

static void
real_write(FILE *out, const struct cache *cache, const struct cache_real *real, int64_t now)
{
	const struct cache_statistics *statistics = &real->statistics;

	fprintf(out, "real %u %s %s %s %u %d %d \"%s\" job %u pending %u fresh %d oper %d"
	    " pps %" PRIu64 " %" PRIu64 " requests %" PRIu64 " code %" PRIu64 "\n",
	    real->row.id, real->row.name, tree_text(&real->row, TREE_ADDRESS),
	    tree_text(&real->row, TREE_PORT), real->weight, real->fallback, real->enabled,
	    tree_text(&real->row, TREE_REASON), real->last_job, real->pending_jobs,
	    cache_real_freshness(cache, real, now), cache_real_status(cache, real, now),
	    cache_number(statistics, STAT_PPS_IN), cache_number(statistics, STAT_PPS_OUT),
	    cache_number(statistics, STAT_REQUESTS), cache_number(statistics, STAT_CHECK_CODE));
}

static void
service_write(FILE *out, struct cache *cache, const struct cache_service *service, int64_t now)
{
	static const struct cache_statistics none;
	const struct cache_statistics *counted =
	    service->counted == NULL ? &none : &service->counted->statistics;
	const struct cache_real *real;

	fprintf(out, "service %u %s %s %s %d %d status %d on %d fallback %u weight %" PRIu64
	    " stale %u at %" PRId64, service->row.id, service->row.name,
	    tree_text(&service->row, TREE_ADDRESS), tree_text(&service->row, TREE_PORT),
	    service->protocol, service->enabled, service->status,
	    service->on_fallback, service->fallback_id, service->sums.weight,
	    service->sums.stale, service->stale_at);
	sums_write(out, &service->sums);
	fprintf(out, " counts \"%s\" %" PRId64 " %d requests %" PRIu64 " queued %" PRIu64 "\n",
	    service->counted == NULL ? "" : service->counted->algorithm,
	    counted->counters_since, counted->present != 0,
	    cache_number(counted, STAT_REQUESTS), cache_number(counted, STAT_QUEUED_CONNECTIONS));
	TREE_FOREACH(real, i, &service->branch.children)
		real_write(out, cache, real, now);
}

static void
cluster_write(FILE *out, struct cache *cache, struct cache_cluster *cluster, int64_t now)
{
	const struct cache_service *service;
	const struct cache_real *server;
	struct status_tally tally;
	uint64_t conns;
	bool measured;

	fprintf(out, "cluster %u %s %s %d \"%s\" status %d up %u", cluster->row.id,
	    cluster->row.name, tree_text(&cluster->row, TREE_PLANE), cluster->plane_status,
	    tree_text(&cluster->row, TREE_PLANE_MESSAGE), cluster->status, cluster->services_up);
	sums_write(out, &cluster->sums);
	fprintf(out, "\n");
	TREE_FOREACH(service, i, &cluster->branch.children)
		service_write(out, cache, service, now);
	for (server = cache_server_first(cluster, 0); server != NULL;
	    server = cache_server_first(cluster, (uint64_t)server->server_id + 1)) {
		tally = cache_server_tally(cache, server, now, &conns, &measured);
		fprintf(out, "server %u %s %u/%u/%u %" PRIu64 " %d\n", server->server_id,
		    server->row.name, tally.active, tally.enabled, tally.reals, conns, measured);
	}
}

char *
cache_dump(struct cache *cache, int64_t now)
{
	struct cache_cluster *cluster;
	const struct cache_job *job;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	TREE_FOREACH(cluster, i, &cache->tree.root.children)
		cluster_write(out, cache, cluster, now);
	TREE_FOREACH(job, i, &cache->jobs) {
		assert_int_equal(job->row.id, job->columns.id);
		fprintf(out, "job %u of %u %u: %d %d %s/%s/%s \"%s\"\n", job->columns.id,
		    job->columns.real_id, job->columns.service_id, job->columns.operation,
		    job->columns.state,
		    job->columns.cluster, job->columns.service, job->columns.real,
		    job->columns.message);
	}
	fprintf(out, "%u services, %u reals, %u of them stale, %u jobs active\n",
	    tree_count(&cache->tree, STORE_SERVICE), tree_count(&cache->tree, STORE_REAL),
	    cache->reals_stale, cache->jobs_active);
	fclose(out);
	return text;
}

/* -- the same text from the files ------------------------------------------------------- */

/* A view of each level. temp.parameter has the time and the age of stale statistics. */
static const char views_sql[] =
    "CREATE TEMP VIEW x AS SELECT r.*, s.cluster_id, t.real_id IS NOT NULL AND t.last_update <> 0"
    " AND now - t.last_update <= old AS fresh, ifnull(t.last_update, 0) AS last_update,"
    " t.active AS active, iif(t.last_update <> 0 AND now - t.last_update <= old AND"
    "   t.active IS NOT NULL, t.role, 0) AS role, ifnull(active_connections, 0) AS n0,"
    " ifnull(inactive_connections, 0) AS n1, ifnull(persistent_connections, 0) AS n2,"
    " ifnull(connections_per_second, 0) AS n3, ifnull(bps_in, 0) AS n4,"
    " ifnull(bps_out, 0) AS n5, ifnull(pps_in, 0) AS n6, ifnull(pps_out, 0) AS n7, old, now"
    ", ifnull(t.requests, 0) AS requests, ifnull(check_code, 0) AS code"
    ", s.enabled AS served, active_connections IS NOT NULL AS has_n0"
    " FROM main.real_service AS r JOIN main.service AS s ON s.id = r.service_id"
    " JOIN temp.parameter LEFT JOIN stats.statistics AS t ON t.real_id = r.id;"

    "CREATE TEMP VIEW y AS SELECT *, enabled AND fresh AND active IS NOT NULL AS known,"
    " enabled AND fresh AND active IS 1 AS up, NOT fallback AND role = 0 AS member,"
    " fallback OR role = 1 AS reserve FROM x;"

    "CREATE TEMP VIEW sv AS SELECT s.id, s.cluster_id, s.name, s.address, s.port, s.protocol,"
    " s.enabled AS served,"
    " CASE WHEN NOT s.enabled OR total(y.enabled) = 0 THEN 5 WHEN total(known) = 0 THEN 6"
    "  WHEN total(up AND member) > 0 AND"
    "    total(up AND member) = total(y.enabled AND member) THEN 1"
    "  WHEN total(up AND member) > 0 THEN 2 WHEN total(up AND reserve) > 0 THEN 3"
    "  ELSE 4 END AS status,"
    " s.enabled AND total(up AND reserve) > 0 AND total(up AND member) = 0 AS on_fallback,"
    " ifnull(max(iif(fallback, y.id, 0)), 0) AS fallback_id,"
    " cast(total(iif(y.enabled AND NOT fallback, weight, 0)) AS INTEGER) AS weight,"
    " cast(total(y.enabled AND NOT fresh) AS INTEGER) AS stale,"
    " ifnull(min(iif(last_update + old + 1 > now AND last_update <> 0,"
    "   last_update + old + 1, NULL)), 0) AS stale_at,"
    " cast(total(up) AS INTEGER) AS up, cast(total(y.enabled) AS INTEGER) AS enabled,"
    " count(y.id) AS reals, cast(total(n0) AS INTEGER) AS n0, cast(total(n1) AS INTEGER) AS n1,"
    " cast(total(n2) AS INTEGER) AS n2, cast(total(n3) AS INTEGER) AS n3,"
    " cast(total(n4) AS INTEGER) AS n4, cast(total(n5) AS INTEGER) AS n5,"
    " cast(total(n6) AS INTEGER) AS n6, cast(total(n7) AS INTEGER) AS n7,"
    " ifnull(min(iif(y.enabled, last_update, NULL)), 0) AS oldest,"
    " total(y.enabled) > 0 AS any_enabled"
    " FROM main.service AS s LEFT JOIN y ON y.service_id = s.id GROUP BY s.id;";

/* Lines in the order of cache_dump(): cluster, service, real service. */
static const char lines_sql[] =
    "SELECT c.id AS c, 0 AS s, 0 AS r, printf('cluster %d %s %s %d \"%s\" status %d up %d"
    " %d/%d/%d %d %d %d %d %d %d %d %d oldest %d', c.id, c.name, c.plane, c.plane_status,"
    " c.plane_message, CASE WHEN total(status = 4) > 0 THEN 4 WHEN total(status = 3) > 0 THEN 3"
    " WHEN total(status = 2) > 0 THEN 2 WHEN total(status = 6) > 0 THEN 6"
    " WHEN total(status = 1) > 0 THEN 1 ELSE 5 END, cast(total(status = 1) AS INTEGER),"
    " cast(total(up) AS INTEGER), cast(total(enabled) AS INTEGER), cast(total(reals) AS INTEGER),"
    " cast(total(n0) AS INTEGER), cast(total(n1) AS INTEGER), cast(total(n2) AS INTEGER),"
    " cast(total(n3) AS INTEGER), cast(total(n4) AS INTEGER), cast(total(n5) AS INTEGER),"
    " cast(total(n6) AS INTEGER), cast(total(n7) AS INTEGER),"
    " ifnull(min(iif(any_enabled, oldest, NULL)), 0)) AS line"
    " FROM main.cluster AS c LEFT JOIN sv ON sv.cluster_id = c.id GROUP BY c.id"
    " UNION ALL SELECT cluster_id, id, 0, printf('service %d %s %s %s %d %d status %d on %d"
    " fallback %d weight %d stale %d at %d %d/%d/%d %d %d %d %d %d %d %d %d oldest %d"
    " counts \"%s\" %d %d requests %d queued %d', id, name,"
    " address, port, protocol, served, status, on_fallback, fallback_id, weight, stale,"
    " stale_at, up,"
    " enabled, reals, n0, n1, n2, n3, n4, n5, n6, n7, oldest, ifnull(o.algorithm, ''),"
    " ifnull(o.counters_since, 0), o.requests IS NOT NULL OR o.queued_connections IS NOT NULL,"
    " ifnull(o.requests, 0), ifnull(o.queued_connections, 0))"
    " FROM sv LEFT JOIN stats.service_statistics AS o ON o.service_id = sv.id"
    " UNION ALL SELECT cluster_id, service_id, id, printf('real %d %s %s %s %d %d %d \"%s\" job %d"
    " pending %d fresh %d oper %d pps %d %d requests %d code %d', id, name,"
    " address, port, weight, fallback, enabled, reason,"
    " last_job, (SELECT count(*) FROM job WHERE real_id = y.id AND state < 3),"
    " CASE WHEN last_update = 0 THEN 3 WHEN fresh THEN 1 ELSE 2 END,"
    " CASE WHEN NOT served OR NOT enabled THEN 5 WHEN NOT known THEN 6 WHEN NOT up THEN 4"
    " WHEN weight = 0 THEN 3"
    " WHEN reserve AND EXISTS (SELECT 1 FROM y AS o WHERE o.service_id = y.service_id AND"
    " o.member AND o.up) THEN 2 ELSE 1 END, n6, n7, requests, code) FROM y"
    " UNION ALL SELECT v.cluster_id, 1 << 40, v.id, printf('server %d %s %d/%d/%d %d %d', v.id,"
    " v.name, cast(total(up) AS INTEGER), cast(total(enabled) AS INTEGER), count(*),"
    " cast(total(n0) AS INTEGER), max(has_n0)) FROM y JOIN main.server AS v ON v.name = y.name"
    " AND v.cluster_id = y.cluster_id GROUP BY v.id"
    " UNION ALL SELECT 1 << 40, id, 0, printf('job %d of %d %d: %d %d %s/%s/%s \"%s\"', id,"
    " ifnull(real_id, 0), ifnull(service_id, 0), operation, state, cluster_name, service_name,"
    " real_name, message)"
    " FROM job"
    " UNION ALL SELECT 1 << 41, 0, 0, printf('%d services, %d reals, %d of them stale, %d jobs"
    " active', (SELECT count(*) FROM service), (SELECT count(*) FROM real_service),"
    " (SELECT count(*) FROM x WHERE enabled AND NOT fresh),"
    " (SELECT count(*) FROM job WHERE state < 3))"
    " ORDER BY 1, 2, 3";

char *
expected_dump(struct fixture *f, int64_t now)
{
	char sql[300], *text = NULL;
	sqlite3_stmt *stmt = NULL;
	sqlite3 *handle;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	handle = fixture_tables(f);
	snprintf(sql, sizeof(sql), "CREATE TEMP TABLE parameter AS SELECT"
	    " %" PRId64 " AS now, %d AS old;", now, STALE_AFTER_S);
	assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	if (sqlite3_exec(handle, views_sql, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(handle, lines_sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(handle));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		fprintf(out, "%s\n", (const char *)sqlite3_column_text(stmt, 3));
	sqlite3_finalize(stmt);
	sqlite3_close(handle);
	fclose(out);
	return text;
}

/* -- names ------------------------------------------------------------------------------------ */

static void
assert_branch_names_found(struct tree_branch *branch)
{
	const struct tree_row *row;

	assert_int_equal(branch->names.list.n, branch->children.n);
	TREE_FOREACH(row, i, &branch->children) {
		uint32_t at = tree_names_from(&branch->names, (const uint8_t *)row->name,
		    strlen(row->name));

		assert_int_equal(row->name_length, strlen(row->name));
		assert_true(at < branch->names.list.n);
		assert_ptr_equal(branch->names.list.rows[at], row);
		assert_ptr_equal(row->parent, branch);
	}
}

/* Each real service is in the list of names of its cluster, next to those of its name. */
static void
assert_real_names_found(struct cache_cluster *cluster)
{
	struct tree_branch *service;
	const struct tree_row *real;
	uint32_t n = 0;

	TREE_FOREACH(service, i, &cluster->branch.children) {
		TREE_FOREACH(real, j, &service->children) {
			uint32_t at = tree_names_from(&cluster->real_names,
			    (const uint8_t *)real->name, strlen(real->name));

			n++;
			while (at < cluster->real_names.list.n &&
			    cluster->real_names.list.rows[at] != real &&
			    strcmp(cluster->real_names.list.rows[at]->name, real->name) == 0)
				at++;
			assert_true(at < cluster->real_names.list.n);
			assert_ptr_equal(cluster->real_names.list.rows[at], real);
		}
	}
	assert_int_equal(cluster->real_names.list.n, n);
	assert_int_equal(cluster->servers.list.n, n);
}

void
assert_names_found(struct cache *cache)
{
	struct tree_branch *cluster, *service;
	struct tree_row *real;

	assert_branch_names_found(&cache->tree.root);
	TREE_FOREACH(cluster, i, &cache->tree.root.children) {
		assert_branch_names_found(cluster);
		assert_real_names_found((struct cache_cluster *)(void *)cluster);
		TREE_FOREACH(service, j, &cluster->children) {
			assert_branch_names_found(service);
			TREE_FOREACH(real, k, &service->children)
				assert_ptr_equal(tree_find(&cache->tree, STORE_REAL, real->id),
				    real);
		}
	}
}

void
assert_texts_equal(const char *actual, const char *expected)
{
	size_t i = 0, line = 0;

	for (; actual[i] == expected[i] && actual[i] != '\0'; i++)
		if (actual[i] == '\n')
			line = i + 1;
	if (actual[i] != expected[i])
		fail_msg("actual:   %.*s\nexpected: %.*s", (int)strcspn(actual + line, "\n"),
		    actual + line, (int)strcspn(expected + line, "\n"), expected + line);
}

void
assert_cache_equals_store(struct fixture *f, struct cache *cache, int64_t now)
{
	char *actual = cache_dump(cache, now), *expected = expected_dump(f, now);

	assert_texts_equal(actual, expected);
	free(actual);
	free(expected);
	assert_names_found(cache);
}

/* -- fixtures ---------------------------------------------------------------------------- */

void
refresh(struct fixture *f, struct cache *cache, size_t limit, int64_t now)
{
	bool more = true;

	while (more)
		if (cache_refresh(cache, f->store, limit, now, &more, &f->err) != ERR_OK)
			fail_msg("%s", f->err.text);
}

struct cache *
cache_make(void)
{
	struct cache *cache = cache_new();

	assert_non_null(cache);
	cache_stale_after_set(cache, STALE_AFTER_S, NOW);
	return cache;
}

struct cache_real *
real_of(struct cache *cache, uint32_t id)
{
	struct cache_real *real = tree_find(&cache->tree, STORE_REAL, id);

	assert_non_null(real);
	return real;
}

void
inventory_make(struct fixture *f)
{
	char sql[300];

	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('web');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http');"
	    "INSERT INTO real_service (service_id, name, fallback) VALUES (1, 'a', 0), (1, 'b', 0),"
	    " (1, 'c', 1)");
	snprintf(sql, sizeof(sql), "INSERT INTO statistics (real_id, active, active_connections,"
	    " last_update) VALUES (1, 1, 10, %" PRId64 "), (2, 1, 20, %" PRId64 "),"
	    " (3, 1, 30, %" PRId64 ")", NOW - 10, NOW - 20, NOW - 30);
	sql_exec(f->stats_path, sql);
}

void
statistics_set(struct fixture *f, uint32_t id, int active, int64_t update)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "INSERT INTO statistics (real_id, active, last_update) VALUES"
	    " (%u, %d, %" PRId64 ") ON CONFLICT (real_id) DO UPDATE SET active = excluded.active,"
	    " last_update = excluded.last_update", id, active, update);
	sql_exec(f->stats_path, sql);
}
