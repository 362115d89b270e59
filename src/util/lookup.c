/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A host name looked up in a thread; see lookup.h. Whoever comes second frees the lookup:
 * the thread with its result, or the owner who abandons it.
 */
#include "util/lookup.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum step { STEP_RUNNING, STEP_ENDED, STEP_ABANDONED };

struct lookup {
	_Atomic enum step	 step;
	char			*host, *port;
	int			 from, tell;	/* the ends of a pipe */
	int			 error;		/* of getaddrinfo(3) */
	struct addrinfo		*list;
};

/* Threads that run. */
static atomic_int running;

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
look_up(const char *host, const char *port, int flags, struct addrinfo **ret)
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
	int tell = lookup->tell;

	lookup->error = look_up(lookup->host, lookup->port, 0, &lookup->list);
	if (atomic_exchange(&lookup->step, STEP_ENDED) == STEP_ABANDONED)
		lookup_free(lookup);
	/* The end of the pipe is the message: the reader sees POLLHUP. */
	close(tell);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* All signals stay with the program's own thread. */
static bool
thread_start(struct lookup *lookup)
{
	sigset_t all, before;
	pthread_t thread;
	bool good;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_fetch_add(&running, 1);
	good = pthread_create(&thread, NULL, thread_run, lookup) == 0;
	if (good)
		pthread_detach(thread);
	else
		atomic_fetch_sub(&running, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return good;
}

struct lookup *
lookup_begin(const char *host, const char *port)
{
	struct lookup *lookup;
	int ends[2];

	if (atomic_load(&running) >= LOOKUPS_MAX)
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
	lookup->from = ends[0];
	lookup->tell = ends[1];
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
	return lookup->from;
}

int
lookup_end(struct lookup *lookup, struct addrinfo **ret)
{
	int error = lookup->error;

	*ret = lookup->list;
	lookup->list = NULL;
	close(lookup->from);
	lookup_free(lookup);
	return error;
}

void
lookup_abandon(struct lookup *lookup)
{
	if (lookup == NULL)
		return;
	close(lookup->from);
	if (atomic_exchange(&lookup->step, STEP_ABANDONED) == STEP_ENDED)
		lookup_free(lookup);
}

int
lookup_number(const char *host, const char *port, struct addrinfo **ret)
{
	return look_up(host, port, AI_NUMERICHOST, ret);
}
