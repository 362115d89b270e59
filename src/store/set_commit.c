/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commit of a SET: judges all its changes and inserts the held jobs, in one transaction.
 * set_release.c changes the rows.
 */
#include "store/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/clock.h"

uint64_t
store_set_token(void)
{
	uint64_t token = 0;

	if (getrandom(&token, sizeof(token), 0) != sizeof(token))
		token = (uint64_t)clock_steady_ms();
	return token >> 1 | 1;	/* SQLite's integers have 63 bits; not 0 */
}

/* -- judging ------------------------------------------------------------------ */

/* Reads the fallback of the service. */
static enum err_code
fallback_read(struct db *db, struct rules_before *ret, struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;
	bool found;

	code = db_first(db, SQL_SET_FALLBACK, DB_VALUES(db_int(ret->service_id)), &stmt, &found,
	    err);
	if (code != ERR_OK || !found)
		return code;
	ret->fallback_id = (uint32_t)db_integer(stmt, 0);
	snprintf(ret->fallback_name, sizeof(ret->fallback_name), "%s", db_text(stmt, 1));
	db_reset(stmt);
	return ERR_OK;
}

/* Reads the row of a change as it is once all held jobs are released. The change is pending if a
 * held job for its column may still be undone. It cannot be undone if this process has released its
 * SET and has not written the release yet. The fallback of the service is read only for a change of
 * the fallback. */
static enum err_code
before_read(struct store *store, const struct change *change, struct rules_before *ret,
    bool *ret_found, struct err *err)
{
	bool of_service = change->column == SERVICE_ENABLED;
	struct db_statement *stmt;
	enum err_code code;

	code = db_first(&store->main, of_service ? SQL_SET_BEFORE_SERVICE : SQL_SET_BEFORE,
	    DB_VALUES(db_int(change->id), db_int(job_operation_for(change->column, 0)),
	    db_int(job_operation_for(change->column, 1))), &stmt, ret_found, err);
	if (code != ERR_OK || !*ret_found)
		return code;
	memset(ret, 0, sizeof(*ret));
	ret->service_id = (uint32_t)db_integer(stmt, 0);
	ret->weight = (uint32_t)db_integer(stmt, 1);
	ret->fallback = db_integer(stmt, 2) != 0;
	*(of_service ? &ret->service_enabled : &ret->enabled) = db_integer(stmt, 3) != 0;
	snprintf(ret->path.cluster, sizeof(ret->path.cluster), "%s", db_text(stmt, 4));
	snprintf(ret->path.service, sizeof(ret->path.service), "%s", db_text(stmt, 5));
	snprintf(ret->path.real, sizeof(ret->path.real), "%s", db_text(stmt, 6));
	snprintf(ret->plane, sizeof(ret->plane), "%s", db_text(stmt, 7));
	ret->pending = !db_is_null(stmt, 8) &&
	    !store_set_is_released(store, (uint64_t)db_integer(stmt, 8));
	db_reset(stmt);
	return change->column == REAL_FALLBACK ? fallback_read(&store->main, ret, err) : ERR_OK;
}

/* The commit of one SET. */
struct commit {
	const struct store_set	*set;
	const char		*owner;
	enum store_set_mode	 mode;
	struct rules_before	*before;	/* one for each change */
	bool			*effective;	/* likewise */
	size_t			 jobs;		/* effective changes */
	uint32_t		 first_job;	/* id, 0: none */
	struct store_totals	 totals;
	struct verdict		*verdict;
};

static enum err_code
refuse(struct commit *commit, enum err_code code, enum reject_reason reason, size_t index,
    const char *text, struct err *err)
{
	commit->verdict->reason = reason;
	commit->verdict->index = index;
	snprintf(commit->verdict->text, sizeof(commit->verdict->text), "%s", text);
	return err_set(err, code, "%s", text);
}

static enum err_code
no_memory(const struct store *store, const struct store_set *set, struct err *err)
{
	return err_set(err, ERR_NOMEM, "%s: out of memory for %zu changes", store->main.path,
	    set->n);
}

/* A SET that names the lock needs its value. */
static enum err_code
lock_judge(struct db *db, struct commit *commit, struct err *err)
{
	int64_t lock = 0;
	enum err_code code;

	if (commit->set->lock == STORE_NO_LOCK)
		return ERR_OK;
	code = db_number(db, SQL_SET_LOCK, DB_NO_VALUES, &lock, err);
	if (code != ERR_OK || rules_judge_lock((uint32_t)lock, commit->set->lock, commit->verdict))
		return code;
	commit->verdict->index = commit->set->n;
	return err_set(err, ERR_PRECOND, "%s", commit->verdict->text);
}

/* The unfinished jobs, with those of this SET, must not pass job-max-rows. */
static enum err_code
queue_judge(struct db *db, struct commit *commit, struct err *err)
{
	char text[MODEL_MESSAGE_MAX + 1];
	enum err_code code;
	int64_t open = 0, more = 0;

	/* Without a data plane a job that is released at once ends in this transaction. */
	for (size_t i = 0; i < commit->set->n; i++)
		more += commit->effective[i] && !(commit->mode == STORE_SET_NOW &&
		    strcmp(commit->before[i].plane, "none") == 0);
	code = db_number(db, SQL_JOBS_OPEN, DB_NO_VALUES, &open, err);
	if (code != ERR_OK || more == 0 || open <= (int64_t)commit->totals.job_max_rows - more)
		return code;
	snprintf(text, sizeof(text), "job-max-rows %u: %lld jobs are unfinished and this SET adds "
	    "%lld; wait for the data plane or raise the limit", commit->totals.job_max_rows,
	    (long long)open, (long long)more);
	return refuse(commit, ERR_LIMIT, REJECT_QUEUE_FULL, 0, text, err);
}

