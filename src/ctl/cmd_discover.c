/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command discover: reads backends and servers of a running HAProxy, and writes them as an
 * inventory file or loads them into the store.
 */
#include "ctl/ctl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/inventory.h"
#include "model/address.h"
#include "plane/haproxy/haproxy.h"
#include "util/memory.h"

enum { TIMEOUT_MS = 5000, MISSING_SHOWN_MAX = 10, NAME_SHOWN_MAX = 80 };

struct discovery {
	struct ctl			*ctl;
	const struct haproxy_view	*view;
	struct inventory		*inventory;
	struct inventory_cluster	*cluster;
	size_t				 left_out;	/* servers with names invalid in a row */
	const char			*srv_record;	/* the last one reported, or "" */
	size_t				 missing;	/* rows without a server in HAProxy */
};

/* Reports a server whose name is invalid in a row. */
static void
leave_out(struct discovery *discovery, const char *backend, const char *server)
{
	ctl_message(discovery->ctl, "%s/%.*s/%.*s: left out because of its name: a name is 1 to %d "
	    "of A-Z a-z 0-9 - . _", discovery->cluster->name, NAME_SHOWN_MAX, backend,
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
		ctl_message(discovery->ctl, "%s/%s/%s: HAProxy shows no address, as for a UNIX "
		    "socket; an address in the store is kept", discovery->cluster->name,
		    server->backend,
		    server->name);
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

	return (discovery->ctl->flags & CTL_LOAD) == 0 || store_find(discovery->ctl->store, path,
	    &cluster, &service, &real, &err) == ERR_NOT_FOUND;
}

/* Reports what may change the settings of the server in HAProxy, besides the driver. */
static void
others_report(struct discovery *discovery, const struct haproxy_server *server, const char *path)
{
	if (server->has_agent)
		ctl_message(discovery->ctl, "%s: its agent-check may change weight and state; the"
		    " driver restores them, unless foreign-changes = keep", path);
	if (server->srv_record[0] == '\0' || strcmp(server->srv_record, discovery->srv_record) == 0)
		return;
	discovery->srv_record = server->srv_record;
	ctl_message(discovery->ctl, "%s: SRV record %.80s may change its weight; the driver "
	    "restores it, unless haproxy.cfg has \"resolve-opts ignore-weight\" or foreign-changes "
	    "= keep",
	    path, server->srv_record);
}

/* Chooses settings with which a driver changes nothing for the traffic, and reports what a row
 * cannot express. A server in DRAIN keeps its sticky sessions: so does weight 0, but a disabled
 * server does not. A server that tracks a server in DRAIN gets weight 0 too: otherwise it would
 * get new work when that server changes from DRAIN to weight 0. */
static void
settings_choose(struct discovery *discovery, struct inventory_service *service,
    struct inventory_real *real, const struct haproxy_server *server)
{
	const uint32_t drained = HAPROXY_FORCED_DRAIN | HAPROXY_INHERITED_DRAIN;
	struct ctl *ctl = discovery->ctl;
	char text[PATH_TEXT_SIZE];
	struct path path = path_of(discovery->cluster->name, service->name, real->name);
	bool added = is_new(discovery, &path);

	path_text(&path, text);
	real->weight = server->weight;
	real->enabled = (server->admin_state & HAPROXY_FORCED_MAINT) == 0;
	if (real->enabled && (server->admin_state & drained) != 0) {
		real->weight = 0;
		if (added)
			ctl_message(ctl, "%s: is in DRAIN in HAProxy; stored as enabled with "
			    "weight 0, which keeps its sticky sessions; its weight was %u, "
			    "\"lbclusterctl set-weight %s %u\" gives it new work", text,
			    server->weight, text,
			    server->weight);
	}
	real->fallback = server->backup && inventory_fallback(service) == NULL;
	if (server->backup && !real->fallback && added)
		ctl_message(ctl, "%s: is another backup in HAProxy and stays backup there; stored "
		    "without fallback, because a service has only one", text);
	if (added)
		others_report(discovery, server, text);
}

static bool
server_add(struct discovery *discovery, struct inventory_service *service,
    const struct haproxy_server *server)
{
	struct inventory_real *real;

	if (!model_name_valid(server->name)) {
		leave_out(discovery, service->name, server->name);
		return true;
	}
	real = inventory_add_real(discovery->inventory, service, server->name);
	if (real == NULL || !address_copy(discovery, real, server))
		return false;
	settings_choose(discovery, service, real, server);
	return true;
}

/* -- a backend ------------------------------------------------------------------------ */

static bool
service_add(struct discovery *discovery, const char *name)
{
	const struct haproxy_view *view = discovery->view;
	struct inventory_service *service = NULL;

	for (size_t i = 0; i < view->n_servers; i++) {
		const struct haproxy_server *server = &view->servers[i];

		if (!server->has_state || strcmp(server->backend, name) != 0)
			continue;
		if (!model_name_valid(name)) {
			leave_out(discovery, name, server->name);
			continue;
		}
		if (service == NULL)
			service = inventory_add_service(discovery->inventory,
			    discovery->cluster, name);
		if (service == NULL || !server_add(discovery, service, server))
			return false;
		service->protocol_given = true;
	}
	return true;
}

static bool
services_add(struct discovery *discovery)
{
	for (size_t i = 0; i < discovery->view->n_backends; i++) {
		if (!service_add(discovery, discovery->view->backends[i].name))
			return false;
	}
	return true;
}

static bool
cluster_add(struct discovery *discovery, const char *name, const char *socket)
{
	json_t *params = json_pack("{s:[s]}", "socket", socket);
	bool ok;

	discovery->cluster = inventory_add_cluster(discovery->inventory, name);
	ok = params != NULL && discovery->cluster != NULL &&
	    inventory_params_set(&discovery->cluster->params, params) &&
	    memory_string_assign(&discovery->cluster->plane, "haproxy");
	json_decref(params);
	return ok;
}

/* -- the command ------------------------------------------------------------------------ */

static enum err_code
row_check(void *arg, const struct store_real_view *view)
{
	struct discovery *discovery = arg;
	const struct inventory_service *service =
	    inventory_service(discovery->cluster, view->path.service);
	char text[PATH_TEXT_SIZE];

	if (service != NULL && inventory_real(service, view->path.real) != NULL)
		return ERR_OK;
	if (discovery->missing++ < MISSING_SHOWN_MAX)
		ctl_message(discovery->ctl, "%s: HAProxy has no such server",
		    path_text(&view->path, text));
	return ERR_OK;
}

/* Reports the rows of the cluster that HAProxy does not have; discover never removes a row. */
static enum ctl_exit
rows_check(struct discovery *discovery)
{
	struct ctl *ctl = discovery->ctl;
	enum err_code code;

	ctl->path_given = path_of(discovery->cluster->name, "", "");
	ctl->path = &ctl->path_given;
	code = store_each_real(ctl->store, ctl->path, row_check, discovery, &ctl->error);
	/* -n does not add a new cluster. */
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return ctl_finish(ctl, code);
	if (discovery->missing > 0)
		ctl_message(ctl, "rows that HAProxy does not have: %zu; 'lbclusterctl remove PATH'"
		    " removes one", discovery->missing);
	return CTL_OK;
}

static enum ctl_exit
inventory_write_or_load(struct discovery *discovery, const char *socket)
{
	struct ctl *ctl = discovery->ctl;
	enum ctl_exit status;

	if ((ctl->flags & CTL_LOAD) != 0) {
		status = cmd_load_inventory(ctl, discovery->inventory, socket);
		return status == CTL_OK ? rows_check(discovery) : status;
	}
	return inventory_write(discovery->inventory, ctl->out, &ctl->error) ? CTL_OK :
	    ctl_failure(ctl, "%s", ctl->error.text);
}

/* Reports a socket that is reachable from the network, or whose level forbids changes. */
static void
socket_report(struct ctl *ctl, const struct haproxy_view *view, const char *socket)
{
	const char *problem = haproxy_level_problem(view->level);
	struct haproxy_endpoint endpoint;
	char line[256];
	struct err err;

	if (haproxy_endpoint_parse(socket, &endpoint, &err) == ERR_OK && endpoint.remote)
		ctl_message(ctl, "%s: warning: the socket is reachable from the network: "
		    HAPROXY_REMOTE_RISK, socket);

	if (problem != NULL)
		ctl_message(ctl, "%s: %s; haproxy.cfg: %s", socket, problem,
		    haproxy_socket_line(socket, line, sizeof(line)));
}

static enum ctl_exit
discover(struct ctl *ctl, const char *name, const char *socket)
{
	struct discovery discovery = { .ctl = ctl, .srv_record = "" };
	enum ctl_exit status = CTL_OK;
	struct haproxy_view view;
	char *answer;

	if (haproxy_poll_wait(socket, TIMEOUT_MS, &answer, &view, &ctl->error) != ERR_OK)
		return ctl_failure(ctl, "%s", ctl->error.text);
	discovery.view = &view;
	socket_report(ctl, &view, socket);
	discovery.inventory = inventory_new();
	if ((ctl->flags & CTL_LOAD) != 0)
		status = ctl_open(ctl);
	if (status == CTL_OK && (discovery.inventory == NULL ||
	    !cluster_add(&discovery, name, socket) ||
	    !services_add(&discovery)))
		status = ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	else if (status == CTL_OK)
		status = inventory_write_or_load(&discovery, socket);
	if (discovery.left_out > 0) {
		ctl_message(ctl, "servers left out because of their names: %zu",
		    discovery.left_out);
		status = status == CTL_OK ? CTL_FAILURE : status;
	}
	inventory_free(discovery.inventory);
	haproxy_view_done(&view);
	free(answer);
	return status;
}

enum ctl_exit
cmd_discover(struct ctl *ctl)
{
	const char *name = ctl->cluster == NULL ? "haproxy" : ctl->cluster;
	enum ctl_exit status;
	char *socket;

	if (strcmp(ctl->operands[0], "haproxy") != 0)
		return ctl_usage(ctl, "%s: this data plane cannot be discovered; give haproxy",
		    ctl->operands[0]);
	if (!model_name_valid(name))
		return ctl_usage(ctl, "--cluster: invalid name %.80s; a name is 1 to %d of "
		    "A-Z a-z 0-9 - . _", name, MODEL_NAME_MAX);
	/* A dry run is of --load: without it nothing would be changed. */
	if ((ctl->flags & CTL_DRY_RUN) != 0)
		ctl->flags |= CTL_LOAD;
	/* The driver has another working directory. */
	socket = realpath(ctl->operands[1], NULL);
	status = discover(ctl, name, socket == NULL ? ctl->operands[1] : socket);
	free(socket);
	return status;
}
