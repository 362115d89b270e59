/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A draft of a large change: the caller changes a copy of lbcluster.db in memory, then the rows
 * that differ are written to the file. So the lock is held for the writing only, and not while
 * the caller compares rows and while the triggers run.
 *
 * Other programs may write to the file meanwhile. Their changes stay if they are about other
 * rows, as those of a SET are. Otherwise there is a conflict, and the caller makes a new draft.
 */
#include "store/sqlite/sqlite_private.h"

#include <string.h>

#include "store/shapes.h"
#include "util/memory.h"

/* -- the copy ------------------------------------------------------------------------- */

/* sqlite_draft_real_insert() does the work of trigger real_service_insert. Table removed keeps all
 * rows that the draft removes: draft_write() needs them, and the servers that it removes.
 * Table begun keeps the totals before the draft, begun_ids the highest ids. */
static const char draft_sql[] =
    "DROP TRIGGER removed_prune;"
    "DROP TRIGGER real_service_insert;"
    "CREATE TEMP TABLE begun AS SELECT * FROM store;"
    "CREATE TEMP TABLE begun_ids AS SELECT * FROM sqlite_sequence;"
    "CREATE TEMP TABLE removed_servers (id INTEGER PRIMARY KEY);"
    "CREATE TEMP TRIGGER server_delete AFTER DELETE ON server BEGIN"
    " INSERT INTO removed_servers VALUES (OLD.id); END";

/* Closes a draft, and uses the file again. */
static void
draft_end(struct store *store)
{
	store->in_transaction = false;
	db_free(&store->main);
	store->main = store->file;
	store->file = (struct db){ .state = NULL };
}

/* Begins a transaction like store_begin(), but on a copy in memory. */
static enum err_code
draft_begin(struct store *store, struct err *err)
{
	struct db *db = &store->main;
	struct db copy;
	enum err_code code;

	if ((code = sqlite_main_step(store, true, err)) != ERR_OK ||
	    (code = sqlite_copy_make(db, &copy, err)) != ERR_OK)
		return store_note_write(store, code, err);
	store->file = *db;
	*db = copy;
	store->in_transaction = true;
	store->draft_change = store->draft_change_end = 0;
	if ((code = sqlite_exec(db, "PRAGMA temp_store = MEMORY", err)) != ERR_OK ||
	    (code = db_begin(db, DB_BEGIN_WRITE, err)) != ERR_OK ||
	    (code = sqlite_identity_check(store, err)) != ERR_OK ||
	    (code = sqlite_exec(db, draft_sql, err)) != ERR_OK ||
	    (code = db_number(db, SQL_CHANGE, DB_NO_VALUES, &store->begin_change, err)) != ERR_OK)
		draft_end(store);
	return code;
}

/* Returns the next value of the counter. The draft reserves many values at once. */
static enum err_code
change_take(struct store *store, int64_t *ret, struct err *err)
{
	enum { TAKEN = 1000 };

	if (store->draft_change == store->draft_change_end) {
		enum err_code code;

		if ((code = db_run(&store->main, SQL_DRAFT_NUMBERS, DB_VALUES(db_int(TAKEN)),
		    err)) != ERR_OK || (code = db_number(&store->main, SQL_CHANGE, DB_NO_VALUES,
		    &store->draft_change_end, err)) != ERR_OK)
			return code;
		store->draft_change = store->draft_change_end - TAKEN;
	}
	*ret = ++store->draft_change;
	return ERR_OK;
}

/* Finds or adds the server of a real service. */
static enum err_code
server_take(struct db *db, const struct real_row *row, uint32_t *ret, struct err *err)
{
	int64_t cluster_id = 0, id = 0;
	struct db_statement *stmt;
	enum err_code code;
	bool found;

	code = db_first(db, SQL_DRAFT_SERVER, DB_VALUES(db_int(row->service_id),
	    db_str(row->name)), &stmt, &found, err);
	if (code != ERR_OK)
		return code;
	if (found) {
		cluster_id = db_integer(stmt, 0);
		id = db_integer(stmt, 1);
		db_reset(stmt);
	}
	if (found && id == 0)
		code = db_insert(db, SQL_SERVER_INSERT, DB_VALUES(db_int(cluster_id),
		    db_str(row->name)), &id, err);
	*ret = (uint32_t)id;
	return code;
}

