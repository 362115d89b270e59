/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Replaces the open lbcluster.db by a copy in memory.
 */
#include "store/store_private.h"

enum err_code
store_snapshot(struct store *store, struct err *err)
{
	enum err_code code;
	sqlite3 *copy;

	if ((code = db_copy_make(&store->main, &copy, err)) != ERR_OK)
		return store_note_read(store, code, err);
	db_close(&store->main);
	store->main.handle = copy;
	return ERR_OK;
}
