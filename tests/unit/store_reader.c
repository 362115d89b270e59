/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * See store_reader.h.
 */
#include "store_reader.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "in_range.h"

static enum err_code
keep(struct reader *reader, enum store_kind kind, uint32_t id, const char *text)
{
	if (reader->fail_after != 0 && reader->received + 1 > reader->fail_after)
		return ERR_NOMEM;
	reader->received++;
	assert_int_in_range(id, 1, IDS - 1);
	free(reader->rows[kind][id]);
	reader->rows[kind][id] = text == NULL ? NULL : strdup(text);
	return ERR_OK;
}

static enum err_code
take_cluster(void *arg, const struct cluster_row *row)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %s %s %d %s", row->name, row->plane, row->plane_params,
	    row->plane_status, row->plane_message);
	return keep(arg, STORE_CLUSTER, row->id, text);
}

static enum err_code
take_service(void *arg, const struct service_row *row)
{
	struct reader *reader = arg;
	char text[200];

	reader->orphan |= reader->rows[STORE_CLUSTER][row->cluster_id] == NULL;
	snprintf(text, sizeof(text), "%u %s %s %s %d", row->cluster_id, row->name, row->address,
	    row->port, row->protocol);
	return keep(arg, STORE_SERVICE, row->id, text);
}

static enum err_code
take_real(void *arg, const struct real_row *row)
{
	struct reader *reader = arg;
	char text[200];

	reader->orphan |= reader->rows[STORE_SERVICE][row->service_id] == NULL;
	snprintf(text, sizeof(text), "%u %s %s %s %u %d %d %s %d %u", row->service_id, row->name,
	    row->address, row->port, row->weight, row->fallback, row->enabled, row->reason,
	    row->last_change != 0, row->last_job);
	return keep(arg, STORE_REAL, row->id, text);
}

static enum err_code
take_job(void *arg, const struct job_row *row)
{
	char text[300];

	snprintf(text, sizeof(text), "%u %d %d %d %d %u %u %u %d %d %d %s/%s/%s %s", row->real_id,
	    row->operation, row->state, row->cause, row->source, row->old_value, row->new_value,
	    row->request, row->created != 0, row->started != 0, row->finished != 0, row->cluster,
	    row->service, row->real, row->message);
	return keep(arg, STORE_JOB, row->id, text);
}

static enum err_code
take_statistics(void *arg, const struct statistics *row)
{
	char text[600];
	int n = snprintf(text, sizeof(text), "%d %lld %lld",
	    row->present & STAT_PRESENT_ACTIVE ? row->active : -1, (long long)row->last_update,
	    (long long)row->counters_since);

	for (int i = 0; i < STAT_NUMBERS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %lld",
		    row->present & 1u << i ? (long long)row->number[i] : -1);
	return keep(arg, STORE_STATISTICS, row->real_id, text);
}

static enum err_code
take_service_statistics(void *arg, const struct statistics *row)
{
	char text[600];
	int n = snprintf(text, sizeof(text), "%s %lld %lld", row->algorithm,
	    (long long)row->last_update, (long long)row->counters_since);

	for (int i = 0; i < STAT_NUMBERS; i++)
		if (STAT_SERVICE_MASK & 1u << i)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " %lld",
			    row->present & 1u << i ? (long long)row->number[i] : -1);
	return keep(arg, STORE_SERVICE_STATISTICS, row->service_id, text);
}

static enum err_code
take_removed(void *arg, enum store_kind kind, uint32_t id)
{
	struct reader *reader = arg;

	if (kind == STORE_STATISTICS && id == 0) {
		for (uint32_t i = 1; i < IDS; i++) {
			free(reader->rows[kind][i]);
			free(reader->rows[STORE_SERVICE_STATISTICS][i]);
			reader->rows[kind][i] = NULL;
			reader->rows[STORE_SERVICE_STATISTICS][i] = NULL;
		}
		return ERR_OK;
	}
	return keep(arg, kind, id, NULL);
}

static void
take_totals(void *arg, const struct store_totals *totals)
{
	((struct reader *)arg)->totals = *totals;
}

enum err_code
reader_read(struct fixture *f, struct reader *reader, size_t limit, bool *ret_more)
{
	const struct store_sink sink = { reader, take_cluster, take_service, take_real, take_job,
		take_statistics, take_removed, take_totals, NULL, take_service_statistics };

	return store_changes(f->store, &reader->cursor, &sink, limit, ret_more, &f->err);
}

void
reader_read_all(struct fixture *f, struct reader *reader, size_t limit)
{
	bool more = true;

	while (more) {
		size_t before = reader->received;

		if (reader_read(f, reader, limit, &more) != ERR_OK)
			fail_msg("%s", f->err.text);
		assert_true(reader->received - before <= limit);
		assert_int_equal(more, reader->received - before == limit);
	}
	assert_false(reader->orphan);
}

