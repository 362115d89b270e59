/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands job and history. The first keys are those of job.status() of the API. "error" is
 * true for a job that ended and did not succeed, for any reason.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/unattended.h"
#include "util/clock.h"
#include "util/num.h"

static const struct out_column columns[] = {
	{ "id", "ID", OUT_TEXT },
	{ "type", NULL, OUT_TEXT },
	{ "status", NULL, OUT_TEXT },
	{ "service", NULL, OUT_TEXT },
	{ "finished", NULL, OUT_BOOL },
	{ "error", NULL, OUT_BOOL },
	{ "created", "CREATED", OUT_TIME },
	{ "source", NULL, OUT_TEXT },
	{ "who", "WHO", OUT_TEXT },
	{ NULL, "PATH", OUT_TEXT },
	{ "setting", "SETTING", OUT_TEXT },
	{ "from", "FROM", OUT_TEXT },
	{ "to", "TO", OUT_TEXT },
	{ NULL, "STATUS", OUT_TEXT },
	{ "started", NULL, OUT_TIME },
	{ "ended", NULL, OUT_TIME },
	{ "message", "MESSAGE", OUT_TEXT },
};

/* Which jobs are shown. */
struct job_filter {
	bool			 open, failed;
	int64_t			 since;		/* created or ended since; 0: ever */
	const struct path	*path;		/* jobs at or below it, a pattern; NULL: all */
	bool			 row_only;	/* jobs of the row of 'path' only, and */
	uint32_t		 service_id;	/* of this row if it has another path now */
	uint32_t		 real_id;
};

struct job_listing {
	struct ctl		*ctl;
	struct out		*out;
	bool			 dry_run;	/* the jobs are not made */
	bool			 missing;	/* the row of the filter does not exist */
	size_t			 rows;		/* printed so far */
	bool			 may_lack;	/* a job that the store lacks is not an error */
	size_t			 removed;	/* the number of such jobs */
	struct unattended	 unattended;
	struct job_filter	 filter;
};

/* Buffers for the values of a row. */
struct job_texts {
	char	id[16];
	char	status[CTL_JOB_STATUS_SIZE];
	char	service[PATH_TEXT_SIZE];
	char	from[16], to[16];
	char	message[MODEL_MESSAGE_MAX + 1];
};

/* -- one job ------------------------------------------------------------------ */

const char *
ctl_job_status(const struct job_row *row, char buf[CTL_JOB_STATUS_SIZE])
{
	snprintf(buf, CTL_JOB_STATUS_SIZE, "%s%s%s", job_state_name(row->state),
	    row->state == JOB_FAILED ? ": " : "",
	    row->state == JOB_FAILED ? job_fail_cause_name(row->cause) : "");
	return buf;
}

static const char *
source_name(enum job_source source)
{
	switch (source) {
	case JOB_SOURCE_OTHER:
		return "other";
	case JOB_SOURCE_SNMP:
		return "SNMP";
	case JOB_SOURCE_CLI:
		return "lbclusterctl";
	}
	return "?";
}

/* lbcJobMessage: an open job of a cluster that no driver polls waits for the driver. */
static void
message_text(const struct job_listing *listing, const struct job_row *row,
    char message[MODEL_MESSAGE_MAX + 1])
{
	const char *waits = unattended_message(&listing->unattended, row);

	snprintf(message, MODEL_MESSAGE_MAX + 1, waits == NULL ? "%s" : JOB_MESSAGE_WAITS,
	    waits == NULL ? row->message : waits);
}

static const char *
value_text(const struct job_row *row, uint32_t value, char buf[16])
{
	if (row->operation == JOB_SET_WEIGHT)
		snprintf(buf, 16, "%u", value);
	else
		snprintf(buf, 16, "%s", value != 0 ? "yes" : "no");
	return buf;
}

