/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lines to syslogd. syslog(3) waits for one that was stopped, or is too slow, for as long
 * as it takes; this does not.
 */
#ifndef UTIL_SYSLOGGER_H
#define UTIL_SYSLOGGER_H

#include <stdbool.h>

/* Where syslogd listens, in place of the usual path; it must stay valid. For tests. */
void syslogger_place(const char *path);

/* Sends one line of 'priority', one of LOG_ERR to LOG_DEBUG of <syslog.h>, as a daemon's.
 * False if nobody took it: syslogd is not there, or has more to read than it may. */
bool syslogger_send(int priority, const char *ident, const char *line);

#endif
