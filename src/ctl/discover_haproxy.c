/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The source haproxy of the command discover: backends and servers of a running HAProxy.
 */
#include "ctl/discover.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/address.h"
#include "plane/haproxy/haproxy.h"
#include "util/memory.h"
#include "util/text.h"

enum { TIMEOUT_MS = 5000, NAME_SHOWN_MAX = 80 };

struct haproxy_state {
	char			*socket;	/* as an absolute path */
	char			*answer;
	struct haproxy_view	 view;		/* of 'answer' */
	const char		*srv_record;	/* the last one reported, or "" */
};

/* Reports a server whose name is invalid in a row. */
static void
leave_out(struct discovery *discovery, const char *backend, const char *server)
{
	discover_message(discovery, 0, "%s/%.*s/%.*s: left out because of its name: a name is 1 to "
	    "%d of A-Z a-z 0-9 - . _", discovery->cluster->name, NAME_SHOWN_MAX, backend,
	    NAME_SHOWN_MAX, server, MODEL_NAME_MAX);
	discovery->left_out++;
}

/* -- a server ------------------------------------------------------------------------ */

/* Copies the address and the port if HAProxy shows them. It shows no address for a UNIX socket,
 * nor for an unused slot of a server-template. False without memory. */
static bool
address_copy(struct discovery *discovery, struct inventory_real *real,
    const struct haproxy_server *server)
{
	const char *address = server->fqdn[0] != '\0' ? server->fqdn : server->address;
	struct err err;

	real->address_given = address_check(address, &err) == ERR_OK;
	real->port_given = address_port(server->port) != 0;
	if (!real->address_given && server->srv_record[0] == '\0')
		discover_message(discovery, 0, "%s/%s/%s: HAProxy shows no address, as for a UNIX "
		    "socket; an address in the store is kept", discovery->cluster->name,
		    server->backend, server->name);
	return memory_string_assign(&real->address, real->address_given ? address : "") &&
	    memory_string_assign(&real->port, real->port_given ? server->port : "");
}

/* -- settings ------------------------------------------------------------------------ */

/* True if the row will be added; discover keeps the settings of a stored row. */
static bool
is_new(const struct discovery *discovery, const struct path *path)
{
	uint32_t cluster, service, real;
	struct err err;

	return discovery->ctl->store == NULL || store_find(discovery->ctl->store, path, &cluster,
	    &service, &real, &err) == ERR_NOT_FOUND;
}

/* A backend, and its stored row. */
struct backend {
	const char				*name;
	const struct inventory_service		*stored;	/* NULL: none */
	struct inventory_service		*service;
	bool					 has_backup, serves;	/* a server does */
};

/* True of a server in MAINT or DRAIN. */
static bool
is_taken_out(const struct haproxy_server *server)
{
	return (server->admin_state & (HAPROXY_FORCED_MAINT | HAPROXY_FORCED_DRAIN |
	    HAPROXY_INHERITED_DRAIN)) != 0;
}

static void
backend_read(const struct discovery *discovery, const char *name, struct backend *ret)
{
	const struct haproxy_view *view = &((const struct haproxy_state *)discovery->state)->view;
	const struct inventory_cluster *cluster = discover_cluster_stored(discovery);

	*ret = (struct backend){ .name = name,
	    .stored = cluster == NULL ? NULL : inventory_service(cluster, name) };
	for (size_t i = 0; i < view->n_servers; i++) {
		const struct haproxy_server *server = &view->servers[i];

		if (server->has_state && strcmp(server->backend, name) == 0) {
			ret->has_backup |= server->backup;
			ret->serves |= !is_taken_out(server);
		}
	}
}

/* Gives a row the settings of its stored row where lbcluster caused the difference in HAProxy: it
 * takes disabled servers out, and holds a fallback in reserve that HAProxy does not have as a
 * backup. */