static void
job_values(const struct job_listing *listing, const struct job_row *row, struct job_texts *texts,
    struct out_value *values)
{
	bool ended = !job_state_open(row->state);
	struct path path = path_of(row->cluster, row->service, row->real);
	const struct out_value of_row[] = {
		{ .text = texts->id, .absent = listing->dry_run },
		{ .text = job_operation_name(row->operation) },
		{ .text = listing->dry_run ? "not made: dry run" :
		    ctl_job_status(row, texts->status) },
		{ .text = path_text(&path, texts->service) },
		{ .truth = ended && !listing->dry_run },
		{ .truth = ended && row->state != JOB_SUCCEEDED },
		{ .time = row->created },
		{ .text = source_name(row->source) },
		{ .text = row->origin[0] != '\0' ? row->origin : source_name(row->source) },
		{ .text = texts->service },
		{ .text = real_column_name(job_operation_column(row->operation)) },
		{ .text = value_text(row, row->old_value, texts->from) },
		{ .text = value_text(row, row->new_value, texts->to) },
		{ .text = listing->dry_run ? "not made: dry run" : texts->status },
		{ .time = row->started },
		{ .time = row->finished },
		{ .text = texts->message },
	};

	_Static_assert(ROWS(of_row) == ROWS(columns), "a value for each column");
	snprintf(texts->id, sizeof(texts->id), "%u", row->id);
	message_text(listing, row, texts->message);
	memcpy(values, of_row, sizeof(of_row));
}

/* -- which jobs --------------------------------------------------------------- */

static bool
is_wanted(const struct job_filter *filter, const struct job_row *row)
{
	const struct path path = path_of(row->cluster, row->service, row->real);
	bool here = filter->path == NULL;

	if (filter->open && !job_state_open(row->state))
		return false;
	if (filter->failed && row->state != JOB_FAILED)
		return false;
	if (row->created < filter->since && row->finished < filter->since)
		return false;
	if (here)
		return true;
	if (filter->row_only)
		here = path_depth(&path) == path_depth(filter->path) &&
		    ((filter->real_id != 0 && row->real_id == filter->real_id) ||
		    (filter->service_id != 0 && row->service_id == filter->service_id));
	return here || (path_matches(filter->path, &path) &&
	    (!filter->row_only || path_depth(&path) == path_depth(filter->path)));
}

static enum err_code
job_row_print(void *arg, const struct job_row *row)
{
	struct job_listing *listing = arg;
	struct out_value values[ROWS(columns)];
	struct job_texts texts;

	if (!is_wanted(&listing->filter, row))
		return ERR_OK;
	job_values(listing, row, &texts, values);
	listing->rows++;
	return out_row(listing->out, values) ? ERR_OK : ERR_NOMEM;
}

/* Prints the jobs 'ids', or those that the filter of 'listing' selects if 'ids' is NULL. */
static enum ctl_exit
jobs_print(struct job_listing *listing, const uint32_t *ids, size_t n, enum out_shape shape)
{
	struct ctl *ctl = listing->ctl;
	enum err_code code = unattended_read(&listing->unattended, ctl->store, &ctl->error);

	listing->out = out_begin(ctl->out, ctl->format, shape, columns, ROWS(columns));
	if (listing->out == NULL)
		code = ERR_NOMEM;
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		code = store_each_job(ctl->store, ids == NULL ? 0 : ids[i], job_row_print, listing,
		    &ctl->error);
		if (code == ERR_NOT_FOUND && listing->may_lack) {
			listing->removed++;
			code = ERR_OK;
		}
	}
	/* The jobs of a row that was removed are kept. */
	if (code == ERR_OK && listing->missing && listing->rows == 0)
		code = ERR_NOT_FOUND;
	out_finish(listing->out, code == ERR_OK);
	unattended_free(&listing->unattended);
	/* The message of a job that does not exist has no path. */
	ctl->path = listing->missing ? listing->filter.path : NULL;
	return ctl_finish(ctl, code);
}

enum ctl_exit
ctl_jobs_print(struct ctl *ctl, const uint32_t *ids, size_t n, enum out_shape shape)
{
	struct job_listing listing = { .ctl = ctl, .may_lack = true,
	    .dry_run = (ctl->flags & CTL_DRY_RUN) != 0 };
	enum ctl_exit status = jobs_print(&listing, ids, n, shape);

	if (listing.removed > 0)
		ctl_message(ctl, "%zu more jobs have ended and are not shown: job-max-rows of "
		    "lbclusterd.conf is too low to keep them", listing.removed);
	return status;
}

/* -- the arguments ------------------------------------------------------------ */

/* Reads a duration such as 90s, 10m, 2h, 3d or 1w. False: 'text' has another form. */
static bool
duration_parse(const char *text, int64_t *ret_s)
{
	static const struct { char unit; int32_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
	};
	size_t digits = strspn(text, "0123456789");
	char number[16];
	uint64_t value;

	if (digits == 0 || digits >= sizeof(number) || text[digits] == '\0' ||
	    text[digits + 1] != '\0')
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)digits, text);
	for (size_t i = 0; i < ROWS(units); i++) {
		if (text[digits] == units[i].unit &&
		    num_parse(number, 0, UINT32_MAX, &value) == ERR_OK) {
			*ret_s = (int64_t)value * units[i].seconds;
			return true;
		}
	}
	return false;
}

