/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Wanted and actual side by side; see plan.h.
 */
#include "driver/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/address.h"
#include "util/memory.h"

#define MAINT_BY_US "MAINT by lbcluster"
#define DRAIN_BY_US "DRAIN by lbcluster"

static const struct plane_server *
server_of(const struct driver_real *real, const struct plane_poll *poll)
{
	return plane_poll_find(poll, real->row.parent->row.name, real->row.name);
}

/* A fallback that the driver itself brings in and takes out. */
static bool
is_reserve(const struct driver_real *real, const struct plane_server *server)
{
	return real->enabled && real->fallback && !server->backup;
}

/* -- what is wanted ------------------------------------------------------------------- */

/* Somebody else took it out of work in the data plane, and that is kept. */
static bool
kept_idle(const struct driver_real *real, const struct plane_server *server)
{
	return (real->foreign[FOREIGN_STATE].kept && server->state != PLANE_READY) ||
	    (real->foreign[FOREIGN_WEIGHT].kept && server->weight == 0);
}

/* Somebody else put a fallback into maintenance, and that is kept: whether the others work
 * does not matter then. */
static bool
kept_out(const struct driver_real *real, const struct plane_server *server,
    const struct plan_rules *rules)
{
	const struct foreign *foreign = &real->foreign[FOREIGN_STATE];

	return server->state == PLANE_OUT && foreign->kept && !foreign->job &&
	    rules->round.keep && !rules->round.restarted;
}

/* What the real services that are no fallback do. */
enum others { OTHERS_IDLE, OTHERS_PENDING, OTHERS_WORK };

/* WORK: one of them takes work, or will as soon as it may. UNPROVEN: one would, but no check
 * of it has ended yet. */
static enum others
others_of(const struct driver_service *service, const struct plane_poll *poll)
{
	enum others others = OTHERS_IDLE;
	const struct driver_real *real;

	TREE_FOREACH(real, r, &service->branch.children) {
		const struct plane_server *server;

		if (!real->enabled || real->fallback || real->weight == 0)
			continue;
		server = server_of(real, poll);
		if (server == NULL || !server->up || server->blocked || kept_idle(real, server))
			continue;
		if (!server->check_pending)
			return OTHERS_WORK;
		others = OTHERS_PENDING;
	}
	return others;
}

/* True if the fallback takes work, brought in by lbcluster or by others. */
static bool
fallback_works(const struct driver_service *service, const struct plane_poll *poll)
{
	const struct driver_real *real;

	TREE_FOREACH(real, r, &service->branch.children) {
		const struct plane_server *server = server_of(real, poll);

		if (real->enabled && server != NULL && (real->fallback || server->backup) &&
		    server->up && !server->blocked && server->state == PLANE_READY)
			return true;
	}
	return false;
}

static enum plane_state
wanted_disabled(struct driver_real *real, const struct plane_server *server,
    const struct plan_rules *rules, int64_t now_ms)
{
	bool idle = server->number[STAT_ACTIVE_CONNECTIONS] == 0 &&
	    driver_cluster_of(real)->earlier_pid == 0;

	if (rules->drain_ms == 0 || server->state == PLANE_OUT)
		return PLANE_OUT;
	if (real->drain_since_ms == 0)
		real->drain_since_ms = now_ms;
	if (server->state == PLANE_DRAIN &&
	    (idle || now_ms - real->drain_since_ms >= rules->drain_ms))
		return PLANE_OUT;
	return PLANE_DRAIN;
}

static enum plane_state
wanted_state(struct driver_real *real, const struct plane_server *server, enum others others,
    const struct plan_rules *rules, int64_t now_ms)
{
	if (!real->enabled)
		return wanted_disabled(real, server, rules, now_ms);
	real->drain_since_ms = 0;
	if (!is_reserve(real, server))
		return PLANE_READY;
	if (kept_out(real, server, rules))
		return real->wanted;
	if (others == OTHERS_IDLE)
		return PLANE_READY;
	if (others == OTHERS_PENDING && server->state != PLANE_DRAIN)
		return PLANE_READY;
	return PLANE_DRAIN;
}

/* -- commands ------------------------------------------------------------------------- */

