/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the constraints and triggers of the schema, with plain SQL from a program that sets
 * no pragma, also not foreign_keys.
 */
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite/sqlite_private.h"

#define FOREIGN_KEYS "PRAGMA foreign_keys = ON;"
#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define HUNDRED SIXTY TEN TEN TEN TEN

/* Clusters web (1) and mail (2), services http (1) and https (2) of web and smtp (3) of
 * mail, real services a (1), b (2, the fallback) of http and c (3) of smtp. */
static int
setup(void **state)
{
	struct fixture *f;

	if (fixture_setup_open(state) != 0)
		return -1;
	f = *state;
	fixture_close(f);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('web'), ('mail');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (1, 'https'),"
	    " (2, 'smtp');"
	    "INSERT INTO real_service (service_id, name, fallback) VALUES (1, 'a', 0),"
	    " (1, 'b', 1), (3, 'c', 0);"
	    "INSERT INTO job (real_id, operation, state, old_value, new_value, cluster_name,"
	    " service_name, real_name) VALUES (1, 5, 1, 1, 2, 'web', 'http', 'a'),"
	    " (1, 5, 3, 1, 2, 'web', 'http', 'a')");
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id, active) VALUES (1, 1), (2, 0)");
	return 0;
}

/* -- refused statements --------------------------------------------------------------- */

#define CLUSTER_NAMED(name) "INSERT INTO cluster (name) VALUES (" name ")"
#define SERVICE_WITH(column, value)                                            \
	"INSERT INTO service (cluster_id, name, " column ") VALUES (1, 'new', " value ")"
#define REAL_WITH(column, value)                                               \
	"INSERT INTO real_service (service_id, name, " column ") VALUES (1, 'new', " value ")"
#define JOB_WITH(column, value)                                                \
	"INSERT INTO job (operation, old_value, new_value, cluster_name, service_name,"  \
	" real_name) VALUES (5, 1, 2, 'a', 'b', 'c');"                         \
	"UPDATE job SET " column " = " value " WHERE id = (SELECT max(id) FROM job)"
#define JOB_OF(cluster, service, real)                                         \
	"INSERT INTO job (operation, old_value, new_value, cluster_name, service_name,"  \
	" real_name) VALUES (5, 1, 2, " cluster ", " service ", " real ")"
#define STATISTICS_WITH(column, value)                                         \
	"INSERT INTO statistics (real_id, " column ") VALUES (9, " value ")"

