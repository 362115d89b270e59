/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The file of the services that a cluster owns; see ipvs_owned.h.
 */
#include "plane/ipvs/ipvs_owned.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/num.h"

enum { PATH_SIZE = 256 };

static void
path_make(const char *dir, uint32_t cluster_id, char buf[PATH_SIZE])
{
	snprintf(buf, PATH_SIZE, "%.200s/%u", dir, cluster_id);
}

const char *
ipvs_directory(void)
{
	const char *directory = getenv("RUNTIME_DIRECTORY");

	return directory == NULL || directory[0] != '/' ? IPVS_OWNED_DIR : directory;
}

/* -- the list ----------------------------------------------------------------------------- */

/* The place of 'key' in the list, or where it belongs. */
static size_t
place_of(const struct ipvs_owned *owned, const struct ipvs_key *key)
{
	size_t from = 0, end = owned->n;

	while (from < end) {
		size_t middle = from + (end - from) / 2;

		if (ipvs_key_compare(&owned->keys[middle], key) < 0)
			from = middle + 1;
		else
			end = middle;
	}
	return from;
}

static bool
is_at(const struct ipvs_owned *owned, size_t at, const struct ipvs_key *key)
{
	return at < owned->n && ipvs_key_compare(&owned->keys[at], key) == 0;
}

bool
ipvs_owned_has(const struct ipvs_owned *owned, const struct ipvs_key *key)
{
	return is_at(owned, place_of(owned, key), key);
}

bool
ipvs_owned_add(struct ipvs_owned *owned, const struct ipvs_key *key)
{
	size_t at = place_of(owned, key);
	struct ipvs_key *keys;

	if (is_at(owned, at, key))
		return true;
	keys = memory_array_reserve(owned->keys, owned->n, &owned->room, sizeof(*keys));
	if (keys == NULL)
		return false;
	owned->keys = keys;
	memmove(keys + at + 1, keys + at, (owned->n - at) * sizeof(*keys));
	keys[at] = *key;
	owned->n++;
	return true;
}

void
ipvs_owned_remove(struct ipvs_owned *owned, const struct ipvs_key *key)
{
	size_t at = place_of(owned, key);

	if (!is_at(owned, at, key))
		return;
	owned->n--;
	memmove(owned->keys + at, owned->keys + at + 1, (owned->n - at) * sizeof(*owned->keys));
}

void
ipvs_owned_done(struct ipvs_owned *owned)
{
	free(owned->keys);
	*owned = (struct ipvs_owned){ 0 };
}

/* -- the file ----------------------------------------------------------------------------- */

static enum err_code
lines_read(FILE *file, const char *path, struct ipvs_owned *owned, struct err *err)
{
	char line[IPVS_KEY_TEXT_SIZE + 1];
	struct ipvs_key key;

	for (unsigned int number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end = '\0';
		if (end == NULL || !ipvs_key_parse(line, &key))
			return err_set(err, ERR_INVALID, "%s:%u: not a service of IPVS: %s; "
			    "correct the line or remove it", path, number, line);
		if (!ipvs_owned_add(owned, &key))
			return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	}
	if (ferror(file))
		return err_set(err, err_of_errno(errno), "%s: %s", path, strerror(errno));
	return ERR_OK;
}

