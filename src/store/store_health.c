/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the last read and the last write reported, for store_status(). A read also changes the
 * state of the inventory; see enum file_state.
 */
#include "store/store_private.h"

#include <stdio.h>

#include "util/clock.h"

void
store_result_set(struct err *result, enum err_code code, const struct err *err)
{
	result->code = code;
	snprintf(result->text, sizeof(result->text), "%s", code == ERR_OK ? "" :
	    err != NULL ? err->text : err_name(code));
}

enum err_code
store_replaced_error(const struct store *store, struct err *err)
{
	return err_set(err, ERR_BUSY, "%s: another store was put in its place; lbcluster reads it "
	    "first; try again", store->main.path);
}

enum err_code
store_note_read(struct store *store, enum err_code code, const struct err *err)
{
	struct store_file *file = &store->main_file;
	int64_t now = clock_steady_ms();

	if (store_file_is_open(file) && code == ERR_BUSY) {
		/* Another program's commit takes a moment. A lock that stays is an error. */
		if (file->state == FILE_OPEN)
			file->busy_since_ms = now;
		file->state = FILE_BUSY;
		if (now - file->busy_since_ms < store->wait_ms)
			return code;
	} else if (store_file_is_open(file)) {
		file->state = FILE_OPEN;
	}
	store_result_set(&store->read, code, err);
	if (store_file_is_open(file) &&
	    (code == ERR_CORRUPT || code == ERR_FOREIGN || code == ERR_IO)) {
		db_close(&store->main);
		file->state = FILE_DAMAGED;
		file->retry_at_ms = now + STORE_RETRY_MS;
	}
	return code;
}

enum err_code
store_note_write(struct store *store, enum err_code code, const struct err *err)
{
	/* These are errors of the request, not of the store. */
	if (code != ERR_PRECOND && code != ERR_NOT_FOUND && code != ERR_LIMIT &&
	    code != ERR_INVALID && code != ERR_RANGE)
		store_result_set(&store->write, code, err);
	return code;
}

enum err_code
store_step(struct store *store, struct err *err)
{
	enum err_code code = store->engine->main_step(store, false, err);

	/* Statistics that cannot be read only get old: they are no error of the store. */
	if (code == ERR_OK && !store->in_transaction)
		store->engine->stats_step(store);
	return code;
}

/* The last read counts before the last write. */
static const struct err *
result_of(const struct store *store)
{
	return store->read.code != ERR_OK ? &store->read : &store->write;
}

enum store_status
store_status(const struct store *store)
{
	enum err_code code = result_of(store)->code;

	return code == ERR_OK ? STORE_OK : code == ERR_BUSY ? STORE_LOCKED :
	    code == ERR_READONLY ? STORE_READ_ONLY : STORE_UNAVAILABLE;
}

const char *
store_status_text(const struct store *store)
{
	return result_of(store)->text;
}

const char *
store_dir(const struct store *store)
{
	return store->dir;
}
