/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rounds of one cluster; see worker.h.
 */
#include "driver/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/difference.h"
#include "util/clock.h"
#include "util/clock_step.h"
#include "util/log_limit.h"
#include "util/memory.h"

enum {
	JOBS_MAX = 1000,	/* of one round */
	RETRY_FIRST_MS = 250,
	RETRY_MAX_MS = 10000,	/* or the interval, if that is longer */
	UNCHANGED_S = 10,	/* between writes of statistics that do not change */
};

/* One round, from the first poll to the record. */
struct round {
	bool		active;
	bool		measures;	/* writes statistics */
	bool		incomplete;	/* a process did not answer, or refused a setting */
	bool		store_failed;	/* something was not written: the next round repeats it */
	bool		restarted;	/* a process was replaced or stops in this round */
	int64_t		begun_ms;
	struct plan	plan;
};

struct worker {
	struct worker_shared	*shared;
	struct driver_cluster	*cluster;
	struct plane		*plane;
	struct loop_timer	 timer;
	struct round		 round;
	int64_t			 measure_at_ms;	/* time of the next round that measures */
	int64_t			 retry_ms;	/* current delay; 0: the data plane answers */
	struct plane_error	 error;		/* of the latest poll without an answer */
	uint64_t		 restarts;	/* at the first poll of a round; 0: none yet */
	/* Claimed jobs, which end in this round. */
	struct plan_job		*jobs;
	size_t			 n_jobs, jobs_room;
	bool			 requeue;	/* the store may have other claimed jobs */
	int64_t			 job_timeout_at_s;	/* of the oldest waiting job; steady */
	char			(*health_texts)[MODEL_MESSAGE_MAX + 1];
	/* What was written or logged. */
	enum plane_status	 status_reported;
	bool			 store_reported;	/* that the store failed */
	int64_t			 polled_put_ms;		/* 0: no poll was recorded */
	uint32_t		 polled_interval_ms;
	bool			 targets_are_set;
	uint32_t		 targets_changes;	/* those of the tree at that time */
	bool			 statistics_lost;	/* the store may lack rows */
	uint32_t		 statistics_lost_seen;	/* as in the tree */
	char			 difference[MODEL_MESSAGE_MAX + 1];
	char			 remark[MODEL_MESSAGE_MAX + 1];
};

/* Managers, data planes and users of the store can cause these lines without limit. The store
 * has all jobs. */
static struct log_limit jobs_limit = LOG_LIMIT("job", 100),
    planes_limit = LOG_LIMIT("plane", 100), store_limit = LOG_LIMIT("store", 20);

static void round_begin(void *arg);

static struct plan_rules
rules_of(const struct worker *worker)
{
	return (struct plan_rules){
		.drain_ms = worker->shared->config->drain_ms,
		.job_timeout_s = worker->shared->config->job_patience_s,
		.ops = worker->shared->ops,
		.title = worker->shared->title,
		.now_ms = clock_steady_ms(),
		.restarted = worker->round.restarted,
	};
}

/* False if the file was locked a moment ago. */
static bool
store_ready(struct worker *worker, enum worker_file file)
{
	if (clock_steady_ms() >= worker->shared->rests_until_ms[file])
		return true;
	worker->round.store_failed = true;
	return false;
}

/* Reports the first of several failures to use the store. True if 'code' is ERR_OK. */
static bool
store_done(struct worker *worker, enum worker_file file, enum err_code code,
    const struct err *err)
{
	if (code == ERR_OK)
		return true;
	if (!worker->store_reported)
		log_limited(&store_limit, LOG_LEVEL_WARN, "%s: %s; the next round tries again",
		    worker->cluster->row.name, err->text);
	worker->store_reported = true;
	worker->round.store_failed = true;
	if (code == ERR_BUSY)
		worker->shared->rests_until_ms[file] =
		    clock_steady_ms() + worker->shared->rest_ms;
	return false;
}

/* Records that this driver polls the cluster, and the interval to the next poll, which begins
 * after 'wait_ms'. The interval includes the timeout, because a poll may take that long. Writes
 * at most four times an interval. */
static void
polled_put(struct worker *worker, int64_t wait_ms)
{
	const struct driver_config *config = worker->shared->config;
	int64_t now = clock_steady_ms(), interval = config->interval_ms;
	struct driver_poll row;
	struct err err;

	interval = interval < config->timeout_ms ? config->timeout_ms : interval;
	interval = interval < wait_ms ? wait_ms : interval;
	if ((worker->polled_put_ms != 0 && worker->polled_interval_ms == interval &&
	    now - worker->polled_put_ms < interval / 4) ||
	    !store_ready(worker, WORKER_STATISTICS))
		return;
	row = (struct driver_poll){ .cluster_id = worker->cluster->row.id,
	    .time = clock_wall_s(), .interval_ms = (uint32_t)interval };
	if (!store_done(worker, WORKER_STATISTICS,
	    store_poll_put(worker->shared->store, &row, &err), &err))
		return;
	worker->polled_put_ms = now;
	worker->polled_interval_ms = row.interval_ms;
}

