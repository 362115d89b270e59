/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Write transactions of the inventory.
 */
#include "store/store_private.h"

#include "util/clock.h"

enum { WRITE_CHECK_MS = 1000 };

enum err_code
store_write_begin(struct store *store, struct err *err)
{
	int64_t birth = store->birth;
	enum err_code code;

	if (store->in_transaction)
		return ERR_OK;
	if ((code = store->engine->main_step(store, true, err)) != ERR_OK)
		return code;
	if (store->birth != birth)
		return store_replaced_error(store, err);
	if ((code = db_write_check(&store->main, err)) != ERR_OK ||
	    (code = db_begin(&store->main, DB_BEGIN_WRITE, err)) != ERR_OK)
		return code;
	return store->engine->identity_check(store, err);
}

enum err_code
store_write_commit(struct store *store, struct err *err)
{
	enum err_code code;

	if (store->in_transaction)
		return ERR_OK;
	store->committed = true;
	code = db_commit(&store->main, err);
	if (code == ERR_DOUBT) {
		store->main_file.state = FILE_IN_DOUBT;
		store->main_file.retry_at_ms = 0;
	}
	return code;
}

void
store_write_end(struct store *store)
{
	if (!store->in_transaction)
		db_rollback(&store->main);
}

enum err_code
store_write_finish(struct store *store, enum err_code code, struct err *err)
{
	if (code == ERR_OK)
		code = store_write_commit(store, err);
	store_write_end(store);
	return store_note_write(store, code, err);
}

void
store_write_check(struct store *store)
{
	int64_t now = clock_steady_ms();
	enum err_code code;
	struct err err;

	if (store->mode == STORE_READ || !store_file_is_open(&store->main_file) ||
	    store->in_transaction || now < store->write_check_at_ms)
		return;
	store->write_check_at_ms = now + WRITE_CHECK_MS;
	if (store->write.code == ERR_OK) {
		code = db_write_check(&store->main, &err);
	} else {
		db_wait_set(&store->main, 0);
		code = store_write_begin(store, &err);
		db_rollback(&store->main);
		db_wait_set(&store->main, store->wait_ms);
	}
	store_note_write(store, code, &err);
}
