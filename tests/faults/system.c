/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * System calls that fail; see system.h.
 */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/sync.h"

int __real_open(const char *path, int flags, ...);
int __real___open_2(const char *path, int flags);
int __real_link(const char *from, const char *to);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap___open_2(const char *path, int flags);
int __wrap_link(const char *from, const char *to);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_fsync(int fd);
enum err_code __real_sync_within(int fd, const char *path, int wait_ms, struct err *err);
enum err_code __wrap_sync_within(int fd, const char *path, int wait_ms, struct err *err);

enum { EXTRA_WAIT_MS = 20000 };

static long left;
static int error_then;
static bool out;

static bool
fails_now(void)
{
	if (left == 0 || --left > 0)
		return false;
	out = true;
	errno = error_then;
	return true;
}

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails_now() ? -1 : __real_open(path, flags, mode);
}

/* _FORTIFY_SOURCE calls this instead of open(). */
int
__wrap___open_2(const char *path, int flags)
{
	return fails_now() ? -1 : __real___open_2(path, flags);
}

int
__wrap_link(const char *from, const char *to)
{
	return fails_now() ? -1 : __real_link(from, to);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	return fails_now() ? -1 : __real_mkdir(path, mode);
}

/* Does not sync, because this test has no power cut. */
int
__wrap_fsync(int fd)
{
	(void)fd;
	return fails_now() ? -1 : 0;
}

/* Waits longer: a slow sync is not a fault here. */
enum err_code
__wrap_sync_within(int fd, const char *path, int wait_ms, struct err *err)
{
	return __real_sync_within(fd, path, wait_ms + EXTRA_WAIT_MS, err);
}

void
system_fails_at(long n, int error)
{
	left = n;
	error_then = error;
	out = false;
}

bool
system_failed(void)
{
	return out;
}