/* The trigger would write the row, its indexes and the counter a second time. */
enum err_code
sqlite_draft_real_insert(struct store *store, const struct real_row *row, int64_t *ret_id,
    struct err *err)
{
	struct db_value values[SHAPE_COLUMNS_MAX];
	struct store_real_view numbered = { .row = *row };
	int64_t change = 0;
	enum err_code code;
	size_t n;

	if ((code = server_take(&store->main, row, &numbered.row.server_id, err)) != ERR_OK ||
	    (code = change_take(store, &change, err)) != ERR_OK)
		return code;
	n = shape_values(&shapes[SHAPE_REAL], &numbered, values);
	values[10] = db_int(change);	/* ?11 */
	return db_insert(&store->main, SQL_REAL_NUMBERED, values, n, ret_id, err);
}

/* -- conflicts ------------------------------------------------------------------------- */

/* Looks for a row that another program and the draft have changed: 'rows' lists the rows of the
 * file that changed, 'same' says whether the draft has left one as it was. Sets *ret if there is
 * one. */
static enum err_code
rows_conflict(struct store *store, struct db *copy, enum sqlite_sql rows, enum sqlite_sql same,
    bool *ret, struct err *err)
{
	const struct db_value before = db_int(store->begin_change);
	struct db_statement *stmt;
	enum err_code code;
	bool row;

	code = db_first(&store->main, rows, &before, 1, &stmt, &row, err);
	while (code == ERR_OK && row) {
		int64_t is_same = 0;

		code = db_number(copy, same, DB_VALUES(db_int(db_integer(stmt, 0)), before),
		    &is_same, err);
		if (code != ERR_OK || is_same == 0) {
			*ret = true;
			db_reset(stmt);
			return code;
		}
		code = db_next(&store->main, stmt, &row, err);
	}
	return code;
}

/* Decides whether the file has changes that the draft may contradict. A job that both have added
 * has the same id in both. */
static enum err_code
conflict_find(struct store *store, struct db *copy, int64_t moved, bool *ret, struct err *err)
{
	const struct db_value before = db_int(store->begin_change);
	int64_t others = 0;
	enum err_code code;

	*ret = moved < 0;
	if (moved <= 0)
		return ERR_OK;
	code = db_number(&store->main, SQL_DRAFT_OTHERS, &before, 1, &others, err);
	*ret = others != 0;
	if (code == ERR_OK && !*ret)
		code = rows_conflict(store, copy, SQL_DRAFT_REALS, SQL_DRAFT_REAL_SAME, ret, err);
	if (code == ERR_OK && !*ret)
		code = rows_conflict(store, copy, SQL_DRAFT_JOBS, SQL_DRAFT_JOB_SAME, ret, err);
	return code;
}

/* -- writing --------------------------------------------------------------------------- */

static enum err_code
statement_prepare(struct db *db, char *text, sqlite3_stmt **ret, struct err *err)
{
	int rc = text == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(db->state->handle, text, -1, ret,
	    NULL);

	sqlite3_free(text);
	return rc == SQLITE_OK ? ERR_OK : sqlite_error(db, rc, err);
}

/* Copies a row; its number of the change moves by 'moved'. */
static enum err_code
row_copy(struct db *to, sqlite3_stmt *from, sqlite3_stmt *insert, int64_t moved, struct err *err)
{
	int rc = SQLITE_OK;

	for (int i = 0; i < sqlite3_column_count(from) && rc == SQLITE_OK; i++) {
		if (strcmp(sqlite3_column_name(from, i), "changed") == 0)
			rc = sqlite3_bind_int64(insert, i + 1, sqlite3_column_int64(from, i) +
			    moved);
		else
			rc = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(from, i));
	}
	if (rc == SQLITE_OK && (rc = sqlite3_step(insert)) == SQLITE_DONE)
		rc = SQLITE_OK;
	if (rc != SQLITE_OK)
		return sqlite_error(to, rc, err);
	sqlite3_reset(insert);
	return ERR_OK;
}

