/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "util/memory.h"
#include "util/syslogger.h"
#include "util/text.h"

enum { LINE_SIZE = 1024 };

static const struct {
	const char	*name;
	int		 priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warn", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

/* A process has one standard error and one connection to syslogd, so the state of
 * the log is the state of the process. */
static const char *log_ident = "lbcluster";
static bool log_to_syslog;
static bool log_to_journal;
static enum log_level log_level_now = LOG_LEVEL_INFO;
static unsigned int stderr_lost, syslog_lost;	/* lines dropped since the last one written */

/* True if the journal reads standard error. $JOURNAL_STREAM names the "device:inode" of the
 * file that the journal reads (systemd.exec(5)). Child processes inherit the variable, so the
 * file has to be compared. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

void
log_open(const char *ident, bool to_syslog, enum log_level level)
{
	log_ident = ident;
	log_to_syslog = to_syslog;
	log_to_journal = !to_syslog && stderr_is_journal();
	log_level_now = level;
}

void
log_level_set(enum log_level level)
{
	log_level_now = level;
}

bool
log_level_parse(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < ROWS(levels); i++) {
		if (strcmp(levels[i].name, text) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool
log_enabled(enum log_level level)
{
	return level <= log_level_now;
}

/* Makes one line of a message of a library or a peer: removes newlines at its end and
 * replaces what is not printable by spaces. */
static void
line_clean(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	text_clean(text, ' ');
}

/* False if a write would block: a full pipe, a stopped terminal. A blocked write would delay
 * the answer to a manager, or the end of the program. */
static bool
stderr_takes_line(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&fd, 1, 0) != 0;
}

static void
line_format(enum log_level level, const char *token, const char *text, char *buf, size_t size)
{
	if (log_to_journal)
		snprintf(buf, size, "<%d>[%s] %s\n", levels[level].priority, token, text);
	else
		snprintf(buf, size, "%s: %s: [%s] %s\n", log_ident, levels[level].name, token,
		    text);
}

static void
lost_format(unsigned int lost, char *buf, size_t size)
{
	snprintf(buf, size, "%u log lines dropped: the log reader is too slow", lost);
}

/* Writes both lines with one write(2), because poll(2) only promises space for one. */
static void
line_to_stderr(enum log_level level, const char *token, const char *text)
{
	char line[LINE_SIZE + 128], lost[128] = "", lost_text[64];

	if (!stderr_takes_line()) {
		stderr_lost++;
		return;
	}
	if (stderr_lost > 0) {
		lost_format(stderr_lost, lost_text, sizeof(lost_text));
		line_format(LOG_LEVEL_WARN, "log", lost_text, lost, sizeof(lost));
		stderr_lost = 0;
	}
	line_format(level, token, text, line, sizeof(line));
	fprintf(stderr, "%s%s", lost, line);
}

static bool
syslog_takes_line(enum log_level level, const char *token, const char *text)
{
	char line[LINE_SIZE + 128];

	snprintf(line, sizeof(line), "%s: [%s] %s", levels[level].name, token, text);
	return syslogger_send(levels[level].priority, log_ident, line);
}

static void
line_to_syslog(enum log_level level, const char *token, const char *text)
{
	char lost[64];

	if (syslog_lost > 0) {
		lost_format(syslog_lost, lost, sizeof(lost));
		if (syslog_takes_line(LOG_LEVEL_WARN, "log", lost))
			syslog_lost = 0;
	}
	if (syslog_lost > 0 || !syslog_takes_line(level, token, text))
		syslog_lost++;
}

void
log_line(enum log_level level, const char *token, const char *fmt, ...)
{
	int saved = errno;
	char text[LINE_SIZE];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line_clean(text);
	if (log_to_syslog)
		line_to_syslog(level, token, text);
	if (!log_to_syslog || level <= LOG_LEVEL_WARN)
		line_to_stderr(level, token, text);
	errno = saved;
}
