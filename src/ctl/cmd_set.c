/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands that change settings: enable, disable, enable-fallback, disable-fallback,
 * set-weight, set and move-fallback. All changes of a command are one SET of the store, which
 * judges it as one of SNMP: all or nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "util/num.h"

enum { TIMEOUT_MAX_S = 86400 };

/* The commands, and the setting that each changes on the rows of its operands. */
static const struct setting {
	const char		*command;
	enum real_column	 column;	/* of a real service */
	uint32_t		 value;		/* set-weight, set: from the operands */
	const char		*unchanged;	/* why there is nothing to do */
} settings[] = {
	{ "enable", REAL_ENABLED, 1, "already enabled" },
	{ "disable", REAL_ENABLED, 0, "already disabled" },
	{ "enable-fallback", REAL_FALLBACK, 1, "already fallback" },
	{ "disable-fallback", REAL_FALLBACK, 0, "not fallback" },
	{ "set-weight", REAL_WEIGHT, 0, "the weight has this value already" },
	{ "set", REAL_ENABLED, 0, "the settings have these values already" },
	{ "move-fallback", REAL_FALLBACK, 1, "already fallback" },
};

/* A setting of the row of a path, or of the rows of a pattern. */
struct request {
	struct path		path;
	enum real_column	column;
	uint32_t		value;
};

struct run {
	struct ctl		*ctl;
	const struct setting	*setting;
	struct request		*requests;
	size_t			 n_requests, requests_room;
	struct change		*changes;
	struct path		*paths;		/* of the row of each change */
	size_t			 n, changes_room, paths_room;
	size_t			 n_unserved;	/* paths of unserved_find() */
	const struct request	*request;	/* of which changes are added */
	uint32_t		 first_job;	/* id of the first job of this command, 0: none */
	uint32_t		*jobs;		/* ids, also of earlier jobs to wait for */
	size_t			 n_jobs, jobs_room;
	int64_t			 timeout_s;	/* of the wait for the jobs */
	bool			 fallback_taken;	/* the store refused a second fallback */
};

