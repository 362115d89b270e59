/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Rows of plane ipvs for the sources of discover: names, parameters, and the rows that load would
 * refuse.
 */
#include "ctl/discover.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/address.h"
#include "plane/ipvs/ipvs_owned.h"
#include "util/memory.h"
#include "util/text.h"

/* -- messages ---------------------------------------------------------------------------- */

void
discover_message(const struct discovery *discovery, int line, const char *fmt, ...)
{
	FILE *file = discovery->ctl->err;
	va_list ap;

	if (discovery->silent)
		return;
	if (line > 0)
		fprintf(file, "%s:%d: ", discovery->from, line);
	else
		fputs("lbclusterctl: ", file);
	va_start(ap, fmt);
	text_line_vprint(file, fmt, ap);
	va_end(ap);
}

/* -- names ------------------------------------------------------------------------------- */

static const char *
address_text(const struct ipvs_address *address, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(address->family, address->bytes, buf, INET6_ADDRSTRLEN) == NULL ? "" :
	    buf;
}

static void
colons_replace(char *name)
{
	for (; *name != '\0'; name++)
		if (*name == ':')
			*name = '-';
}

static enum protocol
protocol_of(const struct ipvs_key *key)
{
	return key->fwmark != 0 || key->protocol == IPPROTO_TCP ? PROTOCOL_TCP :
	    key->protocol == IPPROTO_UDP ? PROTOCOL_UDP :
	    key->protocol == IPPROTO_SCTP ? PROTOCOL_SCTP : PROTOCOL_OTHER;
}

static void
service_name_write(const struct ipvs_key *key, char name[MODEL_NAME_MAX + 1])
{
	char address[INET6_ADDRSTRLEN];

	if (key->fwmark != 0)
		snprintf(name, MODEL_NAME_MAX + 1, "fwmark-%u-%s", key->fwmark,
		    key->address.family == AF_INET ? "ipv4" : "ipv6");
	else
		snprintf(name, MODEL_NAME_MAX + 1, "%s-%s-%u", protocol_name(protocol_of(key)),
		    address_text(&key->address, address), key->port);
	colons_replace(name);
}

static void
real_name_write(const struct ipvs_address *address, uint16_t port,
    char name[MODEL_NAME_MAX + 1])
{
	char text[INET6_ADDRSTRLEN];

	snprintf(name, MODEL_NAME_MAX + 1, "%s-%u", address_text(address, text), port);
	colons_replace(name);
}

/* -- rows of the store ---------------------------------------------------------------------- */

/* True if a row has the address and port; without a port it has 'otherwise'. */
static bool
has_endpoint(const char *address, const char *port, uint16_t otherwise,
    const struct ipvs_address *wanted, uint16_t wanted_port)
{
	struct ipvs_address have;

	return ipvs_address_parse(address, &have) && ipvs_endpoint_compare(&have,
	    port[0] == '\0' ? otherwise : address_port(port), wanted, wanted_port) == 0;
}

/* True if a row of the store is the service of IPVS. */
static bool
has_key(const struct inventory_service *service, const struct ipvs_key *key)
{
	struct params params;
	struct err err;

	if (key->fwmark == 0)
		return service->protocol == protocol_of(key) && has_endpoint(service->address,
		    service->port, 0, &key->address, key->port);
	return params_service("ipvs", service->params, service->protocol, &params, &err) ==
	    ERR_OK && params.fwmark == key->fwmark &&
	    (params.family == PARAM_IPV6) == (key->address.family == AF_INET6);
}

const struct inventory_cluster *
discover_cluster_stored(const struct discovery *discovery)
{
	return discovery->stored == NULL ? NULL :
	    inventory_cluster(discovery->stored, discovery->cluster->name);
}

static const struct inventory_service *
service_of_key(const struct inventory_cluster *cluster, const struct ipvs_key *key)
{
	const struct inventory_service *service = cluster == NULL ? NULL : cluster->services;

	while (service != NULL && !has_key(service, key))
		service = service->next;
	return service;
}

const struct inventory_service *
discover_service_stored(const struct discovery *discovery, const struct ipvs_key *key)
{
	return service_of_key(discover_cluster_stored(discovery), key);
}

