/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the kinds of checks and the set of checks share.
 */
#ifndef CHECK_CHECK_PRIVATE_H
#define CHECK_CHECK_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "check/checks.h"

struct check_run;

/* A descriptor in the room's epoll. epoll_event.data.ptr is a watch. */
struct check_watch {
	void	(*fn)(struct check_watch *watch, uint32_t events);
	void	*arg;
	int	 fd;
};

/* What limits the number of probes that run at once. */
enum check_pool { CHECK_POOL_SOCKETS, CHECK_POOL_COMMANDS, CHECK_POOLS };

/* What all probes of a set share. */
struct check_io {
	int		 epoll;
	void		*multi;		/* CURLM of http and https; NULL until the first check */
	int64_t		 multi_due_ms;	/* when libcurl wants to run; -1: never */
	char		*command_dir;
	unsigned int	 open[CHECK_POOLS];
	/* Called once for a run, not after cancel(). The kind wrote run->message if not good. */
	void		(*done)(struct check_run *run, bool good);
};

/* A probe that runs. Part of its owner's struct. */
struct check_run {
	struct check_io		*io;
	const struct check_spec	*spec;
	void			*state;		/* of the kind; NULL: it does not run */
	char			 message[CHECK_MESSAGE_SIZE];
};

enum check_started {
	CHECK_STARTED,		/* done() is called, or was called already */
	CHECK_NOT_STARTED,	/* for a reason of this machine, in run->message */
};

struct check_ops {
	const char		*name;
	enum check_pool		 pool;
	enum check_started	(*start)(struct check_run *run);
	/* Ends a run that has state, without done(). */
	void			(*cancel)(struct check_run *run);
};

extern const struct check_ops check_connect_ops, check_http_ops, check_https_ops, check_command_ops;

/* Lets libcurl run its timers. */
void check_http_timers(struct check_io *io);
/* Frees what http checks share; all runs have ended. */
void check_http_close(struct check_io *io);

#endif
