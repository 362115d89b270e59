/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/image: the picture in memory against the files. What it derives is
 * derived again here, by SQL, from the words of LBCLUSTER-MIB.
 */
#include "store_fixture.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

enum { STALE_AFTER_S = 300 };
#define NOW INT64_C(1000000)

/* -- the picture as text --------------------------------------------------------------- */

static void
sums_write(FILE *out, const struct image_sums *sums)
{
	fprintf(out, " %u/%u/%u", sums->tally.active, sums->tally.enabled, sums->tally.reals);
	for (int i = 0; i < STAT_TOTAL_CONNECTIONS; i++)
		fprintf(out, " %" PRIu64, sums->number[i]);
	fprintf(out, " oldest %" PRId64, sums->any_enabled ? sums->oldest_update : 0);
}

static void
real_write(FILE *out, const struct image *image, const struct image_real *real, int64_t now)
{
	const char *texts = real->node.texts;

	fprintf(out, "real %u %s %s %s %u %d %d \"%s\" job %u pending %u fresh %d oper %d\n",
	    real->node.id, image_name(&real->node), texts + real->address_at,
	    texts + real->port_at, real->weight, real->fallback, real->enabled,
	    texts + real->reason_at, real->last_job, real->pending_jobs,
	    image_real_freshness(image, real, now), image_real_status(image, real, now));
}

static void
service_write(FILE *out, struct image *image, const struct image_service *service, int64_t now)
{
	fprintf(out, "service %u %s %s %s %d status %d on %d fallback %u weight %" PRIu64
	    " stale %u at %" PRId64, service->node.id, image_name(&service->node),
	    service->address, service->port, service->protocol, service->status,
	    service->on_fallback, service->fallback_id, service->sums.weight,
	    service->sums.tally.reals - service->sums.known, service->stale_at);
	sums_write(out, &service->sums);
	fprintf(out, "\n");
	for (uint32_t i = 0; i < service->reals.n; i++)
		real_write(out, image, (const struct image_real *)(void *)service->reals.nodes[i],
		    now);
}

static void
cluster_write(FILE *out, struct image *image, const struct image_cluster *cluster, int64_t now)
{
	fprintf(out, "cluster %u %s %s %d \"%s\" status %d up %u", cluster->node.id,
	    image_name(&cluster->node), cluster->plane, cluster->plane_status,
	    cluster->plane_message, cluster->status, cluster->services_up);
	sums_write(out, &cluster->sums);
	fprintf(out, "\n");
	for (uint32_t i = 0; i < cluster->services.n; i++)
		service_write(out, image,
		    (const struct image_service *)(void *)cluster->services.nodes[i], now);
}

static char *
picture_text(struct image *image, int64_t now)
{
	const struct image_list *clusters = image_clusters(image), *jobs = image_jobs(image);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (uint32_t i = 0; i < clusters->n; i++)
		cluster_write(out, image,
		    (const struct image_cluster *)(void *)clusters->nodes[i], now);
	for (uint32_t i = 0; i < jobs->n; i++) {
		const struct image_job *job = (const struct image_job *)(void *)jobs->nodes[i];

		assert_int_equal(job->node.id, job->row.id);
		fprintf(out, "job %u of %u: %d %d %s/%s/%s \"%s\"\n", job->row.id,
		    job->row.real_id, job->row.operation, job->row.state, job->row.cluster,
		    job->row.service, job->row.real, job->row.message);
	}
	fprintf(out, "%u services, %u reals, %u of them stale, %u jobs active\n",
	    image_services_count(image), image_reals_count(image), image_reals_stale(image),
	    image_jobs_active(image));
	fclose(out);
	return text;
}

/* -- the same from the files --------------------------------------------------------------- */

