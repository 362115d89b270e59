/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads an inventory file: the tables of its sections and options, and their checks.
 */
#include "ctl/inventory.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "model/address.h"
#include "plane/haproxy/haproxy_endpoint.h"
#include "util/memory.h"
#include "util/num.h"

enum { PARAMS_MAX = 2000 };

/* The depth of a section. */
enum { FILE_ROOT, CLUSTER, SERVICE, REAL };

/* The struct of the file itself. */
struct reading {
	struct inventory	*inventory;
	json_t			*params;	/* of the open cluster: name to list of strings */
};

static struct reading *
reading_of(struct conf *conf)
{
	return conf->open[FILE_ROOT].into;
}

/* -- options ------------------------------------------------------------------------ */

static void
set_plane(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	const struct plane_kind *kind = plane_kind_find(value);

	(void)option;
	if (kind == NULL)
		conf_error(conf, "plane \"%.64s\"%s is not one of %s", value, conf_place(conf),
		    plane_kind_names());
	else if (kind->driver == NULL && strcmp(value, "none") != 0)
		conf_error(conf, "plane %s%s: this version has no driver for it; write one of %s",
		    value, conf_place(conf), plane_kind_names());
	conf_keep(conf, into, value);
}

/* "" means no address. */
static void
set_address(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	struct err err;

	if (value[0] != '\0' && address_check(value, &err) != ERR_OK)
		conf_error(conf, "%s%s: %s", option->name, conf_place(conf), err.text);
	conf_keep(conf, into, value);
}

/* "" means no port. Leading zeros are not stored. */
static void
set_port(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	char text[MODEL_PORT_TEXT_MAX + 1] = "";
	uint64_t port = 0;

	if (value[0] != '\0' && num_parse(value, 1, UINT16_MAX, &port) != ERR_OK)
		conf_error(conf, "%s \"%.64s\"%s is not a whole number of 1 to %d", option->name,
		    value, conf_place(conf), UINT16_MAX);
	else if (value[0] != '\0')
		snprintf(text, sizeof(text), "%u", (unsigned int)port);
	conf_keep(conf, into, text);
}

static void
set_protocol(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	if (!protocol_parse(value, into))
		conf_error(conf, "%s \"%.64s\"%s is not one of tcp, udp, sctp, other", option->name,
		    value, conf_place(conf));
}

/* Adds a value to a parameter of the cluster's plane. */
static void
set_param(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	json_t *params = reading_of(conf)->params, *list = json_object_get(params, option->name);

	(void)into;
	if (list == NULL) {
		list = json_array();
		if (json_object_set_new(params, option->name, list) != 0) {
			conf->no_memory = true;
			return;
		}
	}
	if (json_array_append_new(list, json_string(value)) != 0)
		conf_error(conf, "%s%s is not UTF-8, which JSON requires", option->name,
		    conf_place(conf));
}

static void
set_socket(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	struct haproxy_endpoint endpoint;
	struct err err;

	if (haproxy_endpoint_parse(value, &endpoint, &err) != ERR_OK)
		conf_error(conf, "%s%s: %s", option->name, conf_place(conf), err.text);
	else if (endpoint.remote)
		diagnostics_warn(conf->diagnostics, conf->line,
		    "%s %s%s is reachable from the network: "
		    HAPROXY_REMOTE_RISK, option->name, value, conf_place(conf));
	set_param(conf, option, into, value);
}

static void
set_foreign_changes(struct conf *conf, const struct conf_option *option, void *into,
    const char *value)
{
	if (strcmp(value, "keep") != 0 && strcmp(value, "restore") != 0)
		conf_error(conf, "%s \"%.64s\"%s is not one of keep, restore", option->name, value,
		    conf_place(conf));
	set_param(conf, option, into, value);
	if (json_array_size(json_object_get(reading_of(conf)->params, option->name)) > 1)
		conf_error(conf, "%s%s has more than one value", option->name, conf_place(conf));
}

#define IN_CLUSTER(member) offsetof(struct inventory_cluster, member)
#define IN_SERVICE(member) offsetof(struct inventory_service, member)
#define IN_REAL(member) offsetof(struct inventory_real, member)

/* Parameters of planes name their plane in 'text'. */
static const struct conf_option cluster_options[] = {
	{ .name = "plane", .set = set_plane, .at = IN_CLUSTER(plane) },
	{ .name = "socket", .set = set_socket, .text = "haproxy", .list = true },
	{ .name = "foreign-changes", .set = set_foreign_changes, .text = "haproxy", .list = true },
};

