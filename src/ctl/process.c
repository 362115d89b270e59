/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "util/clock.h"
#include "util/lockers.h"

enum { TEXT_MAX = 8192, COMM_MAX = 15, LOCK_READINGS = 5, LOCK_PAUSE_US = 10000 };

/* -- /proc ---------------------------------------------------------------------------- */

/* Reads /proc/PID/NAME. Returns the length without the NUL at the end, 0 on an error. */
static size_t
proc_read(pid_t pid, const char *name, char text[TEXT_MAX])
{
	char path[64];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	file = fopen(path, "re");
	if (file != NULL) {
		n = fread(text, 1, TEXT_MAX - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return n;
}

/* Returns the value of the line "\nKEY:\tVALUE"; "" if there is none. */
static const char *
status_value(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line == NULL ? "" : line + strlen(key);
}

/* Parses the second number of "Uid:" and "Gid:", which is the effective one. */
static bool
second_number(const char *text, unsigned int *ret)
{
	char *first, *second;

	strtoul(text, &first, 10);
	*ret = (unsigned int)strtoul(first, &second, 10);
	return second != first;
}

bool
process_parse(const char *text, struct process *ret)
{
	const char *name = status_value(text, "Name:\t");
	const char *state = status_value(text, "\nState:\t");
	const char *groups = status_value(text, "\nGroups:\t");
	struct process process = { .known = true, .pid = ret->pid, .state = state[0] };
	unsigned int uid, gid;
	char *end;

	if (name[0] == '\0' || state[0] == '\0' ||
	    !second_number(status_value(text, "\nUid:\t"), &uid) ||
	    !second_number(status_value(text, "\nGid:\t"), &gid))
		return false;
	snprintf(process.name, sizeof(process.name), "%.*s", (int)strcspn(name, "\n"), name);
	process.uid = uid;
	process.gid = gid;
	while (process.n_groups < PROCESS_GROUPS_MAX && isdigit((unsigned char)groups[0])) {
		process.groups[process.n_groups++] = (gid_t)strtoul(groups, &end, 10);
		groups = end + (*end == ' ');
	}
	*ret = process;
	return true;
}

bool
process_read(pid_t pid, struct process *ret)
{
	char text[TEXT_MAX];

	*ret = (struct process){ .pid = pid };
	if (proc_read(pid, "status", text) > 0 && process_parse(text, ret))
		return true;
	*ret = (struct process){ 0 };
	return false;
}

bool
process_of_user(const char *name, struct process *ret)
{
	const struct passwd *user = getpwnam(name);
	int n = PROCESS_GROUPS_MAX;

	*ret = (struct process){ 0 };
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

void
process_each(const char *name, bool (*fn)(void *arg, const struct process *process), void *arg)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct process process;
	bool more = true;

	while (more && dir != NULL && (entry = readdir(dir)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    process_read((pid_t)strtol(entry->d_name, NULL, 10), &process) &&
		    strncmp(process.name, name, COMM_MAX) == 0)
			more = fn(arg, &process);
	}
	if (dir != NULL)
		closedir(dir);
}

static bool
process_copy(void *arg, const struct process *process)
{
	*(struct process *)arg = *process;
	return false;
}

bool
process_find(const char *name, struct process *ret)
{
	*ret = (struct process){ 0 };
	process_each(name, process_copy, ret);
	return ret->known;
}

bool
process_option(pid_t pid, char letter, char *ret, size_t size)
{
	char text[TEXT_MAX];
	size_t n = pid == 0 ? 0 : proc_read(pid, "cmdline", text);
	bool found = false;

	/* A NUL ends each argument; "-cFILE" is one argument, "-c FILE" are two. */
	for (const char *argument = text; argument < text + n; argument += strlen(argument) + 1) {
		if (argument[0] != '-' || argument[1] != letter)
			continue;
		argument += argument[2] == '\0' ? 3 : 2;
		if (argument >= text + n)
			break;
		snprintf(ret, size, "%s", argument);
		found = true;
	}
	return found;
}

bool
process_flag(pid_t pid, char letter)
{
	const char flag[] = { '-', letter, '\0' };
	char text[TEXT_MAX];
	size_t n = pid == 0 ? 0 : proc_read(pid, "cmdline", text);

	for (const char *argument = text; argument < text + n; argument += strlen(argument) + 1) {
		if (strcmp(argument, flag) == 0)
			return true;
	}
	return false;
}

bool
process_store(pid_t pid, char *ret, size_t size)
{
	static const char name[] = "/lbclusterd.lock";
	char path[64], link[PATH_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	dir = opendir(path);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		ssize_t length = n - (ssize_t)strlen(name);

		link[n < 0 ? 0 : n] = '\0';
		found = length >= 0 && strcmp(link + length, name) == 0;
		if (found)
			snprintf(ret, size, "%.*s", (int)length, link);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* -- modes ----------------------------------------------------------------------------- */

bool
process_may(const struct process *process, const struct stat *st, unsigned int want)
{
	bool member = process->gid == st->st_gid;

	for (size_t i = 0; i < process->n_groups; i++)
		member |= process->groups[i] == st->st_gid;
	return process->uid == 0 ||
	    ((st->st_mode >> (process->uid == st->st_uid ? 6 : member ? 3 : 0)) & want) == want;
}

int
process_reach(const struct process *process, const char *path, unsigned int want,
    char ret_part[PATH_MAX], struct stat *ret_st)
{
	char whole[PATH_MAX];
	const char *slash = whole;

	if (realpath(path, whole) == NULL)
		snprintf(whole, sizeof(whole), "%s", path);
	/* Each slash ends the name of a directory. Every user may pass the root directory. */
	do {
		slash = strchr(slash + 1, '/');
		snprintf(ret_part, PATH_MAX, "%.*s",
		    slash == NULL ? PATH_MAX : (int)(slash - whole), whole);
		if (stat(ret_part, ret_st) == -1)
			return errno;
		if (!process_may(process, ret_st, slash == NULL ? want : ACCESS_PASS))
			return EACCES;
	} while (slash != NULL);
	return 0;
}

/* -- locks ------------------------------------------------------------------------------ */

struct lock_search {
	struct stat	 st;
	const char	*program;
	struct process	*holder;
	enum lock_state	 state;
};

/* stat(2) returns another device than /proc/locks on some file systems (btrfs, overlayfs).
 * There the inode and the name of the program identify the lock. */
static bool
on_lock(void *arg, const struct lockers_lock *lock)
{
	struct lock_search *search = arg;
	struct process process;

	if (strcmp(lock->kind, "FLOCK") != 0 || lock->inode != search->st.st_ino)
		return true;
	if (!process_read(lock->pid, &process))
		process.pid = lock->pid;
	if (lock->device != search->st.st_dev &&
	    strncmp(process.name, search->program, COMM_MAX) != 0)
		return true;
	*search->holder = process;
	search->state = LOCK_HELD;
	return false;
}

/* /proc/locks may omit a held lock while other processes lock and unlock between two reads
 * of that file (seen on a busy machine). So the lock is free only if five readings omit it. */
enum lock_state
process_of_lock(const char *dir, const char *program, struct process *ret)
{
	struct lock_search search = { .program = program, .holder = ret };
	char path[PATH_MAX];

	*ret = (struct process){ 0 };
	if (store_is_uri(dir)) {
		errno = ENOTSUP;
		return LOCK_UNKNOWN;
	}
	snprintf(path, sizeof(path), "%s/%s.lock", dir, program);
	if (stat(path, &search.st) == -1)
		return errno == ENOENT ? LOCK_FREE : LOCK_UNKNOWN;
	for (int tries = 0; search.state == LOCK_FREE && tries < LOCK_READINGS; tries++) {
		if (tries > 0)
			usleep(LOCK_PAUSE_US);
		if (!lockers_each(on_lock, &search))
			return LOCK_UNKNOWN;
	}
	return search.state;
}

/* -- subprocesses ------------------------------------------------------------------------ */

static int
spawn(const char *const argv[], int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int status = posix_spawn_file_actions_init(&actions);

	if (status != 0)
		return status;
	status = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (status == 0)
		status = posix_spawnp(ret_pid, argv[0], &actions, NULL,
		    (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

/* Reads to the end of the output, so that the program does not block, and keeps the beginning. */
static int
text_read(int fd, int timeout_ms, char text[RUN_TEXT_MAX])
{
	int64_t end_ms = clock_steady_ms() + timeout_ms, left_ms;
	struct pollfd input = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	ssize_t n = 1;

	text[0] = '\0';
	while (n > 0 && (left_ms = end_ms - clock_steady_ms()) > 0) {
		size_t free_bytes = RUN_TEXT_MAX - 1 - used;
		char rest[4096];

		if (poll(&input, 1, (int)left_ms) <= 0)
			continue;
		n = free_bytes > 0 ? read(fd, text + used, free_bytes) :
		    read(fd, rest, sizeof(rest));
		if (n > 0 && free_bytes > 0)
			used += (size_t)n;
		text[used] = '\0';
	}
	return n > 0 ? ETIMEDOUT : 0;
}

int
run_program(const char *const argv[], int timeout_ms, char text[RUN_TEXT_MAX], int *ret_exit)
{
	int ends[2], status, ended = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return errno;
	status = spawn(argv, ends[1], &pid);
	close(ends[1]);
	if (status == 0) {
		status = text_read(ends[0], timeout_ms, text);
		if (status != 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &ended, 0) == -1 && errno == EINTR)
			;
	}
	close(ends[0]);
	if (ret_exit != NULL)
		*ret_exit = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
	return status;
}
