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

/* True if another server of the same pool has an address. */
static bool
pool_works(const struct plane_server *server, const struct plane_poll *poll)
{
	size_t n;
	const struct plane_server *others = plane_poll_service(poll, server->service, &n);

	for (size_t i = 0; i < n; i++) {
		if (!others[i].no_address && strcmp(others[i].pool, server->pool) == 0)
			return true;
	}
	return false;
}

static enum real_role
role_of(const struct plane_server *server, const struct plane_poll *poll)
{
	if (server == NULL)
		return ROLE_MEMBER;
	if (server->no_address && server->pool[0] != '\0' && pool_works(server, poll))
		return ROLE_SPARE;
	return server->backup ? ROLE_BACKUP : ROLE_MEMBER;
}

void
plan_bind(struct driver_cluster *cluster, const struct plane_poll *poll)
{
	struct driver_service *service;
	struct driver_real *real;

	PLAN_FOREACH(service, real, cluster) {
		struct plane_server *server =
		    plane_poll_find(poll, service->row.name, real->row.name);

		real->server = server;
		real->role = role_of(server, poll);
		if (server != NULL)
			server->known = true;
	}
}

bool
plan_is_reserve(const struct driver_real *real)
{
	return real->enabled && real->fallback && real->server != NULL && !real->server->backup;
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
		if (!real->enabled || real->fallback || real->weight == 0 ||
		    real->server == NULL || !real->server->up || real->server->blocked ||
		    kept_idle(real))
			continue;
		if (!real->server->check_pending)
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

		if (real->enabled && server != NULL && (real->fallback || server->backup) &&
		    server->up && !server->blocked && server->state == PLANE_READY)
			return true;
	}
	return false;
}

static enum plane_state
wanted_disabled(struct driver_real *real, const struct plan_rules *rules)
{
	const struct plane_server *server = real->server;
	bool idle = server->number[STAT_ACTIVE_CONNECTIONS] == 0 &&
	    driver_cluster_of(real)->earlier_pid == 0;

	if (rules->drain_ms == 0 || server->state == PLANE_OUT)
		return PLANE_OUT;
	if (real->drain_since_ms == 0)
		real->drain_since_ms = rules->now_ms;
	if (server->state == PLANE_DRAIN &&
	    (idle || rules->now_ms - real->drain_since_ms >= rules->drain_ms))
		return PLANE_OUT;
	return PLANE_DRAIN;
}

static enum plane_state
wanted_state(struct driver_real *real, enum others others, const struct plan_rules *rules)
{
	if (!real->enabled)
		return wanted_disabled(real, rules);
	real->drain_since_ms = 0;
	if (!plan_is_reserve(real))
		return PLANE_READY;
	if (kept_out(real, rules))
		return real->wanted;
	if (others == OTHERS_IDLE ||
	    (others == OTHERS_PENDING && real->server->state != PLANE_DRAIN))
		return PLANE_READY;
	return PLANE_DRAIN;
}

/* -- commands ------------------------------------------------------------------------- */

static enum err_code
command_add(struct plan *plan, const struct driver_real *real, enum plane_command_kind kind,
    uint32_t value, bool of_job)
{
	struct plane_command *command = memory_array_reserve(plan->commands, plan->n, &plan->room,
	    sizeof(*command));

	if (command == NULL)
		return ERR_NOMEM;
	plan->commands = command;
	command += plan->n++;
	*command = (struct plane_command){ .real_id = real->row.id, .of_job = of_job,
	    .kind = kind, .value = value, .cause = JOB_CAUSE_NONE };
	snprintf(command->service, sizeof(command->service), "%s",
	    driver_service_of(real)->row.name);
	snprintf(command->real, sizeof(command->real), "%s", real->row.name);
	return ERR_OK;
}

/* True if the server can wait for its checks after "maint". HAProxy would send it work at once,
 * even if it is down. Meanwhile the fallback serves the clients. */
