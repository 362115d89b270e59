/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings of a driver; see driver_config.h.
 */
#include "driver/driver_config.h"

#include <stddef.h>

#define AT(member) offsetof(struct driver_config, member)

const struct conf_option driver_settings[DRIVER_SETTINGS] = {
	SERVICE_SETTINGS,
	{ .name = "interval", .set = settings_seconds, .at = AT(interval_ms),
	    .text = "5", .min = 0.1, .max = 3600 },
	{ .name = "timeout", .set = settings_seconds, .at = AT(timeout_ms),
	    .text = "3", .min = 0.1, .max = 60 },
	{ .name = "drain-time", .set = settings_seconds, .at = AT(drain_ms),
	    .text = "0", .min = 0, .max = 86400 },
	{ .name = "job-patience", .set = conf_number, .at = AT(job_patience_s),
	    .text = "3600", .min = 1, .max = 604800 },
};
