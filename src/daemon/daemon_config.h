/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration of lbclusterd, lbclusterd.conf(5).
 */
#ifndef DAEMON_DAEMON_CONFIG_H
#define DAEMON_DAEMON_CONFIG_H

#include "service/service.h"

enum { DAEMON_SETTINGS = 9 };

struct daemon_config {
	struct service_config	 common;
	char			*agentx_socket;		/* valid for endpoint_parse() */
	uint32_t		 stale_after_s;
	uint32_t		 job_max_rows;
	uint32_t		 job_patience_s;
	uint32_t		 notify_interval_s;
	int32_t			 cpu;			/* for daemon_cpu_apply() */
};

/* The settings, with offsets in struct daemon_config. */
extern const struct conf_option daemon_settings[DAEMON_SETTINGS];

#endif
