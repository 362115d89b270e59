/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Settings of real services: one SET, all or nothing, with its jobs.
 */
#include "store/shapes.h"
#include "store/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

/* Held jobs of SET ?1. */
#define OF_SET(job) job ".state = 0 AND " job "." JOB_OPEN " AND " job ".token = ?1"

/* -- judging ------------------------------------------------------------------ */

static bool
is_released(const struct store *store, uint64_t token)
{
	size_t i = 0;

	while (i < store->n_releases && store->releases[i].token != 0 &&
	    store->releases[i].token != token)
		i++;
	return i < store->n_releases;
}

/* The row of a change as it is once all held jobs are released: those of a SET that was
 * answered will be, and only lbclusterd knows which these are. Any other one for the same
 * column makes the change pending. The fallback of the service is read only for a change of
 * the fallback. */
static enum err_code
before_read(struct store *store, const struct change *change, struct rules_before *ret,
    bool *ret_found, struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;

	code = db_query(&store->main, err, &stmt,
	    "SELECT r.service_id, " REAL_AHEAD_WEIGHT("r") ", " REAL_AHEAD_FALLBACK("r") ", "
	    REAL_AHEAD_ENABLED("r") ", c.name, s.name, r.name, c.plane, f.id, f.name,"
	    " (SELECT h.token" FROM_HELD " AND h.operation IN (?2, ?3) AND h.real_id = r.id"
	    " ORDER BY h.id DESC LIMIT 1)"
	    " FROM real_service AS r JOIN service AS s ON s.id = r.service_id"
	    " JOIN cluster AS c ON c.id = s.cluster_id"
	    " LEFT JOIN real_service AS f ON +f.service_id = r.service_id"
	    " AND f.id IN (SELECT o.id FROM real_service AS o WHERE o.service_id = r.service_id"
	    " AND o.fallback = 1 UNION ALL SELECT h.real_id" FROM_HELD
	    " AND ?4 AND h.operation = 3) AND " REAL_AHEAD_FALLBACK("f") " = 1"
	    " WHERE r.id = ?1", "iiii", (int64_t)change->real_id,
	    (int64_t)job_operation_for(change->column, 0),
	    (int64_t)job_operation_for(change->column, 1),
	    (int64_t)(change->column == REAL_FALLBACK));
	if (code == ERR_OK)
		code = db_next(&store->main, stmt, ret_found, err);
	if (code != ERR_OK || !*ret_found)
		return code;
	memset(ret, 0, sizeof(*ret));
	ret->service_id = (uint32_t)sqlite3_column_int64(stmt, 0);
	ret->weight = (uint32_t)sqlite3_column_int64(stmt, 1);
	ret->fallback = sqlite3_column_int(stmt, 2) != 0;
	ret->enabled = sqlite3_column_int(stmt, 3) != 0;
	snprintf(ret->path.cluster, sizeof(ret->path.cluster), "%s", db_text(stmt, 4));
	snprintf(ret->path.service, sizeof(ret->path.service), "%s", db_text(stmt, 5));
	snprintf(ret->path.real, sizeof(ret->path.real), "%s", db_text(stmt, 6));
	snprintf(ret->plane, sizeof(ret->plane), "%s", db_text(stmt, 7));
	ret->fallback_id = (uint32_t)sqlite3_column_int64(stmt, 8);
	snprintf(ret->fallback_name, sizeof(ret->fallback_name), "%s", db_text(stmt, 9));
	ret->pending = sqlite3_column_type(stmt, 10) != SQLITE_NULL &&
	    !is_released(store, (uint64_t)sqlite3_column_int64(stmt, 10));
	db_reset(stmt);
	return ERR_OK;
}

/* A SET while it is judged and done. */
struct work {
	const struct store_set	*set;
	struct rules_before	*before;	/* one for each change */
	bool			*effective;
	size_t			 jobs;		/* effective changes */
	struct store_totals	 totals;
	struct verdict		*verdict;
};

static enum err_code
refuse(struct work *work, enum err_code code, enum reject_reason reason, size_t index,
    const char *text, struct err *err)
{
	work->verdict->reason = reason;
	work->verdict->index = index;
	snprintf(work->verdict->text, sizeof(work->verdict->text), "%s", text);
	return err_set(err, code, "%s", text);
}

