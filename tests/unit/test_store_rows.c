/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/store: rows by name, the inventory and statistics.
 */
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store_reader.h"

/* -- by name -------------------------------------------------------------------------------- */

struct list {
	char		text[4000];
	int		n, stop_after;
};

static enum err_code
list_add(struct list *list, const char *text)
{
	size_t length = strlen(list->text);

	snprintf(list->text + length, sizeof(list->text) - length, "%s%s",
	    length == 0 ? "" : " ", text);
	return ++list->n == list->stop_after ? ERR_LIMIT : ERR_OK;
}

static enum err_code
list_cluster(void *arg, const struct cluster_row *row)
{
	return list_add(arg, row->name);
}

static enum err_code
list_service(void *arg, const struct path *path, const struct service_row *row)
{
	char text[PATH_TEXT_SIZE];

	assert_string_equal(path->service, row->name);
	return list_add(arg, path_text(path, text));
}

static enum err_code
list_real(void *arg, const struct store_real_view *view)
{
	char text[PATH_TEXT_SIZE + 100], path[PATH_TEXT_SIZE];

	assert_string_equal(view->path.real, view->row.name);
	snprintf(text, sizeof(text), "%s:%u:%d:%u", path_text(&view->path, path), view->row.id,
	    view->has_statistics ? (int)view->statistics.active : -1, view->pending_jobs);
	return list_add(arg, text);
}

static enum err_code
list_job(void *arg, const struct job_row *row)
{
	char text[40];

	snprintf(text, sizeof(text), "%u", row->id);
	return list_add(arg, text);
}

static int
setup_names(void **state)
{
	struct fixture *f;

	if (fixture_setup_open(state) != 0)
		return -1;
	f = *state;
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('web'), ('mail'), ('Dns');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'https'), (1, 'http'), (2, 'smtp');"
	    "INSERT INTO real_service (service_id, name) VALUES (2, 'b'), (2, 'a'), (1, 'b'),"
	    " (3, 'm');"
	    "INSERT INTO job (real_id, operation, state, old_value, new_value, cluster_name,"
	    " service_name, real_name) VALUES (1, 5, 1, 1, 2, 'a', 'b', 'c'),"
	    " (1, 5, 0, 1, 2, 'a', 'b', 'c'), (1, 5, 3, 1, 2, 'a', 'b', 'c')");
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id, active) VALUES (1, 1), (3, 0)");
	return 0;
}

