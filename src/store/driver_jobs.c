/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What plane drivers write: jobs claimed and ended, the state of the data plane and
 * its words about real services.
 */
#include "store/store_private.h"

#include <stdlib.h>
#include <string.h>

/* -- claiming ------------------------------------------------------------------- */

struct claim {
	uint32_t	 cluster_id;
	size_t		 max, n;
	uint32_t	*ids;
};

static enum err_code
claim_write(struct store *store, const void *arg, struct err *err)
{
	struct claim *claim = *(struct claim *const *)arg;
	struct db *db = &store->main;
	sqlite3_stmt *stmt;
	enum err_code code;
	bool row;

	claim->n = 0;
	code = db_query(db, SQL_JOBS_QUEUED, DB_VALUES(db_int(claim->cluster_id),
	    db_int((int64_t)claim->max)), &stmt, err);
	while (code == ERR_OK && (code = db_next(db, stmt, &row, err)) == ERR_OK && row)
		claim->ids[claim->n++] = (uint32_t)sqlite3_column_int64(stmt, 0);
	for (size_t i = 0; i < claim->n && code == ERR_OK; i++)
		code = db_run(db, SQL_JOB_CLAIM, DB_VALUES(db_int(claim->ids[i])), err);
	return code;
}

/* A driver that looks for work must not write, nor lock, when there is none. */
static enum err_code
work_look(struct store *store, uint32_t cluster_id, bool *ret_work, struct err *err)
{
	enum err_code code;
	int64_t id = 0;

	code = store_files_check(store, err);
	if (code == ERR_OK)
		code = db_number(&store->main, SQL_JOBS_QUEUED, DB_VALUES(db_int(cluster_id),
		    db_int(1)), &id, err);
	if (code == ERR_OK)
		*ret_work = id != 0;
	return store_note_read(store, code, err);
}

enum err_code
store_jobs_claim(struct store *store, uint32_t cluster_id, size_t max,
    enum err_code (*fn)(void *arg, const struct job_row *row), void *arg, struct err *err)
{
	struct claim claim = { .cluster_id = cluster_id, .max = max }, *pointer = &claim;
	enum err_code code;
	bool work = false;

	code = work_look(store, cluster_id, &work, err);
	if (code != ERR_OK || !work)
		return code;
	claim.ids = calloc(max + 1, sizeof(*claim.ids));
	if (claim.ids == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for %zu jobs",
		    store->main.path, max);
	code = store_write_alone(store, claim_write, &pointer, err);
	for (size_t i = 0; i < claim.n && code == ERR_OK; i++)
		code = store_each_job(store, claim.ids[i], fn, arg, err);
	free(claim.ids);
	return code;
}

static enum err_code
requeue_write(struct store *store, const void *arg, struct err *err)
{
	return db_run(&store->main, SQL_JOBS_REQUEUE, DB_VALUES(db_int(*(const uint32_t *)arg)),
	    err);
}

enum err_code
store_jobs_requeue(struct store *store, uint32_t cluster_id, struct err *err)
{
	return store_write_alone(store, requeue_write, &cluster_id, err);
}

enum err_code
store_jobs_record(struct store *store, uint32_t cluster_id, struct err *err)
{
	return db_run(&store->main, SQL_JOBS_RECORD, DB_VALUES(db_int(cluster_id)), err);
}

/* -- ends ------------------------------------------------------------------------- */

/* Ends of a job that a driver reports: the statement of each. */
static const enum sql end_sql[] = {
	[JOB_QUEUED] = SQL_JOB_REQUEUE,
	[JOB_SUCCEEDED] = SQL_JOB_DONE,
	[JOB_FAILED] = SQL_JOB_FAIL,
	[JOB_SUPERSEDED] = SQL_JOB_SUPERSEDE,
};

/* Writes one end. A value that a failed job could not bring to the data plane goes back. */
static enum err_code
end_write(struct db *db, const struct store_job_end *end, struct err *err)
{
	static const enum sql back_sql[] = {
		SQL_BACK_ENABLED, SQL_BACK_FALLBACK, SQL_BACK_WEIGHT
	};
	enum err_code code;

	code = db_run(db, end_sql[end->state], DB_VALUES(db_int(end->id), db_str(end->message),
	    db_int(end->cause)), err);
	/* No change: the job had ended before. */
	if (code != ERR_OK || end->state != JOB_FAILED || sqlite3_changes(db->handle) == 0)
		return code;
	for (size_t i = 0; i < sizeof(back_sql) / sizeof(back_sql[0]) && code == ERR_OK; i++)
		code = db_run(db, back_sql[i], DB_VALUES(db_int(end->id)), err);
	return code;
}

struct ends {
	const struct store_job_end	*ends;
	size_t				 n;
};

static enum err_code
ends_write(struct store *store, const void *arg, struct err *err)
{
	const struct ends *ends = arg;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ends->n && code == ERR_OK; i++)
		code = end_write(&store->main, &ends->ends[i], err);
	return code;
}

enum err_code
store_jobs_end(struct store *store, const struct store_job_end *ends, size_t n,
    struct err *err)
{
	const struct ends all = { .ends = ends, .n = n };

	return n == 0 ? ERR_OK : store_write_alone(store, ends_write, &all, err);
}

/* -- words of the data plane ---------------------------------------------------------- */

struct plane {
	uint32_t		 cluster_id;
	enum plane_status	 status;
	const char		*message;
};

static enum err_code
plane_write(struct store *store, const void *arg, struct err *err)
{
	const struct plane *plane = arg;

	return db_run(&store->main, SQL_PLANE_SET, DB_VALUES(db_int(plane->cluster_id),
	    db_int(plane->status), db_str(plane->message)), err);
}

enum err_code
store_plane_set(struct store *store, uint32_t cluster_id, enum plane_status status,
    const char *message, struct err *err)
{
	const struct plane plane = { cluster_id, status, message };
	enum err_code code;
	int64_t same = 1;	/* also if there is no such cluster */

	code = store_files_check(store, err);
	if (code == ERR_OK)
		code = db_number(&store->main, SQL_PLANE_GET, DB_VALUES(db_int(cluster_id),
		    db_int(status), db_str(message)), &same, err);
	if (code != ERR_OK || same)
		return code;
	return store_write_alone(store, plane_write, &plane, err);
}

struct reasons {
	const struct store_reason	*reasons;
	size_t				 n;
};

static enum err_code
reasons_write(struct store *store, const void *arg, struct err *err)
{
	const struct reasons *reasons = arg;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < reasons->n && code == ERR_OK; i++)
		code = db_run(&store->main, SQL_REASON_SET, DB_VALUES(
		    db_int(reasons->reasons[i].real_id), db_str(reasons->reasons[i].text)), err);
	return code;
}

enum err_code
store_reasons_put(struct store *store, const struct store_reason *reasons, size_t n,
    struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t done = 0; done < n && code == ERR_OK; done += STORE_STATISTICS_BATCH) {
		const struct reasons some = {
			.reasons = reasons + done,
			.n = n - done < STORE_STATISTICS_BATCH ? n - done :
			    STORE_STATISTICS_BATCH,
		};

		code = store_write_alone(store, reasons_write, &some, err);
	}
	return code;
}
