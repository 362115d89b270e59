/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command discover: an inventory of what a running HAProxy has, written as a
 * file or loaded at once.
 */
#include "ctl/ctl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/inventory.h"
#include "plane/haproxy.h"
#include "util/memory.h"

enum { TIMEOUT_MS = 5000 };

struct discovery {
	struct ctl			*ctl;
	const struct haproxy_view	*view;
	struct inventory		*inventory;
	struct inventory_cluster	*cluster;
};

/* -- a server ------------------------------------------------------------------------ */

/* "10.0.0.1:80", "[2001:db8::1]:80" and a host name in its parts; port 0 is none. */
static bool
address_take(struct inventory_real *real, const struct haproxy_server *server)
{
	const char *colon = strrchr(server->address, ':');
	size_t length = colon == NULL ? strlen(server->address) :
	    (size_t)(colon - server->address);
	const char *start = server->address;
	char *address;
	bool ok;

	if (length > 1 && start[0] == '[' && start[length - 1] == ']') {
		start++;
		length -= 2;
	}
	address = strndup(start, length);
	ok = address != NULL &&
	    memory_text_set(&real->address, server->fqdn[0] != '\0' ? server->fqdn : address) &&
	    memory_text_set(&real->port,
		colon != NULL && strcmp(colon, ":0") != 0 ? colon + 1 : "");
	free(address);
	return ok;
}

static bool
server_add(struct discovery *discovery, struct inventory_service *service,
    const struct haproxy_server *server)
{
	const uint32_t forced = HAPROXY_FORCED_MAINT | HAPROXY_FORCED_DRAIN;
	const char *names[] = { discovery->cluster->name, service->name, server->name };
	struct inventory_real *real;

	if (!model_name_valid(server->name)) {
		ctl_say(discovery->ctl, "%s/%s/%.80s: left out: its name is not 1 to %d of"
		    " A-Z a-z 0-9 - . _", names[0], names[1], names[2], MODEL_NAME_MAX);
		return true;
	}
	real = inventory_add_real(discovery->inventory, service, server->name);
	if (real == NULL || !address_take(real, server))
		return false;
	real->weight = server->weight;
	real->enabled = (server->admin_state & forced) == 0;
	if (server->backup && inventory_fallback(service) != NULL)
		ctl_say(discovery->ctl, "%s/%s/%s: a backup in HAProxy, not told as fallback:"
		    " a service has one", names[0], names[1], names[2]);
	else
		real->fallback = server->backup;
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
		if (service == NULL)
			service = inventory_add_service(discovery->inventory,
			    discovery->cluster, name);
		if (service == NULL || !server_add(discovery, service, server))
			return false;
	}
	return true;
}

static bool
services_add(struct discovery *discovery)
{
	for (size_t i = 0; i < discovery->view->n_backends; i++) {
		const char *name = discovery->view->backends[i].name;

		if (!model_name_valid(name))
			ctl_say(discovery->ctl, "%s/%.80s: left out: its name is not 1 to %d of"
			    " A-Z a-z 0-9 - . _", discovery->cluster->name, name, MODEL_NAME_MAX);
		else if (!service_add(discovery, name))
			return false;
	}
	return true;
}

static bool
cluster_add(struct discovery *discovery, const char *name, const char *socket)
{
	json_t *params = json_pack("{s:[s]}", "socket", socket);
	char *text = params == NULL ? NULL : json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(params);
	discovery->cluster = inventory_add_cluster(discovery->inventory, name);
	if (discovery->cluster == NULL || text == NULL) {
		free(text);
		return false;
	}
	free(discovery->cluster->params);
	discovery->cluster->params = text;
	return memory_text_set(&discovery->cluster->plane, "haproxy");
}

/* -- the command ------------------------------------------------------------------------ */

static enum ctl_exit
inventory_out(struct ctl *ctl, struct inventory *inventory, const char *socket)
{
	struct err err;

	if ((ctl->flags & CTL_LOAD) != 0)
		return ctl_load_inventory(ctl, inventory, socket);
	return inventory_write(inventory, ctl->out, &err) ? CTL_OK :
	    ctl_failure(ctl, "%s", err.text);
}

static enum ctl_exit
discover(struct ctl *ctl, const char *name, const char *socket)
{
	struct discovery discovery = { .ctl = ctl };
	enum ctl_exit status = CTL_OK;
	struct haproxy_view view;
	struct err err;
	char *answer;

	if (haproxy_look_now(socket, TIMEOUT_MS, &answer, &view, &err) != ERR_OK)
		return ctl_failure(ctl, "%s", err.text);
	discovery.view = &view;
	discovery.inventory = inventory_new();
	if (discovery.inventory == NULL || !cluster_add(&discovery, name, socket) ||
	    !services_add(&discovery))
		status = ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	else
		status = inventory_out(ctl, discovery.inventory, socket);
	inventory_free(discovery.inventory);
	haproxy_view_done(&view);
	free(answer);
	return status;
}

enum ctl_exit
ctl_discover(struct ctl *ctl, char **operands, int n)
{
	const char *name = ctl->cluster == NULL ? "haproxy" : ctl->cluster;
	enum ctl_exit status;
	char *socket;

	(void)n;
	if (strcmp(operands[0], "haproxy") != 0)
		return ctl_usage(ctl, "%s: nothing that can be discovered: haproxy", operands[0]);
	if (!model_name_valid(name))
		return ctl_usage(ctl, "--cluster %.80s: a name is 1 to %d of A-Z a-z 0-9 - . _",
		    name, MODEL_NAME_MAX);
	if (ctl->format == OUT_JSON && (ctl->flags & CTL_LOAD) == 0)
		return ctl_usage(ctl, "discover writes an inventory file, not JSON");
	/* The inventory is for a program that runs elsewhere. */
	socket = realpath(operands[1], NULL);
	status = discover(ctl, name, socket == NULL ? operands[1] : socket);
	free(socket);
	return status;
}