static void
rows_at_and_below_a_path_are_read_by_name(void **state)
{
	static const struct {
		const char	*path, *clusters, *services, *reals;
	} cases[] = {
		{ NULL, "Dns mail web", "mail/smtp web/http web/https",
		    "mail/smtp/m:4:-1:0 web/http/a:2:-1:0 web/http/b:1:1:2 web/https/b:3:0:0" },
		{ "web", "web", "web/http web/https",
		    "web/http/a:2:-1:0 web/http/b:1:1:2 web/https/b:3:0:0" },
		{ "web/http", "web", "web/http", "web/http/a:2:-1:0 web/http/b:1:1:2" },
		{ "web/http/b", "web", "web/http", "web/http/b:1:1:2" },
		{ "Dns", "Dns", "", "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct list clusters = { .n = 0 }, services = { .n = 0 }, reals = { .n = 0 };
		struct path path, *at = NULL;

		if (cases[i].path != NULL) {
			assert_int_equal(path_parse(cases[i].path, &path, &f->err), ERR_OK);
			at = &path;
		}
		assert_int_equal(store_each_cluster(f->store, at, list_cluster, &clusters, &f->err),
		    ERR_OK);
		assert_int_equal(store_each_service(f->store, at, list_service, &services, &f->err),
		    ERR_OK);
		assert_int_equal(store_each_real(f->store, at, list_real, &reals, &f->err), ERR_OK);
		assert_string_equal(clusters.text, cases[i].clusters);
		assert_string_equal(services.text, cases[i].services);
		assert_string_equal(reals.text, cases[i].reals);
	}
}

static void
path_without_a_row_is_not_found(void **state)
{
	static const struct {
		const char	*path, *message;
	} cases[] = {
		{ "no", "no: does not exist" }, { "no/http/a", "no: does not exist" },
		{ "web/no", "web/no: does not exist" }, { "web/no/a", "web/no: does not exist" },
		{ "web/http/no", "web/http/no: does not exist" },
		{ "mail/http/a", "mail/http: does not exist" },
		{ "WEB", "WEB: does not exist" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct list list = { .n = 0 };
		uint32_t ids[3] = { 7, 7, 7 };
		struct path path;

		assert_int_equal(path_parse(cases[i].path, &path, &f->err), ERR_OK);
		assert_int_equal(store_find(f->store, &path, &ids[0], &ids[1], &ids[2], &f->err),
		    ERR_NOT_FOUND);
		assert_string_equal(f->err.text, cases[i].message);
		assert_int_equal(ids[0] + ids[1] + ids[2], 21);	/* only on success */
		assert_int_equal(store_each_real(f->store, &path, list_real, &list, &f->err),
		    ERR_NOT_FOUND);
		assert_string_equal(f->err.text, cases[i].message);
		assert_int_equal(list.n, 0);
	}
}

static void
ids_of_a_path_are_found(void **state)
{
	struct fixture *f = *state;
	uint32_t ids[3];
	struct path path;

	assert_int_equal(path_parse("web/http/b", &path, &f->err), ERR_OK);
	assert_int_equal(store_find(f->store, &path, &ids[0], &ids[1], &ids[2], &f->err), ERR_OK);
	assert_int_equal(ids[0], 1);
	assert_int_equal(ids[1], 2);
	assert_int_equal(ids[2], 1);
	assert_int_equal(path_parse("web/http", &path, &f->err), ERR_OK);
	assert_int_equal(store_find(f->store, &path, &ids[0], &ids[1], &ids[2], &f->err), ERR_OK);
	assert_int_equal(ids[2], 0);
}

static void
jobs_are_read_from_the_oldest(void **state)
{
	struct fixture *f = *state;
	struct list all = { .n = 0 }, one = { .n = 0 }, none = { .n = 0 };

	assert_int_equal(store_each_job(f->store, 0, list_job, &all, &f->err), ERR_OK);
	assert_string_equal(all.text, "1 2 3");
	assert_int_equal(store_each_job(f->store, 2, list_job, &one, &f->err), ERR_OK);
	assert_string_equal(one.text, "2");
	assert_int_equal(store_each_job(f->store, 4, list_job, &none, &f->err), ERR_NOT_FOUND);
	assert_string_equal(f->err.text, "job 4: does not exist");
}

static void
error_of_the_callback_ends_the_read(void **state)
{
	struct fixture *f = *state;
	struct list list = { .stop_after = 2 };

	assert_int_equal(store_each_real(f->store, NULL, list_real, &list, &f->err), ERR_LIMIT);
	assert_int_equal(list.n, 2);
	list.n = 0;
	assert_int_equal(store_each_job(f->store, 0, list_job, &list, &f->err), ERR_LIMIT);
	assert_int_equal(list.n, 2);
}

struct slow_reader {
	struct fixture	*f;
	uint32_t	 n, last;
	char		 name[MODEL_NAME_MAX + 1];
};

/* Another program writes while the rows are read: it does not wait for a pager. */
static enum err_code
read_slowly(void *arg, const struct store_real_view *view)
{
	struct slow_reader *reader = arg;

	assert_true(strcmp(view->row.name, reader->name) > 0);
	snprintf(reader->name, sizeof(reader->name), "%s", view->row.name);
	reader->n++;
	if (reader->n % 300 == 0)
		assert_int_equal(sql_process_exec(reader->f, "BEGIN EXCLUSIVE; UPDATE real_service"
		    " SET weight = weight + 1 WHERE id = 5; COMMIT"), SQLITE_OK);
	return ERR_OK;
}

static void
long_read_holds_no_lock(void **state)
{
	struct fixture *f = *state;
	struct slow_reader reader = { .f = f };

	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('a');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 's');"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
	    " INSERT INTO real_service (service_id, name) SELECT 1, 'r' || i FROM n");
	fixture_close(f);
	sql_process_start(f, f->main_path);
	assert_int_equal(fixture_open(f, STORE_READ), ERR_OK);
	assert_int_equal(store_each_real(f->store, NULL, read_slowly, &reader, &f->err), ERR_OK);
	assert_int_equal(reader.n, 1000);
	assert_int_equal(sql_number(f->main_path, "SELECT weight FROM real_service WHERE id = 5"),
	    4);
}

/* -- inventory ------------------------------------------------------------------------------- */

