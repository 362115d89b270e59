/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The statements of the store and the words in them; see sql.h. The schema is in sqlite_schema.c.
 */
#include "store/sql.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/store_copy.h"
#include "util/memory.h"

/* -- texts ------------------------------------------------------------------------ */

/* Held jobs of SET ?1. */
#define OF_SET(job)                                                            \
	job ".state = <JOB_HELD> AND " job "." SQL_JOB_OPEN " AND " job ".token = ?1"

#define HAS_CHECK(params)                                                      \
	"instr(" params ", '" MODEL_PARAM_CHECK "') > 0 AND instr(" params ", '"  \
	MODEL_PARAM_NO_CHECK "') = 0"

/* The cluster of a job of table job. */
#define CLUSTER_OF_JOB                                                         \
	"(SELECT s.cluster_id FROM service AS s WHERE s.id = coalesce(job.service_id," \
	" (SELECT r.service_id FROM real_service AS r WHERE r.id = job.real_id)))"

/* Jobs of cluster ?1. */
#define OF_CLUSTER CLUSTER_OF_JOB " = ?1"

/* Clears the fallback of the rows whose held jobs disable it, where 'condition' holds, before these
 * jobs are released. See fallback_free() of set_release.c. */
#define FALLBACK_FREE(condition)                                               \
	"UPDATE real_service SET fallback = 0 WHERE +fallback = 1 AND id IN (SELECT h.real_id" \
	SQL_FROM_HELD " AND h.operation = <JOB_DISABLE_FALLBACK> AND " condition ")"

/* Writes the values of SET ?1 to the rows. A value that breaks a constraint changes nothing:
 * another program may have written the row or the job. */
#define APPLY(column, operations, valid)                                       \
	"UPDATE real_service SET " #column " = j.new_value FROM job AS j WHERE " \
	OF_SET("j") " AND j.operation IN (" operations ") AND real_service.id = j.real_id" \
	" AND NOT " SQL_OVERTAKEN("j") " AND " valid
#define VALID_SWITCH "j.new_value IN (0, 1)"
#define VALID_WEIGHT "j.new_value BETWEEN 0 AND <MODEL_WEIGHT_MAX>"
#define VALID_FALLBACK                                                         \
	"(j.new_value = 0 OR j.new_value = 1 AND NOT EXISTS (SELECT 1 FROM real_service AS f" \
	" WHERE f.service_id = real_service.service_id AND f.fallback = 1"     \
	" AND f.id <> real_service.id))"

/* The token of the oldest held SET for which 'condition' is true. */
#define HELD(condition)                                                        \
	"SELECT token FROM (SELECT token, id FROM job WHERE state = <JOB_HELD>" \
	" AND " SQL_JOB_OPEN " AND " condition " UNION ALL SELECT token,"      \
	" 9223372036854775807 FROM held_setting WHERE " condition ") AS held"  \
	" ORDER BY id LIMIT 1"

/* The value in the row of job j, NULL if there is no row. */
#define VALUE_IN_ROW                                                           \
	"CASE WHEN j.operation IN (" SQL_OPERATIONS_enabled ") THEN r.enabled" \
	" WHEN j.operation IN (" SQL_OPERATIONS_fallback ") THEN r.fallback"   \
	" WHEN j.operation IN (" SQL_OPERATIONS_weight ") THEN r.weight"       \
	" ELSE s.enabled END"

/* True of a time that a trigger set in this transaction, after ?2. */
#define JUST_NOW(column) column " > ?2 AND " column " >= unixepoch() - 1"

/* Gives the row its value before job ?1 again. An earlier job that is held has not changed the row:
 * if there is one, the row gets the value before that job. */
#define BACK(column)                                                           \
	"UPDATE real_service SET " #column " = coalesce((SELECT h.old_value" SQL_FROM_HELD \
	" AND h.operation IN (" SQL_OPERATIONS_##column ") AND h.real_id = j.real_id" \
	" AND h.id < j.id ORDER BY h.id LIMIT 1), j.old_value) FROM job AS j"  \
	" WHERE j.id = ?1 AND j.operation IN (" SQL_OPERATIONS_##column ")"        \
	" AND real_service.id = j.real_id AND real_service." #column " = j.new_value" \
	" AND NOT EXISTS (SELECT 1 FROM job AS later WHERE later.id > j.id AND " \
	SQL_SAME_COLUMN("later", "j") ")"

