/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Looks up a host in a thread; see lookup.h. The thread and the owner share the lookup. The one
 * that finishes last frees it.
 */
#include "util/lookup.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/signals.h"

enum step { STEP_RUNNING, STEP_ENDED, STEP_ABANDONED };

struct lookup {
	_Atomic enum step	 step;
	char			*host, *port;
	int			 read_fd, write_fd;	/* of a pipe */
	int			 error;		/* of getaddrinfo(3) */
	struct addrinfo		*list;
};

static atomic_int threads;

static void
lookup_free(struct lookup *lookup)
{
	if (lookup->list != NULL)
		freeaddrinfo(lookup->list);
	free(lookup->host);
	free(lookup->port);
	free(lookup);
}

static int
resolve(const char *host, const char *port, int flags, struct addrinfo **ret)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP, .ai_flags = flags | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	int error = getaddrinfo(host, port, &hints, &list);

	*ret = error == 0 ? list : NULL;
	return error;
}

static void *
thread_run(void *arg)
{
	struct lookup *lookup = arg;
	int fd = lookup->write_fd;

	lookup->error = resolve(lookup->host, lookup->port, 0, &lookup->list);
	if (atomic_exchange(&lookup->step, STEP_ENDED) == STEP_ABANDONED)
		lookup_free(lookup);
	/* The reader gets POLLHUP. */
	close(fd);
	atomic_fetch_sub(&threads, 1);
	return NULL;
}

static bool
thread_start(struct lookup *lookup)
{
	pthread_t thread;
	bool started;

	atomic_fetch_add(&threads, 1);
	started = signals_thread_start(&thread, thread_run, lookup) == 0;
	if (started)
		pthread_detach(thread);
	else
		atomic_fetch_sub(&threads, 1);
	return started;
}

struct lookup *
lookup_begin(const char *host, const char *port)
{
	struct lookup *lookup;
	int ends[2];

	if (atomic_load(&threads) >= LOOKUPS_MAX)
		return NULL;
	lookup = calloc(1, sizeof(*lookup));
	if (lookup == NULL)
		return NULL;
	lookup->host = strdup(host);
	lookup->port = strdup(port);
	if (lookup->host == NULL || lookup->port == NULL || pipe2(ends, O_CLOEXEC) == -1) {
		lookup_free(lookup);
		return NULL;
	}
	lookup->read_fd = ends[0];
	lookup->write_fd = ends[1];
	if (thread_start(lookup))
		return lookup;
	close(ends[0]);
	close(ends[1]);
	lookup_free(lookup);
	return NULL;
}

int
lookup_fd(const struct lookup *lookup)
{
	return lookup->read_fd;
}

int
lookup_end(struct lookup *lookup, struct addrinfo **ret)
{
	int error = lookup->error;

	*ret = lookup->list;
	lookup->list = NULL;
	close(lookup->read_fd);
	lookup_free(lookup);
	return error;
}

void
lookup_abandon(struct lookup *lookup)
{
	if (lookup == NULL)
		return;
	close(lookup->read_fd);
	if (atomic_exchange(&lookup->step, STEP_ABANDONED) == STEP_ENDED)
		lookup_free(lookup);
}

int
lookup_number(const char *host, const char *port, struct addrinfo **ret)
{
	return resolve(host, port, AI_NUMERICHOST, ret);
}