static const struct conf_option service_options[] = {
	{ .name = "address", .set = set_address, .at = IN_SERVICE(address) },
	{ .name = "port", .set = set_port, .at = IN_SERVICE(port) },
	{ .name = "protocol", .set = set_protocol, .at = IN_SERVICE(protocol) },
};

static const struct conf_option real_options[] = {
	{ .name = "address", .set = set_address, .at = IN_REAL(address) },
	{ .name = "port", .set = set_port, .at = IN_REAL(port) },
	/* The end of the cluster checks the limit of the plane. */
	{ .name = "weight", .set = conf_number, .at = IN_REAL(weight), .max = MODEL_WEIGHT_MAX },
	{ .name = "fallback", .set = conf_bool, .at = IN_REAL(fallback) },
	{ .name = "enabled", .set = conf_bool, .at = IN_REAL(enabled) },
};

/* -- the start of a section ------------------------------------------------------------ */

/* 'first_line': of the first section with this name; 0: there is none. */
static void
check_name(struct conf *conf, const char *what, const char *name, int first_line)
{
	if (!model_name_valid(name))
		conf_error(conf, "name \"%.80s\" of a %s is not 1 to %d of A-Z a-z 0-9 - . _", name,
		    what, MODEL_NAME_MAX);
	if (first_line != 0)
		conf_error(conf, "%s is given twice, first at line %d", conf_path(conf),
		    first_line);
}

static void *
open_cluster(struct conf *conf, const char *name)
{
	struct reading *reading = reading_of(conf);
	const struct inventory_cluster *first = inventory_cluster(reading->inventory, name);
	struct inventory_cluster *cluster = inventory_add_cluster(reading->inventory, name);

	json_decref(reading->params);
	reading->params = json_object();
	if (cluster == NULL || reading->params == NULL)
		return NULL;
	cluster->line = conf->line;
	check_name(conf, "cluster", name, first == NULL ? 0 : first->line);
	return cluster;
}

static void *
open_service(struct conf *conf, const char *name)
{
	struct inventory_cluster *cluster = conf->open[CLUSTER].into;
	const struct inventory_service *first = inventory_service(cluster, name);
	struct inventory_service *service = inventory_add_service(reading_of(conf)->inventory,
	    cluster, name);

	if (service == NULL)
		return NULL;
	service->line = conf->line;
	check_name(conf, "service", name, first == NULL ? 0 : first->line);
	return service;
}

static void *
open_real(struct conf *conf, const char *name)
{
	struct inventory_service *service = conf->open[SERVICE].into;
	const struct inventory_real *first = inventory_real(service, name);
	struct inventory_real *real = inventory_add_real(reading_of(conf)->inventory, service,
	    name);

	if (real == NULL)
		return NULL;
	real->line = conf->line;
	check_name(conf, "real service", name, first == NULL ? 0 : first->line);
	return real;
}

/* -- the end of a section ---------------------------------------------------------------- */

static void
close_real(struct conf *conf)
{
	struct inventory_real *real = conf->open[REAL].into;
	const struct inventory_real *first = !real->fallback ? NULL :
	    inventory_fallback(conf->open[SERVICE].into);

	real->address_given = conf_line_of(conf, "address") != 0;
	real->port_given = conf_line_of(conf, "port") != 0;
	real->weight_line = conf_line_of(conf, "weight");
	real->fallback_line = conf_line_of(conf, "fallback");
	if (!real->address_given)
		diagnostics_warn(conf->diagnostics, real->line,
		    "%s has no address; an address in the store is kept", conf_path(conf));
	if (real->fallback && first != real)
		diagnostics_error(conf->diagnostics, real->fallback_line,
		    "%s is a second fallback of its service, after %.64s at line %d",
		    conf_path(conf), first->name, first->fallback_line);
	if (real->fallback && !real->enabled)
		diagnostics_warn(conf->diagnostics, real->fallback_line,
		    "%s is fallback but not enabled; it gets no traffic, and its service can "
		    "have no other fallback", conf_path(conf));
}

static void
close_service(struct conf *conf)
{
	struct inventory_service *service = conf->open[SERVICE].into;

	service->address_given = conf_line_of(conf, "address") != 0;
	service->port_given = conf_line_of(conf, "port") != 0;
	service->protocol_given = conf_line_of(conf, "protocol") != 0;
}

static void
check_weights(struct conf *conf, const struct inventory_cluster *cluster,
    const struct plane_kind *plane)
{
	for (struct inventory_service *service = cluster->services; service != NULL;
	    service = service->next) {
		for (struct inventory_real *real = service->reals; real != NULL;
		    real = real->next) {
			if (real->weight > plane->weight_max)
				diagnostics_error(conf->diagnostics, real->weight_line,
				    "weight %u of %s/%.64s/%.64s is above %u, the limit of "
				    "plane %s", real->weight, conf_path(conf), service->name,
				    real->name, plane->weight_max, plane->name);
		}
	}
}

