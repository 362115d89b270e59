/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Processes with locks; see lockers.h.
 */
#include "util/lockers.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LOCKERS_MAX = 8, FILES_MAX = 8 };

struct lockers {
	struct stat	files[FILES_MAX];
	size_t		n_files;
	long		pids[LOCKERS_MAX];
	size_t		n;
};

/* A line of /proc/locks. */
struct lock {
	const char		*mode;		/* READ or WRITE */
	long			 pid;
	unsigned int		 major, minor;
	unsigned long long	 inode;
};

/* A line is "1: POSIX  ADVISORY  WRITE 4711 08:01:131073 0 EOF", see proc_locks(5). One that
 * waits for a lock has "->" after its number, and is left out. */
static bool
line_parse(char *line, struct lock *ret)
{
	enum { WAITS = 1, MODE = 3, PID = 4, FILE_ID = 5, FIELDS = 6 };
	char *fields[FIELDS], *rest = NULL, *end;

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
		if (fields[i] == NULL)
			return false;
	}
	ret->mode = fields[MODE];
	ret->pid = strtol(fields[PID], NULL, 10);
	ret->major = (unsigned int)strtoul(fields[FILE_ID], &end, 16);
	if (*end == ':')
		ret->minor = (unsigned int)strtoul(end + 1, &end, 16);
	if (*end == ':')
		ret->inode = strtoull(end + 1, &end, 10);
	return *end == '\0' && strcmp(fields[WAITS], "->") != 0;
}

static bool
is_of_files(const struct lockers *lockers, const struct lock *lock)
{
	for (size_t i = 0; i < lockers->n_files; i++) {
		const struct stat *st = &lockers->files[i];

		if (st->st_ino == lock->inode && major(st->st_dev) == lock->major &&
		    minor(st->st_dev) == lock->minor)
			return true;
	}
	return false;
}

static void
pid_add(struct lockers *lockers, long pid)
{
	for (size_t i = 0; i < lockers->n; i++) {
		if (lockers->pids[i] == pid)
			return;
	}
	/* A lock of an open file (F_OFD_SETLK) belongs to no process: -1. */
	if (lockers->n < LOCKERS_MAX && pid > 0 && pid != (long)getpid())
		lockers->pids[lockers->n++] = pid;
}

static void
locks_read(struct lockers *lockers, const char *mode)
{
	FILE *file = fopen("/proc/locks", "re");
	struct lock lock = { .pid = 0 };
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (line_parse(line, &lock) && strcmp(lock.mode, mode) == 0 &&
		    is_of_files(lockers, &lock))
			pid_add(lockers, lock.pid);
	}
	if (file != NULL)
		fclose(file);
}

/* The name of a process, as ps(1) shows it; "" if it has ended. */
static void
comm_read(long pid, char *buf, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	file = fopen(path, "re");
	if (file == NULL || fgets(buf, (int)size, file) == NULL)
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (file != NULL)
		fclose(file);
}

const char *
lockers_text(const char *const paths[], size_t n, char buf[LOCKERS_TEXT_SIZE])
{
	struct lockers lockers = { .n = 0 };
	size_t used = 0;
	char comm[32];

	for (size_t i = 0; i < n && lockers.n_files < FILES_MAX; i++)
		lockers.n_files += stat(paths[i], &lockers.files[lockers.n_files]) == 0;
	locks_read(&lockers, "WRITE");
	if (lockers.n == 0)
		locks_read(&lockers, "READ");
	buf[0] = '\0';
	for (size_t i = 0; i < lockers.n && used < LOCKERS_TEXT_SIZE; i++) {
		comm_read(lockers.pids[i], comm, sizeof(comm));
		used += (size_t)snprintf(buf + used, LOCKERS_TEXT_SIZE - used,
		    "%sprocess %ld (%s)", i > 0 ? ", " : "", lockers.pids[i], comm);
	}
	return buf;
}
