/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What plane drivers write: jobs claimed and ended, the state of the data plane and
 * its words about real services.
 */
#include "store/shapes.h"
#include "store/store_private.h"

#include <stdlib.h>
#include <string.h>

/* -- claiming ------------------------------------------------------------------- */

#define OF_CLUSTER                                                             \
	"EXISTS (SELECT 1 FROM real_service AS r JOIN service AS s ON s.id = r.service_id" \
	" WHERE r.id = job.real_id AND s.cluster_id = ?1)"

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
	code = db_query(db, err, &stmt, "SELECT id FROM job WHERE state = 1 AND " JOB_OPEN
	    " AND " OF_CLUSTER " ORDER BY id LIMIT ?2", "ii", (int64_t)claim->cluster_id,
	    (int64_t)claim->max);
	while (code == ERR_OK && (code = db_next(db, stmt, &row, err)) == ERR_OK && row)
		claim->ids[claim->n++] = (uint32_t)sqlite3_column_int64(stmt, 0);
	for (size_t i = 0; i < claim->n && code == ERR_OK; i++)
		code = db_run(db, err, "UPDATE job SET state = 2, started = unixepoch()"
		    " WHERE id = ?1", "i", (int64_t)claim->ids[i]);
	return code;
}

/* A driver that looks for work must not write, nor lock, when there is none. */
static enum err_code
work_look(struct store *store, uint32_t cluster_id, bool *ret_work, struct err *err)
{
	enum err_code code;
	int64_t id;

	code = store_files_check(store, err);
	if (code == ERR_OK)
		code = db_number(&store->main, err, 0, &id, "SELECT id FROM job"
		    " WHERE state = 1 AND " JOB_OPEN " AND " OF_CLUSTER " LIMIT 1", "i",
		    (int64_t)cluster_id);
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
	return db_run(&store->main, err, "UPDATE job SET state = 1, started = 0"
	    " WHERE state = 2 AND " JOB_OPEN " AND " OF_CLUSTER, "i",
	    (int64_t)*(const uint32_t *)arg);
}

enum err_code
store_jobs_requeue(struct store *store, uint32_t cluster_id, struct err *err)
{
	return store_write_alone(store, requeue_write, &cluster_id, err);
}

enum err_code
store_jobs_record(struct store *store, uint32_t cluster_id, struct err *err)
{
	return db_run(&store->main, err, "UPDATE job SET state = 3, message = '"
	    JOB_MESSAGE_RECORDED "', started = iif(started = 0, unixepoch(), started),"
	    " finished = unixepoch() WHERE state IN (1, 2) AND " JOB_OPEN " AND " OF_CLUSTER,
	    "i", (int64_t)cluster_id);
}

/* -- ends ------------------------------------------------------------------------- */

/* A held job that came before has not changed the row: where there is one, the row goes back
 * to the value before that one. */
#define BACK(column, operations)                                               \
	"UPDATE real_service SET " column " = ifnull((SELECT h.old_value" FROM_HELD \
	" AND h.operation IN (" operations ") AND h.real_id = j.real_id AND h.id < j.id" \
	" ORDER BY h.id LIMIT 1), j.old_value) FROM job AS j"                  \
	" WHERE j.id = ?1 AND j.operation IN (" operations ")"                  \
	" AND real_service.id = j.real_id AND real_service." column " = j.new_value" \
	" AND NOT EXISTS (SELECT 1 FROM job AS later WHERE later.real_id = j.real_id" \
	" AND later.id > j.id AND (later.operation + 1) / 2 = (j.operation + 1) / 2)"

/* What a failed job could not change shows again as it is. A fallback does not go
 * back to a row while another one has it, or gets it by a held job. */
static const char *const back_sql[] = {
	BACK("enabled", "1, 2"),
	BACK("fallback", "3, 4") " AND (j.old_value = 0 OR NOT EXISTS (SELECT 1"
	    " FROM real_service AS f WHERE f.service_id = real_service.service_id"
	    " AND (f.fallback = 1 OR f.id IN (SELECT h.real_id" FROM_HELD
	    " AND h.operation = 3))))",
	BACK("weight", "5"),
};

static enum err_code
end_write(struct db *db, const struct store_job_end *end, struct err *err)
{
	enum err_code code;

	if (end->state == JOB_QUEUED)
		return db_run(db, err, "UPDATE job SET state = 1, message = ?2"
		    " WHERE id = ?1 AND state = 2", "is", (int64_t)end->id, end->message);
	code = db_run(db, err, "UPDATE job SET state = ?2, fail_cause = ?3,"
	    " message = ?4, finished = unixepoch() WHERE id = ?1 AND state IN (1, 2)",
	    "iiis", (int64_t)end->id, (int64_t)end->state,
	    (int64_t)(end->state == JOB_FAILED ? end->cause : JOB_CAUSE_NONE),
	    end->message);
	/* A job that has ended already takes nothing back. */
	if (code != ERR_OK || end->state != JOB_FAILED || sqlite3_changes(db->handle) == 0)
		return code;
	for (size_t i = 0; i < sizeof(back_sql) / sizeof(back_sql[0]) && code == ERR_OK; i++)
		code = db_run(db, err, back_sql[i], "i", (int64_t)end->id);
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

	return db_run(&store->main, err, "UPDATE cluster SET plane_status = ?2,"
	    " plane_message = ?3 WHERE id = ?1", "iis", (int64_t)plane->cluster_id,
	    (int64_t)plane->status, plane->message);
}

enum err_code
store_plane_set(struct store *store, uint32_t cluster_id, enum plane_status status,
    const char *message, struct err *err)
{
	const struct plane plane = { cluster_id, status, message };
	enum err_code code;
	int64_t same = 0;

	code = store_files_check(store, err);
	if (code == ERR_OK)
		code = db_number(&store->main, err, 1, &same, "SELECT plane_status = ?2"
		    " AND plane_message = ?3 FROM cluster WHERE id = ?1", "iis",
		    (int64_t)cluster_id, (int64_t)status, message);
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
		code = db_run(&store->main, err, "UPDATE real_service SET reason = ?2"
		    " WHERE id = ?1 AND reason IS NOT ?2", "is",
		    (int64_t)reasons->reasons[i].real_id, reasons->reasons[i].text);
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
