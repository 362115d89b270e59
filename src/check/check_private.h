/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the kinds of checks and the set of checks share.
 */
#ifndef CHECK_CHECK_PRIVATE_H
#define CHECK_CHECK_PRIVATE_H

#include "check/checks.h"

/* -- descriptors: check_io.c ------------------------------------------------------------ */

/* 'events' are those of epoll_wait(2). */
typedef void (*check_watch_fn)(void *arg, int fd, uint32_t events);

struct check_watch;
struct check_run;

/* What limits the number of probes that run at once. */
enum check_pool { CHECK_POOL_SOCKETS, CHECK_POOL_COMMANDS, CHECK_POOLS };

enum check_outcome {
	CHECK_GOOD,
	CHECK_BAD,
	CHECK_UNDECIDED,	/* for a reason of this machine */
};

enum { CHECK_IDLE_MAX = 100 };

/* Sockets that the next checks of kind connect use. */
struct check_idle {
	int		fds[CHECK_IDLE_MAX];
	unsigned int	n;
};

/* What all probes of a set share. */
struct check_io {
	int			 epoll;
	struct check_watch	*watches;	/* by descriptor */
	size_t			 n_watches;
	void			*multi;		/* CURLM; NULL until the first http check */
	int64_t			 multi_due_ms;	/* when libcurl wants to run; -1: never */
	/* Functions of check_http.c, set with 'multi'. They run the timers of libcurl, and free
	 * 'multi' after all runs have ended. */
	void			(*multi_timers)(struct check_io *io);
	void			(*multi_close)(struct check_io *io);
	char			*command_dir;
	unsigned int		 open[CHECK_POOLS];
	struct check_idle	 idle[2];	/* of IPv4 and IPv6 */
	/* Called once for a run, not after cancel(). */
	void			(*done)(struct check_run *run, enum check_outcome outcome);
	/* Why the run that calls done() is not good, without the name of the kind. */
	char			 message[CHECK_MESSAGE_SIZE];
};

/* Watches 'fd' for 'events' of epoll_ctl(2), in place of an earlier watch. False with errno. */
bool check_watch(struct check_io *io, int fd, uint32_t events, check_watch_fn fn, void *arg)
    __attribute__((warn_unused_result));
/* Changes the function of a watch, without a system call. */
void check_watch_pass(struct check_io *io, int fd, check_watch_fn fn, void *arg);
/* Ends the watch of a descriptor, if it has one. */
void check_unwatch(struct check_io *io, int fd);
/* The same, and closes the descriptor. -1 is allowed. */
void check_close(struct check_io *io, int fd);
/* Waits at most 'timeout_ms' and calls the functions of ready descriptors, some at a time. Returns
 * their number. */
int check_dispatch(struct check_io *io, int timeout_ms);

/* True for an errno of socket(2) or connect(2) that says nothing about the server. */
bool check_error_is_local(int error);

/* -- kinds ------------------------------------------------------------------------------ */

/* A probe that runs. Part of its owner's struct. */
struct check_run {
	struct check_io		*io;
	struct check_spec	*spec;
	void			*state;		/* of the kind; NULL: it does not run */
	int			 fd;		/* of a check of kind connect */
};

struct check_ops {
	const char		*name;
	enum check_pool		 pool;
	/* Calls done() before it returns, or later. */
	void			(*start)(struct check_run *run);
	/* Ends a run that has state, without done(). */
	void			(*cancel)(struct check_run *run);
};

extern const struct check_ops check_connect_ops, check_http_ops, check_https_ops, check_command_ops;

/* Closes the idle sockets. */
void check_connect_close(struct check_io *io);

#endif