/* "INSERT INTO TABLE VALUES (?, ?)" with 'n' parameters. */
static char *
insert_text(const char *table, int n)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	sqlite3_str_appendf(text, "INSERT INTO %s VALUES (?", table);
	for (int i = 1; i < n; i++)
		sqlite3_str_appendall(text, ",?");
	sqlite3_str_appendall(text, ")");
	return sqlite3_str_finish(text);
}

/* Inserts the rows of a table that the draft has added or changed: those that 'select' returns,
 * which sqlite3_free() frees. */
static enum err_code
selected_insert(struct store *store, struct db *copy, const char *table, char *select,
    int64_t moved, struct err *err)
{
	sqlite3_stmt *from = NULL, *insert = NULL;
	enum err_code code;
	bool row = true;

	code = statement_prepare(copy, select, &from, err);
	if (code == ERR_OK)
		code = statement_prepare(&store->main, insert_text(table,
		    sqlite3_column_count(from)), &insert, err);
	while (code == ERR_OK && (code = sqlite_step(copy, from, &row, err)) == ERR_OK && row)
		code = row_copy(&store->main, from, insert, moved, err);
	sqlite3_finalize(from);
	sqlite3_finalize(insert);
	return code;
}

static enum err_code
rows_insert(struct store *store, struct db *copy, const char *table, int64_t moved,
    struct err *err)
{
	return selected_insert(store, copy, table, sqlite3_mprintf("SELECT * FROM %s"
	    " WHERE changed > %lld ORDER BY %s", table, (long long)store->begin_change,
	    strcmp(table, "removed") == 0 ? "changed" : "id"), moved, err);
}

/* Runs statement 'delete' for each id that 'select' returns, which sqlite3_free() frees. */
static enum err_code
selected_delete(struct store *store, struct db *copy, unsigned int delete, char *select,
    struct err *err)
{
	sqlite3_stmt *ids = NULL;
	enum err_code code = statement_prepare(copy, select, &ids, err);
	bool row = true;

	while (code == ERR_OK && (code = sqlite_step(copy, ids, &row, err)) == ERR_OK && row)
		code = db_run(&store->main, delete, DB_VALUES(db_int(sqlite3_column_int64(ids, 0))),
		    err);
	sqlite3_finalize(ids);
	return code;
}

/* A server does not change: the draft adds it or removes it. */
static enum err_code
servers_write(struct store *store, struct db *copy, struct err *err)
{
	enum err_code code = selected_delete(store, copy, SQL_SERVER_DELETE,
	    sqlite3_mprintf("SELECT id FROM removed_servers"), err);

	return code != ERR_OK ? code : selected_insert(store, copy, "server", sqlite3_mprintf(
	    "SELECT * FROM server WHERE id > coalesce((SELECT seq FROM begun_ids"
	    " WHERE name = 'server'), 0) ORDER BY id"), 0, err);
}

/* Deletes the rows that the draft has removed or changed: an older row must not break a rule of
 * uniqueness that the new rows keep. */
static enum err_code
rows_delete(struct store *store, struct db *copy, struct err *err)
{
	enum err_code code = ERR_OK;

	for (unsigned int kind = STORE_CLUSTER; kind <= STORE_JOB && code == ERR_OK; kind++) {
		const char *table = shapes[kind].table;

		code = selected_delete(store, copy, SQL_OF_ROWS(ROW_DELETE, kind),
		    sqlite3_mprintf("SELECT id FROM removed WHERE changed > %lld AND kind = %u"
		    " UNION ALL SELECT id FROM %s WHERE changed > %lld"
		    " AND id <= coalesce((SELECT seq FROM begun_ids WHERE name = '%s'), 0)",
		    (long long)store->begin_change, kind, table, (long long)store->begin_change,
		    table), err);
	}
	return code;
}

/* What the draft adds to each total, and the times that it changed. */
static const char totals_sql[] =
    "SELECT s.change - b.change, s.config_changes - b.config_changes,"
    " iif(s.config_changes = b.config_changes, 0, s.config_last_change),"
    " iif(s.table_last_change = b.table_last_change, 0, s.table_last_change),"
    " s.job_rows - b.job_rows, s.jobs_open - b.jobs_open,"
    " s.jobs_succeeded - b.jobs_succeeded, s.jobs_failed - b.jobs_failed,"
    " s.jobs_bumped - b.jobs_bumped FROM store AS s, begun AS b";

