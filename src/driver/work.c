/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rounds; see work.h.
 */
#include "driver/work.h"

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

struct work {
	struct work_shared		*shared;
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
	struct plan_orders		 orders;
	bool				 partial;	/* trouble of the first look */
	struct plane_trouble		 trouble;
	uint64_t			 restarts;	/* of the last look; 0: none yet */
	bool				 restarted;	/* since the round before */
	enum plane_status		 told;		/* in the log */
	bool				 store_ill;	/* in this round */
	bool				 store_told;	/* in the log */
	int64_t				 look_put_ms;	/* the latest look was recorded; 0: never */
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
rules_of(const struct work *work)
{
	return (struct plan_rules){
		.drain_ms = work->shared->config->drain_ms,
		.patience_s = work->shared->config->job_patience_s,
		.title = work->shared->ops->title,
		.now_ms = clock_steady_ms(),
		.first = work->restarts == 0,
		.round = { .keep = work->plane != NULL &&
		    work->shared->ops->keeps_foreign(work->plane),
		    .restarted = work->restarted },
	};
}

/* The store is busy or ill: what was to be written is done again by the next round. */
static void
store_failed(struct work *work, const struct err *err)
{
	if (!work->store_told)
		log_limited(&store_limit, LOG_LEVEL_WARN, "%s: %s; the next round tries again",
		    work->cluster->name, err->text);
	work->store_told = true;
	work->store_ill = true;
	if (err->code == ERR_BUSY)
		work->shared->rests_until_ms = clock_steady_ms() + work->shared->rest_ms;
}

/* False: it was locked just now, and the next round tries again. */
static bool
store_may_be_used(struct work *work)
{
	if (clock_steady_ms() >= work->shared->rests_until_ms)
		return true;
	work->store_ill = true;
	return false;
}

/* Records that this driver looks, and when it will again after 'wait_ms': the timeout is in
 * the interval because a look may take that long. Not more often than four times in it. */
static void
look_put(struct work *work, int64_t wait_ms)
{
	const struct driver_config *config = work->shared->config;
	int64_t now = clock_steady_ms(), interval = config->interval_ms;
	struct driver_poll look;
	struct err err;

	interval = interval < config->timeout_ms ? config->timeout_ms : interval;
	interval = interval < wait_ms ? wait_ms : interval;
	if ((work->look_put_ms != 0 && work->look_interval_ms == interval &&
	    now - work->look_put_ms < interval / 4) || !store_may_be_used(work))
		return;
	look = (struct driver_poll){ .cluster_id = work->cluster->id, .time = clock_wall_s(),
	    .interval_ms = (uint32_t)interval };
	if (store_look_put(work->shared->store, &look, &err) != ERR_OK) {
		store_failed(work, &err);
		return;
	}
	work->look_put_ms = now;
	work->look_interval_ms = look.interval_ms;
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
	struct work *work = arg;
	struct driver_real *real = driver_real_find(work->shared->tree, row->real_id);
	struct plan_job *job;

	if (real == NULL || work->n_jobs == JOBS_MAX)
		return ERR_OK;
	job = &work->jobs[work->n_jobs++];
	*job = (struct plan_job){ .id = row->id, .real_id = row->real_id,
	    .operation = row->operation, .value = row->new_value, .old_value = row->old_value,
	    .created = created_within(row->created) };
	snprintf(job->message, sizeof(job->message), "%s", row->message);
	driver_real_value_set(real, row->operation, row->new_value);
	real->foreign[job_operation_column(row->operation) == REAL_WEIGHT ? FOREIGN_WEIGHT :
	    FOREIGN_STATE].job = true;
	/* There may be more than one round takes. */
	if (work->n_jobs == JOBS_MAX)
		work->cluster->has_work = true;
	return ERR_OK;
}

static void
jobs_claim(struct work *work)
{
	struct store *store = work->shared->store;
	struct err err;

	work->n_jobs = 0;
	if (!store_may_be_used(work))
		return;
	work->cluster->has_work = false;
	work->patience_over_s = INT64_MAX;
	if (work->jobs == NULL)
		work->jobs = calloc(JOBS_MAX, sizeof(*work->jobs));
	if (work->jobs == NULL)
		return;
	if (work->requeue && store_jobs_requeue(store, work->cluster->id, &err) != ERR_OK) {
		store_failed(work, &err);
		return;
	}
	work->requeue = false;
	if (store_jobs_claim(store, work->cluster->id, JOBS_MAX, job_take, work, &err) !=
	    ERR_OK) {
		work->requeue = true;
		store_failed(work, &err);
	}
}

static void
job_tell(const struct plan_job *job, const struct driver_real *real, const struct plan_end *end)
{
	const struct driver_service *service = real->service;

	/* One that waits on is told where it waits for another reason than before. */
	if (end->state == JOB_QUEUED && strcmp(end->message, job->message) == 0)
		return;
	log_limited(&jobs_limit, end->state == JOB_FAILED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
	    "%u %s %s/%s/%s %u: %s%s%s", job->id, job_operation_name(job->operation),
	    service->cluster->name, service->name, real->name, job->value,
	    job_state_name(end->state), end->message[0] != '\0' ? ": " : "", end->message);
}

/* When a job that goes back to the queue is to be looked at again in any case. */
static void
job_waits(struct work *work, const struct plan_job *job, const struct plan_end *end)
{
	int64_t over = job->created + work->shared->config->job_patience_s;

	if (end->state == JOB_QUEUED && over < work->patience_over_s)
		work->patience_over_s = over;
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
	struct plan_end		*ends;
	struct driver_real	**reals;	/* NULL: removed, with its open jobs */
	struct store_job_end	*rows;
	size_t			 n_rows;
};

static void
jobs_judge(struct work *work, const struct plane_look *look, const struct plane_trouble *trouble,
    const struct outcome *outcome)
{
	const struct plan_rules rules = rules_of(work);

	for (size_t i = 0; i < work->n_jobs; i++) {
		const struct plan_job *job = &work->jobs[i];
		struct driver_real *real = driver_real_find(work->shared->tree, job->real_id);

		outcome->reals[i] = real;
		if (real == NULL)
			continue;
		if (trouble != NULL)
			plan_job_put_off(job, trouble, &rules, clock_wall_s(),
			    &outcome->ends[i]);
		else
			plan_job_judge(job, real, look, &work->orders, &rules, clock_wall_s(),
			    &outcome->ends[i]);
	}
	plan_handovers_judge(work->jobs, outcome->reals, work->n_jobs, outcome->ends);
}

/* Reports the ends of the jobs that make a fallback, or of all others, and makes them rows for
 * the store. The store gives "fallback" back to a row only where no other row has it. */
static void
jobs_report(struct work *work, bool fallbacks, struct outcome *outcome)
{
	for (size_t i = 0; i < work->n_jobs; i++) {
		const struct plan_job *job = &work->jobs[i];
		const struct plan_end *end = &outcome->ends[i];

		if (outcome->reals[i] == NULL ||
		    (job->operation == JOB_ENABLE_FALLBACK) != fallbacks)
			continue;
		job_tell(job, outcome->reals[i], end);
		job_waits(work, job, end);
		if (end->state == JOB_FAILED)
			job_take_back(job, outcome->reals[i]);
		outcome->rows[outcome->n_rows++] = (struct store_job_end){ .id = job->id,
		    .state = end->state, .cause = end->cause, .message = end->message };
	}
}

/* Judges the jobs in hand by 'look', or puts them off, and records it. */
static void
jobs_end(struct work *work, const struct plane_look *look, const struct plane_trouble *trouble)
{
	struct outcome outcome = {
		.ends = calloc(work->n_jobs + 1, sizeof(*outcome.ends)),
		.reals = calloc(work->n_jobs + 1, sizeof(struct driver_real *)),
		.rows = calloc(work->n_jobs + 1, sizeof(*outcome.rows)),
	};
	struct err err;

	if (work->n_jobs > 0 && (outcome.ends == NULL || outcome.reals == NULL ||
	    outcome.rows == NULL || !store_may_be_used(work))) {
		work->requeue = true;
	} else if (work->n_jobs > 0) {
		jobs_judge(work, look, trouble, &outcome);
		jobs_report(work, true, &outcome);
		jobs_report(work, false, &outcome);
		if (store_jobs_end(work->shared->store, outcome.rows, outcome.n_rows, &err) !=
		    ERR_OK) {
			work->requeue = true;
			store_failed(work, &err);
		}
	}
	work->n_jobs = 0;
	free(outcome.ends);
	free(outcome.reals);
	free(outcome.rows);
}

/* -- record ---------------------------------------------------------------------------- */

static void
status_put(struct work *work, enum plane_status status, const char *message)
{
	const char *name = work->cluster->name;
	struct err err;

	if (status != work->told) {
		if (status != PLANE_STATUS_OK)
			log_limited(&planes_limit, LOG_LEVEL_WARN, "%s: %s", name, message);
		else
			log_limited(&planes_limit, LOG_LEVEL_INFO,
			    "%s: %s answers, %u real services", name, work->shared->ops->title,
			    work->cluster->reals);
	}
	work->told = status;
	if (store_may_be_used(work) && store_plane_set(work->shared->store, work->cluster->id,
	    status, message, &err) != ERR_OK)
		store_failed(work, &err);
}

/* What is recorded of each real service. */
struct record {
	struct store_reason	*reasons;
	char			(*texts)[MODEL_MESSAGE_MAX + 1];
	struct statistics	*rows;
	size_t			 n_reasons, n_rows;
};

static void
real_record(struct work *work, const struct plane_look *look, struct driver_real *real,
    struct measure_time now, struct record *record)
{
	const struct plane_server *server =
	    plane_look_find(look, real->service->name, real->name);
	const struct plan_rules rules = rules_of(work);
	char *text = record->texts[record->n_reasons];