static enum err_code
command_add(struct plan_commands *commands, const struct driver_real *real,
    enum plane_command_kind kind, uint32_t value)
{
	struct plane_command *command = memory_array_reserve(commands->commands, commands->n,
	    &commands->room,
	    sizeof(*command));

	if (command == NULL)
		return ERR_NOMEM;
	commands->commands = command;
	command += commands->n++;
	*command = (struct plane_command){ .real_id = real->row.id, .kind = kind, .value = value,
	    .cause = JOB_CAUSE_NONE };
	snprintf(command->service, sizeof(command->service), "%s", real->row.parent->row.name);
	snprintf(command->real, sizeof(command->real), "%s", real->row.name);
	return ERR_OK;
}

/* What a service is in while its real services are planned. */
struct round {
	enum others		 others;
	bool			 on_fallback;	/* the fallback works, no other does */
};

/* A server that leaves "maint" gets work at once, found dead or not. Where the fallback serves
 * the clients meanwhile, it can wait for its checks. */
static bool
should_await_check(const struct driver_real *real, const struct plane_server *server,
    const struct round *round)
{
	return round->on_fallback && server->state == PLANE_OUT && real->wanted == PLANE_READY &&
	    !real->fallback && !server->backup && real->weight > 0 && server->checked &&
	    !server->blocked;
}

/* The driver itself moves it between two states: a fallback between drain and ready, or a
 * drain that ends. */
static bool
moves_by_itself(const struct driver_real *real, const struct plane_server *server)
{
	return real->enabled ? is_reserve(real, server) && server->state != PLANE_OUT :
	    server->state == PLANE_DRAIN;
}

/* The driver before this one took the server out, and wrote that down. */
static bool
reason_is_ours(const struct driver_real *real)
{
	const char *reason = tree_text(&real->row, TREE_REASON);

	return strncmp(reason, MAINT_BY_US, strlen(MAINT_BY_US)) == 0 ||
	    strncmp(reason, DRAIN_BY_US, strlen(DRAIN_BY_US)) == 0;
}

/* What the round knows of this real service. */
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
weight_plan(struct driver_real *real, const struct plane_server *server,
    const struct foreign_round *round, struct plan_commands *commands)
{
	if (!foreign_judge(&real->foreign[FOREIGN_WEIGHT], real->weight, server->weight, round))
		return ERR_OK;
	return command_add(commands, real, PLANE_COMMAND_WEIGHT, real->weight);
}

static enum err_code
state_plan(struct driver_real *real, const struct plane_server *server,
    const struct round *round, struct foreign_round foreign, struct plan_commands *commands)
{
	enum err_code code = ERR_OK;
	bool awaits = false;

	if (foreign.resumed && reason_is_ours(real))
		real->ours = true;
	/* The one of a pair that lacks the server may be the one that was restarted. */
	if ((foreign.restarted && server->missing_at == NULL) || server->state == PLANE_READY)
		real->ours = false;
	foreign.resumed = foreign.resumed && !moves_by_itself(real, server);
	if (foreign_judge(&real->foreign[FOREIGN_STATE], real->wanted, server->state, &foreign)) {
		awaits = should_await_check(real, server, round);
		/* HAProxy takes "health down" outside MAINT only. In DRAIN it gets no work
		 * before that (seen with 2.6.12: a request came between "ready" and "down"). */
		if (awaits)
			code = command_add(commands, real, PLANE_COMMAND_DRAIN_FIRST, 0);
		if (awaits && code == ERR_OK)
			code = command_add(commands, real, PLANE_COMMAND_HEALTH_DOWN, 0);
		if (code == ERR_OK)
			code = command_add(commands, real, PLANE_COMMAND_STATE, real->wanted);
	}
	/* Also until the poll after the command that ends "maint". */
	real->awaits_check = awaits ||
	    (real->awaits_check && !server->up && server->state == PLANE_READY);
	/* What outlived its drain is cut. */
	if (code == ERR_OK && real->wanted == PLANE_OUT && server->state == PLANE_DRAIN &&
	    real->drain_since_ms != 0 && server->number[STAT_ACTIVE_CONNECTIONS] > 0)
		code = command_add(commands, real, PLANE_COMMAND_END_SESSIONS, 0);
	return code;
}

