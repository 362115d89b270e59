/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rows that store_copy() reads and an engine writes, and the programs that may use a store; see
 * store_copy.h.
 */
#include "store/store_copy.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/model.h"

enum err_code
copy_rows_next(struct copy_rows *rows, bool *ret_row, struct err *err)
{
	enum err_code code = db_next(rows->from, rows->stmt, ret_row, err);
	size_t n;

	if (code != ERR_OK || !*ret_row)
		return code;
	for (n = 0; n < rows->stmt->n; n++) {
		rows->values[n] = rows->stmt->values[n];
		if (rows->values[n].type == DB_OTHER)
			return err_set(err, ERR_CORRUPT, "%s: " DB_DAMAGED " (table %s, a value is "
			    "neither an integer nor a text)", rows->from->path, rows->table->name);
	}
	if (rows->table->changed)
		rows->values[n++] = db_int(++*rows->change);
	rows->n = n;
	rows->key = db_integer(rows->stmt, 0);
	rows->count++;
	return ERR_OK;
}

const char *
copy_sums_text(const struct copy_totals *totals, char buf[COPY_SUMS_SIZE])
{
	int used = 0;

	for (size_t i = 0; i < COPY_SUMS; i++)
		used += snprintf(buf + used, COPY_SUMS_SIZE - (size_t)used, "%s%" PRId64,
		    i == 0 ? "" : ", ", totals->sums[i]);
	return buf;
}

const char *
store_program(size_t i)
{
	const struct plane_kind *kind;

	if (i == 0)
		return "lbclusterd";
	kind = plane_kind_at(i - 1);
	return kind == NULL ? NULL : kind->driver;
}
