/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rounds; see worker.h.
 */
#include "driver/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/difference.h"
#include "util/clock.h"
#include "util/log_limit.h"

enum {
	JOBS_MAX = 1000,	/* of one round */
	RETRY_FIRST_MS = 250,
	RETRY_MAX_MS = 10000,	/* or the interval, if that is longer */
};

struct worker {
	struct worker_shared		*shared;
	struct driver_cluster		*cluster;
	struct plane			*plane;
	struct loop_timer		 timer;
	bool				 busy;		/* a round is under way */
	bool				 measuring;	/* this round is a measuring one */
	bool				 requeue;	/* jobs of a round that was cut off */
	int64_t				 begun_ms;
	int64_t				 measure_at_ms;	/* when the next one is due */
	int64_t				 retry_ms;	/* 0: the data plane was reached */
	int64_t				 patience_over_s;	/* of the oldest job that waits */
	struct plan_job			*jobs;
	size_t				 n_jobs;
	struct plan_commands		 commands;
	bool				 partial;	/* error of the first poll */
	struct plane_error		 error;
	uint64_t			 restarts;	/* of the last poll; 0: none yet */
	bool				 restarted;	/* since the round before */
	enum plane_status		 told;		/* in the log */
	bool				 store_ill;	/* in this round */
	bool				 store_told;	/* in the log */
	int64_t				 look_put_ms;	/* the latest poll was recorded; 0: never */
	uint32_t			 look_interval_ms;	/* with it */
	char				 note[MODEL_MESSAGE_MAX + 1];	/* of a repair */
	char				 difference[MODEL_MESSAGE_MAX + 1];	/* in the log */
};

/* What managers, data planes and others who use the store cause, as often as they like. Of
 * jobs the store has all. */
static struct log_limit jobs_limit = LOG_LIMIT("job", 100),
    planes_limit = LOG_LIMIT("plane", 100), store_limit = LOG_LIMIT("store", 20);

static void round_begin(void *arg);

static struct plan_rules
rules_of(const struct worker *worker)
{
	return (struct plan_rules){
		.drain_ms = worker->shared->config->drain_ms,
		.patience_s = worker->shared->config->job_patience_s,
		.title = worker->shared->ops->title,
		.now_ms = clock_steady_ms(),
		.first = worker->restarts == 0,
		.round = { .keep = worker->plane != NULL &&
		    worker->shared->ops->keeps_foreign(worker->plane),
		    .restarted = worker->restarted },
	};
}

/* The store is busy or ill: what was to be written is done again by the next round. */
static void
store_failed(struct worker *worker, const struct err *err)
{
	if (!worker->store_told)
		log_limited(&store_limit, LOG_LEVEL_WARN, "%s: %s; the next round tries again",
		    worker->cluster->row.name, err->text);
	worker->store_told = true;
	worker->store_ill = true;
	if (err->code == ERR_BUSY)
		worker->shared->rests_until_ms = clock_steady_ms() + worker->shared->rest_ms;
}

/* False: it was locked just now, and the next round tries again. */
static bool
store_may_be_used(struct worker *worker)
{
	if (clock_steady_ms() >= worker->shared->rests_until_ms)
		return true;
	worker->store_ill = true;
	return false;
}

/* Records that this driver polls, and when it will again after 'wait_ms': the timeout is in
 * the interval because a poll may take that long. Not more often than four times in it. */
static void
look_put(struct worker *worker, int64_t wait_ms)
{
	const struct driver_config *config = worker->shared->config;
	int64_t now = clock_steady_ms(), interval = config->interval_ms;
	struct driver_poll poll;
	struct err err;

	interval = interval < config->timeout_ms ? config->timeout_ms : interval;
	interval = interval < wait_ms ? wait_ms : interval;
	if ((worker->look_put_ms != 0 && worker->look_interval_ms == interval &&
	    now - worker->look_put_ms < interval / 4) || !store_may_be_used(worker))
		return;
	poll = (struct driver_poll){ .cluster_id = worker->cluster->row.id, .time = clock_wall_s(),
	    .interval_ms = (uint32_t)interval };
	if (store_look_put(worker->shared->store, &poll, &err) != ERR_OK) {
		store_failed(worker, &err);
		return;
	}
	worker->look_put_ms = now;
	worker->look_interval_ms = poll.interval_ms;
}

