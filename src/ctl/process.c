/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Processes, users, modes and locks; see process.h.
 */
#include "ctl/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/lockers.h"

enum { STATUS_MAX = 8192, COMM_MAX = 15, CMDLINE_MAX = 8192 };
enum { LOCK_READINGS = 5, LOCK_PAUSE_US = 10000 };

/* -- who ----------------------------------------------------------------------------- */

/* What follows "Key:" and blanks, on a line of its own. NULL if there is none. */
static const char *
status_value(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text != NULL && (strncmp(text, key, length) != 0 || text[length] != ':')) {
		text = strchr(text, '\n');
		text = text == NULL ? NULL : text + 1;
	}
	return text == NULL ? NULL : text + length + 1 + strspn(text + length + 1, " \t");
}

/* The second number of "Uid:" is the effective one. */
static bool
second_number(const char *text, unsigned int *ret)
{
	char *first, *second;

	if (text == NULL)
		return false;
	strtoul(text, &first, 10);
	*ret = (unsigned int)strtoul(first, &second, 10);
	return second != first;
}

static void
groups_take(const char *text, struct who *who)
{
	while (text != NULL && who->n_groups < WHO_GROUPS_MAX) {
		char *end;

		text += strspn(text, " \t");
		who->groups[who->n_groups] = (gid_t)strtoul(text, &end, 10);
		if (*text == '\n' || end == text)
			return;
		who->n_groups++;
		text = end;
	}
}

bool
who_parse(const char *text, struct who *ret)
{
	const char *name = status_value(text, "Name"), *state = status_value(text, "State");
	struct who who = { 0 };
	unsigned int uid, gid;

	if (name == NULL || state == NULL || !second_number(status_value(text, "Uid"), &uid) ||
	    !second_number(status_value(text, "Gid"), &gid))
		return false;
	who.known = true;
	who.pid = ret->pid;
	snprintf(who.name, sizeof(who.name), "%.*s", (int)strcspn(name, "\n"), name);
	who.state = state[0];
	who.uid = uid;
	who.gid = gid;
	groups_take(status_value(text, "Groups"), &who);
	*ret = who;
	return true;
}

bool
who_is(pid_t pid, struct who *ret)
{
	char path[64], text[STATUS_MAX];
	FILE *file;
	size_t n;

	*ret = (struct who){ 0 };
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	ret->pid = pid;
	return who_parse(text, ret);
}

bool
who_user(const char *name, struct who *ret)
{
	const struct passwd *user = getpwnam(name);
	int n = WHO_GROUPS_MAX;

	*ret = (struct who){ 0 };
	if (user == NULL)
		return false;
	ret->known = true;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->uid = user->pw_uid;
	ret->gid = user->pw_gid;
	if (getgrouplist(name, user->pw_gid, ret->groups, &n) != -1)
		ret->n_groups = (size_t)n;
	return true;
}

bool
who_runs(const char *name, struct who *ret)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
		found = isdigit((unsigned char)entry->d_name[0]) &&
		    who_is((pid_t)strtol(entry->d_name, NULL, 10), ret) &&
		    strncmp(ret->name, name, COMM_MAX) == 0;
	if (dir != NULL)
		closedir(dir);
	if (!found)
		*ret = (struct who){ 0 };
	return found;
}

void
who_each(const char *name, void (*fn)(void *arg, const struct who *who), void *arg)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct who who;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    who_is((pid_t)strtol(entry->d_name, NULL, 10), &who) &&
		    strncmp(who.name, name, COMM_MAX) == 0)
			fn(arg, &who);
	}
	if (dir != NULL)
		closedir(dir);
}

