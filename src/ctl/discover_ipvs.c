/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The source ipvs of the command discover: virtual services and destinations of the kernel. Rows
 * have the settings of the kernel, so that a driver that adopts the services changes nothing.
 */
#include "ctl/discover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plane/ipvs/ipvs_failure.h"
#include "plane/ipvs/ipvs_table.h"
#include "util/memory.h"

enum { TIMEOUT_MS = 5000 };

/* A service of the kernel and its row. */
struct found {
	struct discovery		*discovery;
	const struct ipvs_entry		*entry;
	struct inventory_service	*service;
	const struct inventory_service	*stored;	/* its row of the store, or NULL */
	uint32_t			 forward;	/* the default of its real services */
};

/* The parameters that IPVS has. A row of the store keeps its other ones. */
static const char *const ipvs_params[] = { "scheduler", "forward", "persistence",
	"persistence-mask", "fwmark", "family", "one-packet", "hash-port", "max-connections",
	"min-connections" };

/* -- messages ----------------------------------------------------------------------------- */

/* Reports a service, or a destination of it, that has no row because of 'why'. */
static void
leave_out(const struct found *found, const struct ipvs_dest *dest, const char *why)
{
	char service[IPVS_KEY_TEXT_SIZE], endpoint[IPVS_KEY_TEXT_SIZE];

	ipvs_key_text(&found->entry->service.key, service);
	if (dest == NULL)
		discover_message(found->discovery, 0, "IPVS: %s: %s; left out", service, why);
	else
		discover_message(found->discovery, 0, "IPVS: %s to %s: %s; left out", service,
		    ipvs_endpoint_text(&dest->address, dest->port, endpoint), why);
	found->discovery->left_out++;
}

static void
remark(const struct found *found, const char *text)
{
	char service[IPVS_KEY_TEXT_SIZE];

	discover_message(found->discovery, 0, "IPVS: %s: %s",
	    ipvs_key_text(&found->entry->service.key, service), text);
}

/* -- parameters ------------------------------------------------------------------------------ */

static bool
is_of_ipvs(const char *name)
{
	for (size_t i = 0; i < ROWS(ipvs_params); i++) {
		if (strcmp(ipvs_params[i], name) == 0)
			return true;
	}
	return false;
}

/* Replaces the parameters that IPVS does not have by those of the stored row. 'stored' is NULL
 * without a row. False without memory. */
static bool
params_keep(json_t *params, const char *stored)
{
	json_t *object = stored == NULL || stored[0] == '\0' ? NULL : json_loads(stored, 0, NULL);
	const char *name;
	json_t *value;
	bool ok = true;

	if (stored != NULL)
		json_object_del(params, "check");
	json_object_foreach(object, name, value) {
		if (!is_of_ipvs(name))
			ok &= json_object_set(params, name, value) == 0;
	}
	json_decref(object);
	return ok;
}

/* -- a destination -------------------------------------------------------------------------- */

static const char *
forward_name(uint32_t forward)
{
	switch (forward) {
	case IP_VS_CONN_F_MASQ: return "nat";
	case IP_VS_CONN_F_DROUTE: return "dr";
	case IP_VS_CONN_F_TUNNEL: return "tunnel";
	default: return NULL;
	}
}

/* Returns what of a destination no row can express; NULL if a row can. */
static const char *
dest_problem(const struct ipvs_entry *entry, const struct ipvs_dest *dest)
{
	if (forward_name(dest->forward) == NULL)
		return "its forwarding method is none of nat, dr and tunnel";
	if (dest->forward == IP_VS_CONN_F_TUNNEL &&
	    dest->tunnel_type != IP_VS_CONN_F_TUNNEL_TYPE_IPIP)
		return "its tunnel is not of the type ipip";
	if (dest->weight > MODEL_WEIGHT_MAX)
		return "its weight is above 65535; set a lower one with ipvsadm -e";
	if (dest->port == 0 && entry->service.key.fwmark == 0)
		return "its port is 0; add it with the port of the service, then remove this one";
	return NULL;
}

static enum err_code
threshold_add(json_t *params, const char *name, uint32_t value, struct err *err)
{
	char text[PARAM_TEXT_SIZE];

	snprintf(text, sizeof(text), "%u", value);
	return discover_param_add(params, PARAM_REAL, name, text, err);
}

static enum err_code
dest_params(const struct found *found, const struct ipvs_dest *dest, json_t *params,
    struct err *err)
{
	enum err_code code = ERR_OK;

	if (dest->forward != found->forward)
		code = discover_param_add(params, PARAM_REAL, "forward",
		    forward_name(dest->forward), err);
	if (code == ERR_OK)
		code = threshold_add(params, "max-connections", dest->upper, err);
	if (code == ERR_OK)
		code = threshold_add(params, "min-connections", dest->lower, err);
	return code;
}

/* A row has the weight of the kernel and its stored fallback, which IPVS does not have. lbcluster
 * gives weight 0 to a destination that drains. */
