/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The processes that hold locks on files.
 */
#ifndef UTIL_LOCKERS_H
#define UTIL_LOCKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { LOCKERS_TEXT_SIZE = 256 };

/* A lock that a process holds, as /proc/locks shows it (proc_locks(5)). */
struct lockers_lock {
	const char		*kind;		/* "FLOCK", "POSIX", "OFDLCK" */
	const char		*mode;		/* "READ", "WRITE" */
	pid_t			 pid;		/* -1: no process has it (F_OFD_SETLK) */
	dev_t			 device;	/* on btrfs not the one that stat(2) returns */
	unsigned long long	 inode;
};

/* Calls fn(arg) for each lock that is held until fn returns false. Locks of other PID
 * namespaces are not shown. False if /proc/locks cannot be read. */
bool lockers_each(bool (*fn)(void *arg, const struct lockers_lock *lock), void *arg);

/* Writes "process 4711 (sqlite3), process 4712 (python3)": the processes other than this one
 * that hold a write lock on one of the 'n' files, or, if there is none, a read lock. "" if
 * there is none, and on a file system whose device stat(2) does not return. Returns 'buf'. */
const char *lockers_text(const char *const paths[], size_t n, char buf[LOCKERS_TEXT_SIZE]);

#endif