/* A view for each level. ?1 is the time, ?2 the age at which statistics are stale. */
static const char views_sql[] =
    "CREATE TEMP VIEW x AS SELECT r.*, s.cluster_id, t.real_id IS NOT NULL AND t.last_update <> 0"
    " AND now - t.last_update <= old AS fresh, ifnull(t.last_update, 0) AS last_update,"
    " t.active AS active, ifnull(active_connections, 0) AS n0,"
    " ifnull(inactive_connections, 0) AS n1, ifnull(persistent_connections, 0) AS n2,"
    " ifnull(connections_per_second, 0) AS n3, ifnull(bps_in, 0) AS n4,"
    " ifnull(bps_out, 0) AS n5, ifnull(pps_in, 0) AS n6, ifnull(pps_out, 0) AS n7, old, now"
    " FROM main.real_service AS r JOIN main.service AS s ON s.id = r.service_id"
    " JOIN temp.parameter LEFT JOIN stats.statistics AS t ON t.real_id = r.id;"

    "CREATE TEMP VIEW y AS SELECT *, enabled AND fresh AND active IS NOT NULL AS known,"
    " enabled AND fresh AND active IS 1 AS up FROM x;"

    "CREATE TEMP VIEW sv AS SELECT s.id, s.cluster_id, s.name, s.address, s.port, s.protocol,"
    " CASE WHEN total(y.enabled) = 0 THEN 5 WHEN total(known) = 0 THEN 6"
    "  WHEN total(up AND NOT fallback) > 0 AND"
    "    total(up AND NOT fallback) = total(y.enabled AND NOT fallback) THEN 1"
    "  WHEN total(up AND NOT fallback) > 0 THEN 2 WHEN total(up AND fallback) > 0 THEN 3"
    "  ELSE 4 END AS status,"
    " total(up AND fallback) > 0 AND total(up AND NOT fallback) = 0 AS on_fallback,"
    " ifnull(max(iif(fallback, y.id, 0)), 0) AS fallback_id,"
    " cast(total(iif(y.enabled AND NOT fallback, weight, 0)) AS INTEGER) AS weight,"
    " cast(total(y.id IS NOT NULL AND NOT fresh) AS INTEGER) AS stale,"
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

/* Lines in the order of the picture: cluster, service, real service. */
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
    " UNION ALL SELECT cluster_id, id, 0, printf('service %d %s %s %s %d status %d on %d"
    " fallback %d weight %d stale %d at %d %d/%d/%d %d %d %d %d %d %d %d %d oldest %d', id, name,"
    " address, port, protocol, status, on_fallback, fallback_id, weight, stale, stale_at, up,"
    " enabled, reals, n0, n1, n2, n3, n4, n5, n6, n7, oldest) FROM sv"
    " UNION ALL SELECT cluster_id, service_id, id, printf('real %d %s %s %s %d %d %d \"%s\" job %d"
    " pending %d fresh %d oper %d', id, name, address, port, weight, fallback, enabled, reason,"
    " last_job, (SELECT count(*) FROM job WHERE real_id = y.id AND state < 3),"
    " CASE WHEN last_update = 0 THEN 3 WHEN fresh THEN 1 ELSE 2 END,"
    " CASE WHEN NOT enabled THEN 5 WHEN NOT known THEN 6 WHEN NOT up THEN 4 WHEN weight = 0 THEN 3"
    " WHEN fallback AND EXISTS (SELECT 1 FROM y AS o WHERE o.service_id = y.service_id AND"
    " o.id <> y.id AND o.up) THEN 2 ELSE 1 END) FROM y"
    " UNION ALL SELECT 1 << 40, id, 0, printf('job %d of %d: %d %d %s/%s/%s \"%s\"', id,"
    " ifnull(real_id, 0), operation, state, cluster_name, service_name, real_name, message)"
    " FROM job"
    " UNION ALL SELECT 1 << 41, 0, 0, printf('%d services, %d reals, %d of them stale, %d jobs"
    " active', (SELECT count(*) FROM service), (SELECT count(*) FROM real_service),"
    " (SELECT count(*) FROM x WHERE NOT fresh), (SELECT count(*) FROM job WHERE state < 3))"
    " ORDER BY 1, 2, 3";

