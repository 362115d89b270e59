/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Processes and users, and what the modes of files let them do. Access lists, sandboxes and
 * capabilities are not considered. Also runs programs.
 */
#ifndef CTL_PROCESS_H
#define CTL_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { PROCESS_GROUPS_MAX = 128 };

enum { ACCESS_PASS = 1, ACCESS_WRITE = 2, ACCESS_READ = 4 };	/* the bits of a mode */

struct process {
	bool	known;		/* the members below 'pid' are set */
	pid_t	pid;		/* 0: a user without a process */
	char	name[32];
	char	state;		/* R, S, T..., as ps(1) shows it */
	uid_t	uid;		/* effective */
	gid_t	gid;
	gid_t	groups[PROCESS_GROUPS_MAX];
	size_t	n_groups;
};

/* Parses the text of /proc/PID/status, all but the pid. False if a member is missing. */
bool process_parse(const char *text, struct process *ret);

/* Read a process by its pid, or the account of a user by its name. False, with *ret zeroed, if
 * there is none. */
bool process_read(pid_t pid, struct process *ret);
bool process_of_user(const char *name, struct process *ret);

/* Calls fn(arg, process) for the processes of this name until fn returns false. */
void process_each(const char *name, bool (*fn)(void *arg, const struct process *process),
    void *arg);

/* Finds one process by its name. False, with *ret zeroed, if there is none. */
bool process_find(const char *name, struct process *ret);

/* Finds the last option "-letter" on the command line of a process. False if the process has
 * no such option or may not be seen. */
bool process_option(pid_t pid, char letter, char *ret, size_t size);

/* True if the command line of a process has the argument "-letter". */
bool process_flag(pid_t pid, char letter);

/* Finds the directory of the store that an lbclusterd serves, from its open files. False as
 * above. */
bool process_store(pid_t pid, char *ret, size_t size);

/* True if the modes of a file allow 'want', bits of ACCESS_*. */
bool process_may(const struct process *process, const struct stat *st, unsigned int want);

/* Checks the modes of each directory of 'path', and of the file for 'want'. Returns 0; EACCES,
 * with the part of the path that is not allowed in 'ret_part' and 'ret_st'; or errno of
 * stat(2). */
int process_reach(const struct process *process, const char *path, unsigned int want,
    char ret_part[PATH_MAX], struct stat *ret_st);

enum lock_state { LOCK_FREE, LOCK_HELD, LOCK_UNKNOWN };

/* Finds the process of 'program' that serves the store in 'dir': it holds a flock(2) on
 * DIR/PROGRAM.lock (util/lockfile.h). Does not try the lock: a program that starts meanwhile
 * would find it held. LOCK_HELD: *ret has at least the pid. LOCK_UNKNOWN: errno says why. */
enum lock_state process_of_lock(const char *dir, const char *program, struct process *ret);

/* -- subprocesses ------------------------------------------------------------------------ */

enum { RUN_TEXT_MAX = 65536 };

/* Runs argv[0], searched in PATH, to its end, or kills it after 'timeout_ms'. Uses no shell.
 * 'text' gets its standard output and error, cut at the size; 'ret_exit' (may be NULL) its exit
 * status, -1 if a signal ended it. Returns 0, ETIMEDOUT, or errno if it cannot run (ENOENT: no
 * such program). */
int run_program(const char *const argv[], int timeout_ms, char text[RUN_TEXT_MAX], int *ret_exit);

#endif
