/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings of lbclusterd; see daemon_config.h.
 */
#include "daemon/daemon_config.h"

#include <stddef.h>

#define AT(member) offsetof(struct daemon_config, member)

const struct conf_option daemon_settings[DAEMON_SETTINGS] = {
	SERVICE_SETTINGS,
	{ .name = "agentx-socket", .set = settings_agentx, .at = AT(agentx_socket),
	    .text = "/var/agentx/master" },
	{ .name = "stale-after", .set = conf_number, .at = AT(stale_after_s),
	    .text = "300", .min = 1, .max = 86400 },
	{ .name = "job-max-rows", .set = conf_number, .at = AT(job_max_rows),
	    .text = "1000", .min = 10, .max = 100000 },
	{ .name = "job-patience", .set = conf_number, .at = AT(job_patience_s),
	    .text = "3600", .min = 1, .max = 604800 },
	{ .name = "notify-min-interval", .set = conf_number, .at = AT(notify_interval_s),
	    .text = "10", .min = 0, .max = 3600 },
};