/* All weights of a cluster come before all states: a server that leaves DRAIN for weight 0
 * takes no work in between, nor do servers that track it. */
static enum err_code
weights_plan(struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, struct plan_commands *commands)
{
	struct driver_service *service;
	enum err_code code = ERR_OK;
	struct driver_real *real;

	TREE_FOREACH(service, s, &cluster->branch.children) {
		TREE_FOREACH(real, r, &service->branch.children) {
			const struct plane_server *server = server_of(real, poll);
			struct foreign_round round = round_of(real, poll, rules);

			if (server != NULL && code == ERR_OK)
				code = weight_plan(real, server, &round, commands);
		}
	}
	return code;
}

/* Those held in reserve are judged after all others, on which they depend. */
static enum err_code
states_plan(struct driver_service *service, bool reserves, const struct plane_poll *poll,
    const struct plan_rules *rules, int64_t now_ms, struct plan_commands *commands)
{
	struct round round = { .others = others_of(service, poll) };
	enum err_code code = ERR_OK;
	struct driver_real *real;

	service->awaits_check = round.others == OTHERS_PENDING;
	round.on_fallback = round.others == OTHERS_IDLE && fallback_works(service, poll);
	TREE_FOREACH(real, r, &service->branch.children) {
		const struct plane_server *server = server_of(real, poll);

		if (server == NULL || code != ERR_OK || is_reserve(real, server) != reserves)
			continue;
		real->reserve = reserves;
		real->wanted = wanted_state(real, server, round.others, rules, now_ms);
		code = state_plan(real, server, &round, round_of(real, poll, rules), commands);
	}
	return code;
}

enum err_code
plan_make(struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, int64_t now_ms, struct plan_commands *commands)
{
	struct driver_service *service;
	enum err_code code;

	cluster->earlier_pid = poll->earlier_pid;
	cluster->earlier_unseen = poll->earlier_unseen;
	code = weights_plan(cluster, poll, rules, commands);
	TREE_FOREACH(service, s, &cluster->branch.children) {
		if (code == ERR_OK)
			code = states_plan(service, false, poll, rules, now_ms, commands);
		if (code == ERR_OK)
			code = states_plan(service, true, poll, rules, now_ms, commands);
	}
	return code;
}

void
plan_commands_done(struct plan_commands *commands)
{
	free(commands->commands);
	*commands = (struct plan_commands){ 0 };
}

const struct plane_command *
plan_command_find(const struct plan_commands *commands, uint32_t real_id,
    enum plane_command_kind kind)
{
	for (size_t i = 0; i < commands->n; i++) {
		if (commands->commands[i].real_id == real_id && commands->commands[i].kind == kind)
			return &commands->commands[i];
	}
	return NULL;
}

bool
plan_command_is_routine(const struct plane_command *command, const struct driver_real *real)
{
	switch (command->kind) {
	case PLANE_COMMAND_END_SESSIONS:
	case PLANE_COMMAND_DRAIN_FIRST:
	case PLANE_COMMAND_HEALTH_DOWN:
		return true;
	case PLANE_COMMAND_WEIGHT:
		return false;
	case PLANE_COMMAND_STATE:
		break;
	}
	return real->reserve ||
	    (real->drain_since_ms != 0 && command->value == PLANE_OUT);
}

void
plan_command_taken(const struct plane_command *command, struct driver_real *real, int64_t now_ms)
{
	switch (command->kind) {
	case PLANE_COMMAND_STATE:
		real->ours = command->value != PLANE_READY;
		foreign_repaired(&real->foreign[FOREIGN_STATE], now_ms);
		break;
	case PLANE_COMMAND_WEIGHT:
		foreign_repaired(&real->foreign[FOREIGN_WEIGHT], now_ms);
		break;
	case PLANE_COMMAND_END_SESSIONS:
	case PLANE_COMMAND_DRAIN_FIRST:
	case PLANE_COMMAND_HEALTH_DOWN:
		break;
	}
}

