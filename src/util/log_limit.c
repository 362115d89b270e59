/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/log_limit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "util/clock.h"

/* The list of all limits that wrote a line. */
static struct log_limit *limits;

/* Ends the minute of a limit: reports the lines dropped. */
static void
limit_flush(struct log_limit *limit)
{
	if (limit->dropped > 0)
		log_line(limit->last_level, limit->token,
		    "%u more lines like this in that minute, the last: %s", limit->dropped,
		    limit->last);
	limit->lines = limit->dropped = 0;
}

static bool
is_over(const struct log_limit *limit, int64_t now_ms)
{
	return limit->lines > 0 && now_ms - limit->from_ms >= LOG_LIMIT_MS;
}

void
log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
{
	int64_t now = clock_steady_ms();
	int saved = errno;
	char text[1024];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!limit->listed) {
		limit->listed = true;
		limit->next = limits;
		limits = limit;
	}
	if (is_over(limit, now))
		limit_flush(limit);
	if (limit->lines == 0)
		limit->from_ms = now;
	if (limit->lines < limit->lines_max) {
		limit->lines++;
		log_line(level, limit->token, "%s", text);
	} else if (log_enabled(LOG_LEVEL_DEBUG)) {
		log_line(LOG_LEVEL_DEBUG, limit->token, "%s", text);
	} else {
		limit->dropped++;
		limit->last_level = level;
		snprintf(limit->last, sizeof(limit->last), "%.*s", LOG_LIMIT_TEXT - 1, text);
	}
	errno = saved;
}

void
log_limits_flush(bool all)
{
	int64_t now = clock_steady_ms();

	for (struct log_limit *limit = limits; limit != NULL; limit = limit->next)
		if (all || is_over(limit, now))
			limit_flush(limit);
}