static const char *const refused[] = {
	CLUSTER_NAMED("''"), CLUSTER_NAMED("NULL"), CLUSTER_NAMED("'a b'"),
	CLUSTER_NAMED("'a/b'"), CLUSTER_NAMED("'a\nb'"), CLUSTER_NAMED("'\xc3\xa4'"),
	CLUSTER_NAMED("'*'"), CLUSTER_NAMED("'[a]'"), CLUSTER_NAMED("'a,b'"),
	CLUSTER_NAMED("CAST(x'610062' AS TEXT)"), CLUSTER_NAMED("CAST(x'00' AS TEXT)"),
	CLUSTER_NAMED("CAST(x'6100' AS TEXT)"), CLUSTER_NAMED("CAST(x'61ff' AS TEXT)"),
	CLUSTER_NAMED("x'61'"), CLUSTER_NAMED("'" SIXTY "12345'"), CLUSTER_NAMED("'web'"),
	"UPDATE cluster SET name = 'a/b' WHERE id = 1",
	"UPDATE cluster SET name = 'mail' WHERE id = 1", "UPDATE cluster SET id = 9 WHERE id = 1",
	"INSERT INTO cluster (name, plane) VALUES ('new', 'docker')",
	"INSERT INTO cluster (name, plane) VALUES ('new', NULL)",
	"INSERT INTO cluster (name, plane_status) VALUES ('new', 0)",
	"INSERT INTO cluster (name, plane_status) VALUES ('new', 5)",
	"INSERT INTO cluster (name, plane_message) VALUES ('new', '" HUNDRED HUNDRED SIXTY "')",
	"INSERT INTO cluster (name, plane_params) VALUES ('new', printf('%2001d', 1))",
	"INSERT INTO cluster (id, name) VALUES (0, 'new')",
	"INSERT INTO cluster (id, name) VALUES (-1, 'new')",
	"INSERT INTO cluster (id, name) VALUES (2147483648, 'new')",

	"INSERT INTO service (cluster_id, name) VALUES (1, 'http')",
	"INSERT INTO service (cluster_id, name) VALUES (1, 'a b')",
	"INSERT INTO service (cluster_id, name) VALUES (1, CAST(x'610062' AS TEXT))",
	"INSERT INTO service (cluster_id, name) VALUES (77, 'new')",
	"INSERT INTO service (cluster_id, name) VALUES (NULL, 'new')",
	SERVICE_WITH("protocol", "0"), SERVICE_WITH("protocol", "5"),
	SERVICE_WITH("protocol", "'tcp'"), SERVICE_WITH("port", "'123456789'"),
	SERVICE_WITH("port", "NULL"), SERVICE_WITH("address", "printf('%241d', 1)"),
	SERVICE_WITH("id", "2147483648"),
	"UPDATE service SET cluster_id = 2 WHERE id = 1", "UPDATE service SET id = 9 WHERE id = 1",
	"UPDATE service SET name = 'https' WHERE id = 1",

	"INSERT INTO real_service (service_id, name) VALUES (1, 'a')",
	"INSERT INTO real_service (service_id, name) VALUES (1, '')",
	"INSERT INTO real_service (service_id, name) VALUES (1, CAST(x'610062' AS TEXT))",
	"INSERT INTO real_service (service_id, name) VALUES (77, 'new')",
	REAL_WITH("weight", "65536"), REAL_WITH("weight", "-1"), REAL_WITH("weight", "'ten'"),
	REAL_WITH("weight", "1.5"), REAL_WITH("weight", "NULL"), REAL_WITH("fallback", "1"),
	REAL_WITH("fallback", "2"), REAL_WITH("fallback", "-1"), REAL_WITH("fallback", "NULL"),
	REAL_WITH("enabled", "2"), REAL_WITH("enabled", "NULL"), REAL_WITH("enabled", "'yes'"),
	REAL_WITH("address", "printf('%241d', 1)"), REAL_WITH("port", "'123456789'"),
	REAL_WITH("reason", "printf('%256d', 1)"), REAL_WITH("last_job", "2147483648"),
	"UPDATE real_service SET fallback = 1 WHERE id = 1",
	"UPDATE real_service SET weight = 65536 WHERE id = 1",
	"UPDATE real_service SET service_id = 2 WHERE id = 1",
	"UPDATE real_service SET id = 9 WHERE id = 1",
	"UPDATE real_service SET name = 'b' WHERE id = 1",

	SERVICE_WITH("params", "printf('%2001d', 1)"), SERVICE_WITH("params", "NULL"),
	REAL_WITH("params", "printf('%2001d', 1)"), REAL_WITH("params", "NULL"),
	"UPDATE service SET params = printf('%2001d', 1) WHERE id = 1",
	"UPDATE real_service SET params = NULL WHERE id = 1",

	JOB_WITH("operation", "0"), JOB_WITH("operation", "6"), JOB_WITH("state", "-1"),
	JOB_WITH("state", "7"), JOB_WITH("fail_cause", "0"), JOB_WITH("fail_cause", "7"),
	JOB_WITH("source", "0"), JOB_WITH("source", "4"), JOB_WITH("old_value", "65536"),
	JOB_WITH("new_value", "-1"), JOB_WITH("request", "-1"),
	JOB_WITH("message", "printf('%256d', 1)"), JOB_WITH("cluster_name", "NULL"),
	("INSERT INTO job (real_id, operation, old_value, new_value, cluster_name, service_name,"
	    " real_name) VALUES (77, 5, 1, 2, 'a', 'b', 'c')"),
	JOB_WITH("cluster_name", "''"), JOB_WITH("service_name", "'a/b'"),
	JOB_WITH("real_name", "CAST(x'610062' AS TEXT)"), JOB_WITH("real_name", "'" SIXTY "12345'"),
	JOB_OF("'a b'", "'b'", "'c'"), JOB_OF("'a'", "''", "'c'"), JOB_OF("'a'", "'b'", "NULL"),
	JOB_OF("'a'", "'b'", "'\xc3\xa4'"), JOB_OF("'a'", "'b'", "CAST(x'6100' AS TEXT)"),
	JOB_OF("'" SIXTY "12345'", "'b'", "'c'"),
	"UPDATE job SET state = 1 WHERE id = 2", "UPDATE job SET state = 4 WHERE id = 2",
	"UPDATE job SET id = 9 WHERE id = 1",

	"INSERT INTO store (id, birth) VALUES (2, 5)",
	"INSERT INTO removed (changed, kind, id) VALUES (9999, 5, 1)",
	"INSERT INTO setting VALUES ('set_lock', 5)",
	"UPDATE setting SET value = 'much' WHERE name = 'job_max_rows'",
};