static enum err_code
no_memory(struct run *run)
{
	return err_set(&run->ctl->error, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
}

static void
run_free(struct run *run)
{
	free(run->requests);
	free(run->changes);
	free(run->paths);
	free(run->jobs);
}

/* -- the operands ------------------------------------------------------------- */

static enum ctl_exit
request_add(struct run *run, const struct path *path, enum real_column column, uint32_t value)
{
	struct request *requests = memory_array_reserve(run->requests, run->n_requests,
	    &run->requests_room, sizeof(*requests));

	if (requests == NULL)
		return ctl_failure(run->ctl, "%s", err_name(ERR_NOMEM));
	run->requests = requests;
	requests[run->n_requests++] = (struct request){ .path = *path, .column = column,
	    .value = value };
	return CTL_OK;
}

/* Reads a PATH; a service has only the setting enabled. */
static enum ctl_exit
path_read(struct run *run, const char *word, enum real_column column, struct path *ret)
{
	enum path_depth least = column == REAL_ENABLED ? DEPTH_SERVICE : DEPTH_REAL;

	if (ctl_pattern_parse(word, ret, &run->ctl->error) != ERR_OK)
		return ctl_usage(run->ctl, "%s", run->ctl->error.text);
	return path_depth(ret) < least ? ctl_path_too_short(run->ctl, ret, least) : CTL_OK;
}

/* Reads operands that are paths, for one setting of all of them. */
static enum ctl_exit
paths_read(struct run *run, int n, enum real_column column, uint32_t value)
{
	enum ctl_exit status = CTL_OK;
	struct path path;

	for (int i = 0; i < n && status == CTL_OK; i++) {
		status = path_read(run, run->ctl->operands[i], column, &path);
		if (status == CTL_OK)
			status = request_add(run, &path, column, value);
	}
	return status;
}

static enum ctl_exit
weight_read(struct run *run, const char *word, uint32_t *ret)
{
	uint64_t value;

	if (num_parse(word, 0, MODEL_WEIGHT_MAX, &value) != ERR_OK)
		return ctl_usage(run->ctl, "%s: is not a whole number of 0 to %d", word,
		    MODEL_WEIGHT_MAX);
	*ret = (uint32_t)value;
	return CTL_OK;
}

/* Reads NAME=VALUE. */
static enum ctl_exit
assignment_read(struct run *run, const char *word, enum real_column *ret_column, uint32_t *ret)
{
	static const char *const truths[] = { "no", "yes", "off", "on", "false", "true" };
	size_t length = strcspn(word, "="), truth = 0;
	enum real_column column = REAL_ENABLED;
	const char *value = word + length + 1;

	while (column <= REAL_WEIGHT && (strlen(real_column_name(column)) != length ||
	    strncmp(word, real_column_name(column), length) != 0))
		column++;
	if (column > REAL_WEIGHT)
		return ctl_usage(run->ctl, "%.*s: is not a setting; the settings are enabled, "
		    "fallback and weight", (int)length, word);
	*ret_column = column;
	if (column == REAL_WEIGHT)
		return weight_read(run, value, ret);
	while (truth < ROWS(truths) && strcmp(value, truths[truth]) != 0)
		truth++;
	if (truth == ROWS(truths))
		return ctl_usage(run->ctl, "%s: give %.*s=yes or %.*s=no", word, (int)length, word,
		    (int)length, word);
	*ret = truth % 2;
	return CTL_OK;
}

static enum ctl_exit
timeout_read(struct run *run)
{
	const char *argument = ctl_argument(run->ctl, CTL_TIMEOUT);
	uint64_t seconds = CTL_JOBS_WAIT_S;

	if (argument != NULL && num_parse(argument, 1, TIMEOUT_MAX_S, &seconds) != ERR_OK)
		return ctl_usage(run->ctl, "--timeout: %s: is not a number of seconds, 1 to %d",
		    argument, TIMEOUT_MAX_S);
	run->timeout_s = (int64_t)seconds;
	return CTL_OK;
}

/* Reads "PATH... NAME=VALUE..." once or several times: each setting is one of the paths before
 * it. */
static enum ctl_exit
assignments_read(struct run *run)
{
	struct ctl *ctl = run->ctl;
	enum ctl_exit status = CTL_OK;
	int first, i = 0;

	while (i < ctl->n_operands && status == CTL_OK) {
		for (first = i; i < ctl->n_operands && strchr(ctl->operands[i], '=') == NULL; i++)
			;
		if (i == first)
			return ctl_usage(ctl, "%s: a PATH is missing before it", ctl->operands[i]);
		if (i == ctl->n_operands)
			return ctl_usage(ctl, "%s: a setting is missing after it, as enabled=no",
			    ctl->operands[i - 1]);
		for (int end = i; status == CTL_OK && i < ctl->n_operands &&
		    strchr(ctl->operands[i], '=') != NULL; i++) {
			enum real_column column = REAL_ENABLED;
			uint32_t value = 0;
			struct path path;

			status = assignment_read(run, ctl->operands[i], &column, &value);
			for (int at = first; at < end && status == CTL_OK; at++) {
				status = path_read(run, ctl->operands[at], column, &path);
				if (status == CTL_OK)
					status = request_add(run, &path, column, value);
			}
		}
	}
	return status;
}

static enum ctl_exit
operands_read(struct run *run)
{
	const struct setting *setting = run->setting;
	int n = run->ctl->n_operands;
	uint32_t value = setting->value;
	enum ctl_exit status;

	if (strcmp(setting->command, "set") == 0)
		return assignments_read(run);
	if (setting->column == REAL_WEIGHT) {
		if ((status = weight_read(run, run->ctl->operands[--n], &value)) != CTL_OK)
			return status;
	}
	return paths_read(run, n, setting->column, value);
}

/* -- the changes -------------------------------------------------------------- */

static enum err_code
change_add(struct run *run, const struct path *path, uint32_t id, enum real_column column,
    uint32_t value)
{
	struct change *changes = memory_array_reserve(run->changes, run->n, &run->changes_room,
	    sizeof(*changes));
	struct path *paths;

	if (changes == NULL)
		return no_memory(run);
	run->changes = changes;
	paths = memory_array_reserve(run->paths, run->n, &run->paths_room, sizeof(*paths));
	if (paths == NULL)
		return no_memory(run);
	run->paths = paths;
	paths[run->n] = *path;
	changes[run->n++] = (struct change){ .id = id, .value = value,
	    .column = path->real[0] == '\0' ? SERVICE_ENABLED : column };
	return ERR_OK;
}

static enum err_code
service_add(void *arg, const struct path *path, const struct service_row *row)
{
	struct run *run = arg;

	return change_add(run, path, row->id, run->request->column, run->request->value);
}

static enum err_code
real_add(void *arg, const struct store_real_view *view)
{
	struct run *run = arg;

	return change_add(run, &view->path, view->row.id, run->request->column,
	    run->request->value);
}

/* Adds the changes of all requests. */
static enum err_code
requests_resolve(struct run *run)
{
	const struct ctl_rows rows = { NULL, service_add, real_add, &run->n };
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < run->n_requests && code == ERR_OK; i++) {
		run->request = &run->requests[i];
		code = ctl_rows_each(run->ctl, &run->request->path, true, &rows, run);
	}
	return code;
}

/* -- move-fallback ------------------------------------------------------------ */

static enum err_code
fallback_end(void *arg, const struct store_real_view *view)
{
	struct run *run = arg;

	return view->row.fallback ?
	    change_add(run, &view->path, view->row.id, REAL_FALLBACK, 0) : ERR_OK;
}