/* -- jobs ----------------------------------------------------------------------------- */

/* Any number may stand there: whoever makes a job with SQL gives it, and clocks are set
 * back. */
static int64_t
created_within(int64_t created)
{
	int64_t now = clock_wall_s();

	return created < 0 ? 0 : created > now ? now : created;
}

/* The tree follows: a job that was claimed is what the store says. */
static enum err_code
job_take(void *arg, const struct job_row *row)
{
	struct worker *worker = arg;
	struct driver_real *real = driver_real_find(worker->shared->tree, row->real_id);
	struct plan_job *job;

	if (real == NULL || worker->n_jobs == JOBS_MAX)
		return ERR_OK;
	job = &worker->jobs[worker->n_jobs++];
	*job = (struct plan_job){ .id = row->id, .real_id = row->real_id,
	    .operation = row->operation, .value = row->new_value, .old_value = row->old_value,
	    .created = created_within(row->created) };
	snprintf(job->message, sizeof(job->message), "%s", row->message);
	driver_real_value_set(real, row->operation, row->new_value);
	real->foreign[job_operation_column(row->operation) == REAL_WEIGHT ? FOREIGN_WEIGHT :
	    FOREIGN_STATE].job = true;
	/* There may be more than one round takes. */
	if (worker->n_jobs == JOBS_MAX)
		worker->cluster->jobs_queued = true;
	return ERR_OK;
}

static void
jobs_claim(struct worker *worker)
{
	struct store *store = worker->shared->store;
	struct err err;

	worker->n_jobs = 0;
	if (!store_may_be_used(worker))
		return;
	worker->cluster->jobs_queued = false;
	worker->patience_over_s = INT64_MAX;
	if (worker->jobs == NULL)
		worker->jobs = calloc(JOBS_MAX, sizeof(*worker->jobs));
	if (worker->jobs == NULL)
		return;
	if (worker->requeue && store_jobs_requeue(store, worker->cluster->row.id, &err) != ERR_OK) {
		store_failed(worker, &err);
		return;
	}
	worker->requeue = false;
	if (store_jobs_claim(store, worker->cluster->row.id, JOBS_MAX, job_take, worker, &err) !=
	    ERR_OK) {
		worker->requeue = true;
		store_failed(worker, &err);
	}
}

static void
job_tell(const struct plan_job *job, const struct driver_real *real, const struct plan_result *end)
{
	const struct tree_branch *service = real->row.parent;

	/* One that waits on is told where it waits for another reason than before. */
	if (end->state == JOB_QUEUED && strcmp(end->message, job->message) == 0)
		return;
	log_limited(&jobs_limit, end->state == JOB_FAILED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
	    "%u %s %s/%s/%s %u: %s%s%s", job->id, job_operation_name(job->operation),
	    service->row.parent->row.name, service->row.name, real->row.name, job->value,
	    job_state_name(end->state), end->message[0] != '\0' ? ": " : "", end->message);
}

/* When a job that goes back to the queue is to be polled at again in any case. */
static void
job_waits(struct worker *worker, const struct plan_job *job, const struct plan_result *end)
{
	int64_t over = job->created + worker->shared->config->job_patience_s;

	if (end->state == JOB_QUEUED && over < worker->patience_over_s)
		worker->patience_over_s = over;
}

/* A failed job leaves its real service as it was; the store does the same with the setting. */
static void
job_take_back(const struct plan_job *job, struct driver_real *real)
{
	if (driver_real_value(real, job->operation) == job->value)
		driver_real_value_set(real, job->operation, job->old_value);
}

/* What the jobs in hand came to. */
struct outcome {
	struct plan_result		*ends;
	struct driver_real	**reals;	/* NULL: removed, with its open jobs */
	struct store_job_end	*rows;
	size_t			 n_rows;
};

static void
jobs_judge(struct worker *worker, const struct plane_poll *poll, const struct plane_error *error,
    const struct outcome *outcome)
{
	const struct plan_rules rules = rules_of(worker);

	for (size_t i = 0; i < worker->n_jobs; i++) {
		const struct plan_job *job = &worker->jobs[i];
		struct driver_real *real = driver_real_find(worker->shared->tree, job->real_id);

		outcome->reals[i] = real;
		if (real == NULL)
			continue;
		if (error != NULL)
			plan_job_defer(job, error, &rules, clock_wall_s(),
			    &outcome->ends[i]);
		else
			plan_job_judge(job, real, poll, &worker->commands, &rules, clock_wall_s(),
			    &outcome->ends[i]);
	}
	plan_handovers_judge(worker->jobs, outcome->reals, worker->n_jobs, outcome->ends);
}

