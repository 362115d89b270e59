/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The operations on a store; see operations.h.
 */
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite/sqlite_private.h"

enum { SET_TOKEN = 5, JOBS = 4, ROWS = 60 };

/* -- files ---------------------------------------------------------------------------- */

void
operations_base(struct fixture *f)
{
	assert_int_equal(fixture_open(f, STORE_CREATE), ERR_OK);
	fixture_close(f);
	sql_exec(f->main_path, "INSERT INTO cluster (name, plane) VALUES ('plain', 'none'),"
	    " ('proxy', 'haproxy');"
	    "INSERT INTO service (cluster_id, name) VALUES (1, 'http'), (2, 'http');"
	    "INSERT INTO real_service (service_id, name, weight, fallback) VALUES"
	    " (1, 'a', 10, 0), (1, 'b', 10, 0), (1, 'c', 10, 1),"
	    " (2, 'a', 10, 0), (2, 'b', 10, 0), (2, 'c', 10, 1);"
	    "INSERT INTO setting VALUES ('notify_enable', 31)");
	sql_exec(f->stats_path, "INSERT INTO statistics (real_id, active) VALUES (1, 1), (4, 1)");
}

static void
files_none(struct fixture *f)
{
	fixture_remove_files(f);
}

static void
files_without_statistics(struct fixture *f)
{
	unlink(f->stats_path);
}

/* A file of the first schema version, with a cluster. */
static void
files_older(struct fixture *f)
{
	char id[80];

	unlink(f->main_path);
	file_bytes_write(f->main_path, "", 0);
	snprintf(id, sizeof(id), "PRAGMA application_id = %d; PRAGMA user_version = 1",
	    sqlite_main_kind.application_id);
	sql_exec(f->main_path, sqlite_main_kind.migrations[0]);
	sql_exec(f->main_path, id);
	sql_exec(f->main_path, "INSERT INTO cluster (name) VALUES ('plain')");
}

/* A file with a service without a cluster. */
static void
files_damaged(struct fixture *f)
{
	sql_exec(f->main_path, "DROP TRIGGER service_parent;"
	    "INSERT INTO service (id, cluster_id, name) VALUES (70, 99, 'lost')");
}

/* A file with a hot journal, as a crash during a commit leaves it. */
static void
files_hot(struct fixture *f)
{
	char journal[128];
	struct bytes file, log;

	snprintf(journal, sizeof(journal), "%s-journal", f->main_path);
	sql_process_start(f, f->main_path);
	assert_int_equal(sql_process_exec(f, "PRAGMA cache_size = 2; BEGIN IMMEDIATE;"
	    "UPDATE real_service SET reason = hex(zeroblob(100)); UPDATE cluster SET"
	    " plane_message = 'x'; UPDATE service SET address = 'y';"
	    " PRAGMA cache_spill = 1; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 200) INSERT INTO real_service (service_id, name)"
	    " SELECT 1, 'n' || i FROM n"), SQLITE_OK);
	file = file_bytes(f->main_path);
	log = file_bytes(journal);
	assert_true(log.n > 0);
	sql_process_stop(f);
	file_bytes_write(f->main_path, file.data, file.n);
	file_bytes_write(journal, log.data, log.n);
	free(file.data);
	free(log.data);
}

/* -- opening -------------------------------------------------------------------------- */

static enum err_code
open_read(struct world *w)
{
	return fixture_open(w->f, STORE_READ);
}

static enum err_code
open_write(struct world *w)
{
	return fixture_open(w->f, STORE_WRITE);
}

static enum err_code
open_create(struct world *w)
{
	return fixture_open(w->f, STORE_CREATE);
}

/* -- a SET ------------------------------------------------------------------------------ */

static const struct store_set *
the_set(void)
{
	static const struct change changes[JOBS] = {
		{ 4, REAL_WEIGHT, 50 }, { 6, REAL_FALLBACK, 0 }, { 4, REAL_FALLBACK, 1 },
		{ 2, SERVICE_ENABLED, 0 },
	};
	static const struct store_set set = { .changes = changes, .n = JOBS, .lock = 0,
		.source = JOB_SOURCE_SNMP, .token = SET_TOKEN, .sets_notify = true };

	return &set;
}

