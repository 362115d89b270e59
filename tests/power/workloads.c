/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * SETs, loads, statistics and migrations on a recorded disk; see workloads.h.
 */
#include "workloads.h"

#include "unit/store_fixture.h"
#include "unit/ctl_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/sqlite/sqlite_private.h"

#define FILL \
	"INSERT INTO cluster (name, plane) VALUES ('plain', 'none'), ('proxy', 'haproxy');" \
	"INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (2, 'http');" \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)" \
	" INSERT INTO real_service (service_id, name, address, weight, fallback)" \
	" SELECT (i + 5) / 6, 'r' || i, '10.0.0.' || i, 10, i % 6 = 0 FROM n;"
#define FILL_STATISTICS \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)" \
	" INSERT INTO statistics (real_id, active) SELECT i, 1 FROM n;"

void
workload_fill(struct subject *subject)
{
	subject_open(subject);
	subject_close(subject);
	sql_exec(subject->main_path, FILL);
	sql_exec(subject->stats_path, FILL_STATISTICS);
}

/* -- lbclusterctl --------------------------------------------------------------------- */

/* One command of lbclusterctl as a step. */
static void
ctl_run(struct subject *subject, const char *command, const char *operand, const char *operand2)
{
	struct ctl_fixture ctl = { .out = NULL };

	snprintf(ctl.dir, sizeof(ctl.dir), "%.*s", (int)sizeof(ctl.dir) - 1, subject->dir);
	subject_step_begin(subject);
	if (run(&ctl, command, operand, operand2, NULL) != CTL_OK)
		fail_msg("%s: %s", command, ctl.err);
	subject_step_done(subject);
	output_clear(&ctl);
}

/* A command with a file, which is written outside of the recorded disk. */
static void
ctl_run_file(struct subject *subject, const char *command, const char *text, const char *option)
{
	struct ctl_fixture ctl = { .out = NULL };
	char path[128];

	snprintf(ctl.dir, sizeof(ctl.dir), "%.*s/..", (int)sizeof(ctl.dir) - 4, subject->root);
	file_write(&ctl, "input", text, path);
	ctl_run(subject, command, path, option);
}

/* -- SETs ----------------------------------------------------------------------------- */

static uint64_t token;

static void
set_run(struct subject *subject, const struct change *changes, size_t n, int64_t lock,
    enum store_set_mode mode)
{
	const struct store_set set = { .changes = changes, .n = n, .lock = lock,
		.source = JOB_SOURCE_SNMP, .token = ++token };
	struct verdict verdict;
	size_t jobs = 0;
	uint32_t job;

	subject_step_begin(subject);
	if (store_set(subject->store, &set, mode, &verdict, &job, &jobs, &subject->err) != ERR_OK)
		fail_msg("%s", subject->err.text);
	assert_int_equal(jobs, n);
	subject_step_done(subject);
}

/* A held SET of a weight. The row has it after the release, also by the next start. */
static void
weight_set(struct subject *subject, uint32_t real_id, uint16_t value)
{
	const struct change change = { real_id, REAL_WEIGHT, value };

	set_run(subject, &change, 1, STORE_NO_LOCK, STORE_SET_HOLD);
	subject_promise(subject, "SELECT weight = %u FROM real_service WHERE id = %u",
	    (unsigned)value, real_id);
	store_set_release(subject->store, token);
}

static void
flush(struct subject *subject)
{
	subject_step_begin(subject);
	assert_int_equal(store_flush(subject->store, &subject->err), ERR_OK);
	subject_step_done(subject);
}

/* Moves a fallback and changes other rows, under the lock. */
static void
many_set(struct subject *subject)
{
	const struct change changes[] = {
		{ 12, REAL_FALLBACK, 0 }, { 11, REAL_FALLBACK, 1 }, { 12, REAL_WEIGHT, 0 },
		{ 10, REAL_ENABLED, 0 }, { 9, REAL_ENABLED, 0 }, { 3, REAL_ENABLED, 0 },
	};

	set_run(subject, changes, COUNT(changes), 0, STORE_SET_HOLD);
	subject_promise(subject, "SELECT group_concat(id) = '11' FROM real_service"
	    " WHERE fallback = 1 AND service_id = 2");
	store_set_release(subject->store, token);
}

/* The manager received an error, so the SET has no effect once it is undone or noted. */
static void
set_undo(struct subject *subject, int64_t lock,
    enum err_code (*undo)(struct store *store, uint64_t token, struct err *err))
{
	const struct change changes[] = {
		{ 6, REAL_FALLBACK, 0 }, { 5, REAL_FALLBACK, 1 }, { 4, REAL_WEIGHT, 44 },
	};

