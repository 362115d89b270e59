/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The statements that only SQLite has or needs; see enum sqlite_sql.
 */
#include "store/sqlite/sqlite_private.h"

#define TEXT(name) [(name) - SQL_STATEMENTS]

static const char *const texts[SQLITE_STATEMENTS - SQL_STATEMENTS] = {
	TEXT(SQL_BEGIN) = "BEGIN",
	/* A read transaction that begins to write gets SQLITE_BUSY at once. */
	TEXT(SQL_BEGIN_IMMEDIATE) = "BEGIN IMMEDIATE",
	TEXT(SQL_COMMIT) = "COMMIT",
	TEXT(SQL_ROLLBACK) = "ROLLBACK",
	TEXT(SQL_APPLICATION_ID) = "PRAGMA application_id",
	TEXT(SQL_USER_VERSION) = "PRAGMA user_version",
	TEXT(SQL_DATA_VERSION) = "PRAGMA data_version",
	TEXT(SQL_INTEGRITY_CHECK) = "PRAGMA integrity_check(1)",
	TEXT(SQL_CHANGE_ADD) = "UPDATE store SET change = change + ?1",

	/* -- a draft: see draft.c -- */

	/* Whether other programs made changes after ?1, other than those of settings. */
	TEXT(SQL_DRAFT_OTHERS) = "SELECT EXISTS (SELECT 1 FROM removed WHERE changed > ?1"
	    " AND kind < <STORE_JOB>)"
	    " OR EXISTS (SELECT 1 FROM cluster WHERE changed > ?1)"
	    " OR EXISTS (SELECT 1 FROM service WHERE changed > ?1)"
	    " OR EXISTS (SELECT 1 FROM job WHERE changed > ?1 AND (service_id IS NOT NULL"
	    "  OR operation IN (<JOB_ENABLE_FALLBACK>, <JOB_DISABLE_FALLBACK>)))",
	/* Rows that other programs have changed after ?1, and whether a draft that began at ?2 has
	 * left row ?1 as it was. SETs were judged by the plane of their cluster. */
	TEXT(SQL_DRAFT_REALS) = "SELECT id FROM real_service WHERE changed > ?1 UNION"
	    " SELECT real_id FROM job WHERE changed > ?1 AND real_id IS NOT NULL",
	TEXT(SQL_DRAFT_REAL_SAME) = "SELECT max(r.changed, c.changed) <= ?2 FROM real_service AS r"
	    " JOIN service AS s ON s.id = r.service_id JOIN cluster AS c ON c.id = s.cluster_id"
	    " WHERE r.id = ?1",
	TEXT(SQL_DRAFT_JOBS) = "SELECT id FROM job WHERE changed > ?1 UNION"
	    " SELECT id FROM removed WHERE changed > ?1 AND kind = <STORE_JOB>",
	TEXT(SQL_DRAFT_JOB_SAME) = "SELECT coalesce((SELECT changed <= ?2 FROM job WHERE id = ?1),"
	    " ?1 > (SELECT seq FROM sqlite_sequence WHERE name = 'job'), 1)",
	TEXT(SQL_DRAFT_ADD) = "UPDATE store SET change = change + ?1,"
	    " config_changes = config_changes + ?2,"
	    " config_last_change = max(config_last_change, ?3),"
	    " table_last_change = max(table_last_change, ?4), job_rows = job_rows + ?5,"
	    " jobs_open = jobs_open + ?6, jobs_succeeded = jobs_succeeded + ?7,"
	    " jobs_failed = jobs_failed + ?8, jobs_bumped = jobs_bumped + ?9",
	TEXT(SQL_DRAFT_NUMBERS) = "UPDATE store SET change = change + ?1,"
	    " table_last_change = unixepoch()",
	/* The cluster of service ?1, and its server with the name ?2. */
	TEXT(SQL_DRAFT_SERVER) = "SELECT s.cluster_id, v.id FROM service AS s LEFT JOIN server AS v"
	    " ON v.cluster_id = s.cluster_id AND v.name = ?2 WHERE s.id = ?1",
	TEXT(SQL_SERVER_INSERT) = "INSERT INTO server (cluster_id, name) VALUES (?1, ?2)",
	TEXT(SQL_SERVER_DELETE) = "DELETE FROM server WHERE id = ?1",
	TEXT(SQL_REAL_NUMBERED) = "INSERT INTO <table> (<names>, server_id, changed)"
	    " VALUES (<parameters>, ?10, ?11)",
};

/* The highest id that a row of 'table' ever had. */
#define LAST_ID(table)                                                         \
	{ table "_last_id",                                                    \
	    "coalesce((SELECT seq FROM sqlite_sequence WHERE name = '" table "'), 0)" }

static const struct sql_word dialect[] = {
	LAST_ID("cluster"), LAST_ID("service"), LAST_ID("server"), LAST_ID("real_service"),
	LAST_ID("job"),
	{ "owner_has_ended", "0" },	/* one lbclusterd has the store */
	{ NULL, NULL },
};

void
sqlite_sql_build(unsigned int statement, char ret[SQL_TEXT_SIZE])
{
	if (statement < SQL_STATEMENTS)
		sql_build(statement, dialect, ret);
	else
		sql_words_replace(texts[statement - SQL_STATEMENTS], SHAPE_REAL, dialect,
		    ret);
}
