/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Commands for the differences between the store and a poll; see plan.h.
 */
#include "driver/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* -- servers of a poll ------------------------------------------------------------------ */

void
plan_bind(struct driver_cluster *cluster, const struct plane_poll *poll)
{
	struct driver_service *service;
	struct driver_real *real;

	TREE_FOREACH(service, s, &cluster->branch.children) {
		service->found = service->place == 0 || poll->services == NULL ? NULL :
		    &poll->services[service->place - 1];
		service->counted = service->place == 0 || poll->service_counts == NULL ||
		    !poll->service_counts[service->place - 1].exists ? NULL :
		    &poll->service_counts[service->place - 1];
		TREE_FOREACH(real, r, &service->branch.children)
			real->server = real->place == 0 ||
			    !poll->servers[real->place - 1].exists ? NULL :
			    &poll->servers[real->place - 1];
	}
}

bool
plan_is_reserve(const struct driver_real *real)
{
	return driver_real_enabled(real) && real->fallback && real->server != NULL &&
	    real->server->role != ROLE_BACKUP &&
	    driver_cluster_of(real)->fallback_problem == NULL;
}

bool
plan_is_up(const struct driver_real *real)
{
	return real->server->up && !real->server->blocked && real->health != HEALTH_DOWN;
}

/* -- the wanted state ------------------------------------------------------------------- */

/* A foreign change that is kept took the server out of work. */
static bool
kept_idle(const struct driver_real *real)
{
	return (real->foreign[FOREIGN_STATE].kept && real->server->state != PLANE_READY) ||
	    (real->foreign[FOREIGN_WEIGHT].kept && real->server->weight == 0);
}

/* A foreign change that is kept put the fallback into maintenance. It stays there, whether the
 * other servers work or not. */
static bool
kept_out(const struct driver_real *real, const struct plan_rules *rules)
{
	const struct foreign *foreign = &real->foreign[FOREIGN_STATE];

	return real->server->state == PLANE_OUT && foreign->kept && !foreign->job &&
	    rules->round.keep && !rules->round.restarted;
}

/* Whether the servers of a service, without its fallback, can take work. PENDING: only servers
 * that are up because no check of them has ended. */
enum others { OTHERS_IDLE, OTHERS_PENDING, OTHERS_WORK };

static enum others
others_of(const struct driver_service *service)
{
	enum others others = OTHERS_IDLE;
	const struct driver_real *real;

	TREE_FOREACH(real, i, &service->branch.children) {
		if (!driver_real_enabled(real) || real->fallback || real->weight == 0 ||
		    real->server == NULL || !plan_is_up(real) || kept_idle(real))
			continue;
		if (!real->server->check_pending && real->health != HEALTH_UNKNOWN)
			return OTHERS_WORK;
		others = OTHERS_PENDING;
	}
	return others;
}

/* True if a fallback or backup takes work. */
static bool
fallback_works(const struct driver_service *service)
{
	const struct driver_real *real;

	TREE_FOREACH(real, i, &service->branch.children) {
		const struct plane_server *server = real->server;

		if (driver_real_enabled(real) && server != NULL && plan_is_up(real) &&
		    (real->fallback || server->role == ROLE_BACKUP) &&
		    server->state == PLANE_READY)
			return true;
	}
	return false;
}

/* The state of a server that leaves: it drains until it is idle or the drain time is over. A UDP
 * client that keeps sending would stay as long as it sends, so UDP servers do not drain before they
 * are removed. */
static enum plane_state
wanted_leaving(struct driver_real *real, const struct plan_rules *rules)
{
	const struct driver_service *service = driver_service_of(real);
	const struct plane_server *server = real->server;
	bool idle = server->counts.number[STAT_ACTIVE_CONNECTIONS] == 0 &&
	    server->counts.number[STAT_INACTIVE_CONNECTIONS] == 0 &&
	    driver_cluster_of(real)->earlier_pid == 0;
	int64_t drain_ms = service->drain_ms != 0 ? service->drain_ms : rules->drain_ms;

	if (server->state == PLANE_OUT || (rules->ops->out_removes ?
	    service->protocol == PROTOCOL_UDP : drain_ms == 0))
		return PLANE_OUT;
	if (real->drain_since_ms == 0)
		real->drain_since_ms = rules->now_ms;
	if (server->state == PLANE_DRAIN && (idle ||
	    (drain_ms != 0 && rules->now_ms - real->drain_since_ms >= drain_ms)))
		return PLANE_OUT;
	return PLANE_DRAIN;
}