	set_run(subject, changes, COUNT(changes), lock, STORE_SET_HOLD);
	subject_step_begin(subject);
	assert_int_equal(undo(subject->store, token, &subject->err), ERR_OK);
	subject_promise(subject, "SELECT group_concat(weight || fallback) = '100,100,101'"
	    " FROM (SELECT * FROM real_service WHERE id IN (4, 5, 6) ORDER BY id)");
	subject_promise(subject, "SELECT count(*) = 3 FROM job WHERE state = 5 AND token = %llu",
	    (unsigned long long)token);
	subject_step_done(subject);
}

void
workload_sets(struct subject *subject)
{
	subject_open(subject);
	weight_set(subject, 1, 0);
	flush(subject);
	weight_set(subject, 7, 256);
	many_set(subject);	/* writes the released weight as well */
	flush(subject);
	set_undo(subject, 1, store_set_undo);
	ctl_run(subject, "set-weight", "plain/http/r2", "77");
	ctl_run(subject, "disable", "proxy/http/r8", "--no-wait");
	subject_step_begin(subject);
	assert_int_equal(store_set_lock_increase(subject->store, &subject->err), ERR_OK);
	subject_step_done(subject);
	subject_close(subject);
}

/* The store waits until the note is synced, on a slow machine as well. */
void
workload_undo_note(struct subject *subject)
{
	assert_int_equal(store_open(subject->dir, STORE_WRITE, LONG_WAIT_MS, &subject->store,
	    &subject->err), ERR_OK);
	set_undo(subject, STORE_NO_LOCK, store_undo_note);
	subject_close(subject);
}

/* -- statistics ----------------------------------------------------------------------- */

static void
statistics_put(struct subject *subject, uint64_t number)
{
	struct statistics rows[12] = { { .real_id = 1 } };

	for (uint32_t i = 0; i < COUNT(rows); i++) {
		rows[i].real_id = i + 1;
		rows[i].present = 1;
		rows[i].number[0] = number + i;
	}
	subject_step_begin(subject);
	assert_int_equal(store_statistics_put(subject->store, rows, COUNT(rows), &subject->err),
	    ERR_OK);
	subject_step_done(subject);
}

void
workload_statistics(struct subject *subject)
{
	subject_open(subject);
	statistics_put(subject, 1000);
	statistics_put(subject, 2000);
	/* The last connection that closes makes a checkpoint. */
	subject_close(subject);
	subject_open(subject);
	statistics_put(subject, 3000);
	weight_set(subject, 1, 11);
	subject_close(subject);
}

void
workload_damage_statistics(struct subject *subject)
{
	char log[PATH_SIZE + 48];
	struct bytes bytes;

	workload_fill(subject);
	subject_open(subject);
	statistics_put(subject, 1000);
	snprintf(log, sizeof(log), "%s-wal", subject->stats_path);
	bytes = file_bytes(log);
	subject_close(subject);
	file_bytes_write(log, bytes.data, bytes.n);
	free(bytes.data);
	bytes = file_bytes(subject->stats_path);
	memset(bytes.data, 0x5a, 64);
	file_bytes_write(subject->stats_path, bytes.data, bytes.n);
	free(bytes.data);
	subject->damaged_statistics = true;
}

/* SQLite must not read the old log into the new file. */
void
workload_repair_statistics(struct subject *subject)
{
	subject_step_begin(subject);
	subject_open(subject);
	subject_step_done(subject);
	statistics_put(subject, 2000);
	weight_set(subject, 1, 11);
	subject_close(subject);
}

/* -- creation and inventories --------------------------------------------------------- */

static const char first[] =
    "cluster web {\n"
    "    service http {\n"
    "        address = 192.0.2.10  port = 80\n"
    "        real web-1 { address = 10.0.0.1  weight = 10 }\n"
    "        real web-2 { address = 10.0.0.2  weight = 20 }\n"
    "        real sorry { address = 10.0.0.9  fallback = yes }\n"
    "    }\n"
    "}\n";

void
workload_create(struct subject *subject)
{
	subject_step_begin(subject);
	subject_open(subject);
	subject_step_done(subject);
	ctl_run_file(subject, "load", first, NULL);
	ctl_run(subject, "set-weight", "web/http/web-1", "11");
	ctl_run(subject, "disable", "web/http/web-2", NULL);
	subject_close(subject);
}

