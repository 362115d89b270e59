/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Columns of the tables as SQL, and the functions that read a row of them.
 */
#ifndef STORE_SHAPES_H
#define STORE_SHAPES_H

#include <sqlite3.h>

#include "store/store.h"

/* Row of the columns listed beside each query macro. ERR_CORRUPT with words for one that
 * breaks a rule of the schema; nothing is set then. */
enum err_code store_read_removed(sqlite3_stmt *stmt, int first, enum store_kind *ret_kind,
    uint32_t *ret_id, struct err *err);
enum err_code store_read_cluster(sqlite3_stmt *stmt, int first, struct cluster_row *ret,
    struct err *err);
enum err_code store_read_service(sqlite3_stmt *stmt, int first, struct service_row *ret,
    struct err *err);
enum err_code store_read_real(sqlite3_stmt *stmt, int first, struct real_row *ret,
    struct err *err);
enum err_code store_read_job(sqlite3_stmt *stmt, int first, struct job_row *ret,
    struct err *err);
enum err_code store_read_statistics(sqlite3_stmt *stmt, int first, struct statistics *ret,
    struct err *err);
enum err_code store_read_look(sqlite3_stmt *stmt, int first, struct driver_poll *ret,
    struct err *err);

#define CLUSTER_COLUMNS "c.id, c.name, c.plane, c.plane_params, c.plane_status, c.plane_message"
#define SERVICE_COLUMNS "s.id, s.cluster_id, s.name, s.address, s.port, s.protocol"
#define REAL_COLUMNS_WITH(weight, fallback, enabled)                           \
	"r.id, r.service_id, r.name, r.address, r.port, " weight ", " fallback ", " \
	enabled ", r.reason, r.last_change, r.last_job"
#define REAL_COLUMNS REAL_COLUMNS_WITH("r.weight", "r.fallback", "r.enabled")
#define JOB_COLUMNS                                                            \
	"j.id, j.real_id, j.operation, j.state, j.fail_cause, j.source, j.old_value, " \
	"j.new_value, j.request, j.created, j.started, j.finished, j.cluster_name, " \
	"j.service_name, j.real_name, j.message"
#define STATISTICS_COLUMNS                                                     \
	"t.real_id, t.active, t.role, t.last_update, t.counters_since, t.active_connections, " \
	"t.inactive_connections, t.persistent_connections, t.connections_per_second, " \
	"t.bps_in, t.bps_out, t.pps_in, t.pps_out, t.total_connections, "      \
	"t.total_packets_in, t.total_packets_out, t.total_octets_in, t.total_octets_out"

/* enum left_out_why of a row, as an expression over the aliases of the columns above. */
#define CLUSTER_LEFT_OUT                                                       \
	"CASE WHEN EXISTS (SELECT 1 FROM cluster AS d WHERE d.name = c.name"   \
	" AND d.id < c.id) THEN 2 WHEN c.changed < 1 THEN 4 ELSE 0 END"
#define SERVICE_LEFT_OUT                                                       \
	"CASE WHEN NOT EXISTS (SELECT 1 FROM cluster AS p WHERE p.id = s.cluster_id)" \
	" THEN 1 WHEN EXISTS (SELECT 1 FROM service AS d"                      \
	" WHERE d.cluster_id = s.cluster_id AND d.name = s.name AND d.id < s.id)" \
	" THEN 2 WHEN s.changed < 1 THEN 4 ELSE 0 END"
#define REAL_LEFT_OUT                                                          \
	"CASE WHEN NOT EXISTS (SELECT 1 FROM service AS p WHERE p.id = r.service_id)" \
	" THEN 1 WHEN EXISTS (SELECT 1 FROM real_service AS d"                 \
	" WHERE d.service_id = r.service_id AND d.name = r.name AND d.id < r.id)" \
	" THEN 2 WHEN r.fallback = 1 AND EXISTS (SELECT 1 FROM real_service AS d" \
	" WHERE d.service_id = r.service_id AND d.fallback = 1 AND d.id < r.id" \
	" AND NOT EXISTS (SELECT 1 FROM real_service AS e"                     \
	" WHERE e.service_id = d.service_id AND e.name = d.name AND e.id < d.id))" \
	" THEN 3 WHEN r.changed < 1 THEN 4 ELSE 0 END"
#define JOB_LEFT_OUT                                                           \
	"CASE WHEN j.real_id IS NOT NULL AND NOT EXISTS"                       \
	" (SELECT 1 FROM real_service AS p WHERE p.id = j.real_id) THEN 1 ELSE 0 END"

#define LOOK_COLUMNS "l.cluster_id, l.time, l.interval_ms"

/* What index job_open is over. Without it in so many words SQLite reads all jobs, also
 * where it follows from the rest. */
#define JOB_OPEN "state < 3"

/* True of job 'job' (a table or alias) once a later job for its column has changed the row:
 * releasing 'job' changes nothing then. */
#define JOB_OVERTAKEN(job)                                                     \
	"EXISTS (SELECT 1 FROM job AS later WHERE later.real_id = " job ".real_id" \
	" AND later.id > " job ".id AND later.state IN (1, 2, 3, 6)"            \
	" AND (later.operation + 1) / 2 = (" job ".operation + 1) / 2)"

/* Held jobs that change their row when they are released, as h: the end of a SELECT. Index
 * job_held has them by row. */
#define FROM_HELD " FROM job AS h WHERE h.state = 0 AND NOT " JOB_OVERTAKEN("h")

/* A column of real service 'r' (a table or alias) as it is once all held jobs are released.
 * 'operations' are those of the column. */
#define REAL_AHEAD(r, column, operations)                                      \
	"ifnull((SELECT h.new_value" FROM_HELD " AND h.operation IN (" operations ")" \
	" AND h.real_id = " r ".id ORDER BY h.id DESC LIMIT 1), " r "." column ")"
#define REAL_AHEAD_WEIGHT(r) REAL_AHEAD(r, "weight", "5")
#define REAL_AHEAD_FALLBACK(r) REAL_AHEAD(r, "fallback", "3, 4")
#define REAL_AHEAD_ENABLED(r) REAL_AHEAD(r, "enabled", "1, 2")
#define REAL_COLUMNS_AHEAD                                                     \
	REAL_COLUMNS_WITH(REAL_AHEAD_WEIGHT("r") " AS weight",                 \
	    REAL_AHEAD_FALLBACK("r") " AS fallback", REAL_AHEAD_ENABLED("r") " AS enabled")

enum { CLUSTER_COLUMN_COUNT = 6, SERVICE_COLUMN_COUNT = 6, REAL_COLUMN_COUNT = 11 };

#endif