static char *
truth_text(struct fixture *f, int64_t now)
{
	char sql[300], *text = NULL;
	sqlite3_stmt *stmt = NULL;
	sqlite3 *handle;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(sqlite3_open_v2(f->main_path, &handle, SQLITE_OPEN_READWRITE, NULL),
	    SQLITE_OK);
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS stats; CREATE TEMP TABLE parameter AS SELECT"
	    " %" PRId64 " AS now, %d AS old;", f->stats_path, now, STALE_AFTER_S);
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
names_are_right(const struct image_list *list, struct image_names *names)
{
	assert_int_equal(names->list.n, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct image_node *node = list->nodes[i];
		uint32_t at = image_names_from(names, (const uint8_t *)image_name(node),
		    strlen(image_name(node)));

		assert_int_equal(node->name_length, strlen(image_name(node)));
		assert_true(at < names->list.n);
		assert_ptr_equal(names->list.nodes[at], node);
	}
}

static void
all_names_are_right(struct image *image)
{
	const struct image_list *clusters = image_clusters(image);

	names_are_right(clusters, image_cluster_names(image));
	for (uint32_t i = 0; i < clusters->n; i++) {
		struct image_cluster *cluster = (struct image_cluster *)(void *)clusters->nodes[i];

		names_are_right(&cluster->services, &cluster->service_names);
		for (uint32_t j = 0; j < cluster->services.n; j++) {
			struct image_service *service =
			    (struct image_service *)(void *)cluster->services.nodes[j];

			assert_ptr_equal(service->cluster, cluster);
			names_are_right(&service->reals, &service->real_names);
			for (uint32_t k = 0; k < service->reals.n; k++) {
				struct image_real *real =
				    (struct image_real *)(void *)service->reals.nodes[k];

				assert_ptr_equal(real->service, service);
				assert_ptr_equal(image_real_find(image, real->node.id), real);
			}
		}
	}
}

/* cmocka cuts long texts: shows the line that differs. */
static void
texts_are_equal(const char *picture, const char *truth)
{
	size_t i = 0, line = 0;

	for (; picture[i] == truth[i] && picture[i] != '\0'; i++)
		if (picture[i] == '\n')
			line = i + 1;
	if (picture[i] != truth[i])
		fail_msg("picture: %.*s\n  truth: %.*s", (int)strcspn(picture + line, "\n"),
		    picture + line, (int)strcspn(truth + line, "\n"), truth + line);
}

static void
image_is_true(struct fixture *f, struct image *image, int64_t now)
{
	char *picture = picture_text(image, now), *truth = truth_text(f, now);

	texts_are_equal(picture, truth);
	free(picture);
	free(truth);
	all_names_are_right(image);
}

/* -- help ---------------------------------------------------------------------------- */

static void
refresh(struct fixture *f, struct image *image, size_t limit, int64_t now)
{
	bool more = true;

	while (more)
		if (image_refresh(image, f->store, limit, now, &more, &f->err) != ERR_OK)
			fail_msg("%s", f->err.text);
}

static struct image *
image_make(void)
{
	struct image *image = image_new();

	assert_non_null(image);
	image_stale_after_set(image, STALE_AFTER_S, NOW);
	return image;
}

static struct image_real *
real_of(struct image *image, uint32_t id)
{
	struct image_real *real = image_real_find(image, id);

	assert_non_null(real);
	return real;
}

/* Cluster web, service http, real services a, b, and c the fallback, all up. */
static void
small_make(struct fixture *f)
{
	char sql[300];

	plain_ok(f->main_path, "INSERT INTO cluster (name) VALUES ('web');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http');"
	    "INSERT INTO real_service (service_id, name, fallback) VALUES (1, 'a', 0), (1, 'b', 0),"
	    " (1, 'c', 1)");
	snprintf(sql, sizeof(sql), "INSERT INTO statistics (real_id, active, active_connections,"
	    " last_update) VALUES (1, 1, 10, %" PRId64 "), (2, 1, 20, %" PRId64 "),"
	    " (3, 1, 30, %" PRId64 ")", NOW - 10, NOW - 20, NOW - 30);
	plain_ok(f->stats_path, sql);
}

static void
statistics_set(struct fixture *f, uint32_t id, int active, int64_t update)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "INSERT INTO statistics (real_id, active, last_update) VALUES"
	    " (%u, %d, %" PRId64 ") ON CONFLICT (real_id) DO UPDATE SET active = excluded.active,"
	    " last_update = excluded.last_update", id, active, update);
	plain_ok(f->stats_path, sql);
}

/* -- following ----------------------------------------------------------------------- */