/* Adds, changes and removes rows of workload_fill() and moves a fallback. */
static const char second[] =
    "cluster plain {\n"
    "    service http {\n"
    "        address = 192.0.2.10  port = 80\n"
    "        real r1 { address = 10.0.1.1  weight = 5 }\n"
    "        real r2 { address = 10.0.1.2  enabled = no }\n"
    "        real r7 { address = 10.0.1.7  fallback = yes }\n"
    "    }\n"
    "    service more { real a { address = 10.0.2.1 } real b { address = 10.0.2.2 } }\n"
    "}\n"
    "cluster proxy {\n"
    "    plane = haproxy  socket = /run/x\n"
    "    service http { real r8 { address = 10.0.1.8  weight = 80 } }\n"
    "}\n";

static const char measured[] =
    "{\"path\": \"plain/http/r1\", \"active\": true, \"active_connections\": 7}\n"
    "{\"path\": \"proxy/http/r8\", \"active\": false, \"bps_in\": 12345}\n";

void
workload_load(struct subject *subject)
{
	subject_open(subject);
	ctl_run_file(subject, "load", first, NULL);
	ctl_run_file(subject, "import-statistics", measured, NULL);
	ctl_run(subject, "remove", "proxy/http/r9", "--yes");
	ctl_run_file(subject, "load", second, "-pR");
	ctl_run(subject, "remove", "web", "--yes");
	assert_int_equal(sql_number(subject->main_path, "SELECT group_concat(weight || fallback"
	    " || enabled) = '101,101,501,100,111,8001'"
	    " FROM (SELECT * FROM real_service ORDER BY name)"), 1);
	subject_close(subject);
}

/* -- migrations ----------------------------------------------------------------------- */

static const struct sqlite_kind *
kind_of(const struct migration *migration)
{
	return migration->statistics ? &sqlite_stats_kind : &sqlite_main_kind;
}

/* The file as a program of that version knows it. */
static struct sqlite_kind
kind_at(const struct sqlite_kind *kind, size_t version)
{
	struct sqlite_kind old = *kind;

	old.n_migrations = version;
	/* The statements name the tables of the newest version. */
	if (version < kind->n_migrations)
		old.n_needed = 0;
	return old;
}

bool
migration_exists(const struct migration *migration)
{
	return migration->version + 1 <= kind_of(migration)->n_migrations;
}

static void
file_create(struct subject *subject, const char *path, const struct sqlite_kind *kind,
    const char *sql)
{
	if (sqlite_create(kind, path, &subject->err) != ERR_OK)
		fail_msg("%s", subject->err.text);
	sql_exec(path, sql);
}

/* Fills only columns of the first version. */
void
migration_prepare(struct subject *subject, const struct migration *migration)
{
	struct sqlite_kind main = kind_at(&sqlite_main_kind, migration->statistics ?
	    sqlite_main_kind.n_migrations : migration->version);
	struct sqlite_kind stats = kind_at(&sqlite_stats_kind, migration->statistics ?
	    migration->version : sqlite_stats_kind.n_migrations);

	assert_int_equal(mkdir(subject->dir, 0770), 0);
	file_create(subject, subject->main_path, &main, FILL "INSERT INTO job (real_id,"
	    " operation, state, old_value, new_value, cluster_name, service_name, real_name)"
	    " VALUES (1, 5, 1, 1, 2, 'plain', 'http', 'r1'),"
	    " (1, 5, 3, 1, 2, 'plain', 'http', 'r1')");
	file_create(subject, subject->stats_path, &stats, "PRAGMA journal_mode = WAL;"
	    FILL_STATISTICS);
	subject->migrates = true;
	subject_promise(subject, "SELECT (SELECT count(*) FROM real_service) = 12 AND"
	    " (SELECT count(*) FROM service) = 2 AND (SELECT count(*) FROM cluster) = 2"
	    " AND (SELECT count(*) FROM job) >= 2");
}

void
migration_run(struct subject *subject, const struct migration *migration)
{
	struct sqlite_kind next = kind_at(kind_of(migration), migration->version + 1);
	struct db_state state = { .kind = &next, .verify = DB_VERIFY_FILE };
	struct db db = { .engine = &sqlite_db_engine, .state = &state };

	db.path = migration->statistics ? subject->stats_path : subject->main_path;
	subject_step_begin(subject);
	if (sqlite_open(&db, true, WAIT_MS, &subject->err) != ERR_OK)
		fail_msg("%s", subject->err.text);
	subject_step_done(subject);
	db_close(&db);
}
