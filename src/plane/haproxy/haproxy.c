/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * HAProxy behind one socket, or a pair of processes behind two: asked one after the
 * other, their servers summed by name; see haproxy.h.
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

/* A process, as the last look saw it. */
struct process {
	struct haproxy_endpoint	 endpoint;
	char			*answer;
	struct haproxy_view	 view;
	bool			 seen;
	uint64_t		 pid, start_time;	/* of the look before, if any */
	bool			 seen_before;
	pid_t			 peer;
	struct haproxy_processes processes;
	uint64_t		*totals;	/* of its backends, of the look before */
	size_t			 n_totals;
};

struct plane {
	struct loop		*loop;
	int			 timeout_ms;
	bool			 keeps_foreign;
	struct process		 processes[HAPROXY_SOCKETS_MAX];
	size_t			 n, at;		/* 'at': the one that is asked */
	struct haproxy_request	*request;
	/* a look */
	plane_looked_fn		 looked;
	struct plane_server	*servers;
	struct plane_look	 look;
	struct plane_trouble	 trouble;
	/* an apply */
	plane_applied_fn	 applied;
	struct plane_order	*orders;
	size_t			 n_orders, done, under_way;
	void			*arg;
};

/* -- parameters ------------------------------------------------------------------- */

static enum err_code
socket_take(struct plane *plane, const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	enum err_code code;

	if (text == NULL)
		return err_set(err, ERR_INVALID, "a socket in the parameters is not a text");
	if (plane->n == HAPROXY_SOCKETS_MAX)
		return err_set(err, ERR_INVALID, "the cluster names more than %d sockets",
		    HAPROXY_SOCKETS_MAX);
	code = haproxy_endpoint_parse(text, &plane->processes[plane->n].endpoint, err);
	plane->n += code == ERR_OK;
	return code;
}

/* {"foreign-changes": ["keep"]}, or the text alone. */
static enum err_code
foreign_take(struct plane *plane, const json_t *value, struct err *err)
{
	const char *text;

	if (value == NULL)
		return ERR_OK;
	text = json_string_value(json_array_size(value) == 1 ? json_array_get(value, 0) : value);
	plane->keeps_foreign = text != NULL && strcmp(text, "keep") == 0;
	if (plane->keeps_foreign || (text != NULL && strcmp(text, "restore") == 0))
		return ERR_OK;
	return err_set(err, ERR_INVALID, "foreign-changes is not one of keep, restore");
}

/* {"socket": ["/run/haproxy/admin.sock"]}, or a text alone. */
static enum err_code
params_read(struct plane *plane, const char *params, struct err *err)
{
	json_t *json = json_loads(params, 0, NULL);
	const json_t *sockets = json_object_get(json, "socket"), *value;
	enum err_code code = ERR_OK;
	size_t i;

	if (json_is_string(sockets)) {
		code = socket_take(plane, sockets, err);
	} else {
		json_array_foreach(sockets, i, value) {
			if (code == ERR_OK)
				code = socket_take(plane, value, err);
		}
	}
	if (code == ERR_OK)
		code = foreign_take(plane, json_object_get(json, "foreign-changes"), err);
	json_decref(json);
	if (code == ERR_OK && plane->n == 0)
		code = err_set(err, ERR_INVALID, "the cluster names no socket of HAProxy");
	return code;
}

static void
processes_forget(struct plane *plane)
{
	for (size_t i = 0; i < plane->n; i++) {
		haproxy_view_done(&plane->processes[i].view);
		free(plane->processes[i].answer);
		plane->processes[i].answer = NULL;
		plane->processes[i].seen = false;
	}
	free(plane->servers);
	plane->servers = NULL;
	plane->look.servers = NULL;
	plane->look.n = 0;
}

static void
plane_close(struct plane *plane)
{
	if (plane == NULL)
		return;
	haproxy_request_cancel(plane->request);
	processes_forget(plane);
	for (size_t i = 0; i < plane->n; i++) {
		free(plane->processes[i].totals);
		haproxy_processes_done(&plane->processes[i].processes);
	}
	free(plane);
}

static enum err_code
plane_open(struct loop *loop, const char *params, int timeout_ms, struct plane **ret,
    struct err *err)
{
	struct plane *plane = calloc(1, sizeof(*plane));
	enum err_code code;