void
plan_see(struct driver_cluster *cluster, const struct plane_poll *poll)
{
	struct driver_service *service;
	struct driver_real *real;

	TREE_FOREACH(service, s, &cluster->branch.children) {
		TREE_FOREACH(real, r, &service->branch.children) {
			const struct plane_server *server = server_of(real, poll);

			if (server == NULL)
				continue;
			foreign_see(&real->foreign[FOREIGN_WEIGHT], server->weight);
			foreign_see(&real->foreign[FOREIGN_STATE], server->state);
		}
	}
}

/* -- words ---------------------------------------------------------------------------- */

/* One setting of those that are asked for, and how many there are. */
struct found_setting {
	const struct driver_real	*real;
	enum foreign_setting		 setting;
	size_t				 n;
};

/* 'fight' false: those that are kept. */
static struct found_setting
settings_find(const struct driver_cluster *cluster, bool fight, int64_t now_ms)
{
	struct found_setting found = { 0 };
	const struct driver_service *service;
	const struct driver_real *real;

	TREE_FOREACH(service, s, &cluster->branch.children) {
		TREE_FOREACH(real, r, &service->branch.children) {
			for (size_t i = 0; i < FOREIGN_SETTINGS; i++) {
				const struct foreign *foreign = &real->foreign[i];

				if (fight ? !foreign_fights(foreign, now_ms) : !foreign->kept)
					continue;
				if (found.n++ > 0)
					continue;
				found.real = real;
				found.setting = (enum foreign_setting)i;
			}
		}
	}
	return found;
}

static const char *
settings_text(const struct found_setting *found, int64_t now_ms, char buf[MODEL_MESSAGE_MAX + 1])
{
	char text[MODEL_MESSAGE_MAX + 1], more[32] = "";

	buf[0] = '\0';
	if (found->n == 0)
		return buf;
	if (found->n > 1)
		snprintf(more, sizeof(more), " and %zu more", found->n - 1);
	foreign_text(&found->real->foreign[found->setting], found->setting, now_ms, text);
	/* Long names are cut, and so may be the end of the text. */
	if (snprintf(buf, MODEL_MESSAGE_MAX + 1, "%.40s/%.40s%s: %s",
	    found->real->row.parent->row.name, found->real->row.name, more, text) >
	    MODEL_MESSAGE_MAX)
		memcpy(buf + MODEL_MESSAGE_MAX - 3, "...", 4);
	return buf;
}

const char *
plan_fights(const struct driver_cluster *cluster, int64_t now_ms,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	const struct found_setting found = settings_find(cluster, true, now_ms);

	return settings_text(&found, now_ms, buf);
}

const char *
plan_kept(const struct driver_cluster *cluster, char buf[MODEL_MESSAGE_MAX + 1])
{
	const struct found_setting found = settings_find(cluster, false, 0);

	return settings_text(&found, 0, buf);
}

bool
plan_active(const struct driver_real *real, const struct plane_server *server)
{
	if (server == NULL || !server->up || server->blocked || server->state == PLANE_OUT)
		return false;
	/* Somebody else took its new work away, and that is kept. */
	if (real->foreign[FOREIGN_WEIGHT].kept && server->weight == 0)
		return false;
	return server->state != PLANE_DRAIN ||
	    (is_reserve(real, server) && !real->foreign[FOREIGN_STATE].kept);
}

/* Another server that the same name in the DNS fills has an address. */
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

enum real_role
plan_role(const struct plane_server *server, const struct plane_poll *poll)
{
	if (server == NULL)
		return ROLE_MEMBER;
	if (server->no_address && server->pool[0] != '\0' && pool_works(server, poll))
		return ROLE_SPARE;
	return server->backup ? ROLE_BACKUP : ROLE_MEMBER;
}

