/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Notes of SETs that must still be undone. A note is an empty file in a directory of the engine:
 * with SQLite beside lbcluster.db. Its name has the token of the SET, after the name of the
 * instance if there may be several. lbclusterd answered such a SET with an error, but the undo
 * failed or the commit is in doubt. Without the note, the next start would release the jobs of the
 * SET.
 * The removal of a note is not synced, because undoing a SET twice does no harm.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/store_private.h"
#include "util/file.h"
#include "util/sync.h"

#define NOTE_NAME "lbcluster.undo-"

static void
note_path(const struct store *store, uint64_t token, char path[DB_PATH_SIZE])
{
	snprintf(path, DB_PATH_SIZE, "%s/" NOTE_NAME "%s%s%" PRIu64, store->note_dir, store->owner,
	    store->owner[0] == '\0' ? "" : "-", token);
}

enum err_code
store_undo_note(struct store *store, uint64_t token, struct err *err)
{
	char path[DB_PATH_SIZE];
	enum err_code code;
	int fd;

	note_path(store, token, path);
	if ((code = file_open(path, O_WRONLY, true, &fd, err)) != ERR_OK)
		return code;
	return sync_within(fd, path, store->wait_ms, err);
}

void
store_undo_note_drop(struct store *store, uint64_t token)
{
	char path[DB_PATH_SIZE];

	note_path(store, token, path);
	unlink(path);
}

/* The token in the name of a note of this instance; 0 for any other file. */
static uint64_t
note_token(const struct store *store, const char *name)
{
	size_t n = strlen(store->owner);
	uint64_t token;
	int end = 0;

	if (strncmp(name, NOTE_NAME, strlen(NOTE_NAME)) != 0)
		return 0;
	name += strlen(NOTE_NAME);
	if (n > 0 && (strncmp(name, store->owner, n) != 0 || name[n] != '-'))
		return 0;
	name += n > 0 ? n + 1 : 0;
	/* NOLINTNEXTLINE(cert-err34-c): a number that store_undo_note() wrote. */
	if (sscanf(name, "%" SCNu64 "%n", &token, &end) == 1 && name[end] == '\0')
		return token;
	return 0;
}

enum err_code
store_undo_noted(struct store *store, size_t *ret_n, struct err *err)
{
	DIR *dir = opendir(store->note_dir);
	const struct dirent *entry;
	enum err_code code = ERR_OK;

	*ret_n = 0;
	if (dir == NULL)
		return err_set(err, err_of_errno(errno), "%s: %s", store->note_dir,
		    strerror(errno));
	while (code == ERR_OK && (entry = readdir(dir)) != NULL) {
		uint64_t token = note_token(store, entry->d_name);

		if (token == 0)
			continue;
		if ((code = store_set_undo(store, token, err)) != ERR_OK)
			break;
		store_undo_note_drop(store, token);
		++*ret_n;
	}
	closedir(dir);
	return code;
}
