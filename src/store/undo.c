/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * SETs that are still to be undone, since the store refuses it or a commit is in doubt,
 * noted in a file beside it, a line each. A restart would else take for kept what the manager
 * was told has failed. Not synced, since the disk may be why: a power cut may take the notes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"
#include "util/file.h"

#define UNDO_SUFFIX "undo"	/* in place of that of lbcluster.db */

static char *
notes_path(const struct store *store)
{
	const char *path = store->main.path;

	return sqlite3_mprintf("%.*s" UNDO_SUFFIX, (int)(strlen(path) - strlen("db")), path);
}

static enum err_code
notes_open(const struct store *store, int flags, bool make, int *ret_fd, struct err *err)
{
	char *path = notes_path(store);
	enum err_code code;

	if (path == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	code = file_open(path, flags, make, ret_fd, err);
	sqlite3_free(path);
	return code;
}

enum err_code
store_undo_note(struct store *store, const struct store_set *set, struct err *err)
{
	enum err_code code;
	int fd = -1;

	code = notes_open(store, O_WRONLY | O_APPEND, true, &fd, err);
	if (code != ERR_OK)
		return code;
	if (dprintf(fd, "%" PRIu64 " %" PRId64 " %" PRIu32 " %" PRIu32 "\n", set->token,
	    set->lock, set->notify_before, set->notify_after) < 0)
		code = err_set(err, err_of_errno(errno), "lbcluster.undo of the store: %s",
		    strerror(errno));
	close(fd);
	return code;
}

void
store_undo_notes_drop(struct store *store)
{
	char *path = notes_path(store);

	if (path != NULL)
		unlink(path);
	sqlite3_free(path);
}

/* A line that a full disk cut short is left out. */
static enum err_code
notes_do(struct store *store, FILE *notes, size_t *ret_n, struct err *err)
{
	enum err_code code = ERR_OK;
	char line[128];

	while (code == ERR_OK && fgets(line, sizeof(line), notes) != NULL) {
		struct store_set set = { .source = JOB_SOURCE_SNMP };

		/* NOLINTNEXTLINE(cert-err34-c): numbers that store_undo_note() wrote. */
		if (strchr(line, '\n') == NULL || sscanf(line, "%" SCNu64 " %" SCNd64
		    " %" SCNu32 " %" SCNu32, &set.token, &set.lock, &set.notify_before,
		    &set.notify_after) != 4 || set.token == 0)
			continue;
		code = store_set_undo(store, &set, err);
		*ret_n += code == ERR_OK;
	}
	return code;
}

enum err_code
store_undo_noted(struct store *store, size_t *ret_n, struct err *err)
{
	enum err_code code;
	FILE *notes;
	int fd = -1;

	*ret_n = 0;
	code = notes_open(store, O_RDONLY, false, &fd, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	notes = fdopen(fd, "r");
	if (notes == NULL) {
		close(fd);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	code = notes_do(store, notes, ret_n, err);
	fclose(notes);
	if (code == ERR_OK)
		store_undo_notes_drop(store);
	return code;
}