/* Adds a clause to a message. */
static void __attribute__((format(printf, 2, 3)))
message_add(char buf[MODEL_MESSAGE_MAX + 1], const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	if (used > 0)
		used += (size_t)snprintf(buf + used, MODEL_MESSAGE_MAX + 1 - used, "; ");
	if (used >= MODEL_MESSAGE_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(buf + used, MODEL_MESSAGE_MAX + 1 - used, fmt, ap);
	va_end(ap);
}

/* Why a fallback is in. */
static const char *
reserve_cause(const struct driver_real *real)
{
	return driver_service_of(real)->awaits_check ? "no check of another has ended yet" :
	    "no other is up";
}

const char *
plan_earlier(const struct driver_cluster *cluster, const char *title,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	buf[0] = '\0';
	if (cluster->earlier_pid != 0)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "%s process %llu, from before a reload, still"
		    " runs and may serve its connections", title,
		    (unsigned long long)cluster->earlier_pid);
	else if (cluster->earlier_unseen)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "its connections in a %s process from before"
		    " a reload cannot be seen", title);
	return buf;
}

/* "MAINT by lbcluster" is only of a server that lbcluster took out. */
static void
reason_disabled(const struct driver_real *real, const struct plane_server *server,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1])
{
	bool drained = real->drain_since_ms != 0 &&
	    server->number[STAT_ACTIVE_CONNECTIONS] == 0;
	char earlier[MODEL_MESSAGE_MAX + 1];

	plan_earlier(driver_cluster_of(real), rules->title, earlier);
	if (real->ours && server->state == PLANE_DRAIN && drained && earlier[0] != '\0')
		snprintf(buf, MODEL_MESSAGE_MAX + 1, DRAIN_BY_US ": %.200s", earlier);
	else if (real->ours && server->state == PLANE_DRAIN)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, DRAIN_BY_US ": its connections end");
	else if (real->ours && server->state == PLANE_OUT)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, MAINT_BY_US "%s%.200s",
		    drained && earlier[0] != '\0' ? ": " : "", drained ? earlier : "");
	else
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "%s", server->message);
}

static void
reason_state(const struct driver_real *real, const struct plane_server *server,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1])
{
	char state[MODEL_MESSAGE_MAX + 1], weight[MODEL_MESSAGE_MAX + 1];

	foreign_text(&real->foreign[FOREIGN_STATE], FOREIGN_STATE, rules->now_ms, state);
	foreign_text(&real->foreign[FOREIGN_WEIGHT], FOREIGN_WEIGHT, rules->now_ms, weight);
	if (server == NULL)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "%s has no such server", rules->title);
	else if (state[0] != '\0')
		memcpy(buf, state, sizeof(state));
	else if (!real->enabled)
		reason_disabled(real, server, rules, buf);
	else if (real->role == ROLE_SPARE)
		snprintf(buf, MODEL_MESSAGE_MAX + 1,
		    "spare place of a template: %.160s has no address for it", server->pool);
	else if (real->awaits_check && !server->up)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "DOWN by lbcluster until its checks pass%s%s",
		    server->message[0] != '\0' ? ": " : "", server->message);
	else if (server->message[0] != '\0')
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "%s", server->message);
	else if (weight[0] != '\0')
		memcpy(buf, weight, sizeof(weight));
	else if (server->backup)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "backup by %s's configuration",
		    rules->title);
	else if (is_reserve(real, server) && server->state == PLANE_DRAIN)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "held in reserve by lbcluster");
	else if (is_reserve(real, server))
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "brought in by lbcluster: %s",
		    reserve_cause(real));
	else if (server->state == PLANE_DRAIN)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "DRAIN by command or agent");
	else if (server->state == PLANE_MIXED)
		snprintf(buf, MODEL_MESSAGE_MAX + 1, "the processes of the pair have it in"
		    " different states");
}

/* A number is compared with a number and a name with a name: what a name stands for may
 * change at any time. Returns the address that the data plane has instead of the stored
 * one; NULL where they agree or cannot be compared. */
static const char *
address_instead(const struct driver_real *real, const struct plane_endpoint *endpoint)
{
	const char *text = tree_text(&real->row, TREE_ADDRESS);
	struct address stored = address_from_text(text), actual;

	if (stored.type == ADDRESS_UNKNOWN)
		return endpoint->name[0] == '\0' || text[0] == '\0' ||
		    strcasecmp(text, endpoint->name) == 0 ? NULL : endpoint->name;
	actual = address_from_text(endpoint->address);
	if (actual.type == ADDRESS_UNKNOWN || (actual.type == stored.type &&
	    memcmp(stored.octets, actual.octets, stored.length) == 0))
		return NULL;
	return endpoint->address;
}

