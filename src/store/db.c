/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Queries that are made of the functions of an engine; see db.h.
 */
#include "store/db.h"

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
