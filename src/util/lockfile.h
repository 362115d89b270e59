/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A file that one process at a time holds, so that a program runs once. The lock goes
 * with the process, however it ends; the file stays and tells who held it last.
 */
#ifndef UTIL_LOCKFILE_H
#define UTIL_LOCKFILE_H

#include <stdbool.h>

#include "util/err.h"

/* Takes the lock "DIR/PROGRAM.lock" for this process, until *ret_fd is closed. ERR_PRECOND:
 * another one has it, and the words tell its number. A file that is not there is made
 * with 'make', else it is ERR_NOT_FOUND: then nobody has the lock. Other errors are those
 * of file_open(). */
enum err_code lockfile_take(const char *dir, const char *program, bool make, int *ret_fd,
    struct err *err) __attribute__((warn_unused_result));

/* True while that name leads to the file whose lock is held by 'fd'. Else whoever takes the
 * lock now gets it: the file, or its directory, was removed or put in place anew. */
bool lockfile_is_in_place(const char *dir, const char *program, int fd);

#endif