static enum err_code
set_in_mode(struct world *w, enum store_set_mode mode)
{
	uint32_t first_job = 0;
	struct verdict verdict;
	enum err_code code;
	size_t jobs = 0;

	code = store_set(w->f->store, the_set(), mode, &verdict, &first_job, &jobs, &w->f->err);
	if (code == ERR_OK)
		snprintf(w->said, sizeof(w->said), "%zu jobs from %u", jobs, first_job);
	return code;
}

static enum err_code
set_test(struct world *w)
{
	return set_in_mode(w, STORE_SET_TEST);
}

static enum err_code
set_hold(struct world *w)
{
	return set_in_mode(w, STORE_SET_HOLD);
}

static enum err_code
set_now(struct world *w)
{
	return set_in_mode(w, STORE_SET_NOW);
}

static enum err_code
set_undo(struct world *w)
{
	return store_set_undo(w->f->store, SET_TOKEN, &w->f->err);
}

/* The store refused an undo and lbclusterd starts again. */
static enum err_code
undo_at_start(struct world *w)
{
	enum err_code code = store_undo_note(w->f->store, SET_TOKEN, &w->f->err);
	size_t undone;

	return code == ERR_OK ? store_undo_noted(w->f->store, &undone, &w->f->err) : code;
}

static enum err_code
set_hold_release(struct world *w)
{
	enum err_code code = set_hold(w);

	store_set_release(w->f->store, SET_TOKEN);
	return code;
}

static enum err_code
flush(struct world *w)
{
	return store_flush(w->f->store, &w->f->err);
}

/* The next SET writes the released one as well. */
static enum err_code
set_after_release(struct world *w)
{
	static const struct change change = { 5, REAL_WEIGHT, 60 };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
		.source = JOB_SOURCE_CLI, .token = SET_TOKEN + 1 };
	uint32_t first_job;
	struct verdict verdict;
	size_t jobs;

	return store_set(w->f->store, &set, STORE_SET_NOW, &verdict, &first_job, &jobs,
	    &w->f->err);
}

static enum err_code
lock_increase(struct world *w)
{
	return store_set_lock_increase(w->f->store, &w->f->err);
}

static enum err_code
stale_after(struct world *w)
{
	return store_stale_after_set(w->f->store, 20, &w->f->err);
}

static enum err_code
max_rows(struct world *w)
{
	return store_job_max_rows_set(w->f->store, 1, &w->f->err);
}

/* -- a driver ---------------------------------------------------------------------------- */

static enum err_code
job_say(void *arg, const struct job_row *row)
{
	struct world *w = arg;
	size_t n = strlen(w->said);

	snprintf(w->said + n, sizeof(w->said) - n, "job %u %d %d %u ", row->id,
	    (int)row->operation, (int)row->state, row->new_value);
	return ERR_OK;
}

static enum err_code
claim(struct world *w)
{
	w->said[0] = '\0';
	return store_jobs_claim(w->f->store, 2, JOBS, job_say, w, &w->f->err);
}

static enum err_code
set_now_claim(struct world *w)
{
	enum err_code code = set_now(w);

	return code == ERR_OK ? claim(w) : code;
}

static enum err_code
requeue(struct world *w)
{
	return store_jobs_requeue(w->f->store, 2, &w->f->err);
}

static enum err_code
jobs_end(struct world *w)
{
	static const struct store_job_end ends[JOBS] = {
		{ 1, JOB_SUCCEEDED, JOB_CAUSE_NONE, "done" },
		{ 2, JOB_FAILED, JOB_CAUSE_TIMEOUT, "no answer" },
		{ 3, JOB_QUEUED, JOB_CAUSE_NONE, "later" },
		{ 4, JOB_FAILED, JOB_CAUSE_REJECTED, "refused" },
	};

	return store_jobs_end(w->f->store, ends, JOBS, &w->f->err);
}

static enum err_code
plane_set(struct world *w)
{
	return store_plane_set(w->f->store, 2, PLANE_STATUS_UNREACHABLE, "no answer",
	    &w->f->err);
}

static enum err_code
reasons_put(struct world *w)
{
	static const struct store_reason reasons[] = { { 4, "slow" }, { 5, "down" } };

	return store_reasons_put(w->f->store, reasons, COUNT(reasons), &w->f->err);
}

