/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Files and directories that are made where others may write: never follows a link nor
 * waits for anything, whatever stands under the name, so that a program of root's is no
 * danger to other files there. What is made is its group's, to use it together.
 */
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include <stdbool.h>

#include "util/err.h"

/* Makes the directory unless something has the name: 2770, so that what anybody of its
 * group makes in it is the group's; 0770 where setting that bit is forbidden. */
enum err_code file_directory_make(const char *dir, struct err *err);

/* Opens the directory that 'path' is in, for fsync(2): without it a new name may not be there
 * after a power cut. -1 with errno. */
int file_directory_open(const char *path);

/* Makes an empty file, which must not be there: 0660 whatever the umask, of the directory's
 * group, and made by root of the directory's owner too. It is open to read and write. */
enum err_code file_make(const char *path, int *ret_fd, struct err *err);

/* Opens a file with the 'flags' of open(2), and makes it, as file_make() does, if 'make' and
 * it is not there. ERR_NOT_FOUND: it is not there, and was not to be made. ERR_FOREIGN: it
 * is a link, has a second name, or is no regular file. */
enum err_code file_open(const char *path, int flags, bool make, int *ret_fd,
    struct err *err);

#endif