static const char *const refused_statistics[] = {
	STATISTICS_WITH("active", "2"), STATISTICS_WITH("active", "-1"),
	STATISTICS_WITH("active_connections", "-1"), STATISTICS_WITH("bps_in", "-5"),
	STATISTICS_WITH("bps_in", "'fast'"), STATISTICS_WITH("pps_out", "1.5"),
	STATISTICS_WITH("total_octets_out", "-1"), STATISTICS_WITH("last_update", "-1"),
	STATISTICS_WITH("last_update", "NULL"), STATISTICS_WITH("last_update", "'now'"),
	STATISTICS_WITH("counters_since", "-1"),
	"INSERT INTO look (cluster_id, interval_ms) VALUES (0, 1)",
	"INSERT INTO look (cluster_id, interval_ms) VALUES (1, 0)",
	"INSERT INTO look (cluster_id, interval_ms) VALUES (1, 86400001)",
	"INSERT INTO look (cluster_id, time, interval_ms) VALUES (1, -1, 1)",
	"INSERT INTO look (cluster_id, time, interval_ms) VALUES (1, 253402300800, 1)",
	"INSERT INTO statistics (real_id) VALUES (0)",
	"INSERT INTO statistics (real_id) VALUES (2147483648)",
	"INSERT INTO statistics (real_id) VALUES (1)",
	"INSERT INTO look (cluster_id, interval_ms) VALUES (5, 1); UPDATE look SET cluster_id = 6",
	"UPDATE statistics SET connections_per_second = -1 WHERE real_id = 1",
	"INSERT INTO store (id, birth) VALUES (2, 5)",
};

static void
refuses(const char *path, const char *sql)
{
	int64_t change = sql_number(path, "SELECT change FROM store");
	char transaction[1000];
	int rc;

	snprintf(transaction, sizeof(transaction), "BEGIN; %s; COMMIT", sql);
	rc = sql_run(path, transaction);
	if (rc != SQLITE_CONSTRAINT)
		fail_msg("%s: %d", sql, rc);
	assert_int_equal(sql_number(path, "SELECT change FROM store"), change);
}

static void
statement_against_the_rules_is_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(refused); i++)
		refuses(f->main_path, refused[i]);
	for (size_t i = 0; i < COUNT(refused_statistics); i++)
		refuses(f->stats_path, refused_statistics[i]);
}

/* The other side of each bound. */
static const char *const accepted[] = {
	CLUSTER_NAMED("'a'"), CLUSTER_NAMED("'-'"), CLUSTER_NAMED("'.'"), CLUSTER_NAMED("'_'"),
	CLUSTER_NAMED("'AZaz09-._'"), CLUSTER_NAMED("'" SIXTY "1234'"), CLUSTER_NAMED("'WEB'"),
	("INSERT INTO cluster (name, plane, plane_status, plane_message, plane_params) VALUES"
	    " ('new', 'haproxy', 4, printf('%255d', 1), printf('%2000d', 1))"),
	"INSERT INTO cluster (name, plane) VALUES ('new2', 'ipvs')",
	"INSERT INTO service (cluster_id, name) VALUES (2, 'http')",
	JOB_OF("'.'", "'" SIXTY "1234'", "'AZaz09-._'"), JOB_WITH("real_name", "'-'"),
	SERVICE_WITH("protocol", "4"),
	("INSERT INTO service (cluster_id, name, address, port, protocol) VALUES"
	    " (1, 'wide', printf('%240d', 1), '12345678', 1)"),
	"INSERT INTO service (cluster_id, name, params) VALUES (1, 'p', printf('%2000d', 1))",
	"INSERT INTO real_service (service_id, name, params) VALUES (2, 'p', printf('%2000d', 1))",
	"INSERT INTO real_service (service_id, name) VALUES (2, 'a')",
	"INSERT INTO real_service (service_id, name, weight) VALUES (2, 'zero', 0)",
	"INSERT INTO real_service (service_id, name, weight) VALUES (2, 'most', 65535)",
	"INSERT INTO real_service (service_id, name, fallback, enabled) VALUES (2, 'f', 1, 0)",
	"UPDATE real_service SET fallback = 0 WHERE id = 2",
	"UPDATE real_service SET fallback = 1 WHERE id = 1",
	"UPDATE job SET state = 2 WHERE id = 1", "UPDATE job SET state = 4 WHERE id = 1",
	"UPDATE job SET message = 'again' WHERE id = 2",
	"INSERT INTO cluster (id, name) VALUES (2147483647, 'last')",
};

static void
statement_within_the_rules_is_accepted(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(accepted); i++)
		sql_exec(f->main_path, accepted[i]);
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id, active, bps_in, total_octets_in,"
	    " last_update) VALUES (2147483647, NULL, 9223372036854775807,"
	    " 9223372036854775807, 0)");
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
}

