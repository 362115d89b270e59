/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is on a disk; see remains.h.
 */
#include "remains.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the test itself cannot do is no finding: it ends. */
static void
require(bool done, const char *what)
{
	if (!done) {
		perror(what);
		abort();
	}
}

void
remains_add(struct remains *remains, const char *name, bool directory, unsigned char *data,
    size_t size)
{
	struct remains_file *file = &remains->files[remains->n];

	require(remains->n < REMAINS_MAX && strlen(name) < NAME_SIZE, name);
	file->first = remains->n++;
	memcpy(file->name, name, strlen(name) + 1);
	file->directory = directory;
	file->data = data;
	file->size = size;
}

static void
read_file(struct remains *remains, int at, const char *name, size_t size)
{
	unsigned char *data = malloc(size + 1);
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC);

	require(data != NULL && fd != -1, name);
	require(pread(fd, data, size, 0) == (ssize_t)size, name);
	close(fd);
	remains_add(remains, name, false, data, size);
}

static void
read_directory(struct remains *remains, int at, const char *name, bool data)
{
	int fd = openat(at, name[0] == '\0' ? "." : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char path[NAME_SIZE + sizeof(entry->d_name) + 1];
	struct stat st;

	require(dir != NULL, name);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s%s%s", name, name[0] == '\0' ? "" : "/",
		    entry->d_name);
		require(fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0, path);
		if (S_ISDIR(st.st_mode)) {
			remains_add(remains, path, true, NULL, 0);
			read_directory(remains, at, path, data);
		} else if (data) {
			read_file(remains, at, path, (size_t)st.st_size);
		} else {
			remains_add(remains, path, false, NULL, 0);
		}
	}
	closedir(dir);
}

void
remains_read(struct remains *ret, const char *root)
{
	int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	require(at != -1, root);
	memset(ret, 0, sizeof(*ret));
	read_directory(ret, at, "", true);
	close(at);
}

/* Files before the directory they are in. */
static void
clear(int at)
{
	struct remains there = { .n = 0 };

	read_directory(&there, at, "", false);
	for (size_t i = there.n; i-- > 0;)
		require(unlinkat(at, there.files[i].name,
		    there.files[i].directory ? AT_REMOVEDIR : 0) == 0, there.files[i].name);
}

void
remains_write(const struct remains *remains, const char *root)
{
	int fd, at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	require(at != -1, root);
	clear(at);
	for (size_t i = 0; i < remains->n; i++) {
		const struct remains_file *file = &remains->files[i];

		if (file->directory) {
			require(mkdirat(at, file->name, 0770) == 0, file->name);
			continue;
		}
		if (file->first != i) {
			require(linkat(at, remains->files[file->first].name, at, file->name,
			    0) == 0,
			    file->name);
			continue;
		}
		fd = openat(at, file->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0660);
		require(fd != -1, file->name);
		require(pwrite(fd, file->data, file->size, 0) == (ssize_t)file->size, file->name);
		close(fd);
	}
	close(at);
}

uint64_t
hash_more(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	return hash;
}

uint64_t
remains_hash(const struct remains *remains)
{
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < remains->n; i++) {
		const struct remains_file *file = &remains->files[i];

		hash = hash_more(hash, file->name, strlen(file->name) + 1);
		hash = hash_more(hash, &file->size, sizeof(file->size));
		hash = hash_more(hash, file->data, file->size);
	}
	return hash;
}

void
remains_free(struct remains *remains)
{
	for (size_t i = 0; i < remains->n; i++)
		free(remains->files[i].data);
	remains->n = 0;
}