/* -- jobs ----------------------------------------------------------------------------- */

/* Job ages are differences of the steady clock, because the wall clock may be set. */
static int64_t
steady_s(void)
{
	return clock_steady_ms() / 1000;
}

/* Sets the setting of a job in the tree. The command that the next plan has for it belongs to the
 * job, so it is not counted as the repair of a change that another program made. */
static void
setting_set(struct driver_service *service, struct driver_real *real, enum job_operation operation,
    uint32_t value)
{
	enum real_column column = job_operation_column(operation);

	if (real != NULL) {
		driver_real_value_set(real, column, value);
		real->foreign[column == REAL_WEIGHT ? FOREIGN_WEIGHT : FOREIGN_STATE].job = true;
		return;
	}
	service->enabled = value != 0;
	service->foreign.job = true;
	TREE_FOREACH(real, i, &service->branch.children)
		real->foreign[FOREIGN_STATE].job = true;
}

/* Adds one claimed job to the round. The tree gets its value, which the store may not have shown
 * yet. If the tree has not read the row of the job yet, the next round claims the job again. The
 * time of a job that was made with SQL may be any number. */
static enum err_code
job_take(void *arg, const struct job_row *row)
{
	struct worker *worker = arg;
	const struct driver_tree *tree = worker->shared->tree;
	struct driver_service *service = tree_find(&tree->tree, STORE_SERVICE, row->service_id);
	struct driver_real *real = driver_real_find(tree, row->real_id);
	struct plan_job *jobs;

	if (real == NULL && service == NULL) {
		worker->requeue = true;
		return ERR_OK;
	}
	jobs = memory_array_reserve(worker->jobs, worker->n_jobs, &worker->jobs_room,
	    sizeof(*jobs));
	if (jobs == NULL)
		return ERR_NOMEM;
	worker->jobs = jobs;
	jobs += worker->n_jobs++;
	*jobs = (struct plan_job){ .id = row->id, .real_id = row->real_id,
	    .service_id = row->service_id,
	    .operation = row->operation, .value = row->new_value, .old_value = row->old_value,
	    .created_s = steady_s() - clock_age_s(row->created < 0 ? 0 : row->created) };
	snprintf(jobs->message, sizeof(jobs->message), "%s", row->message);
	setting_set(service, real, row->operation, row->new_value);
	/* There may be more. */
	if (worker->n_jobs == JOBS_MAX)
		worker->cluster->round_due = true;
	return ERR_OK;
}

static void
jobs_claim(struct worker *worker)
{
	struct store *store = worker->shared->store;
	uint32_t id = worker->cluster->row.id;
	enum err_code code;
	struct err err;

	worker->n_jobs = 0;
	if (!store_ready(worker, WORKER_MAIN))
		return;
	worker->cluster->round_due = false;
	worker->job_timeout_at_s = INT64_MAX;
	if (worker->requeue && !store_done(worker, WORKER_MAIN,
	    store_jobs_requeue(store, id, &err), &err))
		return;
	worker->requeue = false;
	code = store_jobs_claim(store, id, JOBS_MAX, job_take, worker, &err);
	if (!store_done(worker, WORKER_MAIN, code, &err))
		worker->requeue = true;
}

/* Reports a result. A job that still waits is reported if its reason changed. */
static void
job_log(const struct plan_job *job)
{
	const struct plan_result *result = &job->result;

	if (result->state == JOB_QUEUED && strcmp(result->message, job->message) == 0)
		return;
	log_limited(&jobs_limit, result->state == JOB_FAILED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
	    "%u %s %s/%s%s%s %u: %s%s%s", job->id, job_operation_name(job->operation),
	    job->service->row.parent->row.name, job->service->row.name,
	    job->real != NULL ? "/" : "", job->real != NULL ? job->real->row.name : "",
	    job->value, job_state_name(result->state), result->message[0] != '\0' ? ": " : "",
	    result->message);
}

/* Reports one result and writes it to 'ret'. The setting of a failed job gets its old value
 * back, in the tree as in the store. */
static void
job_end(struct worker *worker, struct plan_job *job, struct store_job_end *ret)
{
	const struct plan_result *result = &job->result;
	int64_t timeout_at_s = job->created_s + worker->shared->config->job_patience_s;

	job_log(job);
	if (result->state == JOB_QUEUED && timeout_at_s < worker->job_timeout_at_s)
		worker->job_timeout_at_s = timeout_at_s;
	if (result->state == JOB_FAILED && plan_job_value(job) == job->value)
		setting_set(job->service, job->real, job->operation, job->old_value);
	*ret = (struct store_job_end){ .id = job->id, .state = result->state,
	    .cause = result->cause, .message = result->message };
}