/* Reports the ends of the jobs that make a fallback, or of all others, and makes them rows for
 * the store. The store gives "fallback" back to a row only where no other row has it. */
static void
jobs_report(struct worker *worker, bool fallbacks, struct outcome *outcome)
{
	for (size_t i = 0; i < worker->n_jobs; i++) {
		const struct plan_job *job = &worker->jobs[i];
		const struct plan_result *end = &outcome->ends[i];

		if (outcome->reals[i] == NULL ||
		    (job->operation == JOB_ENABLE_FALLBACK) != fallbacks)
			continue;
		job_tell(job, outcome->reals[i], end);
		job_waits(worker, job, end);
		if (end->state == JOB_FAILED)
			job_take_back(job, outcome->reals[i]);
		outcome->rows[outcome->n_rows++] = (struct store_job_end){ .id = job->id,
		    .state = end->state, .cause = end->cause, .message = end->message };
	}
}

/* Judges the jobs in hand by 'poll', or puts them off, and records it. */
static void
jobs_end(struct worker *worker, const struct plane_poll *poll, const struct plane_error *error)
{
	struct outcome outcome = {
		.ends = calloc(worker->n_jobs + 1, sizeof(*outcome.ends)),
		.reals = calloc(worker->n_jobs + 1, sizeof(struct driver_real *)),
		.rows = calloc(worker->n_jobs + 1, sizeof(*outcome.rows)),
	};
	struct err err;

	if (worker->n_jobs > 0 && (outcome.ends == NULL || outcome.reals == NULL ||
	    outcome.rows == NULL || !store_may_be_used(worker))) {
		worker->requeue = true;
	} else if (worker->n_jobs > 0) {
		jobs_judge(worker, poll, error, &outcome);
		jobs_report(worker, true, &outcome);
		jobs_report(worker, false, &outcome);
		if (store_jobs_end(worker->shared->store, outcome.rows, outcome.n_rows, &err) !=
		    ERR_OK) {
			worker->requeue = true;
			store_failed(worker, &err);
		}
	}
	worker->n_jobs = 0;
	free(outcome.ends);
	free(outcome.reals);
	free(outcome.rows);
}

/* -- record ---------------------------------------------------------------------------- */

static void
status_put(struct worker *worker, enum plane_status status, const char *message)
{
	const char *name = worker->cluster->row.name;
	struct err err;

	if (status != worker->told) {
		if (status != PLANE_STATUS_OK)
			log_limited(&planes_limit, LOG_LEVEL_WARN, "%s: %s", name, message);
		else
			log_limited(&planes_limit, LOG_LEVEL_INFO,
			    "%s: %s answers, %u real services", name, worker->shared->ops->title,
			    driver_cluster_reals(worker->cluster));
	}
	worker->told = status;
	if (store_may_be_used(worker) && store_plane_set(worker->shared->store,
	    worker->cluster->row.id, status, message, &err) != ERR_OK)
		store_failed(worker, &err);
}

/* What is recorded of each real service. */
struct record {
	struct store_reason	*reasons;
	char			(*texts)[MODEL_MESSAGE_MAX + 1];
	struct statistics	*rows;
	size_t			 n_reasons, n_rows;
};

static void
real_record(struct worker *worker, const struct plane_poll *poll, struct driver_real *real,
    struct measure_time now, struct record *record)
{
	const struct plane_server *server =
	    plane_poll_find(poll, real->row.parent->row.name, real->row.name);
	const struct plan_rules rules = rules_of(worker);
	char *text = record->texts[record->n_reasons];

	real->role = plan_role(server, poll);
	if (strcmp(plan_reason(real, server, &rules, text),
	    tree_text(&real->row, TREE_REASON)) != 0)
		record->reasons[record->n_reasons++] =
		    (struct store_reason){ .real_id = real->row.id, .text = text };
	if (worker->measuring) {
		struct statistics *row = &record->rows[record->n_rows++];

		measure_take(&real->measure, poll, server, now, real->row.id,
		    plan_active(real, server), row);
		row->role = real->role;
	}
}

