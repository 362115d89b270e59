/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The library's log into ours; see libsnmp_log.h.
 */
#include "agentx/libsnmp_log.h"

#include <stdint.h>
#include <string.h>
#include <syslog.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "util/clock.h"
#include "util/log.h"

enum { WINDOW_MS = 60000, LINES_MAX = 5 };

/* The library's log is the process's, and so is this. */
static netsnmp_log_handler *handler;
static int64_t window_from_ms;
static unsigned int lines, dropped;

/* True if one more line may be written in this minute. */
static bool
may_log(void)
{
	int64_t now = clock_steady_ms();

	if (lines > 0 && now - window_from_ms >= WINDOW_MS) {
		if (dropped > 0)
			log_info("libsnmp", "%u more lines in that minute", dropped);
		lines = dropped = 0;
	}
	if (lines == 0)
		window_from_ms = now;
	if (lines >= LINES_MAX) {
		dropped++;
		return false;
	}
	lines++;
	return true;
}

static int
line_take(netsnmp_log_handler *from, int priority, const char *text)
{
	enum log_level level = priority <= LOG_ERR ? LOG_LEVEL_ERROR :
	    priority == LOG_WARNING ? LOG_LEVEL_WARN :
	    priority == LOG_DEBUG ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	int length = (int)strcspn(text, "\n");

	(void)from;
	if (length > 0 && log_enabled(level) && may_log())
		log_line(level, "libsnmp", "%.*s", length, text);
	return 1;
}

void
libsnmp_log_open(void)
{
	if (handler != NULL)
		return;
	handler = netsnmp_register_loghandler(NETSNMP_LOGHANDLER_CALLBACK, LOG_DEBUG);
	if (handler == NULL)
		return;
	/* The library's own handler of this kind calls through its list of callbacks,
	 * which frees its arguments at exit; ours is called directly. */
	handler->handler = line_take;
	netsnmp_enable_this_loghandler(handler);
}

void
libsnmp_log_close(void)
{
	if (handler != NULL)
		netsnmp_remove_loghandler(handler);
	handler = NULL;
}