static void
change_something(struct fixture *f, uint64_t *seed)
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
		{ true, "DELETE FROM statistics WHERE real_id %% 10 = %u %% 10" },
	};
	size_t i = random_next(seed) % COUNT(kinds);
	char sql[700];
	int n = snprintf(sql, sizeof(sql), "ATTACH '%s' AS inventory;", f->main_path);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql + n, sizeof(sql) - (size_t)n, kinds[i].sql, random_next(seed) % 40);
#pragma GCC diagnostic pop
	plain_ok(kinds[i].stats ? f->stats_path : f->main_path, kinds[i].stats ? sql : sql + n);
}

static void
image_follows_every_change_in_slices_of_any_size(void **state)
{
	static const size_t limits[] = { 1, 2, 7, 1000 };
	struct fixture *f = *state;
	struct image *images[COUNT(limits)];
	int64_t now = NOW;
	uint64_t seed = 17;

	for (size_t i = 0; i < COUNT(limits); i++)
		images[i] = image_make();
	for (int round = 0; round < 120; round++) {
		for (uint32_t n = random_next(&seed) % 6 + 1; n > 0; n--)
			change_something(f, &seed);
		now += random_next(&seed) % 8;
		for (size_t i = 0; i < COUNT(limits); i++) {
			bool more = true;

			/* Changes meet images that are half way. */
			if (random_next(&seed) % 3 == 0) {
				assert_int_equal(image_refresh(images[i], f->store, limits[i], now,
				    &more, &f->err), ERR_OK);
				assert_int_equal(image_behind(images[i]), more);
				continue;
			}
			refresh(f, images[i], limits[i], now);
			image_tick(images[i], now);
			if (round % 4 == 0)
				image_is_true(f, images[i], now);
		}
	}
	for (size_t i = 0; i < COUNT(limits); i++) {
		refresh(f, images[i], limits[i], now);
		image_tick(images[i], now);
		image_is_true(f, images[i], now);
		assert_memory_equal(image_totals(images[i]), image_totals(images[0]),
		    sizeof(struct store_totals));
	}
	assert_true(image_reals_count(images[0]) > 10);	/* it was about something */
	for (size_t i = 0; i < COUNT(limits); i++)
		image_free(images[i]);
}

static void
image_of_an_empty_store_is_empty(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();

	assert_false(image_loaded(image));
	refresh(f, image, 1, NOW);
	assert_true(image_loaded(image));
	image_is_true(f, image, NOW);
	assert_int_equal(image_stale_after(image), STALE_AFTER_S);
	image_free(image);
	image_free(NULL);
}

/* -- what is found, and what changes ------------------------------------------------- */

static void
first_load_finds_states_and_counts_none(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();
	const struct image_service *service;

	small_make(f);
	statistics_set(f, 1, 0, NOW);
	statistics_set(f, 2, 0, NOW);
	refresh(f, image, 1, NOW);
	service = real_of(image, 1)->service;
	assert_int_equal(service->status, STATUS_ON_FALLBACK);
	assert_true(service->on_fallback);
	assert_int_equal(service->fallback_uses, 0);
	assert_int_equal(service->status_last_change, 0);
	assert_int_equal(service->cluster->status, STATUS_ON_FALLBACK);
	assert_int_equal(service->cluster->status_last_change, 0);
	for (uint32_t id = 1; id <= 3; id++) {
		assert_int_equal(real_of(image, id)->active_transitions, 0);
		assert_int_equal(real_of(image, id)->active_last_change, 0);
	}
	image_free(image);
}