	if (plane == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for a data plane");
	plane->loop = loop;
	plane->timeout_ms = timeout_ms;
	code = params_read(plane, params, err);
	if (code != ERR_OK) {
		plane_close(plane);
		return code;
	}
	*ret = plane;
	return ERR_OK;
}

/* -- all processes as one ------------------------------------------------------------- */

static bool
endpoint_same(const struct plane_endpoint *a, const struct plane_endpoint *b)
{
	return strcmp(a->address, b->address) == 0 && strcmp(a->port, b->port) == 0 &&
	    strcmp(a->name, b->name) == 0;
}

/* Where the processes of a pair differ, the text begins with the socket it is of. */
static void
words_fold(struct plane_server *server, const struct plane_server *other)
{
	const struct plane_server *source = server->words[0] != '\0' ? server : other;
	char text[PLANE_WORDS_MAX];

	if (server->words_at == NULL || strcmp(server->words, other->words) == 0)
		return;
	snprintf(text, sizeof(text), "%.75s: %.80s", source->words_at, source->words);
	memcpy(server->words, text, sizeof(text));
	server->words_at = NULL;
}

/* One server of two processes, as one. */
static void
server_fold(struct plane_server *server, const struct plane_server *other)
{
	if (server->state != other->state)
		server->state = PLANE_MIXED;
	if (server->weight != other->weight)
		server->weight = PLANE_WEIGHT_MIXED;
	server->up |= other->up;
	server->blocked &= other->blocked;
	server->backup |= other->backup;
	if (!endpoint_same(&server->endpoint, &other->endpoint))
		server->other_endpoint = other->endpoint;
	server->vacant &= other->vacant;
	server->checked &= other->checked;
	server->unproven &= other->unproven;
	for (size_t i = 0; i < STAT_NUMBERS; i++)
		server->number[i] += other->number[i];
	words_fold(server, other);
}

/* All servers of all processes in one array, each name once. */
static bool
servers_gather(struct plane *plane)
{
	size_t n = 0, folded = 0;

	for (size_t i = 0; i < plane->n; i++)
		n += plane->processes[i].view.n_servers;
	plane->servers = calloc(n + 1, sizeof(*plane->servers));
	if (plane->servers == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < plane->n; i++) {
		const struct haproxy_view *view = &plane->processes[i].view;

		for (size_t j = 0; j < view->n_servers; j++) {
			if (!view->servers[j].has_state)
				continue;
			haproxy_server_read(&view->servers[j], &plane->servers[n]);
			if (plane->n > 1)
				plane->servers[n].words_at = plane->processes[i].endpoint.text;
			n++;
		}
	}
	plane_servers_sort(plane->servers, n);
	for (size_t i = 0; i < n; i++) {
		struct plane_server *last = &plane->servers[folded == 0 ? 0 : folded - 1];

		if (folded > 0 && strcmp(last->service, plane->servers[i].service) == 0 &&
		    strcmp(last->real, plane->servers[i].real) == 0)
			server_fold(last, &plane->servers[i]);
		else
			plane->servers[folded++] = plane->servers[i];
	}
	plane->look.servers = plane->servers;
	plane->look.n = folded;
	return true;
}

/* -- what a person should repair ---------------------------------------------------- */

static int
view_compare(const struct haproxy_server *a, const struct plane_server *b)
{
	int order = strcmp(a->backend, b->service);

	return order != 0 ? order : strcmp(a->name, b->real);
}

/* Notes which servers of the look 'process' lacks. Both are sorted by name. */
static void
missing_note(struct plane *plane, const struct process *process)
{
	const struct haproxy_view *view = &process->view;
	size_t at = 0;

	for (size_t i = 0; i < plane->look.n; i++) {
		struct plane_server *server = &plane->servers[i];

		while (at < view->n_servers && view_compare(&view->servers[at], server) < 0)
			at++;
		if (server->missing_at == NULL && (at == view->n_servers ||
		    view_compare(&view->servers[at], server) != 0 ||
		    !view->servers[at].has_state))
			server->missing_at = process->endpoint.text;
	}
}

static void
level_judge(struct plane *plane)
{
	for (size_t i = 0; i < plane->n; i++) {
		const struct process *process = &plane->processes[i];
		const char *problem = process->seen ?
		    haproxy_level_problem(process->view.level) : NULL;
		char line[160];

		if (problem == NULL)
			continue;
		snprintf(plane->look.problem, sizeof(plane->look.problem),
		    "%.70s: %s; haproxy.cfg: %.110s", process->endpoint.text, problem,
		    haproxy_socket_line(process->endpoint.text, line, sizeof(line)));
		return;
	}
}

/* -- a look ----------------------------------------------------------------------- */

static void look_next(struct plane *plane);

/* The first trouble of a look is told. */
static void __attribute__((format(printf, 4, 5)))
trouble_note(struct plane *plane, enum plane_status status, enum job_fail_cause cause,
    const char *fmt, ...)
{
	va_list ap;

	if (plane->trouble.status != PLANE_STATUS_OK)
		return;
	plane->trouble.status = status;
	plane->trouble.cause = cause;
	va_start(ap, fmt);
	vsnprintf(plane->trouble.text, sizeof(plane->trouble.text), fmt, ap);
	va_end(ap);
}

/* Keeps the totals of the backends. True if one is less than in the look before: somebody
 * gave "clear counters all". Nothing else lowers the total of a backend (seen with HAProxy
 * 2.6.12), while "del server" and "add server" lower that of a server. Without memory
 * nothing is kept, and the next look has nothing to compare with. */
static bool
totals_dropped(struct process *process, bool same)
{
	const struct haproxy_view *view = &process->view;
	bool dropped = false;

	if (process->n_totals != view->n_backends) {
		free(process->totals);
		process->totals = calloc(view->n_backends, sizeof(*process->totals));
		process->n_totals = process->totals == NULL ? 0 : view->n_backends;
		same = false;
	}
	for (size_t i = 0; i < process->n_totals; i++) {
		dropped |= same && view->backends[i].total < process->totals[i];
		process->totals[i] = view->backends[i].total;
	}
	return dropped;
}

/* Totals began again where a process was restarted or its counters were cleared; the sum of
 * a pair also changes where one of the two answers that did not, or no longer answers. */
static void
epoch_judge(struct plane *plane)
{
	bool same = plane->look.epoch != 0, restarted = false, cleared = false;
	int64_t since = 0;

	for (size_t i = 0; i < plane->n; i++) {
		struct process *process = &plane->processes[i];
		const struct haproxy_view *view = &process->view;
		bool other;

		same &= process->seen == process->seen_before;
		process->seen_before = process->seen;
		if (!process->seen)
			continue;
		other = view->pid != process->pid || view->start_time != process->start_time;
		restarted |= other;
		cleared |= totals_dropped(process, !other);
		process->pid = view->pid;
		process->start_time = view->start_time;
		if ((int64_t)process->start_time > since)
			since = (int64_t)process->start_time;
	}
	plane->look.restarts += restarted;
	if (same && !restarted && !cleared)
		return;
	plane->look.counters_since = plane->look.epoch != 0 && (plane->n > 1 || cleared) ?
	    clock_wall_s() : since;
	plane->look.epoch++;
}

/* Names the first process that a reload left behind. */
static void
earlier_judge(struct plane *plane)
{
	plane->look.earlier_pid = 0;
	plane->look.earlier_unseen = false;
	for (size_t i = 0; i < plane->n; i++) {
		const struct haproxy_processes *processes = &plane->processes[i].processes;

		if (plane->look.earlier_pid == 0 && processes->n > 0)
			plane->look.earlier_pid = processes->earlier[0].pid;
		plane->look.earlier_unseen |= processes->unseen;
	}
}

static void
look_end(struct plane *plane)
{
	const struct plane_look *look = NULL;
	bool seen = false;

	for (size_t i = 0; i < plane->n; i++)
		seen |= plane->processes[i].seen;
	if (seen && !servers_gather(plane))
		trouble_note(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER,
		    "out of memory for its servers");
	else if (seen) {
		epoch_judge(plane);
		earlier_judge(plane);
		plane->look.problem[0] = '\0';
		level_judge(plane);
		for (size_t i = 0; i < plane->n; i++) {
			if (plane->processes[i].seen)
				missing_note(plane, &plane->processes[i]);
		}
		look = &plane->look;
	}
	plane->looked(plane->arg, look,
	    plane->trouble.status == PLANE_STATUS_OK ? NULL : &plane->trouble);
}

static void
on_view(void *arg, enum haproxy_failure failure, char *answer, size_t length,
    const char *words)
{
	struct plane *plane = arg;
	struct process *process = &plane->processes[plane->at];
	struct err err;

	plane->request = NULL;
	if (failure != HAPROXY_ANSWERED) {
		trouble_note(plane, failure == HAPROXY_TOO_MUCH ? PLANE_STATUS_FAILING :
		    PLANE_STATUS_UNREACHABLE, failure == HAPROXY_TIMEOUT ? JOB_CAUSE_TIMEOUT :
		    JOB_CAUSE_UNREACHABLE, "%.250s", words);
	} else if (haproxy_view_parse(answer, length, &process->view, &err) != ERR_OK) {
		trouble_note(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER, "%.100s: %.140s",
		    process->endpoint.text, err.text);
		free(answer);
	} else {
		process->answer = answer;
		process->seen = true;
		haproxy_processes_follow(&process->processes, process->view.pid, process->peer);
	}
	plane->at++;
	look_next(plane);
}

static void
look_next(struct plane *plane)
{
	for (; plane->at < plane->n; plane->at++) {
		plane->request = haproxy_request_new(plane->loop,
		    &plane->processes[plane->at].endpoint, HAPROXY_POLL, strlen(HAPROXY_POLL),
		    plane->timeout_ms, on_view, plane);
		if (plane->request != NULL) {
			haproxy_request_want_peer(plane->request,
			    &plane->processes[plane->at].peer);
			return;
		}
		trouble_note(plane, PLANE_STATUS_FAILING, JOB_CAUSE_OTHER,
		    "%.100s: out of memory for a request",
		    plane->processes[plane->at].endpoint.text);
	}
	look_end(plane);
}

static void
plane_look(struct plane *plane, plane_looked_fn fn, void *arg)
{
	processes_forget(plane);
	plane->looked = fn;
	plane->arg = arg;
	plane->at = 0;
	plane->trouble = (struct plane_trouble){ .status = PLANE_STATUS_OK };
	look_next(plane);
}

/* -- orders ----------------------------------------------------------------------- */

static void apply_next(struct plane *plane);

static void
orders_fail(struct plane *plane, enum job_fail_cause cause, const char *words)
{
	for (size_t i = plane->done; i < plane->n_orders; i++) {
		plane->orders[i].cause = cause;
		snprintf(plane->orders[i].message, sizeof(plane->orders[i].message), "%.150s",
		    words);
	}
	plane->done = plane->n_orders;
}

/* Judges the outcomes of one process. A server that only this process of a pair lacks is
 * no failure: it gets no work through it, and the look says so. Which process refused is
 * told where there are several. */
static void
outcomes_judge(struct plane *plane, struct plane_order *orders, size_t n)
{
	const char *path = plane->processes[plane->at].endpoint.text;

	for (size_t i = 0; i < n && plane->n > 1; i++) {
		const struct plane_server *server;
		char message[sizeof(orders[i].message)];

		if (orders[i].cause == JOB_CAUSE_NONE)
			continue;
		server = plane_look_find(&plane->look, orders[i].service, orders[i].real);
		if (orders[i].cause == JOB_CAUSE_NOT_FOUND && server != NULL &&
		    server->missing_at != NULL) {
			orders[i].cause = JOB_CAUSE_NONE;
			orders[i].message[0] = '\0';
		} else if (strncmp(orders[i].message, "HAProxy", 7) == 0) {
			snprintf(message, sizeof(message), "%.100s: %.150s", path,
			    orders[i].message);
			snprintf(orders[i].message, sizeof(orders[i].message), "%s", message);
		}
	}
}

static void
on_outcomes(void *arg, enum haproxy_failure failure, char *answer, size_t length,
    const char *words)
{
	struct plane *plane = arg;

	plane->request = NULL;
	if (failure == HAPROXY_ANSWERED) {
		haproxy_command_outcomes(answer, length, plane->orders + plane->done,
		    plane->under_way);
		outcomes_judge(plane, plane->orders + plane->done, plane->under_way);
		plane->done += plane->under_way;
	} else {
		orders_fail(plane, failure == HAPROXY_TIMEOUT ? JOB_CAUSE_TIMEOUT :
		    JOB_CAUSE_UNREACHABLE, words);
	}
	free(answer);
	apply_next(plane);
}

/* The next line of commands to the process that is served; false if all is said. */
static bool
apply_send(struct plane *plane)
{
	const struct haproxy_endpoint *to = &plane->processes[plane->at].endpoint;
	char line[HAPROXY_LINE_MAX];
	size_t length;

	while (plane->done < plane->n_orders) {
		plane->under_way = haproxy_command_line(plane->orders + plane->done,
		    plane->n_orders - plane->done, line, &length);
		if (plane->under_way == 0) {
			struct plane_order *order = &plane->orders[plane->done++];

			order->cause = JOB_CAUSE_REJECTED;
			snprintf(order->message, sizeof(order->message),
			    "its name is none that HAProxy takes");
			continue;
		}
		plane->request = haproxy_request_new(plane->loop, to, line, length,
		    plane->timeout_ms, on_outcomes, plane);
		if (plane->request != NULL)
			return true;
		orders_fail(plane, JOB_CAUSE_OTHER, "out of memory for a request");
	}
	return false;
}

/* Processes that the look did not reach would only take their time again. */
static void
apply_next(struct plane *plane)
{
	while (plane->at < plane->n) {
		if (plane->processes[plane->at].seen && apply_send(plane))
			return;
		plane->at++;
		plane->done = 0;
	}
	plane->applied(plane->arg);
}

static void
plane_apply(struct plane *plane, struct plane_order *orders, size_t n, plane_applied_fn fn,
    void *arg)
{
	plane->orders = orders;
	plane->n_orders = n;
	plane->applied = fn;
	plane->arg = arg;
	plane->at = 0;
	plane->done = 0;
	for (size_t i = 0; i < n; i++) {
		orders[i].cause = JOB_CAUSE_NONE;
		orders[i].message[0] = '\0';
	}
	apply_next(plane);
}

static bool
plane_keeps_foreign(const struct plane *plane)
{
	return plane->keeps_foreign;
}

const struct plane_kind_ops haproxy_plane = {
	.kind = "haproxy",
	.title = "HAProxy",
	.open = plane_open,
	.close = plane_close,
	.look = plane_look,
	.apply = plane_apply,
	.keeps_foreign = plane_keeps_foreign,
};

/* -- for a person who waits ---------------------------------------------------------- */

struct look_now {
	struct loop	*loop;
	enum err_code	 code;
	struct err	*err;
	char		*answer;
	size_t		 length;
};

static void
on_answer_now(void *arg, enum haproxy_failure failure, char *answer, size_t length,
    const char *words)
{
	struct look_now *now = arg;

	now->code = ERR_OK;
	if (failure != HAPROXY_ANSWERED)
		now->code = err_set(now->err, ERR_IO, "%s", words);
	now->answer = answer;
	now->length = length;
	loop_stop(now->loop);
}

enum err_code
haproxy_look_now(const char *socket, int timeout_ms, char **ret_answer,
    struct haproxy_view *ret_view, struct err *err)
{
	struct look_now now = { .err = err };
	struct haproxy_endpoint to;

	if (haproxy_endpoint_parse(socket, &to, err) != ERR_OK)
		return ERR_INVALID;
	now.loop = loop_new();
	if (now.loop == NULL || haproxy_request_new(now.loop, &to, HAPROXY_POLL,
	    strlen(HAPROXY_POLL), timeout_ms, on_answer_now, &now) == NULL) {
		loop_free(now.loop);
		return err_set(err, ERR_NOMEM, "%s: out of memory for a request", socket);
	}
	loop_run(now.loop);
	loop_free(now.loop);
	if (now.code == ERR_OK)
		now.code = haproxy_view_parse(now.answer, now.length, ret_view, err);
	if (now.code != ERR_OK) {
		if (now.code == ERR_INVALID)
			err_prefix(err, "%.120s: ", socket);
		free(now.answer);
		return now.code;
	}
	*ret_answer = now.answer;
	return ERR_OK;
}