/* Rows of a table after key ?1, at most ?2. */
#define COPY_PAGE(columns, table, key)                                         \
	"SELECT " columns " FROM " table " WHERE " key " > ?1 ORDER BY " key " LIMIT ?2"

/* "becomes EVENT" and "before EVENT" are of job_transitions[]. */
static const char *const texts[SQL_TEXTS] = {
	[SQL_EXTENT] = "SELECT change, removed_oldest FROM store",
	[SQL_CHANGE] = "SELECT change FROM store",
	[SQL_BIRTH] = "SELECT birth FROM store",

	/* Columns that no other statement of sqlite_main_kind.needed names. */
	[SQL_NEEDED] = "SELECT j.token, j.owner, h.token, h.name, h.value, h.owner,"
	    " h.created, m.birth, m.change, m.removed_oldest, m.job_rows, m.jobs_open, v.id,"
	    " v.cluster_id, v.name FROM job AS j, held_setting AS h, store AS m, server AS v",
	[SQL_TOTALS] = "SELECT config_changes, config_last_change, table_last_change,"
	    " jobs_succeeded, jobs_failed, jobs_bumped,"
	    " <job_last_id>,"
	    " coalesce((SELECT value FROM setting WHERE name = 'set_lock'), 0),"
	    " coalesce((SELECT value FROM setting WHERE name = 'job_max_rows'), 1000),"
	    " coalesce((SELECT value FROM setting WHERE name = 'notify_enable'), ?1),"
	    " coalesce((SELECT value FROM setting WHERE name = 'stale_after'), ?2)"
	    " FROM store",
	/* One query takes one lock. Of two rows of a name the lower id is served: left_out.c. */
	[SQL_PATH_FIND] = "SELECT c.id, s.id, r.id FROM cluster AS c"
	    " LEFT JOIN service AS s ON s.cluster_id = c.id AND s.name = ?2"
	    " LEFT JOIN real_service AS r ON r.service_id = s.id AND r.name = ?3"
	    " WHERE c.name = ?1 ORDER BY c.id, s.id, r.id LIMIT 1",
	[SQL_REMOVED_MEASURED] = "SELECT changed, id, kind FROM removed"
	    " WHERE kind IN (<STORE_SERVICE>, <STORE_REAL>) AND changed > ?1"
	    " ORDER BY changed LIMIT ?2",

	/* -- a SET: judging and holding -- */

	/* The row of a change, of real service ?1 and the operations ?2 and ?3, once all held
	 * jobs are released; the token of the SET that holds a job for the column. */
	[SQL_SET_BEFORE] = "SELECT r.service_id, " SQL_REAL_AHEAD("r", weight) ", "
	    SQL_REAL_AHEAD("r", fallback) ", " SQL_REAL_AHEAD("r", enabled)
	    ", c.name, s.name, r.name, c.plane, (SELECT h.token" SQL_FROM_HELD
	    " AND h.operation IN (?2, ?3) AND h.real_id = r.id ORDER BY h.id DESC LIMIT 1)"
	    " FROM real_service AS r JOIN service AS s ON s.id = r.service_id"
	    " JOIN cluster AS c ON c.id = s.cluster_id WHERE r.id = ?1",
	/* The same of service ?1. */
	[SQL_SET_BEFORE_SERVICE] = "SELECT s.id, 0, 0, " SQL_SERVICE_AHEAD("s")
	    ", c.name, s.name, '', c.plane, (SELECT h.token" SQL_FROM_HELD
	    " AND h.service_id = s.id ORDER BY h.id DESC LIMIT 1)"
	    " FROM service AS s JOIN cluster AS c ON c.id = s.cluster_id WHERE s.id = ?1",
	/* The fallback of service ?1 once all held jobs are released. */
	[SQL_SET_FALLBACK] = "SELECT f.id, f.name FROM real_service AS f"
	    " WHERE +f.service_id = ?1 AND f.id IN (SELECT o.id FROM real_service AS o"
	    " WHERE o.service_id = ?1 AND o.fallback = 1 UNION ALL SELECT h.real_id" SQL_FROM_HELD
	    " AND h.operation = <JOB_ENABLE_FALLBACK>) AND " SQL_REAL_AHEAD("f", fallback) " = 1",
	/* Each held SET that names the lock will add 1 to it. */
	[SQL_SET_LOCK] = "SELECT (coalesce((SELECT value FROM setting WHERE name = 'set_lock'), 0)"
	    " + (SELECT count(*) FROM held_setting WHERE name = 'set_lock')) & <MODEL_ID_MAX>",
	[SQL_JOBS_OPEN] = "SELECT jobs_open FROM store",
	[SQL_JOB_INSERT] = "INSERT INTO job (state, real_id, service_id, operation, source,"
	    " old_value, new_value, request, token, cluster_name, service_name, real_name,"
	    " origin, owner) VALUES (<JOB_HELD>, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
	    " ?12, ?13)",
	[SQL_JOBS_OVER] = "SELECT job_rows - (SELECT value FROM setting"
	    " WHERE name = 'job_max_rows') FROM store",
	[SQL_JOBS_PRUNE] = "DELETE FROM job WHERE id IN (SELECT id FROM job"
	    " WHERE state >= <JOB_SUCCEEDED> ORDER BY id LIMIT ?1)",
	[SQL_SETTING_HOLD] = "INSERT INTO held_setting (token, name, value, owner, created)"
	    " VALUES (?1, ?2, ?3, ?4, unixepoch())",
	[SQL_SETTINGS_HELD] = "SELECT name = 'set_lock', value FROM held_setting"
	    " WHERE token = ?1 OR ?1 = 0 AND owner = ?2",

	/* -- a SET: release of SET ?1, answered at ?2 -- */

	/* The oldest SET of owner ?1 that is held. */
	[SQL_HELD_OLDEST] = HELD("owner = ?1"),
	/* The oldest held SET of an instance that has ended, answered ?1 seconds ago or more. */
	[SQL_HELD_ORPHAN] = HELD("created <= unixepoch() - ?1 AND <owner_has_ended>"),
	/* A service has at most one fallback at every moment. This SET was judged as if the held
	 * jobs of earlier SETs had changed their rows. So a row whose job disables the fallback
	 * loses it first. */
	[SQL_RELEASE_FALLBACK_FREE] = FALLBACK_FREE("h.token <> ?1 AND EXISTS (SELECT 1"
	    " FROM job AS j JOIN real_service AS t ON t.id = j.real_id"
	    " JOIN real_service AS o ON o.id = h.real_id WHERE " OF_SET("j")
	    " AND j.operation = <JOB_ENABLE_FALLBACK> AND t.service_id = o.service_id)"),
	[SQL_FALLBACK_UNCOUNT] = "UPDATE store SET config_changes = config_changes - ?1",
	/* The triggers of real_service and service count rows that change. lbcSysConfigChanges
	 * counts jobs that change a value, also superseded ones. This adds the difference. */
	[SQL_RELEASE_COUNT] = "UPDATE store SET config_changes = config_changes + (SELECT"
	    " coalesce(sum(CASE WHEN j.old_value <> j.new_value THEN 1 ELSE 0 END"
	    " - CASE WHEN NOT " SQL_OVERTAKEN("j") " AND j.new_value <> " VALUE_IN_ROW
	    " THEN 1 ELSE 0 END), 0) FROM job AS j"
	    " LEFT JOIN real_service AS r ON r.id = j.real_id"
	    " LEFT JOIN service AS s ON s.id = j.service_id WHERE " OF_SET("j") ")",
	[SQL_RELEASE_FALLBACK_OFF] = APPLY(fallback, "<JOB_DISABLE_FALLBACK>", VALID_FALLBACK),
	[SQL_RELEASE_FALLBACK_ON] = APPLY(fallback, "<JOB_ENABLE_FALLBACK>", VALID_FALLBACK),
	[SQL_RELEASE_ENABLED] = APPLY(enabled, SQL_OPERATIONS_enabled, VALID_SWITCH),
	[SQL_RELEASE_WEIGHT] = APPLY(weight, SQL_OPERATIONS_weight, VALID_WEIGHT),
	[SQL_RELEASE_SERVICE] = "UPDATE service SET enabled = j.new_value FROM job AS j WHERE "
	    OF_SET("j") " AND service.id = j.service_id AND NOT " SQL_OVERTAKEN("j")
	    " AND " VALID_SWITCH,
	/* Triggers set the time of this write. SNMP has shown the time of the answer. */
	[SQL_RELEASE_REAL_TIME] = "UPDATE real_service SET last_change = ?2 FROM job AS j WHERE "
	    OF_SET("j") " AND real_service.id = j.real_id AND "
	    JUST_NOW("real_service.last_change"),
	[SQL_RELEASE_CONFIG_TIME] = "UPDATE store SET config_last_change = ?2 WHERE "
	    JUST_NOW("config_last_change") " AND EXISTS (SELECT 1 FROM job AS j WHERE "
	    OF_SET("j") " AND j.old_value <> j.new_value)",
	[SQL_RELEASE_REFUSED] = "UPDATE job SET <becomes refused>, finished = ?2 WHERE "
	    OF_SET("job") " AND operation = <JOB_ENABLE_FALLBACK> AND NOT " SQL_OVERTAKEN("job")
	    " AND (SELECT fallback FROM real_service WHERE id = job.real_id) = 0",
	[SQL_RELEASE_RECORDED] = "UPDATE job SET <becomes recorded>, started = ?2, finished = ?2"
	    " WHERE " OF_SET("job") " AND EXISTS (SELECT 1 FROM cluster AS c WHERE c.id = "
	    CLUSTER_OF_JOB " AND c.plane = 'none')",
	[SQL_RELEASE_OVERTAKEN] = "UPDATE job SET <becomes superseded>, finished = ?2 WHERE "
	    OF_SET("job") " AND " SQL_OVERTAKEN("job"),
	/* Queued jobs for a column that this SET sets. */
	[SQL_RELEASE_OVERTAKES] = "UPDATE job SET <becomes superseded>, finished = ?2"
	    " WHERE state = <JOB_QUEUED> AND " SQL_JOB_OPEN " AND EXISTS (SELECT 1"
	    " FROM job AS j WHERE j.id > job.id"
	    " AND j.state = <JOB_HELD> AND j.token = ?1 AND " SQL_SAME_COLUMN("j", "job") ")",
	[SQL_RELEASE_QUEUED] = "UPDATE job SET <becomes released> WHERE " OF_SET("job"),
	/* The lock counts up: TestAndIncr of RFC 2579. */
	[SQL_RELEASE_SETTINGS] = "INSERT INTO setting SELECT name, value FROM held_setting"
	    " WHERE token = ?1 ON CONFLICT (name) DO UPDATE SET value = CASE WHEN"
	    " setting.name = 'set_lock' THEN (setting.value + 1) & <MODEL_ID_MAX>"
	    " ELSE excluded.value END",
	[SQL_SETTINGS_DROP] = "DELETE FROM held_setting WHERE token = ?1",

	/* The next job for the column gets the old value of this job, which the row gets if the
	 * next job fails. Setting "message" makes the trigger stamp the row as changed. */
	[SQL_UNDO_OLD_VALUES] = "UPDATE job AS later SET old_value = j.old_value,"
	    " message = later.message FROM job AS j WHERE " OF_SET("j")
	    " AND later.old_value = j.new_value AND later.id = (SELECT min(n.id) FROM job AS n"
	    " WHERE n.state NOT IN (<JOB_FAILED>, <JOB_CANCELLED>) AND n.id > j.id"
	    " AND " SQL_SAME_COLUMN("n", "j") ")",
	[SQL_UNDO_JOBS] = "UPDATE job SET <becomes undone>, finished = unixepoch() WHERE "
	    OF_SET("job"),
	[SQL_FALLBACK_FREE] = FALLBACK_FREE("(SELECT service_id FROM real_service"
	    " WHERE id = h.real_id) = ?1"),

	/* -- settings of the store -- */

	[SQL_LOCK_INCREASE] = "INSERT INTO setting (name, value) VALUES ('set_lock', 1)"
	    " ON CONFLICT (name) DO UPDATE SET value = (setting.value + 1) & <MODEL_ID_MAX>",
	[SQL_JOB_MAX_ROWS_SET] = "UPDATE setting SET value = ?1 WHERE name = 'job_max_rows'",
	[SQL_STALE_AFTER_SET] = "INSERT INTO setting (name, value) VALUES ('stale_after', ?1)"
	    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",

	/* -- drivers -- */

	[SQL_JOBS_QUEUED] = "SELECT id FROM job WHERE <before claimed> AND " SQL_JOB_OPEN
	    " AND " OF_CLUSTER " ORDER BY id LIMIT ?2",
	[SQL_JOB_CLAIM] = "UPDATE job SET <becomes claimed>, started = unixepoch() WHERE id = ?1"
	    " AND <before claimed>",
	[SQL_JOBS_REQUEUE] = "UPDATE job SET <becomes requeued>, started = 0"
	    " WHERE <before requeued> AND " SQL_JOB_OPEN " AND " OF_CLUSTER,
	/* A held job stays: its release changes the row first. */
	[SQL_JOBS_RECORD] = "UPDATE job SET <becomes recorded>,"
	    " started = CASE WHEN started = 0 THEN unixepoch() ELSE started END,"
	    " finished = unixepoch()"
	    " WHERE <before recorded> AND state <> <JOB_HELD> AND " SQL_JOB_OPEN
	    " AND " OF_CLUSTER,
	[SQL_JOB_REQUEUE] = "UPDATE job SET <becomes requeued>, message = ?2 WHERE id = ?1"
	    " AND <before requeued>",
	[SQL_JOB_DONE] = "UPDATE job SET <becomes done>, message = ?2, finished = unixepoch()"
	    " WHERE id = ?1 AND <before done>",
	[SQL_JOB_FAIL] = "UPDATE job SET <becomes failed>, message = ?2, fail_cause = ?3,"
	    " finished = unixepoch() WHERE id = ?1 AND <before failed>",
	[SQL_JOB_SUPERSEDE] = "UPDATE job SET <becomes superseded>, finished = unixepoch()"
	    " WHERE id = ?1 AND <before superseded> AND state <> <JOB_HELD>",
	[SQL_BACK_ENABLED] = BACK(enabled),
	/* The row of a failed job does not become the fallback again while another row is the
	 * fallback or becomes it by a held job. */
	[SQL_BACK_FALLBACK] = BACK(fallback) " AND (j.old_value = 0 OR NOT EXISTS (SELECT 1"
	    " FROM real_service AS f WHERE f.service_id = real_service.service_id"
	    " AND (f.fallback = 1 OR f.id IN (SELECT h.real_id" SQL_FROM_HELD
	    " AND h.operation = <JOB_ENABLE_FALLBACK>))))",
	[SQL_BACK_WEIGHT] = BACK(weight),
	[SQL_BACK_SERVICE] = "UPDATE service SET enabled = coalesce((SELECT h.old_value"
	    SQL_FROM_HELD " AND h.service_id = j.service_id AND h.id < j.id ORDER BY h.id LIMIT 1),"
	    " j.old_value) FROM job AS j WHERE j.id = ?1 AND service.id = j.service_id"
	    " AND service.enabled = j.new_value AND NOT EXISTS (SELECT 1 FROM job AS later"
	    " WHERE later.service_id = j.service_id AND later.id > j.id)",
	[SQL_PLANE_IS] = "SELECT plane_status = ?2 AND plane_message = ?3 FROM cluster"
	    " WHERE id = ?1",
	[SQL_PLANE_SET] = "UPDATE cluster SET plane_status = ?2, plane_message = ?3 WHERE id = ?1",
	[SQL_CHECKED] = "SELECT EXISTS (SELECT 1 FROM service WHERE cluster_id = ?1 AND "
	    HAS_CHECK("params") ") OR EXISTS (SELECT 1 FROM service AS s JOIN real_service AS r"
	    " ON r.service_id = s.id WHERE s.cluster_id = ?1 AND " HAS_CHECK("r.params") ")",
	[SQL_REASON_SET] = "UPDATE real_service SET reason = ?2 WHERE id = ?1"
	    " AND reason <> ?2",

	/* -- store_copy() and store_describe() -- */

	[SQL_COPY_CLUSTER] = COPY_PAGE(COPY_CLUSTER, "cluster", "id"),
	[SQL_COPY_SERVICE] = COPY_PAGE(COPY_SERVICE, "service", "id"),
	[SQL_COPY_SERVER] = COPY_PAGE(COPY_SERVER, "server", "id"),
	[SQL_COPY_REAL] = COPY_PAGE(COPY_REAL, "real_service", "id"),
	[SQL_COPY_JOB] = COPY_PAGE(COPY_JOB, "job", "id"),
	[SQL_COPY_SETTING] = "SELECT " COPY_SETTING " FROM setting",
	[SQL_COPY_HELD_SETTING] = "SELECT " COPY_HELD_SETTING " FROM held_setting",
	[SQL_COPY_STATISTICS] = COPY_PAGE(COPY_STATISTICS, "statistics", "real_id"),
	[SQL_COPY_SERVICE_STATISTICS] = COPY_PAGE(COPY_SERVICE_STATISTICS, "service_statistics",
	    "service_id"),
	[SQL_COPY_POLL] = COPY_PAGE(COPY_POLL, "look", "cluster_id"),
	[SQL_COPY_ROWS] = "SELECT (SELECT count(*) FROM cluster) + (SELECT count(*) FROM service)"
	    " + (SELECT count(*) FROM real_service) + (SELECT count(*) FROM server)"
	    " + (SELECT count(*) FROM job) + (SELECT count(*) FROM held_setting)",
	[SQL_COPY_TOTALS] = "SELECT " COPY_SUM_COLUMNS ", <cluster_last_id>, <service_last_id>,"
	    " <server_last_id>, <real_service_last_id>, <job_last_id> FROM store",
	/* In the order of enum store_count. */
	[SQL_COUNTS] = "SELECT (SELECT count(*) FROM cluster), (SELECT count(*) FROM service),"
	    " (SELECT count(*) FROM real_service), (SELECT count(*) FROM server),"
	    " (SELECT count(*) FROM job), (SELECT count(*) FROM job WHERE " SQL_JOB_OPEN ")",
	[SQL_COUNTS_STATISTICS] = "SELECT (SELECT count(*) FROM statistics),"
	    " (SELECT count(*) FROM service_statistics)",
};