static enum err_code
no_memory(const struct store *store, const struct store_set *set, struct err *err)
{
	return err_set(err, ERR_NOMEM, "%s: out of memory for %zu changes", store->main.path,
	    set->n);
}

/* An open SET that holds the lock has taken its value. */
static enum err_code
lock_judge(struct db *db, struct work *work, struct err *err)
{
	char text[MODEL_MESSAGE_MAX + 1];
	enum err_code code;
	int64_t lock;

	if (work->set->lock == STORE_NO_LOCK)
		return ERR_OK;
	code = db_number(db, err, 0, &lock, "SELECT (ifnull((SELECT value FROM setting"
	    " WHERE name = 'set_lock'), 0) + (SELECT count(*) FROM held_setting"
	    " WHERE name = 'set_lock')) & ?1", "i", (int64_t)MODEL_ID_MAX);
	if (code != ERR_OK || work->set->lock == lock)
		return code;
	snprintf(text, sizeof(text), "lbcSysSetLock is %lld, not %lld: read it again, another "
	    "manager was here", (long long)lock, (long long)work->set->lock);
	return refuse(work, ERR_PRECOND, REJECT_LOCK_MISMATCH, work->set->n, text, err);
}

static enum err_code
room_judge(struct db *db, struct work *work, enum store_set_mode mode, struct err *err)
{
	char text[MODEL_MESSAGE_MAX + 1];
	enum err_code code;
	int64_t open, more = 0;

	/* What is recorded only ends in the same transaction. */
	for (size_t i = 0; i < work->set->n; i++)
		more += work->effective[i] && !(mode == STORE_SET_NOW &&
		    strcmp(work->before[i].plane, "none") == 0);
	code = db_number(db, err, 0, &open, "SELECT jobs_open FROM store", "");
	if (code != ERR_OK || more == 0 || open <= (int64_t)work->totals.job_max_rows - more)
		return code;
	snprintf(text, sizeof(text), "%lld jobs are unfinished and %lld more would pass "
	    "job-max-rows %u: wait for the data plane or raise the limit", (long long)open,
	    (long long)more, work->totals.job_max_rows);
	return refuse(work, ERR_LIMIT, REJECT_QUEUE_FULL, 0, text, err);
}

static enum err_code
judge(struct store *store, struct work *work, enum store_set_mode mode, struct err *err)
{
	const struct store_set *set = work->set;
	enum err_code code;

	code = store_totals(store, &work->totals, err);
	for (size_t i = 0; i < set->n && code == ERR_OK; i++) {
		bool found;

		code = before_read(store, &set->changes[i], &work->before[i], &found, err);
		if (code == ERR_OK && !found)
			return refuse(work, ERR_NOT_FOUND, REJECT_NO_SUCH_REAL, i,
			    "the real service was removed meanwhile", err);
	}
	if (code != ERR_OK)
		return code;
	code = lock_judge(&store->main, work, err);
	if (code != ERR_OK)
		return code;
	code = rules_judge(set->changes, work->before, set->n, work->effective, work->verdict);
	if (code == ERR_NOMEM)
		return no_memory(store, set, err);
	if (code != ERR_OK)
		return err_set(err, code, "%s", work->verdict->text);
	for (size_t i = 0; i < set->n; i++)
		work->jobs += work->effective[i];
	return room_judge(&store->main, work, mode, err);
}

/* -- doing -------------------------------------------------------------------- */

static enum err_code
job_insert(struct db *db, const struct work *work, size_t i, int64_t request,
    int64_t *ret_id, struct err *err)
{
	const struct change *change = &work->set->changes[i];
	const struct rules_before *before = &work->before[i];
	enum err_code code;

	code = db_run(db, err,
	    "INSERT INTO job (real_id, operation, state, source, old_value, new_value,"
	    " request, token, cluster_name, service_name, real_name)"
	    " VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", "iiiiiiisss",
	    (int64_t)change->real_id,
	    (int64_t)job_operation_for(change->column, change->value),
	    (int64_t)work->set->source, (int64_t)rules_value_before(before, change->column),
	    (int64_t)change->value, request, (int64_t)work->set->token,
	    before->path.cluster, before->path.service, before->path.real);
	if (code == ERR_OK)
		*ret_id = sqlite3_last_insert_rowid(db->handle);
	return code;
}

