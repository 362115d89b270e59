/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * All SQL statements of the store, by number. A statement is one text, or a pattern that is
 * filled in for one shape of rows. The engine prepares a statement at its first use.
 *
 * A word in angle brackets is replaced before the engine sees the text: <JOB_HELD> by the number
 * of that enumerator, <table> by the table of the shape. words[] of sql.c lists the words.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "store/shapes.h"

/* True of an open job. SQLite uses index job_open only for this text. */
#define SQL_JOB_OPEN "state < <JOB_SUCCEEDED>"

/* Operations of a job, by the column that they set. */
#define SQL_OPERATIONS_enabled "<JOB_ENABLE>, <JOB_DISABLE>"
#define SQL_OPERATIONS_fallback "<JOB_ENABLE_FALLBACK>, <JOB_DISABLE_FALLBACK>"
#define SQL_OPERATIONS_weight "<JOB_SET_WEIGHT>"
#define SQL_OPERATIONS_service_enabled "<JOB_ENABLE_SERVICE>, <JOB_DISABLE_SERVICE>"

/* True if two jobs set the same column of the same row: of one real service, both or none sets
 * "enabled", and both or none sets "weight"; a service has one column. */
#define SQL_SAME_COLUMN(job, other)                                            \
	"(" job ".real_id = " other ".real_id OR " job ".service_id = " other ".service_id)" \
	" AND (" job ".operation IN (" SQL_OPERATIONS_enabled "))"             \
	" = (" other ".operation IN (" SQL_OPERATIONS_enabled "))"             \
	" AND (" job ".operation IN (" SQL_OPERATIONS_weight "))"              \
	" = (" other ".operation IN (" SQL_OPERATIONS_weight "))"

/* True of 'job' once a later job for its column has changed the row: the release of 'job'
 * changes nothing then. */
#define SQL_OVERTAKEN(job)                                                     \
	"EXISTS (SELECT 1 FROM job AS later WHERE"                             \
	" later.id > " job ".id AND later.state IN (<JOB_QUEUED>, <JOB_RUNNING>," \
	" <JOB_SUCCEEDED>, <JOB_SUPERSEDED>) AND " SQL_SAME_COLUMN("later", job) ")"

/* Held jobs that change their row when they are released, as h: the end of a SELECT. Index
 * job_held has them by row. */
#define SQL_FROM_HELD                                                          \
	" FROM job AS h WHERE h.state = <JOB_HELD> AND NOT " SQL_OVERTAKEN("h")

/* 'column' of real service 'r' (a table or alias) as it is once all held jobs are released. */
#define SQL_REAL_AHEAD(r, column)                                              \
	"coalesce((SELECT h.new_value" SQL_FROM_HELD " AND h.operation IN"       \
	" (" SQL_OPERATIONS_##column ") AND h.real_id = " r ".id ORDER BY h.id DESC LIMIT 1), " \
	r "." #column ")"

/* "enabled" of service 's' (a table or alias) as it is once all held jobs are released. */
#define SQL_SERVICE_AHEAD(s)                                                   \
	"coalesce((SELECT h.new_value" SQL_FROM_HELD " AND h.service_id = " s ".id" \
	" ORDER BY h.id DESC LIMIT 1), " s ".enabled)"

enum sql {
	/* both databases */
	SQL_EXTENT, SQL_CHANGE, SQL_BIRTH,

	/* reading */
	SQL_NEEDED, SQL_TOTALS, SQL_PATH_FIND, SQL_REMOVED_MEASURED,

	/* a SET: judging and holding */
	SQL_SET_BEFORE, SQL_SET_BEFORE_SERVICE, SQL_SET_FALLBACK, SQL_SET_LOCK, SQL_JOBS_OPEN,
	SQL_JOB_INSERT, SQL_JOBS_OVER, SQL_JOBS_PRUNE, SQL_SETTING_HOLD, SQL_SETTINGS_HELD,

