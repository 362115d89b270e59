/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Facts about the whole store, and its settings, which are kept over a restart.
 */
#include "store/store_private.h"

#include <string.h>

enum { JOB_ROWS_MAX = 100000, STALE_AFTER_MAX_S = 86400 };

/* Settings have no CHECK. */
static int64_t
within(int64_t number, int64_t min, int64_t max)
{
	return number < min ? min : number > max ? max : number;
}

enum err_code
store_totals_read(struct store *store, struct store_totals *ret, struct err *err)
{
	struct db *db = &store->main;
	struct db_statement *stmt;
	enum err_code code;
	bool row;

	memset(ret, 0, sizeof(*ret));	/* and the padding: callers compare totals with memcmp() */
	code = db_first(db, SQL_TOTALS, DB_VALUES(db_int(NOTIFY_DEFAULT),
	    db_int(STALE_AFTER_DEFAULT_S)), &stmt, &row, err);
	if (code != ERR_OK)
		return code;
	if (!row)
		return err_set(err, ERR_CORRUPT, "%s: table store is empty", db->path);
	ret->config_changes = (uint32_t)db_integer(stmt, 0);
	ret->config_last_change = db_integer(stmt, 1);
	ret->table_last_change = db_integer(stmt, 2);
	ret->jobs_succeeded = (uint32_t)db_integer(stmt, 3);
	ret->jobs_failed = (uint32_t)db_integer(stmt, 4);
	ret->jobs_bumped = (uint32_t)db_integer(stmt, 5);
	ret->job_last_id = (uint32_t)within(db_integer(stmt, 6), 0, MODEL_ID_MAX);
	ret->set_lock = (uint32_t)db_integer(stmt, 7) & MODEL_ID_MAX;
	ret->job_max_rows = (uint32_t)within(db_integer(stmt, 8), 0, JOB_ROWS_MAX);
	ret->notify_enable = (uint32_t)db_integer(stmt, 9) &
	    ((1u << NOTIFY_BITS) - 1);
	ret->stale_after_s = (uint32_t)within(db_integer(stmt, 10), 1,
	    STALE_AFTER_MAX_S);
	db_reset(stmt);
	return store_releases_add(store, ret, err);
}

/* -- settings ------------------------------------------------------------------- */

enum err_code
store_set_lock_increase(struct store *store, struct err *err)
{
	enum err_code code = store_write_begin(store, err);

	if (code == ERR_OK)
		code = db_run(&store->main, SQL_LOCK_INCREASE, DB_NO_VALUES, err);
	return store_write_finish(store, code, err);
}

enum err_code
store_jobs_prune(struct db *db, struct err *err)
{
	enum err_code code;
	int64_t over = 0;

	code = db_number(db, SQL_JOBS_OVER, DB_NO_VALUES, &over, err);
	return code != ERR_OK || over <= 0 ? code :
	    db_run(db, SQL_JOBS_PRUNE, DB_VALUES(db_int(over)), err);
}

enum err_code
store_job_max_rows_set(struct store *store, uint32_t max, struct err *err)
{
	enum err_code code = store_write_begin(store, err);

	if (code == ERR_OK)
		code = db_run(&store->main, SQL_JOB_MAX_ROWS_SET, DB_VALUES(db_int(max)), err);
	if (code == ERR_OK)
		code = store_jobs_prune(&store->main, err);
	return store_write_finish(store, code, err);
}

enum err_code
store_stale_after_set(struct store *store, uint32_t seconds, struct err *err)
{
	struct store_totals totals;
	enum err_code code = store_totals_read(store, &totals, err);

	if (code != ERR_OK || totals.stale_after_s == seconds)
		return code;
	code = store_write_begin(store, err);
	if (code == ERR_OK)
		code = db_run(&store->main, SQL_STALE_AFTER_SET, DB_VALUES(db_int(seconds)), err);
	return store_write_finish(store, code, err);
}