/* Refuses parameters of other planes, and parameters that the store has no space for. */
static void
check_params(struct conf *conf, struct inventory_cluster *cluster)
{
	const json_t *params = reading_of(conf)->params;

	for (size_t i = 0; i < ROWS(cluster_options); i++) {
		const struct conf_option *option = &cluster_options[i];

		if (json_object_get(params, option->name) != NULL &&
		    strcmp(option->text, cluster->plane) != 0)
			diagnostics_error(conf->diagnostics, conf_line_of(conf, option->name),
			    "%s%s is not a parameter of plane %.64s", option->name,
			    conf_place(conf), cluster->plane);
	}
	if (!inventory_params_set(cluster, params))
		conf->no_memory = true;
	else if (strlen(cluster->params) > PARAMS_MAX)
		diagnostics_error(conf->diagnostics, cluster->line,
		    "the parameters of %s have more than %d bytes", conf_path(conf), PARAMS_MAX);
}

/* True if both texts name the same socket: "127.0.0.1:9999" and "ipv4@127.0.0.1:9999". */
static bool
is_same_socket(const json_t *one, const json_t *other)
{
	struct haproxy_endpoint a, b;

	return haproxy_endpoint_parse(json_string_value(one), &a, NULL) == ERR_OK &&
	    haproxy_endpoint_parse(json_string_value(other), &b, NULL) == ERR_OK &&
	    a.length == b.length && memcmp(&a.address, &b.address, a.length) == 0;
}

/* Refuses a socket that is named twice: its process would be counted twice in all sums. */
static void
check_sockets_differ(struct conf *conf, const json_t *sockets)
{
	for (size_t i = 1; i < json_array_size(sockets); i++) {
		for (size_t j = 0; j < i; j++) {
			if (!is_same_socket(json_array_get(sockets, i), json_array_get(sockets, j)))
				continue;
			diagnostics_error(conf->diagnostics, conf_line_of(conf, "socket"),
			    "%s names the socket %s twice", conf_path(conf),
			    json_string_value(json_array_get(sockets, i)));
			return;
		}
	}
}

static void
check_sockets(struct conf *conf)
{
	const json_t *sockets = json_object_get(reading_of(conf)->params, "socket");

	if (sockets == NULL)
		diagnostics_error(conf->diagnostics, conf_line_of(conf, "plane"),
		    "%s has plane haproxy and no socket; write socket = /run/haproxy/admin.sock",
		    conf_path(conf));
	else if (json_array_size(sockets) > HAPROXY_SOCKETS_MAX)
		diagnostics_error(conf->diagnostics, conf_line_of(conf, "socket"),
		    "%s names %zu sockets; a cluster has %d at most", conf_path(conf),
		    json_array_size(sockets), HAPROXY_SOCKETS_MAX);
	else
		check_sockets_differ(conf, sockets);
}

static void
close_cluster(struct conf *conf)
{
	struct inventory_cluster *cluster = conf->open[CLUSTER].into;
	const struct plane_kind *plane = plane_kind_find(cluster->plane);

	check_params(conf, cluster);
	if (strcmp(cluster->plane, "haproxy") == 0)
		check_sockets(conf);
	if (plane != NULL && plane->weight_max < MODEL_WEIGHT_MAX)
		check_weights(conf, cluster, plane);
}

/* -- the file --------------------------------------------------------------------------------- */

static const struct conf_section sections[] = {
	[FILE_ROOT] = { .name = "root" },
	[CLUSTER] = { .name = "cluster", .options = cluster_options,
	    .n_options = ROWS(cluster_options), .open = open_cluster, .close = close_cluster },
	[SERVICE] = { .name = "service", .options = service_options,
	    .n_options = ROWS(service_options), .open = open_service, .close = close_service },
	[REAL] = { .name = "real", .options = real_options, .n_options = ROWS(real_options),
	    .open = open_real, .close = close_real },
};

enum err_code
inventory_read(const char *file, struct inventory **ret, struct diagnostics *diagnostics,
    struct err *err)
{
	struct reading reading = { .inventory = inventory_new() };
	enum err_code code;

	*diagnostics = (struct diagnostics){ .file = file };
	if (reading.inventory == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory", file);
	code = conf_read(file, sections, ROWS(sections), &reading, diagnostics, err);
	json_decref(reading.params);
	if (code == ERR_OK)
		*ret = reading.inventory;
	else
		inventory_free(reading.inventory);
	return code;
}
