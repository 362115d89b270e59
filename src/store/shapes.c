/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The shapes of rows; see shapes.h. A row is checked when it is read: other programs write
 * with plain SQL and may turn the constraints of the schema off. A row that breaks a rule is
 * reported as damage, so that no caller has to expect one.
 */
#include "store/shapes.h"

#include <string.h>

#include "store/db.h"
#include "util/memory.h"

enum { PLANE_MAX = 32, INTERVAL_MAX_MS = 86400000 };

#define TIME_MAX 253402300799	/* the end of the year 9999 */

#define MEMBER(row, member)                                                    \
	.offset = offsetof(struct row, member), .size = sizeof(((struct row *)0)->member)
#define BOUNDS(least, most) .min = (least), .max = (most)
#define NUMBER(row, member, min, max)                                          \
	.type = COLUMN_INTEGER, MEMBER(row, member), BOUNDS(min, max)
#define ID(row, member) NUMBER(row, member, 1, MODEL_ID_MAX)
#define TIME(row, member) NUMBER(row, member, INT64_MIN, INT64_MAX)
#define TEXT(row, member, max) .type = COLUMN_TEXT, MEMBER(row, member), BOUNDS(0, max)
#define NAME(row, member)                                                      \
	.type = COLUMN_NAME, MEMBER(row, member), BOUNDS(1, MODEL_NAME_MAX)
#define NAME_OR_EMPTY(row, member)                                             \
	.type = COLUMN_NAME, MEMBER(row, member), BOUNDS(0, MODEL_NAME_MAX)

static const struct column cluster_columns[] = {
	{ "id", ID(cluster_row, id) },
	{ "name", NAME(cluster_row, name), .flags = COLUMN_KEY },
	{ "plane", TEXT(cluster_row, plane, PLANE_MAX), .flags = COLUMN_PUT },
	{ "plane_params", TEXT(cluster_row, plane_params, MODEL_PARAMS_MAX), .flags = COLUMN_PUT },
	{ "plane_status", NUMBER(cluster_row, plane_status, PLANE_STATUS_NONE,
	    PLANE_STATUS_FAILING) },
	{ "plane_message", TEXT(cluster_row, plane_message, MODEL_MESSAGE_MAX) },
};

static const struct column service_columns[] = {
	{ "id", ID(service_row, id) },
	{ "cluster_id", ID(service_row, cluster_id), .flags = COLUMN_KEY },
	{ "name", NAME(service_row, name), .flags = COLUMN_KEY },
	{ "address", TEXT(service_row, address, MODEL_ADDRESS_MAX), .flags = COLUMN_PUT },
	{ "port", TEXT(service_row, port, MODEL_PORT_TEXT_MAX), .flags = COLUMN_PUT },
	{ "params", TEXT(service_row, params, MODEL_PARAMS_MAX), .flags = COLUMN_PUT },
	{ "protocol", NUMBER(service_row, protocol, PROTOCOL_OTHER, PROTOCOL_SCTP),
	    .flags = COLUMN_PUT },
	{ "enabled", NUMBER(service_row, enabled, 0, 1), .flags = COLUMN_FIRST,
	    .view = SQL_SERVICE_AHEAD("r") },
};

_Static_assert(offsetof(struct store_real_view, row) == 0, "a view begins with its row");

static const struct column real_columns[] = {
	{ "id", ID(real_row, id) },
	{ "service_id", ID(real_row, service_id), .flags = COLUMN_KEY },
	{ "name", NAME(real_row, name), .flags = COLUMN_KEY },
	{ "address", TEXT(real_row, address, MODEL_ADDRESS_MAX), .flags = COLUMN_PUT },
	{ "port", TEXT(real_row, port, MODEL_PORT_TEXT_MAX), .flags = COLUMN_PUT },
	{ "params", TEXT(real_row, params, MODEL_PARAMS_MAX), .flags = COLUMN_PUT },
	{ "weight", NUMBER(real_row, weight, 0, MODEL_WEIGHT_MAX), .flags = COLUMN_FIRST,
	    .view = SQL_REAL_AHEAD("r", weight) },
	{ "fallback", NUMBER(real_row, fallback, 0, 1), .flags = COLUMN_FIRST,
	    .view = SQL_REAL_AHEAD("r", fallback) },
	{ "enabled", NUMBER(real_row, enabled, 0, 1), .flags = COLUMN_FIRST,
	    .view = SQL_REAL_AHEAD("r", enabled) },
	{ "server_id", NUMBER(real_row, server_id, 0, MODEL_ID_MAX) },
	{ "reason", TEXT(real_row, reason, MODEL_MESSAGE_MAX) },
	{ "last_change", TIME(real_row, last_change) },
	{ "last_job", NUMBER(real_row, last_job, 0, MODEL_ID_MAX) },
	{ "pending_jobs", NUMBER(store_real_view, pending_jobs, 0, MODEL_ID_MAX),
	    .flags = COLUMN_VIEW, .view = "(SELECT count(*) FROM job AS j WHERE j.real_id = r.id"
	    " AND j." SQL_JOB_OPEN ")" },
};

