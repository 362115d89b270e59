/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/lockfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/num.h"

enum { PATH_SIZE = 4096 };

static void
path_of(const char *dir, const char *program, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/%s.lock", dir, program);
}

/* " (process 4711)", or "" if the holder could not write its pid. */
static void
holder_text(int fd, char *buf, size_t size)
{
	char text[16];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	uint64_t pid;

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	buf[0] = '\0';
	if (num_parse(text, 1, INT32_MAX, &pid) == ERR_OK)
		snprintf(buf, size, " (process %llu)", (unsigned long long)pid);
}

/* Replaces the last holder's pid by the pid of this process. On a full disk the file stays
 * empty. */
static void
holder_write(int fd)
{
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%ld\n", (long)getpid());
}

enum err_code
lockfile_take(const char *dir, const char *program, bool make, int *ret_fd, struct err *err)
{
	char path[PATH_SIZE], holder[40];
	enum err_code code;
	int fd;

	path_of(dir, program, path);
	code = file_open(path, O_RDWR, make, &fd, err);
	if (code != ERR_OK)
		return code;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		holder_text(fd, holder, sizeof(holder));
		close(fd);
		return err_set(err, ERR_PRECOND, "%s: another %s serves this store%s", path,
		    program, holder);
	}
	holder_write(fd);
	*ret_fd = fd;
	return ERR_OK;
}

bool
lockfile_is_in_place(const char *dir, const char *program, int fd)
{
	struct stat named, held;
	char path[PATH_SIZE];

	path_of(dir, program, path);
	return lstat(path, &named) == 0 && fstat(fd, &held) == 0 &&
	    named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

/* -- marks ---------------------------------------------------------------------- */

/* Each mark has a range of bytes for itself. Byte n of it is locked if n was reached. */
static const int64_t mark_bytes = INT64_MAX / LOCKFILE_MARKS;

static struct flock
bytes_of(short type, int mark, int64_t first, int64_t n)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET,
	    .l_start = mark * mark_bytes + first, .l_len = n };
}

void
lockfile_mark_show(int fd, int mark, int64_t number)
{
	int64_t n = number >= mark_bytes ? mark_bytes : number + 1;
	struct flock shown = bytes_of(F_WRLCK, mark, 0, n);
	struct flock rest = bytes_of(F_UNLCK, mark, n, mark_bytes - n);

	/* A length of 0 would mean all bytes up to the end of any file. */
	if (shown.l_len > 0)
		(void)fcntl(fd, F_OFD_SETLK, &shown);
	if (rest.l_len > 0)
		(void)fcntl(fd, F_OFD_SETLK, &rest);
}

bool
lockfile_mark_reached(int fd, int mark, int64_t number)
{
	struct flock byte = bytes_of(F_RDLCK, mark, number, 1);

	return number < mark_bytes && fcntl(fd, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
}