/* lbcJobRequest ties together what one Set PDU asked for; the command line asks
 * for one thing at a time. */
static enum err_code
jobs_insert(struct db *db, const struct work *work, uint32_t *ret_first, struct err *err)
{
	int64_t request = work->set->source == JOB_SOURCE_SNMP ?
	    (int64_t)work->totals.job_last_id + 1 : 0;
	enum err_code code = ERR_OK;
	int64_t id;

	for (size_t i = 0; i < work->set->n && code == ERR_OK; i++) {
		if (!work->effective[i])
			continue;
		code = job_insert(db, work, i, request, &id, err);
		if (code == ERR_OK && *ret_first == 0)
			*ret_first = (uint32_t)id;
	}
	return code;
}

/* The oldest finished jobs make room. */
static enum err_code
jobs_prune(struct db *db, struct err *err)
{
	enum err_code code;
	int64_t over;

	code = db_number(db, err, 0, &over, "SELECT job_rows - (SELECT value FROM setting"
	    " WHERE name = 'job_max_rows') FROM store", "");
	if (code != ERR_OK || over <= 0)
		return code;
	return db_run(db, err, "DELETE FROM job WHERE id IN (SELECT id FROM job"
	    " WHERE state >= 3 ORDER BY id LIMIT ?1)", "i", over);
}

#define SUPERSEDED "state = 6, finished = ?2, message = 'a later job came first'"

/* Held disable_fallback jobs, where 'condition' holds: their rows give the fallback up before
 * these are released. Then it is counted, and not now: FALLBACK_UNCOUNT comes next. */
#define FALLBACK_CLEAR(condition)                                              \
	"UPDATE real_service SET fallback = 0 WHERE +fallback = 1 AND id IN (SELECT h.real_id" \
	FROM_HELD " AND h.operation = 4 AND " condition ")"
#define FALLBACK_UNCOUNT "UPDATE store SET config_changes = config_changes - changes()"

/* What breaks a constraint changes nothing: another program may have written the row. */
#define APPLY(column, operations)                                              \
	"UPDATE OR IGNORE real_service SET " column " = j.new_value FROM job AS j WHERE " \
	OF_SET("j") " AND j.operation IN (" operations ") AND real_service.id = j.real_id" \
	" AND NOT " JOB_OVERTAKEN("j")

/* True of a time that a trigger took in this transaction, after ?2. */
#define JUST_NOW(column) column " > ?2 AND " column " >= unixepoch() - 1"

/* Steps that release SET ?1 at time ?2, in this order: first the rows, then the jobs, then the
 * settings of lbclusterd. */
