/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Sends lines to syslogd without blocking. syslog(3) blocks while syslogd is stopped or slow.
 */
#ifndef UTIL_SYSLOGGER_H
#define UTIL_SYSLOGGER_H

#include <stdbool.h>

/* Sets the path of syslogd's socket, for tests. 'path' must stay valid. */
void syslogger_path_set(const char *path);

/* Sends one line with facility LOG_DAEMON and 'priority' LOG_ERR to LOG_DEBUG of <syslog.h>.
 * False if syslogd does not run or its socket is full. */
bool syslogger_send(int priority, const char *ident, const char *line);

#endif