static enum err_code
totals_add(struct store *store, struct db *copy, struct err *err)
{
	struct db_value values[9];
	sqlite3_stmt *stmt = NULL;
	enum err_code code;
	bool row = false;

	code = statement_prepare(copy, sqlite3_mprintf("%s", totals_sql), &stmt, err);
	if (code == ERR_OK)
		code = sqlite_step(copy, stmt, &row, err);
	for (int i = 0; i < (int)ROWS(values) && row; i++)
		values[i] = db_int(sqlite3_column_int64(stmt, i));
	sqlite3_finalize(stmt);
	return !row ? code : db_run(&store->main, SQL_DRAFT_ADD, values, ROWS(values), err);
}

static enum err_code
rows_write(struct store *store, struct db *copy, int64_t moved, struct err *err)
{
	enum err_code code = rows_delete(store, copy, err);

	for (unsigned int kind = STORE_CLUSTER; kind <= STORE_JOB && code == ERR_OK; kind++)
		code = rows_insert(store, copy, shapes[kind].table, moved, err);
	if (code == ERR_OK)
		code = rows_insert(store, copy, "removed", moved, err);
	if (code == ERR_OK)
		code = servers_write(store, copy, err);
	return code == ERR_OK ? totals_add(store, copy, err) : code;
}

/* Writes the rows that differ between 'copy' and the store before it, in a write transaction.
 * *ret_conflict, with ERR_OK: another program changed such rows; the caller rolls back. */
static enum err_code
draft_write(struct store *store, struct db *copy, bool *ret_conflict, struct err *err)
{
	int64_t change = 0, moved;
	enum err_code code;

	if ((code = db_number(&store->main, SQL_CHANGE, DB_NO_VALUES, &change, err)) != ERR_OK)
		return code;
	moved = change - store->begin_change;
	code = conflict_find(store, copy, moved, ret_conflict, err);
	if (code != ERR_OK || *ret_conflict)
		return code;
	/* The rules have done their work in the draft. */
	sqlite_rules_set(&store->main, false);
	code = rows_write(store, copy, moved, err);
	sqlite_rules_set(&store->main, true);
	*ret_conflict = code == ERR_INVALID;
	store->begin_change = change;
	return *ret_conflict ? ERR_OK : code;
}

/* Writes what the draft has changed and calls 'settle', in one durable transaction. The draft has
 * ended in any case. *ret_conflict, with ERR_OK: nothing was written, because other programs
 * changed rows that the draft depends on. */
static enum err_code
draft_commit(struct store *store, enum err_code (*settle)(void *arg), void *arg,
    bool *ret_conflict, struct err *err)
{
	struct db copy = store->main;
	enum err_code code;

	*ret_conflict = false;
	store->main = store->file;
	store->file = (struct db){ .state = NULL };
	store->in_transaction = false;
	if ((code = store_write_begin(store, err)) == ERR_OK)
		code = draft_write(store, &copy, ret_conflict, err);
	db_free(&copy);
	store->in_transaction = code == ERR_OK && !*ret_conflict;
	if (store->in_transaction && (settle == NULL || (code = settle(arg)) == ERR_OK))
		return store_commit(store, err);
	store_rollback(store);
	return store_note_write(store, code, err);
}

enum { DRAFTS_MAX = 4 };

enum err_code
sqlite_change(struct store *store, enum err_code (*prepare)(void *arg),
    enum err_code (*settle)(void *arg), void *arg, struct err *err)
{
	enum err_code code = ERR_OK;
	bool conflict = true;

	for (int i = 0; i < DRAFTS_MAX && code == ERR_OK && conflict; i++) {
		if ((code = draft_begin(store, err)) != ERR_OK)
			return code;
		if ((code = prepare(arg)) == ERR_OK)
			code = draft_commit(store, settle, arg, &conflict, err);
		else
			draft_end(store);
	}
	return code != ERR_OK || !conflict ? code :
	    store_change_locked(store, prepare, settle, arg, err);
}