static const char *const patterns[ROW_SQLS] = {
	[ROW_NEEDED] = "SELECT r.changed, <columns> FROM <table> AS r",
	[ROW_CHANGES] = "SELECT r.changed, <why>, <columns> FROM <table> AS r"
	    " WHERE r.changed > ?1 ORDER BY r.changed LIMIT ?2",
	[ROW_PAGE] = "SELECT <view> FROM <table> AS r WHERE <below> r.<order> > ?2"
	    " AND (<why>) = 0 ORDER BY r.<order> LIMIT ?3",
	[ROW_GET] = "SELECT <view> FROM <table> AS r WHERE r.<id> = ?1",
	[ROW_FIND] = "SELECT <id>, <same> FROM <table> WHERE <key>",
	[ROW_INSERT] = "INSERT INTO <table> (<names>) VALUES (<parameters>)",
	[ROW_UPDATE] = "UPDATE <table> SET <changes> WHERE <key>",
	[ROW_UPSERT] = "INSERT INTO <table> (<names>, changed) VALUES (<parameters>, <next>)"
	    " ON CONFLICT (<id>) DO UPDATE SET <excluded>, changed = excluded.changed",
	[ROW_DELETE] = "DELETE FROM <table> WHERE <id> = ?1",
	[ROW_WHY] = "SELECT <why> FROM <table> AS r WHERE r.<id> = ?1",
	[ROW_LEFT_OUT] = "SELECT r.<id>, <why> FROM <table> AS r WHERE (<why>) <> 0"
	    " ORDER BY r.<id>",
	[ROW_UNNUMBERED] = "SELECT r.<id>, <why> FROM <table> AS r WHERE r.changed < 1",
	[ROW_ORPHANS] = "SELECT r.<id>, <LEFT_OUT_PARENT> FROM <table> AS r WHERE r.<parent> = ?1"
	    " AND (<why>) = <LEFT_OUT_PARENT>",
};