/* Ends the jobs that make a fallback first: the store gives "fallback" back to a row only if no
 * other row has it. */
static enum err_code
jobs_write(struct worker *worker, struct store_job_end *rows, struct err *err)
{
	size_t n = 0;

	for (int fallbacks = 1; fallbacks >= 0; fallbacks--) {
		for (size_t i = 0; i < worker->n_jobs; i++) {
			struct plan_job *job = &worker->jobs[i];

			if (job->service != NULL &&
			    (job->operation == JOB_ENABLE_FALLBACK) == fallbacks)
				job_end(worker, job, &rows[n++]);
		}
	}
	return store_jobs_end(worker->shared->store, rows, n, err);
}

/* Finds the rows of a job, which may be deleted since. */
static void
job_rows_find(const struct worker *worker, struct plan_job *job)
{
	const struct driver_tree *tree = worker->shared->tree;

	job->real = driver_real_find(tree, job->real_id);
	job->service = job->real != NULL ? driver_service_of(job->real) :
	    tree_find(&tree->tree, STORE_SERVICE, job->service_id);
}

/* False if the targets of this round do not have the row of the job, which was added during the
 * poll, or its value, which the data plane then did not compare. The next round has both. */
static bool
job_is_targeted(const struct plan_job *job)
{
	if (job->real != NULL)
		return job->real->place != 0;
	return job->service->place != 0 && (job->service->found == NULL ||
	    job->service->target_enabled == job->service->enabled);
}

/* Judges the claimed jobs by the latest poll, or defers them because of 'error', and writes the
 * results. If they cannot be written, the next round claims the jobs again. */
static void
jobs_end(struct worker *worker, const struct plane_error *error)
{
	const struct plan_rules rules = rules_of(worker);
	struct store_job_end *rows = calloc(worker->n_jobs + 1, sizeof(*rows));
	struct err err;

	for (size_t i = 0; i < worker->n_jobs; i++) {
		struct plan_job *job = &worker->jobs[i];

		job_rows_find(worker, job);
		if (job->service == NULL)
			continue;
		if (error != NULL) {
			plan_job_defer(job, error->cause, error->text, &rules);
		} else if (!job_is_targeted(job)) {
			job->service = NULL;
			worker->requeue = worker->cluster->round_due = true;
		} else {
			plan_job_judge(job, &worker->round.plan, &rules);
		}
	}
	plan_handovers_judge(worker->jobs, worker->n_jobs);
	if (worker->n_jobs > 0 && (rows == NULL || !store_ready(worker, WORKER_MAIN) ||
	    !store_done(worker, WORKER_MAIN, jobs_write(worker, rows, &err), &err)))
		worker->requeue = true;
	worker->n_jobs = 0;
	free(rows);
}

/* -- record ---------------------------------------------------------------------------- */

/* Reports a new status. A driver of checks alone has no data plane that answers. */
static void
status_log(const struct worker *worker, enum plane_status status, const char *message)
{
	const char *name = worker->cluster->row.name;
	unsigned int reals = driver_cluster_reals(worker->cluster);

	if (status == PLANE_STATUS_NONE)
		log_limited(&planes_limit, LOG_LEVEL_INFO, "%s: has no health checks", name);
	else if (status != PLANE_STATUS_OK)
		log_limited(&planes_limit, LOG_LEVEL_WARN, "%s: %s", name, message);
	else if (worker->shared->ops->apply == NULL)
		log_limited(&planes_limit, LOG_LEVEL_INFO, "%s: is checked, %u real services",
		    name, reals);
	else
		log_limited(&planes_limit, LOG_LEVEL_INFO, "%s: %s answers, %u real services",
		    name, worker->shared->title, reals);
}

static void
status_put(struct worker *worker, enum plane_status status, const char *message)
{
	struct err err;

	if (status != worker->status_reported)
		status_log(worker, status, message);
	worker->status_reported = status;
	if (store_ready(worker, WORKER_MAIN))
		(void)store_done(worker, WORKER_MAIN, store_plane_set(worker->shared->store,
		    worker->cluster->row.id, status, message, &err), &err);
}

/* Rows for the store: the reasons that changed, and statistics. */
struct record {
	struct store_reason	*reasons;
	char			(*texts)[MODEL_MESSAGE_MAX + 1];
	struct statistics	*rows, *services;
	size_t			 n_reasons, n_rows, n_services;
};

/* True if the round writes statistics of a real service. Without settings the statistics are the
 * result of its check, which is written at once if it changed. */
static bool
is_measured(const struct worker *worker, const struct driver_real *real, bool active)
{
	if (worker->shared->ops->apply != NULL)
		return worker->round.measures;
	return real->health != HEALTH_NONE && (worker->round.measures ||
	    !real->active_written || real->active != active);
}