static bool
should_await_check(const struct driver_real *real, bool on_fallback)
{
	const struct plane_server *server = real->server;

	return on_fallback && server->state == PLANE_OUT && real->wanted == PLANE_READY &&
	    !real->fallback && !server->backup && real->weight > 0 && server->checked &&
	    !server->blocked;
}

/* True if the driver itself changes the state of the server without a job: a fallback between
 * drain and ready, or the end of a drain. */
static bool
moves_by_itself(const struct driver_real *real)
{
	return real->enabled ? plan_is_reserve(real) && real->server->state != PLANE_OUT :
	    real->server->state == PLANE_DRAIN;
}

/* True if the driver before this one took the server out: it left that reason. */
static bool
reason_is_ours(const struct driver_real *real)
{
	const char *reason = tree_text(&real->row, TREE_REASON);

	return strncmp(reason, PLAN_MAINT, strlen(PLAN_MAINT)) == 0 ||
	    strncmp(reason, PLAN_DRAIN, strlen(PLAN_DRAIN)) == 0;
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

static enum err_code
state_plan(struct driver_real *real, bool on_fallback, struct foreign_round round,
    struct plan *plan)
{
	const struct plane_server *server = real->server;
	struct foreign *foreign = &real->foreign[FOREIGN_STATE];
	bool awaits = false, of_job = foreign->job;
	enum err_code code = ERR_OK;

	if (round.resumed && reason_is_ours(real))
		real->ours = true;
	/* A process that lacks the server may be the one that was restarted. */
	if ((round.restarted && server->missing_at == NULL) || server->state == PLANE_READY)
		real->ours = false;
	round.resumed = round.resumed && !moves_by_itself(real);
	if (foreign_update(foreign, real->wanted, server->state, &round)) {
		awaits = should_await_check(real, on_fallback);
		/* HAProxy refuses "health down" in MAINT. In DRAIN the server gets no work
		 * before it (seen with 2.6.12: a request came between "ready" and "down"). */
		if (awaits)
			code = command_add(plan, real, PLANE_COMMAND_DRAIN_FIRST, 0, of_job);
		if (awaits && code == ERR_OK)
			code = command_add(plan, real, PLANE_COMMAND_HEALTH_DOWN, 0, of_job);
		if (code == ERR_OK)
			code = command_add(plan, real, PLANE_COMMAND_STATE, real->wanted, of_job);
	}
	/* The wait begins before the poll that follows the command that ends "maint". */
	real->awaits_check = awaits ||
	    (real->awaits_check && !server->up && server->state == PLANE_READY);
	/* The drain time is over: ends the remaining connections. */
	if (code == ERR_OK && real->wanted == PLANE_OUT && server->state == PLANE_DRAIN &&
	    real->drain_since_ms != 0 && server->number[STAT_ACTIVE_CONNECTIONS] > 0)
		code = command_add(plan, real, PLANE_COMMAND_END_SESSIONS, 0, of_job);
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
			code = state_plan(real, on_fallback, round_of(real, poll, rules), plan);
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
		bool of_job = foreign->job;

		if (code == ERR_OK && real->server != NULL &&
		    foreign_update(foreign, real->weight, real->server->weight, &round))
			code = command_add(plan, real, PLANE_COMMAND_WEIGHT, real->weight, of_job);
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

bool
plan_is_routine(const struct plane_command *command, const struct driver_real *real)
{
	if (command->kind != PLANE_COMMAND_STATE)
		return command->kind != PLANE_COMMAND_WEIGHT;
	return plan_is_reserve(real) || (real->drain_since_ms != 0 && command->value == PLANE_OUT);
}

void
plan_carried_out(const struct plane_command *command, struct driver_real *real, int64_t now_ms)
{
	if (command->kind == PLANE_COMMAND_WEIGHT)
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

	PLAN_FOREACH(service, real, cluster) {
		if (real->server == NULL)
			continue;
		foreign_confirm(&real->foreign[FOREIGN_WEIGHT], real->server->weight);
		foreign_confirm(&real->foreign[FOREIGN_STATE], real->server->state);
	}
}
