/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What store_copy() needs from an engine: a transaction without triggers, which writes rows with
 * their ids. Only src/store includes this.
 */
#ifndef STORE_STORE_COPY_H
#define STORE_STORE_COPY_H

#include "store/store_private.h"

/* A table that is copied. sql.c reads the same columns. */
struct copy_table {
	unsigned int	 sql;		/* reads rows after key ?1, at most ?2 */
	const char	*name;
	const char	*columns;	/* the first one is the key */
	bool		 stats;		/* a table of the statistics */
	bool		 changed;	/* has a column "changed", which is written last */
	bool		 whole;		/* the statement reads all rows at once */
};

enum { COPY_COLUMNS_MAX = SHAPE_COLUMNS_MAX + 1 };

/* Rows of a table on their way from one store to the other one. */
struct copy_rows {
	const struct copy_table	*table;
	struct db		*from;
	struct db_statement	*stmt;
	struct db_value		 values[COPY_COLUMNS_MAX];	/* of the present row */
	size_t			 n;
	int64_t			 key;		/* of the last row */
	size_t			 count;
	int64_t			*change;	/* the last value of "changed" that was given */
};

/* Steps to the next row, and gives it the next value of "changed". ERR_CORRUPT: a value is neither
 * an integer nor a text. */
enum err_code copy_rows_next(struct copy_rows *rows, bool *ret_row, struct err *err);

/* Returns program 'i' of those that take a lock of the store: lbclusterd and the drivers. NULL
 * after the last one. */
const char *store_program(size_t i);

/* Tables with ids that are never used again, in the order of copy_totals.last_ids. */
#define COPY_NUMBERED { "cluster", "service", "server", "real_service", "job" }
enum { COPY_NUMBERED_TABLES = 5 };

/* Facts about the whole store, written after the rows. */
enum { COPY_SUMS = 8 };
struct copy_totals {
	int64_t	change, stats_change;			/* the last values of "changed" */
	int64_t	sums[COPY_SUMS];			/* columns of COPY_SUM_COLUMNS */
	int64_t	last_ids[COPY_NUMBERED_TABLES];		/* the highest id ever given */
};

#define COPY_SUM_COLUMNS                                                       \
	"config_changes, config_last_change, table_last_change, job_rows, jobs_open," \
	" jobs_succeeded, jobs_failed, jobs_bumped"

enum { COPY_SUMS_SIZE = COPY_SUMS * 24 };
/* Writes the sums for SQL, with ", " between them. Returns 'buf'. */
const char *copy_sums_text(const struct copy_totals *totals, char buf[COPY_SUMS_SIZE]);

#define COPY_CLUSTER "id, name, plane, plane_params, plane_status, plane_message"
#define COPY_SERVICE "id, cluster_id, name, address, port, protocol, params, enabled"
#define COPY_SERVER "id, cluster_id, name"
#define COPY_REAL                                                              \
	"id, service_id, name, address, port, weight, fallback, enabled, reason, last_change," \
	" last_job, params, server_id"
/* Without "owner": the store that is copied to has other instances, or none. */
#define COPY_JOB                                                               \
	"id, real_id, service_id, operation, state, fail_cause, source, old_value, new_value," \
	" request, token, created, started, finished, cluster_name, service_name, real_name," \
	" message, origin"
#define COPY_SETTING "name, value"
#define COPY_HELD_SETTING "token, name, value"
#define COPY_STATISTICS                                                        \
	"real_id, active, role, active_connections, inactive_connections,"     \
	" persistent_connections, connections_per_second, bps_in, bps_out, pps_in, pps_out," \
	" total_connections, total_packets_in, total_packets_out, total_octets_in," \
	" total_octets_out, connection_errors, response_errors, requests, http_4xx, http_5xx," \
	" check_failures, connection_limit, queued_connections, response_time_ms," \
	" connect_time_ms, queue_time_ms, check_code, check_duration_ms, last_update," \
	" counters_since"
#define COPY_SERVICE_STATISTICS                                                \
	"service_id, algorithm, total_connections, total_packets_in, total_packets_out," \
	" total_octets_in, total_octets_out, connection_errors, response_errors, requests," \
	" http_4xx, http_5xx, queued_connections, response_time_ms, last_update, counters_since"
#define COPY_POLL "cluster_id, time, interval_ms"

#endif