enum err_code
ipvs_owned_read(const char *dir, uint32_t cluster_id, struct ipvs_owned *ret, struct err *err)
{
	char path[PATH_SIZE];
	enum err_code code;
	FILE *file;
	int fd;

	*ret = (struct ipvs_owned){ 0 };
	path_make(dir, cluster_id, path);
	code = file_open(path, O_RDONLY, false, &fd, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	file = fdopen(fd, "r");
	if (file == NULL) {
		close(fd);
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	}
	code = lines_read(file, path, ret, err);
	fclose(file);
	return code;
}

/* Replaces and syncs a file: the line 'first' unless it is NULL, then a line for each service.
 * Returns 0 or an errno. */
static int
file_replace(const char *path, const char *first, const struct ipvs_owned *owned)
{
	char new_path[PATH_SIZE], text[IPVS_KEY_TEXT_SIZE];
	int error = 0, fd;
	FILE *file;

	snprintf(new_path, sizeof(new_path), "%.250s.new", path);
	/* A program that was killed may have left it. */
	if (unlink(new_path) == -1 && errno != ENOENT)
		return errno;
	/* The driver must be able to read the file that "--adopt" of root writes. */
	if (file_make(new_path, &fd, NULL) != ERR_OK)
		return errno;
	file = fdopen(fd, "w");
	if (file == NULL) {
		close(fd);
		return ENOMEM;
	}
	if (first != NULL)
		fprintf(file, "%s\n", first);
	for (size_t i = 0; owned != NULL && i < owned->n; i++)
		fprintf(file, "%s\n", ipvs_key_text(&owned->keys[i], text));
	if (fflush(file) != 0 || fsync(fileno(file)) == -1)
		error = errno;
	if (fclose(file) != 0 && error == 0)
		error = errno;
	return error == 0 && rename(new_path, path) == -1 ? errno : error;
}

enum err_code
ipvs_owned_clusters(const char *dir, uint32_t **ret, size_t *ret_n, struct err *err)
{
	uint32_t *ids = NULL, *bigger;
	size_t n = 0, room = 0;
	struct dirent *entry;
	uint64_t id;
	DIR *list = opendir(dir);

	if (list == NULL && errno != ENOENT)
		return err_set(err, err_of_errno(errno), "%s: %s", dir, strerror(errno));
	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (num_parse(entry->d_name, 1, MODEL_ID_MAX, &id) != ERR_OK)
			continue;
		bigger = memory_array_reserve(ids, n, &room, sizeof(*ids));
		if (bigger == NULL) {
			free(ids);
			closedir(list);
			return err_set(err, ERR_NOMEM, "%s: out of memory", dir);
		}
		ids = bigger;
		ids[n++] = (uint32_t)id;
	}
	if (list != NULL)
		closedir(list);
	*ret = ids;
	*ret_n = n;
	return ERR_OK;
}

/* -- the store ---------------------------------------------------------------------------- */

/* Writes the absolute path of the store without links, or 'store' itself; returns 'buf'. */
static const char *
store_resolve(const char *store, char buf[PATH_MAX])
{
	if (realpath(store, buf) == NULL)
		snprintf(buf, PATH_MAX, "%s", store);
	return buf;
}

/* True if the file names this store. Writes what it names to 'named' unless 'named' is NULL. */
static bool
store_is(const char *path, const char *store, char *named)
{
	char line[PATH_MAX] = "";
	FILE *file = fopen(path, "re");

	if (file != NULL) {
		if (fgets(line, sizeof(line), file) == NULL)
			line[0] = '\0';
		fclose(file);
	}
	line[strcspn(line, "\n")] = '\0';
	if (named != NULL)
		snprintf(named, PATH_MAX, "%s", line);
	return strcmp(line, store) == 0;
}

enum err_code
ipvs_owned_store_check(const char *dir, const char *store, struct err *err)
{
	char path[PATH_SIZE], resolved[PATH_MAX], named[PATH_MAX];
	uint32_t *ids = NULL;
	enum err_code code;
	size_t n = 0;

	snprintf(path, sizeof(path), "%.200s/store", dir);
	store_resolve(store, resolved);
	if (store_is(path, resolved, named) || named[0] == '\0')
		return ERR_OK;
	code = ipvs_owned_clusters(dir, &ids, &n, err);
	free(ids);
	if (code != ERR_OK || n == 0)
		return code;
	return err_set(err, ERR_INVALID, "%.60s: the services in the kernel are those of store"
	    " %.50s; start the driver with -s %.50s, or remove the file if that store is now"
	    " %.50s", path, named, named, resolved);
}

/* -- writing ------------------------------------------------------------------------------ */

enum err_code
ipvs_owned_write(const char *dir, const char *store, uint32_t cluster_id,
    const struct ipvs_owned *owned, struct err *err)
{
	char path[PATH_SIZE], store_path[PATH_SIZE], resolved[PATH_MAX];
	uint32_t *ids = NULL;
	int error = 0, fd;
	size_t n = 0;

	(void)mkdir(dir, 0755);		/* opening a file reports that it does not exist */
	path_make(dir, cluster_id, path);
	snprintf(store_path, sizeof(store_path), "%.200s/store", dir);
	if (owned->n == 0) {
		if (unlink(path) == -1 && errno != ENOENT)
			error = errno;
		if (ipvs_owned_clusters(dir, &ids, &n, NULL) == ERR_OK && n == 0)
			(void)unlink(store_path);
		free(ids);
	} else {
		if (!store_is(store_path, store_resolve(store, resolved), NULL))
			error = file_replace(store_path, resolved, NULL);
		if (error == 0)
			error = file_replace(path, NULL, owned);
	}
	if (error != 0)
		return err_set(err, err_of_errno(error), "%s: cannot be written: %s", path,
		    strerror(error));
	fd = file_directory_open(path);
	if (fd != -1) {
		(void)!fsync(fd);
		close(fd);
	}
	return ERR_OK;
}