static void
changes_seen_later_are_counted_with_their_time(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();
	const struct image_service *service;

	small_make(f);
	refresh(f, image, 1000, NOW);
	service = real_of(image, 1)->service;
	assert_int_equal(service->status, STATUS_UP);

	statistics_set(f, 1, 0, NOW + 1);
	refresh(f, image, 1000, NOW + 1);
	assert_int_equal(service->status, STATUS_DEGRADED);
	assert_int_equal(service->status_last_change, NOW + 1);
	assert_int_equal(service->cluster->status_last_change, NOW + 1);
	assert_int_equal(real_of(image, 1)->active_transitions, 1);
	assert_int_equal(real_of(image, 1)->active_last_change, NOW + 1);

	statistics_set(f, 2, 0, NOW + 2);
	refresh(f, image, 1000, NOW + 2);
	assert_int_equal(service->status, STATUS_ON_FALLBACK);
	assert_int_equal(service->fallback_uses, 1);
	/* The same again is no change. */
	statistics_set(f, 2, 0, NOW + 3);
	refresh(f, image, 1000, NOW + 3);
	assert_int_equal(real_of(image, 2)->active_transitions, 1);
	assert_int_equal(service->status_last_change, NOW + 2);
	assert_int_equal(service->fallback_uses, 1);

	statistics_set(f, 3, 0, NOW + 4);
	refresh(f, image, 1000, NOW + 4);
	assert_int_equal(service->status, STATUS_DOWN);
	statistics_set(f, 3, 1, NOW + 5);
	refresh(f, image, 1000, NOW + 5);
	assert_int_equal(service->fallback_uses, 2);
	assert_int_equal(real_of(image, 3)->active_transitions, 2);
	/* What was not measured for a while is no change when it is measured again. */
	plain_ok(f->stats_path, "UPDATE statistics SET active = NULL WHERE real_id = 3");
	refresh(f, image, 1000, NOW + 6);
	statistics_set(f, 3, 0, NOW + 7);
	refresh(f, image, 1000, NOW + 7);
	assert_int_equal(real_of(image, 3)->active_transitions, 2);
	image_is_true(f, image, NOW + 7);
	image_free(image);
}

/* -- time ---------------------------------------------------------------------------- */

static void
statistics_get_stale_by_time_alone(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();
	const struct image_service *service;
	static const struct {
		int64_t		now;
		uint32_t	stale;
		enum lb_status	status;
	} steps[] = {
		/* c, b, a are of NOW - 30, - 20 and - 10. */
		{ NOW + 270, 0, STATUS_UP }, { NOW + 271, 1, STATUS_UP },
		{ NOW + 280, 1, STATUS_UP }, { NOW + 281, 2, STATUS_DEGRADED },
		{ NOW + 290, 2, STATUS_DEGRADED }, { NOW + 291, 3, STATUS_UNKNOWN },
		{ NOW + 9999, 3, STATUS_UNKNOWN },
	};

	small_make(f);
	refresh(f, image, 1000, NOW);
	service = real_of(image, 1)->service;
	for (size_t i = 0; i < COUNT(steps); i++) {
		image_tick(image, steps[i].now);
		assert_int_equal(image_reals_stale(image), steps[i].stale);
		assert_int_equal(service->status, steps[i].status);
		image_is_true(f, image, steps[i].now);
	}
	assert_int_equal(service->status_last_change, NOW + 291);
	/* Old values stay, their sum as well. */
	assert_int_equal(service->sums.number[STAT_ACTIVE_CONNECTIONS], 60);

	statistics_set(f, 1, 1, NOW + 9999);
	refresh(f, image, 1000, NOW + 9999);
	assert_int_equal(image_reals_stale(image), 2);
	image_is_true(f, image, NOW + 9999);
	image_free(image);
}

static void
age_of_staleness_may_change(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();

	small_make(f);
	refresh(f, image, 1000, NOW);
	image_stale_after_set(image, 15, NOW);
	assert_int_equal(image_stale_after(image), 15);
	assert_int_equal(image_reals_stale(image), 2);
	image_tick(image, NOW + 6);
	assert_int_equal(image_reals_stale(image), 3);
	image_stale_after_set(image, STALE_AFTER_S, NOW + 6);
	assert_int_equal(image_reals_stale(image), 0);
	image_is_true(f, image, NOW + 6);
	image_free(image);
}

/* -- files that go and come ---------------------------------------------------------- */

/* Puts the file 'from' in the place of the inventory. */
static void
replace(struct fixture *f, const char *from)
{
	assert_int_equal(rename(from, f->main_path), 0);
	clock_forward(2000);
}

