/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The options of an inventory file; see parse.h.
 */
#include "ctl/parse.h"

#include <confuse.h>
#include <stdio.h>
#include <string.h>

#include "model/address.h"
#include "plane/haproxy/haproxy_endpoint.h"
#include "util/memory.h"
#include "util/num.h"

const struct parse_kind parse_kinds[PARSE_DEPTHS] = {
	[PARSE_ROOT] = { "root", "file" },
	[PARSE_CLUSTER] = { "cluster", "cluster" },
	[PARSE_SERVICE] = { "service", "service" },
	[PARSE_REAL] = { "real", "real service" },
};

/* Names that are not valid may be of any length. */
const char *
parse_where_at(struct parse *parse, enum parse_depth depth)
{
	snprintf(parse->where, sizeof(parse->where), "%.64s%s%.64s%s%.64s",
	    parse->cluster->name,
	    depth >= PARSE_SERVICE ? "/" : "", depth >= PARSE_SERVICE ? parse->service->name : "",
	    depth >= PARSE_REAL ? "/" : "", depth >= PARSE_REAL ? parse->real->name : "");
	return parse->where;
}

const char *
parse_where(struct parse *parse)
{
	return parse_where_at(parse, parse->depth);
}

static void
keep(struct parse *parse, char **text, const char *value)
{
	if (!memory_string_assign(text, value))
		parse->no_memory = true;
}

/* -- options ------------------------------------------------------------------------ */

static void
take_plane(struct parse *parse, const char *value, int line)
{
	const struct plane_kind *kind = plane_kind_find(value);

	if (kind == NULL)
		diagnostics_error(parse->diagnostics, line,
		    "plane \"%.64s\" of %s is not one of %s", value,
		    parse_where(parse), plane_kind_names());
	else if (kind->driver == NULL && strcmp(value, "none") != 0)
		diagnostics_error(parse->diagnostics, line,
		    "plane %s of %s: this version has no driver for it; write one of %s",
		    value, parse_where(parse), plane_kind_names());
	keep(parse, &parse->cluster->plane, value);
}

/* "" says that there is none. */
static void
take_address(struct parse *parse, const char *value, int line)
{
	struct err err;

	if (value[0] != '\0' && address_check(value, &err) != ERR_OK)
		diagnostics_error(parse->diagnostics, line, "address of %s: %s", parse_where(parse),
		    err.text);
	keep(parse, parse->depth == PARSE_REAL ? &parse->real->address : &parse->service->address,
	    value);
	*(parse->depth == PARSE_REAL ? &parse->real->address_given :
	    &parse->service->address_given) = true;
}

/* "" says that there is none. */
static void
take_port(struct parse *parse, const char *value, int line)
{
	char text[MODEL_PORT_TEXT_MAX + 1] = "";
	uint64_t port = 0;

	if (value[0] != '\0' && num_parse(value, 1, UINT16_MAX, &port) != ERR_OK)
		diagnostics_error(parse->diagnostics, line,
		    "port \"%.64s\" of %s is not a whole number of 1 to %d", value,
		    parse_where(parse), UINT16_MAX);
	else if (value[0] != '\0')
		snprintf(text, sizeof(text), "%u", (unsigned int)port);
	keep(parse, parse->depth == PARSE_REAL ? &parse->real->port : &parse->service->port, text);
	*(parse->depth == PARSE_REAL ? &parse->real->port_given :
	    &parse->service->port_given) = true;
}

static void
take_protocol(struct parse *parse, const char *value, int line)
{
	if (!protocol_parse(value, &parse->service->protocol))
		diagnostics_error(parse->diagnostics, line,
		    "protocol \"%.64s\" of %s is not one of tcp, udp, sctp, other", value,
		    parse_where(parse));
	parse->service->protocol_given = true;
}

