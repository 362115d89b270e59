/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Settings of real services: one SET, all or nothing, with its jobs.
 */
#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

static const char *const update_sql[] = {
	[REAL_ENABLED] = "UPDATE real_service SET enabled = ?2 WHERE id = ?1",
	[REAL_FALLBACK] = "UPDATE real_service SET fallback = ?2 WHERE id = ?1",
	[REAL_WEIGHT] = "UPDATE real_service SET weight = ?2 WHERE id = ?1",
};

#define HELD_OF_SET "state = 0 AND " JOB_OPEN " AND (?1 = 0 OR token = ?1)"
/* Later jobs for the column of 'job', the name of another row. */
#define LATER_THAN(job)                                                        \
	"SELECT 1 FROM job AS later WHERE later.real_id = " job ".real_id"     \
	" AND later.id > " job ".id"                                           \
	" AND (later.operation + 1) / 2 = (" job ".operation + 1) / 2"
/* The value of job 'j' is the later one's now. One that ended without a change leaves it. */
#define KEPT_BY_LATER "EXISTS (" LATER_THAN("j") " AND later.state NOT IN (4, 5))"

static uint32_t
lock_after(uint32_t lock)
{
	return lock == MODEL_ID_MAX ? 0 : lock + 1;	/* TestAndIncr, RFC 2579 */
}

/* -- judging ------------------------------------------------------------------ */

static enum err_code
before_read(struct db *db, uint32_t real_id, struct rules_before *ret, bool *ret_found,
    struct err *err)
{
	sqlite3_stmt *stmt;
	enum err_code code;

	code = db_query(db, err, &stmt,
	    "SELECT r.service_id, r.weight, r.fallback, r.enabled, c.name, s.name, r.name,"
	    " c.plane, f.id, f.name FROM real_service AS r"
	    " JOIN service AS s ON s.id = r.service_id"
	    " JOIN cluster AS c ON c.id = s.cluster_id"
	    " LEFT JOIN real_service AS f ON f.service_id = r.service_id AND f.fallback = 1"
	    " WHERE r.id = ?1", "i", (int64_t)real_id);
	if (code == ERR_OK)
		code = db_next(db, stmt, ret_found, err);
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
	db_reset(stmt);
	return ERR_OK;
}

static bool
is_released(const struct store *store, uint64_t token)
{
	size_t i = 0;

	while (i < store->n_releases && store->releases[i].token != 0 &&
	    store->releases[i].token != token)
		i++;
	return i < store->n_releases;
}

/* Whether the value that the change finds there would go with the undo of its SET. What is
 * held is few: the plus makes SQLite look there, and not among all jobs of the row. */
static enum err_code
undecided_read(struct store *store, const struct change *change, struct rules_before *before,
    struct err *err)
{
	enum err_code code;
	int64_t token;