/* The state of a fallback that is up. */
static enum plane_state
wanted_reserve(struct driver_real *real, enum others others, const struct plan_rules *rules)
{
	enum plane_state state = real->server->state;

	if (kept_out(real, rules))
		return real->wanted;
	if (rules->ops->out_removes && others == OTHERS_WORK)
		return wanted_leaving(real, rules);
	real->drain_since_ms = 0;
	if (others == OTHERS_PENDING && rules->ops->out_removes)
		return state;
	if (others == OTHERS_IDLE || (others == OTHERS_PENDING && state != PLANE_DRAIN))
		return PLANE_READY;
	return PLANE_DRAIN;
}

static enum plane_state
wanted_state(struct driver_real *real, enum others others, const struct plan_rules *rules)
{
	if (!driver_real_enabled(real))
		return wanted_leaving(real, rules);
	if (real->health != HEALTH_DOWN && real->health != HEALTH_UNKNOWN && plan_is_reserve(real))
		return wanted_reserve(real, others, rules);
	real->drain_since_ms = 0;
	if (real->health == HEALTH_UNKNOWN)
		return real->server->state;
	if (real->health != HEALTH_DOWN)
		return PLANE_READY;
	return driver_service_of(real)->failed_drain ? PLANE_DRAIN : PLANE_OUT;
}

/* -- commands ------------------------------------------------------------------------- */

static enum err_code
command_add(struct plan *plan, struct plane_command command)
{
	struct plane_command *commands = memory_array_reserve(plan->commands, plan->n, &plan->room,
	    sizeof(*commands));

	if (commands == NULL)
		return ERR_NOMEM;
	command.cause = JOB_CAUSE_NONE;
	plan->commands = commands;
	commands[plan->n++] = command;
	return ERR_OK;
}

/* True if the server can wait for its checks after "maint". HAProxy would send it work at once,
 * even if it is down. Meanwhile the fallback serves the clients. */
static bool
should_await_check(const struct driver_real *real, bool on_fallback)
{
	const struct plane_server *server = real->server;

	return on_fallback && server->state == PLANE_OUT && real->wanted == PLANE_READY &&
	    !real->fallback && server->role != ROLE_BACKUP &&
	    real->weight > 0 && server->checked && !server->blocked;
}

/* True if the driver itself changes the state of the server without a job: a fallback between
 * drain and ready, or the end of a drain. */
static bool
moves_by_itself(const struct driver_real *real)
{
	return driver_real_enabled(real) ?
	    plan_is_reserve(real) && real->server->state != PLANE_OUT :
	    real->server->state == PLANE_DRAIN;
}

/* True if the driver before this one took the server out: it left that reason. */
static bool
reason_is_ours(const struct driver_real *real, const struct plane_kind_ops *ops)
{
	const char *reason = tree_text(&real->row, TREE_REASON);

	for (int state = PLANE_DRAIN; state <= PLANE_OUT; state++) {
		const char *begin = ops->states[state].by_lbcluster;

		if (strncmp(reason, begin, strlen(begin)) == 0)
			return true;
	}
	return false;
}

/* What the round knows about this real service. */
static struct foreign_round
round_of(const struct driver_real *real, const struct plane_poll *poll,
    const struct plan_rules *rules)
{
	struct foreign_round round = rules->round;

	if (rules->first) {
		round.resumed = measure_continues(&real->measure, poll);
		round.restarted = !round.resumed;
	}
	return round;
}