/* -- numbers -------------------------------------------------------------------------- */

static void
numbers_of_removed_rows_are_never_used_again(void **state)
{
	static const struct {
		const char	*table, *insert;
	} kinds[] = {
		{ "job", JOB_WITH("state", "1") },
		{ "real_service", "INSERT INTO real_service (service_id, name) VALUES (1, 'new')" },
		{ "service", "INSERT INTO service (cluster_id, name) VALUES (1, 'new')" },
		{ "cluster", "INSERT INTO cluster (name) VALUES ('new')" },
	};
	struct fixture *f = *state;
	char max[80], delete[80];

	for (size_t i = 0; i < COUNT(kinds); i++) {
		int64_t last = 0, id;

		snprintf(max, sizeof(max), "SELECT max(id) FROM %s", kinds[i].table);
		snprintf(delete, sizeof(delete), "DELETE FROM %s WHERE id = (SELECT max(id)"
		    " FROM %s)", kinds[i].table, kinds[i].table);
		for (int round = 0; round < 3; round++) {
			sql_exec(f->main_path, kinds[i].insert);
			id = sql_number(f->main_path, max);
			assert_true(id > last);
			last = id;
			sql_exec(f->main_path, delete);
		}
		/* Also after the file is opened again, and after all rows are removed. */
		assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
		fixture_close(f);
		snprintf(delete, sizeof(delete), "VACUUM; DELETE FROM %s", kinds[i].table);
		if (i == 0)
			sql_exec(f->main_path, delete);
		sql_exec(f->main_path, kinds[i].insert);
		assert_true(sql_number(f->main_path, max) > last);
		snprintf(delete, sizeof(delete), "DELETE FROM %s WHERE id = (SELECT max(id)"
		    " FROM %s)", kinds[i].table, kinds[i].table);
		sql_exec(f->main_path, delete);
	}
}

/* -- the counter ------------------------------------------------------------------------ */

/* After 'sql', exactly 'rows' rows of 'table' have a "changed" above the counter before. */
static const struct {
	const char	*sql, *table;
	int64_t		 rows;
} counted[] = {
	{ "INSERT INTO cluster (name) VALUES ('new'), ('new2')", "cluster", 2 },
	{ "UPDATE cluster SET name = 'www' WHERE id = 1", "cluster", 1 },
	{ "UPDATE cluster SET plane = 'haproxy' WHERE id = 1", "cluster", 1 },
	{ "UPDATE cluster SET plane_params = '{\"a\":1}' WHERE id = 1", "cluster", 1 },
	{ "UPDATE cluster SET plane_status = 3, plane_message = 'gone' WHERE id = 1", "cluster",
	  1 },
	{ "UPDATE cluster SET plane_status = 3, plane_message = 'gone' WHERE id = 1", "cluster",
	  0 },
	{ "UPDATE cluster SET name = name, plane = plane", "cluster", 0 },
	{ "INSERT OR IGNORE INTO cluster (name) VALUES ('www')", "cluster", 0 },
	{ "INSERT INTO cluster (name) VALUES ('www') ON CONFLICT (name) DO UPDATE SET"
	    " plane = 'none'", "cluster", 1 },
	{ "INSERT INTO service (cluster_id, name) VALUES (1, 'new')", "service", 1 },
	{ "UPDATE service SET name = 'www' WHERE id = 1", "service", 1 },
	{ "UPDATE service SET address = '192.0.2.1' WHERE id = 1", "service", 1 },
	{ "UPDATE service SET port = '80' WHERE id = 1", "service", 1 },
	{ "UPDATE service SET protocol = 3 WHERE id = 1", "service", 1 },
	{ "UPDATE service SET params = '{\"a\":1}' WHERE id = 1", "service", 1 },
	{ "UPDATE service SET params = '{\"a\":1}' WHERE id = 1", "service", 0 },
	{ "UPDATE service SET protocol = 3 WHERE id = 1", "service", 0 },
	{ "INSERT INTO real_service (service_id, name) VALUES (1, 'new')", "real_service", 1 },
	{ "UPDATE real_service SET name = 'www' WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET address = '192.0.2.1' WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET port = '80' WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET reason = 'down' WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET params = '{\"a\":1}' WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET params = '{\"a\":1}' WHERE id = 1", "real_service", 0 },
	{ "UPDATE real_service SET params = '', port = '1' WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET weight = 9 WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET weight = 9 WHERE id = 1", "real_service", 0 },
	{ "UPDATE real_service SET enabled = 0 WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET fallback = 0 WHERE id = 2", "real_service", 1 },
	{ "UPDATE real_service SET weight = 7, name = 'w' WHERE id = 1", "real_service", 1 },
	{ "UPDATE real_service SET weight = 8", "real_service", 4 },
	{ JOB_WITH("state", "1"), "job", 1 },
	{ "UPDATE job SET state = 2 WHERE id = 1", "job", 1 },
	{ "UPDATE job SET state = 4, fail_cause = 3, message = 'no' WHERE id = 1", "job", 1 },
	{ "INSERT INTO job (real_id, operation, old_value, new_value, cluster_name,"
	    " service_name, real_name) VALUES (1, 5, 1, 2, 'a', 'b', 'c')", "real_service", 1 },
	{ "DELETE FROM job WHERE id = 1", "removed", 1 },
	{ "DELETE FROM real_service WHERE id = 1", "removed", 1 },
	{ "DELETE FROM service WHERE id = 1", "removed", 3 },	/* b, new, http */
	{ "DELETE FROM cluster WHERE id = 1", "removed", 3 },	/* https, new, www */
	{ "DELETE FROM cluster", "removed", 5 },		/* c, smtp, mail, new, new2 */
};

