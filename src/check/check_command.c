/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Runs a command that checks a server. Who may write the inventory must not gain what the driver
 * may do, so a check names a file in one directory, and root alone may write both. The child starts
 * in that directory by its descriptor, so nobody but root can exchange the file after the test.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/check_private.h"
#include "util/memory.h"
#include "util/text.h"

enum { LINE_MAX_BYTES = 120, ENV_SIZE = MODEL_NAME_MAX + 24 };

struct command_state {
	struct check_run	*run;	/* NULL: cancelled; the child is killed, not reaped */
	struct check_io		*io;
	pid_t			 pid;
	struct check_watch	 exited, output;	/* a pidfd, and the reading end of a pipe */
	char			 line[LINE_MAX_BYTES + 1];
	size_t			 used;
};

/* Ends the watch before close(2): a child between vfork(2) and the end of execve(2) may have the
 * same open file, and epoll would report it further. */
static void
watch_close(struct check_io *io, const struct check_watch *watch)
{
	if (watch->fd < 0)
		return;
	epoll_ctl(io->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	close(watch->fd);
}

static void
state_free(struct command_state *state)
{
	watch_close(state->io, &state->exited);
	watch_close(state->io, &state->output);
	free(state);
}

/* -- the file ------------------------------------------------------------------------- */

static bool
is_roots(const struct stat *st)
{
	return st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Opens the directory of a file that may run. Returns -1 and says why it may not. */
static int
directory_open(const char *path, const char *name, char *ret_reason, size_t size)
{
	struct stat dir, file;
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &dir) != 0)
		snprintf(ret_reason, size, "%s: %s", path, strerror(errno));
	else if (!is_roots(&dir))
		snprintf(ret_reason, size, "%s: root alone must own and write it", path);
	else if (fstatat(fd, name, &file, AT_SYMLINK_NOFOLLOW) != 0)
		snprintf(ret_reason, size, "%s/%s: %s", path, name, strerror(errno));
	else if (!S_ISREG(file.st_mode))
		snprintf(ret_reason, size, "%s/%s: is not a regular file", path, name);
	else if (!is_roots(&file))
		snprintf(ret_reason, size, "%s/%s: root alone must own and write it", path, name);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* -- the child ------------------------------------------------------------------------ */

static int
attributes_set(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	if ((error = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) != 0 ||
	    (error = posix_spawnattr_setsigmask(attr, &none)) != 0 ||
	    (error = posix_spawnattr_setsigdefault(attr, &all)) != 0)
		return error;
	return posix_spawnattr_setpgroup(attr, 0);
}

static int
files_set(posix_spawn_file_actions_t *files, int dir, int output)
{
	int error;

	if ((error = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0)) != 0 ||
	    (error = posix_spawn_file_actions_adddup2(files, output, 1)) != 0 ||
	    (error = posix_spawn_file_actions_adddup2(files, output, 2)) != 0)
		return error;
	return posix_spawn_file_actions_addfchdir_np(files, dir);
}

