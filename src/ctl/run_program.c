/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

static int
spawn(char *const argv[], int output, pid_t *ret_pid)
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
		status = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
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
run_program(char *const argv[], int timeout_ms, char text[RUN_TEXT_MAX], int *ret_exit)
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