static const struct {
	const char	*sql;
	int64_t		 rows, rows_removed;
} counted_statistics[] = {
	{ "INSERT INTO statistics (real_id) VALUES (7), (8)", 2, 0 },
	{ "UPDATE statistics SET active = 0 WHERE real_id = 1", 1, 0 },
	/* A new measurement is a change, also with the same values. */
	{ "UPDATE statistics SET active = 0 WHERE real_id = 1", 1, 0 },
	{ "INSERT INTO statistics (real_id, bps_in) VALUES (1, 5) ON CONFLICT (real_id)"
	    " DO UPDATE SET bps_in = excluded.bps_in", 1, 0 },
	{ "INSERT INTO statistics (real_id, bps_in) VALUES (9, 5) ON CONFLICT (real_id)"
	    " DO UPDATE SET bps_in = excluded.bps_in", 1, 0 },
	{ "INSERT OR REPLACE INTO statistics (real_id, bps_out) VALUES (1, 5)", 1, 0 },
	{ "REPLACE INTO statistics (real_id, bps_out) VALUES (1, 5), (2, 6), (3, 7)", 3, 0 },
	{ "INSERT OR IGNORE INTO statistics (real_id) VALUES (1)", 0, 0 },
	{ "UPDATE statistics SET total_octets_out = 5, counters_since = 6 WHERE real_id = 2", 1,
	  0 },
	{ "UPDATE statistics SET check_code = 503 WHERE real_id = 2", 1, 0 },
	{ "UPDATE statistics SET role = 1, requests = 4 WHERE real_id = 2", 1, 0 },
	{ "INSERT INTO service_statistics (service_id) VALUES (1)", 0, 0 },
	{ "DELETE FROM service_statistics", 0, 1 },
	{ "DELETE FROM statistics WHERE real_id = 9", 0, 1 },
	{ "DELETE FROM statistics", 0, 5 },
};

static int64_t
rows_after(const char *path, const char *table, int64_t change)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE changed > %lld AND changed <="
	    " (SELECT change FROM store)", table, (long long)change);
	return sql_number(path, sql);
}

static void
counter_finds_the_changed_rows_of_any_writer(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(counted); i++) {
		int64_t change = sql_number(f->main_path, "SELECT change FROM store"), rows;

		sql_exec(f->main_path, counted[i].sql);
		rows = rows_after(f->main_path, counted[i].table, change);
		if (rows != counted[i].rows)
			fail_msg("%s: %lld rows", counted[i].sql, (long long)rows);
		/* Each row has a "changed" of its own: a reader may stop at any row. */
		assert_int_equal(sql_number(f->main_path, "SELECT count(*) - count(DISTINCT"
		    " changed) FROM real_service"), 0);
	}
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM service"), 0);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"), 0);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM job"
	    " WHERE real_id IS NOT NULL"), 0);
	for (size_t i = 0; i < COUNT(counted_statistics); i++) {
		int64_t change = sql_number(f->stats_path, "SELECT change FROM store");

		sql_exec(f->stats_path, counted_statistics[i].sql);
		if (rows_after(f->stats_path, "statistics", change) !=
		    counted_statistics[i].rows ||
		    rows_after(f->stats_path, "removed", change) !=
		    counted_statistics[i].rows_removed)
			fail_msg("%s", counted_statistics[i].sql);
	}
}