/* True if the command for the state belongs to normal operation: a fallback, the end of a drain, a
 * server that is made or taken out for the first time. */
static bool
state_is_routine(const struct driver_real *real, const struct plane_kind_ops *ops)
{
	return plan_is_reserve(real) ||
	    (real->drain_since_ms != 0 && real->wanted == PLANE_OUT) ||
	    (ops->out_removes && !real->foreign[FOREIGN_STATE].repairing);
}

/* True if the rows of the service changed. Then no other program caused a difference of a real
 * service: a service with a new address has no server yet. */
static bool
rows_changed(const struct driver_real *real)
{
	const struct plane_service *found = driver_service_of(real)->found;

	return found != NULL && found->routine;
}

static void
ours_update(struct driver_real *real, const struct foreign_round *round,
    const struct plane_kind_ops *ops)
{
	const struct plane_server *server = real->server;

	if (ops->out_removes) {
		real->ours = server->state != PLANE_READY;
		return;
	}
	if (round->resumed && reason_is_ours(real, ops))
		real->ours = true;
	/* A process that lacks the server may be the one that was restarted. */
	if ((round->restarted && server->missing_at == NULL) || server->state == PLANE_READY)
		real->ours = false;
}

static enum err_code
state_plan(struct driver_real *real, bool on_fallback, struct foreign_round round,
    const struct plane_kind_ops *ops, struct plan *plan)
{
	const struct plane_server *server = real->server;
	struct foreign *foreign = &real->foreign[FOREIGN_STATE];
	struct plane_command command = { .id = real->row.id, .at = real->place - 1,
	    .of_job = foreign->job, .routine = true };
	enum err_code code = ERR_OK;
	bool awaits = false;

	ours_update(real, &round, ops);
	round.resumed = round.resumed && !moves_by_itself(real);
	if (foreign_update(foreign, real->wanted, server->state, &round)) {
		awaits = should_await_check(real, on_fallback);
		/* HAProxy refuses "health down" in MAINT. In DRAIN the server gets no work
		 * before it (seen with 2.6.12: a request came between "ready" and "down"). */
		command.kind = PLANE_COMMAND_DRAIN_FIRST;
		if (awaits)
			code = command_add(plan, command);
		command.kind = PLANE_COMMAND_HEALTH_DOWN;
		if (awaits && code == ERR_OK)
			code = command_add(plan, command);
		command.kind = PLANE_COMMAND_STATE;
		command.value = real->wanted;
		foreign->repairing &= !rows_changed(real);
		command.routine = state_is_routine(real, ops);
		if (code == ERR_OK)
			code = command_add(plan, command);
	}
	/* The wait begins before the poll that follows the command that ends "maint". */
	real->awaits_check = awaits ||
	    (real->awaits_check && !server->up && server->state == PLANE_READY);
	/* The drain time is over: ends the remaining connections. */
	command.kind = PLANE_COMMAND_END_SESSIONS;
	command.routine = true;
	if (code == ERR_OK && real->wanted == PLANE_OUT && server->state == PLANE_DRAIN &&
	    real->drain_since_ms != 0 && !ops->out_removes &&
	    server->counts.number[STAT_ACTIVE_CONNECTIONS] > 0)
		code = command_add(plan, command);
	return code;
}

/* Plans the states of the fallbacks in reserve, or of all other real services, on which those
 * depend. */
static enum err_code
states_plan(struct driver_service *service, bool reserves, const struct plane_poll *poll,
    const struct plan_rules *rules, struct plan *plan)
{
	enum others others = others_of(service);
	bool on_fallback = others == OTHERS_IDLE && fallback_works(service);
	enum err_code code = ERR_OK;
	struct driver_real *real;

	service->awaits_check = others == OTHERS_PENDING;
	TREE_FOREACH(real, i, &service->branch.children) {
		if (real->server == NULL || plan_is_reserve(real) != reserves)
			continue;
		real->wanted = wanted_state(real, others, rules);
		if (code == ERR_OK)
			code = state_plan(real, on_fallback, round_of(real, poll, rules),
			    rules->ops, plan);
	}
	return code;
}