static void
record_write(struct worker *worker, const struct record *record)
{
	struct store *store = worker->shared->store;
	struct err err;

	if (!store_may_be_used(worker))
		return;
	if (record->n_reasons > 0 &&
	    store_reasons_put(store, record->reasons, record->n_reasons, &err) != ERR_OK)
		store_failed(worker, &err);
	if (record->n_rows > 0 &&
	    store_statistics_put(store, record->rows, record->n_rows, &err) != ERR_OK)
		store_failed(worker, &err);
}

static void
poll_record(struct worker *worker, const struct plane_poll *poll)
{
	const struct measure_time now = { clock_steady_ms(), clock_wall_s() };
	size_t room = driver_cluster_reals(worker->cluster) + 1;
	struct record record = {
		.reasons = calloc(room, sizeof(*record.reasons)),
		.texts = calloc(room, sizeof(*record.texts)),
		.rows = calloc(room, sizeof(*record.rows)),
	};
	struct driver_service *service;
	struct driver_real *real;

	if (record.reasons != NULL && record.texts != NULL && record.rows != NULL) {
		TREE_FOREACH(service, s, &worker->cluster->branch.children) {
			TREE_FOREACH(real, r, &service->branch.children)
				real_record(worker, poll, real, now, &record);
		}
		record_write(worker, &record);
	}
	free(record.reasons);
	free(record.texts);
	free(record.rows);
}

/* -- what the commands did ------------------------------------------------------------------ */

static bool
is_of_job(const struct worker *worker, const struct plane_command *command)
{
	for (size_t i = 0; i < worker->n_jobs; i++) {
		if (worker->jobs[i].real_id == command->real_id &&
		    (job_operation_column(worker->jobs[i].operation) == REAL_WEIGHT) ==
		    (command->kind == PLANE_COMMAND_WEIGHT))
			return true;
	}
	return false;
}

static void
routine_tell(const struct worker *worker, const struct plane_command *command,
    const struct driver_real *real)
{
	char earlier[MODEL_MESSAGE_MAX + 1] = "";
	const char *what =
	    command->kind == PLANE_COMMAND_END_SESSIONS ? "its connections are ended" :
	    command->kind == PLANE_COMMAND_HEALTH_DOWN ? "gets work when its checks pass" :
	    command->value == PLANE_OUT ? (worker->cluster->earlier_pid != 0 ?
	    "drain time is over" : "drained") :
	    command->value == PLANE_READY ? "fallback is brought in: no other is up" :
	    "fallback is held in reserve";

	if (command->kind == PLANE_COMMAND_DRAIN_FIRST)
		return;		/* only a step of PLANE_COMMAND_HEALTH_DOWN */
	if (command->kind == PLANE_COMMAND_STATE && command->value == PLANE_OUT)
		plan_earlier(worker->cluster, worker->shared->ops->title, earlier);
	log_limited(&planes_limit, LOG_LEVEL_INFO, "%s/%s/%s: %s%s%s",
	    real->row.parent->row.parent->row.name, command->service, command->real, what,
	    earlier[0] != '\0' ? "; " : "", earlier);
}

/* Settings that the data plane had lost, and those it does not take. */
static void
repairs_tell(struct worker *worker, char refusal[MODEL_MESSAGE_MAX + 1])
{
	const char *name = worker->cluster->row.name;
	char now[CLOCK_TEXT_SIZE];
	size_t mended = 0;

	for (size_t i = 0; i < worker->commands.n; i++) {
		const struct plane_command *command = &worker->commands.commands[i];
		struct driver_real *real = driver_real_find(worker->shared->tree, command->real_id);

		if (real != NULL && command->cause == JOB_CAUSE_NONE)
			plan_command_taken(command, real, clock_steady_ms());
		if (real == NULL || is_of_job(worker, command))
			continue;
		if (command->cause != JOB_CAUSE_NONE && refusal[0] == '\0')
			snprintf(refusal, MODEL_MESSAGE_MAX + 1, "%s/%s: %.120s", command->service,
			    command->real, command->message);
		else if (command->cause == JOB_CAUSE_NONE && plan_command_is_routine(command, real))
			routine_tell(worker, command, real);
		else if (command->cause == JOB_CAUSE_NONE)
			mended++;
	}
	if (mended == 0)
		return;
	worker->cluster->repairs += mended;
	snprintf(worker->note, sizeof(worker->note),
	    "%zu settings brought to what the store says, %s"
	    " (%zu since the driver started)", mended, clock_text(clock_wall_s(), now),
	    worker->cluster->repairs);
	log_limited(&planes_limit, LOG_LEVEL_INFO, "%s: %s", name, worker->note);
}