static const struct column job_columns[] = {
	{ "id", ID(job_row, id) },
	{ "real_id", NUMBER(job_row, real_id, 0, MODEL_ID_MAX), .flags = COLUMN_NULLABLE },
	{ "service_id", NUMBER(job_row, service_id, 0, MODEL_ID_MAX), .flags = COLUMN_NULLABLE },
	{ "operation", NUMBER(job_row, operation, JOB_ENABLE, JOB_DISABLE_SERVICE) },
	{ "state", NUMBER(job_row, state, JOB_HELD, JOB_SUPERSEDED) },
	{ "fail_cause", NUMBER(job_row, cause, JOB_CAUSE_NONE, JOB_CAUSE_OTHER) },
	{ "source", NUMBER(job_row, source, JOB_SOURCE_OTHER, JOB_SOURCE_CLI) },
	{ "old_value", NUMBER(job_row, old_value, 0, MODEL_WEIGHT_MAX) },
	{ "new_value", NUMBER(job_row, new_value, 0, MODEL_WEIGHT_MAX) },
	{ "request", NUMBER(job_row, request, 0, MODEL_ID_MAX) },
	{ "created", TIME(job_row, created) },
	{ "started", TIME(job_row, started) },
	{ "finished", TIME(job_row, finished) },
	{ "cluster_name", NAME(job_row, cluster) },
	{ "service_name", NAME(job_row, service) },
	{ "real_name", NAME_OR_EMPTY(job_row, real) },
	{ "message", TEXT(job_row, message, MODEL_MESSAGE_MAX) },
	{ "origin", TEXT(job_row, origin, MODEL_MESSAGE_MAX) },
};

#define MEASURED(name, stat)                                                   \
	{ name, .type = COLUMN_COUNT, MEMBER(statistics, number[stat]), BOUNDS(0, INT64_MAX), \
	    .flags = COLUMN_PUT, .present = 1u << (stat) }

static const struct column statistics_columns[] = {
	{ "real_id", ID(statistics, real_id), .flags = COLUMN_KEY },
	{ "active", NUMBER(statistics, active, 0, 1), .flags = COLUMN_PUT,
	    .present = STAT_PRESENT_ACTIVE },
	{ "role", NUMBER(statistics, role, ROLE_MEMBER, ROLES - 1), .flags = COLUMN_PUT },
	{ "last_update", NUMBER(statistics, last_update, 0, INT64_MAX), .flags = COLUMN_PUT },
	{ "counters_since", NUMBER(statistics, counters_since, 0, INT64_MAX),
	    .flags = COLUMN_PUT },
	MEASURED("active_connections", STAT_ACTIVE_CONNECTIONS),
	MEASURED("inactive_connections", STAT_INACTIVE_CONNECTIONS),
	MEASURED("persistent_connections", STAT_PERSISTENT_CONNECTIONS),
	MEASURED("connections_per_second", STAT_CONNECTIONS_PER_SECOND),
	MEASURED("bps_in", STAT_BPS_IN),
	MEASURED("bps_out", STAT_BPS_OUT),
	MEASURED("pps_in", STAT_PPS_IN),
	MEASURED("pps_out", STAT_PPS_OUT),
	MEASURED("total_connections", STAT_TOTAL_CONNECTIONS),
	MEASURED("total_packets_in", STAT_TOTAL_PACKETS_IN),
	MEASURED("total_packets_out", STAT_TOTAL_PACKETS_OUT),
	MEASURED("total_octets_in", STAT_TOTAL_OCTETS_IN),
	MEASURED("total_octets_out", STAT_TOTAL_OCTETS_OUT),
	MEASURED("connection_errors", STAT_CONNECTION_ERRORS),
	MEASURED("response_errors", STAT_RESPONSE_ERRORS),
	MEASURED("requests", STAT_REQUESTS),
	MEASURED("http_4xx", STAT_HTTP_4XX),
	MEASURED("http_5xx", STAT_HTTP_5XX),
	MEASURED("check_failures", STAT_CHECK_FAILURES),
	MEASURED("connection_limit", STAT_CONNECTION_LIMIT),
	MEASURED("queued_connections", STAT_QUEUED_CONNECTIONS),
	MEASURED("response_time_ms", STAT_RESPONSE_TIME_MS),
	MEASURED("connect_time_ms", STAT_CONNECT_TIME_MS),
	MEASURED("queue_time_ms", STAT_QUEUE_TIME_MS),
	MEASURED("check_code", STAT_CHECK_CODE),
	MEASURED("check_duration_ms", STAT_CHECK_DURATION_MS),
};