/* With foreign keys on, and off as in sqlite3(1). */
static void
children_are_removed_before_their_parent(void **state)
{
	struct fixture *f = *state;
	const char *const pragmas[] = { "PRAGMA foreign_keys = OFF;", FOREIGN_KEYS };
	char sql[100];

	for (int i = 0; i < 2; i++) {
		int64_t change = sql_number(f->main_path, "SELECT change FROM store");

		snprintf(sql, sizeof(sql), "%s DELETE FROM cluster WHERE id = %d", pragmas[i],
		    i + 1);
		sql_exec(f->main_path, sql);
		snprintf(sql, sizeof(sql), "SELECT group_concat(kind, '') FROM (SELECT kind FROM"
		    " removed WHERE changed > %lld ORDER BY changed)", (long long)change);
		assert_string_equal(sql_text(f->main_path, sql), i == 0 ? "332" "21" : "321");
	}
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM real_service"), 0);
	assert_int_equal(sql_number(f->main_path, "SELECT state FROM job WHERE id = 1"), 5);
	assert_int_equal(sql_number(f->main_path, "SELECT state FROM job WHERE id = 2"), 3);
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM job"
	    " WHERE real_id IS NULL"), 2);
	assert_string_equal(sql_text(f->main_path, "SELECT message FROM job WHERE id = 1"),
	    "real service removed");
	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
}

/* -- totals --------------------------------------------------------------------------------- */

static void
totals_are_updated_for_any_writer(void **state)
{
	static const struct {
		const char	*sql;
		int		 config;	/* effective changes */
		bool		 table;		/* rows added, removed or renamed */
	} steps[] = {
		{ "UPDATE real_service SET weight = 5 WHERE id = 1", 1, false },
		{ "UPDATE real_service SET weight = 5 WHERE id = 1", 0, false },
		{ "UPDATE real_service SET weight = 6, enabled = 0 WHERE id = 1", 2, false },
		{ "UPDATE real_service SET weight = 7, enabled = 1, fallback = 0", 5, false },
		{ "UPDATE real_service SET fallback = 1 WHERE id = 1", 1, false },
		{ "UPDATE real_service SET address = 'x', reason = 'y', port = '1'", 0, false },
		{ "UPDATE real_service SET name = 'n' WHERE id = 1", 0, true },
		{ "UPDATE service SET name = 'n' WHERE id = 1", 0, true },
		{ "UPDATE service SET address = 'x' WHERE id = 1", 0, false },
		{ "UPDATE service SET params = '{}' WHERE id = 1", 0, false },
		{ "UPDATE real_service SET params = '{}' WHERE id = 1", 0, false },
		{ "UPDATE cluster SET name = 'n' WHERE id = 1", 0, true },
		{ "UPDATE cluster SET plane_status = 2 WHERE id = 1", 0, false },
		{ "INSERT INTO real_service (service_id, name) VALUES (1, 'new')", 0, true },
		{ "INSERT INTO service (cluster_id, name) VALUES (1, 'new')", 0, true },
		{ "INSERT INTO cluster (name) VALUES ('new')", 0, true },
		{ JOB_WITH("state", "1"), 0, false },
		{ "DELETE FROM real_service WHERE id = 1", 0, true },
		{ "DELETE FROM service WHERE id = 1", 0, true },
		{ "DELETE FROM cluster WHERE id = 1", 0, true },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(steps); i++) {
		sql_exec(f->main_path, "UPDATE store SET config_changes = 0,"
		    " config_last_change = 1, table_last_change = 1");
		sql_exec(f->main_path, steps[i].sql);
		if (sql_number(f->main_path, "SELECT config_changes FROM store") !=
		    steps[i].config ||
		    sql_number(f->main_path, "SELECT config_last_change >= unixepoch() - 100"
		    " FROM store") != (steps[i].config > 0) ||
		    sql_number(f->main_path, "SELECT table_last_change >= unixepoch() - 100"
		    " FROM store") != steps[i].table)
			fail_msg("%s", steps[i].sql);
	}
	assert_true(sql_number(f->main_path, "SELECT last_change >= unixepoch() - 100"
	    " FROM real_service WHERE id = 3"));
}

