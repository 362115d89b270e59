/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Runs a command that checks a server: a file of one directory (check_file.h). The child starts in
 * that directory by its descriptor, so only root can replace the file after it was examined.
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
#include <sys/wait.h>
#include <unistd.h>

#include "check/check_file.h"
#include "check/check_private.h"

enum {
	LINE_MAX_BYTES = 120,
	OUTPUT_MAX = 1024 * 1024,	/* that is read; a child that writes more waits */
};

struct command_state {
	struct check_run	*run;	/* NULL: cancelled; the child is killed, not reaped */
	struct check_io		*io;
	pid_t			 pid;
	int			 exited, output;	/* a pidfd, and the reading end of a pipe */
	char			 line[LINE_MAX_BYTES + 1];
	size_t			 read;			/* bytes of the output */
};

static void
state_free(struct command_state *state)
{
	check_close(state->io, state->exited);
	check_close(state->io, state->output);
	free(state);
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
spawn_with(char *const argv[], char *const envp[], int dir, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int error;

	if ((error = posix_spawnattr_init(&attr)) != 0)
		return error;
	if ((error = posix_spawn_file_actions_init(&files)) == 0) {
		if ((error = attributes_set(&attr)) == 0 &&
		    (error = files_set(&files, dir, output)) == 0)
			error = posix_spawn(ret_pid, argv[0], &files, &attr, argv, envp);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attr);
	return error;
}

static int
spawn(const struct check_spec *spec, int dir, int output, pid_t *ret_pid)
{
	static char search[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *file = NULL, *cluster = NULL, *service = NULL, *real = NULL;
	char port[8], service_port[8];
	int error = ENOMEM;

	snprintf(port, sizeof(port), "%u", spec->port);
	snprintf(service_port, sizeof(service_port), "%u", spec->service_port);
	if (asprintf(&file, "./%s", spec->text[CHECK_FILE]) >= 0 &&
	    asprintf(&cluster, "LBCLUSTER_CLUSTER=%s", spec->text[CHECK_CLUSTER_NAME]) >= 0 &&
	    asprintf(&service, "LBCLUSTER_SERVICE=%s", spec->text[CHECK_SERVICE_NAME]) >= 0 &&
	    asprintf(&real, "LBCLUSTER_REAL=%s", spec->text[CHECK_REAL_NAME]) >= 0) {
		/* posix_spawn() does not change the texts, in spite of its type. */
		char *argv[] = { file, (char *)(uintptr_t)spec->text[CHECK_ADDRESS], port,
		    (char *)(uintptr_t)spec->text[CHECK_SERVICE_ADDRESS], service_port, NULL };
		char *envp[] = { search, cluster, service, real, NULL };

		error = spawn_with(argv, envp, dir, output, ret_pid);
	}
	free(file);
	free(cluster);
	free(service);
	free(real);
	return error;
}

/* Reads some of the output and keeps its first bytes. The child waits only if it writes more than
 * OUTPUT_MAX, so it cannot keep the loop busy. */
static void
on_output(void *arg, int fd, uint32_t events)
{
	struct command_state *state = arg;
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)events;
	if (n > 0 && state->read < LINE_MAX_BYTES) {
		size_t room = LINE_MAX_BYTES - state->read;

		memcpy(state->line + state->read, buf, (size_t)n < room ? (size_t)n : room);
	}
	state->read += n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && errno != EAGAIN) || state->read >= OUTPUT_MAX)
		check_unwatch(state->io, fd);
}

static void
message_write(char message[CHECK_MESSAGE_SIZE], const struct command_state *state, int status)
{
	char line[LINE_MAX_BYTES + 1];

	memcpy(line, state->line, sizeof(line));
	/* A NUL byte ends the line as well. */
	line[strcspn(line, "\r\n")] = '\0';
	snprintf(message, CHECK_MESSAGE_SIZE, "%s %d%s%s",
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    line[0] != '\0' ? ": " : "", line);
}

static void
on_exited(void *arg, int fd, uint32_t events)
{
	struct command_state *state = arg;
	struct check_run *run = state->run;
	int status = 0;

	(void)fd;
	(void)events;
	/* What the command left running ends too. The group exists until the child is reaped. */
	kill(-state->pid, SIGKILL);
	if (waitpid(state->pid, &status, 0) != state->pid)
		status = W_EXITCODE(127, 0);
	if (state->read < LINE_MAX_BYTES)
		on_output(state, state->output, 0);
	state->io->open[CHECK_POOL_COMMANDS]--;
	if (run != NULL) {
		message_write(run->io->message, state, status);
		run->state = NULL;
	}
	state_free(state);
	if (run != NULL)
		run->io->done(run, WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CHECK_GOOD :
		    CHECK_BAD);
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

/* Starts the child and watches it. Returns an errno. */
static int
child_start(const struct check_run *run, struct command_state *state, int dir)
{
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return errno;
	state->output = fds[0];
	/* The child must not see EAGAIN. */
	error = fcntl(fds[1], F_SETFL, 0) != 0 ||
	    !check_watch(run->io, state->output, EPOLLIN, on_output, state) ? errno :
	    spawn(run->spec, dir, fds[1], &state->pid);
	close(fds[1]);
	if (error != 0)
		return error;
	state->exited = pidfd_open(state->pid, 0);
	if (state->exited >= 0 && check_watch(run->io, state->exited, EPOLLIN, on_exited, state))
		return 0;
	error = errno;
	kill(-state->pid, SIGKILL);
	waitpid(state->pid, NULL, 0);
	return error;
}

static void
command_start(struct check_run *run)
{
	struct command_state *state = calloc(1, sizeof(*state));
	char *message = run->io->message;
	int error = ENOMEM, dir = -1;

	message[0] = '\0';
	if (state != NULL) {
		*state = (struct command_state){ .run = run, .io = run->io, .exited = -1,
		    .output = -1 };
		dir = check_file_open(run->io->command_dir, run->spec->text[CHECK_FILE], message,
		    &error);
		/* The path is not the reason. */
		if (dir < 0 && check_error_is_local(error))
			message[0] = '\0';
	}
	if (dir >= 0) {
		error = child_start(run, state, dir);
		close(dir);
	}
	if (dir >= 0 && error == 0) {
		run->state = state;
		run->io->open[CHECK_POOL_COMMANDS]++;
		return;
	}
	if (state != NULL)
		state_free(state);
	if (message[0] == '\0')
		snprintf(message, CHECK_MESSAGE_SIZE, "%s", strerror(error));
	run->io->done(run, check_error_is_local(error) ? CHECK_UNDECIDED : CHECK_BAD);
}

const struct check_ops check_command_ops = {
	"command", CHECK_POOL_COMMANDS, command_start, command_cancel
};