static void
settings_choose(const struct found *found, const struct ipvs_dest *dest,
    const struct inventory_real *stored, struct inventory_real *real)
{
	real->weight = dest->weight;
	if (stored == NULL)
		return;
	real->fallback = stored->fallback;
	if (dest->weight > 0 || !discover_real_is_out(found->service, stored))
		return;
	real->weight = stored->weight;
	real->enabled = stored->enabled;
}

static bool
dest_add(const struct found *found, const struct ipvs_dest *dest)
{
	const struct inventory_real *stored = discover_real_stored(found->stored, &dest->address,
	    dest->port);
	const char *problem = dest_problem(found->entry, dest);
	json_t *params = json_object();
	struct inventory_real *real;
	struct err err;
	bool ok = true;

	if (problem != NULL)
		leave_out(found, dest, problem);
	else if (dest_params(found, dest, params, &err) == ERR_INVALID)
		leave_out(found, dest, err.text);
	else {
		real = discover_real_add(found->discovery, found->service, &dest->address,
		    dest->port, stored);
		ok = params != NULL && real != NULL &&
		    params_keep(params, stored == NULL ? NULL : stored->params) &&
		    discover_params_set(&real->params, params);
		if (ok)
			settings_choose(found, dest, stored, real);
	}
	json_decref(params);
	return ok;
}

/* -- a service ---------------------------------------------------------------------------- */

static bool
hashes(const struct ipvs_service *service)
{
	return strcmp(service->scheduler, "sh") == 0 || strcmp(service->scheduler, "mh") == 0;
}

static bool
has_port_everywhere(const struct ipvs_entry *entry)
{
	for (size_t i = 0; i < entry->n && entry->service.key.fwmark != 0; i++) {
		if (entry->dests[i].port == 0)
			return false;
	}
	return true;
}

/* Returns what of a service no row can express; NULL if a row can. */
static const char *
service_problem(const struct ipvs_service *service)
{
	const uint32_t known = IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET |
	    (hashes(service) ? IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 : 0);

	if (service->engine[0] != '\0')
		return "it has a persistence engine, which lbcluster does not set";
	if ((service->flags & ~known) != 0)
		return "it has a flag of the scheduler that lbcluster does not set";
	if ((service->flags & IP_VS_SVC_F_PERSISTENT) != 0 &&
	    service->key.address.family == AF_INET &&
	    discover_prefix_length(service->netmask) == -1)
		return "its netmask of persistence is not a prefix";
	return NULL;
}

/* Writes the bits of the netmask of persistence; "" if it has all bits. */
static void
prefix_write(const struct ipvs_service *service, char text[PARAM_TEXT_SIZE])
{
	bool is_ipv4 = service->key.address.family == AF_INET;
	int bits = is_ipv4 ? discover_prefix_length(service->netmask) : (int)service->netmask;

	text[0] = '\0';
	if (bits != (is_ipv4 ? 32 : 128))
		snprintf(text, PARAM_TEXT_SIZE, "%d", bits);
}

/* A parameter of a service; one whose value is NULL or "" is not given. */
struct value {
	const char	*name, *value;
};

static enum err_code
service_params(const struct found *found, json_t *params, struct err *err)
{
	const struct ipvs_service *service = &found->entry->service;
	bool persists = (service->flags & IP_VS_SVC_F_PERSISTENT) != 0;
	enum err_code code;
	char timeout[PARAM_TEXT_SIZE] = "", bits[PARAM_TEXT_SIZE] = "", mark[PARAM_TEXT_SIZE] = "";

	if (persists) {
		snprintf(timeout, sizeof(timeout), "%u", service->timeout_s);
		prefix_write(service, bits);
	}
	if (service->key.fwmark != 0)
		snprintf(mark, sizeof(mark), "%u", service->key.fwmark);
	const struct value values[] = {
		{ "scheduler", service->scheduler },
		{ "forward", forward_name(found->forward) },
		{ "persistence", timeout },
		{ "persistence-mask", bits },
		{ "fwmark", mark },
		{ "family", mark[0] == '\0' || service->key.address.family == AF_INET ? "" :
		    "ipv6" },
		{ "one-packet", (service->flags & IP_VS_SVC_F_ONEPACKET) != 0 ? "yes" : "" },
		{ "hash-port", hashes(service) && (service->flags & IP_VS_SVC_F_SCHED2) != 0 ?
		    "yes" : "" },
		/* It is the default, but a person should see that checks will begin. */
		{ "check", !has_port_everywhere(found->entry) ? "none" :
		    found->service->protocol == PROTOCOL_TCP ? "connect" : "" },
	};
	for (size_t i = 0; i < ROWS(values); i++) {
		const char *value = values[i].value;

		if (value != NULL && value[0] != '\0' && (code = discover_param_add(params,
		    PARAM_SERVICE, values[i].name, value, err)) != ERR_OK)
			return code;
	}
	return ERR_OK;
}