/* Writes where the data plane has the server, if the store has it elsewhere. */
static bool
endpoint_differs(const struct driver_real *real, const struct plane_endpoint *endpoint,
    char *buf, size_t size)
{
	const char *port = tree_text(&real->row, TREE_PORT), *address;

	if (endpoint->address == NULL)
		return false;
	address = address_instead(real, endpoint);
	if (address == NULL && (port[0] == '\0' || endpoint->port[0] == '\0' ||
	    strcmp(port, endpoint->port) == 0))
		return false;
	address_endpoint(address != NULL ? address : tree_text(&real->row, TREE_ADDRESS),
	    endpoint->port, buf, size);
	return true;
}

const char *
plan_reason(const struct driver_real *real, const struct plane_server *server,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1])
{
	char text[MODEL_ADDRESS_MAX + MODEL_PORT_TEXT_MAX + 4];

	buf[0] = '\0';
	reason_state(real, server, rules, buf);
	if (server == NULL)
		return buf;
	if (endpoint_differs(real, &server->endpoint, text, sizeof(text)) ||
	    endpoint_differs(real, &server->other_endpoint, text, sizeof(text)))
		message_add(buf, "its address in %s is %.80s", rules->title, text);
	if (server->missing_at != NULL)
		message_add(buf, "%s at %.108s has no such server", rules->title,
		    server->missing_at);
	return buf;
}

void
plan_missing(const struct driver_cluster *cluster, const struct plane_poll *poll,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1])
{
	const struct plane_server *first = NULL;
	const struct driver_service *service;
	const struct driver_real *real;
	size_t n = 0;

	buf[0] = '\0';
	TREE_FOREACH(service, s, &cluster->branch.children) {
		TREE_FOREACH(real, r, &service->branch.children) {
			const struct plane_server *server = server_of(real, poll);

			if (server == NULL || server->missing_at == NULL)
				continue;
			n++;
			if (first == NULL || strcmp(server->real, first->real) < 0)
				first = server;
		}
	}
	if (n == 0)
		return;
	snprintf(buf, MODEL_MESSAGE_MAX + 1, "%.20s at %.70s has no server %.60s/%.60s",
	    rules->title, first->missing_at, first->service, first->real);
	if (n > 1)
		message_add(buf, "%zu more servers are missing in one of the pair", n - 1);
}

/* -- jobs ----------------------------------------------------------------------------- */

static void __attribute__((format(printf, 4, 5)))
end_set(struct plan_result *ret, enum job_state state, enum job_fail_cause cause,
    const char *fmt, ...)
{
	va_list ap;

	ret->state = state;
	ret->cause = cause;
	va_start(ap, fmt);
	vsnprintf(ret->message, sizeof(ret->message), fmt, ap);
	va_end(ap);
}

/* What was read back is what the job asked for; 'words' are added to its success. */
static bool
job_holds(const struct plan_job *job, const struct driver_real *real,
    const struct plane_server *server, const char **words)
{
	switch (job_operation_column(job->operation)) {
	case REAL_WEIGHT:
		return server->weight == job->value;
	case REAL_ENABLED:
		if (!real->enabled && server->state == PLANE_DRAIN)
			*words = "its connections end";
		if (real->enabled && real->awaits_check && !server->up)
			*words = "it gets work when its checks pass";
		return !real->enabled ? server->state == PLANE_DRAIN ||
		    server->state == PLANE_OUT : server->state == real->wanted;
	case REAL_FALLBACK:
		if (server->backup)
			*words = "backup by the data plane's own configuration";
		else if (job->value && real->enabled)
			*words = real->wanted == PLANE_DRAIN ? "held in reserve" :
			    driver_service_of(real)->awaits_check ?
			    "brought in: no check of another has ended yet" :
			    "brought in: no other is up";
		return server->state == real->wanted;
	}
	return false;
}

