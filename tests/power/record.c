/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Records the operations on a disk; see record.h.
 */
#include "record.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const op_names[OP_KINDS] = {
	[OP_WRITE] = "write", [OP_SIZE] = "truncate", [OP_NAME] = "name", [OP_UNLINK] = "unlink",
	[OP_SYNC] = "sync", [OP_SYNC_DIRECTORY] = "sync of directory",
	[OP_BEGUN] = "step begun", [OP_DONE] = "step done",
};

const char *record_without_sync_of;

static struct recording *recording;
static bool paused;

/* What is open, by descriptor. */
enum { FDS_MAX = 256 };

static struct {
	int	file;			/* NO_FILE: not recorded */
	char	name[NAME_SIZE];
} fds[FDS_MAX];

/* The names of the files at this moment. */
static struct name_table names;

/* Ends the program: a failure of the test itself is not a failure of the store. */
static void
check(bool done, const char *what)
{
	if (!done) {
		perror(what);
		abort();
	}
}

/* -- a disk --------------------------------------------------------------------------- */

void
disk_add(struct disk *disk, const char *name, bool directory, unsigned char *data, size_t size)
{
	struct disk_file *file = &disk->files[disk->n];

	check(disk->n < FILES_MAX && strlen(name) < NAME_SIZE, name);
	disk->n++;
	memcpy(file->name, name, strlen(name) + 1);
	file->directory = directory;
	file->data = data;
	file->size = size;
}

static void
file_read(struct disk *disk, int at, const char *name, size_t size)
{
	unsigned char *data = malloc(size + 1);
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC);

	check(data != NULL && fd != -1, name);
	check(pread(fd, data, size, 0) == (ssize_t)size, name);
	close(fd);
	disk_add(disk, name, false, data, size);
}

static void
directory_read(struct disk *disk, int at, const char *name)
{
	int fd = openat(at, name[0] == '\0' ? "." : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char path[NAME_SIZE + sizeof(entry->d_name) + 1];
	struct stat st;

	check(dir != NULL, name);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s%s%s", name, name[0] == '\0' ? "" : "/",
		    entry->d_name);
		check(fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0, path);
		if (S_ISDIR(st.st_mode)) {
			disk_add(disk, path, true, NULL, 0);
			directory_read(disk, at, path);
		} else {
			file_read(disk, at, path, (size_t)st.st_size);
		}
	}
	closedir(dir);
}

void
disk_read(struct disk *ret, const char *root)
{
	int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check(at != -1, root);
	memset(ret, 0, sizeof(*ret));
	directory_read(ret, at, "");
	close(at);
}

void
disk_write(const struct disk *disk, const char *root)
{
	int fd, at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct disk old;

	check(at != -1, root);
	disk_read(&old, root);
	for (size_t i = old.n; i-- > 0;)
		check(unlinkat(at, old.files[i].name,
		    old.files[i].directory ? AT_REMOVEDIR : 0) == 0, old.files[i].name);
	disk_free(&old);
	for (size_t i = 0; i < disk->n; i++) {
		const struct disk_file *file = &disk->files[i];

		if (file->directory) {
			check(mkdirat(at, file->name, 0770) == 0, file->name);
			continue;
		}
		fd = openat(at, file->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0660);
		check(fd != -1, file->name);
		check(pwrite(fd, file->data, file->size, 0) == (ssize_t)file->size, file->name);
		close(fd);
	}
	close(at);
}

void
disk_free(struct disk *disk)
{
	for (size_t i = 0; i < disk->n; i++)
		free(disk->files[i].data);
	disk->n = 0;
}

/* -- names ---------------------------------------------------------------------------- */

/* The number of the file, DIRECTORY, or NO_FILE if the table has no such name. */
static int
name_table_find(const struct name_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->names[i].name, name) == 0)
			return table->names[i].file;
	return NO_FILE;
}

void
name_table_set(struct name_table *table, const char *name, int file)
{
	size_t i = 0;

	while (i < table->n && strcmp(table->names[i].name, name) != 0)
		i++;
	if (file == NO_FILE) {
		if (i < table->n)
			memmove(&table->names[i], &table->names[i + 1],
			    (--table->n - i) * sizeof(table->names[0]));
		return;
	}
	check(i < FILES_MAX, name);
	if (i == table->n)
		snprintf(table->names[table->n++].name, NAME_SIZE, "%s", name);
	table->names[i].file = file;
}

/* The name below the root. False if the path is elsewhere, or nothing is recorded. */
static bool
name_of(const char *path, char ret[NAME_SIZE])
{
	size_t root, n;

	if (recording == NULL || paused)
		return false;
	root = strlen(recording->root);
	if (strncmp(path, recording->root, root) != 0 ||
	    (path[root] != '/' && path[root] != '\0'))
		return false;
	path += root + (path[root] == '/');
	n = strlen(path);
	if (n > 0 && path[n - 1] == '/')
		n--;
	check(n < NAME_SIZE, path);
	memcpy(ret, path, n);
	ret[n] = '\0';
	return true;
}

/* -- a recording ---------------------------------------------------------------------- */