static void
load_after_a_replacement_keeps_counters_and_drops_what_is_gone(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();
	char sql[200], backup[128];

	small_make(f);
	snprintf(backup, sizeof(backup), "%s.backup", f->main_path);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", backup);
	plain_ok(f->main_path, sql);
	plain_ok(f->main_path, "INSERT INTO cluster (name) VALUES ('later');"
	    "INSERT INTO service (cluster_id, name) VALUES (2, 's'), (1, 't');"
	    "INSERT INTO real_service (service_id, name) VALUES (1, 'd'), (2, 'e'), (3, 'f');"
	    "INSERT INTO job (real_id, operation, old_value, new_value, cluster_name, service_name,"
	    " real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a'),"
	    " (4, 5, 1, 2, 'web', 'http', 'd')");
	refresh(f, image, 1000, NOW);
	statistics_set(f, 1, 0, NOW + 1);
	statistics_set(f, 2, 0, NOW + 1);
	refresh(f, image, 1000, NOW + 1);
	image_is_true(f, image, NOW + 1);
	assert_int_equal(real_of(image, 1)->active_transitions, 1);
	assert_int_equal(image_reals_count(image), 6);

	replace(f, backup);
	refresh(f, image, 2, NOW + 2);
	image_is_true(f, image, NOW + 2);
	assert_int_equal(image_reals_count(image), 3);
	assert_int_equal(real_of(image, 1)->active_transitions, 1);
	assert_int_equal(real_of(image, 1)->active_last_change, NOW + 1);
	assert_int_equal(real_of(image, 1)->service->status_last_change, NOW + 1);
	image_free(image);
}

/* In a file of another origin the numbers stand for other rows. */
static void
load_after_a_replacement_by_strangers_is_true(void **state)
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
	struct image *image = image_make();

	small_make(f);
	plain_ok(f->main_path, "INSERT INTO job (real_id, operation, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a'),"
	    " (2, 5, 1, 2, 'web', 'http', 'b')");
	refresh(f, image, 1000, NOW);
	for (size_t i = 0; i < COUNT(others); i++) {
		struct fixture *g;
		void *other;
		char from[96];

		assert_int_equal(fixture_setup_open(&other), 0);
		g = other;
		fixture_close(g);
		plain_ok(g->main_path, others[i]);
		plain_ok(g->main_path, "INSERT INTO job (real_id, operation, old_value, new_value,"
		    " cluster_name, service_name, real_name) VALUES (1, 5, 1, 2, 'a', 'b', 'c'),"
		    " (1, 4, 1, 2, 'a', 'b', 'c')");
		snprintf(from, sizeof(from), "%s/next.db", f->dir);
		assert_int_equal(rename(g->main_path, from), 0);
		fixture_teardown(&other);
		replace(f, from);
		refresh(f, image, i + 1, NOW);
		image_is_true(f, image, NOW);
	}
	image_free(image);
}

static void
statistics_made_anew_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();

	small_make(f);
	refresh(f, image, 1000, NOW);
	assert_int_equal(image_reals_stale(image), 0);
	assert_int_equal(remove(f->stats_path), 0);
	clock_forward(2000);
	refresh(f, image, 1000, NOW);
	assert_int_equal(image_reals_stale(image), 3);
	statistics_set(f, 2, 0, NOW);
	refresh(f, image, 1000, NOW);
	assert_int_equal(image_reals_stale(image), 2);
	assert_int_equal(real_of(image, 2)->active_transitions, 0);
	image_is_true(f, image, NOW);
	image_free(image);
}

static void
image_keeps_what_it_has_while_the_store_is_away(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();
	char away[128], *before, *after;
	bool more;

	small_make(f);
	refresh(f, image, 1000, NOW);
	before = picture_text(image, NOW);
	snprintf(away, sizeof(away), "%s.away", f->main_path);
	assert_int_equal(rename(f->main_path, away), 0);
	if (image_refresh(image, f->store, 1000, NOW, &more, &f->err) != ERR_IO)
		fail_msg("%s", f->err.text);
	assert_true(image_loaded(image));
	after = picture_text(image, NOW);
	assert_string_equal(after, before);
	free(before);
	free(after);
	replace(f, away);
	refresh(f, image, 1000, NOW);
	image_is_true(f, image, NOW);
	image_free(image);
}

/* -- jobs ---------------------------------------------------------------------------- */