/* -- a round --------------------------------------------------------------------------- */

static void
round_end(struct worker *worker, bool ok)
{
	int64_t now = clock_steady_ms(), wait = worker->measure_at_ms - now;
	int64_t most = worker->shared->config->interval_ms;

	log_debug("round", "%s: %lld ms, %zu commands%s", worker->cluster->row.name,
	    (long long)(now - worker->begun_ms), worker->commands.n,
	    worker->measuring ? ", measured" : "");
	plan_commands_done(&worker->commands);
	worker->busy = false;
	if (worker->store_told && !worker->store_ill) {
		log_limited(&store_limit, LOG_LEVEL_INFO, "%s: is written again",
		    worker->cluster->row.name);
		worker->store_told = false;
	}
	if (most < RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	if (ok) {
		worker->retry_ms = 0;
	} else {
		worker->retry_ms = worker->retry_ms == 0 ? RETRY_FIRST_MS : 2 * worker->retry_ms;
		if (worker->retry_ms > most)
			worker->retry_ms = most;
		wait = worker->retry_ms;
	}
	look_put(worker, wait);
	loop_timer_set(worker->shared->loop, &worker->timer, wait > 0 ? wait : 0, round_begin,
	    worker);
	worker->shared->round_done(worker->shared->arg,
	    ok && !worker->partial && !worker->store_ill);
}

/* Nothing was seen: jobs wait, what was measured grows old. */
static void
round_fail(struct worker *worker, const struct plane_error *error)
{
	worker->error = *error;
	if (worker->n_jobs == 0 && (worker->cluster->jobs_queued || worker->requeue ||
	    clock_wall_s() >= worker->patience_over_s))
		jobs_claim(worker);
	jobs_end(worker, NULL, error);
	status_put(worker, error->status, error->text);
	round_end(worker, false);
}

/* Adds 'text' to a message, where there is room. */
static void
remark_add(char message[MODEL_MESSAGE_MAX + 1], const char *text)
{
	size_t used = strlen(message);
	int length = snprintf(message + used, MODEL_MESSAGE_MAX + 1 - used, "%s%s",
	    used > 0 && text[0] != '\0' ? "; " : "", text);

	if (length < 0)
		message[used] = '\0';
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
		    "%s: inventory no longer differs from %s", name, worker->shared->ops->title);
	snprintf(worker->difference, sizeof(worker->difference), "%s", difference);
}

/* All servers were seen and took their settings: the rest are remarks, the most urgent first. */
static void
remarks_put(struct worker *worker, const struct plane_poll *poll)
{
	char message[MODEL_MESSAGE_MAX + 1], text[MODEL_MESSAGE_MAX + 1];
	const struct plan_rules rules = rules_of(worker);
	bool fight;

	fight = plan_fights(worker->cluster, clock_steady_ms(), message)[0] != '\0';
	plan_missing(worker->cluster, poll, &rules, text);
	remark_add(message, text);
	difference_write(worker->cluster, poll, rules.title, text);
	difference_log(worker, text);
	remark_add(message, text);
	if (!fight) {
		remark_add(message, plan_kept(worker->cluster, text));
		remark_add(message, worker->note);
	}
	status_put(worker, fight ? PLANE_STATUS_FAILING : PLANE_STATUS_OK, message);
}

static void
round_finish(struct worker *worker, const struct plane_poll *poll,
    const struct plane_error *error)
{
	char refusal[MODEL_MESSAGE_MAX + 1] = "";

	repairs_tell(worker, refusal);
	if (error == NULL)
		plan_see(worker->cluster, poll);
	jobs_end(worker, poll, error);
	poll_record(worker, poll);
	worker->partial = error != NULL || refusal[0] != '\0' || poll->problem[0] != '\0';
	if (error != NULL)
		status_put(worker, error->status, error->text);
	else if (poll->problem[0] != '\0')
		status_put(worker, PLANE_STATUS_FAILING, poll->problem);
	else if (refusal[0] != '\0')
		status_put(worker, PLANE_STATUS_FAILING, refusal);
	else
		remarks_put(worker, poll);
	round_end(worker, true);
}

