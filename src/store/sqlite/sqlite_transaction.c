/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The engine of db.h with SQLite: transactions, db_insert(), SQL that is not in the table of
 * statements. Most of these functions need db.c, which needs sqlite_engine.c: one file for all
 * would be a circle.
 */
#include "store/sqlite/sqlite_private.h"

enum err_code
sqlite_exec(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->state->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, err);
}

/* INSERT ... RETURNING would make a SET 2 % slower. */
enum err_code
db_insert(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    int64_t *ret_id, struct err *err)
{
	enum err_code code = db_run(db, sql, values, n, err);

	if (code == ERR_OK)
		*ret_id = sqlite3_last_insert_rowid(db->state->handle);
	return code;
}

void
db_rules_set(struct db *db, bool on)
{
	sqlite3 *handle = db->state->handle;

	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)on, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, (int)on, NULL);
	(void)sqlite_exec(db, on ? "PRAGMA ignore_check_constraints = OFF" :
	    "PRAGMA ignore_check_constraints = ON", NULL);
}

enum err_code
db_version(struct db *db, int64_t *ret, struct err *err)
{
	return db_number(db, SQL_DATA_VERSION, DB_NO_VALUES, ret, err);
}

enum err_code
db_begin(struct db *db, enum db_begin how, struct err *err)
{
	return db_run(db, how == DB_BEGIN_WRITE ? SQL_BEGIN_IMMEDIATE : SQL_BEGIN, DB_NO_VALUES,
	    err);
}

enum err_code
db_commit(struct db *db, struct err *err)
{
	enum err_code code = db_run(db, SQL_COMMIT, DB_NO_VALUES, err);

	if (code == ERR_OK)
		return ERR_OK;
	db_rollback(db);
	/* After a failed fsync(2) at the end the commit may be found when the file is opened
	 * again: seen with SQLite 3.40.1 in both journal modes. */
	if (code == ERR_IO && err != NULL)
		err->code = ERR_DOUBT;
	return code == ERR_IO ? ERR_DOUBT : code;
}

void
db_rollback(struct db *db)
{
	if (db_is_open(db) && !sqlite3_get_autocommit(db->state->handle))
		(void)db_run(db, SQL_ROLLBACK, DB_NO_VALUES, NULL);
}