static void
rows_put_again_are_the_same_or_updated(void **state)
{
	struct fixture *f = *state;
	struct cluster_row cluster = { .name = "web", .plane = "none", .plane_params = "{}" };
	struct service_row service = { .name = "http", .address = "192.0.2.1", .port = "80",
		.params = "{\"check\":\"none\"}",
		.protocol = PROTOCOL_TCP };
	struct real_row real = { .name = "a", .address = "10.0.0.1", .port = "80",
		.params = "{\"check\":\"tcp\"}", .weight = 7,
		.enabled = true };
	enum store_put_result result;
	uint32_t id = 0, again = 0;
	int64_t change;

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_cluster(f->store, &cluster, &id, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_ADDED);
	service.cluster_id = id;
	assert_int_equal(store_put_service(f->store, &service, &id, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_ADDED);
	real.service_id = id;
	assert_int_equal(store_put_real(f->store, &real, &id, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_ADDED);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	sql_exec(f->main_path, "UPDATE cluster SET plane_status = 3, plane_message = 'no answer'");

	change = sql_number(f->main_path, "SELECT change FROM store");
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	real.weight = 9;	/* store_put_real() keeps the settings of an existing row */
	real.enabled = false;
	real.fallback = true;
	assert_int_equal(store_put_cluster(f->store, &cluster, NULL, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_SAME);
	assert_int_equal(store_put_service(f->store, &service, NULL, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_SAME);
	assert_int_equal(store_put_real(f->store, &real, &again, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_SAME);
	assert_int_equal(again, id);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	assert_int_equal(sql_number(f->main_path, "SELECT change FROM store"), change);

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	cluster.plane = "haproxy";
	service.port = "8080";
	real.address = "10.0.0.2";
	assert_int_equal(store_put_cluster(f->store, &cluster, NULL, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_UPDATED);
	assert_int_equal(store_put_service(f->store, &service, NULL, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_UPDATED);
	assert_int_equal(store_put_real(f->store, &real, &again, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_UPDATED);
	assert_int_equal(again, id);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->main_path, "SELECT plane || plane_status || plane_message"
	    " || port || (SELECT address || weight || fallback || enabled FROM real_service)"
	    " FROM cluster, service"), "haproxy1808010.0.0.2701");

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	service.params = "";
	real.params = "{\"check\":\"http\"}";
	assert_int_equal(store_put_service(f->store, &service, NULL, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_UPDATED);
	assert_int_equal(store_put_real(f->store, &real, NULL, &result, &f->err), ERR_OK);
	assert_int_equal(result, STORE_PUT_UPDATED);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->main_path, "SELECT s.params || r.params FROM service AS s,"
	    " real_service AS r"), "{\"check\":\"http\"}");
}

/* The page behind the row cannot be read. */
static void
put_reads_only_the_row(void **state)
{
	struct fixture *f = *state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	struct real_row *row;
	uint32_t id;

	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	row = (struct real_row *)(void *)(pages + page - sizeof(*row));
	*row = (struct real_row){ .service_id = 2, .name = "last", .address = "", .port = "",
		.params = "",
	    .enabled = true };
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_real(f->store, row, &id, NULL, &f->err), ERR_OK);
	assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
	assert_int_equal(sql_number(f->main_path, "SELECT id FROM real_service"
	    " WHERE name = 'last'"), id);
	assert_int_equal(munmap(pages, 2 * page), 0);
}

static void
invalid_row_is_refused_with_a_message(void **state)
{
	struct fixture *f = *state;
	const struct cluster_row cluster = { .name = "a b", .plane = "none", .plane_params = "{}" };
	const struct service_row service = { .cluster_id = 99, .name = "s", .address = "",
		.port = "", .params = "", .protocol = PROTOCOL_TCP };

	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_cluster(f->store, &cluster, NULL, NULL, &f->err), ERR_INVALID);
	assert_error_contains(&f->err, f->main_path, fixture_is_postgres() ?
	    "violates check constraint" : "CHECK constraint failed");
	/* PostgreSQL accepts nothing more in that transaction. */
	store_rollback(f->store);
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_put_service(f->store, &service, NULL, NULL, &f->err), ERR_INVALID);
	assert_error_contains(&f->err, f->main_path, "no such cluster");
	store_rollback(f->store);
	assert_int_equal(store_status(f->store), STORE_OK);
}

static void
remove_deletes_rows_below_and_cancels_jobs(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	reader_read_all(f, reader, 1000);
	assert_int_equal(store_remove(f->store, STORE_REAL, 3, &f->err), ERR_OK);
	assert_int_equal(store_remove(f->store, STORE_REAL, 3, &f->err), ERR_NOT_FOUND);
	assert_int_equal(store_remove(f->store, STORE_SERVICE, 2, &f->err), ERR_OK);
	assert_int_equal(store_remove(f->store, STORE_CLUSTER, 2, &f->err), ERR_OK);
	assert_int_equal(store_remove(f->store, STORE_CLUSTER, 77, &f->err), ERR_NOT_FOUND);
	assert_error_contains(&f->err, "77", "does not exist");
	assert_int_equal(store_status(f->store), STORE_OK);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(state) FROM job"),
	    "5,5,3");
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(name) FROM service"),
	    "https");
	/* A rollback restores the row. */
	assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
	assert_int_equal(store_remove(f->store, STORE_CLUSTER, 1, &f->err), ERR_OK);
	store_rollback(f->store);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM cluster"), 2);
	reader_read_all(f, reader, 2);
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
}