/* -- words ------------------------------------------------------------------------ */

/* A word is a number, a text of struct shape, or a list: each column that has one of 'flags',
 * in 'format', where @ is the name of the column and # its number. */
static const struct word {
	const char	*name;
	int		 number;
	size_t		 member;	/* its offset */
	const char	*format, *separator;
	unsigned int	 flags;		/* 0: any */
	bool		 view;
} words[] = {
#define NUMBER(enumerator) { #enumerator, .number = (enumerator) }
#define MEMBER(name, of) { name, .member = offsetof(struct shape, of) }
#define LIST(name, each, between, with)                                        \
	{ name, .format = (each), .separator = (between), .flags = (with) }
#define WRITTEN (COLUMN_KEY | COLUMN_PUT | COLUMN_FIRST)
	NUMBER(JOB_HELD), NUMBER(JOB_QUEUED), NUMBER(JOB_RUNNING), NUMBER(JOB_SUCCEEDED),
	NUMBER(JOB_FAILED), NUMBER(JOB_CANCELLED), NUMBER(JOB_SUPERSEDED), NUMBER(JOB_ENABLE),
	NUMBER(JOB_DISABLE), NUMBER(JOB_ENABLE_FALLBACK), NUMBER(JOB_DISABLE_FALLBACK),
	NUMBER(JOB_SET_WEIGHT), NUMBER(JOB_ENABLE_SERVICE), NUMBER(JOB_DISABLE_SERVICE),
	NUMBER(LEFT_OUT_PARENT), NUMBER(LEFT_OUT_NAME),
	NUMBER(LEFT_OUT_FALLBACK), NUMBER(LEFT_OUT_CHANGE), NUMBER(STORE_SERVICE),
	NUMBER(STORE_REAL), NUMBER(STORE_JOB),
	NUMBER(MODEL_ID_MAX), NUMBER(MODEL_WEIGHT_MAX),
	MEMBER("table", table), MEMBER("id", id), MEMBER("order", order), MEMBER("why", why),
	MEMBER("below", below), MEMBER("parent", parent_column),
	LIST("columns", "r.@", ", ", 0),
	{ "view", .format = "r.@", .separator = ", ", .view = true },
	LIST("names", "@", ", ", WRITTEN),
	LIST("parameters", "?#", ", ", WRITTEN),
	LIST("key", "@ = ?#", " AND ", COLUMN_KEY),
	LIST("same", "@ = ?#", " AND ", COLUMN_PUT),
	LIST("changes", "@ = ?#", ", ", COLUMN_PUT),
	LIST("excluded", "@ = excluded.@", ", ", COLUMN_PUT),
};

