/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lines of the log that somebody else causes, as often as he likes: a manager, a master, a
 * data plane, whoever locks the store. So many a minute are written; the rest is counted,
 * and the count told when the minute is over, with the last of them. At level debug all are
 * written, the rest as debug.
 */
#ifndef UTIL_LOG_LIMIT_H
#define UTIL_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/log.h"

enum { LOG_LIMIT_MS = 60000, LOG_LIMIT_TEXT = 384 };

/* One kind of lines; others may have the same token. Static, as the log is: it is remembered
 * from its first line on. */
struct log_limit {
	const char		*token;
	unsigned int		 lines_max;	/* of a minute */
	/* What follows is log_limit.c's. */
	unsigned int		 lines, left_out;
	int64_t			 from_ms;
	enum log_level		 last_level;	/* of what was left out */
	char			 last[LOG_LIMIT_TEXT];
	bool			 remembered;
	struct log_limit	*next;
};

#define LOG_LIMIT(its_token, a_minute) { .token = (its_token), .lines_max = (a_minute) }

/* log_line() of a kind that is limited. */
void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Tells how many lines were left out in the minutes that are over; with 'all', at the end
 * of the program, in those that are not. To be called once in a while. */
void log_limits_tell(bool all);

#endif
