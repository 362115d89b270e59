/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbcluster.db: opened, and its state. See enum file_state.
 */
#include "store/sqlite/sqlite_private.h"

#include "util/clock.h"

/* -- the state of the file -------------------------------------------------------- */

enum err_code
sqlite_main_open(struct store *store, struct err *err)
{
	enum err_code code;

	if ((code = sqlite_lock_take(store, false, err)) != ERR_OK)
		return code;
	return sqlite_open(&store->main, store->mode != STORE_READ, store->wait_ms, err);
}

enum err_code
sqlite_main_claim(struct store *store, struct err *err)
{
	enum err_code code = sqlite_lock_take(store, true, err);

	if (code == ERR_OK)
		code = db_number(&store->main, SQL_BIRTH, DB_NO_VALUES, &store->birth, err);
	if (code != ERR_OK) {
		db_close(&store->main);
		return code;
	}
	store->main_file.state = FILE_OPEN;
	store->generation++;
	return ERR_OK;
}

enum err_code
sqlite_identity_check(struct store *store, struct err *err)
{
	struct db *db = &store->main;
	int64_t birth = 0, version = 0;
	enum err_code code;

	if ((code = db_number(db, SQL_BIRTH, DB_NO_VALUES, &birth, err)) != ERR_OK ||
	    (code = db_number(db, SQL_USER_VERSION, DB_NO_VALUES, &version, err)) != ERR_OK)
		return code;
	if (birth == store->birth && version == (int64_t)db->state->kind->n_migrations)
		return ERR_OK;
	store->main_file.state = FILE_REPLACED;
	store->main_file.retry_at_ms = 0;
	store->replaced = true;
	return store_replaced_error(store, err);
}

static enum err_code
main_reopen(struct store *store)
{
	struct store_file *file = &store->main_file;
	enum err_code code;
	struct err err;

	store->replaced |= !sqlite_is_in_place(&store->main);
	db_close(&store->main);
	file->retry_at_ms = clock_steady_ms() + STORE_RETRY_MS;
	if ((code = sqlite_main_open(store, &err)) == ERR_OK &&
	    (code = sqlite_main_claim(store, &err)) == ERR_OK)
		return ERR_OK;
	/* ERR_NOT_FOUND would mean a row, and ERR_PRECOND a rule or the end of this process. */
	if (code == ERR_NOT_FOUND)
		code = ERR_IO;
	if (code == ERR_PRECOND)
		code = ERR_BUSY;
	if (code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_NEWER)
		file->state = FILE_DAMAGED;
	store_result_set(&store->read, code, &err);
	return code;
}

enum err_code
sqlite_main_step(struct store *store, bool writes, struct err *err)
{
	struct store_file *file = &store->main_file;
	bool at_once = false;

	if (store->in_transaction)
		return ERR_OK;
	if (store_file_is_open(file) &&
	    !(sqlite_is_in_place(&store->main) && sqlite_lock_is_in_place(store))) {
		file->state = FILE_REPLACED;
		file->retry_at_ms = 0;
	}
	switch (file->state) {
	case FILE_OPEN:
	case FILE_BUSY:
		return ERR_OK;
	case FILE_REPLACED:
	case FILE_IN_DOUBT:
		at_once = writes;
		break;
	case FILE_DAMAGED:
		break;
	}
	if ((at_once || clock_steady_ms() >= file->retry_at_ms) && main_reopen(store) == ERR_OK)
		return ERR_OK;
	return err_set(err, store->read.code, "%s", store->read.text);
}