static void
job_counts_agree_with_a_recount(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = 3;
	int64_t made = 2;

	for (int i = 0; i < 200; i++) {
		char sql[500];
		unsigned id = 1 + random_next(&seed) % (unsigned)made;

		switch (random_next(&seed) % 4) {
		case 0:
			snprintf(sql, sizeof(sql), "INSERT INTO job (real_id, operation, state,"
			    " old_value, new_value, cluster_name, service_name, real_name)"
			    " VALUES (1, 5, %u, 1, 2, 'a', 'b', 'c')", random_next(&seed) % 7);
			made++;
			break;
		case 1:
			snprintf(sql, sizeof(sql), "DELETE FROM job WHERE id = %u", id);
			break;
		default:
			snprintf(sql, sizeof(sql), "UPDATE job SET state = %u WHERE id = %u AND"
			    " state < 3", random_next(&seed) % 7, id);
		}
		sql_exec(f->main_path, sql);
		assert_int_equal(sql_number(f->main_path, "SELECT"
		    " job_rows = (SELECT count(*) FROM job) AND"
		    " jobs_open = (SELECT count(*) FROM job WHERE state < 3) AND"
		    " job_rows + jobs_bumped = (SELECT seq FROM sqlite_sequence"
		    " WHERE name = 'job') AND"
		    " jobs_succeeded >= (SELECT count(*) FROM job WHERE state = 3) AND"
		    " jobs_failed >= (SELECT count(*) FROM job WHERE state = 4) FROM store"), 1);
	}
	sql_exec(f->main_path, "DELETE FROM job; UPDATE store SET jobs_succeeded = 0,"
	    " jobs_failed = 0;" JOB_WITH("state", "3") ";" JOB_WITH("state", "4") ";"
	    JOB_WITH("state", "5") ";" JOB_WITH("state", "6") ";" JOB_WITH("state", "4"));
	assert_int_equal(sql_number(f->main_path, "SELECT jobs_succeeded FROM store"), 1);
	assert_int_equal(sql_number(f->main_path, "SELECT jobs_failed FROM store"), 2);
}

/* Table removed keeps 195,000 changes; removed_oldest says how far back it reaches. */
static void
removed_rows_are_deleted_after_many_changes(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = { f->main_path, f->stats_path };

	sql_exec(f->main_path, "DELETE FROM real_service WHERE id = 1");
	sql_exec(f->stats_path, "DELETE FROM statistics WHERE real_id = 1");
	for (int i = 0; i < 2; i++) {
		int64_t first = sql_number(paths[i], "SELECT max(changed) FROM removed");

		sql_exec(paths[i], "UPDATE store SET change = change + 190000");
		sql_exec(paths[i], i == 0 ? "DELETE FROM real_service WHERE id = 2" :
		    "DELETE FROM statistics WHERE real_id = 2");
		assert_int_equal(sql_number(paths[i], "SELECT count(*) FROM removed"), 2);
		assert_int_equal(sql_number(paths[i], "SELECT removed_oldest FROM store"), 0);
		sql_exec(paths[i], "UPDATE store SET change = change + 20000");
		sql_exec(paths[i], i == 0 ? "DELETE FROM real_service WHERE id = 3" :
		    "INSERT INTO statistics (real_id) VALUES (3); DELETE FROM statistics");
		assert_int_equal(sql_number(paths[i], "SELECT count(*) FROM removed"), 2);
		assert_int_equal(sql_number(paths[i], "SELECT removed_oldest FROM store"),
		    first);
	}
}

/* -- migrations ------------------------------------------------------------------------------- */

#define JOB_HELD_IN_3(row, state, from, to)                                    \
	" (" row ", 5, " state ", " from ", " to ", 9, 'proxy', 's', 'r')"