struct text {
	char	*bytes;		/* SQL_TEXT_SIZE of them */
	size_t	 n;
};

/* A text that is too long is cut, and the database refuses the statement. */
static void __attribute__((format(printf, 2, 3)))
append(struct text *text, const char *fmt, ...)
{
	size_t room = SQL_TEXT_SIZE - text->n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->bytes + text->n, room, fmt, ap);
	va_end(ap);
	text->n += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static void
list_write(struct text *text, const struct word *word, const struct shape *shape)
{
	const char *separator = "";

	for (size_t i = 0; i < shape->n; i++) {
		const struct column *column = &shape->columns[i];

		if (word->flags != 0 ? (column->flags & word->flags) == 0 :
		    (column->flags & COLUMN_VIEW) != 0 && !word->view)
			continue;
		append(text, "%s", separator);
		separator = word->separator;
		if (column->view != NULL && word->view) {
			append(text, "%s AS %s", column->view, column->name);
			continue;
		}
		for (const char *c = word->format; *c != '\0'; c++) {
			if (*c == '@')
				append(text, "%s", column->name);
			else if (*c == '#')
				append(text, "%d", (int)i + 1);
			else
				append(text, "%c", *c);
		}
	}
}

/* "becomes EVENT": what the event sets in a job; "before EVENT": true of a job to which it may
 * happen. False if 'word' is neither. */
