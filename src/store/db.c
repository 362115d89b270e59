/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Calls the functions of the engine, and queries that are made of them; see db.h.
 */
#include "store/db.h"

bool
db_is_open(const struct db *db)
{
	return db->engine->is_open(db);
}

void
db_close(struct db *db)
{
	db->engine->close(db);
}

void
db_free(struct db *db)
{
	db->engine->free(db);
}

enum err_code
db_query(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, struct err *err)
{
	return db->engine->query(db, sql, values, n, ret_stmt, err);
}

enum err_code
db_next(struct db *db, struct db_statement *stmt, bool *ret_row, struct err *err)
{
	return db->engine->next(db, stmt, ret_row, err);
}

void
db_reset(struct db_statement *stmt)
{
	if (stmt != NULL)
		stmt->engine->reset(stmt);
}

enum err_code
db_insert(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    int64_t *ret_id, struct err *err)
{
	return db->engine->insert(db, sql, values, n, ret_id, err);
}

int64_t
db_changed_rows(const struct db *db)
{
	return db->engine->changed_rows(db);
}

enum err_code
db_rows_put(struct db *db, enum shape_id shape, const void *rows, size_t n, size_t size,
    struct err *err)
{
	return db->engine->rows_put(db, shape, rows, n, size, err);
}

enum err_code
db_begin(struct db *db, enum db_begin how, struct err *err)
{
	return db->engine->begin(db, how, err);
}

enum err_code
db_commit(struct db *db, struct err *err)
{
	return db->engine->commit(db, err);
}

void
db_rollback(struct db *db)
{
	db->engine->rollback(db);
}

void
db_wait_set(struct db *db, int wait_ms)
{
	db->engine->wait_set(db, wait_ms);
}

enum err_code
db_version(struct db *db, int64_t *ret, struct err *err)
{
	return db->engine->version(db, ret, err);
}

enum err_code
db_write_check(const struct db *db, struct err *err)
{
	return db->engine->write_check(db, err);
}

void
db_hidden_repair(const struct db *db)
{
	db->engine->hidden_repair(db);
}

/* -- made of the functions above ------------------------------------------------------ */

enum err_code
db_first(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct db_statement **ret_stmt, bool *ret_row, struct err *err)
{
	enum err_code code = db_query(db, sql, values, n, ret_stmt, err);

	return code == ERR_OK ? db_next(db, *ret_stmt, ret_row, err) : code;
}

enum err_code
db_number(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    int64_t *ret, struct err *err)
{
	struct db_statement *stmt = NULL;
	enum err_code code;
	bool row;

	code = db_first(db, sql, values, n, &stmt, &row, err);
	if (code != ERR_OK || !row)
		return code;
	*ret = db_integer(stmt, 0);
	db_reset(stmt);
	return ERR_OK;
}

enum err_code
db_run(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct err *err)
{
	int64_t ignored;

	return db_number(db, sql, values, n, &ignored, err);
}

enum err_code
db_queue(struct db *db, unsigned int sql, const struct db_value *values, size_t n,
    struct err *err)
{
	return db->engine->queue == NULL ? db_run(db, sql, values, n, err) :
	    db->engine->queue(db, sql, values, n, err);
}
