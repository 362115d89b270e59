/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A lock file that makes sure that a program runs once per directory. The kernel releases the
 * lock when the process ends. The file stays and contains the pid of its last holder.
 */
#ifndef UTIL_LOCKFILE_H
#define UTIL_LOCKFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

/* Takes the lock "DIR/PROGRAM.lock" until *ret_fd is closed. ERR_PRECOND: another process
 * holds it; the message has its pid. If the file does not exist, it is created with 'make',
 * otherwise ERR_NOT_FOUND (no process holds the lock). Other errors are those of
 * file_open(). */
enum err_code lockfile_take(const char *dir, const char *program, bool make, int *ret_fd,
    struct err *err) __attribute__((warn_unused_result));

/* True while the name still refers to the file of 'fd'. False if the file or its directory
 * was removed or replaced: another process could take the lock then. */
bool lockfile_is_in_place(const char *dir, const char *program, int fd);

/* Numbers that the holder of the lock shows to other processes, such as its progress. */
enum { LOCKFILE_MARKS = 2 };

/* Shows 'number' (0 or more) as mark 'mark', until the next call or until 'fd' is closed.
 * A mark is a record lock of the kernel (F_OFD_SETLK, fcntl(2)) on as many bytes of the lock
 * file, which need not exist: no disk is written, and the mark ends with the process. -1
 * shows none. Without locks of this kind nothing is shown. */
void lockfile_mark_show(int fd, int mark, int64_t number);

/* True while the holder shows 'number' or more as 'mark'. 'fd' is the lock file, opened by
 * another process in any mode. Takes no lock. */
bool lockfile_mark_reached(int fd, int mark, int64_t number);

#endif
