/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/lockers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LOCKERS_MAX = 8, FILES_MAX = 8 };

struct lockers {
	const char	*mode;		/* of the locks that are searched */
	struct stat	 files[FILES_MAX];
	size_t		 n_files;
	pid_t		 pids[LOCKERS_MAX];
	size_t		 n;
};

/* Parses a line such as "1: POSIX  ADVISORY  WRITE 4711 08:01:131073 0 EOF". False for a
 * process that waits for a lock, which has "->" after its number. */
static bool
line_parse(char *line, struct lockers_lock *ret)
{
	enum { KIND = 1, MODE = 3, PID = 4, FILE_ID = 5, FIELDS = 6 };
	char *fields[FIELDS], *rest = NULL, *end;
	unsigned long major, minor = 0;

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
		if (fields[i] == NULL)
			return false;
	}
	ret->kind = fields[KIND];
	ret->mode = fields[MODE];
	ret->pid = (pid_t)strtol(fields[PID], NULL, 10);
	major = strtoul(fields[FILE_ID], &end, 16);
	if (*end == ':')
		minor = strtoul(end + 1, &end, 16);
	if (*end == ':')
		ret->inode = strtoull(end + 1, &end, 10);
	ret->device = makedev((unsigned int)major, (unsigned int)minor);
	return *end == '\0' && strcmp(ret->kind, "->") != 0;
}

bool
lockers_each(bool (*fn)(void *arg, const struct lockers_lock *lock), void *arg)
{
	FILE *file = fopen("/proc/locks", "re");
	struct lockers_lock lock = { .pid = 0 };
	char line[256];
	bool more = true;

	if (file == NULL)
		return false;
	while (more && fgets(line, sizeof(line), file) != NULL) {
		if (line_parse(line, &lock))
			more = fn(arg, &lock);
	}
	fclose(file);
	return true;
}

static void
pid_add(struct lockers *lockers, pid_t pid)
{
	for (size_t i = 0; i < lockers->n; i++) {
		if (lockers->pids[i] == pid)
			return;
	}
	if (lockers->n < LOCKERS_MAX && pid > 0 && pid != getpid())
		lockers->pids[lockers->n++] = pid;
}

static bool
on_lock(void *arg, const struct lockers_lock *lock)
{
	struct lockers *lockers = arg;

	for (size_t i = 0; i < lockers->n_files; i++) {
		const struct stat *st = &lockers->files[i];

		if (strcmp(lock->mode, lockers->mode) == 0 && st->st_ino == lock->inode &&
		    st->st_dev == lock->device)
			pid_add(lockers, lock->pid);
	}
	return true;
}

/* Reads the name of a process that ps(1) shows; "" if the process has ended. */
static void
comm_read(pid_t pid, char *buf, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
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
	struct lockers lockers = { .mode = "WRITE" };
	size_t used = 0;
	char comm[32];

	for (size_t i = 0; i < n && lockers.n_files < FILES_MAX; i++)
		lockers.n_files += stat(paths[i], &lockers.files[lockers.n_files]) == 0;
	lockers_each(on_lock, &lockers);
	lockers.mode = "READ";
	if (lockers.n == 0)
		lockers_each(on_lock, &lockers);
	buf[0] = '\0';
	for (size_t i = 0; i < lockers.n && used < LOCKERS_TEXT_SIZE; i++) {
		comm_read(lockers.pids[i], comm, sizeof(comm));
		used += (size_t)snprintf(buf + used, LOCKERS_TEXT_SIZE - used,
		    "%sprocess %ld (%s)", i > 0 ? ", " : "", (long)lockers.pids[i], comm);
	}
	return buf;
}