/* Adds the change that ends the present fallback of each service, then the changes of the requests
 * again: the last change of a row is the one that the store makes. */
static enum err_code
fallbacks_end(struct run *run)
{
	struct ctl *ctl = run->ctl;
	enum err_code code = ERR_OK;
	size_t n = run->n;

	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		struct path service = path_cut(&run->paths[i], DEPTH_SERVICE);

		code = store_each_real(ctl->store, &service, fallback_end, run, &ctl->error);
	}
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		struct path path = run->paths[i];

		code = change_add(run, &path, run->changes[i].id, REAL_FALLBACK, 1);
	}
	return code;
}

/* -- the jobs ----------------------------------------------------------------- */

static enum err_code
job_add(struct run *run, uint32_t id)
{
	uint32_t *jobs = memory_array_reserve(run->jobs, run->n_jobs, &run->jobs_room,
	    sizeof(*jobs));

	if (jobs == NULL)
		return no_memory(run);
	run->jobs = jobs;
	jobs[run->n_jobs++] = id;
	return ERR_OK;
}

static int
change_compare(const void *a, const void *b)
{
	const struct change *one = a, *other = b;

	if (one->id != other->id)
		return one->id < other->id ? -1 : 1;
	return one->column != other->column ? (one->column < other->column ? -1 : 1) :
	    (one->value > other->value) - (one->value < other->value);
}

/* Adds an open job of an earlier command for a change that this command requests. */
static enum err_code
open_job_add(void *arg, const struct job_row *row)
{
	struct run *run = arg;
	const struct change key = { .id = row->real_id != 0 ? row->real_id : row->service_id,
	    .column = job_operation_column(row->operation), .value = row->new_value };

	bool earlier = run->first_job == 0 || row->id < run->first_job;

	return earlier && job_state_open(row->state) && bsearch(&key, run->changes, run->n,
	    sizeof(key), change_compare) != NULL ? job_add(run, row->id) : ERR_OK;
}

/* Makes the SET in an open transaction, and notes its jobs. If the store has a value already, an
 * earlier command may have an open job for that value: this command waits for that job too. */
static enum err_code
set_make(struct run *run)
{
	struct ctl *ctl = run->ctl;
	char origin[CTL_ORIGIN_SIZE];
	struct store_set set = { .changes = run->changes, .n = run->n, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_CLI, .origin = ctl_origin(origin), .token = store_set_token() };
	struct verdict verdict;
	enum err_code code;
	size_t jobs = 0;

	/* The message of 'verdict' is in ctl->error as well. */
	code = store_set(ctl->store, &set, STORE_SET_NOW, &verdict, &run->first_job, &jobs,
	    &ctl->error);
	if (code != ERR_OK) {
		ctl->path = verdict.index < run->n ? &run->paths[verdict.index] : NULL;
		run->fallback_taken = verdict.reason == REJECT_FALLBACK_TAKEN;
		return code;
	}
	if (jobs < run->n && (ctl->flags & CTL_DRY_RUN) == 0) {
		qsort(run->changes, run->n, sizeof(*run->changes), change_compare);
		code = store_each_job(ctl->store, 0, open_job_add, run, &ctl->error);
	}
	for (size_t i = 0; i < jobs && code == ERR_OK; i++)
		code = job_add(run, run->first_job + (uint32_t)i);
	return code;
}

/* -- services without an enabled real service --------------------------------------- */

struct enabled_rows {
	bool	service, real;
};

static enum err_code
service_note(void *arg, const struct path *path, const struct service_row *row)
{
	(void)path;
	((struct enabled_rows *)arg)->service = row->enabled;
	return ERR_OK;
}

static enum err_code
real_note(void *arg, const struct store_real_view *view)
{
	((struct enabled_rows *)arg)->real |= view->row.enabled;
	return ERR_OK;
}

static bool
is_same_service(const struct path *a, const struct path *b)
{
	return strcmp(a->cluster, b->cluster) == 0 && strcmp(a->service, b->service) == 0;
}

/* Finds services of the changes that are enabled and have no enabled real service. Overwrites the
 * first elements of run->paths with their paths, and counts these in run->n_unserved. */
static enum err_code
unserved_find(struct run *run)
{
	struct ctl *ctl = run->ctl;
	struct path service, last = { "", "", "" };
	enum err_code code;

	for (size_t i = 0; i < run->n; i++) {
		struct enabled_rows enabled = { false, false };
		size_t known = 0;

		service = path_cut(&run->paths[i], DEPTH_SERVICE);
		if (is_same_service(&service, &last))
			continue;
		last = service;
		if ((code = store_each_service(ctl->store, &service, service_note, &enabled,
		    &ctl->error)) != ERR_OK ||
		    (code = store_each_real(ctl->store, &service, real_note, &enabled,
		    &ctl->error)) != ERR_OK)
			return code;
		while (known < run->n_unserved && !is_same_service(&run->paths[known], &service))
			known++;
		if (enabled.service && !enabled.real && known == run->n_unserved)
			run->paths[run->n_unserved++] = service;
	}
	return ERR_OK;
}

