/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Records what the disk is told; see tape.h.
 */
#include "tape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const op_names[OP_KINDS] = {
	[OP_WRITE] = "write", [OP_SIZE] = "truncate", [OP_SYNC] = "sync",
	[OP_MAKE] = "make", [OP_DIRECTORY] = "mkdir", [OP_LINK] = "link",
	[OP_UNLINK] = "unlink", [OP_RENAME] = "rename",
	[OP_SYNC_DIRECTORY] = "sync of directory", [OP_BEGUN] = "step begun",
	[OP_DONE] = "step done",
};

const char *tape_deaf;

static struct tape *tape;
static bool paused;

/* What is open, by descriptor. */
enum { FDS_MAX = 256 };
enum fd_kind { FD_OTHER, FD_FILE, FD_DIRECTORY };

static struct {
	enum fd_kind	kind;
	int		file;
	char		name[NAME_SIZE];
} fds[FDS_MAX];

/* Which file has which name by now. */
static struct {
	char	name[NAME_SIZE];
	int	file;
} names[REMAINS_MAX];
static size_t n_names;

static struct op *
op_new(enum op_kind kind, const char *name, int file)
{
	struct op *op;

	if (tape->n == tape->room) {
		tape->room = tape->room * 2 + 256;
		tape->ops = realloc(tape->ops, tape->room * sizeof(*tape->ops));
		if (tape->ops == NULL)
			abort();
	}
	op = &tape->ops[tape->n++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->file = file;
	snprintf(op->name, sizeof(op->name), "%s", name);
	return op;
}

/* -- names ----------------------------------------------------------------- */

/* The name below the root, or false: not ours, or nobody records. */
static bool
name_of(const char *path, char ret[NAME_SIZE])
{
	size_t root, n;

	if (tape == NULL || paused)
		return false;
	root = strlen(tape->root);
	if (strncmp(path, tape->root, root) != 0 || (path[root] != '/' && path[root] != '\0'))
		return false;
	path += root + (path[root] == '/');
	n = strlen(path);
	if (n > 0 && path[n - 1] == '/')
		n--;
	if (n >= NAME_SIZE)
		abort();
	memcpy(ret, path, n);
	ret[n] = '\0';
	return true;
}

static int
file_named(const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].file;
	return NO_FILE;
}

static void
name_set(const char *name, int file)
{
	size_t i = 0;

	while (i < n_names && strcmp(names[i].name, name) != 0)
		i++;
	if (i == REMAINS_MAX)
		abort();
	if (i == n_names)
		snprintf(names[n_names++].name, NAME_SIZE, "%s", name);
	names[i].file = file;
	if (file == NO_FILE)
		names[i] = names[--n_names];
}

/* -- start, stop ----------------------------------------------------------- */

void
tape_start(struct tape *new_tape, const char *root)
{
	memset(new_tape, 0, sizeof(*new_tape));
	snprintf(new_tape->root, sizeof(new_tape->root), "%s", root);
	remains_read(&new_tape->before, root);
	new_tape->files = (int)new_tape->before.n;
	memset(fds, 0, sizeof(fds));
	n_names = 0;
	for (size_t i = 0; i < new_tape->before.n; i++)
		if (!new_tape->before.files[i].directory)
			name_set(new_tape->before.files[i].name, (int)i);
	tape = new_tape;
	paused = false;
}

void
tape_stop(void)
{
	tape = NULL;
}

void
tape_pause(bool pause)
{
	paused = pause;
}

void
tape_mark(enum op_kind kind)
{
	if (tape != NULL)
		op_new(kind, "", NO_FILE);
}

void
tape_free(struct tape *old)
{
	for (size_t i = 0; i < old->n; i++)
		free(old->ops[i].data);
	free(old->ops);
	remains_free(&old->before);
	memset(old, 0, sizeof(*old));
}

/* -- what was done --------------------------------------------------------- */

/* Of a descriptor that is recorded, else FD_OTHER. */
static enum fd_kind
fd_kind(int fd)
{
	return tape != NULL && !paused && fd >= 0 && fd < FDS_MAX ? fds[fd].kind : FD_OTHER;
}