void
reader_reset(struct reader *reader)
{
	for (int kind = 0; kind < KINDS; kind++)
		for (uint32_t id = 0; id < IDS; id++)
			free(reader->rows[kind][id]);
	memset(reader, 0, sizeof(*reader));
}

/* Reads the rows of a kind from the tables, as the same text, in the order of their ids. */
static const char *const truths[KINDS] = {
	[STORE_CLUSTER] = "SELECT id, concat(name, plane, plane_params, plane_status,"
	    " plane_message) FROM cluster",
	[STORE_SERVICE] = "SELECT id, concat(cluster_id, name, address, port, protocol)"
	    " FROM service",
	[STORE_REAL] = "SELECT id, concat(service_id, name, address, port, weight, fallback,"
	    " enabled, reason, last_change <> 0, last_job) FROM real_service",
	[STORE_JOB] = "SELECT id, concat(ifnull(real_id, 0), operation, state, fail_cause, source,"
	    " old_value, new_value, request, created <> 0, started <> 0, finished <> 0,"
	    " cluster_name || '/' || service_name || '/' || real_name, message) FROM job",
	[STORE_STATISTICS] = "SELECT real_id, concat(ifnull(active, -1), last_update,"
	    " counters_since, ifnull(active_connections, -1), ifnull(inactive_connections, -1),"
	    " ifnull(persistent_connections, -1), ifnull(connections_per_second, -1),"
	    " ifnull(bps_in, -1), ifnull(bps_out, -1), ifnull(pps_in, -1), ifnull(pps_out, -1),"
	    " ifnull(total_connections, -1), ifnull(total_packets_in, -1),"
	    " ifnull(total_packets_out, -1), ifnull(total_octets_in, -1),"
	    " ifnull(total_octets_out, -1), ifnull(connection_errors, -1),"
	    " ifnull(response_errors, -1), ifnull(requests, -1), ifnull(http_4xx, -1),"
	    " ifnull(http_5xx, -1), ifnull(check_failures, -1), ifnull(connection_limit, -1),"
	    " ifnull(queued_connections, -1), ifnull(response_time_ms, -1),"
	    " ifnull(connect_time_ms, -1), ifnull(queue_time_ms, -1), ifnull(check_code, -1),"
	    " ifnull(check_duration_ms, -1)) FROM statistics",
	[STORE_SERVICE_STATISTICS] = "SELECT service_id, concat(algorithm, last_update,"
	    " counters_since, ifnull(total_connections, -1), ifnull(total_packets_in, -1),"
	    " ifnull(total_packets_out, -1), ifnull(total_octets_in, -1),"
	    " ifnull(total_octets_out, -1), ifnull(connection_errors, -1),"
	    " ifnull(response_errors, -1), ifnull(requests, -1), ifnull(http_4xx, -1),"
	    " ifnull(http_5xx, -1), ifnull(queued_connections, -1), ifnull(response_time_ms, -1))"
	    " FROM service_statistics",
};

/* Joins its arguments with spaces. SQLite 3.40 has no concat_ws(). */
static void
concat(sqlite3_context *context, int n, sqlite3_value **values)
{
	char text[600];
	int length = 0;

	for (int i = 0; i < n; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%s%s",
		    i == 0 ? "" : " ", (const char *)sqlite3_value_text(values[i]));
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void
kind_is_true(sqlite3 *handle, const struct reader *reader, enum store_kind kind)
{
	sqlite3_stmt *stmt;
	uint32_t next = 1;
	char sql[1500];

	snprintf(sql, sizeof(sql), "%s ORDER BY 1", truths[kind]);
	assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		uint32_t id = (uint32_t)sqlite3_column_int(stmt, 0);

		for (; next < id; next++)
			assert_null(reader->rows[kind][next]);
		assert_non_null(reader->rows[kind][id]);
		assert_string_equal(reader->rows[kind][id],
		    (const char *)sqlite3_column_text(stmt, 1));
		next++;
	}
	for (; next < IDS; next++)
		assert_null(reader->rows[kind][next]);
	sqlite3_finalize(stmt);
}

void
assert_reader_current(struct fixture *f, const struct reader *reader)
{
	sqlite3 *handle = fixture_tables(f);

	sqlite3_create_function(handle, "concat", -1, SQLITE_UTF8, NULL, concat, NULL, NULL);
	for (enum store_kind kind = STORE_CLUSTER; kind <= STORE_SERVICE_STATISTICS; kind++)
		kind_is_true(handle, reader, kind);
	sqlite3_close(handle);
}