static void
unserved_report(struct run *run)
{
	char text[PATH_TEXT_SIZE];

	for (size_t i = 0; i < run->n_unserved; i++)
		ctl_message(run->ctl, "%s: no real service is enabled: clients get no answer",
		    path_text(&run->paths[i], text));
}

/* -- the command -------------------------------------------------------------- */

/* An object is the result of a command with one path, in the API. */
static enum out_shape
shape_of(const struct run *run)
{
	return run->ctl->format == OUT_JSON && run->n_requests == 1 &&
	    strcmp(run->setting->command, "set") != 0 &&
	    strcmp(run->setting->command, "move-fallback") != 0 &&
	    !path_is_pattern(&run->requests[0].path) && run->n_jobs <= 1 ? OUT_OBJECT : OUT_LIST;
}

static enum ctl_exit
jobs_print(struct run *run)
{
	struct ctl *ctl = run->ctl;
	enum out_shape shape = shape_of(run);

	if (run->n_jobs > 0)
		return ctl_jobs_print(ctl, run->jobs, run->n_jobs, shape);
	if (ctl->format != OUT_JSON)
		fprintf(ctl->out, "nothing to do: %s\n", run->setting->unchanged);
	else
		fputs(shape == OUT_LIST ? "[]\n" : "{}\n", ctl->out);
	return CTL_OK;
}

/* Prints the jobs of a transaction and undoes it. The text is printed after that, because a slow
 * reader of the output must not keep the store locked. */
static enum ctl_exit
dry_run(struct run *run)
{
	struct ctl *ctl = run->ctl;
	char *text = NULL;
	size_t size = 0;
	FILE *out = ctl->out, *memory = open_memstream(&text, &size);
	enum ctl_exit status;

	if (memory == NULL) {
		store_rollback(ctl->store);
		return ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	}
	ctl->out = memory;
	status = jobs_print(run);
	ctl->out = out;
	store_rollback(ctl->store);
	fclose(memory);
	if (text != NULL)
		fputs(text, out);
	free(text);
	return status;
}

/* Reports why the store refused the changes. */
static enum ctl_exit
refusal_report(struct run *run, enum err_code code)
{
	enum ctl_exit status = ctl_finish(run->ctl, code);
	char text[PATH_TEXT_SIZE];

	if (code == ERR_PRECOND && run->fallback_taken && run->ctl->path != NULL)
		ctl_message(run->ctl, "\"lbclusterctl move-fallback %s\" makes it the only "
		    "fallback of its service", path_text(run->ctl->path, text));
	return status;
}

static enum ctl_exit
settings_change(struct run *run)
{
	struct ctl *ctl = run->ctl;
	enum ctl_exit status = CTL_OK, printed;
	enum err_code code;

	if ((code = requests_resolve(run)) != ERR_OK)
		return ctl_finish(ctl, code);
	ctl->path = NULL;
	if ((code = store_begin(ctl->store, &ctl->error)) != ERR_OK)
		return ctl_finish(ctl, code);
	if (strcmp(run->setting->command, "move-fallback") == 0)
		code = fallbacks_end(run);
	if (code == ERR_OK)
		code = set_make(run);
	if (code == ERR_OK && run->setting->column == REAL_ENABLED)
		code = unserved_find(run);
	if (code == ERR_OK && (ctl->flags & CTL_DRY_RUN) != 0) {
		status = dry_run(run);
		unserved_report(run);
		return status;
	}
	if (code == ERR_OK)
		code = store_commit(ctl->store, &ctl->error);
	else
		store_rollback(ctl->store);
	if (code != ERR_OK)
		return refusal_report(run, code);
	unserved_report(run);
	if ((ctl->flags & CTL_NO_WAIT) == 0)
		status = ctl_jobs_wait(ctl, run->jobs, run->n_jobs, run->timeout_s);
	printed = jobs_print(run);
	return status != CTL_OK ? status : printed;
}

enum ctl_exit
cmd_set(struct ctl *ctl)
{
	struct run run = { .ctl = ctl, .setting = settings };
	enum ctl_exit status;

	while (strcmp(run.setting->command, ctl->command->name) != 0)
		run.setting++;
	if ((status = timeout_read(&run)) == CTL_OK &&
	    (status = operands_read(&run)) == CTL_OK && (status = ctl_open(ctl)) == CTL_OK)
		status = settings_change(&run);
	ctl->path = NULL;
	run_free(&run);
	return status;
}