static const struct {
	const char	*sql, *types;
} release_steps[] = {
	/* A service has one fallback at every moment. A job of another SET that gives it up,
	 * and that this SET was judged with, goes first. */
	{ FALLBACK_CLEAR("h.token <> ?1 AND EXISTS (SELECT 1 FROM job AS j JOIN real_service AS t"
	  " ON t.id = j.real_id JOIN real_service AS o ON o.id = h.real_id WHERE " OF_SET("j")
	  " AND j.operation = 3 AND t.service_id = o.service_id)"), "i" },
	{ FALLBACK_UNCOUNT, "" },

	/* The trigger of real_service counts rows that change. What counts is what managers
	 * saw: each job from one value to another, also one that was overtaken. */
	{ "UPDATE store SET config_changes = config_changes + (SELECT ifnull(sum("
	  "(j.old_value <> j.new_value) - (NOT " JOB_OVERTAKEN("j") " AND j.new_value <> CASE"
	  " WHEN j.operation <= 2 THEN r.enabled WHEN j.operation <= 4 THEN r.fallback"
	  " ELSE r.weight END)), 0) FROM job AS j JOIN real_service AS r ON r.id = j.real_id"
	  " WHERE " OF_SET("j") ")", "i" },

	{ APPLY("fallback", "4"), "i" },
	{ APPLY("fallback", "3"), "i" },
	{ APPLY("enabled", "1, 2"), "i" },
	{ APPLY("weight", "5"), "i" },

	/* Triggers took the time of this write. SNMP has shown the time of the answer, ?2. */
	{ "UPDATE real_service SET last_change = ?2 FROM job AS j WHERE " OF_SET("j")
	  " AND real_service.id = j.real_id AND " JUST_NOW("real_service.last_change"), "ii" },
	{ "UPDATE store SET config_last_change = ?2 WHERE " JUST_NOW("config_last_change")
	  " AND EXISTS (SELECT 1 FROM job AS j WHERE " OF_SET("j")
	  " AND j.old_value <> j.new_value)", "ii" },

	{ "UPDATE job SET state = 4, fail_cause = 3, finished = ?2,"
	  " message = 'another real service of the service has become fallback' WHERE "
	  OF_SET("job") " AND operation = 3 AND NOT " JOB_OVERTAKEN("job")
	  " AND (SELECT fallback FROM real_service WHERE id = job.real_id) = 0", "ii" },

	{ "UPDATE job SET state = 3, started = ?2, finished = ?2,"
	  " message = '" JOB_MESSAGE_RECORDED "'"
	  " WHERE " OF_SET("job") " AND real_id IN (SELECT r.id FROM real_service AS r"
	  " JOIN service AS s ON s.id = r.service_id JOIN cluster AS c ON c.id = s.cluster_id"
	  " WHERE r.id = job.real_id AND c.plane = 'none')", "ii" },

	{ "UPDATE job SET " SUPERSEDED " WHERE " OF_SET("job") " AND " JOB_OVERTAKEN("job"), "ii" },

	{ "UPDATE job SET " SUPERSEDED " WHERE state = 1 AND " JOB_OPEN
	  " AND EXISTS (SELECT 1 FROM job AS j WHERE j.real_id = job.real_id AND j.id > job.id"
	  " AND j.state = 0 AND j.token = ?1"
	  " AND (j.operation + 1) / 2 = (job.operation + 1) / 2)", "ii" },

	{ "UPDATE job SET state = 1 WHERE " OF_SET("job"), "i" },

	/* The lock counts up, TestAndIncr of RFC 2579. */
	{ "INSERT INTO setting SELECT name, value FROM held_setting WHERE token = ?1"
	  " ON CONFLICT (name) DO UPDATE SET value = iif(name = 'set_lock',"
	  " (value + 1) & 2147483647, excluded.value)", "i" },
	{ "DELETE FROM held_setting WHERE token = ?1", "i" },
};

static enum err_code
set_release(struct db *db, int64_t token, int64_t wall_s, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < sizeof(release_steps) / sizeof(release_steps[0]) &&
	    code == ERR_OK; i++)
		code = db_run(db, err, release_steps[i].sql, release_steps[i].types, token,
		    wall_s);
	return code;
}

/* Releases all that is held, SET by SET in the order of their commits. */
static enum err_code
all_release(struct db *db, int64_t wall_s, struct err *err)
{
	enum err_code code;
	bool more = true;

	do {
		sqlite3_stmt *stmt;
		int64_t token;

		code = db_query(db, err, &stmt, "SELECT token FROM (SELECT token, id FROM job"
		    " WHERE state = 0 AND " JOB_OPEN " UNION ALL SELECT token,"
		    " 9223372036854775807 FROM held_setting) ORDER BY id LIMIT 1", "");
		if (code == ERR_OK)
			code = db_next(db, stmt, &more, err);
		if (code != ERR_OK || !more)
			break;
		token = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
		code = set_release(db, token, wall_s, err);
	} while (code == ERR_OK);
	return code;
}

enum err_code
store_fallback_free(struct store *store, uint32_t service_id, struct err *err)
{
	enum err_code code = db_run(&store->main, err, FALLBACK_CLEAR("(SELECT service_id"
	    " FROM real_service WHERE id = h.real_id) = ?1"), "i", (int64_t)service_id);

	return code == ERR_OK ? db_run(&store->main, err, FALLBACK_UNCOUNT, "") : code;
}

