/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The data plane HAProxy: one process, or several processes that serve the same clients, each
 * with a runtime socket. The processes are asked one after the other, and their servers are
 * merged by name; see haproxy.h.
 */
#include "plane/haproxy/haproxy.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plane/haproxy/haproxy_command.h"
#include "plane/haproxy/haproxy_process.h"
#include "plane/haproxy/haproxy_socket.h"
#include "util/clock.h"
#include "util/text.h"

/* A process of HAProxy, as the latest poll found it. */
struct process {
	struct haproxy_endpoint	 endpoint;
	char			*answer;	/* 'view' points into it */
	struct haproxy_view	 view;
	bool			 answered;
	pid_t			 peer;
	struct haproxy_processes processes;
	/* Of the poll before. */
	bool			 answered_before;
	struct haproxy_identity	 identity;
	uint64_t		*totals;	/* of each backend */
	size_t			 n_totals;
};

struct plane {
	struct loop		*loop;
	int			 timeout_ms;
	struct process		 processes[HAPROXY_SOCKETS_MAX];
	size_t			 n, at;		/* 'at': the process that is asked now */
	struct haproxy_targets	 targets;
	struct haproxy_request	*request;
	void			*arg;		/* of 'polled' or 'applied' */
	/* A poll. */
	plane_polled_fn		 polled;
	struct plane_poll	 poll;
	struct plane_error	 error;
	/* Commands: 'done' of them have results, then 'sent' are at the process. */
	plane_applied_fn	 applied;
	struct plane_command	*commands;
	size_t			 n_commands, done, sent;
};

/* -- parameters ------------------------------------------------------------------- */

static enum err_code
socket_add(struct plane *plane, const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	enum err_code code;

	if (text == NULL)
		return err_set(err, ERR_INVALID, "parameter socket is not a text");
	if (plane->n == HAPROXY_SOCKETS_MAX)
		return err_set(err, ERR_INVALID, "parameter socket has more than %d values",
		    HAPROXY_SOCKETS_MAX);
	code = haproxy_endpoint_parse(text, &plane->processes[plane->n].endpoint, err);
	plane->n += code == ERR_OK;
	return code;
}

/* Value 'i' of a parameter: an element of a list, or the only value. NULL if there is none. */
static const json_t *
param_value(const json_t *json, const char *name, size_t i)
{
	const json_t *param = json_object_get(json, name);

	return json_is_array(param) ? json_array_get(param, i) : i == 0 ? param : NULL;
}

/* {"socket": ["/run/haproxy/admin.sock"], "foreign-changes": ["keep"]} */
static enum err_code
params_read(struct plane *plane, const char *params, struct err *err)
{
	json_t *json = json_loads(params, 0, NULL);
	const json_t *value;
	enum err_code code = ERR_OK;
	const char *text;

	while (code == ERR_OK && (value = param_value(json, "socket", plane->n)) != NULL)
		code = socket_add(plane, value, err);
	if (code == ERR_OK && (value = param_value(json, "foreign-changes", 0)) != NULL) {
		text = json_string_value(value);
		plane->poll.keeps_foreign = text != NULL && strcmp(text, "keep") == 0;
		if (!plane->poll.keeps_foreign && (text == NULL || strcmp(text, "restore") != 0))
			code = err_set(err, ERR_INVALID,
			    "parameter foreign-changes is neither keep nor restore");
	}
	json_decref(json);
	if (code == ERR_OK && plane->n == 0)
		code = err_set(err, ERR_INVALID, "the cluster has no parameter socket");
	return code;
}

/* Frees what the latest poll found. */
static void
poll_free(struct plane *plane)
{
	for (size_t i = 0; i < plane->n; i++) {
		haproxy_view_done(&plane->processes[i].view);
		free(plane->processes[i].answer);
		plane->processes[i].answer = NULL;
		plane->processes[i].answered = false;
	}
	free(plane->poll.servers);
	free(plane->poll.unknown);
	free(plane->poll.service_counts);
	plane->poll.service_counts = NULL;
	plane->poll.servers = NULL;
	plane->poll.unknown = NULL;
}