static const struct column service_statistics_columns[] = {
	{ "service_id", ID(statistics, service_id), .flags = COLUMN_KEY },
	{ "algorithm", TEXT(statistics, algorithm, STAT_ALGORITHM_MAX), .flags = COLUMN_PUT },
	{ "last_update", NUMBER(statistics, last_update, 0, INT64_MAX), .flags = COLUMN_PUT },
	{ "counters_since", NUMBER(statistics, counters_since, 0, INT64_MAX),
	    .flags = COLUMN_PUT },
	MEASURED("total_connections", STAT_TOTAL_CONNECTIONS),
	MEASURED("total_packets_in", STAT_TOTAL_PACKETS_IN),
	MEASURED("total_packets_out", STAT_TOTAL_PACKETS_OUT),
	MEASURED("total_octets_in", STAT_TOTAL_OCTETS_IN),
	MEASURED("total_octets_out", STAT_TOTAL_OCTETS_OUT),
	MEASURED("connection_errors", STAT_CONNECTION_ERRORS),
	MEASURED("response_errors", STAT_RESPONSE_ERRORS),
	MEASURED("requests", STAT_REQUESTS),
	MEASURED("http_4xx", STAT_HTTP_4XX),
	MEASURED("http_5xx", STAT_HTTP_5XX),
	MEASURED("queued_connections", STAT_QUEUED_CONNECTIONS),
	MEASURED("response_time_ms", STAT_RESPONSE_TIME_MS),
};

static const struct column poll_columns[] = {
	{ "cluster_id", ID(driver_poll, cluster_id), .flags = COLUMN_KEY },
	{ "time", NUMBER(driver_poll, time, 0, TIME_MAX), .flags = COLUMN_PUT },
	{ "interval_ms", NUMBER(driver_poll, interval_ms, 1, INTERVAL_MAX_MS),
	    .flags = COLUMN_PUT },
};

static const struct column removed_statistics_columns[] = {
	{ "kind", NUMBER(removed_row, kind, STORE_STATISTICS, STORE_SERVICE_STATISTICS) },
	{ "id", ID(removed_row, id) },
};

static const struct column removed_columns[] = {
	{ "kind", NUMBER(removed_row, kind, STORE_CLUSTER, STORE_STATISTICS) },
	{ "id", ID(removed_row, id) },
};

/* True of row r if row d of table 'table' has its name and is shown instead of it. */
#define SAME_NAME(table, parent)                                               \
	"EXISTS (SELECT 1 FROM " table " AS d WHERE " parent "d.name = r.name AND d.id < r.id)"
#define NO_PARENT(table, column)                                               \
	"NOT EXISTS (SELECT 1 FROM " table " AS p WHERE p.id = r." column ")"

#define SHAPE(row, array)                                                      \
	.row_size = sizeof(struct row), .n = ROWS(array), .columns = (array)

_Static_assert(ROWS(statistics_columns) <= SHAPE_COLUMNS_MAX, "the largest table");