/* Reads a time of a day, or a day: with Z at its end in UTC, as this program prints times,
 * otherwise in the time zone of the user. */
static bool
time_parse(const char *text, int64_t *ret)
{
	static const char *const formats[] = {
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
		"%Y-%m-%d",
	};

	for (size_t i = 0; i < ROWS(formats); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);

		if (end == NULL || (*end != '\0' && strcmp(end, "Z") != 0))
			continue;
		*ret = *end == 'Z' ? timegm(&tm) : mktime(&tm);
		return true;
	}
	return false;
}

static enum ctl_exit
filter_parse(struct ctl *ctl, struct job_filter *filter)
{
	const char *since = ctl_argument(ctl, CTL_SINCE);
	int64_t ago_s;

	filter->open = (ctl->flags & CTL_JOBS_OPEN) != 0;
	filter->failed = (ctl->flags & CTL_JOBS_FAILED) != 0;
	if (since == NULL)
		return CTL_OK;
	if (duration_parse(since, &ago_s))
		filter->since = clock_wall_s() - ago_s;
	else if (!time_parse(since, &filter->since))
		return ctl_usage(ctl, "--since: %s: is neither a time nor a duration; give "
		    "2026-11-22, \"2026-11-22 13:42\", 90s, 10m, 2h, 3d or 1w", since);
	return CTL_OK;
}

/* Opens the store and lists the jobs that the filter selects. */
static enum ctl_exit
filter_run(struct job_listing *listing)
{
	struct job_filter *filter = &listing->filter;
	struct ctl *ctl = listing->ctl;
	enum ctl_exit status = ctl_open(ctl);
	uint32_t cluster_id;

	if (status != CTL_OK)
		return status;
	listing->missing = filter->path != NULL && !path_is_pattern(filter->path) &&
	    store_find(ctl->store, filter->path, &cluster_id, &filter->service_id,
	    &filter->real_id, &ctl->error) != ERR_OK;
	return jobs_print(listing, NULL, 1, OUT_LIST);
}

enum ctl_exit
cmd_job(struct ctl *ctl)
{
	struct job_listing listing = { .ctl = ctl };
	enum ctl_exit status = filter_parse(ctl, &listing.filter);
	const char *operand = ctl->n_operands > 0 ? ctl->operands[0] : NULL;
	uint32_t number;
	uint64_t id;

	if (status != CTL_OK)
		return status;
	if (operand != NULL && operand[strspn(operand, "0123456789")] == '\0') {
		if (num_parse(operand, 1, MODEL_ID_MAX, &id) != ERR_OK)
			return ctl_usage(ctl, "%s: is not the number of a job; \"lbclusterctl job\""
			    " lists them", operand);
		number = (uint32_t)id;
		status = ctl_open(ctl);
		return status != CTL_OK ? status : jobs_print(&listing, &number, 1, OUT_OBJECT);
	}
	if (operand != NULL) {
		if (ctl_pattern_parse(operand, &ctl->path_given, &ctl->error) != ERR_OK)
			return ctl_usage(ctl, "%s: is neither the number of a job nor a path: %s",
			    operand, ctl->error.text);
		listing.filter.path = &ctl->path_given;
	}
	return filter_run(&listing);
}

/* Shows the changes of one row. The row has its number also after a program gave it another
 * name. A row that was removed has only its name. */
enum ctl_exit
cmd_history(struct ctl *ctl)
{
	struct job_listing listing = { .ctl = ctl, .filter = { .row_only = true } };
	enum ctl_exit status = filter_parse(ctl, &listing.filter);

	if (status != CTL_OK)
		return status;
	if (ctl_path_parse(ctl->operands[0], &ctl->path_given, &ctl->error) != ERR_OK)
		return ctl_usage(ctl, "%s", ctl->error.text);
	if (path_depth(&ctl->path_given) < DEPTH_SERVICE)
		return ctl_path_too_short(ctl, &ctl->path_given, DEPTH_SERVICE);
	listing.filter.path = &ctl->path_given;
	return filter_run(&listing);
}