/* True if the row in the store has these numbers and is not old. Its time is that of the latest
 * write, so it is at most a quarter of stale-after behind. */
static bool
is_written(const struct worker *worker, const struct statistics *written,
    const struct statistics *row)
{
	int64_t age = row->last_update - written->last_update;
	int64_t most = worker->shared->tree->stale_after_s / 4;

	if (most > UNCHANGED_S)
		most = UNCHANGED_S;
	return !worker->statistics_lost && written->last_update != 0 && age >= 0 && age < most &&
	    written->present == row->present && written->active == row->active &&
	    written->role == row->role && written->counters_since == row->counters_since &&
	    memcmp(written->number, row->number, sizeof(row->number)) == 0;
}

static void
record_statistics(struct worker *worker, const struct plane_poll *poll,
    const struct measure_time now, struct driver_real *real, bool active, struct record *record)
{
	struct statistics *row = &record->rows[record->n_rows];

	measure_take(&real->measure, poll, real->server == NULL ? NULL : &real->server->counts, now,
	    real->row.id, active, row);
	row->role = real->server == NULL ? ROLE_MEMBER : real->server->role;
	if (is_written(worker, &real->written, row))
		return;
	real->written = *row;
	record->n_rows++;
}

static void
record_make(struct worker *worker, const struct plane_poll *poll, struct record *record)
{
	const struct measure_time now = { clock_steady_ms(), clock_wall_s() };
	const struct plan_rules rules = rules_of(worker);
	struct driver_service *service;
	struct driver_real *real;

	PLAN_FOREACH(service, real, worker->cluster) {
		char *text = record->texts[record->n_reasons];
		bool active = plan_active(real, &rules);

		if (real->place == 0)
			continue;	/* it was added during the poll */
		/* The rows keep the result of the driver before until there is a new one. */
		if (rules.ops->apply == NULL && real->health == HEALTH_UNKNOWN)
			continue;
		if (strcmp(plan_reason(real, &rules, text), tree_text(&real->row, TREE_REASON)) !=
		    0)
			record->reasons[record->n_reasons++] =
			    (struct store_reason){ .real_id = real->row.id, .text = text };
		if (is_measured(worker, real, active)) {
			record_statistics(worker, poll, now, real, active, record);
			real->active_written = true;
			real->active = active;
		}
	}
}

/* Of services that the data plane counts. */
static void
record_services(struct worker *worker, const struct plane_poll *poll, struct record *record)
{
	const struct measure_time now = { clock_steady_ms(), clock_wall_s() };
	struct driver_service *service;

	TREE_FOREACH(service, i, &worker->cluster->branch.children) {
		struct statistics *row = &record->services[record->n_services];

		if (service->place == 0 || poll->service_counts == NULL)
			continue;
		measure_service_take(&service->measure, poll, service->counted, now,
		    service->row.id, row);
		if (is_written(worker, &service->written, row) &&
		    strcmp(service->algorithm, row->algorithm) == 0)
			continue;
		service->written = *row;
		service->written.algorithm = NULL;
		snprintf(service->algorithm, sizeof(service->algorithm), "%s", row->algorithm);
		record->n_services++;
	}
}

/* False if rows were not written. */
static bool
record_statistics_put(struct worker *worker, const struct record *record)
{
	struct store *store = worker->shared->store;
	struct err err;

	return store_ready(worker, WORKER_STATISTICS) &&
	    (record->n_rows == 0 || store_done(worker, WORKER_STATISTICS,
	    store_statistics_put(store, record->rows, record->n_rows, &err), &err)) &&
	    (record->n_services == 0 || store_done(worker, WORKER_STATISTICS,
	    store_service_statistics_put(store, record->services, record->n_services, &err),
	    &err));
}

static void
record_put(struct worker *worker, const struct plane_poll *poll)
{
	size_t room = driver_cluster_reals(worker->cluster) + 1;
	struct store *store = worker->shared->store;
	struct record record = {
		.reasons = calloc(room, sizeof(*record.reasons)),
		.texts = calloc(room, sizeof(*record.texts)),
		.rows = calloc(room, sizeof(*record.rows)),
		.services = calloc(worker->cluster->branch.children.n + 1,
		    sizeof(*record.services)),
	};
	struct err err;

	if (record.reasons != NULL && record.texts != NULL && record.rows != NULL &&
	    record.services != NULL) {
		worker->statistics_lost |= worker->statistics_lost_seen !=
		    worker->shared->tree->statistics_lost;
		worker->statistics_lost_seen = worker->shared->tree->statistics_lost;
		record_make(worker, poll, &record);
		if (worker->round.measures)
			record_services(worker, poll, &record);
		if (store_ready(worker, WORKER_MAIN) && record.n_reasons > 0)
			(void)store_done(worker, WORKER_MAIN, store_reasons_put(store,
			    record.reasons, record.n_reasons, &err), &err);
		if (record.n_rows > 0 || record.n_services > 0)
			worker->statistics_lost = !record_statistics_put(worker, &record);
	}
	free(record.reasons);
	free(record.texts);
	free(record.rows);
	free(record.services);
}

