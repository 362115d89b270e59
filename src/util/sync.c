/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * fsync(2) in a thread; see sync.h. The thread owns two descriptors and uses no other data of
 * the program.
 */
#include "util/sync.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/file.h"
#include "util/signals.h"

struct job {
	int	fd, dir;
};

static void
job_free(struct job *job)
{
	close(job->fd);
	if (job->dir != -1)
		close(job->dir);
	free(job);
}

/* Returns the errno as a pointer; NULL is success. */
static void *
job_do(void *arg)
{
	struct job *job = arg;
	int error = fsync(job->fd) == 0 && fsync(job->dir) == 0 ? 0 : errno;

	job_free(job);
	return (void *)(intptr_t)error;
}

/* Waits for the errno of the thread. Returns 0 if 'wait_ms' passes first; the thread then ends
 * alone. */
static int
job_await(pthread_t thread, int wait_ms)
{
	struct timespec until;
	void *result = NULL;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	if (pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &until) != 0)
		pthread_detach(thread);
	return (int)(intptr_t)result;
}

enum err_code
sync_within(int fd, const char *path, int wait_ms, struct err *err)
{
	struct job *job = calloc(1, sizeof(*job));
	pthread_t thread;
	int error = 0;

	if (job == NULL) {
		close(fd);
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	}
	*job = (struct job){ .fd = fd, .dir = file_directory_open(path) };
	if (job->dir == -1)
		error = errno;
	if (error == 0)
		error = signals_thread_start(&thread, job_do, job);
	if (error == 0)
		error = job_await(thread, wait_ms);
	else
		job_free(job);
	if (error == ENOMEM)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	return error == 0 ? ERR_OK : err_set(err, err_of_errno(error), "%s: cannot be synced: %s",
	    path, strerror(error));
}