static void
plane_close(struct plane *plane)
{
	if (plane == NULL)
		return;
	haproxy_request_cancel(plane->request);
	poll_free(plane);
	haproxy_targets_done(&plane->targets);
	for (size_t i = 0; i < plane->n; i++) {
		free(plane->processes[i].totals);
		haproxy_processes_done(&plane->processes[i].processes);
	}
	free(plane);
}

static enum err_code
plane_open(struct loop *loop, const struct plane_cluster *cluster, int timeout_ms,
    struct plane **ret, struct err *err)
{
	struct plane *plane = calloc(1, sizeof(*plane));
	enum err_code code;

	if (plane == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for a data plane");
	plane->loop = loop;
	plane->timeout_ms = timeout_ms;
	code = params_read(plane, cluster->params, err);
	if (code != ERR_OK) {
		plane_close(plane);
		return code;
	}
	*ret = plane;
	return ERR_OK;
}

static enum err_code
plane_targets_set(struct plane *plane, const struct plane_target *targets, size_t n,
    struct err *err)
{
	if (haproxy_targets_set(&plane->targets, targets, n))
		return ERR_OK;
	return err_set(err, ERR_NOMEM, "out of memory for the rows");
}

/* -- merging the processes ------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	const struct haproxy_found *x = a, *y = b;
	int order = haproxy_found_compare(x, y);

	return order != 0 ? order : x->process < y->process ? -1 : 1;
}

static bool
endpoint_same(const struct plane_endpoint *a, const struct plane_endpoint *b)
{
	return strcmp(a->address, b->address) == 0 && strcmp(a->port, b->port) == 0 &&
	    strcmp(a->name, b->name) == 0;
}

/* Numbers of which the largest one of several processes is shown; other numbers are added. */
static const uint32_t largest = 1u << STAT_RESPONSE_TIME_MS | 1u << STAT_CONNECT_TIME_MS |
    1u << STAT_QUEUE_TIME_MS | 1u << STAT_CHECK_CODE | 1u << STAT_CHECK_DURATION_MS;

/* Merges the numbers of two processes. There is no limit if one process has none. */
static void
counts_merge(struct plane_counts *counts, const struct plane_counts *more)
{
	uint32_t limited = counts->present & more->present & 1u << STAT_CONNECTION_LIMIT;

	counts->present |= more->present;
	counts->present = (counts->present & ~(1u << STAT_CONNECTION_LIMIT)) | limited;
	for (size_t i = 0; i < STAT_NUMBERS; i++) {
		if (!(largest & 1u << i))
			counts->number[i] += more->number[i];
		else if (more->number[i] > counts->number[i])
			counts->number[i] = more->number[i];
	}
}

static void
server_merge(struct haproxy_found *found, const struct haproxy_found *more)
{
	struct plane_server *server = &found->server;
	const struct plane_server *other = &more->server;

	found->no_address &= more->no_address;
	if (server->state != other->state)
		server->state = PLANE_MIXED;
	if (server->weight != other->weight)
		server->weight = PLANE_WEIGHT_MIXED;
	server->up |= other->up;
	server->blocked &= other->blocked;
	if (other->role == ROLE_BACKUP)
		server->role = ROLE_BACKUP;
	if (!endpoint_same(&server->endpoint, &other->endpoint))
		server->other_endpoint = other->endpoint;
	server->checked &= other->checked;
	server->check_pending &= other->check_pending;
	counts_merge(&server->counts, &other->counts);
}

/* If the processes have different messages, the first one is taken, after its socket. */
static void
message_merge(const struct plane *plane, const struct haproxy_found *found, size_t n,
    struct plane_server *ret)
{
	bool same = true;
	size_t first = 0;

