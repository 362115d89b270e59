/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings as a table; see config.h.
 */
#include "driver/config.h"

#include <stddef.h>

#include "conf/settings.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct driver_config, member)

static const struct conf_option settings[] = {
	{ .name = "store", .take = settings_path, .at = AT(store),
	    .text = LBCLUSTER_STORE_DIR },
	{ .name = "log-level", .take = settings_level, .at = AT(log_level),
	    .text = "info" },
	{ .name = "interval", .take = settings_seconds, .at = AT(interval_ms),
	    .text = "5", .min = 0.1, .max = 3600 },
	{ .name = "timeout", .take = settings_seconds, .at = AT(timeout_ms),
	    .text = "3", .min = 0.1, .max = 60 },
	{ .name = "drain-time", .take = settings_seconds, .at = AT(drain_ms),
	    .text = "0", .min = 0, .max = 86400 },
	{ .name = "job-patience", .take = conf_number, .at = AT(job_patience_s),
	    .text = "3600", .min = 1, .max = 604800 },
};

enum err_code
driver_config_load(const char *path, const char *usual, struct driver_config *ret,
    struct err *err)
{
	struct driver_config config = { 0 };
	enum err_code code;

	code = settings_load(settings, ROWS(settings), path != NULL ? path : usual,
	    path == NULL, &config, err);
	if (code == ERR_OK)
		*ret = config;
	return code;
}

void
driver_config_done(struct driver_config *config)
{
	settings_done(settings, ROWS(settings), config);
}