static bool
transition_write(struct text *text, const char *word)
{
	const char *event = strchr(word, ' '), *separator = "state IN (";
	const struct job_transition *t = job_transitions;

	while (event != NULL && t->event != NULL && strcmp(event + 1, t->event) != 0)
		t++;
	if (event == NULL || t->event == NULL)
		return false;
	if (strncmp(word, "becomes", 7) == 0) {
		append(text, "state = %d", t->to);
		if (t->cause != 0)
			append(text, ", fail_cause = %d", t->cause);
		if (t->message != NULL)
			append(text, ", message = '%s'", t->message);
		return true;
	}
	for (unsigned int state = JOB_HELD; state <= JOB_SUPERSEDED; state++) {
		if ((t->from & 1u << state) == 0)
			continue;
		append(text, "%s%u", separator, state);
		separator = ", ";
	}
	append(text, ")");
	return true;
}

/* "next": the parameter after those of all columns. An unknown word stays, and the database
 * refuses the statement. */
static void
word_write(struct text *text, const char *name, const struct shape *shape,
    const struct sql_word *dialect)
{
	const struct word *word = words;

	if (transition_write(text, name))
		return;
	while (dialect->name != NULL && strcmp(dialect->name, name) != 0)
		dialect++;
	while (word < words + ROWS(words) && strcmp(word->name, name) != 0)
		word++;
	if (dialect->name != NULL)
		append(text, "%s", dialect->text);
	else if (strcmp(name, "next") == 0)
		append(text, "?%zu", shape->n + 1);
	else if (word == words + ROWS(words))
		append(text, "<%s>", name);
	else if (word->format != NULL)
		list_write(text, word, shape);
	else if (word->member != 0)
		append(text, "%s", *(const char *const *)(const void *)
		    ((const char *)shape + word->member));
	else
		append(text, "%d", word->number);
}