static int
spawn(const struct check_spec *spec, int dir, int output, pid_t *ret_pid)
{
	char path[MODEL_NAME_MAX + 3], address[CHECK_ADDRESS_SIZE], port[8];
	char vip[CHECK_ADDRESS_SIZE], vport[8];
	char cluster[ENV_SIZE], service[ENV_SIZE], real[ENV_SIZE];
	char search[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[] = { path + 2, address, port, vip, vport, NULL };
	char *envp[] = { search, cluster, service, real, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int error;

	snprintf(path, sizeof(path), "./%s", spec->command);
	snprintf(address, sizeof(address), "%s", spec->address);
	snprintf(port, sizeof(port), "%u", spec->port);
	snprintf(vip, sizeof(vip), "%s", spec->service_address);
	snprintf(vport, sizeof(vport), "%u", spec->service_port);
	snprintf(cluster, sizeof(cluster), "LBCLUSTER_CLUSTER=%s", spec->cluster_name);
	snprintf(service, sizeof(service), "LBCLUSTER_SERVICE=%s", spec->service_name);
	snprintf(real, sizeof(real), "LBCLUSTER_REAL=%s", spec->real_name);
	if ((error = posix_spawnattr_init(&attr)) != 0)
		return error;
	if ((error = posix_spawn_file_actions_init(&files)) == 0) {
		if ((error = attributes_set(&attr)) == 0 &&
		    (error = files_set(&files, dir, output)) == 0)
			error = posix_spawn(ret_pid, path, &files, &attr, argv, envp);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attr);
	return error;
}

/* Keeps the first bytes and drops the others, so that the child never waits for a reader. */
static void
on_output(struct check_watch *watch, uint32_t events)
{
	struct command_state *state = watch->arg;
	char buf[4096];
	ssize_t n;

	(void)events;
	while ((n = read(watch->fd, buf, sizeof(buf))) > 0) {
		size_t room = LINE_MAX_BYTES - state->used;

		if (room > (size_t)n)
			room = (size_t)n;
		memcpy(state->line + state->used, buf, room);
		state->used += room;
		if ((size_t)n < sizeof(buf))
			return;
	}
	if (n == 0 || errno != EAGAIN)
		epoll_ctl(state->io->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

static void
message_write(struct check_run *run, const struct command_state *state, int status)
{
	char line[LINE_MAX_BYTES + 1];
	int n;

	memcpy(line, state->line, sizeof(line));
	/* A NUL byte ends the line as well. */
	line[strcspn(line, "\r\n")] = '\0';
	text_clean(line, '?');
	if (WIFSIGNALED(status))
		n = snprintf(run->message, sizeof(run->message), "command %s: signal %d",
		    run->spec->command, WTERMSIG(status));
	else
		n = snprintf(run->message, sizeof(run->message), "command %s: exit %d",
		    run->spec->command, WEXITSTATUS(status));
	if (line[0] != '\0' && n > 0 && (size_t)n < sizeof(run->message))
		snprintf(run->message + n, sizeof(run->message) - (size_t)n, ": %s", line);
}

static void
on_exited(struct check_watch *watch, uint32_t events)
{
	struct command_state *state = watch->arg;
	struct check_run *run = state->run;
	int status = 0;

	(void)events;
	/* What the command left running ends too. The group exists until the child is reaped. */
	kill(-state->pid, SIGKILL);
	if (waitpid(state->pid, &status, 0) != state->pid)
		status = W_EXITCODE(127, 0);
	on_output(&state->output, 0);
	state->io->open[CHECK_POOL_COMMANDS]--;
	if (run != NULL) {
		message_write(run, state, status);
		run->state = NULL;
	}
	state_free(state);
	if (run != NULL)
		run->io->done(run, WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Kills the child. on_exited() reaps it later, because a child in a system call may take long to
 * end. */
static void
command_cancel(struct check_run *run)
{
	struct command_state *state = run->state;

	kill(-state->pid, SIGKILL);
	state->run = NULL;
	run->state = NULL;
}

static bool
watch_add(struct check_io *io, struct check_watch *watch)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };

	return epoll_ctl(io->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

static enum check_started
command_start(struct check_run *run)
{
	const char *name = run->spec->command;
	struct command_state *state = calloc(1, sizeof(*state));
	char reason[160];
	int pipe_fds[2] = { -1, -1 }, dir = -1, error;

	if (state == NULL)
		goto local;
	*state = (struct command_state){ .run = run, .io = run->io,
	    .exited = { on_exited, state, -1 }, .output = { on_output, state, -1 } };
	dir = directory_open(run->io->command_dir, name, reason, sizeof(reason));
	if (dir < 0)
		goto refused;
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0)
		goto local;
	state->output.fd = pipe_fds[0];
	/* The child must not see EAGAIN. */
	if (fcntl(pipe_fds[1], F_SETFL, 0) != 0 || !watch_add(run->io, &state->output))
		goto local;
	error = spawn(run->spec, dir, pipe_fds[1], &state->pid);
	close(pipe_fds[1]);
	close(dir);
	pipe_fds[1] = dir = -1;
	if (error != 0) {
		errno = error;
		if (error == EAGAIN || error == ENOMEM)
			goto local;
		snprintf(reason, sizeof(reason), "%s", strerror(error));
		goto refused;
	}
	state->exited.fd = pidfd_open(state->pid, 0);
	if (state->exited.fd < 0 || !watch_add(run->io, &state->exited)) {
		error = errno;
		kill(-state->pid, SIGKILL);
		waitpid(state->pid, NULL, 0);
		errno = error;
		goto local;
	}
	run->state = state;
	run->io->open[CHECK_POOL_COMMANDS]++;
	return CHECK_STARTED;
refused:
	state_free(state);
	snprintf(run->message, sizeof(run->message), "command %s: %s", name, reason);
	text_clean(run->message, '?');
	run->io->done(run, false);
	return CHECK_STARTED;
local:
	snprintf(run->message, sizeof(run->message), "command %s: %s", name, strerror(errno));
	if (pipe_fds[1] >= 0)
		close(pipe_fds[1]);
	if (dir >= 0)
		close(dir);
	if (state != NULL)
		state_free(state);
	return CHECK_NOT_STARTED;
}

const struct check_ops check_command_ops = {
	"command", CHECK_POOL_COMMANDS, command_start, command_cancel
};
