/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "agentx/libsnmp_log.h"

#include <string.h>
#include <syslog.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "util/log_limit.h"

/* Static, because the library has one log per process. */
static netsnmp_log_handler *handler;

/* The library logs a line for each invalid packet. */
static struct log_limit limit = LOG_LIMIT("libsnmp", 5);

static int
line_take(netsnmp_log_handler *from, int priority, const char *text)
{
	enum log_level level = priority <= LOG_ERR ? LOG_LEVEL_ERROR :
	    priority == LOG_WARNING ? LOG_LEVEL_WARN :
	    priority == LOG_DEBUG ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	int length = (int)strcspn(text, "\n");

	(void)from;
	if (length > 0)
		log_limited(&limit, level, "%.*s", length, text);
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
	/* The library's own handler calls a list of callbacks whose arguments are freed at
	 * exit. This handler is called directly. */
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