/* -- results of the commands -------------------------------------------------------------- */

/* The row of a command. Both pointers are NULL if it was deleted since. */
struct command_row {
	struct driver_service	*service;
	struct driver_real	*real;		/* NULL for PLANE_COMMAND_SERVICE */
};

static struct command_row
command_row(const struct worker *worker, const struct plane_command *command)
{
	const struct row_tree *tree = &worker->shared->tree->tree;
	struct command_row row = { NULL, NULL };

	if (command->kind == PLANE_COMMAND_SERVICE) {
		row.service = tree_find(tree, STORE_SERVICE, command->id);
		return row;
	}
	row.real = driver_real_find(worker->shared->tree, command->id);
	if (row.real != NULL)
		row.service = driver_service_of(row.real);
	return row;
}

/* What the driver did without a job to a server, or to a service if 'real' is NULL. Returns NULL if
 * there is nothing to report. */
static const char *
routine_text(const struct worker *worker, const struct plane_command *command,
    const struct driver_real *real)
{
	const struct plane_kind_ops *ops = worker->shared->ops;

	if (real == NULL)
		return command->message;
	switch (command->kind) {
	case PLANE_COMMAND_DRAIN_FIRST:		/* HEALTH_DOWN follows */
	case PLANE_COMMAND_WEIGHT:
		return NULL;
	case PLANE_COMMAND_END_SESSIONS:
		return "its connections are ended";
	case PLANE_COMMAND_HEALTH_DOWN:
		return "gets work when its checks pass";
	case PLANE_COMMAND_SERVICE:
	case PLANE_COMMAND_STATE:
		break;
	}
	if (real == NULL)
		return NULL;
	if (real->health == HEALTH_DOWN)
		return real->health_message != NULL ? real->health_message : "down";
	if (command->value == PLANE_READY)
		return plan_is_reserve(real) ? "fallback is brought in" : "gets work";
	if (command->value == PLANE_DRAIN)
		return plan_is_reserve(real) ? "fallback is held in reserve" :
		    ops->states[PLANE_DRAIN].by_lbcluster;
	if (real->drain_since_ms == 0)
		return plan_is_reserve(real) ? "fallback is held in reserve" :
		    ops->states[PLANE_OUT].by_lbcluster;
	return worker->cluster->earlier_pid != 0 ? "drain time is over" : "drained";
}

static void
routine_log(const struct worker *worker, const struct plan_rules *rules,
    const struct plane_command *command, const struct command_row *row)
{
	const char *what = routine_text(worker, command, row->real);
	bool is_state = command->kind == PLANE_COMMAND_STATE;
	const struct driver_cluster *cluster = worker->cluster;
	char text[MODEL_MESSAGE_MAX + 1] = "", earlier[MODEL_MESSAGE_MAX + 1];

	if (what == NULL)
		return;
	plan_message_add(text, "%s", what);
	if (is_state && command->value == PLANE_OUT)
		plan_message_add(text, "%s", plan_earlier(cluster, rules->title, earlier));
	else if (is_state && command->value == PLANE_READY && plan_is_reserve(row->real))
		plan_message_add(text, "%s", plan_fallback_cause(row->real, rules));
	log_limited(&planes_limit, LOG_LEVEL_INFO, "%s/%s%s%s: %s", cluster->row.name,
	    row->service->row.name, row->real != NULL ? "/" : "",
	    row->real != NULL ? row->real->row.name : "", text);
}

/* Reports the commands that no job asked for. Writes the first refusal of such a command. */
static void
commands_log(struct worker *worker, char refusal[MODEL_MESSAGE_MAX + 1])
{
	const struct plan *plan = &worker->round.plan;
	struct driver_cluster *cluster = worker->cluster;
	const struct plan_rules rules = rules_of(worker);
	char repairs[MODEL_MESSAGE_MAX + 1];
	size_t repaired = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct plane_command *command = &plan->commands[i];
		const struct command_row row = command_row(worker, command);

		if (row.service == NULL)
			continue;
		if (command->cause == JOB_CAUSE_NONE)
			plan_carried_out(command, row.real, row.service, rules.now_ms);
		if (command->of_job)
			continue;
		if (command->cause != JOB_CAUSE_NONE) {
			if (refusal[0] == '\0')
				snprintf(refusal, MODEL_MESSAGE_MAX + 1, "%.60s%s%.60s: %.130s",
				    row.service->row.name, row.real != NULL ? "/" : "",
				    row.real != NULL ? row.real->row.name : "",
				    command->message);
			continue;
		}
		/* A repair of a service says what the service had. */
		if (command->routine || command->kind == PLANE_COMMAND_SERVICE)
			routine_log(worker, &rules, command, &row);
		repaired += !command->routine;
	}
	if (repaired == 0)
		return;
	cluster->repairs += repaired;
	cluster->repaired = repaired;
	cluster->repaired_ms = rules.now_ms;
	cluster->repaired_s = clock_wall_s();
	log_limited(&planes_limit, LOG_LEVEL_INFO, "%s: %s", cluster->row.name,
	    plan_repairs(cluster, &rules, repairs));
}

