/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Which processes hold locks on files, for a message about a lock.
 */
#ifndef UTIL_LOCKERS_H
#define UTIL_LOCKERS_H

#include <stddef.h>

enum { LOCKERS_TEXT_SIZE = 256 };

/* "process 4711 (sqlite3), process 4712 (python3)": the processes other than this one that
 * hold a write lock on one of the 'n' files, or, if none does, a read lock. "" where none is
 * found: locks of other PID namespaces are not shown, see proc_locks(5). The kernel knows a
 * file by device and inode; a file system such as btrfs shows another device, and then none
 * is found. Returns 'buf'. */
const char *lockers_text(const char *const paths[], size_t n, char buf[LOCKERS_TEXT_SIZE]);

#endif
