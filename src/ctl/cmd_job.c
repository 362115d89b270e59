/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command job. The keys and types are those of job.status() of the API. "error" is true
 * for a job that ended and did not succeed, for any reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/num.h"
#include "util/text.h"

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

/* A cluster that no driver polls. */
struct unattended {
	char	name[MODEL_NAME_MAX + 1];
	char	message[MODEL_MESSAGE_MAX + 1];
};

struct job_listing {
	struct ctl		*ctl;
	struct out		*out;
	bool			 one;		/* an object, which has no column MESSAGE */
	struct unattended	*unattended;
	size_t			 n, room;
};

/* Buffers for the values of a row. */
struct job_texts {
	char	id[16];
	char	status[64 + MODEL_MESSAGE_MAX];
	char	service[PATH_TEXT_SIZE];
	char	message[MODEL_MESSAGE_MAX + 1];
};

static enum err_code
unattended_add(void *arg, const struct cluster_row *row)
{
	struct job_listing *listing = arg;
	struct unattended *unattended;
	struct plane_view view;
	enum err_code code = store_plane_view(listing->ctl->store, row, clock_wall_s(), &view,
	    &listing->ctl->error);

	if (code != ERR_OK || view.status != PLANE_STATUS_UNATTENDED)
		return code;
	unattended = memory_array_reserve(listing->unattended, listing->n, &listing->room,
	    sizeof(*unattended));
	if (unattended == NULL)
		return err_set(&listing->ctl->error, ERR_NOMEM, "out of memory");
	listing->unattended = unattended;
	unattended += listing->n++;
	snprintf(unattended->name, sizeof(unattended->name), "%s", row->name);
	snprintf(unattended->message, sizeof(unattended->message), "%s", view.message);
	return ERR_OK;
}

/* lbcJobMessage: an open job of a cluster that no driver polls waits for the driver. */
static void
job_message(const struct job_listing *listing, const struct job_row *row,
    char message[MODEL_MESSAGE_MAX + 1])
{
	bool open = (row->real_id != 0 || row->service_id != 0) && job_state_open(row->state);
	size_t i = 0;

	while (open && i < listing->n &&
	    strcmp(listing->unattended[i].name, row->cluster) != 0)
		i++;
	if (open && i < listing->n)
		snprintf(message, MODEL_MESSAGE_MAX + 1, JOB_MESSAGE_WAITS,
		    listing->unattended[i].message);
	else
		snprintf(message, MODEL_MESSAGE_MAX + 1, "%s", row->message);
}

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
job_values(const struct job_listing *listing, const struct job_row *row, struct job_texts *texts,
    struct out_value *values)
{
	bool finished = !job_state_open(row->state);
	struct path path;

	snprintf(texts->id, sizeof(texts->id), "%u", row->id);
	job_message(listing, row, texts->message);
	job_status(row, texts->status, sizeof(texts->status));
	path = path_of(row->cluster, row->service, row->real);
	path_text(&path, texts->service);
	values[0] = (struct out_value){ .text = texts->id };
	values[1] = (struct out_value){ .text = job_operation_name(row->operation) };
	values[2] = (struct out_value){ .text = texts->status };
	values[3] = (struct out_value){ .text = texts->service };
	values[4] = (struct out_value){ .truth = finished };
	values[5] = (struct out_value){ .truth = finished && row->state != JOB_SUCCEEDED };
	values[6] = (struct out_value){ .time = row->created };
	values[7] = (struct out_value){ .text = texts->message };
}

static enum err_code
job_row_print(void *arg, const struct job_row *row)
{
	const struct job_listing *listing = arg;
	struct out_value values[ROWS(columns)];
	struct job_texts texts;

	job_values(listing, row, &texts, values);
	if (listing->one && job_state_open(row->state) && texts.message[0] != '\0')
		text_line_print(listing->ctl->err, "lbclusterctl: job %u %s", row->id,
		    texts.message);
	return out_row(listing->out, values) ? ERR_OK : ERR_NOMEM;
}

/* Prints one job as an object, or 'n' jobs from 'first' on (0: all) as a listing. */
static enum ctl_exit
jobs_print(struct ctl *ctl, uint32_t first, size_t n, enum out_shape shape)
{
	struct job_listing listing = { .ctl = ctl, .one = shape == OUT_OBJECT };
	enum err_code code = store_each_cluster(ctl->store, NULL, unattended_add, &listing,
	    &ctl->error);

	listing.out = out_begin(ctl->out, ctl->format, shape, columns, ROWS(columns));
	if (listing.out == NULL)
		code = ERR_NOMEM;
	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = store_each_job(ctl->store, first == 0 ? 0 : first + (uint32_t)i,
		    job_row_print, &listing, &ctl->error);
	out_finish(listing.out, code == ERR_OK);
	free(listing.unattended);
	return ctl_finish(ctl, code);
}

enum ctl_exit
ctl_job_print(struct ctl *ctl, uint32_t id)
{
	/* The message of a job that does not exist has no path. */
	ctl->path = NULL;
	return jobs_print(ctl, id, 1, OUT_OBJECT);
}

enum ctl_exit
ctl_jobs_print(struct ctl *ctl, uint32_t first, size_t n)
{
	ctl->path = NULL;
	return jobs_print(ctl, first, n, OUT_LIST);
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
	return id != 0 ? ctl_job_print(ctl, (uint32_t)id) : jobs_print(ctl, 0, 1, OUT_LIST);
}