/* -- a round --------------------------------------------------------------------------- */

/* Doubles the delay before the next try. */
static int64_t
retry_next(struct worker *worker)
{
	int64_t most = worker->shared->config->interval_ms;

	if (most < RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	worker->retry_ms = worker->retry_ms == 0 ? RETRY_FIRST_MS : 2 * worker->retry_ms;
	if (worker->retry_ms > most)
		worker->retry_ms = most;
	return worker->retry_ms;
}

static void
round_end(struct worker *worker, bool answered)
{
	struct worker_shared *shared = worker->shared;
	struct round *round = &worker->round;
	int64_t now = clock_steady_ms(), wait = worker->measure_at_ms - now;

	log_debug("round", "%s: %lld ms, %zu commands%s", worker->cluster->row.name,
	    (long long)(now - round->begun_ms), round->plan.n,
	    round->measures ? ", measured" : "");
	plan_done(&round->plan);
	round->active = false;
	if (worker->store_reported && !round->store_failed) {
		log_limited(&store_limit, LOG_LEVEL_INFO, "%s: is written again",
		    worker->cluster->row.name);
		worker->store_reported = false;
	}
	if (answered)
		worker->retry_ms = 0;
	else
		wait = retry_next(worker);
	polled_put(worker, wait);
	loop_timer_set(shared->loop, &worker->timer, wait > 0 ? wait : 0, round_begin, worker);
	shared->round_done(shared->arg, answered && !round->incomplete && !round->store_failed);
}

/* No process answered: jobs wait, and statistics become stale. */
static void
round_fail(struct worker *worker, const struct plane_error *error)
{
	worker->error = *error;
	if (worker->n_jobs == 0 && (worker->cluster->round_due || worker->requeue ||
	    steady_s() >= worker->job_timeout_at_s))
		jobs_claim(worker);
	jobs_end(worker, error);
	status_put(worker, error->status, error->text);
	round_end(worker, false);
}

static void
difference_log(struct worker *worker, const char *difference)
{
	const char *name = worker->cluster->row.name;

	if (strcmp(difference, worker->difference) == 0)
		return;
	if (difference[0] != '\0')
		log_limited(&planes_limit, LOG_LEVEL_WARN, "%s: %s", name, difference);
	else
		log_limited(&planes_limit, LOG_LEVEL_INFO,
		    "%s: inventory no longer differs from %s", name, worker->shared->title);
	snprintf(worker->difference, sizeof(worker->difference), "%s", difference);
}

/* All processes answered and no setting was refused: reports what else a person should know,
 * the most urgent first. */
static void
remarks_put(struct worker *worker, const struct plane_poll *poll)
{
	char message[MODEL_MESSAGE_MAX + 1], text[MODEL_MESSAGE_MAX + 1];
	const struct driver_cluster *cluster = worker->cluster;
	const struct plan_rules rules = rules_of(worker);
	bool contested = plan_foreign(cluster, true, &rules, message)[0] != '\0';

	plan_message_add(message, "%s", plan_missing(cluster, &rules, text));
	difference_write(cluster, poll, rules.title, text);
	difference_log(worker, text);
	if (poll->remark[0] != '\0' && strcmp(poll->remark, worker->remark) != 0)
		log_limited(&planes_limit, LOG_LEVEL_WARN, "%s: %s", cluster->row.name,
		    poll->remark);
	snprintf(worker->remark, sizeof(worker->remark), "%s", poll->remark);
	plan_message_add(message, "%s", text);
	if (!contested) {
		plan_message_add(message, "%s", plan_foreign(cluster, false, &rules, text));
		plan_message_add(message, "%s", plan_repairs(cluster, &rules, text));
		plan_message_add(message, "%s", poll->remark);
	}
	status_put(worker, contested ? PLANE_STATUS_FAILING : !rules.ops->apply &&
	    !cluster->checked ? PLANE_STATUS_NONE : PLANE_STATUS_OK, message);
}

/* Records the latest poll of the round, after plan_bind(). */
static void
round_finish(struct worker *worker, const struct plane_poll *poll,
    const struct plane_error *error)
{
	char refusal[MODEL_MESSAGE_MAX + 1] = "";

	worker->round.restarted = poll->stopping || poll->restarts != worker->restarts;
	commands_log(worker, refusal);
	if (error == NULL)
		plan_confirm(worker->cluster);
	jobs_end(worker, error);
	record_put(worker, poll);
	worker->round.incomplete = error != NULL || refusal[0] != '\0' || poll->problem[0] != '\0';
	if (error != NULL)
		status_put(worker, error->status, error->text);
	else if (poll->problem[0] != '\0')
		status_put(worker, PLANE_STATUS_FAILING, poll->problem);
	else if (refusal[0] != '\0' && !worker->round.restarted)
		status_put(worker, PLANE_STATUS_FAILING, refusal);
	else
		remarks_put(worker, poll);
	round_end(worker, true);
}

static void
on_second_poll(void *arg, const struct plane_poll *poll, const struct plane_error *error)
{
	struct worker *worker = arg;

	if (poll == NULL) {
		round_fail(worker, error);
		return;
	}
	plan_bind(worker->cluster, poll);
	round_finish(worker, poll, error);
}

static void
on_applied(void *arg)
{
	struct worker *worker = arg;

	worker->shared->ops->poll(worker->plane, on_second_poll, worker);
}

/* Makes the check of a real service whose row changed. */
static void
real_check_set(struct worker *worker, struct driver_real *real, bool serves)
{
	const struct driver_service *service = driver_service_of(real);
	const struct driver_cluster *cluster = worker->cluster;
	const struct health_real row = { .id = real->row.id, .cluster_id = cluster->row.id,
	    .cluster_name = cluster->row.name, .service_name = service->row.name,
	    .name = real->row.name,
	    .service_address = tree_text(&service->row, TREE_ADDRESS),
	    .service_port = tree_text(&service->row, TREE_PORT),
	    .service_params = tree_text(&service->row, TREE_SERVICE_PARAMS),
	    .protocol = service->protocol, .address = tree_text(&real->row, TREE_ADDRESS),
	    .port = tree_text(&real->row, TREE_PORT),
	    .params = tree_text(&real->row, TREE_REAL_PARAMS) };
	struct err err;

	real->check_set = health_set(worker->shared->health, &row, serves, &err) == ERR_OK;
	if (!real->check_set)
		log_limited(&planes_limit, LOG_LEVEL_WARN, "%s/%s/%s: %s", cluster->row.name,
		    service->row.name, real->row.name, err.text);
}

/* Reads the result of a check. A destination that serves keeps its place until its check has failed
 * often enough. Without a data plane no client depends on the first result, so it decides. */
static void
real_health_update(struct worker *worker, struct driver_real *real, char *text)
{
	bool serves = worker->shared->ops->apply != NULL && real->server != NULL &&
	    real->server->state == PLANE_READY;
	struct health *health = worker->shared->health;
	struct health_result result;

	if (real->check_set)
		health_serves(health, real->row.id, serves);
	else
		real_check_set(worker, real, serves);
	health_get(health, real->row.id, &result);
	real->health = result.state;
	real->held_back = (uint16_t)(real->weight -
	    health_weight(health, real->row.id, real->weight));
	if (result.message[0] == '\0')
		return;
	snprintf(text, MODEL_MESSAGE_MAX + 1, "%s", result.message);
	real->health_message = text;
}

static void
health_update(struct worker *worker, const struct plane_poll *poll)
{
	size_t room = driver_cluster_reals(worker->cluster), n = 0;
	struct driver_service *service;
	struct driver_real *real;

	/* Another program decides which server works, and checks it. */
	if (!health_is_used(worker->shared->health) || poll->fallback_problem != NULL)
		return;
	free(worker->health_texts);
	worker->health_texts = calloc(room + 1, sizeof(*worker->health_texts));
	PLAN_FOREACH(service, real, worker->cluster) {
		real->health_message = NULL;
		if (worker->health_texts != NULL)
			real_health_update(worker, real, worker->health_texts[n++]);
	}
}

static void
on_first_poll(void *arg, const struct plane_poll *poll, const struct plane_error *error)
{
	const struct plane_error no_memory = { .status = PLANE_STATUS_FAILING,
	    .cause = JOB_CAUSE_OTHER, .text = "out of memory for commands" };
	struct worker *worker = arg;
	struct plan *plan = &worker->round.plan;
	struct plan_rules rules;
	enum err_code code;

	if (poll == NULL) {
		round_fail(worker, error);
		return;
	}
	jobs_claim(worker);
	rules = rules_of(worker);
	rules.first = worker->restarts == 0;
	rules.round = (struct foreign_round){ .keep = poll->keeps_foreign,
	    .restarted = !rules.first && worker->restarts != poll->restarts };
	worker->restarts = poll->restarts;
	plan_bind(worker->cluster, poll);
	health_update(worker, poll);
	if (rules.ops->apply == NULL) {
		round_finish(worker, poll, error);
		return;
	}
	code = plan_make(worker->cluster, poll, &rules, plan);
	log_debug("round", "%s: polled and compared in %lld ms", worker->cluster->row.name,
	    (long long)(clock_steady_ms() - worker->round.begun_ms));
	if (code != ERR_OK)
		round_fail(worker, &no_memory);
	else if (plan->n == 0 || rules.ops->apply == NULL)
		round_finish(worker, poll, error);
	else
		rules.ops->apply(worker->plane, plan->commands, plan->n, on_applied, worker);
}

/* Opens the data plane if it is not open. Invalid parameters are reported like a data plane
 * that fails. */
static bool
plane_ready(struct worker *worker, struct plane_error *ret_error)
{
	const struct plane_cluster cluster = driver_cluster_plane(worker->cluster,
	    worker->shared->store);
	struct err err;

	if (worker->plane != NULL || worker->shared->ops->open(worker->shared->loop, &cluster,
	    (int)worker->shared->config->timeout_ms, &worker->plane, &err) == ERR_OK)
		return true;
	*ret_error = (struct plane_error){ .status = PLANE_STATUS_FAILING,
	    .cause = JOB_CAUSE_OTHER };
	snprintf(ret_error->text, sizeof(ret_error->text), "%.250s", err.text);
	return false;
}

/* Gives the data plane the rows that it has to realise, or their settings if no row changed. */
static bool
targets_set(struct worker *worker, struct plane_error *ret_error)
{
	const struct plane_kind_ops *ops = worker->shared->ops;
	uint32_t changes = worker->shared->tree->changes;
	bool same = worker->targets_are_set && worker->targets_changes == changes;
	struct plane_target *targets;
	enum err_code code = ERR_OK;
	struct err err;
	size_t n;

	targets = driver_cluster_targets(worker->cluster, worker->shared->config->drain_ms, !same,
	    &n);
	if (targets == NULL)
		code = err_set(&err, ERR_NOMEM, "out of memory for the rows");
	else if (!same)
		code = ops->targets_set(worker->plane, targets, n, &err);
	else if (ops->settings_set != NULL)
		ops->settings_set(worker->plane, targets, n);
	free(targets);
	worker->targets_are_set = code == ERR_OK;
	worker->targets_changes = changes;
	if (code == ERR_OK)
		return true;
	*ret_error = (struct plane_error){ .status = PLANE_STATUS_FAILING,
	    .cause = JOB_CAUSE_REJECTED };
	snprintf(ret_error->text, sizeof(ret_error->text), "%.250s", err.text);
	return false;
}

static void
round_begin(void *arg)
{
	struct worker *worker = arg;
	int64_t now = clock_steady_ms();
	struct plane_error error;

	worker->round = (struct round){ .active = true, .begun_ms = now,
	    .measures = now >= worker->measure_at_ms };
	if (worker->round.measures)
		worker->measure_at_ms = now + worker->shared->config->interval_ms;
	polled_put(worker, 0);
	if (plane_ready(worker, &error) && targets_set(worker, &error))
		worker->shared->ops->poll(worker->plane, on_first_poll, worker);
	else
		round_fail(worker, &error);
}

/* -- start and end --------------------------------------------------------------------- */

struct worker *
worker_new(struct worker_shared *shared, struct driver_cluster *cluster)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct driver_service *service;
	struct driver_real *real;

	if (worker == NULL)
		return NULL;
	TREE_FOREACH(service, i, &cluster->branch.children)
		measure_detach(&service->measure);
	PLAN_FOREACH(service, real, cluster)
		measure_detach(&real->measure);
	worker->shared = shared;
	worker->cluster = cluster;
	worker->requeue = true;	/* an earlier driver may have claimed jobs */
	worker->statistics_lost = true;
	worker->status_reported = PLANE_STATUS_NONE;
	worker->job_timeout_at_s = INT64_MAX;
	loop_timer_set(shared->loop, &worker->timer, 0, round_begin, worker);
	return worker;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	worker->shared->ops->close(worker->plane);
	loop_timer_cancel(worker->shared->loop, &worker->timer);
	plan_done(&worker->round.plan);
	free(worker->health_texts);
	free(worker->jobs);
	free(worker);
}

void
worker_wake(struct worker *worker)
{
	if (worker->round.active)
		return;		/* the caller tries again after the round */
	if (worker->retry_ms == 0) {
		loop_timer_set(worker->shared->loop, &worker->timer, 0, round_begin, worker);
		return;
	}
	/* The data plane does not answer: the job gets the error at once. */
	jobs_claim(worker);
	jobs_end(worker, &worker->error);
}
