/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * fsync(2) for a program that must not stand still while a disk takes its time.
 */
#ifndef UTIL_SYNC_H
#define UTIL_SYNC_H

#include "util/err.h"

/* Syncs an open file, and the directory that 'path' of it is in, since the name may be new:
 * in a thread of its own, which is waited for 'wait_ms' at most. ERR_OK: done, or it takes
 * longer and goes on; the end of the program comes after the fsync(2) that is under way, and
 * ends what is left. 'fd' is taken in any case. For what is rare: each call makes a thread. */
enum err_code sync_within(int fd, const char *path, int wait_ms, struct err *err);

#endif