static void
opened(int fd, const char *path, int flags)
{
	char name[NAME_SIZE];
	struct stat st;
	int file;

	if (fd == -1 || !name_of(path, name))
		return;
	if (fd >= FDS_MAX || fstat(fd, &st) == -1)
		abort();
	fds[fd].kind = S_ISDIR(st.st_mode) ? FD_DIRECTORY : FD_FILE;
	snprintf(fds[fd].name, NAME_SIZE, "%s", name);
	if (fds[fd].kind == FD_DIRECTORY)
		return;
	file = file_named(name);
	if (file == NO_FILE) {
		file = tape->files++;
		name_set(name, file);
		op_new(OP_MAKE, name, file);
	} else if (flags & O_TRUNC) {
		op_new(OP_SIZE, name, file);
	}
	fds[fd].file = file;
}

static void
written(int fd, const void *data, ssize_t n, off_t at)
{
	struct op *op;

	if (fd_kind(fd) != FD_FILE || n <= 0)
		return;
	op = op_new(OP_WRITE, fds[fd].name, fds[fd].file);
	op->at = (size_t)at;
	op->size = (size_t)n;
	op->data = malloc(op->size);
	if (op->data == NULL)
		abort();
	memcpy(op->data, data, op->size);
}

static int
truncated(int fd, off_t size, int rc)
{
	if (rc == 0 && fd_kind(fd) == FD_FILE)
		op_new(OP_SIZE, fds[fd].name, fds[fd].file)->size = (size_t)size;
	return rc;
}

static int
synced(int fd)
{
	enum fd_kind kind = fd_kind(fd);

	if (kind == FD_OTHER || (tape_deaf != NULL && strcmp(tape_deaf, fds[fd].name) == 0))
		return 0;
	if (kind == FD_FILE)
		op_new(OP_SYNC, fds[fd].name, fds[fd].file);
	else
		op_new(OP_SYNC_DIRECTORY, fds[fd].name, NO_FILE);
	return 0;
}

static void
renamed(const char *old, const char *new)
{
	char from[NAME_SIZE];
	struct op *op;
	int file;

	if (!name_of(old, from))
		return;
	file = file_named(from);
	op = op_new(OP_RENAME, from, file);
	if (file == NO_FILE || !name_of(new, op->to))
		abort();	/* a directory, or out of what is recorded */
	name_set(from, NO_FILE);
	name_set(op->to, file);
}

/* -- in place of the C library's, also where libsqlite3 calls them --------- */

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) __attribute__((alias("pwrite")));
int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

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
	opened(fd, path, flags);
	return fd;
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd].kind = FD_OTHER;
	return (int)syscall(SYS_close, fd);
}

ssize_t
write(int fd, const void *data, size_t n)
{
	off_t at = fd_kind(fd) == FD_FILE ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t done = syscall(SYS_write, fd, data, n);

	written(fd, data, done, at);
	return done;
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
	ssize_t done = syscall(SYS_pwrite64, fd, data, n, at);

	written(fd, data, done, at);
	return done;
}

int
ftruncate(int fd, off_t size)
{
	return truncated(fd, size, (int)syscall(SYS_ftruncate, fd, size));
}

int
fsync(int fd)
{
	return synced(fd);
}

int
fdatasync(int fd)
{
	return synced(fd);
}

int
mkdir(const char *path, mode_t mode)
{
	int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	char name[NAME_SIZE];

	if (rc == 0 && name_of(path, name))
		op_new(OP_DIRECTORY, name, NO_FILE);
	return rc;
}

int
link(const char *from, const char *to)
{
	int rc = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
	char old[NAME_SIZE], new[NAME_SIZE];

	if (rc == 0 && name_of(from, old) && name_of(to, new)) {
		name_set(new, file_named(old));
		op_new(OP_LINK, new, file_named(old));
	}
	return rc;
}

int
unlink(const char *path)
{
	int rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	char name[NAME_SIZE];

	if (rc == 0 && name_of(path, name)) {
		name_set(name, NO_FILE);
		op_new(OP_UNLINK, name, NO_FILE);
	}
	return rc;
}

int
rename(const char *old, const char *new)
{
	int rc = (int)syscall(SYS_renameat, AT_FDCWD, old, AT_FDCWD, new);

	if (rc == 0)
		renamed(old, new);
	return rc;
}