static void
on_second_poll(void *arg, const struct plane_poll *poll, const struct plane_error *error)
{
	struct worker *worker = arg;

	if (poll == NULL)
		round_fail(worker, error);
	else
		round_finish(worker, poll, error);
}

static void
on_applied(void *arg)
{
	struct worker *worker = arg;

	worker->shared->ops->poll(worker->plane, on_second_poll, worker);
}

static void
on_first_poll(void *arg, const struct plane_poll *poll, const struct plane_error *error)
{
	const struct plane_error no_memory = { .status = PLANE_STATUS_FAILING,
	    .cause = JOB_CAUSE_OTHER, .text = "out of memory for commands" };
	struct plan_rules rules;
	struct worker *worker = arg;

	if (poll == NULL) {
		round_fail(worker, error);
		return;
	}
	jobs_claim(worker);
	worker->restarted = worker->restarts != 0 && worker->restarts != poll->restarts;
	rules = rules_of(worker);
	worker->restarts = poll->restarts;
	if (plan_make(worker->cluster, poll, &rules, clock_steady_ms(),
	    &worker->commands) != ERR_OK)
		round_fail(worker, &no_memory);
	else if (worker->commands.n == 0)
		round_finish(worker, poll, error);
	else
		worker->shared->ops->apply(worker->plane, worker->commands.commands,
		    worker->commands.n,	    on_applied, worker);
}

/* Parameters that can never be right are told like a data plane that fails. */
static bool
plane_ready(struct worker *worker, struct plane_error *ret_trouble)
{
	struct err err;

	if (worker->plane != NULL || worker->shared->ops->open(worker->shared->loop,
	    tree_text(&worker->cluster->row, TREE_PLANE_PARAMS),
	    (int)worker->shared->config->timeout_ms, &worker->plane,
	    &err) == ERR_OK)
		return true;
	*ret_trouble = (struct plane_error){ .status = PLANE_STATUS_FAILING,
	    .cause = JOB_CAUSE_OTHER };
	snprintf(ret_trouble->text, sizeof(ret_trouble->text), "%.250s", err.text);
	return false;
}

static void
round_begin(void *arg)
{
	struct worker *worker = arg;
	int64_t now = clock_steady_ms();
	struct plane_error error;

	worker->begun_ms = now;
	worker->busy = true;
	worker->partial = false;
	worker->store_ill = false;
	worker->measuring = now >= worker->measure_at_ms;
	if (worker->measuring)
		worker->measure_at_ms = now + worker->shared->config->interval_ms;
	look_put(worker, 0);
	if (plane_ready(worker, &error))
		worker->shared->ops->poll(worker->plane, on_first_poll, worker);
	else
		round_fail(worker, &error);
}

/* -- life ------------------------------------------------------------------------------ */

struct worker *
worker_new(struct worker_shared *shared, struct driver_cluster *cluster)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct driver_service *service;
	struct driver_real *real;

	if (worker == NULL)
		return NULL;
	TREE_FOREACH(service, s, &cluster->branch.children) {
		TREE_FOREACH(real, r, &service->branch.children)
			measure_detach(&real->measure);
	}
	worker->shared = shared;
	worker->cluster = cluster;
	worker->requeue = true;	/* what ran when a driver died */
	worker->told = PLANE_STATUS_NONE;
	worker->patience_over_s = INT64_MAX;
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
	plan_commands_done(&worker->commands);
	free(worker->jobs);
	free(worker);
}

void
worker_wake(struct worker *worker)
{
	if (worker->busy)
		return;		/* seen again when the round is over */
	if (worker->retry_ms == 0) {
		loop_timer_set(worker->shared->loop, &worker->timer, 0, round_begin, worker);
		return;
	}
	/* Not reached just now: the job says so at once, and is tried in its turn. */
	jobs_claim(worker);
	jobs_end(worker, NULL, &worker->error);
}
