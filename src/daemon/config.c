/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings as a table; see config.h.
 */
#include "daemon/config.h"

#include <stddef.h>

#include "util/settings.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct config, member)

static const struct setting settings[] = {
	{ "store", SETTING_PATH, AT(store), LBCLUSTER_STORE_DIR, 0, 0, 0 },
	{ "agentx-socket", SETTING_AGENTX, AT(agentx_socket), "/var/agentx/master", 0, 0, 0 },
	{ "log-level", SETTING_LEVEL, AT(log_level), "info", 0, 0, 0 },
	{ "stale-after", SETTING_NUMBER, AT(stale_after_s), NULL, 300, 1, 86400 },
	{ "job-max-rows", SETTING_NUMBER, AT(job_max_rows), NULL, 1000, 10, 100000 },
	{ "notify-min-interval", SETTING_NUMBER, AT(notify_interval_s), NULL, 10, 0, 3600 },
};

enum err_code
config_load(const char *path, struct config *ret_config, struct err *err)
{
	struct config config = { 0 };
	enum err_code code;

	code = settings_load(settings, ROWS(settings),
	    path != NULL ? path : LBCLUSTER_CONF_FILE, path == NULL, &config, err);
	if (code == ERR_OK)
		*ret_config = config;
	return code;
}

void
config_done(struct config *config)
{
	settings_done(settings, ROWS(settings), config);
}
