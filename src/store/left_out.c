/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rows that the schema forbids, and that readers do not get: a row without its parent, a
 * second row of a name, a second fallback, a row that no trigger stamped as changed.
 *
 * The constraints and triggers of the schema prevent such rows. A person who repairs a store
 * by hand can turn both off. Every reader leaves out the same row, so lbclusterd, the drivers
 * and lbclusterctl show the same inventory. Of two rows that exclude each other the row with
 * the lower id is served. The expressions that find such rows are in shapes.c.
 */
#include "store/store_private.h"

#include <stdio.h>

void
store_left_out_note(struct store *store, enum store_kind kind, uint32_t id,
    enum left_out_why why)
{
	struct store_left_out *row = store->left_out;

	for (size_t i = 0; i < store->n_left_out; i++, row++) {
		if (row->kind != kind || row->id != id)
			continue;
		if (row->why != why || row->state == LEFT_OUT_ENDED)
			row->state = LEFT_OUT_NEW;
		row->why = why;
		return;
	}
	if (store->n_left_out < LEFT_OUT_MAX)
		store->left_out[store->n_left_out++] = (struct store_left_out){ .kind = kind,
		    .id = id, .why = why, .state = LEFT_OUT_NEW };
}

/* Notes the rows of a statement whose columns are the id and why the row is left out. 'sink'
 * (may be NULL) loses each row that is noted for the first time. */
static enum err_code
rows_note(struct store *store, unsigned int sql, const struct db_value *values, size_t n,
    enum store_kind kind, const struct store_sink *sink, struct err *err)
{
	struct db_statement *stmt;
	enum err_code code;
	bool row = false;

	code = db_query(&store->main, sql, values, n, &stmt, err);
	while (code == ERR_OK && (code = db_next(&store->main, stmt, &row, err)) == ERR_OK && row) {
		size_t known = store->n_left_out;
		int64_t id = db_integer(stmt, 0);

		if (id < 1 || id > MODEL_ID_MAX)
			continue;
		store_left_out_note(store, kind, (uint32_t)id,
		    (enum left_out_why)db_integer(stmt, 1));
		if (sink == NULL || store->n_left_out == known ||
		    (code = sink->removed(sink->arg, kind, (uint32_t)id)) == ERR_OK)
			continue;
		db_reset(stmt);
		return err_set(err, code, "%s", err_name(code));
	}
	return code;
}

enum err_code
store_left_out_below(struct store *store, enum store_kind kind, uint32_t id, struct err *err)
{
	return kind > STORE_REAL ? ERR_OK : rows_note(store, SQL_OF_ROWS(ROW_ORPHANS, kind + 1),
	    DB_VALUES(db_int(id)), kind + 1, NULL, err);
}

enum err_code
store_left_out_unnumbered(struct store *store, enum store_kind kind,
    const struct store_sink *sink, struct err *err)
{
	return rows_note(store, SQL_OF_ROWS(ROW_UNNUMBERED, kind), DB_NO_VALUES, kind, sink, err);
}

enum err_code
store_left_out_find(struct store *store, struct err *err)
{
	enum err_code code = ERR_OK;

	for (enum store_kind kind = STORE_CLUSTER; kind <= STORE_JOB && code == ERR_OK; kind++)
		code = rows_note(store, SQL_OF_ROWS(ROW_LEFT_OUT, kind), DB_NO_VALUES, kind, NULL,
		    err);
	return code;
}

enum err_code
store_left_out_check(struct store *store, bool *ret_repaired, struct err *err)
{
	enum err_code code = ERR_OK;

	*ret_repaired = false;
	for (size_t i = 0; i < store->n_left_out && code == ERR_OK; i++) {
		struct store_left_out *row = &store->left_out[i];
		int64_t why = -1;	/* the row is removed */

		if (row->state == LEFT_OUT_ENDED)
			continue;
		code = db_number(&store->main, SQL_OF_ROWS(ROW_WHY, row->kind),
		    DB_VALUES(db_int(row->id)), &why, err);
		if (code != ERR_OK)
			break;
		*ret_repaired |= why == LEFT_OUT_NOT;
		if (why == LEFT_OUT_NOT || why == -1)
			row->state = LEFT_OUT_ENDED;
		else if ((enum left_out_why)why != row->why)
			row->state = LEFT_OUT_NEW;
		if (why != -1)
			row->why = (enum left_out_why)why;
	}
	return code;
}

/* What is wrong with the row, and the statement that repairs it. */
static void
row_text(const struct store *store, const struct store_left_out *row, char *text, size_t size)
{
	const struct shape *shape = &shapes[row->kind];
	const char *path = store->main.path;

	switch (row->why) {
	case LEFT_OUT_NOT:
		break;
	case LEFT_OUT_PARENT:
		snprintf(text, size, "%s: row %u of table %s is left out: its %s names no row of "
		    "table %s; remove it: sqlite3 %s 'DELETE FROM %s WHERE id = %u'", path,
		    row->id, shape->table, shape->parent_column, shape->parent, path,
		    shape->table, row->id);
		break;
	case LEFT_OUT_NAME:
		snprintf(text, size, "%s: row %u of table %s is left out: another row has its "
		    "name; rename it: sqlite3 %s \"UPDATE %s SET name = 'NEW' WHERE id = %u\"",
		    path, row->id, shape->table, path, shape->table, row->id);
		break;
	case LEFT_OUT_CHANGE:
		snprintf(text, size, "%s: row %u of table %s is left out: no trigger set its "
		    "column changed; set it: sqlite3 %s 'UPDATE store SET change = change + 1; "
		    "UPDATE %s SET changed = (SELECT change FROM store) WHERE id = %u'", path,
		    row->id, shape->table, path, shape->table, row->id);
		break;
	case LEFT_OUT_FALLBACK:
		snprintf(text, size, "%s: row %u of table %s is left out: its service has another "
		    "fallback; clear it: sqlite3 %s 'UPDATE %s SET fallback = 0 WHERE id = %u'",
		    path, row->id, shape->table, path, shape->table, row->id);
		break;
	}
}

void
store_left_out_report(struct store *store,
    void (*fn)(void *arg, bool repaired, const char *text), void *arg)
{
	char text[2 * ERR_TEXT_SIZE];
	size_t left = 0;

	for (size_t i = 0; i < store->n_left_out; i++) {
		struct store_left_out row = store->left_out[i];

		if (row.state == LEFT_OUT_ENDED)
			snprintf(text, sizeof(text), "%s: row %u of table %s is repaired",
			    store->main.path, row.id, shapes[row.kind].table);
		else if (row.state == LEFT_OUT_NEW)
			row_text(store, &row, text, sizeof(text));
		if (row.state != LEFT_OUT_REPORTED)
			fn(arg, row.state == LEFT_OUT_ENDED, text);
		if (row.state == LEFT_OUT_ENDED)
			continue;
		row.state = LEFT_OUT_REPORTED;
		store->left_out[left++] = row;
	}
	store->n_left_out = left;
}
