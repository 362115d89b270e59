/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Who may change a file that a command check runs; see check_file.h.
 */
#include "check/check_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_roots(const struct stat *st)
{
	return st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int
check_file_open(const char *dir, const char *name, char message[CHECK_MESSAGE_SIZE],
    int *ret_error)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat of_dir, of_file;

	*ret_error = EACCES;
	if (fd < 0 || fstat(fd, &of_dir) != 0) {
		*ret_error = errno;
		snprintf(message, CHECK_MESSAGE_SIZE, "%.100s: %s", dir, strerror(errno));
	} else if (!is_roots(&of_dir)) {
		snprintf(message, CHECK_MESSAGE_SIZE, "%.100s: only root may own and write it",
		    dir);
	} else if (fstatat(fd, name, &of_file, AT_SYMLINK_NOFOLLOW) != 0) {
		*ret_error = errno;
		snprintf(message, CHECK_MESSAGE_SIZE, "%.100s/%s: %s", dir, name, strerror(errno));
	} else if (!S_ISREG(of_file.st_mode)) {
		snprintf(message, CHECK_MESSAGE_SIZE, "%.100s/%s: is not a regular file", dir,
		    name);
	} else if (!is_roots(&of_file)) {
		snprintf(message, CHECK_MESSAGE_SIZE, "%.100s/%s: only root may own and write it",
		    dir, name);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}
