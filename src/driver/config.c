/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings as a table; see config.h.
 */
#include "driver/config.h"

#include <stddef.h>

#include "util/settings.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct driver_config, member)

static const struct setting settings[] = {
	{ "store", SETTING_PATH, AT(store), LBCLUSTER_STORE_DIR, 0, 0, 0 },
	{ "log-level", SETTING_LEVEL, AT(log_level), "info", 0, 0, 0 },
	{ "interval", SETTING_SECONDS, AT(interval_ms), NULL, 5, 0.1, 3600 },
	{ "timeout", SETTING_SECONDS, AT(timeout_ms), NULL, 3, 0.1, 60 },
	{ "drain-time", SETTING_SECONDS, AT(drain_ms), NULL, 0, 0, 86400 },
	{ "job-patience", SETTING_NUMBER, AT(job_patience_s), NULL, 3600, 1, 604800 },
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