static enum err_code
statistics_put(struct world *w)
{
	struct statistics rows[ROWS];

	for (uint32_t i = 0; i < ROWS; i++)
		rows[i] = (struct statistics){ .real_id = i + 1, .last_update = 7 };
	return store_statistics_put(w->f->store, rows, ROWS, &w->f->err);
}

static enum err_code
poll_put(struct world *w)
{
	const struct driver_poll poll = { .cluster_id = 2, .time = 7, .interval_ms = 5000 };

	return store_poll_put(w->f->store, &poll, &w->f->err);
}

static enum err_code
plane_view(struct world *w)
{
	const struct cluster_row row = { .id = 2, .name = "proxy", .plane = "haproxy",
		.plane_params = "{}", .plane_status = PLANE_STATUS_OK, .plane_message = "" };
	struct plane_view view;
	enum err_code code = store_plane_view(w->f->store, &row, 7, &view, &w->f->err);

	if (code == ERR_OK)
		snprintf(w->said, sizeof(w->said), "%d %s", (int)view.status, view.message);
	return code;
}

/* -- an inventory ------------------------------------------------------------------------- */

static enum err_code
load_rows(struct store *store, struct err *err)
{
	const struct cluster_row cluster = { .name = "new", .plane = "none",
		.plane_params = "{}" };
	struct service_row service = { .name = "http", .address = "192.0.2.1", .port = "80",
		.params = "",
		.protocol = PROTOCOL_TCP };
	struct real_row real = { .address = "10.0.0.1", .port = "8080", .params = "", .weight = 1,
		.enabled = true };
	enum err_code code;
	char name[16];

	code = store_put_cluster(store, &cluster, &service.cluster_id, NULL, err);
	if (code == ERR_OK)
		code = store_put_service(store, &service, &real.service_id, NULL, err);
	for (int i = 0; i < ROWS && code == ERR_OK; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		real.name = name;
		code = store_put_real(store, &real, NULL, NULL, err);
	}
	real.service_id = 1;
	real.name = "a";
	if (code == ERR_OK)
		code = store_put_real(store, &real, NULL, NULL, err);
	return code;
}

/* Adds, changes and removes rows and settings, like lbclusterctl load. */
static enum err_code
load(struct world *w)
{
	struct store *store = w->f->store;
	struct err *err = &w->f->err;
	enum err_code code = store_begin(store, err);

	if (code != ERR_OK)
		return code;
	code = load_rows(store, err);
	if (code == ERR_OK)
		code = store_remove(store, STORE_REAL, 2, err);
	if (code == ERR_OK)
		code = set_now(w);
	if (code == ERR_OK)
		return store_commit(store, err);
	store_rollback(store);
	return code;
}

static enum err_code
remove_cluster(struct world *w)
{
	return store_remove(w->f->store, STORE_CLUSTER, 1, &w->f->err);
}

/* -- reading ------------------------------------------------------------------------------- */

static enum err_code
real_say(void *arg, const struct store_real_view *view)
{
	struct world *w = arg;
	size_t n = strlen(w->said);

	snprintf(w->said + n, sizeof(w->said) - n, "%s/%s/%s %u %d ", view->path.cluster,
	    view->path.service, view->path.real, view->row.weight, view->has_statistics);
	return ERR_OK;
}

static enum err_code
rows_each(struct world *w)
{
	static const struct path all = { .cluster = "proxy", .service = "http" };
	enum err_code code;

	w->said[0] = '\0';
	code = store_each_real(w->f->store, &all, real_say, w, &w->f->err);
	return code == ERR_OK ? store_each_job(w->f->store, 0, job_say, w, &w->f->err) : code;
}

static enum err_code
rows_of_a_moment(struct world *w)
{
	enum err_code code = store_snapshot(w->f->store, &w->f->err);

	return code == ERR_OK ? rows_each(w) : code;
}

static void
left_out_say(void *arg, bool repaired, const char *text)
{
	struct world *w = arg;

	/* Leaves out the name of the file, which differs each time. */
	snprintf(w->said, sizeof(w->said), "%s%.40s", repaired ? "repaired: " : "",
	    strstr(text, "row "));
}

/* From the start; statistics may be left out as long as the store says that there is
 * more. */