static enum err_code
judge(struct store *store, struct commit *commit, struct err *err)
{
	const struct store_set *set = commit->set;
	enum err_code code;
	bool found;

	if ((code = store_totals_read(store, &commit->totals, err)) != ERR_OK)
		return code;
	for (size_t i = 0; i < set->n; i++) {
		code = before_read(store, &set->changes[i], &commit->before[i], &found, err);
		if (code != ERR_OK)
			return code;
		if (!found)
			return refuse(commit, ERR_NOT_FOUND, REJECT_NO_SUCH_REAL, i,
			    set->changes[i].column == SERVICE_ENABLED ?
			    "the service was removed" : "the real service was removed", err);
	}
	if ((code = lock_judge(&store->main, commit, err)) != ERR_OK)
		return code;
	code = rules_judge(set->changes, commit->before, set->n, commit->effective,
	    commit->verdict);
	if (code == ERR_NOMEM)
		return no_memory(store, set, err);
	if (code != ERR_OK)
		return err_set(err, code, "%s", commit->verdict->text);
	for (size_t i = 0; i < set->n; i++)
		commit->jobs += commit->effective[i];
	return queue_judge(&store->main, commit, err);
}

/* -- writing ------------------------------------------------------------------ */

/* Inserts a held job for each effective change. lbcJobRequest is the id of the first job of a
 * Set PDU; lbclusterctl asks for one change at a time. */
static enum err_code
jobs_insert(struct db *db, struct commit *commit, struct err *err)
{
	const struct store_set *set = commit->set;
	int64_t request = set->source == JOB_SOURCE_SNMP ?
	    (int64_t)commit->totals.job_last_id + 1 : 0;
	enum err_code code = ERR_OK;
	int64_t job = 0;

	for (size_t i = 0; i < set->n && code == ERR_OK; i++) {
		const struct change *change = &set->changes[i];
		const struct rules_before *before = &commit->before[i];
		bool of_service = change->column == SERVICE_ENABLED;
		const struct db_value id = db_int(change->id), none = { .type = DB_NULL };

		if (!commit->effective[i])
			continue;
		code = db_insert(db, SQL_JOB_INSERT, DB_VALUES(of_service ? none : id,
		    of_service ? id : none,
		    db_int(job_operation_for(change->column, change->value)), db_int(set->source),
		    db_int(rules_value_before(before, change->column)),
		    db_int(change->value), db_int(request), db_int((int64_t)set->token),
		    db_str(before->path.cluster), db_str(before->path.service),
		    db_str(before->path.real), db_str(set->origin == NULL ? "" : set->origin),
		    db_str(commit->owner)),
		    &job, err);
		if (code == ERR_OK && commit->first_job == 0)
			commit->first_job = (uint32_t)job;
	}
	return code;
}

static enum err_code
setting_hold(struct db *db, const struct commit *commit, const char *name, int64_t value,
    struct err *err)
{
	return db_run(db, SQL_SETTING_HOLD, DB_VALUES(db_int((int64_t)commit->set->token),
	    db_str(name), db_int(value), db_str(commit->owner)), err);
}

static enum err_code
set_write(struct store *store, struct commit *commit, struct err *err)
{
	const struct store_set *set = commit->set;
	struct db *db = &store->main;
	enum err_code code;

	code = store_releases_write(store, err);
	if (code == ERR_OK)
		code = jobs_insert(db, commit, err);
	if (code == ERR_OK && set->lock != STORE_NO_LOCK)
		code = setting_hold(db, commit, "set_lock", model_lock_next((uint32_t)set->lock),
		    err);
	if (code == ERR_OK && set->sets_notify)
		code = setting_hold(db, commit, "notify_enable", set->notify, err);
	if (code == ERR_OK && commit->mode == STORE_SET_NOW)
		code = store_release_write(db, (int64_t)set->token, clock_wall_s(), err);
	return code == ERR_OK ? store_jobs_prune(db, err) : code;
}

/* Writes the SET and commits, unless it is only judged or changes nothing. */
static enum err_code
judge_and_write(struct store *store, struct commit *commit, struct err *err)
{
	const struct store_set *set = commit->set;
	enum err_code code;

	if ((code = judge(store, commit, err)) != ERR_OK || commit->mode == STORE_SET_TEST ||
	    (commit->jobs == 0 && set->lock == STORE_NO_LOCK && !set->sets_notify))
		return code;
	if ((code = set_write(store, commit, err)) != ERR_OK)
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
	struct commit commit = { .set = set, .owner = store->owner, .mode = mode,
		.verdict = ret_verdict };
	enum err_code code;

	*ret_verdict = (struct verdict){ .reason = REJECT_NONE };
	commit.before = calloc(set->n + 1, sizeof(*commit.before));
	commit.effective = calloc(set->n + 1, sizeof(*commit.effective));
	if (commit.before == NULL || commit.effective == NULL)
		code = no_memory(store, set, err);
	else
		code = store_write_begin(store, err);
	if (code == ERR_OK) {
		code = judge_and_write(store, &commit, err);
		store_write_end(store);
	}
	store_note_write(store, code, err);
	free(commit.before);
	free(commit.effective);
	if (code == ERR_OK) {
		*ret_first_job = commit.first_job;
		*ret_jobs = commit.jobs;
	}
	return code;
}
