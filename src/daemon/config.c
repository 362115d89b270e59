/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings as a table; see config.h.
 */
#include "daemon/config.h"

#include <stddef.h>

#include "conf/settings.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct config, member)

static const struct conf_option settings[] = {
	{ .name = "store", .take = settings_path, .at = AT(store),
	    .text = LBCLUSTER_STORE_DIR },
	{ .name = "agentx-socket", .take = settings_agentx, .at = AT(agentx_socket),
	    .text = "/var/agentx/master" },
	{ .name = "log-level", .take = settings_level, .at = AT(log_level),
	    .text = "info" },
	{ .name = "stale-after", .take = conf_number, .at = AT(stale_after_s),
	    .text = "300", .min = 1, .max = 86400 },
	{ .name = "job-max-rows", .take = conf_number, .at = AT(job_max_rows),
	    .text = "1000", .min = 10, .max = 100000 },
	{ .name = "notify-min-interval", .take = conf_number, .at = AT(notify_interval_s),
	    .text = "10", .min = 0, .max = 3600 },
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