	/* a SET: release and undo, in the order in which they run */
	SQL_HELD_OLDEST, SQL_HELD_ORPHAN, SQL_RELEASE_FALLBACK_FREE, SQL_FALLBACK_UNCOUNT,
	SQL_RELEASE_COUNT,
	SQL_RELEASE_FALLBACK_OFF, SQL_RELEASE_FALLBACK_ON, SQL_RELEASE_ENABLED,
	SQL_RELEASE_WEIGHT, SQL_RELEASE_SERVICE, SQL_RELEASE_REAL_TIME,
	SQL_RELEASE_CONFIG_TIME, SQL_RELEASE_REFUSED, SQL_RELEASE_RECORDED, SQL_RELEASE_OVERTAKEN,
	SQL_RELEASE_OVERTAKES, SQL_RELEASE_QUEUED, SQL_RELEASE_SETTINGS, SQL_SETTINGS_DROP,
	SQL_UNDO_OLD_VALUES, SQL_UNDO_JOBS, SQL_FALLBACK_FREE,

	/* settings of the store */
	SQL_LOCK_INCREASE, SQL_JOB_MAX_ROWS_SET, SQL_STALE_AFTER_SET,

	/* drivers */
	SQL_JOBS_QUEUED, SQL_JOB_CLAIM, SQL_JOBS_REQUEUE, SQL_JOBS_RECORD, SQL_JOB_REQUEUE,
	SQL_JOB_DONE, SQL_JOB_FAIL, SQL_JOB_SUPERSEDE, SQL_BACK_ENABLED, SQL_BACK_FALLBACK,
	SQL_BACK_WEIGHT, SQL_BACK_SERVICE, SQL_PLANE_IS, SQL_PLANE_SET, SQL_CHECKED, SQL_REASON_SET,

	/* store_copy() and store_describe() */
	SQL_COPY_CLUSTER, SQL_COPY_SERVICE, SQL_COPY_SERVER, SQL_COPY_REAL, SQL_COPY_JOB,
	SQL_COPY_SETTING, SQL_COPY_HELD_SETTING, SQL_COPY_ROWS, SQL_COPY_TOTALS, SQL_COUNTS,

	/* the same, of the statistics */
	SQL_COPY_STATISTICS, SQL_COPY_SERVICE_STATISTICS, SQL_COPY_POLL, SQL_COUNTS_STATISTICS,

	SQL_TEXTS
};

/* Patterns of statements over the rows of one shape, as r. */
enum row_sql {
	ROW_NEEDED,	/* all columns, for sqlite_kind.needed */
	ROW_CHANGES,	/* changed, why it is left out, columns; after ?1, at most ?2 */
	ROW_PAGE,	/* view; of parent ?1, after name or id ?2, at most ?3 */
	ROW_GET,	/* view; of row ?1 */
	ROW_FIND,	/* id, whether all is the same; ?N is column N of the row */
	ROW_INSERT, ROW_UPDATE,	/* ?N is column N of the row */
	ROW_UPSERT,	/* the same; the parameter after them is "changed" */
	ROW_DELETE,	/* row ?1 */
	ROW_WHY,	/* why row ?1 is left out */
	ROW_LEFT_OUT,	/* id, why; of each row that is left out */
	ROW_UNNUMBERED,	/* id, why; of each row whose "changed" is below 1 */
	ROW_ORPHANS,	/* id, why; of each row whose parent was ?1 */
	ROW_SQLS
};

#define SQL_OF_ROWS(pattern, shape) (SQL_TEXTS + (pattern) * SHAPES + (shape))

enum { SQL_STATEMENTS = SQL_OF_ROWS(ROW_SQLS, 0) };

/* No statement is longer; with the NUL. */
enum { SQL_TEXT_SIZE = 8192 };

/* A word that each engine replaces by its own text, before the words of sql.c. */
struct sql_word {
	const char	*name, *text;		/* name NULL: the end of the table */
};

/* Writes the statement with all words replaced. */
void sql_build(unsigned int statement, const struct sql_word *dialect, char ret[SQL_TEXT_SIZE]);
/* Writes 'sql', a statement that an engine keeps itself, with all words replaced, for rows of
 * 'shape'. */
void sql_words_replace(const char *sql, enum shape_id shape, const struct sql_word *dialect,
    char ret[SQL_TEXT_SIZE]);

#endif
