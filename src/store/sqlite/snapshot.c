/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Copies lbcluster.db to memory, to read it or to check it.
 */
#include "store/sqlite/sqlite_private.h"

enum err_code
store_snapshot(struct store *store, struct err *err)
{
	enum err_code code;
	struct db copy;

	if ((code = sqlite_copy_make(&store->main, &copy, err)) != ERR_OK)
		return store_note_read(store, code, err);
	db_free(&store->main);
	store->main = copy;
	return ERR_OK;
}

enum err_code
store_verify(struct store *store, struct err *err)
{
	return sqlite_copy_verify(&store->main, err);
}