const struct inventory_cluster *
discover_other_cluster(const struct discovery *discovery, const struct ipvs_key *key)
{
	const struct inventory_cluster *cluster =
	    discovery->stored == NULL ? NULL : discovery->stored->clusters;

	while (cluster != NULL && (strcmp(cluster->plane, "ipvs") != 0 ||
	    strcmp(cluster->name, discovery->cluster->name) == 0 ||
	    service_of_key(cluster, key) == NULL))
		cluster = cluster->next;
	return cluster;
}

const struct inventory_real *
discover_real_stored(const struct inventory_service *service, const struct ipvs_address *address,
    uint16_t port)
{
	const struct inventory_real *real = service == NULL ? NULL : service->reals;

	while (real != NULL && !has_endpoint(real->address, real->port,
	    address_port(service->port), address, port))
		real = real->next;
	return real;
}

/* -- rows -------------------------------------------------------------------------------- */

static bool
endpoint_set(const struct ipvs_address *address, uint16_t port, char **ret_address,
    char **ret_port)
{
	char address_buf[INET6_ADDRSTRLEN], port_buf[MODEL_PORT_TEXT_MAX + 1] = "";

	if (port != 0)
		snprintf(port_buf, sizeof(port_buf), "%u", port);
	return memory_string_assign(ret_address, address_text(address, address_buf)) &&
	    memory_string_assign(ret_port, port_buf);
}

struct inventory_service *
discover_service_add(struct discovery *discovery, const struct ipvs_key *key,
    const struct inventory_service *stored)
{
	struct inventory_service *service;
	char name[MODEL_NAME_MAX + 1];

	service_name_write(key, name);
	service = inventory_add_service(discovery->inventory, discovery->cluster,
	    stored == NULL ? name : stored->name);
	if (service == NULL)
		return NULL;
	service->protocol = protocol_of(key);
	service->address_given = service->port_given = service->protocol_given = stored == NULL;
	service->params_given = true;
	return key->fwmark != 0 ||
	    endpoint_set(&key->address, key->port, &service->address, &service->port) ?
	    service : NULL;
}

struct inventory_real *
discover_real_add(struct discovery *discovery, struct inventory_service *service,
    const struct ipvs_address *address, uint16_t port, const struct inventory_real *stored)
{
	struct inventory_real *real;
	char name[MODEL_NAME_MAX + 1];

	real_name_write(address, port, name);
	real = inventory_add_real(discovery->inventory, service,
	    stored == NULL ? name : stored->name);
	if (real == NULL)
		return NULL;
	real->address_given = real->port_given = stored == NULL;
	real->params_given = true;
	return endpoint_set(address, port, &real->address, &real->port) ? real : NULL;
}

/* -- stored rows that the kernel lacks ------------------------------------------------------ */

bool
discover_real_is_out(const struct inventory_service *service, const struct inventory_real *real)
{
	return !service->enabled || !real->enabled || real->fallback;
}

/* True if lbcluster-ipvs makes the service in the kernel. Then the kernel lacks the real services
 * that lbcluster-ipvs left out, as after a failed check. */
static bool
is_owned(const struct ipvs_owned *owned, const struct inventory_service *service)
{
	for (size_t i = 0; i < owned->n; i++) {
		if (has_key(service, &owned->keys[i]))
			return true;
	}
	return false;
}

/* The copy has no address, port and parameters: merge keeps those of the store. */
static bool
absent_real_add(struct discovery *discovery, struct inventory_service *service,
    const struct inventory_real *stored)
{
	struct inventory_real *real = inventory_add_real(discovery->inventory, service,
	    stored->name);

	if (real == NULL)
		return false;
	real->weight = stored->weight;
	real->fallback = stored->fallback;
	real->enabled = stored->enabled;
	return true;
}

static bool
absent_service_add(struct discovery *discovery, const struct ipvs_owned *owned,
    const struct inventory_service *stored)
{
	struct inventory_service *service = inventory_service(discovery->cluster, stored->name);
	bool kept = is_owned(owned, stored);
	const struct inventory_real *real;

	if (service == NULL && (kept || !stored->enabled)) {
		service = inventory_add_service(discovery->inventory, discovery->cluster,
		    stored->name);
		if (service == NULL)
			return false;
		service->enabled = stored->enabled;
	}
	for (real = stored->reals; service != NULL && real != NULL; real = real->next) {
		if (inventory_real(service, real->name) == NULL &&
		    (kept || discover_real_is_out(stored, real)) &&
		    !absent_real_add(discovery, service, real))
			return false;
	}
	return true;
}

