/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What drivers write to lbcluster.db: claims and ends of jobs, the state of the data plane,
 * its messages about real services. Measurements are in statistics.c.
 */
#include "store/store_private.h"

#include <stdlib.h>

#include "util/memory.h"

/* -- claims ----------------------------------------------------------------------- */

/* Marks the oldest queued jobs of the cluster, at most 'max', as running. */
static enum err_code
claim_write(struct db *db, uint32_t cluster_id, size_t max, uint32_t *ret_ids, size_t *ret_n,
    struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;
	bool row;

	code = db_query(db, SQL_JOBS_QUEUED, DB_VALUES(db_int(cluster_id), db_int((int64_t)max)),
	    &stmt, err);
	while (code == ERR_OK && (code = db_next(db, stmt, &row, err)) == ERR_OK && row)
		ret_ids[(*ret_n)++] = (uint32_t)db_integer(stmt, 0);
	for (size_t i = 0; i < *ret_n && code == ERR_OK; i++)
		code = db_queue(db, SQL_JOB_CLAIM, DB_VALUES(db_int(ret_ids[i])), err);
	return code;
}

/* A poll that finds no queued job must not write, nor take the write lock. */
static enum err_code
queue_check(struct store *store, uint32_t cluster_id, bool *ret_queued, struct err *err)
{
	int64_t id = 0;
	enum err_code code = store_step(store, err);

	if (code == ERR_OK)
		code = db_number(&store->main, SQL_JOBS_QUEUED, DB_VALUES(db_int(cluster_id),
		    db_int(1)), &id, err);
	*ret_queued = code == ERR_OK && id != 0;
	return store_note_read(store, code, err);
}

enum err_code
store_jobs_claim(struct store *store, uint32_t cluster_id, size_t max,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err)
{
	enum err_code code;
	uint32_t *ids;
	size_t n = 0;
	bool queued;

	code = queue_check(store, cluster_id, &queued, err);
	if (code != ERR_OK || !queued)
		return code;
	ids = calloc(max + 1, sizeof(*ids));
	if (ids == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for %zu jobs",
		    store->main.path, max);
	code = store_write_begin(store, err);
	if (code == ERR_OK)
		code = claim_write(&store->main, cluster_id, max, ids, &n, err);
	code = store_write_finish(store, code, err);
	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = store_each_job(store, ids[i], fn, arg, err);
	free(ids);
	return code;
}

enum err_code
store_jobs_requeue(struct store *store, uint32_t cluster_id, struct err *err)
{
	enum err_code code = store_write_begin(store, err);

	if (code == ERR_OK)
		code = db_run(&store->main, SQL_JOBS_REQUEUE, DB_VALUES(db_int(cluster_id)), err);
	return store_write_finish(store, code, err);
}

enum err_code
store_jobs_record(struct store *store, uint32_t cluster_id, struct err *err)
{
	return db_run(&store->main, SQL_JOBS_RECORD, DB_VALUES(db_int(cluster_id)), err);
}

/* -- ends ------------------------------------------------------------------------- */

/* Ends of a job that a driver reports, and their statements. */
static const enum sql end_sql[] = {
	[JOB_QUEUED] = SQL_JOB_REQUEUE,
	[JOB_SUCCEEDED] = SQL_JOB_DONE,
	[JOB_FAILED] = SQL_JOB_FAIL,
	[JOB_SUPERSEDED] = SQL_JOB_SUPERSEDE,
};

/* Writes one end. The data plane does not have the value of a failed job, so the row gets its old
 * value back. */
static enum err_code
end_write(struct db *db, const struct store_job_end *end, struct err *err)
{
	static const enum sql back_sql[] = {
		SQL_BACK_ENABLED, SQL_BACK_FALLBACK, SQL_BACK_WEIGHT, SQL_BACK_SERVICE
	};
	enum err_code code;

	code = db_run(db, end_sql[end->state], DB_VALUES(db_int(end->id), db_str(end->message),
	    db_int(end->cause)), err);
	/* No row changed: the job had ended before. */
	if (code != ERR_OK || end->state != JOB_FAILED || db_changed_rows(db) == 0)
		return code;
	for (size_t i = 0; i < ROWS(back_sql) && code == ERR_OK; i++)
		code = db_run(db, back_sql[i], DB_VALUES(db_int(end->id)), err);
	return code;
}

enum err_code
store_jobs_end(struct store *store, const struct store_job_end *ends, size_t n,
    struct err *err)
{
	enum err_code code;

	if (n == 0)
		return ERR_OK;
	code = store_write_begin(store, err);
	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = end_write(&store->main, &ends[i], err);
	return store_write_finish(store, code, err);
}

/* -- the data plane ---------------------------------------------------------------- */

enum err_code
store_plane_set(struct store *store, uint32_t cluster_id, enum plane_status status,
    const char *message, struct err *err)
{
	const struct db_value values[] = { db_int(cluster_id), db_int(status), db_str(message) };
	int64_t same = 1;	/* also if there is no such cluster */
	enum err_code code;

	code = store_step(store, err);
	if (code == ERR_OK)
		code = db_number(&store->main, SQL_PLANE_IS, values, 3, &same, err);
	if (code != ERR_OK || same)
		return code;
	code = store_write_begin(store, err);
	if (code == ERR_OK)
		code = db_run(&store->main, SQL_PLANE_SET, values, 3, err);
	return store_write_finish(store, code, err);
}

enum err_code
store_reasons_put(struct store *store, const struct store_reason *reasons, size_t n,
    struct err *err)
{
	enum err_code code = ERR_OK;
	size_t i = 0, batch_end;

	while (i < n && code == ERR_OK) {
		batch_end = n - i < STORE_STATISTICS_BATCH ? n : i + STORE_STATISTICS_BATCH;
		code = store_write_begin(store, err);
		for (; i < batch_end && code == ERR_OK; i++)
			code = db_queue(&store->main, SQL_REASON_SET, DB_VALUES(
			    db_int(reasons[i].real_id), db_str(reasons[i].text)), err);
		code = store_write_finish(store, code, err);
	}
	return code;
}