/* Reports what differs between the service and what lbcluster will make of it. */
static void
service_remarks(const struct found *found)
{
	const struct ipvs_service *service = &found->entry->service;

	if (hashes(service) && (service->flags & IP_VS_SVC_F_SCHED1) == 0)
		remark(found, "lbcluster will set the flag fallback of its scheduler, without "
		    "which clients of a server with weight 0 are refused");
	if (!has_port_everywhere(found->entry) && found->stored == NULL)
		remark(found, "its destinations have no port, so the inventory has check = none; "
		    "write check and check-port");
}

/* Returns the method of a stored service, or that of the first destination. */
static uint32_t
forward_of(const struct ipvs_entry *entry, const struct inventory_service *stored)
{
	static const uint32_t methods[] = { [PARAM_NAT] = IP_VS_CONN_F_MASQ,
	    [PARAM_DR] = IP_VS_CONN_F_DROUTE, [PARAM_TUNNEL] = IP_VS_CONN_F_TUNNEL };
	struct params params;
	struct err err;

	if (stored != NULL && params_service("ipvs", stored->params, stored->protocol, &params,
	    &err) == ERR_OK)
		return methods[params.forward];
	for (size_t i = 0; i < entry->n; i++) {
		if (forward_name(entry->dests[i].forward) != NULL)
			return entry->dests[i].forward;
	}
	return IP_VS_CONN_F_MASQ;
}

static bool
serves(const struct ipvs_entry *entry)
{
	for (size_t i = 0; i < entry->n; i++) {
		if (entry->dests[i].weight > 0)
			return true;
	}
	return false;
}

static bool
service_add(struct found *found)
{
	json_t *params = json_object();
	struct err err = { .code = ERR_OK };
	bool ok = true;

	found->service = discover_service_add(found->discovery, &found->entry->service.key,
	    found->stored);
	if (found->service != NULL && found->stored != NULL)
		found->service->enabled = found->stored->enabled || serves(found->entry);
	/* A mark has no protocol; only UDP has one-packet. */
	if (found->service != NULL && (found->entry->service.flags & IP_VS_SVC_F_ONEPACKET) != 0 &&
	    found->entry->service.key.fwmark != 0)
		found->service->protocol = PROTOCOL_UDP;
	if (found->service == NULL || params == NULL ||
	    service_params(found, params, &err) == ERR_NOMEM)
		ok = false;
	else if (err.code == ERR_INVALID) {
		leave_out(found, NULL, err.text);
		inventory_remove_service(found->discovery->inventory, found->discovery->cluster,
		    found->service);
		found->service = NULL;
	} else
		ok = params_keep(params, found->stored == NULL ? NULL : found->stored->params) &&
		    discover_params_set(&found->service->params, params);
	json_decref(params);
	return ok;
}

static bool
entry_add(struct discovery *discovery, const struct ipvs_entry *entry)
{
	const struct inventory_service *stored = discover_service_stored(discovery,
	    &entry->service.key);
	struct found found = { .discovery = discovery, .entry = entry, .stored = stored,
	    .forward = forward_of(entry, stored) };
	const struct inventory_cluster *other = discover_other_cluster(discovery,
	    &entry->service.key);
	const char *problem = service_problem(&entry->service);

	if (other != NULL)
		return true;
	if (problem != NULL) {
		leave_out(&found, NULL, problem);
		return true;
	}
	if (!service_add(&found))
		return false;
	if (found.service == NULL)
		return true;
	service_remarks(&found);
	for (size_t i = 0; i < entry->n; i++) {
		if (!dest_add(&found, &entry->dests[i]))
			return false;
	}
	return true;
}

/* -- the source ----------------------------------------------------------------------------- */

static bool
ipvs_rows_add(struct discovery *discovery)
{
	const struct ipvs_table *table = discovery->state;

	for (size_t i = 0; i < table->n; i++) {
		if (!entry_add(discovery, &table->entries[i]))
			return false;
	}
	return discover_rows_judge(discovery) && discover_absent_add(discovery);
}

static void
ipvs_done(struct discovery *discovery)
{
	ipvs_table_done(discovery->state);
	free(discovery->state);
}

static enum err_code
ipvs_read(struct discovery *discovery, struct err *err)
{
	struct ipvs_table *table = calloc(1, sizeof(*table));
	char message[MODEL_MESSAGE_MAX + 1];
	int error;

	if (table == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	discovery->state = table;
	error = ipvs_table_read(table, TIMEOUT_MS);
	if (error == 0)
		return ERR_OK;
	ipvs_done(discovery);
	if (error == EPERM)
		return err_set(err, ERR_IO, "IPVS: %s; run this command as root, or with the "
		    "capability CAP_NET_ADMIN", strerror(error));
	ipvs_failure(NULL, error, message);
	return err_set(err, ERR_IO, "%s", message);
}

const struct discover_source discover_ipvs = {
	.name = "ipvs", .plane = "ipvs", .cluster = "ipvs", .title = "IPVS", .keeps_names = true,
	.read = ipvs_read, .rows_add = ipvs_rows_add, .done = ipvs_done,
};