/* What the data plane takes is judged at the end of the cluster. */
static void
take_weight(struct parse *parse, const char *value, int line)
{
	enum err_code code;
	uint64_t weight;

	code = num_parse(value, 0, MODEL_WEIGHT_MAX, &weight);
	if (code == ERR_OK)
		parse->real->weight = (uint32_t)weight;
	else if (code == ERR_RANGE)
		diagnostics_error(parse->diagnostics, line, "weight %.64s of %s is above %d", value,
		    parse_where(parse), MODEL_WEIGHT_MAX);
	else
		diagnostics_error(parse->diagnostics, line,
		    "weight \"%.64s\" of %s is not a whole number of 0 to %d", value,
		    parse_where(parse), MODEL_WEIGHT_MAX);
	parse->real->weight_line = line;
}

static void
take_bool(struct parse *parse, const char *option, const char *value, int line, bool *ret)
{
	int truth = cfg_parse_boolean(value);

	if (truth < 0)
		diagnostics_error(parse->diagnostics, line,
		    "%s \"%.64s\" of %s is not yes or no", option, value, parse_where(parse));
	else
		*ret = truth != 0;
}

static void
take_fallback(struct parse *parse, const char *value, int line)
{
	take_bool(parse, "fallback", value, line, &parse->real->fallback);
	parse->real->fallback_line = line;
}

static void
take_enabled(struct parse *parse, const char *value, int line)
{
	take_bool(parse, "enabled", value, line, &parse->real->enabled);
}

/* The list is stored at the end of the cluster, where all of it is read. */
static void
take_socket(struct parse *parse, const char *value, int line)
{
	struct haproxy_endpoint endpoint;
	struct err err;

	if (haproxy_endpoint_parse(value, &endpoint, &err) != ERR_OK)
		diagnostics_error(parse->diagnostics, line, "socket of %s: %s", parse_where(parse),
		    err.text);
	else if (endpoint.remote)
		diagnostics_warn(parse->diagnostics, line, "socket %s of %s leaves this machine: "
		    HAPROXY_REMOTE_RISK, value, parse_where(parse));
}

/* A list of texts as any parameter, but of one. */
static void
take_foreign_changes(struct parse *parse, const char *value, int line)
{
	cfg_opt_t *opt = cfg_getopt(parse->cfgs[PARSE_CLUSTER], "foreign-changes");

	if (strcmp(value, "keep") != 0 && strcmp(value, "restore") != 0)
		diagnostics_error(parse->diagnostics, line,
		    "foreign-changes \"%.64s\" of %s is not one of keep, restore", value,
		    parse_where(parse));
	if (cfg_opt_size(opt) > 1)
		diagnostics_error(parse->diagnostics, line,
		    "foreign-changes of %s has more than one value", parse_where(parse));
}

const struct parse_option parse_options[PARSE_OPTIONS] = {
	{ PARSE_CLUSTER, "plane", NULL, take_plane },
	{ PARSE_CLUSTER, "socket", "haproxy", take_socket },
	{ PARSE_CLUSTER, "foreign-changes", "haproxy", take_foreign_changes },
	{ PARSE_SERVICE, "address", NULL, take_address },
	{ PARSE_SERVICE, "port", NULL, take_port },
	{ PARSE_SERVICE, "protocol", NULL, take_protocol },
	{ PARSE_REAL, "address", NULL, take_address },
	{ PARSE_REAL, "port", NULL, take_port },
	{ PARSE_REAL, "weight", NULL, take_weight },
	{ PARSE_REAL, "fallback", NULL, take_fallback },
	{ PARSE_REAL, "enabled", NULL, take_enabled },
};

size_t
parse_option_index(enum parse_depth depth, const char *name)
{
	size_t i = 0;

	while (i < PARSE_OPTIONS - 1 &&
	    (parse_options[i].depth != depth || strcmp(parse_options[i].name, name) != 0))
		i++;
	return i;
}

int
parse_line_of(const struct parse *parse, enum parse_depth depth, const char *name)
{
	return parse->lines[parse_option_index(depth, name)];
}