	if (rules_value_before(before, change->column) != change->value)
		return ERR_OK;
	code = db_number(&store->main, err, 0, &token, "SELECT j.token FROM job AS j"
	    " WHERE j.state = 0 AND j." JOB_OPEN " AND +j.real_id = ?1 AND j.operation = ?2"
	    " AND j.new_value = ?3 AND NOT " KEPT_BY_LATER, "iii", (int64_t)change->real_id,
	    (int64_t)job_operation_for(change->column, change->value), (int64_t)change->value);
	if (code == ERR_OK)
		before->undecided = token != 0 && !is_released(store, (uint64_t)token);
	return code;
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

static enum err_code
lock_judge(struct work *work, struct err *err)
{
	char text[MODEL_MESSAGE_MAX + 1];

	if (work->set->lock == STORE_NO_LOCK || work->set->lock == work->totals.set_lock)
		return ERR_OK;
	snprintf(text, sizeof(text), "lbcSysSetLock is %u, not %lld: read it again, another "
	    "manager was here", work->totals.set_lock, (long long)work->set->lock);
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

		code = before_read(&store->main, set->changes[i].real_id, &work->before[i],
		    &found, err);
		if (code == ERR_OK && !found)
			return refuse(work, ERR_NOT_FOUND, REJECT_NO_SUCH_REAL, i,
			    "the real service was removed meanwhile", err);
		if (code == ERR_OK)
			code = undecided_read(store, &set->changes[i], &work->before[i], err);
	}
	if (code != ERR_OK)
		return code;
	code = lock_judge(work, err);
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

/* At most one fallback holds at every moment, also within a hand-over: what
 * clears comes before what sets. */
static enum err_code
rows_update(struct db *db, const struct work *work, struct err *err)
{
	enum err_code code = ERR_OK;

	for (int sets = 0; sets <= 1; sets++) {
		for (size_t i = 0; i < work->set->n && code == ERR_OK; i++) {
			const struct change *change = &work->set->changes[i];

			if (work->effective[i] && (change->value != 0) == sets)
				code = db_run(db, err, update_sql[change->column], "ii",
				    (int64_t)change->real_id, (int64_t)change->value);
		}
	}
	return code;
}

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

#define OVERTAKEN "state = 6, finished = ?2, message = 'a later job came first'"

/* Steps that release held jobs, in this order; ?1 the token, ?2 the time. The last one
 * is the truth for what a driver will see; the first spares clusters without a data
 * plane. A job that was held while a later one went its way is not done after it. */
static const struct {
	const char	*sql, *types;
} release_steps[] = {
	{ "UPDATE job SET state = 3, started = ?2, finished = ?2,"
	  " message = '" JOB_MESSAGE_RECORDED "'"
	  " WHERE " HELD_OF_SET " AND real_id IN (SELECT r.id FROM real_service AS r"
	  " JOIN service AS s ON s.id = r.service_id JOIN cluster AS c ON c.id = s.cluster_id"
	  " WHERE r.id = job.real_id AND c.plane = 'none')", "ii" },

	{ "UPDATE job SET " OVERTAKEN " WHERE " HELD_OF_SET
	  " AND EXISTS (" LATER_THAN("job") " AND later.state IN (1, 2, 3, 6))", "ii" },

	{ "UPDATE job SET " OVERTAKEN " WHERE state = 1 AND " JOB_OPEN
	  " AND EXISTS (" LATER_THAN("job") " AND later.state = 0"
	  " AND (?1 = 0 OR later.token = ?1))", "ii" },

	{ "UPDATE job SET state = 1 WHERE " HELD_OF_SET, "i" },
};

static enum err_code
jobs_release(struct db *db, uint64_t token, int64_t wall_s, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < sizeof(release_steps) / sizeof(release_steps[0]) &&
	    code == ERR_OK; i++)
		code = db_run(db, err, release_steps[i].sql, release_steps[i].types,
		    (int64_t)token, wall_s);
	return code;
}

/* What waits for a write goes with this one. */
static enum err_code
releases_write(struct store *store, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < store->n_releases && code == ERR_OK; i++)
		code = jobs_release(&store->main, store->releases[i].token,
		    store->releases[i].wall_s, err);
	return code;
}

/* The token beside a setting names the SET that changed it last. There is no row until
 * somebody has chosen. */
static enum err_code
setting_write(struct db *db, const char *name, int64_t value, uint64_t token,
    struct err *err)
{
	return db_run(db, err, "INSERT INTO setting VALUES (?1, ?2), (?1 || '_token', ?3)"
	    " ON CONFLICT (name) DO UPDATE SET value = excluded.value", "sii", name, value,
	    (int64_t)token);
}

static enum err_code
lock_write(struct db *db, uint32_t lock, uint64_t token, struct err *err)
{
	return setting_write(db, "set_lock", lock, token, err);
}

static bool
notify_changes(const struct store_set *set)
{
	return set->notify_after != set->notify_before;
}

static enum err_code
carry_out(struct store *store, const struct work *work, enum store_set_mode mode,
    uint32_t *ret_first_job, struct err *err)
{
	struct db *db = &store->main;
	enum err_code code;

	code = releases_write(store, err);
	if (code == ERR_OK)
		code = rows_update(db, work, err);
	if (code == ERR_OK)
		code = jobs_insert(db, work, ret_first_job, err);
	if (code == ERR_OK && mode == STORE_SET_NOW)
		code = jobs_release(db, work->set->token, clock_wall_s(), err);
	if (code == ERR_OK)
		code = jobs_prune(db, err);
	if (code == ERR_OK && work->set->lock != STORE_NO_LOCK)
		code = lock_write(db, lock_after(work->totals.set_lock), work->set->token,
		    err);
	if (code == ERR_OK && notify_changes(work->set))
		code = setting_write(db, "notify_enable", work->set->notify_after,
		    work->set->token, err);
	return code;
}

