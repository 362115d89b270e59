/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands enable, disable, enable-fallback, disable-fallback and set-weight. The store
 * judges the change, as for SNMP.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "util/num.h"

static const struct setting {
	const char		*command;
	enum real_column	 column;	/* of a real service */
	uint32_t		 value;		/* set-weight: from its second operand */
	const char		*unchanged;	/* why there is nothing to do */
} settings[] = {
	{ "enable", REAL_ENABLED, 1, "already enabled" },
	{ "disable", REAL_ENABLED, 0, "already disabled" },
	{ "enable-fallback", REAL_FALLBACK, 1, "already fallback" },
	{ "disable-fallback", REAL_FALLBACK, 0, "not fallback" },
	{ "set-weight", REAL_WEIGHT, 0, "the weight has this value already" },
};

static bool
is_server(const struct ctl *ctl)
{
	return strcmp(ctl->path->service, CTL_ANY_SERVICE) == 0;
}

static enum ctl_exit
nothing_to_do(struct ctl *ctl, const struct setting *setting)
{
	if (ctl->format != OUT_JSON)
		fprintf(ctl->out, "nothing to do: %s\n", setting->unchanged);
	else
		fputs(is_server(ctl) ? "[]\n" : "{}\n", ctl->out);
	return CTL_OK;
}

/* Makes a change with 'value' of each row that the path names: a real service, a service, or all
 * real services of a server. free(3) frees *ret. */
static enum err_code
changes_make(struct ctl *ctl, const struct setting *setting, uint32_t value,
    struct change **ret, size_t *ret_n)
{
	uint32_t cluster_id, ids[DEPTH_REAL] = { 0 }, *server_ids = NULL;
	enum path_depth depth = path_depth(ctl->path);
	const uint32_t *id = &ids[depth - 1];
	enum err_code code;
	size_t n = 1;

	if (is_server(ctl))
		code = store_server_find(ctl->store, ctl->path->cluster, ctl->path->real,
		    &server_ids, &n, &ctl->error);
	else
		code = store_find(ctl->store, ctl->path, &cluster_id, &ids[DEPTH_SERVICE - 1],
		    &ids[DEPTH_REAL - 1], &ctl->error);
	if (code != ERR_OK)
		return code;
	if (server_ids != NULL)
		id = server_ids;
	*ret = calloc(n, sizeof(**ret));
	for (size_t i = 0; i < n && *ret != NULL; i++)
		(*ret)[i] = (struct change){ .id = id[i], .value = value,
		    .column = depth == DEPTH_SERVICE ? SERVICE_ENABLED : setting->column };
	*ret_n = n;
	free(server_ids);
	return *ret != NULL ? ERR_OK : err_set(&ctl->error, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
}

static enum ctl_exit
set_run(struct ctl *ctl, const struct setting *setting, uint32_t value)
{
	char origin[CTL_ORIGIN_SIZE];
	struct store_set set = { .lock = STORE_NO_LOCK, .source = JOB_SOURCE_CLI,
	    .origin = ctl_origin(origin), .token = store_set_token() };
	struct change *changes = NULL;
	uint32_t first_job = 0;
	struct verdict verdict;
	enum err_code code;
	size_t jobs = 0;

	code = changes_make(ctl, setting, value, &changes, &set.n);
	set.changes = changes;
	/* The message of 'verdict' is in ctl->error as well. */
	if (code == ERR_OK)
		code = store_set(ctl->store, &set, STORE_SET_NOW, &verdict, &first_job, &jobs,
		    &ctl->error);
	free(changes);
	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	if (jobs == 0)
		return nothing_to_do(ctl, setting);
	return is_server(ctl) ? ctl_jobs_print(ctl, first_job, jobs) :
	    ctl_job_print(ctl, first_job);
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
	return status == CTL_OK ? set_run(ctl, setting, (uint32_t)value) : status;
}