/* What waits for a write goes with this one. */
static enum err_code
releases_write(struct store *store, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < store->n_releases && code == ERR_OK; i++) {
		const struct store_release *release = &store->releases[i];

		code = release->token == 0 ? all_release(&store->main, release->wall_s, err) :
		    set_release(&store->main, (int64_t)release->token, release->wall_s, err);
	}
	return code;
}

enum err_code
store_releases_add(struct store *store, struct store_totals *totals, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < store->n_releases && code == ERR_OK; i++) {
		sqlite3_stmt *stmt;
		bool row;

		code = db_query(&store->main, err, &stmt, "SELECT name = 'set_lock', value"
		    " FROM held_setting WHERE ?1 IN (token, 0)", "i",
		    (int64_t)store->releases[i].token);
		while (code == ERR_OK &&
		    (code = db_next(&store->main, stmt, &row, err)) == ERR_OK && row) {
			if (sqlite3_column_int(stmt, 0) != 0)
				totals->set_lock = model_lock_next(totals->set_lock);
			else
				totals->notify_enable = (uint32_t)sqlite3_column_int64(stmt, 1);
		}
	}
	return code;
}

static enum err_code
setting_hold(struct db *db, const struct store_set *set, const char *name, int64_t value,
    struct err *err)
{
	return db_run(db, err, "INSERT INTO held_setting VALUES (?1, ?2, ?3)", "isi",
	    (int64_t)set->token, name, value);
}

static enum err_code
carry_out(struct store *store, const struct work *work, enum store_set_mode mode,
    uint32_t *ret_first_job, struct err *err)
{
	const struct store_set *set = work->set;
	struct db *db = &store->main;
	enum err_code code;

	code = releases_write(store, err);
	if (code == ERR_OK)
		code = jobs_insert(db, work, ret_first_job, err);
	if (code == ERR_OK && set->lock != STORE_NO_LOCK)
		code = setting_hold(db, set, "set_lock", model_lock_next((uint32_t)set->lock),
		    err);
	if (code == ERR_OK && set->sets_notify)
		code = setting_hold(db, set, "notify_enable", set->notify, err);
	if (code == ERR_OK && mode == STORE_SET_NOW)
		code = set_release(db, (int64_t)set->token, clock_wall_s(), err);
	return code == ERR_OK ? jobs_prune(db, err) : code;
}

static enum err_code
set_in_transaction(struct store *store, struct work *work, enum store_set_mode mode,
    uint32_t *ret_first_job, struct err *err)
{
	bool nothing;
	enum err_code code;

	code = judge(store, work, mode, err);
	nothing = work->jobs == 0 && work->set->lock == STORE_NO_LOCK &&
	    !work->set->sets_notify;
	if (code != ERR_OK || mode == STORE_SET_TEST || nothing)
		return code;
	code = carry_out(store, work, mode, ret_first_job, err);
	if (code != ERR_OK)
		return code;
	code = store_write_commit(store, err);
	if (code == ERR_OK && !store->in_transaction)
		store->n_releases = 0;
	return code;
}

enum err_code
store_set(struct store *store, const struct store_set *set, enum store_set_mode mode,
    struct verdict *ret_verdict, uint32_t *ret_first_job, size_t *ret_jobs, struct err *err)
{
	struct work work = { .set = set, .verdict = ret_verdict };
	uint32_t first_job = 0;
	enum err_code code;

	ret_verdict->reason = REJECT_NONE;
	ret_verdict->index = 0;
	ret_verdict->text[0] = '\0';
	work.before = calloc(set->n + 1, sizeof(*work.before));
	work.effective = calloc(set->n + 1, sizeof(*work.effective));
	if (work.before == NULL || work.effective == NULL)
		code = no_memory(store, set, err);
	else
		code = store_write_begin(store, err);
	if (code == ERR_OK) {
		code = set_in_transaction(store, &work, mode, &first_job, err);
		store_write_end(store);
	}
	store_note_write(store, code, err);
	free(work.before);
	free(work.effective);
	if (code == ERR_OK) {
		*ret_first_job = first_job;
		*ret_jobs = work.jobs;
	}
	return code;
}

/* -- after the SET ------------------------------------------------------------- */

static enum err_code
flush_write(struct store *store, const void *arg, struct err *err)
{
	(void)arg;
	return releases_write(store, err);
}