static enum err_code
changes(struct world *w)
{
	struct store_cursor cursor = { 0 };
	enum err_code code;
	int clusters = 0, more = 0;

	code = fixture_read_changes(w->f, &cursor, &clusters);
	if (code == ERR_GONE) {
		memset(&cursor, 0, sizeof(cursor));
		code = fixture_read_changes(w->f, &cursor, &clusters);
	}
	if (code == ERR_OK && cursor.statistics == 0 && store_changed(w->f->store)) {
		clock_advance(2000);
		code = fixture_read_changes(w->f, &cursor, &more);
	}
	snprintf(w->said, sizeof(w->said), "%d clusters, statistics up to %lld",
	    clusters + more, (long long)cursor.statistics);
	return code;
}

static enum err_code
left_out_find(struct world *w)
{
	enum err_code code = store_left_out_find(w->f->store, &w->f->err);

	w->said[0] = '\0';
	if (code == ERR_OK)
		store_left_out_report(w->f->store, left_out_say, w);
	return code;
}

/* -- the table ----------------------------------------------------------------------------- */

const struct operation operations[] = {
	{ .name = "open to read", .mode = STORE_READ, .opens = true, .run = open_read },
	{ .name = "open to write", .mode = STORE_WRITE, .opens = true, .run = open_write },
	{ .name = "open and check", .mode = STORE_CREATE, .opens = true, .run = open_create },
	{ .name = "open without statistics", .mode = STORE_WRITE, .opens = true,
	    .files = files_without_statistics, .run = open_write },
	{ .name = "open after a crash", .mode = STORE_WRITE, .opens = true,
	    .files = files_hot, .run = open_write },
	{ .name = "create", .mode = STORE_CREATE, .opens = true, .files = files_none,
	    .run = open_create },
	{ .name = "migrate", .mode = STORE_WRITE, .opens = true, .files = files_older,
	    .run = open_write },
	{ .name = "set: test", .mode = STORE_WRITE, .run = set_test },
	{ .name = "set: hold", .mode = STORE_WRITE, .run = set_hold, .settle = set_undo },
	{ .name = "set: now", .mode = STORE_WRITE, .run = set_now },
	{ .name = "set: undo", .mode = STORE_WRITE, .before = set_hold, .run = set_undo,
	    .settle = set_undo },
	{ .name = "set: undo at start", .mode = STORE_WRITE, .before = set_hold,
	    .run = undo_at_start, .settle = undo_at_start },
	{ .name = "set: flush", .mode = STORE_WRITE, .before = set_hold_release,
	    .run = flush },
	{ .name = "set: next", .mode = STORE_WRITE, .before = set_hold_release,
	    .run = set_after_release },
	{ .name = "lock", .mode = STORE_WRITE, .run = lock_increase },
	{ .name = "job-max-rows", .mode = STORE_WRITE, .before = set_now, .run = max_rows },
	{ .name = "stale-after", .mode = STORE_WRITE, .run = stale_after },
	{ .name = "jobs: claim", .mode = STORE_WRITE, .before = set_now, .run = claim,
	    .settle = requeue, .settle_always = true },
	{ .name = "jobs: requeue", .mode = STORE_WRITE, .before = set_now_claim,
	    .run = requeue },
	{ .name = "jobs: end", .mode = STORE_WRITE, .before = set_now_claim, .run = jobs_end },
	{ .name = "plane", .mode = STORE_WRITE, .run = plane_set },
	{ .name = "reasons", .mode = STORE_WRITE, .run = reasons_put },
	{ .name = "statistics", .mode = STORE_WRITE, .run = statistics_put },
	{ .name = "poll", .mode = STORE_WRITE, .run = poll_put },
	{ .name = "plane view", .mode = STORE_READ, .run = plane_view },
	{ .name = "load", .mode = STORE_WRITE, .run = load },
	{ .name = "remove", .mode = STORE_WRITE, .run = remove_cluster,
	    .statistics_may_stay = true },
	{ .name = "rows", .mode = STORE_READ, .run = rows_each },
	{ .name = "snapshot", .mode = STORE_READ, .run = rows_of_a_moment },
	{ .name = "rows left out", .mode = STORE_READ, .files = files_damaged,
	  .run = left_out_find },
	{ .name = "changes", .mode = STORE_WRITE, .run = changes },
};

const size_t operations_count = COUNT(operations);