const struct shape shapes[SHAPES] = {
	[SHAPE_CLUSTER] = { SHAPE(cluster_row, cluster_columns), "cluster", "id",
	    .order = "name", .below = "?1 = 0 AND",
	    .why = "CASE WHEN " SAME_NAME("cluster", "") " THEN <LEFT_OUT_NAME>"
	    " WHEN r.changed < 1 THEN <LEFT_OUT_CHANGE> ELSE 0 END" },
	[SHAPE_SERVICE] = { SHAPE(service_row, service_columns), "service", "id",
	    .order = "name", .below = "r.cluster_id = ?1 AND",
	    .parent = "cluster", .parent_column = "cluster_id",
	    .why = "CASE WHEN " NO_PARENT("cluster", "cluster_id") " THEN <LEFT_OUT_PARENT>"
	    " WHEN " SAME_NAME("service", "d.cluster_id = r.cluster_id AND ")
	    " THEN <LEFT_OUT_NAME> WHEN r.changed < 1 THEN <LEFT_OUT_CHANGE> ELSE 0 END" },
	[SHAPE_REAL] = { SHAPE(store_real_view, real_columns), "real_service", "id",
	    .order = "name", .below = "r.service_id = ?1 AND",
	    .parent = "service", .parent_column = "service_id",
	    .why = "CASE WHEN " NO_PARENT("service", "service_id") " THEN <LEFT_OUT_PARENT>"
	    " WHEN " SAME_NAME("real_service", "d.service_id = r.service_id AND ")
	    " THEN <LEFT_OUT_NAME> WHEN r.fallback = 1 AND EXISTS (SELECT 1 FROM real_service"
	    " AS d WHERE d.service_id = r.service_id AND d.fallback = 1 AND d.id < r.id"
	    " AND NOT EXISTS (SELECT 1 FROM real_service AS e"
	    " WHERE e.service_id = d.service_id AND e.name = d.name AND e.id < d.id))"
	    " THEN <LEFT_OUT_FALLBACK> WHEN r.changed < 1 THEN <LEFT_OUT_CHANGE> ELSE 0 END" },
	[SHAPE_JOB] = { SHAPE(job_row, job_columns), "job", "id",
	    .order = "id", .below = "?1 = 0 AND",
	    .parent = "real_service", .parent_column = "real_id",
	    .why = "CASE WHEN (r.real_id IS NOT NULL AND " NO_PARENT("real_service", "real_id")
	    ") OR (r.service_id IS NOT NULL AND " NO_PARENT("service", "service_id")
	    ") THEN <LEFT_OUT_PARENT> ELSE 0 END" },
	[SHAPE_STATISTICS] = { SHAPE(statistics, statistics_columns), "statistics", "real_id",
	    .why = "0" },
	[SHAPE_SERVICE_STATISTICS] = { SHAPE(statistics, service_statistics_columns),
	    "service_statistics", "service_id", .why = "0" },
	[SHAPE_POLL] = { SHAPE(driver_poll, poll_columns), "look", "cluster_id", .why = "0" },
	[SHAPE_REMOVED] = { SHAPE(removed_row, removed_columns), "removed", "id", .why = "0" },
	[SHAPE_REMOVED_STATISTICS] = { SHAPE(removed_row, removed_statistics_columns), "removed",
	    "id", .why = "0" },
};

/* -- reading ---------------------------------------------------------------------- */

static bool
is_text(const struct column *column)
{
	return column->type == COLUMN_TEXT || column->type == COLUMN_NAME;
}

static bool
is_valid(const struct db_value *value, const struct column *column)
{
	if (value->type == DB_NULL)
		return column->present != 0 || (column->flags & COLUMN_NULLABLE) != 0;
	return value->type == (is_text(column) ? DB_TEXT : DB_INTEGER) &&
	    value->number >= column->min && value->number <= column->max &&
	    (column->type != COLUMN_NAME || value->number == 0 ||
	    (model_name_valid(value->text) && strlen(value->text) == (size_t)value->number));
}

static enum err_code
damaged(const struct shape *shape, const struct db_statement *stmt, size_t first, size_t i,
    struct err *err)
{
	return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (%s of row %lld of table %s)",
	    stmt->path, shape->columns[i].name, (long long)db_integer(stmt, first), shape->table);
}

