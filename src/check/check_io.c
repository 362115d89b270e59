/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The descriptors of checks, in one epoll. An event names the descriptor and the generation of its
 * watch, because the function of an event may close the descriptor of a later one. A process that
 * begins to run a command has the same open files for a moment, so epoll may report a descriptor
 * even after close(2).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "check/check_private.h"

enum { EVENTS = 64, WATCHES_MIN = 64 };

struct check_watch {
	check_watch_fn	 fn;		/* NULL: not watched */
	void		*arg;
	uint32_t	 generation;
};

static bool
watches_reserve(struct check_io *io, int fd)
{
	size_t n = io->n_watches == 0 ? WATCHES_MIN : io->n_watches;
	struct check_watch *watches;

	while (n <= (size_t)fd)
		n *= 2;
	if (n == io->n_watches)
		return true;
	watches = reallocarray(io->watches, n, sizeof(*watches));
	if (watches == NULL)
		return false;
	for (size_t i = io->n_watches; i < n; i++)
		watches[i] = (struct check_watch){ 0 };
	io->watches = watches;
	io->n_watches = n;
	return true;
}

bool
check_watch(struct check_io *io, int fd, uint32_t events, check_watch_fn fn, void *arg)
{
	struct epoll_event event = { .events = events };
	struct check_watch *watch;
	int operation;

	if (!watches_reserve(io, fd))
		return false;
	watch = &io->watches[fd];
	operation = watch->fn != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	event.data.u64 = (uint64_t)watch->generation << 32 | (uint32_t)fd;
	if (epoll_ctl(io->epoll, operation, fd, &event) != 0)
		return false;
	watch->fn = fn;
	watch->arg = arg;
	return true;
}

void
check_watch_pass(struct check_io *io, int fd, check_watch_fn fn, void *arg)
{
	io->watches[fd].fn = fn;
	io->watches[fd].arg = arg;
}

/* Makes the events of a watch invalid. */
static bool
watch_end(struct check_io *io, int fd)
{
	if (fd < 0 || (size_t)fd >= io->n_watches || io->watches[fd].fn == NULL)
		return false;
	io->watches[fd].fn = NULL;
	io->watches[fd].generation++;
	return true;
}

void
check_unwatch(struct check_io *io, int fd)
{
	if (watch_end(io, fd))
		epoll_ctl(io->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void
check_close(struct check_io *io, int fd)
{
	watch_end(io, fd);
	if (fd >= 0)
		close(fd);
}

int
check_dispatch(struct check_io *io, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(io->epoll, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		uint32_t fd = (uint32_t)events[i].data.u64;
		const struct check_watch *watch = &io->watches[fd];

		if (watch->fn != NULL && watch->generation == events[i].data.u64 >> 32)
			watch->fn(watch->arg, (int)fd, events[i].events);
	}
	return n < 0 ? 0 : n;
}

bool
check_error_is_local(int error)
{
	return error == EADDRNOTAVAIL || error == ENOBUFS || error == ENOMEM || error == EAGAIN ||
	    error == EMFILE || error == ENFILE;
}
