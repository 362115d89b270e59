/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The log of a program: standard error in the foreground, syslog in the background.
 * Messages of libraries go through this module too, each with its own token
 * ("libsnmp", "sqlite"). Only the rooms mib, agentx, service, daemon and driver log above
 * debug.
 * Lines that a peer can cause go through log_limit.h.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Sets the destination of log lines. 'to_syslog' false: "ident: level: [token] text" on
 * standard error; if $JOURNAL_STREAM says that the journal reads it, the <N> prefix of
 * sd-daemon(3) replaces the level. 'to_syslog' true: errors and warnings also go to standard
 * error until daemonize_done() closes it, so that the caller of the program sees them.
 * 'ident' must stay valid. May be called again. */
void log_open(const char *ident, bool to_syslog, enum log_level level);

/* Changes the level only. */
void log_level_set(enum log_level level);

/* "error", "warn", "info" or "debug" to a level; false for any other text. */
bool log_level_parse(const char *text, enum log_level *ret_level);

/* True if lines of this level are written. */
bool log_enabled(enum log_level level);

/* Writes one line. Newlines at its end are removed (libraries add them), other bytes
 * that are not printable text are replaced by spaces, and the line is cut at 1023 bytes. Keeps
 * errno. Never blocks: if the reader is too slow the line is dropped, and the next line that is
 * written is preceded by the number of lines dropped. */
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
