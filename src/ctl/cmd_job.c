/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command job. The keys and types are those of job.status() of the API. "error" is true
 * for a job that ended and did not succeed, for any reason.
 */
#include <stdio.h>

#include "ctl/ctl.h"
#include "util/num.h"

static const struct out_column columns[] = {
	{ "id", "ID", OUT_TEXT },
	{ "type", "TYPE", OUT_TEXT },
	{ "status", "STATUS", OUT_TEXT },
	{ "service", "SERVICE", OUT_TEXT },
	{ "finished", "FINISHED", OUT_BOOL },
	{ "error", "ERROR", OUT_BOOL },
	{ NULL, "CREATED", OUT_TIME },
	{ NULL, "MESSAGE", OUT_TEXT },
};

/* Buffers for the values of a row. */
struct job_texts {
	char	id[16];
	char	status[64 + MODEL_MESSAGE_MAX];
	char	service[PATH_TEXT_SIZE];
};

static void
job_status(const struct job_row *row, char *buf, size_t size)
{
	const char *state = job_state_name(row->state);

	if (row->state != JOB_FAILED)
		snprintf(buf, size, "%s", state);
	else if (row->message[0] == '\0')
		snprintf(buf, size, "%s: %s", state, job_fail_cause_name(row->cause));
	else
		snprintf(buf, size, "%s: %s: %s", state, job_fail_cause_name(row->cause),
		    row->message);
}

static void
job_values(const struct job_row *row, struct job_texts *texts, struct out_value *values)
{
	bool finished = !job_state_open(row->state);

	snprintf(texts->id, sizeof(texts->id), "%u", row->id);
	job_status(row, texts->status, sizeof(texts->status));
	snprintf(texts->service, sizeof(texts->service), "%s/%s/%s", row->cluster,
	    row->service, row->real);
	values[0] = (struct out_value){ .text = texts->id };
	values[1] = (struct out_value){ .text = job_operation_name(row->operation) };
	values[2] = (struct out_value){ .text = texts->status };
	values[3] = (struct out_value){ .text = texts->service };
	values[4] = (struct out_value){ .truth = finished };
	values[5] = (struct out_value){ .truth = finished && row->state != JOB_SUCCEEDED };
	values[6] = (struct out_value){ .time = row->created };
	values[7] = (struct out_value){ .text = row->message };
}

static enum err_code
job_row_print(void *arg, const struct job_row *row)
{
	struct out_value values[ROWS(columns)];
	struct job_texts texts;

	job_values(row, &texts, values);
	return out_row(arg, values) ? ERR_OK : ERR_NOMEM;
}

/* Prints one job as an object, or all jobs ('id' 0) as a listing. */
static enum ctl_exit
jobs_print(struct ctl *ctl, uint32_t id, enum out_shape shape)
{
	struct out *out = out_begin(ctl->out, ctl->format, shape, columns, ROWS(columns));
	enum err_code code = out == NULL ? ERR_NOMEM :
	    store_each_job(ctl->store, id, job_row_print, out, &ctl->error);

	out_finish(out, code == ERR_OK);
	return ctl_finish(ctl, code);
}

enum ctl_exit
ctl_job_print(struct ctl *ctl, uint32_t id)
{
	/* The message of a job that does not exist has no path. */
	ctl->path = NULL;
	return jobs_print(ctl, id, OUT_OBJECT);
}

enum ctl_exit
cmd_job(struct ctl *ctl)
{
	enum ctl_exit status;
	uint64_t id = 0;

	if (ctl->n_operands > 0 && num_parse(ctl->operands[0], 1, MODEL_ID_MAX, &id) != ERR_OK)
		return ctl_usage(ctl, "%s: is not the number of a job; \"lbclusterctl job\" lists "
		    "them", ctl->operands[0]);
	status = ctl_open(ctl);
	if (status != CTL_OK)
		return status;
	return id != 0 ? ctl_job_print(ctl, (uint32_t)id) : jobs_print(ctl, 0, OUT_LIST);
}
