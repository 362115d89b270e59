/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands enable, disable, enable-fallback, disable-fallback and set-weight. The store
 * judges the change, as for SNMP.
 */
#include <string.h>

#include "ctl/ctl.h"
#include "util/num.h"

static const struct setting {
	const char		*command;
	enum real_column	 column;
	uint32_t		 value;		/* set-weight: from its second operand */
	const char		*unchanged;	/* why there is nothing to do */
} settings[] = {
	{ "enable", REAL_ENABLED, 1, "already enabled" },
	{ "disable", REAL_ENABLED, 0, "already disabled" },
	{ "enable-fallback", REAL_FALLBACK, 1, "already fallback" },
	{ "disable-fallback", REAL_FALLBACK, 0, "not fallback" },
	{ "set-weight", REAL_WEIGHT, 0, "the weight has this value already" },
};

static enum ctl_exit
nothing_to_do(struct ctl *ctl, const struct setting *setting)
{
	if (ctl->format == OUT_JSON)
		fputs("{}\n", ctl->out);
	else
		fprintf(ctl->out, "nothing to do: %s\n", setting->unchanged);
	return CTL_OK;
}

static enum ctl_exit
set_one(struct ctl *ctl, const struct setting *setting, uint32_t value)
{
	struct change change = { .column = setting->column, .value = value };
	const struct store_set set = { .changes = &change, .n = 1, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_CLI, .token = store_set_token() };
	uint32_t cluster_id, service_id, first_job = 0;
	struct verdict verdict;
	enum err_code code;
	size_t jobs = 0;

	code = store_find(ctl->store, ctl->path, &cluster_id, &service_id, &change.real_id,
	    &ctl->error);
	/* The message of 'verdict' is in ctl->error as well. */
	if (code == ERR_OK)
		code = store_set(ctl->store, &set, STORE_SET_NOW, &verdict, &first_job, &jobs,
		    &ctl->error);
	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	return jobs == 0 ? nothing_to_do(ctl, setting) : ctl_job_print(ctl, first_job);
}

enum ctl_exit
cmd_set(struct ctl *ctl)
{
	const struct setting *setting = settings;
	enum ctl_exit status;
	uint64_t value;

	while (strcmp(setting->command, ctl->command->name) != 0)
		setting++;
	value = setting->value;
	if (ctl->n_operands > 1 &&
	    num_parse(ctl->operands[1], 0, MODEL_WEIGHT_MAX, &value) != ERR_OK)
		return ctl_usage(ctl, "%s: is not a whole number of 0 to %d", ctl->operands[1],
		    MODEL_WEIGHT_MAX);
	status = ctl_open(ctl);
	return status == CTL_OK ? set_one(ctl, setting, (uint32_t)value) : status;
}