static void
number_set(void *member, size_t size, int64_t number)
{
	const uint8_t u8 = (uint8_t)number;
	const uint16_t u16 = (uint16_t)number;
	const uint32_t u32 = (uint32_t)number;

	memcpy(member, size == sizeof(u8) ? &u8 : size == sizeof(u16) ? (const void *)&u16 :
	    size == sizeof(u32) ? (const void *)&u32 : &number, size);
}

enum err_code
shape_read(const struct shape *shape, const struct db_statement *stmt, size_t first,
    void *ret_row, struct err *err)
{
	memset(ret_row, 0, shape->row_size);
	for (size_t i = 0; i < shape->n && first + i < stmt->n; i++) {
		const struct column *column = &shape->columns[i];
		const struct db_value *value = &stmt->values[first + i];
		char *member = (char *)ret_row + column->offset;

		if (!is_valid(value, column))
			return damaged(shape, stmt, first, i, err);
		if (is_text(column)) {
			memcpy(member, &value->text, sizeof(value->text));
			continue;
		}
		number_set(member, column->size, value->number);
		if (column->present != 0 && value->type != DB_NULL)
			((struct statistics *)ret_row)->present |= column->present;
	}
	return ERR_OK;
}

size_t
shape_kept_size(const struct shape *shape)
{
	const size_t align = sizeof(int64_t);
	size_t size = sizeof(union shape_row);

	for (size_t i = 0; i < shape->n; i++)
		if (is_text(&shape->columns[i]))
			size += (size_t)shape->columns[i].max + 1;
	return (size + align - 1) / align * align;
}

void
shape_keep(const struct shape *shape, union shape_row *row)
{
	char *room = (char *)row + sizeof(union shape_row);
	const char *text;

	for (size_t i = 0; i < shape->n; i++) {
		char *member = (char *)row + shape->columns[i].offset;

		if (!is_text(&shape->columns[i]))
			continue;
		memcpy(&text, member, sizeof(text));
		memcpy(member, &room, sizeof(room));
		room = stpcpy(room, text) + 1;
	}
}

/* -- writing ---------------------------------------------------------------------- */

static int64_t
number_get(const void *member, const struct column *column)
{
	uint64_t u64;

	switch (column->size) {
	case sizeof(uint8_t):
		return *(const uint8_t *)member;
	case sizeof(uint16_t):
		return *(const uint16_t *)member;
	case sizeof(uint32_t):
		return *(const uint32_t *)member;
	default:
		memcpy(&u64, member, sizeof(u64));
	}
	/* SQLite's integers are signed. */
	return column->type == COLUMN_COUNT && u64 > INT64_MAX ? INT64_MAX : (int64_t)u64;
}

size_t
shape_values(const struct shape *shape, const void *row, struct db_value *ret_values)
{
	for (size_t i = 0; i < shape->n; i++) {
		const struct column *column = &shape->columns[i];
		const char *member = (const char *)row + column->offset;

		ret_values[i].type = (column->flags & COLUMN_VIEW) != 0 ? DB_NULL :
		    is_text(column) ? DB_TEXT : column->present == 0 ||
		    (((const struct statistics *)row)->present & column->present) != 0 ?
		    DB_INTEGER : DB_NULL;
		if (ret_values[i].type == DB_NULL)
			continue;
		if (is_text(column))
			memcpy(&ret_values[i].text, member, column->size);
		else
			ret_values[i].number = number_get(member, column);
	}
	return shape->n;
}

enum err_code
shape_values_check(const struct shape *shape, const struct db_value *values, const char *path,
    struct err *err)
{
	for (size_t i = 0; i < shape->n; i++) {
		const struct column *column = &shape->columns[i];

		if (values[i].type == DB_INTEGER && (values[i].number < column->min ||
		    values[i].number > column->max))
			return err_set(err, ERR_INVALID, "%s: %s %lld of row %lld of table %s must "
			    "be %lld to %lld", path, column->name, (long long)values[i].number,
			    (long long)values[0].number, shape->table, (long long)column->min,
			    (long long)column->max);
	}
	return ERR_OK;
}
