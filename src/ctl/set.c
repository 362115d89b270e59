/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Commands that set: enable, disable, enable-fallback, disable-fallback,
 * set-weight. What may be set is judged by the store, as for SNMP.
 */
#include <string.h>
#include <sys/random.h>

#include "ctl/ctl.h"
#include "util/num.h"

/* 'value' is for those that take none from the command line. */
static const struct setting {
	const char		*command;
	enum real_column	 column;
	bool			 takes_value;
	uint32_t		 value;
	const char		*nothing;	/* why there is nothing to do */
} settings[] = {
	{ "enable", REAL_ENABLED, false, 1, "already enabled" },
	{ "disable", REAL_ENABLED, false, 0, "already disabled" },
	{ "enable-fallback", REAL_FALLBACK, false, 1, "already fallback" },
	{ "disable-fallback", REAL_FALLBACK, false, 0, "not fallback" },
	{ "set-weight", REAL_WEIGHT, true, 0, "weight is that already" },
};

uint64_t
ctl_token(void)
{
	uint64_t token = 0;

	/* Up to 256 octets come whole or not at all: getrandom(2). */
	while (token == 0) {
		if (getrandom(&token, sizeof(token), 0) != (ssize_t)sizeof(token))
			token = 0;
	}
	return token;
}

static enum ctl_exit
nothing_to_do(struct ctl *ctl, const struct setting *setting)
{
	if (ctl->format == OUT_JSON)
		fputs("{}\n", ctl->out);
	else
		fprintf(ctl->out, "nothing to do: %s\n", setting->nothing);
	return CTL_OK;
}

static enum ctl_exit
set_one(struct ctl *ctl, const struct setting *setting, const struct path *path,
    uint32_t value)
{
	struct change change = { .column = setting->column, .value = value };
	struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_CLI, .token = ctl_token() };
	uint32_t cluster_id, service_id, first_job = 0;
	struct verdict verdict;
	enum err_code code;
	size_t jobs = 0;
	struct err err;

	code = store_find(ctl->store, path, &cluster_id, &service_id, &change.real_id, &err);
	if (code == ERR_OK)
		code = store_set(ctl->store, &set, STORE_SET_NOW, &verdict, &first_job, &jobs,
		    &err);
	/* The words of a refusal are in 'err' as well. */
	if (code != ERR_OK)
		return ctl_error(ctl, path, &err);
	return jobs == 0 ? nothing_to_do(ctl, setting) : ctl_job_print(ctl, first_job);
}

enum ctl_exit
ctl_set(struct ctl *ctl, char **operands, int n)
{
	const struct setting *setting = settings;
	enum ctl_exit status;
	struct path path;
	uint64_t value;

	(void)n;
	while (strcmp(setting->command, ctl->command->name) != 0)
		setting++;
	value = setting->value;
	status = ctl_path(ctl, operands[0], DEPTH_REAL, &path);
	if (status != CTL_OK)
		return status;
	if (setting->takes_value &&
	    num_parse(operands[1], 0, MODEL_WEIGHT_MAX, &value) != ERR_OK)
		return ctl_usage(ctl, "%s: is not a whole number of 0 to %d", operands[1],
		    MODEL_WEIGHT_MAX);
	status = ctl_open(ctl);
	return status == CTL_OK ? set_one(ctl, setting, &path, (uint32_t)value) : status;
}
