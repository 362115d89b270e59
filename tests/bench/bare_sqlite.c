/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * For "make bench": what a SET writes, as one bare transaction on a store of the same
 * schema: the weight of a real service and the job for it, durable. Prints the
 * nanoseconds of each, a line each.
 *
 * usage: bare_sqlite FILE COUNT PAUSE_US REALS VALUE
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROW_STEP = 7919 };	/* a prime: rows all over the table */

static sqlite3 *db;

static void
require(int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	fprintf(stderr, "bare_sqlite: %s\n", db == NULL ? "no database" : sqlite3_errmsg(db));
	exit(1);
}

static sqlite3_stmt *
prepare(const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	require(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
	return stmt;
}

static void
run(sqlite3_stmt *stmt, int64_t real_id, int64_t value)
{
	/* As many of the two as the statement has. */
	if (sqlite3_bind_parameter_count(stmt) >= 1)
		require(sqlite3_bind_int64(stmt, 1, real_id));
	if (sqlite3_bind_parameter_count(stmt) >= 2)
		require(sqlite3_bind_int64(stmt, 2, value));
	require(sqlite3_step(stmt));
	require(sqlite3_reset(stmt));
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int
main(int argc, char **argv)
{
	sqlite3_stmt *begin, *update, *job, *commit;
	struct timespec pause;
	long count, reals, value;

	if (argc != 6) {
		fprintf(stderr, "usage: bare_sqlite FILE COUNT PAUSE_US REALS VALUE\n");
		return 2;
	}
	count = strtol(argv[2], NULL, 10);
	pause.tv_sec = strtol(argv[3], NULL, 10) / 1000000;
	pause.tv_nsec = strtol(argv[3], NULL, 10) % 1000000 * 1000;
	reals = strtol(argv[4], NULL, 10);
	value = strtol(argv[5], NULL, 10);
	require(sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL));
	require(sqlite3_exec(db, "PRAGMA foreign_keys = ON; PRAGMA journal_mode = TRUNCATE;"
	    "PRAGMA synchronous = FULL", NULL, NULL, NULL));
	begin = prepare("BEGIN IMMEDIATE");
	update = prepare("UPDATE real_service SET weight = ?2 WHERE id = ?1");
	job = prepare("INSERT INTO job (real_id, operation, state, source, old_value,"
	    " new_value, request, token, cluster_name, service_name, real_name)"
	    " VALUES (?1, 5, 0, 2, 1, ?2, 1, 1, 'cluster-01', 'service-0001',"
	    " 'real-000001')");
	commit = prepare("COMMIT");
	for (long i = 0; i < count; i++) {
		int64_t start = now_ns(), row = 1 + (int64_t)i * ROW_STEP % reals;

		run(begin, 0, 0);
		run(update, row, value + i);
		run(job, row, value + i);
		run(commit, 0, 0);
		printf("%lld\n", (long long)(now_ns() - start));
		if (pause.tv_sec > 0 || pause.tv_nsec > 0)
			nanosleep(&pause, NULL);
	}
	sqlite3_finalize(begin);
	sqlite3_finalize(update);
	sqlite3_finalize(job);
	sqlite3_finalize(commit);
	return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
