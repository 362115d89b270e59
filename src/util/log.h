/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The log of a program: to the standard error in the foreground, to syslog in
 * the background. Messages of libraries come through here too, each with its
 * own token ("libsnmp", "sqlite"). Of the rooms only mib, agentx, daemon and driver log
 * above debug; what a peer can cause goes through log_limit.h.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go from now on. 'to_syslog' false: "ident: level: [token] text"
 * on the standard error, or with the <N> prefix of sd-daemon(3) in place of the
 * level where $JOURNAL_STREAM says that the journal reads it. 'to_syslog' true: errors
 * and warnings go to the standard error as well, for whoever waits for the start;
 * background_ready() closes that. 'ident' must stay valid. May be called again. */
void log_open(const char *ident, bool to_syslog, enum log_level level);

/* Changes the level only. */
void log_level_set(enum log_level level);

/* "error", "warn", "info" or "debug" to a level; false for any other text. */
bool log_level_parse(const char *text, enum log_level *ret_level);

/* True if a line of this level is written: guards work done only for a line. */
bool log_enabled(enum log_level level);

/* Writes one line. Newlines at its end are dropped (libraries put them there),
 * other control characters become spaces; it is cut at 1023 octets. Keeps errno. Waits
 * for nobody to read it: what finds no room is lost, and counted in a line before the
 * next one. */
void log_line(enum log_level level, const char *token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(token, ...) log_line(LOG_LEVEL_ERROR, token, __VA_ARGS__)
#define log_warn(token, ...) log_line(LOG_LEVEL_WARN, token, __VA_ARGS__)
#define log_info(token, ...) log_line(LOG_LEVEL_INFO, token, __VA_ARGS__)
#define log_debug(token, ...)                                                  \
	do {                                                                   \
		if (log_enabled(LOG_LEVEL_DEBUG))                              \
			log_line(LOG_LEVEL_DEBUG, token, __VA_ARGS__);         \
	} while (0)

#endif