/* 'sql' with its words replaced once. A word is between < and >, and begins with a letter. */
static void
words_replace(const char *sql, const struct shape *shape, const struct sql_word *dialect,
    char ret[SQL_TEXT_SIZE])
{
	struct text text = { .bytes = ret };
	char word[32];

	ret[0] = '\0';
	while (*sql != '\0') {
		size_t n = strcspn(sql, "<");
		bool is_word = sql[n] == '<' && isalpha((unsigned char)sql[n + 1]);

		if (!is_word && sql[n] != '\0')
			n++;
		append(&text, "%.*s", (int)n, sql);
		sql += n;
		if (!is_word)
			continue;
		n = strcspn(sql, ">");
		snprintf(word, sizeof(word), "%.*s", (int)n - 1, sql + 1);
		word_write(&text, word, shape, dialect);
		sql += n + (sql[n] == '>');
	}
}

void
sql_words_replace(const char *sql, enum shape_id shape, const struct sql_word *dialect,
    char ret[SQL_TEXT_SIZE])
{
	char once[SQL_TEXT_SIZE];

	words_replace(sql, &shapes[shape], dialect, once);
	/* The words of a shape have words in them. */
	words_replace(once, &shapes[shape], dialect, ret);
}

void
sql_build(unsigned int statement, const struct sql_word *dialect, char ret[SQL_TEXT_SIZE])
{
	unsigned int row = statement - SQL_TEXTS;

	if (statement < SQL_TEXTS)
		sql_words_replace(texts[statement], SHAPE_CLUSTER, dialect, ret);
	else
		sql_words_replace(patterns[row / SHAPES], row % SHAPES, dialect,
		    ret);
}