	for (size_t i = 1; i < n; i++)
		same &= strcmp(found[i].server.message, found[0].server.message) == 0;
	if (same)
		return;
	while (found[first].server.message[0] == '\0')
		first++;
	snprintf(ret->message, sizeof(ret->message), "%.75s: %.80s",
	    plane->processes[found[first].process].endpoint.text, found[first].server.message);
}

/* The socket of the first process that answered and is not among the 'n'; NULL if none. */
static const char *
missing_at(const struct plane *plane, const struct haproxy_found *found, size_t n)
{
	for (size_t i = 0, at = 0; i < plane->n; i++) {
		if (at < n && found[at].process == i)
			at++;
		else if (plane->processes[i].answered)
			return plane->processes[i].endpoint.text;
	}
	return NULL;
}

/* Leaves each name once in 'found', which is sorted. Returns the number of names. */
static size_t
servers_merge(const struct plane *plane, struct haproxy_found *found, size_t n)
{
	size_t merged = 0;

	for (size_t i = 0, same; i < n; i += same) {
		struct haproxy_found one = found[i];

		for (same = 1; i + same < n && haproxy_found_compare(&one, &found[i + same]) == 0;
		    same++)
			server_merge(&one, &found[i + same]);
		message_merge(plane, &found[i], same, &one.server);
		one.server.missing_at = missing_at(plane, &found[i], same);
		found[merged++] = one;
	}
	return merged;
}

static bool
servers_gather(struct plane *plane)
{
	struct haproxy_found *found;
	size_t n = 0;
	bool ok;

	for (size_t i = 0; i < plane->n; i++)
		n += plane->processes[i].view.n_servers;
	found = calloc(n + 1, sizeof(*found));
	if (found == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < plane->n; i++) {
		const struct haproxy_view *view = &plane->processes[i].view;

		for (size_t j = 0; j < view->n_servers; j++) {
			if (!view->servers[j].has_state)
				continue;
			haproxy_server_read(&view->servers[j], &found[n]);
			found[n++].process = i;
		}
	}
	qsort(found, n, sizeof(*found), by_name);
	ok = haproxy_match(&plane->targets, found, servers_merge(plane, found, n), &plane->poll);
	free(found);
	return ok;
}

/* Fills the numbers that HAProxy counts for each backend. */
static bool
services_gather(struct plane *plane)
{
	const struct haproxy_targets *targets = &plane->targets;
	struct plane_service_counts *counts = calloc(targets->n_services + 1, sizeof(*counts));

	plane->poll.service_counts = counts;
	for (size_t i = 0; counts != NULL && i < targets->n_services; i++) {
		struct plane_service_counts *ret = &counts[i];

		for (size_t j = 0; j < plane->n; j++) {
			const struct haproxy_backend *backend =
			    haproxy_view_backend(&plane->processes[j].view, targets->services[i]);

			if (backend == NULL)
				continue;
			if (ret->exists)
				counts_merge(&ret->counts, &backend->counts);
			else
				ret->counts = backend->counts;
			ret->exists = true;
			snprintf(ret->algorithm, sizeof(ret->algorithm), "%s", backend->algorithm);
			text_clean(ret->algorithm, '?');
		}
	}
	return counts != NULL;
}

/* -- what a poll reports besides servers ----------------------------------------------- */

/* Writes why lbcluster cannot change servers over 'socket', with the line to write. */
static void
level_message(const char *socket, const char *problem, char buf[MODEL_MESSAGE_MAX + 1])
{
	char line[160];

	snprintf(buf, MODEL_MESSAGE_MAX + 1, "%.70s: %s; haproxy.cfg: %.110s", socket, problem,
	    haproxy_socket_line(socket, line, sizeof(line)));
}

static void
level_check(struct plane *plane)
{
	plane->poll.problem[0] = '\0';
	for (size_t i = plane->n; i-- > 0;) {
		const struct process *process = &plane->processes[i];
		const char *problem = haproxy_level_problem(process->view.level);

		if (problem != NULL)
			level_message(process->endpoint.text, problem, plane->poll.problem);
	}
}

/* Stores the totals of the backends. True if a total is lower than in the poll before, because
 * a person gave "clear counters all". Nothing else lowers the total of a backend (seen with
 * HAProxy 2.6.12); "del server" and "add server" lower that of a server. Without memory the
 * next poll compares nothing. */
static bool
totals_dropped(struct process *process, bool same_process)
{
	const struct haproxy_view *view = &process->view;
	bool dropped = false;

	if (process->n_totals != view->n_backends) {
		free(process->totals);
		process->totals = calloc(view->n_backends, sizeof(*process->totals));
		process->n_totals = process->totals == NULL ? 0 : view->n_backends;
		same_process = false;
	}
	for (size_t i = 0; i < process->n_totals; i++) {
		uint64_t total = view->backends[i].counts.number[STAT_TOTAL_CONNECTIONS];

		dropped |= same_process && total < process->totals[i];
		process->totals[i] = total;
	}
	return dropped;
}

/* Totals begin again when a process was restarted or its counters were cleared. The sum of
 * several processes also changes when one stops to answer or answers again. */
static void
epoch_update(struct plane *plane)
{
	bool same = plane->poll.epoch != 0, restarted = false, cleared = false;
	int64_t since = 0;

	plane->poll.stopping = false;
	for (size_t i = 0; i < plane->n; i++) {
		struct process *process = &plane->processes[i];
		const struct haproxy_view *view = &process->view;
		bool other;

		same &= process->answered == process->answered_before;
		process->answered_before = process->answered;
		if (!process->answered)
			continue;
		other = !haproxy_identity_same(&view->identity, &process->identity);
		restarted |= other;
		cleared |= totals_dropped(process, !other);
		process->identity = view->identity;
		plane->poll.stopping |= view->identity.stopping;
		if ((int64_t)process->identity.start_time > since)
			since = (int64_t)process->identity.start_time;
	}
	plane->poll.restarts += restarted;
	if (same && !restarted && !cleared)
		return;
	plane->poll.counters_since = plane->poll.epoch != 0 && (plane->n > 1 || cleared) ?
	    clock_wall_s() : since;
	plane->poll.epoch++;
}

/* Reports the first process that a reload left running. */
static void
earlier_update(struct plane *plane)
{
	plane->poll.earlier_pid = 0;
	plane->poll.earlier_unseen = false;
	for (size_t i = 0; i < plane->n; i++) {
		const struct haproxy_processes *processes = &plane->processes[i].processes;

		if (plane->poll.earlier_pid == 0 && processes->n > 0)
			plane->poll.earlier_pid = processes->earlier[0].pid;
		plane->poll.earlier_unseen |= processes->unseen;
	}
}

/* -- a poll ----------------------------------------------------------------------- */

static void poll_next(struct plane *plane);

/* Keeps the first error of a poll. */
static void __attribute__((format(printf, 4, 5)))
error_note(struct plane *plane, enum plane_status status, enum job_fail_cause cause,
    const char *fmt, ...)
{
	va_list ap;

	if (plane->error.status != PLANE_STATUS_OK)
		return;
	plane->error.status = status;
	plane->error.cause = cause;
	va_start(ap, fmt);
	vsnprintf(plane->error.text, sizeof(plane->error.text), fmt, ap);
	va_end(ap);
}

static void
poll_end(struct plane *plane)
{
	const struct plane_poll *poll = NULL;
	bool answered = false;

	for (size_t i = 0; i < plane->n; i++)
		answered |= plane->processes[i].answered;
	if (answered && !(servers_gather(plane) && services_gather(plane))) {
		error_note(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER,
		    "out of memory for servers");
	} else if (answered) {
		epoch_update(plane);
		earlier_update(plane);
		level_check(plane);
		poll = &plane->poll;
	}
	plane->polled(plane->arg, poll,
	    plane->error.status == PLANE_STATUS_OK ? NULL : &plane->error);
}

static void
on_answer(void *arg, enum haproxy_failure failure, char *answer, size_t length,
    const char *message)
{
	struct plane *plane = arg;
	struct process *process = &plane->processes[plane->at];
	struct err err;

	plane->request = NULL;
	if (failure != HAPROXY_ANSWERED) {
		error_note(plane, failure == HAPROXY_TOO_LONG ? PLANE_STATUS_FAILING :
		    PLANE_STATUS_UNREACHABLE, failure == HAPROXY_TIMEOUT ? JOB_CAUSE_TIMEOUT :
		    JOB_CAUSE_UNREACHABLE, "%.250s", message);
	} else if (haproxy_view_parse(answer, length, &process->view, &err) != ERR_OK) {
		error_note(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER, "%.100s: %.140s",
		    process->endpoint.text, err.text);
		free(answer);
	} else {
		process->answer = answer;
		process->answered = true;
		haproxy_processes_follow(&process->processes, process->view.identity.pid,
		    process->peer);
	}
	plane->at++;
	poll_next(plane);
}

static void
poll_next(struct plane *plane)
{
	for (; plane->at < plane->n; plane->at++) {
		struct process *process = &plane->processes[plane->at];

		plane->request = haproxy_request_new(plane->loop, &process->endpoint, HAPROXY_POLL,
		    strlen(HAPROXY_POLL), plane->timeout_ms, on_answer, plane);
		if (plane->request != NULL) {
			haproxy_request_want_peer(plane->request, &process->peer);
			return;
		}
		error_note(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER,
		    "%.100s: out of memory for a request", process->endpoint.text);
	}
	poll_end(plane);
}

static void
plane_poll(struct plane *plane, plane_polled_fn fn, void *arg)
{
	poll_free(plane);
	plane->polled = fn;
	plane->arg = arg;
	plane->at = 0;
	plane->error = (struct plane_error){ .status = PLANE_STATUS_OK };
	poll_next(plane);
}

/* -- commands --------------------------------------------------------------------- */

static void apply_next(struct plane *plane);

/* Ends the commands that this process has not answered. */
static void
commands_fail(struct plane *plane, enum job_fail_cause cause, const char *message)
{
	for (; plane->done < plane->n_commands; plane->done++) {
		plane->commands[plane->done].cause = cause;
		snprintf(plane->commands[plane->done].message, MODEL_MESSAGE_MAX + 1, "%.150s",
		    message);
	}
}

/* Adds what only the plane knows to a refusal by the process plane->at. A server that this
 * process lacks and another one has is no failure: the process sends it no traffic, and the
 * poll reports the missing server. */
static void
refusal_explain(struct plane *plane, struct plane_command *command)
{
	const char *socket = plane->processes[plane->at].endpoint.text;
	char message[sizeof(command->message)];
	const struct plane_server *server;

	if (strcmp(command->message, HAPROXY_DENIED) == 0) {
		level_message(socket, HAPROXY_DENIED ", its level is not admin", message);
		snprintf(command->message, sizeof(command->message), "%s", message);
		return;
	}
	if (plane->n == 1)
		return;
	server = &plane->poll.servers[command->at];
	if (command->cause == JOB_CAUSE_NOT_FOUND && server->missing_at != NULL) {
		command->cause = JOB_CAUSE_NONE;
		command->message[0] = '\0';
	} else if (strncmp(command->message, "HAProxy", 7) == 0) {
		snprintf(message, sizeof(message), "%.100s: %.150s", socket, command->message);
		snprintf(command->message, sizeof(command->message), "%s", message);
	}
}

static void
on_results(void *arg, enum haproxy_failure failure, char *answer, size_t length,
    const char *message)
{
	struct plane *plane = arg;
	size_t end = plane->done + plane->sent;

	plane->request = NULL;
	if (failure == HAPROXY_ANSWERED) {
		if (!haproxy_command_results(answer, length,
		    &plane->processes[plane->at].view.identity, plane->commands + plane->done,
		    plane->sent))
			plane->poll.restarts++;
		for (; plane->done < end; plane->done++) {
			if (plane->commands[plane->done].cause != JOB_CAUSE_NONE)
				refusal_explain(plane, &plane->commands[plane->done]);
		}
	} else {
		commands_fail(plane, failure == HAPROXY_TIMEOUT ? JOB_CAUSE_TIMEOUT :
		    JOB_CAUSE_UNREACHABLE, message);
	}
	free(answer);
	apply_next(plane);
}

/* Sends the next line of commands to the process plane->at. False if none is left. */
static bool
apply_send(struct plane *plane)
{
	const struct haproxy_endpoint *to = &plane->processes[plane->at].endpoint;
	char line[HAPROXY_LINE_MAX];
	size_t length;

	while (plane->done < plane->n_commands) {
		plane->sent = haproxy_command_line(plane->commands + plane->done,
		    plane->n_commands - plane->done, plane->targets.reals, line, &length);
		if (plane->sent == 0) {
			struct plane_command *command = &plane->commands[plane->done++];

			command->cause = JOB_CAUSE_REJECTED;
			snprintf(command->message, sizeof(command->message),
			    "the name cannot be used in a command of HAProxy");
			continue;
		}
		plane->request = haproxy_request_new(plane->loop, to, line, length,
		    plane->timeout_ms, on_results, plane);
		if (plane->request != NULL)
			return true;
		commands_fail(plane, JOB_CAUSE_OTHER, "out of memory for a request");
	}
	return false;
}

/* Processes that did not answer the poll get no commands: each would cost a timeout. */
static void
apply_next(struct plane *plane)
{
	while (plane->at < plane->n) {
		if (plane->processes[plane->at].answered && apply_send(plane))
			return;
		plane->at++;
		plane->done = 0;
	}
	plane->applied(plane->arg);
}

static void
plane_apply(struct plane *plane, struct plane_command *commands, size_t n, plane_applied_fn fn,
    void *arg)
{
	plane->commands = commands;
	plane->n_commands = n;
	plane->applied = fn;
	plane->arg = arg;
	plane->at = 0;
	plane->done = 0;
	for (size_t i = 0; i < n; i++) {
		commands[i].cause = JOB_CAUSE_NONE;
		commands[i].message[0] = '\0';
	}
	apply_next(plane);
}

const struct plane_kind_ops haproxy_plane = {
	.kind = "haproxy",
	.states = {
		[PLANE_READY] = { "ready", NULL, NULL },
		[PLANE_DRAIN] = { "drain", "DRAIN by lbcluster", "DRAIN by command or agent" },
		[PLANE_OUT] = { "maint", "MAINT by lbcluster", "MAINT by command" },
	},
	.weight_advice = "stop that (SRV record: set ignore-weight; agent-check; script) or use"
	    " foreign-changes = keep",
	.state_advice = "stop that (agent-check; script) or use foreign-changes = keep",
	.open = plane_open,
	.close = plane_close,
	.targets_set = plane_targets_set,
	.poll = plane_poll,
	.apply = plane_apply,
};

/* -- a poll for a person ---------------------------------------------------------------- */

struct waiting {
	struct loop	*loop;
	enum err_code	 code;
	struct err	*err;
	char		*answer;
	size_t		 length;
};

static void
on_awaited(void *arg, enum haproxy_failure failure, char *answer, size_t length,
    const char *message)
{
	struct waiting *waiting = arg;

	waiting->code = ERR_OK;
	if (failure != HAPROXY_ANSWERED)
		waiting->code = err_set(waiting->err, ERR_IO, "%s", message);
	waiting->answer = answer;
	waiting->length = length;
	loop_stop(waiting->loop);
}

enum err_code
haproxy_poll_wait(const char *socket, int timeout_ms, char **ret_answer,
    struct haproxy_view *ret_view, struct err *err)
{
	struct waiting waiting = { .err = err };
	struct haproxy_endpoint to;

	if (haproxy_endpoint_parse(socket, &to, err) != ERR_OK)
		return ERR_INVALID;
	waiting.loop = loop_new();
	if (waiting.loop == NULL || haproxy_request_new(waiting.loop, &to, HAPROXY_POLL,
	    strlen(HAPROXY_POLL), timeout_ms, on_awaited, &waiting) == NULL) {
		loop_free(waiting.loop);
		return err_set(err, ERR_NOMEM, "%s: out of memory for a request", socket);
	}
	loop_run(waiting.loop);
	loop_free(waiting.loop);
	if (waiting.code == ERR_OK) {
		waiting.code = haproxy_view_parse(waiting.answer, waiting.length, ret_view, err);
		if (waiting.code == ERR_INVALID)
			err_prefix(err, "%.120s: ", socket);
	}
	if (waiting.code == ERR_OK)
		*ret_answer = waiting.answer;
	else
		free(waiting.answer);
	return waiting.code;
}
