/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Who a process is and what it may do with a file, by the modes alone: an access
 * list, a sandbox or a capability is not seen. Only looks.
 */
#ifndef CTL_PROCESS_H
#define CTL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { WHO_GROUPS_MAX = 128, WHO_PATH_MAX = 4096 };

enum { WHO_PASS = 1, WHO_WRITE = 2, WHO_READ = 4 };	/* the bits of a mode */

struct who {
	bool	known;		/* what follows the pid */
	pid_t	pid;		/* 0: a user, no process */
	char	name[32];
	char	state;		/* R, S, T... */
	uid_t	uid;
	gid_t	gid;
	gid_t	groups[WHO_GROUPS_MAX];
	size_t	n_groups;
};

/* Reads what /proc/PID/status has. False if it has less. */
bool who_parse(const char *text, struct who *ret);

/* A process, a user by name, a process by its name. Not there: false, and 'ret' is
 * zeroed. */
bool who_is(pid_t pid, struct who *ret);
bool who_user(const char *name, struct who *ret);
bool who_runs(const char *name, struct who *ret);

/* Gives the value of option "-letter" of a process, from its command line, and the directory
 * of the store that it serves, from its open files. False if there is none, or it may not be
 * seen. */
bool who_option(pid_t pid, char letter, char *ret, size_t size);
bool who_store(pid_t pid, char *ret, size_t size);

/* Calls fn(arg, process) for each process of this name. */
void who_each(const char *name, void (*fn)(void *arg, const struct who *who), void *arg);

/* True if the modes let it. */
bool who_may(const struct who *who, const struct stat *st, unsigned int want);

/* Whether the modes of each directory let it come to 'path', and do 'want' there. 0, or
 * EACCES with the part of the path that is in its way, or errno of our own look. */
int who_reach(const struct who *who, const char *path, unsigned int want,
    char ret_part[WHO_PATH_MAX], struct stat *ret_st);

enum who_lock { WHO_LOCK_FREE, WHO_LOCK_HELD, WHO_LOCK_UNSEEN };

/* Who holds a flock(2) on the file at 'path', without taking it: a program that
 * starts meanwhile must not find it taken. 'program' is the name it should have. 'ret'
 * has at least the pid of a holder. errno says why it could not be seen. */
enum who_lock who_locks(const char *path, const char *program, struct who *ret);

#endif