static void
rollback_undoes_all_rows_of_a_transaction(void **state)
{
	const struct cluster_row row = { .name = "new", .plane = "none", .plane_params = "{}" };
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_begin(f->store, &f->err), ERR_OK);
		assert_int_equal(store_put_cluster(f->store, &row, NULL, NULL, &f->err), ERR_OK);
		if (i == 0)
			store_rollback(f->store);
		else
			assert_int_equal(store_commit(f->store, &f->err), ERR_OK);
		assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM cluster"), i);
	}
	store_rollback(f->store);	/* without a transaction */
}

/* -- statistics -------------------------------------------------------------------------------- */

static void
statistics_put_replace_whole_rows(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));
	struct statistics row = { .real_id = 5, .last_update = 100, .counters_since = 50,
		.active = true, .present = STAT_PRESENT_ACTIVE | 1u << STAT_BPS_IN |
		    1u << STAT_TOTAL_OCTETS_OUT };

	assert_non_null(reader);
	row.number[STAT_BPS_IN] = UINT64_C(40000000000);
	row.number[STAT_TOTAL_OCTETS_OUT] = UINT64_MAX;	/* more than SQLite holds */
	row.number[STAT_BPS_OUT] = 9;			/* not present: NULL */
	assert_int_equal(store_statistics_put(f->store, &row, 1, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->stats_path, "SELECT active || ' ' || bps_in || ' ' ||"
	    " total_octets_out || ' ' || last_update || ' ' || counters_since || ' ' ||"
	    " CAST(bps_out IS NULL AS INTEGER) FROM statistics"),
	    "1 40000000000 9223372036854775807 100 50 1");
	row = (struct statistics){ .real_id = 5, .last_update = 200,
		.present = 1u << STAT_ACTIVE_CONNECTIONS };
	assert_int_equal(store_statistics_put(f->store, &row, 1, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->stats_path, "SELECT active_connections || ' ' ||"
	    " last_update || ' ' || counters_since || ' ' || CAST(active IS NULL AS INTEGER) ||"
	    " CAST(bps_in IS NULL AS INTEGER) || CAST(total_octets_out IS NULL AS INTEGER)"
	    " FROM statistics"), "0 200 0 111");
	reader_read_all(f, reader, 1000);
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
	assert_int_equal(store_statistics_put(f->store, NULL, 0, &f->err), ERR_OK);
}

