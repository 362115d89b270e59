/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * fsync(2) with a bounded wait, in a thread.
 */
#ifndef UTIL_SYNC_H
#define UTIL_SYNC_H

#include "util/err.h"

/* Syncs the open file 'fd' and the parent directory of its 'path' (the name may be new) in a
 * thread, and waits for it for at most 'wait_ms'. ERR_OK: done, or still running. The process
 * cannot exit before an fsync(2) in progress ends; later steps are dropped then. Closes 'fd'
 * in any case. Each call creates a thread, so use it rarely. */
enum err_code sync_within(int fd, const char *path, int wait_ms, struct err *err);

#endif
