/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * fsync(2) in a thread; see sync.h. The thread owns three descriptors and uses no other data
 * of the program.
 */
#include "util/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/file.h"

struct job {
	int	fd, dir;
	int	tell;		/* a pipe that gets the errno, 0 for success */
};

static void
job_free(struct job *job)
{
	if (job->fd != -1)
		close(job->fd);
	if (job->dir != -1)
		close(job->dir);
	free(job);
}

static void *
job_do(void *arg)
{
	struct job *job = arg;
	int error = fsync(job->fd) == 0 && fsync(job->dir) == 0 ? 0 : errno, tell = job->tell;

	job_free(job);
	/* The reader may have stopped waiting. */
	(void)!write(tell, &error, sizeof(error));
	close(tell);
	return NULL;
}

/* Starts the thread with all signals blocked, SIGPIPE included: the main thread handles them. */
static int
job_start(struct job *job)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, job_do, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		pthread_detach(thread);
	return error;
}

/* Waits for the thread's errno with all signals blocked. Returns 0 if 'wait_ms' passes first.
 * After the errno it also waits for the pipe's end, which the thread closes last. */
static int
answer_await(int from, int wait_ms)
{
	const struct timespec wait = { .tv_sec = wait_ms / 1000,
		.tv_nsec = wait_ms % 1000 * 1000000L };
	struct pollfd fd = { .fd = from, .events = POLLIN };
	int error = 0;
	sigset_t all;
	char end;

	sigfillset(&all);
	if (ppoll(&fd, 1, &wait, &all) == 1 &&
	    (read(from, &error, sizeof(error)) != sizeof(error) || read(from, &end, 1) != 0))
		error = EIO;
	return error;
}

enum err_code
sync_within(int fd, const char *path, int wait_ms, struct err *err)
{
	struct job *job = calloc(1, sizeof(*job));
	int ends[2] = { -1, -1 }, error = 0;

	if (job == NULL) {
		close(fd);
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	}
	*job = (struct job){ .fd = fd, .dir = file_directory_open(path), .tell = -1 };
	if (job->dir == -1 || pipe2(ends, O_CLOEXEC) == -1)
		error = errno;
	job->tell = ends[1];
	if (error == 0)
		error = job_start(job);
	if (error == 0) {
		error = answer_await(ends[0], wait_ms);
	} else {
		job_free(job);
		if (ends[1] != -1)
			close(ends[1]);
	}
	if (ends[0] != -1)
		close(ends[0]);
	if (error == ENOMEM)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	return error == 0 ? ERR_OK : err_set(err, err_of_errno(error), "%s: cannot be synced: %s",
	    path, strerror(error));
}