static void
settings_keep(const struct backend *backend, struct inventory_real *real,
    const struct haproxy_server *server)
{
	const struct inventory_real *stored =
	    backend->stored == NULL ? NULL : inventory_real(backend->stored, real->name);

	if (stored == NULL)
		return;
	if (!backend->has_backup)
		real->fallback = stored->fallback;
	if (!is_taken_out(server) || !discover_real_is_out(backend->service, stored))
		return;
	real->weight = server->weight;
	real->enabled = stored->enabled;
}

/* Reports what may change the settings of the server in HAProxy, besides the driver. */
static void
others_report(struct discovery *discovery, const struct haproxy_server *server, const char *path)
{
	struct haproxy_state *state = discovery->state;

	if (server->has_agent)
		discover_message(discovery, 0, "%s: its agent-check may change weight and state; "
		    "the driver restores them, unless foreign-changes = keep", path);
	if (server->srv_record[0] == '\0' || strcmp(server->srv_record, state->srv_record) == 0)
		return;
	state->srv_record = server->srv_record;
	discover_message(discovery, 0, "%s: SRV record %.80s may change its weight; the driver "
	    "restores it, unless haproxy.cfg has \"resolve-opts ignore-weight\" or foreign-changes "
	    "= keep",
	    path, server->srv_record);
}

/* Chooses settings with which a driver changes nothing for the traffic, and reports what a row
 * cannot express. A server in DRAIN keeps its sticky sessions: so does weight 0, but a disabled
 * server does not. A server that tracks a server in DRAIN gets weight 0 too: otherwise it would
 * get new work when that server changes from DRAIN to weight 0. */
static void
settings_choose(struct discovery *discovery, const struct backend *backend,
    struct inventory_real *real, const struct haproxy_server *server)
{
	const uint32_t drained = HAPROXY_FORCED_DRAIN | HAPROXY_INHERITED_DRAIN;
	struct path path = path_of(discovery->cluster->name, backend->name, real->name);
	char text[PATH_TEXT_SIZE];
	bool added = is_new(discovery, &path);

	path_text(&path, text);
	real->weight = server->weight;
	real->enabled = (server->admin_state & HAPROXY_FORCED_MAINT) == 0;
	if (real->enabled && (server->admin_state & drained) != 0) {
		real->weight = 0;
		if (added)
			discover_message(discovery, 0, "%s: is in DRAIN in HAProxy; stored as "
			    "enabled with weight 0, which keeps its sticky sessions; its weight "
			    "was %u, \"lbclusterctl set-weight %s %u\" gives it new work", text,
			    server->weight, text, server->weight);
	}
	real->fallback = server->backup && inventory_fallback(backend->service) == NULL;
	if (server->backup && !real->fallback && added)
		discover_message(discovery, 0, "%s: is another backup in HAProxy and stays backup "
		    "there; stored without fallback, because a service has only one", text);
	if (added)
		others_report(discovery, server, text);
	settings_keep(backend, real, server);
}

static bool
server_add(struct discovery *discovery, const struct backend *backend,
    const struct haproxy_server *server)
{
	struct inventory_real *real;

	if (!model_name_valid(server->name)) {
		leave_out(discovery, backend->name, server->name);
		return true;
	}
	real = inventory_add_real(discovery->inventory, backend->service, server->name);
	if (real == NULL || !address_copy(discovery, real, server))
		return false;
	settings_choose(discovery, backend, real, server);
	return true;
}

/* -- a backend ------------------------------------------------------------------------ */

/* Adds a comment to the inventory that is printed: HAProxy has no server in the backend. */
static void
comment_print(const struct discovery *discovery, const char *name)
{
	const struct ctl *ctl = discovery->ctl;

	if (!discovery->silent && (ctl->flags & CTL_LOAD) == 0)
		text_line_print(ctl->out, "# left out: backend %.*s, which has no server",
		    NAME_SHOWN_MAX, name);
}

/* Adds the row of a backend. False without memory. */
static bool
backend_add(struct discovery *discovery, struct backend *backend)
{
	backend->service = inventory_add_service(discovery->inventory, discovery->cluster,
	    backend->name);
	if (backend->service == NULL)
		return false;
	backend->service->enabled = backend->serves || backend->stored == NULL ||
	    backend->stored->enabled;
	backend->service->protocol_given = true;
	return true;
}