static enum err_code
set_in_transaction(struct store *store, struct work *work, enum store_set_mode mode,
    uint32_t *ret_first_job, struct err *err)
{
	bool nothing;
	enum err_code code;

	code = judge(store, work, mode, err);
	nothing = work->jobs == 0 && work->set->lock == STORE_NO_LOCK &&
	    !notify_changes(work->set);
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
	store_saw_write(store, code, err);
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

void
store_set_release(struct store *store, uint64_t token)
{
	struct store_release release = { .token = token, .wall_s = clock_wall_s() };

	/* With no room left and no disk to write to, all held jobs are released together
	 * once it is back: none of them is of a SET that can still be undone. */
	if (store->n_releases == RELEASES_MAX && store_flush(store, NULL) != ERR_OK) {
		store->n_releases = 1;
		store->releases[0].token = 0;
		return;
	}
	store->releases[store->n_releases++] = release;
}

#define UNDO(column, operations, more)                                        \
	"UPDATE real_service SET " column " = j.old_value FROM job AS j"       \
	" WHERE j.token = ?1 AND j.state = 0 AND j." JOB_OPEN                 \
	" AND j.operation IN (" operations ")"                                 \
	" AND real_service.id = j.real_id AND real_service." column " = j.new_value" \
	" AND NOT " KEPT_BY_LATER more

/* Values go back if they are still those of the SET (a value that a later one set again
 * is that one's), and a fallback if no other row holds it by now; what clears a fallback
 * comes before what sets one, as in the SET itself. Where a job that may still fail came
 * after, its old value is ours. Then the SET's jobs end. */
static const char *const undo_sql[] = {
	("UPDATE job AS later SET old_value = j.old_value, message = later.message"
	" FROM job AS j WHERE j.token = ?1 AND j.state = 0 AND j." JOB_OPEN
	" AND later.old_value = j.new_value AND later.id = (SELECT min(n.id) FROM job AS n"
	" WHERE n." JOB_OPEN " AND n.id > j.id AND n.real_id = j.real_id"
	" AND (n.operation + 1) / 2 = (j.operation + 1) / 2)"),
	UNDO("fallback", "3, 4", " AND j.old_value = 0"),
	UNDO("fallback", "3, 4", " AND j.old_value = 1 AND NOT EXISTS (SELECT 1"
	    " FROM real_service AS f WHERE f.service_id = real_service.service_id"
	    " AND f.fallback = 1)"),
	UNDO("enabled", "1, 2", ""),
	UNDO("weight", "5", ""),
	("UPDATE job SET state = 5, finished = unixepoch(),"
	" message = 'undone: the request failed elsewhere' WHERE " HELD_OF_SET),
};

/* The value alone does not tell that it is ours: a commit in doubt may not have been,
 * an undo in doubt may have been, and another manager the one who set the same since. No
 * token is there once that one is undone, and then the value is what we left. */
static enum err_code
setting_undo(struct db *db, const char *name, int64_t before, int64_t after, uint64_t token,
    struct err *err)
{
	enum err_code code;

	code = db_run(db, err, "UPDATE setting SET value = ?2 WHERE name = ?1 AND value = ?3"
	    " AND NOT EXISTS (SELECT 1 FROM setting AS t WHERE t.name = ?1 || '_token'"
	    " AND t.value <> ?4)", "siii", name, before, after, (int64_t)token);
	if (code != ERR_OK)
		return code;
	return db_run(db, err, "DELETE FROM setting WHERE name = ?1 || '_token'"
	    " AND value = ?2", "si", name, (int64_t)token);
}

static enum err_code
undo_write(struct store *store, const void *arg, struct err *err)
{
	const struct store_set *set = arg;
	struct db *db = &store->main;
	enum err_code code = releases_write(store, err);

	for (size_t i = 0; i < sizeof(undo_sql) / sizeof(undo_sql[0]) && code == ERR_OK; i++)
		code = db_run(db, err, undo_sql[i], "i", (int64_t)set->token);
	if (code == ERR_OK && set->lock != STORE_NO_LOCK)
		code = setting_undo(db, "set_lock", set->lock,
		    lock_after((uint32_t)set->lock), set->token, err);
	if (code == ERR_OK && notify_changes(set))
		code = setting_undo(db, "notify_enable", set->notify_before,
		    set->notify_after, set->token, err);
	return code;
}

enum err_code
store_set_undo(struct store *store, const struct store_set *set, struct err *err)
{
	enum err_code code = store_write_alone(store, undo_write, set, err);

	if (code == ERR_OK)
		store->n_releases = 0;
	return code;
}

/* -- settings ------------------------------------------------------------------- */

static enum err_code
lock_increase_write(struct store *store, const void *arg, struct err *err)
{
	struct store_totals totals;
	enum err_code code;

	(void)arg;
	code = store_totals(store, &totals, err);
	return code != ERR_OK ? code :
	    lock_write(&store->main, lock_after(totals.set_lock), 0, err);
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