static void
released_jobs_show_at_once_as_the_store_will_have_them(void **state)
{
	const struct change changes[] = { { 1, REAL_WEIGHT, 5 }, { 4, REAL_WEIGHT, 5 } };
	const struct store_set set = { .changes = changes, .n = 2, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_SNMP, .token = 9 };
	struct fixture *f = *state;
	struct image *image = image_make();
	struct verdict verdict;
	char *before;
	uint32_t first;
	size_t jobs;

	small_make(f);
	plain_ok(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('proxy', 'haproxy');"
	    "INSERT INTO service (cluster_id, name) VALUES (2, 's');"
	    "INSERT INTO real_service (service_id, name) VALUES (2, 'r')");
	assert_int_equal(store_set(f->store, &set, STORE_SET_HOLD, &verdict, &first, &jobs,
	    &f->err),
	    ERR_OK);
	refresh(f, image, 1000, NOW);
	assert_int_equal(image_jobs_active(image), 2);
	image_jobs_release(image, first, jobs, NOW);
	assert_int_equal(image_jobs_active(image), 1);
	assert_int_equal(real_of(image, 1)->pending_jobs, 0);
	assert_int_equal(real_of(image, 4)->pending_jobs, 1);
	before = picture_text(image, NOW);
	image_jobs_release(image, first, 100, NOW);	/* again, and more than there are */
	store_set_release(f->store, 9);
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	{
		char *truth = truth_text(f, NOW);

		assert_string_equal(before, truth);
		free(truth);
	}
	free(before);
	refresh(f, image, 1000, NOW);
	image_is_true(f, image, NOW);
	image_free(image);
}

/* -- size, and memory ---------------------------------------------------------------- */

/* Under valgrind(1), which takes fifty times as long, it is fewer. */
static unsigned
many_rows(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL ? 4000 : 100000;
}

static void
many_rows_are_followed(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();
	unsigned rows = many_rows();
	char sql[500];

	snprintf(sql, sizeof(sql), "INSERT INTO cluster (name) VALUES ('big');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'flat');"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
	    " INSERT INTO real_service (service_id, name) SELECT 1, 'r' || i FROM n", rows);
	plain_ok(f->main_path, sql);
	snprintf(sql, sizeof(sql), "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %u) INSERT INTO statistics (real_id, active, last_update, bps_in)"
	    " SELECT i, 1, 1000000, i FROM n", rows);
	plain_ok(f->stats_path, sql);
	refresh(f, image, 1000, NOW);
	assert_int_equal(image_reals_count(image), rows);
	image_is_true(f, image, NOW);
	plain_ok(f->main_path, "DELETE FROM real_service WHERE id % 2 = 0;"
	    "UPDATE real_service SET name = 'n' || id WHERE id < 1000");
	refresh(f, image, 1000, NOW);
	assert_int_equal(image_reals_count(image), rows / 2);
	image_is_true(f, image, NOW);
	plain_ok(f->main_path, "DELETE FROM cluster");
	refresh(f, image, 1000, NOW);
	image_is_true(f, image, NOW);
	assert_int_equal(image_reals_count(image), 0);
	image_free(image);
}

/* What changes between the two loads: rows come, go, get other names and jobs. */
static const char changes_sql[] =
    "INSERT INTO cluster (name) VALUES ('new');"
    "INSERT INTO service (cluster_id, name) VALUES (2, 's'), (1, 't'), (1, 'u'), (1, 'v');"
    "INSERT INTO real_service (service_id, name) VALUES (1, 'd'), (1, 'e'), (2, 'f'), (3, 'g');"
    "UPDATE cluster SET name = 'www' WHERE id = 1; UPDATE service SET name = 'x' WHERE id = 1;"
    "UPDATE real_service SET name = 'y' WHERE id = 1; DELETE FROM real_service WHERE id = 2;"
    "INSERT INTO job (real_id, operation, old_value, new_value, cluster_name, service_name,"
    " real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a')";