static bool
service_add(struct discovery *discovery, const char *name)
{
	const struct haproxy_view *view = &((const struct haproxy_state *)discovery->state)->view;
	struct backend backend;
	struct path path;
	bool empty = true;

	backend_read(discovery, name, &backend);
	for (size_t i = 0; i < view->n_servers; i++) {
		const struct haproxy_server *server = &view->servers[i];

		if (!server->has_state || strcmp(server->backend, name) != 0)
			continue;
		empty = false;
		if (!model_name_valid(name)) {
			leave_out(discovery, name, server->name);
			continue;
		}
		if ((backend.service == NULL && !backend_add(discovery, &backend)) ||
		    !server_add(discovery, &backend, server))
			return false;
	}
	if (empty)
		comment_print(discovery, name);
	/* A stored service stays while HAProxy has its backend, with or without servers. */
	if (backend.service == NULL && model_name_valid(name)) {
		path = path_of(discovery->cluster->name, name, "");
		if (!is_new(discovery, &path))
			return inventory_add_service(discovery->inventory, discovery->cluster,
			    name) != NULL;
	}
	return true;
}

/* Reports a socket that is reachable from the network, or whose level forbids changes. */
static void
socket_report(const struct discovery *discovery, const struct haproxy_view *view,
    const char *socket)
{
	const char *problem = haproxy_level_problem(view->level);
	struct haproxy_endpoint endpoint;
	char line[256];
	struct err err;

	if (haproxy_endpoint_parse(socket, &endpoint, &err) == ERR_OK && endpoint.remote)
		discover_message(discovery, 0, "%s: warning: the socket is reachable from the "
		    "network: " HAPROXY_REMOTE_RISK, socket);
	if (problem != NULL)
		discover_message(discovery, 0, "%s: %s; haproxy.cfg: %s", socket, problem,
		    haproxy_socket_line(socket, line, sizeof(line)));
}


/* -- the source ----------------------------------------------------------------------- */

static bool
cluster_params_set(struct discovery *discovery, const char *socket)
{
	json_t *params = json_pack("{s:[s]}", "socket", socket);
	bool ok = params != NULL && inventory_params_set(&discovery->cluster->params, params);

	json_decref(params);
	return ok;
}

static bool
haproxy_rows_add(struct discovery *discovery)
{
	const struct haproxy_state *state = discovery->state;

	if (!cluster_params_set(discovery, state->socket))
		return false;
	for (size_t i = 0; i < state->view.n_backends; i++) {
		if (!service_add(discovery, state->view.backends[i].name))
			return false;
	}
	return true;
}

static enum err_code
haproxy_read(struct discovery *discovery, struct err *err)
{
	struct haproxy_state *state = calloc(1, sizeof(*state));
	enum err_code code = ERR_NOMEM;

	/* The driver has another working directory. */
	if (state != NULL && (state->socket = realpath(discovery->from, NULL)) == NULL)
		state->socket = strdup(discovery->from);
	if (state == NULL || state->socket == NULL)
		err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	else
		code = haproxy_poll_wait(state->socket, TIMEOUT_MS, &state->answer, &state->view,
		    err);
	if (code == ERR_OK) {
		state->srv_record = "";
		discovery->state = state;
		discovery->from = state->socket;
		socket_report(discovery, &state->view, state->socket);
		return ERR_OK;
	}
	if (state != NULL)
		free(state->socket);
	free(state);
	return code;
}

static void
haproxy_done(struct discovery *discovery)
{
	struct haproxy_state *state = discovery->state;

	haproxy_view_done(&state->view);
	free(state->answer);
	free(state->socket);
	free(state);
}

const struct discover_source discover_haproxy = {
	.name = "haproxy", .operand = "SOCKET", .plane = "haproxy", .cluster = "haproxy",
	.title = "HAProxy", .read = haproxy_read, .rows_add = haproxy_rows_add,
	.done = haproxy_done,
};