/* Arguments of /proc/PID/cmdline end with a NUL each. */
bool
who_option(pid_t pid, char letter, char *ret, size_t size)
{
	char path[64], text[CMDLINE_MAX];
	const char *argument = text;
	bool found = false;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	file = pid == 0 ? NULL : fopen(path, "re");
	if (file == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	for (; argument < text + n; argument += strlen(argument) + 1) {
		const char *value = argument + 2;

		if (argument[0] != '-' || argument[1] != letter)
			continue;
		if (value[0] == '\0')
			value = argument = argument + 3;
		found = value < text + n;
		if (found)
			snprintf(ret, size, "%s", value);
	}
	return found;
}

bool
who_store(pid_t pid, char *ret, size_t size)
{
	static const char name[] = "/lbclusterd.lock";
	char path[64], link[WHO_PATH_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	dir = opendir(path);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n < (ssize_t)strlen(name))
			continue;
		link[n] = '\0';
		found = strcmp(link + n - strlen(name), name) == 0;
		if (found)
			snprintf(ret, size, "%.*s", (int)((size_t)n - strlen(name)), link);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* -- what it may ----------------------------------------------------------------------- */

static bool
is_member(const struct who *who, gid_t gid)
{
	for (size_t i = 0; i < who->n_groups; i++) {
		if (who->groups[i] == gid)
			return true;
	}
	return who->gid == gid;
}

bool
who_may(const struct who *who, const struct stat *st, unsigned int want)
{
	unsigned int shift = 0;

	if (who->uid == 0)
		return true;
	if (who->uid == st->st_uid)
		shift = 6;
	else if (is_member(who, st->st_gid))
		shift = 3;
	return ((st->st_mode >> shift) & want) == want;
}

int
who_reach(const struct who *who, const char *path, unsigned int want,
    char ret_part[WHO_PATH_MAX], struct stat *ret_st)
{
	char *real = realpath(path, NULL);
	const char *slash = real == NULL ? path : real, *end;
	int status = 0;

	snprintf(ret_part, WHO_PATH_MAX, "%s", slash);
	free(real);
	for (end = ret_part; status == 0 && (slash = strchr(end, '/')) != NULL; end = slash + 1) {
		char rest = slash[1];
		size_t length = (size_t)(slash - ret_part);

		/* "/a/" names the directory /a. */
		ret_part[length + 1] = '\0';
		if (stat(ret_part, ret_st) == -1)
			status = errno;
		else if (!who_may(who, ret_st, WHO_PASS))
			status = EACCES;
		if (status != 0 && length > 0)
			ret_part[length] = '\0';
		if (status == 0)
			ret_part[length + 1] = rest;
	}
	if (status != 0)
		return status;
	if (stat(ret_part, ret_st) == -1)
		return errno;
	return who_may(who, ret_st, want) ? 0 : EACCES;
}

/* -- locks ------------------------------------------------------------------------------ */

struct lock_search {
	struct stat	 st;
	const char	*program;
	struct who	*holder;
	enum who_lock	 lock;
};

/* stat(2) returns another device than /proc/locks on some file systems (btrfs, overlayfs).
 * There the inode and the name of the program identify the lock. */
static bool
on_lock(void *arg, const struct lockers_lock *lock)
{
	struct lock_search *search = arg;
	struct who who;

	if (strcmp(lock->kind, "FLOCK") != 0 || lock->inode != search->st.st_ino)
		return true;
	if (!who_is(lock->pid, &who))
		who.pid = lock->pid;
	if (lock->device != search->st.st_dev &&
	    strncmp(who.name, search->program, COMM_MAX) != 0)
		return true;
	*search->holder = who;
	search->lock = WHO_LOCK_HELD;
	return false;
}

/* /proc/locks may omit a held lock while other processes lock and unlock between two reads
 * of that file (seen on a busy machine). So the lock is free only if five readings omit it. */
enum who_lock
who_locks(const char *path, const char *program, struct who *ret)
{
	struct lock_search search = { .program = program, .holder = ret };

	*ret = (struct who){ 0 };
	if (stat(path, &search.st) == -1)
		return errno == ENOENT ? WHO_LOCK_FREE : WHO_LOCK_UNSEEN;
	for (int tries = 0; search.lock == WHO_LOCK_FREE && tries < LOCK_READINGS; tries++) {
		if (tries > 0)
			usleep(LOCK_PAUSE_US);
		if (!lockers_each(on_lock, &search))
			return WHO_LOCK_UNSEEN;
	}
	return search.lock;
}
