/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "service/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

/* Waits for the daemon's status and exits with it. Exits with 1 if the pipe closes without a
 * status, because the daemon crashed or was killed. */
static void
wait_and_exit(int fd)
{
	unsigned char status = 1;

	while (read(fd, &status, 1) == -1 && errno == EINTR)
		;
	_exit(status);
}

int
daemonize(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid > 0) {
		close(fds[1]);
		wait_and_exit(fds[0]);
	}
	close(fds[0]);
	/* A process that is not a session leader cannot get a controlling terminal. */
	if (pid == -1 || setsid() == -1 || (pid = fork()) == -1) {
		close(fds[1]);
		return -1;
	}
	if (pid > 0)
		_exit(0);
	return fds[1];
}

void
daemonize_done(int fd, int status)
{
	unsigned char byte = (unsigned char)status;
	int null;

	if (fd == -1)
		return;
	/* The write fails if the first process was killed; the terminal is closed even so. */
	(void)!write(fd, &byte, 1);
	close(fd);
	if (status != 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}
