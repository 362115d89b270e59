/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Results of jobs; see plan.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "driver/plan.h"

static void __attribute__((format(printf, 4, 5)))
result_set(struct plan_job *job, enum job_state state, enum job_fail_cause cause,
    const char *fmt, ...)
{
	va_list ap;

	job->result.state = state;
	job->result.cause = cause;
	va_start(ap, fmt);
	vsnprintf(job->result.message, sizeof(job->result.message), fmt, ap);
	va_end(ap);
}

/* True if the poll has what the job asks for. Adds a note to the message of its success. */
static bool
job_holds(const struct plan_job *job, char note[MODEL_MESSAGE_MAX + 1])
{
	const struct driver_real *real = job->real;
	const struct plane_server *server = real->server;

	switch (job_operation_column(job->operation)) {
	case REAL_WEIGHT:
		return server->weight == job->value;
	case REAL_ENABLED:
		if (!real->enabled && server->state == PLANE_DRAIN)
			plan_message_add(note, "drains until its connections end");
		if (real->enabled && real->awaits_check && !server->up)
			plan_message_add(note, "gets work when its checks pass");
		if (real->enabled && real->health_message[0] != '\0')
			plan_message_add(note, "%s", real->health_message);
		return !real->enabled ? server->state == PLANE_DRAIN ||
		    server->state == PLANE_OUT : server->state == real->wanted;
	case REAL_FALLBACK:
		if (server->role == ROLE_BACKUP)
			plan_message_add(note, "backup by the data plane's own configuration");
		else if (job->value && real->enabled && real->wanted != PLANE_READY)
			plan_message_add(note, "held in reserve");
		else if (job->value && real->enabled)
			plan_message_add(note, "brought in: %s", plan_fallback_cause(real));
		return server->state == real->wanted;
	case SERVICE_ENABLED:
		break;
	}
	return false;
}

void
plan_job_defer(struct plan_job *job, enum job_fail_cause cause, const char *text,
    const struct plan_rules *rules)
{
	int64_t age_s = rules->now_ms / 1000 - job->created_s;

	if (age_s >= rules->job_timeout_s)
		result_set(job, JOB_FAILED, cause, JOB_MESSAGE_GIVEN_UP,
		    (long long)age_s, text);
	else
		result_set(job, JOB_QUEUED, JOB_CAUSE_NONE, JOB_MESSAGE_WAITS, text);
}

/* The command for the job; NULL if there is none. */
static const struct plane_command *
command_of(const struct plan_job *job, const struct plan *plan)
{
	enum plane_command_kind kind = job_operation_column(job->operation) == REAL_WEIGHT ?
	    PLANE_COMMAND_WEIGHT : PLANE_COMMAND_STATE;

	for (size_t i = 0; i < plan->n; i++) {
		if (plan->commands[i].id == job->real_id && plan->commands[i].kind == kind)
			return &plan->commands[i];
	}
	return NULL;
}

/* A refusal is final. Without an answer another try may succeed. */
static void
job_fail(struct plan_job *job, const struct plan *plan, const struct plan_rules *rules)
{
	const struct plane_command *command = command_of(job, plan);
	enum job_fail_cause cause = command == NULL ? JOB_CAUSE_NONE : command->cause;

	if (cause == JOB_CAUSE_NONE)
		result_set(job, JOB_FAILED, JOB_CAUSE_OTHER,
		    "%s shows another value after the change", rules->ops->title);
	else if (cause == JOB_CAUSE_NOT_FOUND || cause == JOB_CAUSE_REJECTED)
		result_set(job, JOB_FAILED, cause, "%s", command->message);
	else
		plan_job_defer(job, cause, command->message, rules);
}

static void
job_judge(struct plan_job *job, const struct plan *plan, const struct plan_rules *rules)
{
	const struct driver_real *real = job->real;
	const struct plane_server *server = real->server;
	char note[MODEL_MESSAGE_MAX + 1] = "";

	if (driver_real_value(real, job_operation_column(job->operation)) != job->value) {
		result_set(job, JOB_SUPERSEDED, JOB_CAUSE_NONE, JOB_MESSAGE_SUPERSEDED);
	} else if (server == NULL) {
		result_set(job, JOB_FAILED, JOB_CAUSE_NOT_FOUND, "%s has no server %s/%s",
		    rules->ops->title, driver_service_of(real)->row.name, real->row.name);
	} else if (job->operation == JOB_DISABLE_FALLBACK && server->role == ROLE_BACKUP) {
		result_set(job, JOB_FAILED, JOB_CAUSE_REJECTED, "%s's configuration makes it a"
		    " backup, which no command changes", rules->ops->title);
	} else if (job_holds(job, note)) {
		if (server->missing_at != NULL)
			plan_message_add(note, "%s at %.108s has no such server", rules->ops->title,
			    server->missing_at);
		result_set(job, JOB_SUCCEEDED, JOB_CAUSE_NONE, "%s", note);
	} else {
		job_fail(job, plan, rules);
	}
}

/* A failure is not final if a process was replaced or stops. A process that stops refuses commands
 * and loses their values. The process that takes its place has the values of its configuration. */
void
plan_job_judge(struct plan_job *job, const struct plan *plan, const struct plan_rules *rules)
{
	char text[MODEL_MESSAGE_MAX + 1];

	job_judge(job, plan, rules);
	if (job->result.state != JOB_FAILED || !rules->restarted)
		return;
	snprintf(text, sizeof(text), "%s was restarted or reloaded meanwhile", rules->ops->title);
	plan_job_defer(job, job->result.cause, text, rules);
}

void
plan_handovers_judge(struct plan_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct driver_real *real = jobs[i].real;
		const struct plan_result *result = &jobs[i].result;

		if (real == NULL || jobs[i].operation != JOB_DISABLE_FALLBACK ||
		    (result->state != JOB_FAILED && result->state != JOB_QUEUED))
			continue;
		for (size_t j = 0; j < n; j++) {
			struct plan_job *to = &jobs[j];

			if (to->real != NULL && to->operation == JOB_ENABLE_FALLBACK &&
			    to->result.state == JOB_SUCCEEDED &&
			    to->real->row.parent == real->row.parent)
				result_set(to, result->state, result->cause, "%s %s fallback:"
				    " %.180s", real->row.name, result->state == JOB_QUEUED ?
				    "is still the" : "stays the", result->message);
		}
	}
}
