/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Settings of real services: one SET, all or nothing, with its jobs.
 */
#include "store/store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

/* -- judging ------------------------------------------------------------------ */

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

	code = db_first(&store->main, SQL_SET_BEFORE, DB_VALUES(db_int(change->real_id),
	    db_int(job_operation_for(change->column, 0)),
	    db_int(job_operation_for(change->column, 1)),
	    db_int(change->column == REAL_FALLBACK)), &stmt, ret_found, err);
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
	    !store_set_is_released(store, (uint64_t)sqlite3_column_int64(stmt, 10));
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

static enum err_code
lock_judge(struct db *db, struct work *work, struct err *err)
{
	int64_t lock = 0;
	enum err_code code;

	if (work->set->lock == STORE_NO_LOCK)
		return ERR_OK;
	code = db_number(db, SQL_SET_LOCK, DB_NO_VALUES, &lock, err);
	if (code != ERR_OK || rules_judge_lock((uint32_t)lock, work->set->lock, work->verdict))
		return code;
	work->verdict->index = work->set->n;
	return err_set(err, ERR_PRECOND, "%s", work->verdict->text);
}

static enum err_code
room_judge(struct db *db, struct work *work, enum store_set_mode mode, struct err *err)
{
	char text[MODEL_MESSAGE_MAX + 1];
	enum err_code code;
	int64_t open = 0, more = 0;

	/* What is recorded only ends in the same transaction. */
	for (size_t i = 0; i < work->set->n; i++)
		more += work->effective[i] && !(mode == STORE_SET_NOW &&
		    strcmp(work->before[i].plane, "none") == 0);
	code = db_number(db, SQL_JOBS_OPEN, DB_NO_VALUES, &open, err);
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

	code = db_run(db, SQL_JOB_INSERT, DB_VALUES(db_int(change->real_id),
	    db_int(job_operation_for(change->column, change->value)), db_int(work->set->source),
	    db_int(rules_value_before(before, change->column)), db_int(change->value),
	    db_int(request), db_int((int64_t)work->set->token), db_str(before->path.cluster),
	    db_str(before->path.service), db_str(before->path.real)), err);
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

static enum err_code
setting_hold(struct db *db, const struct store_set *set, const char *name, int64_t value,
    struct err *err)
{
	return db_run(db, SQL_SETTING_HOLD, DB_VALUES(db_int((int64_t)set->token), db_str(name),
	    db_int(value)), err);
}

static enum err_code
carry_out(struct store *store, const struct work *work, enum store_set_mode mode,
    uint32_t *ret_first_job, struct err *err)
{
	const struct store_set *set = work->set;
	struct db *db = &store->main;
	enum err_code code;

	code = store_releases_write(store, err);
	if (code == ERR_OK)
		code = jobs_insert(db, work, ret_first_job, err);
	if (code == ERR_OK && set->lock != STORE_NO_LOCK)
		code = setting_hold(db, set, "set_lock", model_lock_next((uint32_t)set->lock),
		    err);
	if (code == ERR_OK && set->sets_notify)
		code = setting_hold(db, set, "notify_enable", set->notify, err);
	if (code == ERR_OK && mode == STORE_SET_NOW)
		code = store_release_write(db, (int64_t)set->token, clock_wall_s(), err);
	return code == ERR_OK ? store_jobs_prune(db, err) : code;
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
