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
#include "ctl/path_hint.h"
#include "model/address.h"
#include "plane/haproxy/haproxy_endpoint.h"
#include "plane/params.h"
#include "util/memory.h"
#include "util/num.h"

/* The depth of a section. */
enum { FILE_ROOT, CLUSTER, SERVICE, REAL, DEPTHS };

/* A parameter in the open cluster, for the check against the plane, which a later line may name. */
struct given {
	const struct param_key		*key;
	const struct inventory_service	*service;	/* NULL: of the cluster */
	const struct inventory_real	*real;		/* NULL: of the cluster or service */
	int				 line;
};

/* The struct of the file itself. */
struct reading {
	struct inventory	*inventory;
	json_t			*params[DEPTHS];	/* of the open sections; NULL: none yet */
	struct given		*given;
	size_t			 n_given, given_room;
	struct conf_option	 options[DEPTHS][CONF_OPTIONS_MAX];
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
	char names[PLANE_KIND_NAMES_SIZE];

	(void)option;
	if (plane_kind_find(value) == NULL)
		conf_error(conf, "plane \"%.64s\"%s is not one of %s", value, conf_place(conf),
		    plane_kind_names(names));
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

/* -- parameters --------------------------------------------------------------------- */

static enum param_depth
param_depth_of(size_t depth)
{
	return depth == CLUSTER ? PARAM_CLUSTER : depth == SERVICE ? PARAM_SERVICE : PARAM_REAL;
}

static bool
given_add(struct conf *conf, const struct param_key *key)
{
	struct reading *reading = reading_of(conf);
	struct given *given = memory_array_reserve(reading->given, reading->n_given,
	    &reading->given_room, sizeof(*given));

	if (given == NULL)
		return false;
	reading->given = given;
	given[reading->n_given++] = (struct given){ .key = key, .line = conf->line,
	    .service = conf->depth >= SERVICE ? conf->open[SERVICE].into : NULL,
	    .real = conf->depth >= REAL ? conf->open[REAL].into : NULL };
	return true;
}

static void
check_socket(struct conf *conf, const struct conf_option *option, const char *value)
{
	struct haproxy_endpoint endpoint;
	struct err err;

	if (haproxy_endpoint_parse(value, &endpoint, &err) != ERR_OK)
		conf_error(conf, "%s%s: %s", option->name, conf_place(conf), err.text);
	else if (endpoint.remote)
		diagnostics_warn(conf->diagnostics, conf->line,
		    "%s %s%s is reachable from the network: "
		    HAPROXY_REMOTE_RISK, option->name, value, conf_place(conf));
}

/* Checks a value of a parameter and adds it to those of the open section. */
static void
set_param(struct conf *conf, const struct conf_option *option, void *into, const char *value)
{
	enum param_depth depth = param_depth_of(conf->depth);
	const struct param_key *key = param_key_find(depth, option->name);
	json_t **params = &reading_of(conf)->params[conf->depth];
	struct err err;

	(void)into;
	if (*params == NULL)
		*params = json_object();
	if (*params == NULL || !given_add(conf, key)) {
		conf->no_memory = true;
		return;
	}
	if (key->type == PARAM_SOCKET)
		check_socket(conf, option, value);
	else if (param_parse(key, value, NULL, &err) != ERR_OK)
		conf_error(conf, "%s%s: %s", option->name, conf_place(conf), err.text);
	else if (depth == PARAM_CLUSTER && json_object_get(*params, option->name) != NULL)
		conf_error(conf, "%s%s has more than one value", option->name, conf_place(conf));
	if (!param_json_add(key, depth, value, *params))
		conf_error(conf, "%s%s is not UTF-8, which JSON requires", option->name,
		    conf_place(conf));
}

/* Stores the parameters of the open section in *text. */
static void
params_keep(struct conf *conf, char **text, int line)
{
	json_t **params = &reading_of(conf)->params[conf->depth];

	if (*params == NULL)
		return;
	/* A row has no parameters at first. */
	if (json_object_size(*params) > 0 && !inventory_params_set(text, *params))
		conf->no_memory = true;
	else if (strlen(*text) > MODEL_PARAMS_MAX)
		diagnostics_error(conf->diagnostics, line,
		    "the parameters of %s have more than %d bytes", conf_path(conf),
		    MODEL_PARAMS_MAX);
	json_decref(*params);
	*params = NULL;
}

/* Refuses parameters of other planes in the cluster that ends. */
static void
check_given(struct conf *conf, const struct inventory_cluster *cluster)
{
	struct reading *reading = reading_of(conf);

	for (size_t i = 0; i < reading->n_given; i++) {
		const struct given *given = &reading->given[i];
		struct path path = path_of(cluster->name,
		    given->service == NULL ? "" : given->service->name,
		    given->real == NULL ? "" : given->real->name);
		char text[PATH_TEXT_SIZE];

		if (!param_key_of(given->key, cluster->plane))
			diagnostics_error(conf->diagnostics, given->line,
			    "%s of %s is not a parameter of plane %.64s", given->key->name,
			    path_text(&path, text), cluster->plane);
	}
	reading->n_given = 0;
}

#define IN_CLUSTER(member) offsetof(struct inventory_cluster, member)
#define IN_SERVICE(member) offsetof(struct inventory_service, member)
#define IN_REAL(member) offsetof(struct inventory_real, member)

static const struct conf_option cluster_options[] = {
	{ .name = "plane", .set = set_plane, .at = IN_CLUSTER(plane) },
};

static const struct conf_option service_options[] = {
	{ .name = "address", .set = set_address, .at = IN_SERVICE(address) },
	{ .name = "port", .set = set_port, .at = IN_SERVICE(port) },
	{ .name = "protocol", .set = set_protocol, .at = IN_SERVICE(protocol) },
	{ .name = "enabled", .set = conf_bool, .at = IN_SERVICE(enabled) },
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

	if (cluster == NULL)
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
	real->params_given = true;
	params_keep(conf, &real->params, real->line);
	if (!real->address_given)
		diagnostics_warn(conf->diagnostics, real->line,
		    "%s has no address; an address in the store is kept", conf_path(conf));
	if (first != NULL && first != real)
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
	service->enabled_line = conf_line_of(conf, "enabled");
	service->params_given = true;
	params_keep(conf, &service->params, service->line);
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
	const json_t *sockets = json_object_get(reading_of(conf)->params[CLUSTER], "socket");

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

	check_given(conf, cluster);
	if (strcmp(cluster->plane, "haproxy") == 0)
		check_sockets(conf);
	params_keep(conf, &cluster->params, cluster->line);
	if (plane != NULL && plane->weight_max < MODEL_WEIGHT_MAX)
		check_weights(conf, cluster, plane);
}

/* -- the file --------------------------------------------------------------------------------- */

/* A row of a section's own options, before its parameters. */
static const struct conf_section sections[DEPTHS] = {
	[FILE_ROOT] = { .name = "root" },
	[CLUSTER] = { .name = "cluster", .options = cluster_options,
	    .n_options = ROWS(cluster_options), .open = open_cluster, .close = close_cluster },
	[SERVICE] = { .name = "service", .options = service_options,
	    .n_options = ROWS(service_options), .open = open_service, .close = close_service },
	[REAL] = { .name = "real", .options = real_options, .n_options = ROWS(real_options),
	    .open = open_real, .close = close_real },
};

/* Copies the options of a section, and adds its parameters. */
static void
options_complete(struct reading *reading, size_t depth, struct conf_section *section)
{
	struct conf_option *options = reading->options[depth];

	memcpy(options, section->options, section->n_options * sizeof(*options));
	for (const struct param_key *key = param_keys; key->name != NULL; key++) {
		if ((key->depths & param_depth_of(depth)) != 0)
			options[section->n_options++] = (struct conf_option){ .name = key->name,
			    .set = set_param, .list = depth == CLUSTER };
	}
	section->options = options;
}

static void
on_broken_rule(void *arg, const struct rules_service *service, const struct rules_real *real,
    const char *text)
{
	const struct inventory_service *of_service = service->owner;
	const struct inventory_real *of_real = real == NULL ? NULL : real->owner;

	diagnostics_error(arg, of_real == NULL ? of_service->line : of_real->line, "%s", text);
}

enum err_code
inventory_read(const char *file, struct inventory **ret, struct diagnostics *diagnostics,
    struct err *err)
{
	struct reading reading = { .inventory = inventory_new() };
	struct conf_section completed[DEPTHS];
	enum err_code code;

	*diagnostics = (struct diagnostics){ .file = file };
	if (reading.inventory == NULL)
		return err_set(err, ERR_NOMEM, "%s: out of memory", file);
	memcpy(completed, sections, sizeof(completed));
	for (size_t depth = CLUSTER; depth < DEPTHS; depth++)
		options_complete(&reading, depth, &completed[depth]);
	code = conf_read(file, completed, DEPTHS, &reading, diagnostics, err);
	for (size_t depth = CLUSTER; depth < DEPTHS; depth++)
		json_decref(reading.params[depth]);
	free(reading.given);
	if (code == ERR_OK)
		code = inventory_judge(reading.inventory, on_broken_rule, diagnostics, err);
	if (code == ERR_OK && diagnostics->errors > 0)
		code = err_set(err, ERR_INVALID, "%s: not loaded, errors: %zu", diagnostics->file,
		    diagnostics->errors);
	if (code == ERR_OK)
		*ret = reading.inventory;
	else
		inventory_free(reading.inventory);
	return code;
}