/* Every allocation fails once. After each failure the image is whole, and goes on. */
static void
memory_that_fails_only_delays(void **state)
{
	struct fixture *f = *state;
	struct image *image = image_make();
	long failures = 0;
	bool changed = false;

	small_make(f);
	for (long n = 1; ; n++) {
		bool more = true, failed;
		enum err_code code;

		memory_fails_at(n);
		code = image_refresh(image, f->store, 1000, NOW, &more, &f->err);
		failed = memory_failed();
		memory_fails_at(0);
		failures += failed;
		assert_int_equal(code, failed ? ERR_NOMEM : ERR_OK);
		if (image_loaded(image)) {
			char *text = picture_text(image, NOW);	/* nothing falls over */

			free(text);
			all_names_are_right(image);
		}
		if (failed) {
			n = 0;	/* some of it is done: begin again with the rest */
			if (failures % 2 == 0)
				refresh(f, image, 1, NOW);
			continue;
		}
		if (more)
			continue;
		image_is_true(f, image, NOW);
		if (changed)
			break;
		plain_ok(f->main_path, changes_sql);
		changed = true;
		n = 0;
	}
	image_free(image);
}

/* The n-th allocation of a whole load and of a whole set of changes fails, for each n. */
static void
memory_that_fails_anywhere_loses_nothing(void **state)
{
	struct fixture *f = *state;
	long failures = 0;
	bool failed = true;

	small_make(f);
	plain_ok(f->main_path, "INSERT INTO job (real_id, operation, old_value, new_value,"
	    " cluster_name, service_name, real_name) VALUES (1, 5, 1, 2, 'web', 'http', 'a')");
	for (long n = 1; failed; n++) {
		struct image *image;
		bool more;

		memory_fails_at(n);
		image = image_new();
		if (image == NULL) {
			assert_true(memory_failed());
			memory_fails_at(0);
			continue;
		}
		image_stale_after_set(image, STALE_AFTER_S, NOW);
		(void)image_refresh(image, f->store, 1000, NOW, &more, &f->err);
		failed = memory_failed();
		memory_fails_at(0);
		refresh(f, image, 1000, NOW);
		image_is_true(f, image, NOW);
		image_free(image);
		failures += failed;
	}
	assert_true(failures > 10);
	failed = true;
	for (long n = 1; failed; n++) {
		struct image *image = image_make();
		char sql[2000];
		bool more;

		plain_ok(f->main_path, "DELETE FROM cluster WHERE name = 'again';"
		    "DELETE FROM service WHERE name = 'again';"
		    "DELETE FROM real_service WHERE name = 'again'");
		refresh(f, image, 1000, NOW);
		snprintf(sql, sizeof(sql),
		    "%s; UPDATE cluster SET name = 'web' || (id * 1000 + %ld);"
		    "UPDATE service SET name = 's' || (id * 1000 + %ld);"
		    "UPDATE real_service SET name = 'r' || (id * 1000 + %ld)",
		    n == 1 ? changes_sql : "SELECT 1", n, n, n);
		plain_ok(f->main_path, sql);
		plain_ok(f->main_path,
		    "INSERT INTO real_service (service_id, name) VALUES (1, 'again');"
		    "INSERT INTO service (cluster_id, name) VALUES (1, 'again');"
		    "INSERT INTO cluster (name) VALUES ('again')");
		memory_fails_at(n);
		(void)image_refresh(image, f->store, 1000, NOW, &more, &f->err);
		failed = memory_failed();
		memory_fails_at(0);
		all_names_are_right(image);
		refresh(f, image, 1000, NOW);
		image_is_true(f, image, NOW);
		image_free(image);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_open, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(image_follows_every_change_in_slices_of_any_size),
		TEST(image_of_an_empty_store_is_empty),
		TEST(first_load_finds_states_and_counts_none),
		TEST(changes_seen_later_are_counted_with_their_time),
		TEST(statistics_get_stale_by_time_alone),
		TEST(age_of_staleness_may_change),
		TEST(load_after_a_replacement_keeps_counters_and_drops_what_is_gone),
		TEST(load_after_a_replacement_by_strangers_is_true),
		TEST(statistics_made_anew_are_forgotten),
		TEST(image_keeps_what_it_has_while_the_store_is_away),
		TEST(released_jobs_show_at_once_as_the_store_will_have_them),
		TEST(many_rows_are_followed),
		TEST(memory_that_fails_only_delays),
		TEST(memory_that_fails_anywhere_loses_nothing),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
