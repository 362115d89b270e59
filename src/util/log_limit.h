/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A rate limit for log lines that a peer can cause: a manager, an AgentX master, a data plane,
 * a process that locks the store. Up to lines_max lines a minute are written. The rest is
 * counted; when the minute is over, one line reports the count and the last line dropped. At
 * level debug every line is written, those above the limit as debug.
 */
#ifndef UTIL_LOG_LIMIT_H
#define UTIL_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/log.h"

enum { LOG_LIMIT_MS = 60000, LOG_LIMIT_TEXT = 384 };

/* The limit of one kind of lines; several limits may have the same token. It must be static:
 * log_limits_flush() reads it for the life of the process. */
struct log_limit {
	const char		*token;
	unsigned int		 lines_max;	/* of a minute */
	/* Private to log_limit.c: */
	unsigned int		 lines, dropped;
	int64_t			 from_ms;
	enum log_level		 last_level;	/* of the last line dropped */
	char			 last[LOG_LIMIT_TEXT];
	bool			 listed;
	struct log_limit	*next;
};

#define LOG_LIMIT(its_token, a_minute) { .token = (its_token), .lines_max = (a_minute) }

/* log_line() with the limit applied. */
void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reports the lines dropped in minutes that are over; with 'all' (at the end of the program)
 * also in the current minute. Call it about once a second. */
void log_limits_flush(bool all);

#endif
