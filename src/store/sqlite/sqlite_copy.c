/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Copies a database file to memory, for a reader of all rows or pages while other programs write.
 *
 * A read transaction over all rows would block commits for as long as the rows take. Copying
 * the pages takes a tenth of that time. It is done in slices. If a program writes between two
 * slices, SQLite starts the copy again, and the slices become larger: the last has all pages.
 */
#include "store/sqlite/sqlite_private.h"

#include <limits.h>
#include <stdlib.h>

/* The first slices have 8 MiB and take about 15 ms: up to 100,000 real services. */
enum { SLICE_PAGES = 2000 };

static enum err_code
pages_copy(struct db *db, sqlite3 *copy, struct err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db->state->handle, "main");
	int rc = SQLITE_OK, left = INT_MAX, pages = SLICE_PAGES;

	if (backup == NULL)
		return sqlite_error(db, sqlite3_errcode(copy), err);
	while (rc == SQLITE_OK) {
		int before = left;

		rc = sqlite3_backup_step(backup, pages);
		left = sqlite3_backup_remaining(backup);
		if (left >= before && pages < INT_MAX / 2)
			pages *= 2;
	}
	sqlite3_backup_finish(backup);
	return rc == SQLITE_DONE ? ERR_OK : sqlite_error(db, rc, err);
}

enum err_code
sqlite_copy_make(struct db *db, struct db *ret, struct err *err)
{
	struct db_state *state = malloc(sizeof(*state));
	struct db copy = { .engine = db->engine, .path = db->path, .state = state,
		.wait_ms = db->wait_ms };
	enum err_code code;

	if (state == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory for a copy", db->path);
	*state = (struct db_state){ .kind = db->state->kind, .verify = db->state->verify,
		.file = db->state->file };
	if (sqlite3_open(":memory:", &state->handle) == SQLITE_OK &&
	    sqlite3_exec(state->handle, "PRAGMA foreign_keys = ON", NULL, NULL, NULL) == SQLITE_OK)
		code = pages_copy(db, state->handle, err);
	else
		code = err_set(err, ERR_NOMEM, "%s: out of memory for a copy", db->path);
	if (code == ERR_OK)
		*ret = copy;
	else
		db_free(&copy);
	return code;
}