bool
discover_absent_add(struct discovery *discovery)
{
	const struct inventory_cluster *cluster = discover_cluster_stored(discovery);
	const struct inventory_service *service = cluster == NULL ? NULL : cluster->services;
	struct ipvs_owned owned = { 0 };
	struct err err;
	bool ok = true;

	/* Without the file lbcluster-ipvs owns nothing. */
	if (cluster != NULL && ipvs_owned_read(ipvs_directory(), cluster->id, &owned, &err) !=
	    ERR_OK) {
		discover_message(discovery, 0, "%s; left out", err.text);
		discovery->left_out++;
	}
	for (; service != NULL && ok; service = service->next)
		ok = absent_service_add(discovery, &owned, service);
	ipvs_owned_done(&owned);
	return ok;
}

/* -- parameters -------------------------------------------------------------------------- */

enum err_code
discover_param_add(json_t *params, enum param_depth depth, const char *name, const char *value,
    struct err *err)
{
	const struct param_key *key = param_key_find(depth, name);
	enum err_code code = param_parse(key, value, NULL, err);

	if (code != ERR_OK) {
		err_prefix(err, "%s ", name);
		return code;
	}
	return param_json_add(key, depth, value, params) ? ERR_OK :
	    err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
}

bool
discover_params_set(char **text, const json_t *params)
{
	return json_object_size(params) == 0 || inventory_params_set(text, params);
}

int
discover_prefix_length(uint32_t netmask)
{
	int length = 0;

	while (length < 32 && (netmask & 1u << (31 - length)) != 0)
		length++;
	return length == 32 || netmask << length == 0 ? length : -1;
}

/* -- rows that load would refuse ----------------------------------------------------------- */

/* Rows with a broken rule, in the order of the reports. */
struct broken {
	struct discovery	*discovery;
	struct broken_row {
		struct inventory_service	*service;
		struct inventory_real		*real;	/* NULL: the service */
	}			*rows;
	size_t			 n, room;
	bool			 no_memory;
};

static void
on_broken_rule(void *arg, const struct rules_service *rules_service,
    const struct rules_real *rules_real, const char *text)
{
	struct inventory_service *service = rules_service->owner;
	struct inventory_real *real = rules_real == NULL ? NULL : rules_real->owner;
	struct broken *broken = arg;
	struct broken_row *rows = memory_array_reserve(broken->rows, broken->n, &broken->room,
	    sizeof(*rows));

	discover_message(broken->discovery, real == NULL ? service->line : real->line,
	    "%s; left out", text);
	if (rows == NULL) {
		broken->no_memory = true;
		return;
	}
	broken->rows = rows;
	rows[broken->n++] = (struct broken_row){ service, real };
}

/* True if an earlier report has removed the row or its service. */
static bool
is_removed(const struct broken *broken, size_t at)
{
	const struct broken_row *row = &broken->rows[at];

	for (size_t i = 0; i < at; i++) {
		const struct broken_row *before = &broken->rows[i];

		if (before->service == row->service &&
		    (before->real == NULL || before->real == row->real))
			return true;
	}
	return false;
}

bool
discover_rows_judge(struct discovery *discovery)
{
	struct broken broken = { .discovery = discovery };
	bool ok = inventory_judge(discovery->inventory, on_broken_rule, &broken, NULL) == ERR_OK &&
	    !broken.no_memory;

	for (size_t i = 0; i < broken.n && ok; i++) {
		const struct broken_row *row = &broken.rows[i];

		if (is_removed(&broken, i))
			continue;
		if (row->real != NULL)
			inventory_remove_real(discovery->inventory, row->service, row->real);
		else
			inventory_remove_service(discovery->inventory, discovery->cluster,
			    row->service);
		discovery->left_out++;
	}
	free(broken.rows);
	return ok;
}
