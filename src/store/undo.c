/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * SETs that are still to be undone, since the store refuses it or a commit is in doubt,
 * noted in a file beside it, a line each. A restart would else take for kept what the manager
 * was told has failed. Synced beside the loop: the disk may be why. That the file is gone again
 * is not synced: to undo what was undone does no harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"
#include "util/file.h"
#include "util/sync.h"

#define UNDO_SUFFIX "undo"	/* in place of that of lbcluster.db */

enum { NOTE_SIZE = 128 };	/* 66 of digits at most */

static char *
notes_path(const struct store *store)
{
	const char *path = store->main.path;

	return sqlite3_mprintf("%.*s" UNDO_SUFFIX, (int)(strlen(path) - strlen("db")), path);
}

static enum err_code
no_memory(const struct store *store, struct err *err)
{
	return err_set(err, ERR_NOMEM, "%s: out of memory for its notes", store->main.path);
}

/* 'path' may be NULL. */
static enum err_code
notes_open(const struct store *store, const char *path, int flags, bool make, int *ret_fd,
    struct err *err)
{
	return path == NULL ? no_memory(store, err) : file_open(path, flags, make, ret_fd, err);
}

/* What a full disk or a power cut left of a note before ends where this one begins, and
 * lacks the mark at the end of one that is whole. */
#define NOTE_END " ."

static enum err_code
note_write(int fd, const char *path, const struct store_set *set, struct err *err)
{
	char note[NOTE_SIZE];
	ssize_t n, written;

	n = snprintf(note, sizeof(note), "\n%" PRIu64 " %" PRId64 " %" PRIu32 " %" PRIu32 NOTE_END
	    "\n", set->token, set->lock, set->notify_before, set->notify_after);
	written = write(fd, note, (size_t)n);
	if (written == n)
		return ERR_OK;
	if (written >= 0)
		errno = ENOSPC;
	return err_set(err, err_of_errno(errno), "%s: %s", path, strerror(errno));
}

enum err_code
store_undo_note(struct store *store, const struct store_set *set, struct err *err)
{
	char *path = notes_path(store);
	enum err_code code;
	int fd = -1;

	code = notes_open(store, path, O_WRONLY | O_APPEND, true, &fd, err);
	if (code == ERR_OK) {
		code = note_write(fd, path, set, err);
		if (code == ERR_OK)
			code = sync_within(fd, path, store->wait_ms, err);
		else
			close(fd);
	}
	sqlite3_free(path);
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

/* False: it is no note, or not a whole one. */
static bool
note_read(const char *line, struct store_set *ret)
{
	int end = 0;

	*ret = (struct store_set){ .source = JOB_SOURCE_SNMP };
	/* NOLINTNEXTLINE(cert-err34-c): numbers that store_undo_note() wrote. */
	return sscanf(line, "%" SCNu64 " %" SCNd64 " %" SCNu32 " %" SCNu32 "%n", &ret->token,
	    &ret->lock, &ret->notify_before, &ret->notify_after, &end) == 4 &&
	    strcmp(line + end, NOTE_END "\n") == 0 && ret->token != 0;
}

static enum err_code
notes_do(struct store *store, FILE *notes, size_t *ret_n, struct err *err)
{
	enum err_code code = ERR_OK;
	char line[NOTE_SIZE];

	while (code == ERR_OK && fgets(line, sizeof(line), notes) != NULL) {
		struct store_set set;

		if (!note_read(line, &set))
			continue;
		code = store_set_undo(store, &set, err);
		*ret_n += code == ERR_OK;
	}
	return code;
}

enum err_code
store_undo_noted(struct store *store, size_t *ret_n, struct err *err)
{
	char *path = notes_path(store);
	enum err_code code;
	FILE *notes;
	int fd = -1;

	*ret_n = 0;
	code = notes_open(store, path, O_RDONLY, false, &fd, err);
	sqlite3_free(path);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	notes = fdopen(fd, "r");
	if (notes == NULL) {
		close(fd);
		return no_memory(store, err);
	}
	code = notes_do(store, notes, ret_n, err);
	fclose(notes);
	if (code == ERR_OK)
		store_undo_notes_drop(store);
	return code;
}