enum err_code
store_flush(struct store *store, struct err *err)
{
	enum err_code code = ERR_OK;

	if (store->n_releases > 0)
		code = store_write_alone(store, flush_write, NULL, err);
	if (code == ERR_OK)
		store->n_releases = 0;
	return code;
}

bool
store_needs_flush(const struct store *store)
{
	return store->n_releases > 0;
}

bool
store_was_replaced(const struct store *store)
{
	return store->replaced;
}

void
store_set_release(struct store *store, uint64_t token)
{
	struct store_release release = { .token = token, .wall_s = clock_wall_s() };

	if (token == 0)
		store->replaced = false;
	/* With no room left and no disk to write to, all held jobs are released together
	 * once it is back: none of them is of a SET that can still be undone. */
	if (store->n_releases == RELEASES_MAX && store_flush(store, NULL) != ERR_OK) {
		store->n_releases = 1;
		store->releases[0].token = 0;
		return;
	}
	store->releases[store->n_releases++] = release;
}

/* The next job for the column found the value before this one, and goes back to it if it
 * fails. Setting "message" makes the row one that changed. */
static const char *const undo_steps[] = {
	("UPDATE job AS later SET old_value = j.old_value, message = later.message"
	" FROM job AS j WHERE " OF_SET("j") " AND later.old_value = j.new_value"
	" AND later.id = (SELECT min(n.id) FROM job AS n"
	" WHERE n.state NOT IN (4, 5) AND n.id > j.id AND n.real_id = j.real_id"
	" AND (n.operation + 1) / 2 = (j.operation + 1) / 2)"),
	("UPDATE job SET state = 5, finished = unixepoch(),"
	" message = 'undone: the request failed elsewhere' WHERE " OF_SET("job")),
	"DELETE FROM held_setting WHERE token = ?1",
};

static enum err_code
undo_write(struct store *store, const void *arg, struct err *err)
{
	int64_t token = (int64_t)*(const uint64_t *)arg;
	enum err_code code = releases_write(store, err);

	for (size_t i = 0; i < sizeof(undo_steps) / sizeof(undo_steps[0]) && code == ERR_OK; i++)
		code = db_run(&store->main, err, undo_steps[i], "i", token);
	return code;
}

enum err_code
store_set_undo(struct store *store, uint64_t token, struct err *err)
{
	enum err_code code = store_write_alone(store, undo_write, &token, err);

	if (code == ERR_OK)
		store->n_releases = 0;
	return code;
}

/* -- settings ------------------------------------------------------------------- */

static enum err_code
lock_increase_write(struct store *store, const void *arg, struct err *err)
{
	(void)arg;
	return db_run(&store->main, err, "INSERT INTO setting VALUES ('set_lock', 1)"
	    " ON CONFLICT (name) DO UPDATE SET value = (value + 1) & ?1", "i",
	    (int64_t)MODEL_ID_MAX);
}

enum err_code
store_set_lock_increase(struct store *store, struct err *err)
{
	return store_write_alone(store, lock_increase_write, NULL, err);
}

static enum err_code
max_rows_write(struct store *store, const void *arg, struct err *err)
{
	enum err_code code;

	code = db_run(&store->main, err, "UPDATE setting SET value = ?1"
	    " WHERE name = 'job_max_rows'", "i", (int64_t)*(const uint32_t *)arg);
	return code == ERR_OK ? jobs_prune(&store->main, err) : code;
}

enum err_code
store_job_max_rows_set(struct store *store, uint32_t max, struct err *err)
{
	return store_write_alone(store, max_rows_write, &max, err);
}

static enum err_code
stale_after_write(struct store *store, const void *arg, struct err *err)
{
	return db_run(&store->main, err, "INSERT INTO setting (name, value)"
	    " VALUES ('stale_after', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	    "i", (int64_t)*(const uint32_t *)arg);
}

enum err_code
store_stale_after_set(struct store *store, uint32_t seconds, struct err *err)
{
	struct store_totals totals;
	enum err_code code = store_totals(store, &totals, err);

	if (code != ERR_OK || totals.stale_after_s == seconds)
		return code;
	return store_write_alone(store, stale_after_write, &seconds, err);
}
