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

/* True if the server has the state for the settings of its real service and of its service. */
static bool
state_holds(const struct driver_real *real)
{
	const struct plane_server *server = real->server;

	return driver_real_enabled(real) ? server->state == real->wanted :
	    server->state == PLANE_DRAIN || server->state == PLANE_OUT;
}

/* Adds what a person should know beside the success of a job for "enabled". */
static void
enabled_note(const struct driver_real *real, char note[MODEL_MESSAGE_MAX + 1])
{
	const struct plane_server *server = real->server;
	bool enabled = driver_real_enabled(real);

	if (!enabled && server->state == PLANE_DRAIN)
		plan_message_add(note, "drains until its connections end");
	if (!enabled && real->enabled)
		plan_message_add(note, PLAN_SERVICE_DISABLED);
	if (enabled && real->awaits_check && !server->up)
		plan_message_add(note, "gets work when its checks pass");
	if (enabled && real->health_message != NULL)
		plan_message_add(note, "%s", real->health_message);
}

/* The same for "fallback" of 'value'. */
static void
fallback_note(const struct driver_real *real, uint32_t value, const struct plan_rules *rules,
    char note[MODEL_MESSAGE_MAX + 1])
{
	bool enabled = driver_real_enabled(real);

	if (real->server->role == ROLE_BACKUP)
		plan_message_add(note, "backup by the data plane's own configuration");
	else if (value && real->enabled && !enabled)
		plan_message_add(note, PLAN_SERVICE_DISABLED);
	else if (value && enabled && real->wanted != PLANE_READY)
		plan_message_add(note, "held in reserve");
	else if (value && enabled)
		plan_message_add(note, "brought in: %s", plan_fallback_cause(real, rules));
}

/* True if the poll has what the job of a real service asks for. Adds a note to the message of its
 * success. */
static bool
job_holds(const struct plan_job *job, const struct plan_rules *rules,
    char note[MODEL_MESSAGE_MAX + 1])
{
	const struct driver_real *real = job->real;

	switch (job_operation_column(job->operation)) {
	case REAL_WEIGHT:
		if (real->held_back > 0)
			plan_message_add(note, "slow start: weight %u now", real->server->weight);
		return real->server->weight == driver_real_weight_now(real);
	case REAL_ENABLED:
		enabled_note(real, note);
		return state_holds(real);
	case REAL_FALLBACK:
		fallback_note(real, job->value, rules, note);
		return driver_real_enabled(real) || !real->enabled ?
		    real->server->state == real->wanted : state_holds(real);
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

/* Sets the result of a job that the command of this kind for row 'id' did not carry out. A refusal
 * is final. Without an answer another try may succeed. */
static void
job_fail(struct plan_job *job, uint32_t id, enum plane_command_kind kind,
    const struct plan *plan, const struct plan_rules *rules)
{
	const struct plane_command *command = NULL;
	enum job_fail_cause cause;

	for (size_t i = 0; i < plan->n && command == NULL; i++)
		if (plan->commands[i].id == id && plan->commands[i].kind == kind)
			command = &plan->commands[i];
	cause = command == NULL ? JOB_CAUSE_NONE : command->cause;

	if (cause == JOB_CAUSE_NONE)
		result_set(job, JOB_FAILED, JOB_CAUSE_OTHER,
		    "%s shows another value after the change", rules->title);
	else if (cause == JOB_CAUSE_NOT_FOUND || cause == JOB_CAUSE_REJECTED)
		result_set(job, JOB_FAILED, cause, "%s", command->message);
	else
		plan_job_defer(job, cause, command->message, rules);
}

/* The job of a service has succeeded when each of its real services has its state, and the data
 * plane has the service as it is wanted. A real service that the data plane lacks is not waited
 * for. */
static void
service_judge(struct plan_job *job, const struct plan *plan, const struct plan_rules *rules)
{
	const struct driver_service *service = job->service;
	size_t draining = 0, missing = 0;
	char note[MODEL_MESSAGE_MAX + 1] = "";
	const struct driver_real *real;

	TREE_FOREACH(real, i, &service->branch.children) {
		missing += real->server == NULL;
		if (real->server == NULL)
			continue;
		draining += !service->enabled && real->server->state == PLANE_DRAIN;
		if (state_holds(real))
			continue;
		job_fail(job, real->row.id, PLANE_COMMAND_STATE, plan, rules);
		return;
	}
	if (service->found != NULL && service->found->differs) {
		job_fail(job, service->row.id, PLANE_COMMAND_SERVICE, plan, rules);
		return;
	}
	if (missing > 0 && missing == service->branch.children.n) {
		result_set(job, JOB_FAILED, JOB_CAUSE_NOT_FOUND, "%s has no server of %s",
		    rules->title, service->row.name);
		return;
	}
	if (draining > 0)
		plan_message_add(note, "%zu of its servers drain until their connections end",
		    draining);
	if (missing > 0)
		plan_message_add(note, "%s lacks %zu of its servers", rules->title, missing);
	result_set(job, JOB_SUCCEEDED, JOB_CAUSE_NONE, "%s", note);
}

static void
real_judge(struct plan_job *job, const struct plan *plan, const struct plan_rules *rules)
{
	const struct driver_real *real = job->real;
	const struct plane_server *server = real->server;
	char note[MODEL_MESSAGE_MAX + 1] = "";

	if (server == NULL) {
		result_set(job, JOB_FAILED, JOB_CAUSE_NOT_FOUND, "%s has no server %s/%s",
		    rules->title, driver_service_of(real)->row.name, real->row.name);
	} else if (job_operation_column(job->operation) == REAL_FALLBACK &&
	    driver_cluster_of(real)->fallback_problem != NULL) {
		result_set(job, JOB_FAILED, JOB_CAUSE_REJECTED, "%s",
		    driver_cluster_of(real)->fallback_problem);
	} else if (job->operation == JOB_DISABLE_FALLBACK && server->role == ROLE_BACKUP) {
		result_set(job, JOB_FAILED, JOB_CAUSE_REJECTED, "%s's configuration makes it a"
		    " backup, which no command changes", rules->title);
	} else if (job_holds(job, rules, note)) {
		if (server->missing_at != NULL)
			plan_message_add(note, "%s at %.108s has no such server", rules->title,
			    server->missing_at);
		result_set(job, JOB_SUCCEEDED, JOB_CAUSE_NONE, "%s", note);
	} else {
		job_fail(job, job->real_id,
		    job_operation_column(job->operation) == REAL_WEIGHT ?
		    PLANE_COMMAND_WEIGHT : PLANE_COMMAND_STATE, plan, rules);
	}
}

uint32_t
plan_job_value(const struct plan_job *job)
{
	return job->real == NULL ? job->service->enabled :
	    driver_real_value(job->real, job_operation_column(job->operation));
}

static void
job_judge(struct plan_job *job, const struct plan *plan, const struct plan_rules *rules)
{
	if (plan_job_value(job) != job->value)
		result_set(job, JOB_SUPERSEDED, JOB_CAUSE_NONE, JOB_MESSAGE_SUPERSEDED);
	else if (job->real == NULL)
		service_judge(job, plan, rules);
	else
		real_judge(job, plan, rules);
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
	snprintf(text, sizeof(text), "%s was restarted or reloaded meanwhile", rules->title);
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