static void
service_statistics_put_replace_whole_rows(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = calloc(1, sizeof(*reader));
	struct store_service_view view;
	struct statistics row = { .service_id = 2, .last_update = 100, .counters_since = 50,
		.algorithm = "roundrobin", .present = 1u << STAT_CONNECTION_ERRORS |
		    1u << STAT_QUEUED_CONNECTIONS | 1u << STAT_CHECK_CODE };

	assert_non_null(reader);
	row.number[STAT_CONNECTION_ERRORS] = UINT64_MAX;	/* more than SQLite holds */
	row.number[STAT_QUEUED_CONNECTIONS] = 3;
	row.number[STAT_CHECK_CODE] = 4;			/* a service has none */
	assert_int_equal(store_service_statistics(f->store, 2, &view, &f->err), ERR_OK);
	assert_false(view.has_statistics);
	assert_int_equal(store_service_statistics_put(f->store, &row, 1, &f->err), ERR_OK);
	assert_int_equal(store_service_statistics(f->store, 2, &view, &f->err), ERR_OK);
	assert_true(view.has_statistics);
	assert_string_equal(view.statistics.algorithm, "roundrobin");
	assert_int_equal(view.statistics.counters_since, 50);
	assert_int_equal(view.statistics.present,
	    1u << STAT_CONNECTION_ERRORS | 1u << STAT_QUEUED_CONNECTIONS);
	assert_int_equal(view.statistics.number[STAT_CONNECTION_ERRORS], INT64_MAX);
	assert_int_equal(view.statistics.number[STAT_QUEUED_CONNECTIONS], 3);
	reader_read_all(f, reader, 1000);
	assert_non_null(reader->rows[STORE_SERVICE_STATISTICS][2]);
	assert_reader_current(f, reader);
	row = (struct statistics){ .service_id = 2, .last_update = 200, .algorithm = "",
		.present = 1u << STAT_HTTP_5XX };
	assert_int_equal(store_service_statistics_put(f->store, &row, 1, &f->err), ERR_OK);
	assert_string_equal(sql_text(f->stats_path, "SELECT algorithm || ' ' || last_update ||"
	    " ' ' || counters_since || ' ' || http_5xx || ' ' ||"
	    " CAST(connection_errors IS NULL AS INTEGER)"
	    " FROM service_statistics"), " 200 0 0 1");
	reader_read_all(f, reader, 1000);
	assert_reader_current(f, reader);
	sql_exec(f->stats_path, "DELETE FROM service_statistics");
	reader_read_all(f, reader, 1000);
	assert_null(reader->rows[STORE_SERVICE_STATISTICS][2]);
	assert_reader_current(f, reader);
	reader_reset(reader);
	free(reader);
}

/* Another program gets its turn between two batches: an invalid row in the third leaves the
 * first two. */
static void
statistics_go_in_batches(void **state)
{
	enum { ROWS = 2 * STORE_STATISTICS_BATCH + 500 };
	struct fixture *f = *state;
	struct statistics *rows = calloc(ROWS, sizeof(*rows));

	assert_non_null(rows);
	for (uint32_t i = 0; i < ROWS; i++)
		rows[i] = (struct statistics){ .real_id = i + 1, .last_update = 7 };
	rows[ROWS - 1].last_update = -1;
	assert_int_equal(store_statistics_put(f->store, rows, ROWS, &f->err), ERR_INVALID);
	assert_error_contains(&f->err, f->stats_path, "last_update -1 of row 2500 of table "
	    "statistics must be 0 to 9223372036854775807");
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"),
	    2 * STORE_STATISTICS_BATCH);
	assert_int_equal(store_status(f->store), STORE_OK);
	rows[ROWS - 1].last_update = 7;
	assert_int_equal(store_statistics_put(f->store, rows, ROWS, &f->err), ERR_OK);
	assert_int_equal(sql_number(f->stats_path, "SELECT count(*) FROM statistics"), ROWS);
	/* Each row has a number of its own, and the last one has that of the store. */
	assert_string_equal(sql_text(f->stats_path, "SELECT count(DISTINCT changed) || ' ' ||"
	    " CAST(max(changed) = (SELECT change FROM store) AS INTEGER) FROM statistics"),
	    "2500 1");
	free(rows);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_open, fixture_teardown)
#define NAMES(name) cmocka_unit_test_setup_teardown(name, setup_names, fixture_teardown)
	const struct CMUnitTest tests[] = {
		NAMES(rows_at_and_below_a_path_are_read_by_name),
		NAMES(path_without_a_row_is_not_found),
		NAMES(ids_of_a_path_are_found),
		NAMES(jobs_are_read_from_the_oldest),
		NAMES(error_of_the_callback_ends_the_read),
		TEST(long_read_holds_no_lock),
		TEST(rows_put_again_are_the_same_or_updated),
		NAMES(put_reads_only_the_row),
		TEST(invalid_row_is_refused_with_a_message),
		NAMES(remove_deletes_rows_below_and_cancels_jobs),
		TEST(rollback_undoes_all_rows_of_a_transaction),
		TEST(statistics_put_replace_whole_rows),
		TEST(service_statistics_put_replace_whole_rows),
		TEST(statistics_go_in_batches),
	};

	return cmocka_run_group_tests_name("store_rows", tests, NULL, NULL);
}
