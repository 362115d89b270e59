/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings of lbclusterd; see daemon_config.h.
 */
#include "daemon/daemon_config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon_cpu.h"

#define AT(member) offsetof(struct daemon_config, member)

static void
cpu_set(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	/* -1 and spaces are no number of a CPU; a long number is above all. */
	long number = digits > 0 && value[digits] == '\0' ? strtol(value, NULL, 10) : CPU_SETSIZE;

	if (strcmp(value, "any") == 0)
		*(int32_t *)into = CPU_ANY;
	else if (strcmp(value, "like-snmpd") == 0)
		*(int32_t *)into = CPU_LIKE_SNMPD;
	else if (number < CPU_SETSIZE)
		*(int32_t *)into = (int32_t)number;
	else
		conf_error(conf, "%s \"%.64s\" is not any, like-snmpd, or the number of a CPU"
		    " (0 to %d)", option->name, value, CPU_SETSIZE - 1);
}

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
	{ .name = "instance", .set = settings_instance, .at = AT(common.instance), .text = "" },
	{ .name = "cpu", .set = cpu_set, .at = AT(cpu), .text = "like-snmpd" },
};