static struct op *
op_add(enum op_kind kind, const char *name, int file)
{
	struct op *op;

	if (recording->n == recording->room) {
		recording->room = recording->room * 2 + 256;
		recording->ops = realloc(recording->ops,
		    recording->room * sizeof(*recording->ops));
		check(recording->ops != NULL, "realloc");
	}
	op = &recording->ops[recording->n++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->file = file;
	snprintf(op->name, sizeof(op->name), "%s", name);
	return op;
}

static void
name_add(const char *name, int file)
{
	name_table_set(&names, name, file);
	op_add(file == NO_FILE ? OP_UNLINK : OP_NAME, name, file);
}

void
record_start(struct recording *new, const char *root)
{
	memset(new, 0, sizeof(*new));
	snprintf(new->root, sizeof(new->root), "%s", root);
	disk_read(&new->before, root);
	new->files = (int)new->before.n;
	for (size_t i = 0; i < FDS_MAX; i++)
		fds[i].file = NO_FILE;
	names.n = 0;
	for (size_t i = 0; i < new->before.n; i++)
		if (!new->before.files[i].directory)
			name_table_set(&names, new->before.files[i].name, (int)i);
	recording = new;
	paused = false;
}

void
record_stop(void)
{
	recording = NULL;
}

void
record_pause(bool pause)
{
	paused = pause;
}

void
record_mark(enum op_kind kind)
{
	if (recording != NULL)
		op_add(kind, "", NO_FILE);
}

void
record_free(struct recording *old)
{
	for (size_t i = 0; i < old->n; i++)
		free(old->ops[i].data);
	free(old->ops);
	disk_free(&old->before);
}

/* -- in place of the C library's functions, also where libsqlite3 calls them ----------- */

/* The file behind a descriptor, DIRECTORY, or NO_FILE if it is not recorded. */
static int
file_of(int fd)
{
	return recording != NULL && !paused && fd >= 0 && fd < FDS_MAX ? fds[fd].file : NO_FILE;
}

static void
open_record(int fd, const char *path, int flags)
{
	char name[NAME_SIZE];
	struct stat st;
	int file;

	if (fd == -1 || !name_of(path, name))
		return;
	check(fd < FDS_MAX && fstat(fd, &st) == 0, path);
	file = S_ISDIR(st.st_mode) ? DIRECTORY : name_table_find(&names, name);
	if (file == NO_FILE) {
		file = recording->files++;
		name_add(name, file);
	} else if (flags & O_TRUNC) {
		op_add(OP_SIZE, name, file);
	}
	fds[fd].file = file;
	snprintf(fds[fd].name, NAME_SIZE, "%s", name);
}

static void
write_record(int fd, const void *data, ssize_t n, off_t at)
{
	struct op *op;

	if (file_of(fd) < 0 || n <= 0)
		return;
	op = op_add(OP_WRITE, fds[fd].name, fds[fd].file);
	op->at = (size_t)at;
	op->size = (size_t)n;
	op->data = malloc(op->size);
	check(op->data != NULL, "malloc");
	memcpy(op->data, data, op->size);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) __attribute__((alias("pwrite")));
int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
int fdatasync(int fd) __attribute__((alias("fsync")));

int
open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;
	int fd;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	open_record(fd, path, flags);
	return fd;
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd].file = NO_FILE;
	return (int)syscall(SYS_close, fd);
}

ssize_t
write(int fd, const void *data, size_t n)
{
	off_t at = file_of(fd) >= 0 ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t done = syscall(SYS_write, fd, data, n);

	write_record(fd, data, done, at);
	return done;
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
	ssize_t done = syscall(SYS_pwrite64, fd, data, n, at);

	write_record(fd, data, done, at);
	return done;
}

int
ftruncate(int fd, off_t size)
{
	int rc = (int)syscall(SYS_ftruncate, fd, size);

	if (rc == 0 && file_of(fd) >= 0)
		op_add(OP_SIZE, fds[fd].name, fds[fd].file)->size = (size_t)size;
	return rc;
}

int
fsync(int fd)
{
	int file = file_of(fd);

	if (file != NO_FILE && (record_without_sync_of == NULL ||
	    strcmp(record_without_sync_of, fds[fd].name) != 0))
		op_add(file == DIRECTORY ? OP_SYNC_DIRECTORY : OP_SYNC, fds[fd].name, file);
	return 0;
}

int
mkdir(const char *path, mode_t mode)
{
	int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	char name[NAME_SIZE];

	if (rc == 0 && name_of(path, name))
		op_add(OP_NAME, name, DIRECTORY);
	return rc;
}

int
link(const char *from, const char *to)
{
	int rc = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
	char old[NAME_SIZE], new[NAME_SIZE];

	if (rc == 0 && name_of(from, old) && name_of(to, new))
		name_add(new, name_table_find(&names, old));
	return rc;
}

int
unlink(const char *path)
{
	int rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	char name[NAME_SIZE];

	if (rc == 0 && name_of(path, name))
		name_add(name, NO_FILE);
	return rc;
}

/* A cut may leave both names, neither, or one of them. */
int
rename(const char *from, const char *to)
{
	int rc = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
	char old[NAME_SIZE], new[NAME_SIZE];

	if (rc == 0 && name_of(from, old)) {
		check(name_of(to, new) && name_table_find(&names, old) >= 0, from);
		name_add(new, name_table_find(&names, old));
		name_add(old, NO_FILE);
	}
	return rc;
}