	real->role = plan_role(server, look);
	if (strcmp(plan_reason(real, server, &rules, text), real->reason) != 0)
		record->reasons[record->n_reasons++] =
		    (struct store_reason){ .real_id = real->id, .text = text };
	if (work->measuring) {
		struct statistics *row = &record->rows[record->n_rows++];

		measure_take(&real->measure, look, server, now, real->id,
		    plan_active(real, server), row);
		row->role = real->role;
	}
}

static void
record_write(struct work *work, const struct record *record)
{
	struct store *store = work->shared->store;
	struct err err;

	if (!store_may_be_used(work))
		return;
	if (record->n_reasons > 0 &&
	    store_reasons_put(store, record->reasons, record->n_reasons, &err) != ERR_OK)
		store_failed(work, &err);
	if (record->n_rows > 0 &&
	    store_statistics_put(store, record->rows, record->n_rows, &err) != ERR_OK)
		store_failed(work, &err);
}

static void
look_record(struct work *work, const struct plane_look *look)
{
	const struct measure_time now = { clock_steady_ms(), clock_wall_s() };
	size_t room = work->cluster->reals + 1;
	struct record record = {
		.reasons = calloc(room, sizeof(*record.reasons)),
		.texts = calloc(room, sizeof(*record.texts)),
		.rows = calloc(room, sizeof(*record.rows)),
	};
	struct driver_service *service;
	struct driver_real *real;

	if (record.reasons != NULL && record.texts != NULL && record.rows != NULL) {
		LIST_FOREACH(service, &work->cluster->services, entry) {
			LIST_FOREACH(real, &service->reals, entry)
				real_record(work, look, real, now, &record);
		}
		record_write(work, &record);
	}
	free(record.reasons);
	free(record.texts);
	free(record.rows);
}

/* -- what the orders did ------------------------------------------------------------------ */

static bool
is_of_job(const struct work *work, const struct plane_order *order)
{
	for (size_t i = 0; i < work->n_jobs; i++) {
		if (work->jobs[i].real_id == order->real_id &&
		    (job_operation_column(work->jobs[i].operation) == REAL_WEIGHT) ==
		    (order->kind == PLANE_ORDER_WEIGHT))
			return true;
	}
	return false;
}

static void
routine_tell(const struct work *work, const struct plane_order *order,
    const struct driver_real *real)
{
	char earlier[MODEL_MESSAGE_MAX + 1] = "";
	const char *what = order->kind == PLANE_ORDER_CUT ? "its connections are ended" :
	    order->kind == PLANE_ORDER_DOWN ? "gets work when its checks pass" :
	    order->value == PLANE_OUT ? (work->cluster->earlier_pid != 0 ?
	    "drain time is over" : "drained") :
	    order->value == PLANE_READY ? "fallback is brought in: no other is up" :
	    "fallback is held in reserve";

	if (order->kind == PLANE_ORDER_PARK)
		return;		/* only a step of PLANE_ORDER_DOWN */
	if (order->kind == PLANE_ORDER_STATE && order->value == PLANE_OUT)
		plan_earlier(work->cluster, work->shared->ops->title, earlier);
	log_limited(&planes_limit, LOG_LEVEL_INFO, "%s/%s/%s: %s%s%s",
	    real->service->cluster->name, order->service, order->real, what,
	    earlier[0] != '\0' ? "; " : "", earlier);
}

/* Settings that the data plane had lost, and those it does not take. */
static void
repairs_tell(struct work *work, char refusal[MODEL_MESSAGE_MAX + 1])
{
	const char *name = work->cluster->name;
	char now[CLOCK_TEXT_SIZE];
	size_t mended = 0;

	for (size_t i = 0; i < work->orders.n; i++) {
		const struct plane_order *order = &work->orders.orders[i];
		struct driver_real *real = driver_real_find(work->shared->tree, order->real_id);

		if (real != NULL && order->cause == JOB_CAUSE_NONE)
			plan_order_taken(order, real, clock_steady_ms());
		if (real == NULL || is_of_job(work, order))
			continue;
		if (order->cause != JOB_CAUSE_NONE && refusal[0] == '\0')
			snprintf(refusal, MODEL_MESSAGE_MAX + 1, "%s/%s: %.120s", order->service,
			    order->real, order->message);
		else if (order->cause == JOB_CAUSE_NONE && plan_order_is_routine(order, real))
			routine_tell(work, order, real);
		else if (order->cause == JOB_CAUSE_NONE)
			mended++;
	}
	if (mended == 0)
		return;
	work->cluster->repairs += mended;
	snprintf(work->note, sizeof(work->note), "%zu settings brought to what the store says, %s"
	    " (%zu since the driver started)", mended, clock_text(clock_wall_s(), now),
	    work->cluster->repairs);
	log_limited(&planes_limit, LOG_LEVEL_INFO, "%s: %s", name, work->note);
}

/* -- a round --------------------------------------------------------------------------- */

static void
round_end(struct work *work, bool ok)
{
	int64_t now = clock_steady_ms(), wait = work->measure_at_ms - now;
	int64_t most = work->shared->config->interval_ms;

	log_debug("round", "%s: %lld ms, %zu orders%s", work->cluster->name,
	    (long long)(now - work->begun_ms), work->orders.n,
	    work->measuring ? ", measured" : "");
	plan_orders_done(&work->orders);
	work->busy = false;
	if (work->store_told && !work->store_ill) {
		log_limited(&store_limit, LOG_LEVEL_INFO, "%s: is written again",
		    work->cluster->name);
		work->store_told = false;
	}
	if (most < RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	if (ok) {
		work->retry_ms = 0;
	} else {
		work->retry_ms = work->retry_ms == 0 ? RETRY_FIRST_MS : 2 * work->retry_ms;
		if (work->retry_ms > most)
			work->retry_ms = most;
		wait = work->retry_ms;
	}
	look_put(work, wait);
	loop_timer_set(work->shared->loop, &work->timer, wait > 0 ? wait : 0, round_begin, work);
	work->shared->round_done(work->shared->arg, ok && !work->partial && !work->store_ill);
}

/* Nothing was seen: jobs wait, what was measured grows old. */
static void
round_fail(struct work *work, const struct plane_trouble *trouble)
{
	work->trouble = *trouble;
	if (work->n_jobs == 0 && (work->cluster->has_work || work->requeue ||
	    clock_wall_s() >= work->patience_over_s))
		jobs_claim(work);
	jobs_end(work, NULL, trouble);
	status_put(work, trouble->status, trouble->text);
	round_end(work, false);
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
difference_log(struct work *work, const char *difference)
{
	const char *name = work->cluster->name;

	if (strcmp(difference, work->difference) == 0)
		return;
	if (difference[0] != '\0')
		log_limited(&planes_limit, LOG_LEVEL_WARN, "%s: %s", name, difference);
	else
		log_limited(&planes_limit, LOG_LEVEL_INFO,
		    "%s: inventory no longer differs from %s", name, work->shared->ops->title);
	snprintf(work->difference, sizeof(work->difference), "%s", difference);
}

/* All servers were seen and took their settings: the rest are remarks, the most urgent first. */
static void
remarks_put(struct work *work, const struct plane_look *look)
{
	char message[MODEL_MESSAGE_MAX + 1], text[MODEL_MESSAGE_MAX + 1];
	const struct plan_rules rules = rules_of(work);
	bool fight;

	fight = plan_fights(work->cluster, clock_steady_ms(), message)[0] != '\0';
	plan_missing(work->cluster, look, &rules, text);
	remark_add(message, text);
	difference_write(work->cluster, look, rules.title, text);
	difference_log(work, text);
	remark_add(message, text);
	if (!fight) {
		remark_add(message, plan_kept(work->cluster, text));
		remark_add(message, work->note);
	}
	status_put(work, fight ? PLANE_STATUS_FAILING : PLANE_STATUS_OK, message);
}

static void
round_finish(struct work *work, const struct plane_look *look,
    const struct plane_trouble *trouble)
{
	char refusal[MODEL_MESSAGE_MAX + 1] = "";

	repairs_tell(work, refusal);
	if (trouble == NULL)
		plan_see(work->cluster, look);
	jobs_end(work, look, trouble);
	look_record(work, look);
	work->partial = trouble != NULL || refusal[0] != '\0' || look->problem[0] != '\0';
	if (trouble != NULL)
		status_put(work, trouble->status, trouble->text);
	else if (look->problem[0] != '\0')
		status_put(work, PLANE_STATUS_FAILING, look->problem);
	else if (refusal[0] != '\0')
		status_put(work, PLANE_STATUS_FAILING, refusal);
	else
		remarks_put(work, look);
	round_end(work, true);
}

static void
on_second_look(void *arg, const struct plane_look *look, const struct plane_trouble *trouble)
{
	struct work *work = arg;

	if (look == NULL)
		round_fail(work, trouble);
	else
		round_finish(work, look, trouble);
}

static void
on_applied(void *arg)
{
	struct work *work = arg;

	work->shared->ops->look(work->plane, on_second_look, work);
}

static void
on_first_look(void *arg, const struct plane_look *look, const struct plane_trouble *trouble)
{
	const struct plane_trouble no_memory = { .status = PLANE_STATUS_FAILING,
	    .cause = JOB_CAUSE_OTHER, .text = "out of memory for orders" };
	struct plan_rules rules;
	struct work *work = arg;

	if (look == NULL) {
		round_fail(work, trouble);
		return;
	}
	jobs_claim(work);
	work->restarted = work->restarts != 0 && work->restarts != look->restarts;
	rules = rules_of(work);
	work->restarts = look->restarts;
	if (plan_make(work->cluster, look, &rules, clock_steady_ms(), &work->orders) != ERR_OK)
		round_fail(work, &no_memory);
	else if (work->orders.n == 0)
		round_finish(work, look, trouble);
	else
		work->shared->ops->apply(work->plane, work->orders.orders, work->orders.n,
		    on_applied, work);
}

/* Parameters that can never be right are told like a data plane that fails. */
static bool
plane_ready(struct work *work, struct plane_trouble *ret_trouble)
{
	struct err err;

	if (work->plane != NULL || work->shared->ops->open(work->shared->loop,
	    work->cluster->params, (int)work->shared->config->timeout_ms, &work->plane, &err) ==
	    ERR_OK)
		return true;
	*ret_trouble = (struct plane_trouble){ .status = PLANE_STATUS_FAILING,
	    .cause = JOB_CAUSE_OTHER };
	snprintf(ret_trouble->text, sizeof(ret_trouble->text), "%.250s", err.text);
	return false;
}

static void
round_begin(void *arg)
{
	struct work *work = arg;
	int64_t now = clock_steady_ms();
	struct plane_trouble trouble;

	work->begun_ms = now;
	work->busy = true;
	work->partial = false;
	work->store_ill = false;
	work->measuring = now >= work->measure_at_ms;
	if (work->measuring)
		work->measure_at_ms = now + work->shared->config->interval_ms;
	look_put(work, 0);
	if (plane_ready(work, &trouble))
		work->shared->ops->look(work->plane, on_first_look, work);
	else
		round_fail(work, &trouble);
}

/* -- life ------------------------------------------------------------------------------ */

struct work *
work_new(struct work_shared *shared, struct driver_cluster *cluster)
{
	struct work *work = calloc(1, sizeof(*work));
	struct driver_service *service;
	struct driver_real *real;

	if (work == NULL)
		return NULL;
	LIST_FOREACH(service, &cluster->services, entry) {
		LIST_FOREACH(real, &service->reals, entry)
			measure_detach(&real->measure);
	}
	work->shared = shared;
	work->cluster = cluster;
	work->requeue = true;	/* what ran when a driver died */
	work->told = PLANE_STATUS_NONE;
	work->patience_over_s = INT64_MAX;
	loop_timer_set(shared->loop, &work->timer, 0, round_begin, work);
	return work;
}

void
work_free(struct work *work)
{
	if (work == NULL)
		return;
	work->shared->ops->close(work->plane);
	loop_timer_cancel(work->shared->loop, &work->timer);
	plan_orders_done(&work->orders);
	free(work->jobs);
	free(work);
}

void
work_hurry(struct work *work)
{
	if (work->busy)
		return;		/* seen again when the round is over */
	if (work->retry_ms == 0) {
		loop_timer_set(work->shared->loop, &work->timer, 0, round_begin, work);
		return;
	}
	/* Not reached just now: the job says so at once, and is tried in its turn. */
	jobs_claim(work);
	jobs_end(work, NULL, &work->trouble);
}