static void
file_of_version(struct fixture *f, int version)
{
	char id[80];

	unlink(f->main_path);
	file_bytes_write(f->main_path, "", 0);
	for (int i = 0; i < version; i++)
		sql_exec(f->main_path, sqlite_main_kind.migrations[i]);
	snprintf(id, sizeof(id), "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    sqlite_main_kind.application_id, version);
	sql_exec(f->main_path, id);
}

/* A job of the file is held: state 0 is the same in each version. */
static void
rows_of_each_older_version_have_no_parameters(void **state)
{
	struct fixture *f = *state;

	for (int version = 1; version <= 4; version++) {
		file_of_version(f, version);
		sql_exec(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('c', 'ipvs');"
		    "INSERT INTO service (cluster_id, name, port) VALUES (1, 's', '80');"
		    "INSERT INTO real_service (service_id, name, weight) VALUES (1, 'r', 7);"
		    "INSERT INTO job (real_id, operation, state, old_value, new_value, token,"
		    " cluster_name, service_name, real_name) VALUES"
		    " (1, 5, 0, 7, 9, 1, 'c', 's', 'r')");
		assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
		store_set_release(f->store, 0);
		assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
		fixture_close(f);
		assert_string_equal(sql_text(f->main_path, "SELECT s.params || s.port || r.name"
		    " || r.params || j.state FROM service AS s JOIN real_service AS r ON"
		    " r.service_id = s.id JOIN job AS j ON j.real_id = r.id"), "80r1");
		/* Version 4 released held jobs, whose rows had changed already. */
		assert_int_equal(sql_number(f->main_path, "SELECT weight FROM real_service"),
		    version < 4 ? 7 : 9);
		sql_exec(f->main_path, "UPDATE service SET params = '{\"check\":\"none\"}'");
		assert_int_equal(sql_number(f->main_path, "SELECT s.changed = t.change"
		    " FROM service AS s, store AS t"), 1);
		assert_int_equal(sql_run(f->main_path,
		    "UPDATE real_service SET params = printf('%2001d', 1)"), SQLITE_CONSTRAINT);
	}
}

/* In version 3 the row had the value of a held job already. */
static void
held_jobs_of_version_3_are_released(void **state)
{
	struct fixture *f = *state;

	file_of_version(f, 3);
	sql_exec(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('plain', 'none'),"
	    " ('proxy', 'haproxy');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 's'), (2, 's');"
	    "INSERT INTO real_service (service_id, name, weight) VALUES (1, 'a', 50),"
	    " (2, 'a', 50), (2, 'b', 30), (2, 'c', 30), (2, 'd', 30);"
	    "INSERT INTO job (real_id, operation, state, old_value, new_value, token,"
	    " cluster_name, service_name, real_name) VALUES"
	    JOB_HELD_IN_3("1", "0", "10", "50") "," JOB_HELD_IN_3("2", "0", "10", "50") ","
	    /* Two held jobs, a held job after a queued one, a held job before a queued one. */
	    JOB_HELD_IN_3("3", "0", "10", "20") "," JOB_HELD_IN_3("3", "0", "20", "30") ","
	    JOB_HELD_IN_3("4", "1", "10", "20") "," JOB_HELD_IN_3("4", "0", "20", "30") ","
	    JOB_HELD_IN_3("5", "0", "10", "20") "," JOB_HELD_IN_3("5", "1", "20", "30") ";"
	    "UPDATE setting SET value = 7 WHERE name = 'set_lock';"
	    "INSERT INTO setting VALUES ('set_lock_token', 9), ('notify_enable', 3),"
	    " ('notify_enable_token', 9)");
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	store_set_release(f->store, 0);
	assert_int_equal(store_flush(f->store, &f->err), ERR_OK);
	fixture_close(f);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(weight, ' ')"
	    " FROM real_service"), "50 50 30 30 30");
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(state, ' ') FROM job"),
	    "3 1 6 1 6 1 6 1");
	assert_int_equal(sql_number(f->main_path, "SELECT count(*) FROM job WHERE state > 2 AND"
	    " finished > 0 AND message <> ''"), 4);
	assert_int_equal(sql_number(f->main_path, "SELECT jobs_open FROM store"), 4);
	assert_string_equal(sql_text(f->main_path, "SELECT group_concat(name || ' ' || value)"
	    " FROM (SELECT * FROM setting ORDER BY name)"),
	    "job_max_rows 1000,notify_enable 3,set_lock 7");
}

/* -- statements ------------------------------------------------------------------------------- */

static void
assert_prepares(void *arg, bool stats, unsigned int statement)
{
	struct fixture *f = arg;
	struct db_statement *stmt;

	if (db_query(stats ? &f->store->stats : &f->store->main, statement, DB_NO_VALUES, &stmt,
	    &f->err) != ERR_OK)
		fail_msg("statement %u: %s", statement, f->err.text);
}

/* A word that sql.c does not know stays in the text, and SQLite refuses it. */
static void
every_statement_is_valid(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_open(f, STORE_WRITE), ERR_OK);
	statements_each(assert_prepares, f);
	for (unsigned int i = SQL_STATEMENTS; i < SQLITE_STATEMENTS; i++)
		assert_prepares(f, false, i);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(statement_against_the_rules_is_refused),
		TEST(statement_within_the_rules_is_accepted),
		TEST(numbers_of_removed_rows_are_never_used_again),
		TEST(counter_finds_the_changed_rows_of_any_writer),
		TEST(children_are_removed_before_their_parent),
		TEST(totals_are_updated_for_any_writer),
		TEST(job_counts_agree_with_a_recount),
		TEST(removed_rows_are_deleted_after_many_changes),
		TEST(rows_of_each_older_version_have_no_parameters),
		TEST(held_jobs_of_version_3_are_released),
		TEST(every_statement_is_valid),
	};

	return cmocka_run_group_tests_name("store_schema", tests, NULL, NULL);
}