/* All weights of a cluster come before all states. A server that changes from DRAIN to weight 0
 * gets no work in between, and servers that track it get none either. */
static enum err_code
weights_plan(struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, struct plan *plan)
{
	struct driver_service *service;
	enum err_code code = ERR_OK;
	struct driver_real *real;

	PLAN_FOREACH(service, real, cluster) {
		struct foreign_round round = round_of(real, poll, rules);
		struct foreign *foreign = &real->foreign[FOREIGN_WEIGHT];
		struct plane_command command = { .id = real->row.id, .at = real->place - 1,
		    .kind = PLANE_COMMAND_WEIGHT, .value = driver_real_weight_now(real),
		    .of_job = foreign->job };

		if (code != ERR_OK || real->server == NULL ||
		    !foreign_update(foreign, command.value, real->server->weight, &round))
			continue;
		foreign->repairing &= !rows_changed(real);
		command.routine = rules->ops->out_removes && !foreign->repairing;
		code = command_add(plan, command);
	}
	return code;
}

/* Plans the services that differ from their rows. */
static enum err_code
services_plan(struct driver_cluster *cluster, const struct plan_rules *rules, struct plan *plan)
{
	struct driver_service *service;
	enum err_code code = ERR_OK;

	TREE_FOREACH(service, i, &cluster->branch.children) {
		struct foreign *foreign = &service->foreign;
		struct plane_command command = { .id = service->row.id, .at = service->place - 1,
		    .kind = PLANE_COMMAND_SERVICE, .of_job = foreign->job };

		if (code != ERR_OK || service->found == NULL ||
		    !foreign_update(foreign, false, service->found->differs, &rules->round))
			continue;
		foreign->repairing &= !service->found->routine;
		command.routine = !foreign->repairing;
		code = command_add(plan, command);
	}
	return code;
}

enum err_code
plan_make(struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, struct plan *plan)
{
	struct driver_service *service;
	enum err_code code;

	cluster->earlier_pid = poll->earlier_pid;
	cluster->earlier_unseen = poll->earlier_unseen;
	cluster->fallback_problem = poll->fallback_problem;
	code = services_plan(cluster, rules, plan);
	if (code == ERR_OK)
		code = weights_plan(cluster, poll, rules, plan);
	TREE_FOREACH(service, i, &cluster->branch.children) {
		if (code == ERR_OK)
			code = states_plan(service, false, poll, rules, plan);
		if (code == ERR_OK)
			code = states_plan(service, true, poll, rules, plan);
	}
	return code;
}

void
plan_done(struct plan *plan)
{
	free(plan->commands);
	*plan = (struct plan){ 0 };
}

/* -- after the commands ------------------------------------------------------------------- */

void
plan_carried_out(const struct plane_command *command, struct driver_real *real,
    struct driver_service *service, int64_t now_ms)
{
	if (command->kind == PLANE_COMMAND_SERVICE)
		foreign_repaired(&service->foreign, now_ms);
	else if (command->kind == PLANE_COMMAND_WEIGHT)
		foreign_repaired(&real->foreign[FOREIGN_WEIGHT], now_ms);
	if (command->kind != PLANE_COMMAND_STATE)
		return;
	real->ours = command->value != PLANE_READY;
	foreign_repaired(&real->foreign[FOREIGN_STATE], now_ms);
}

void
plan_confirm(struct driver_cluster *cluster)
{
	struct driver_service *service;
	struct driver_real *real;

	TREE_FOREACH(service, s, &cluster->branch.children) {
		if (service->found != NULL)
			foreign_confirm(&service->foreign, service->found->differs);
		TREE_FOREACH(real, r, &service->branch.children) {
			if (real->server == NULL)
				continue;
			foreign_confirm(&real->foreign[FOREIGN_WEIGHT], real->server->weight);
			foreign_confirm(&real->foreign[FOREIGN_STATE], real->server->state);
		}
	}
}