void
plan_job_defer(const struct plan_job *job, const struct plane_error *error,
    const struct plan_rules *rules, int64_t now_s, struct plan_result *ret)
{
	if (now_s - job->created >= rules->patience_s)
		end_set(ret, JOB_FAILED, error->cause, "given up after %lld s: %.200s",
		    (long long)(now_s - job->created), error->text);
	else
		end_set(ret, JOB_QUEUED, JOB_CAUSE_NONE, "waits: %.240s", error->text);
}

/* The data plane has not said no: another try may succeed. */
static bool
may_be_tried_again(const struct plane_command *command)
{
	switch (command->cause) {
	case JOB_CAUSE_UNREACHABLE:
	case JOB_CAUSE_TIMEOUT:
	case JOB_CAUSE_OTHER:
		return true;
	case JOB_CAUSE_NONE:
	case JOB_CAUSE_NOT_FOUND:
	case JOB_CAUSE_REJECTED:
		break;
	}
	return false;
}

static void
job_fail(const struct plan_job *job, const struct plan_commands *commands,
    const struct plan_rules *rules, int64_t now_s, struct plan_result *ret)
{
	enum plane_command_kind kind = job_operation_column(job->operation) == REAL_WEIGHT ?
	    PLANE_COMMAND_WEIGHT : PLANE_COMMAND_STATE;
	const struct plane_command *command = plan_command_find(commands, job->real_id, kind);
	struct plane_error error;

	if (command == NULL || command->cause == JOB_CAUSE_NONE) {
		end_set(ret, JOB_FAILED, JOB_CAUSE_OTHER,
		    "%s shows another value after the change", rules->title);
	} else if (may_be_tried_again(command)) {
		error = (struct plane_error){ .cause = command->cause };
		snprintf(error.text, sizeof(error.text), "%s", command->message);
		plan_job_defer(job, &error, rules, now_s, ret);
	} else {
		end_set(ret, JOB_FAILED, command->cause, "%s", command->message);
	}
}

void
plan_job_judge(const struct plan_job *job, const struct driver_real *real,
    const struct plane_poll *poll, const struct plan_commands *commands,
    const struct plan_rules *rules, int64_t now_s, struct plan_result *ret)
{
	const struct plane_server *server = server_of(real, poll);
	const char *words = "";

	if (driver_real_value(real, job->operation) != job->value)
		end_set(ret, JOB_SUPERSEDED, JOB_CAUSE_NONE, "a later job came first");
	else if (server == NULL)
		end_set(ret, JOB_FAILED, JOB_CAUSE_NOT_FOUND, "%s has no server %s/%s",
		    rules->title, real->row.parent->row.name, real->row.name);
	else if (job->operation == JOB_DISABLE_FALLBACK && server->backup)
		end_set(ret, JOB_FAILED, JOB_CAUSE_REJECTED,
		    "%s's configuration makes it a backup, which no command changes",
		    rules->title);
	else if (job_holds(job, real, server, &words) && server->missing_at != NULL)
		end_set(ret, JOB_SUCCEEDED, JOB_CAUSE_NONE, "%s%s%s at %.108s has no such server",
		    words, words[0] != '\0' ? "; " : "", rules->title, server->missing_at);
	else if (job_holds(job, real, server, &words))
		end_set(ret, JOB_SUCCEEDED, JOB_CAUSE_NONE, "%s", words);
	else
		job_fail(job, commands, rules, now_s, ret);
}

void
plan_handovers_judge(const struct plan_job *jobs, struct driver_real *const *reals, size_t n,
    struct plan_result *ends)
{
	for (size_t from = 0; from < n; from++) {
		if (reals[from] == NULL || jobs[from].operation != JOB_DISABLE_FALLBACK ||
		    ends[from].state != JOB_FAILED)
			continue;
		for (size_t to = 0; to < n; to++) {
			if (reals[to] == NULL || jobs[to].operation != JOB_ENABLE_FALLBACK ||
			    ends[to].state != JOB_SUCCEEDED ||
			    reals[to]->row.parent != reals[from]->row.parent)
				continue;
			end_set(&ends[to], JOB_FAILED, ends[from].cause, "%s stays the fallback: "
			    "%.180s", reals[from]->row.name, ends[from].message);
		}
	}
}
