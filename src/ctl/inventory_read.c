/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads an inventory file with libConfuse. Each option and each end of a section
 * is judged in the parser's callbacks, where its line is known; a section is
 * thrown away once it is read, since libConfuse looks through all sections of a
 * kind for each new one. A mistake in the syntax ends the reading; any other is
 * noted and the reading goes on.
 */
#include "ctl/inventory.h"

#include <confuse.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util/conftext.h"
#include "util/input.h"
#include "ctl/parse.h"
#include "plane/haproxy/haproxy_endpoint.h"

enum { PARAMS_MAX = 2000 };

/* libConfuse hands no pointer of ours to its callbacks. */
static struct parse *now;

/* -- the beginning of a section -------------------------------------------------------- */

static void
check_name(struct parse *parse, enum parse_depth depth, const char *name, int line)
{
	if (!model_name_valid(name))
		diagnostics_error(parse->diagnostics, line,
		    "name \"%.80s\" of a %s is not 1 to %d of A-Z a-z 0-9 - . _", name,
		    parse_kinds[depth].words, MODEL_NAME_MAX);
}

static void
check_first(struct parse *parse, enum parse_depth depth, int first_line, int line)
{
	if (first_line != 0)
		diagnostics_error(parse->diagnostics, line, "%s is here twice, first at line %d",
		    parse_where_at(parse, depth), first_line);
}

static bool
open_cluster(struct parse *parse, const char *name, int line)
{
	const struct inventory_cluster *first = inventory_cluster(parse->inventory, name);

	parse->cluster = inventory_add_cluster(parse->inventory, name);
	if (parse->cluster == NULL)
		return false;
	parse->cluster->line = line;
	check_first(parse, PARSE_CLUSTER, first == NULL ? 0 : first->line, line);
	return true;
}

static bool
open_service(struct parse *parse, const char *name, int line)
{
	const struct inventory_service *first = inventory_service(parse->cluster, name);

	parse->service = inventory_add_service(parse->inventory, parse->cluster, name);
	if (parse->service == NULL)
		return false;
	parse->service->line = line;
	parse->fallback = NULL;
	check_first(parse, PARSE_SERVICE, first == NULL ? 0 : first->line, line);
	return true;
}

static bool
open_real(struct parse *parse, const char *name, int line)
{
	const struct inventory_real *first = inventory_real(parse->service, name);

	parse->real = inventory_add_real(parse->inventory, parse->service, name);
	if (parse->real == NULL)
		return false;
	parse->real->line = line;
	check_first(parse, PARSE_REAL, first == NULL ? 0 : first->line, line);
	return true;
}

static bool (*const openers[PARSE_DEPTHS])(struct parse *parse, const char *name, int line) = {
	[PARSE_CLUSTER] = open_cluster,
	[PARSE_SERVICE] = open_service,
	[PARSE_REAL] = open_real,
};

/* Opens what the parser has entered since the last callback. While a section is
 * open, the line of the one around it stays at its brace; only the end of a section
 * without any option tells no more than the line of the end. */
static bool
enter(struct parse *parse, enum parse_depth depth)
{
	while (parse->depth < depth) {
		cfg_t *parent = parse->cfgs[parse->depth];
		enum parse_depth next = parse->depth + 1;
		cfg_opt_t *opt = cfg_getopt(parent, parse_kinds[next].section);
		cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
		const char *name = cfg_title(section) == NULL ? "" : cfg_title(section);

		check_name(parse, next, name, parent->line);
		if (!openers[next](parse, name, parent->line)) {
			parse->no_memory = true;
			return false;
		}
		parse->cfgs[next] = section;
		parse->depth = next;
		for (size_t i = 0; i < PARSE_OPTIONS; i++) {
			if (parse_options[i].depth == next)
				parse->lines[i] = 0;
		}
	}
	return true;
}

/* -- the end of a section ---------------------------------------------------------------- */

static void
close_real(struct parse *parse)
{
	struct inventory_real *real = parse->real;

	if (!real->address_given)
		diagnostics_warn(parse->diagnostics, real->line,
		    "%s has no address; an address in the store is kept", parse_where(parse));
	if (!real->fallback)
		return;
	if (parse->fallback != NULL)
		diagnostics_error(parse->diagnostics, real->fallback_line,
		    "%s is a second fallback of its service, after %.64s at line %d",
		    parse_where(parse), parse->fallback->name, parse->fallback->fallback_line);
	else
		parse->fallback = real;
	if (!real->enabled)
		diagnostics_warn(parse->diagnostics, real->fallback_line,
		    "%s is fallback but not enabled; it takes no traffic, and "
		    "no other one can be the fallback",
		    parse_where(parse));
}

static void
check_weights(struct parse *parse, const struct plane_kind *plane)
{
	const struct inventory_cluster *cluster = parse->cluster;

	for (struct inventory_service *service = cluster->services; service != NULL;
	    service = service->next) {
		for (struct inventory_real *real = service->reals; real != NULL;
		    real = real->next) {
			if (real->weight > plane->weight_max)
				diagnostics_error(parse->diagnostics, real->weight_line,
				    "weight %u of %.64s/%.64s/%.64s is above %u, the most that "
				    "%s takes", real->weight, cluster->name, service->name,
				    real->name, plane->weight_max, plane->name);
		}
	}
}

static json_t *
parameter_json(cfg_opt_t *opt)
{
	json_t *list = json_array();

	for (unsigned int i = 0; list != NULL && i < cfg_opt_size(opt); i++) {
		if (json_array_append_new(list, json_string(cfg_opt_getnstr(opt, i))) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void
close_parameter(struct parse *parse, size_t i, json_t *params)
{
	cfg_opt_t *opt = cfg_getopt(parse->cfgs[PARSE_CLUSTER], parse_options[i].name);

	if (cfg_opt_size(opt) == 0)
		return;
	if (strcmp(parse_options[i].plane, parse->cluster->plane) != 0)
		diagnostics_error(parse->diagnostics, parse->lines[i],
		    "%s of %s is not a parameter of plane %.64s", parse_options[i].name,
		    parse_where(parse), parse->cluster->plane);
	else if (json_object_set_new(params, parse_options[i].name, parameter_json(opt)) != 0)
		diagnostics_error(parse->diagnostics, parse->lines[i],
		    "%s of %s is not UTF-8, as JSON is", parse_options[i].name,
		    parse_where(parse));
}

static void
close_parameters(struct parse *parse)
{
	json_t *params = json_object();
	char *text = NULL;

	for (size_t i = 0; params != NULL && i < PARSE_OPTIONS; i++) {
		if (parse_options[i].plane != NULL)
			close_parameter(parse, i, params);
	}
	if (params != NULL)
		text = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(params);
	if (text == NULL) {
		parse->no_memory = true;
		return;
	}
	if (strlen(text) > PARAMS_MAX)
		diagnostics_error(parse->diagnostics, parse->cluster->line,
		    "the parameters of %s take more than %d bytes", parse_where(parse),
		    PARAMS_MAX);
	free(parse->cluster->params);
	parse->cluster->params = text;
}

/* True where both texts name the same socket: "127.0.0.1:9999" and "ipv4@127.0.0.1:9999". */
static bool
same_socket(const char *one, const char *other)
{
	struct haproxy_endpoint a, b;
	struct err err;

	return haproxy_endpoint_parse(one, &a, &err) == ERR_OK &&
	    haproxy_endpoint_parse(other, &b, &err) == ERR_OK && a.length == b.length &&
	    memcmp(&a.address, &b.address, a.length) == 0;
}

/* Refuses a socket that is named twice: its process would be counted twice in all sums. */
static void
check_sockets_differ(struct parse *parse, cfg_opt_t *sockets)
{
	for (unsigned int i = 1; i < cfg_opt_size(sockets); i++) {
		for (unsigned int j = 0; j < i; j++) {
			if (!same_socket(cfg_opt_getnstr(sockets, i), cfg_opt_getnstr(sockets, j)))
				continue;
			diagnostics_error(parse->diagnostics,
			    parse_line_of(parse, PARSE_CLUSTER, "socket"),
			    "%s names the socket %s twice", parse_where(parse),
			    cfg_opt_getnstr(sockets, i));
			return;
		}
	}
}

/* Each value was judged where it was read. */
static void
check_sockets(struct parse *parse)
{
	cfg_opt_t *sockets = cfg_getopt(parse->cfgs[PARSE_CLUSTER], "socket");

	if (cfg_opt_size(sockets) == 0)
		diagnostics_error(parse->diagnostics, parse_line_of(parse, PARSE_CLUSTER, "plane"),
		    "%s has plane haproxy and no socket; write socket = /run/haproxy/admin.sock",
		    parse_where(parse));
	else if (cfg_opt_size(sockets) > HAPROXY_SOCKETS_MAX)
		diagnostics_error(parse->diagnostics, parse_line_of(parse, PARSE_CLUSTER, "socket"),
		    "%s names %u sockets; a cluster has %d at most", parse_where(parse),
		    cfg_opt_size(sockets), HAPROXY_SOCKETS_MAX);
	else
		check_sockets_differ(parse, sockets);
}

static void
close_cluster(struct parse *parse)
{
	const struct plane_kind *plane = plane_kind_find(parse->cluster->plane);

	close_parameters(parse);
	if (strcmp(parse->cluster->plane, "haproxy") == 0)
		check_sockets(parse);
	if (plane != NULL && plane->weight_max < MODEL_WEIGHT_MAX)
		check_weights(parse, plane);
}

/* -- callbacks of libConfuse --------------------------------------------------------------- */

static enum parse_depth
depth_of(const char *section)
{
	enum parse_depth depth = PARSE_ROOT;

	while (depth < PARSE_REAL && strcmp(parse_kinds[depth].section, section) != 0)
		depth++;
	return depth;
}

/* A value of an option was read. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t i = parse_option_index(depth_of(cfg->name), opt->name);

	if (!enter(now, parse_options[i].depth))
		return -1;
	if (now->lines[i] != 0 && parse_options[i].plane == NULL)
		diagnostics_error(now->diagnostics, cfg->line, "%s of %s is given twice",
		    opt->name, parse_where(now));
	if (now->lines[i] == 0)
		now->lines[i] = cfg->line;
	parse_options[i].take(now, value, cfg->line);
	*(const char **)result = value;
	return now->no_memory ? -1 : 0;
}

/* A section was read to its end. */
static int
on_section(cfg_t *parent, cfg_opt_t *opt)
{
	enum parse_depth depth = depth_of(opt->name);

	(void)parent;
	if (!enter(now, depth))
		return -1;
	if (depth == PARSE_REAL)
		close_real(now);
	else if (depth == PARSE_CLUSTER)
		close_cluster(now);
	now->depth = depth - 1;
	cfg_opt_rmnsec(opt, cfg_opt_size(opt) - 1);
	return now->no_memory ? -1 : 0;
}

static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	diagnostics_add(now->diagnostics, cfg->line, false, fmt, ap);
}

/* -- the file --------------------------------------------------------------------------------- */

/* The options of a section, and the section within it; libConfuse keeps copies. */
static void
describe(enum parse_depth depth, cfg_opt_t *opts, cfg_opt_t *inner)
{
	size_t n = 0;

	for (size_t i = 0; i < PARSE_OPTIONS; i++) {
		if (parse_options[i].depth != depth)
			continue;
		if (parse_options[i].plane != NULL)
			opts[n++] = (cfg_opt_t)CFG_STR_LIST_CB(parse_options[i].name, NULL,
			    CFGF_NODEFAULT, on_value);
		else
			opts[n++] = (cfg_opt_t)CFG_STR_CB(parse_options[i].name, NULL,
			    CFGF_NODEFAULT, on_value);
	}
	if (inner != NULL) {
		opts[n] = (cfg_opt_t)CFG_SEC(parse_kinds[depth + 1].section, inner,
		    CFGF_MULTI | CFGF_TITLE);
		opts[n++].validcb = on_section;
	}
	opts[n] = (cfg_opt_t)CFG_END();
}

static cfg_t *
parser_new(void)
{
	cfg_opt_t opts[PARSE_DEPTHS][PARSE_OPTIONS + 2];
	cfg_t *cfg;

	describe(PARSE_REAL, opts[PARSE_REAL], NULL);
	describe(PARSE_SERVICE, opts[PARSE_SERVICE], opts[PARSE_REAL]);
	describe(PARSE_CLUSTER, opts[PARSE_CLUSTER], opts[PARSE_SERVICE]);
	describe(PARSE_ROOT, opts[PARSE_ROOT], opts[PARSE_CLUSTER]);
	cfg = cfg_init(opts[PARSE_ROOT], CFGF_NONE);
	if (cfg != NULL)
		cfg_set_error_function(cfg, on_error);
	return cfg;
}

static enum err_code
not_loaded(const struct diagnostics *diagnostics, struct err *err)
{
	return err_set(err, ERR_INVALID, "%s: not loaded, errors: %zu", diagnostics->file,
	    diagnostics->errors);
}

static enum err_code
parse_text(struct parse *parse, const struct conftext *conftext, struct err *err)
{
	FILE *file = fmemopen(conftext->text, conftext->length, "r");
	cfg_t *cfg = parser_new();
	int result = CFG_PARSE_ERROR;

	parse->cfgs[PARSE_ROOT] = cfg;
	if (file != NULL && cfg != NULL) {
		now = parse;
		result = cfg_parse_fp(cfg, file);
		now = NULL;
		/* Of a name of no letters libConfuse says nothing. */
		if (result == CFG_PARSE_ERROR && parse->diagnostics->errors == 0 &&
		    !parse->no_memory)
			diagnostics_error(parse->diagnostics, cfg->line, "is not understood");
	}
	if (file != NULL)
		fclose(file);
	if (cfg != NULL)
		cfg_free(cfg);
	/* To libConfuse the end of the file is the end of every section. */
	if (result == CFG_SUCCESS && conftext->open_line != 0)
		diagnostics_error(parse->diagnostics, conftext->open_line,
		    "the { in this line is never closed; add }");
	if (parse->diagnostics->errors != 0)
		return not_loaded(parse->diagnostics, err);
	if (result != CFG_SUCCESS)
		return err_set(err, ERR_NOMEM, "%s: out of memory", parse->diagnostics->file);
	return ERR_OK;
}

enum err_code
inventory_read(const char *file, struct inventory **ret, struct diagnostics *diagnostics,
    struct err *err)
{
	struct parse parse = { .diagnostics = diagnostics };
	struct conftext conftext;
	enum err_code code;

	*diagnostics = (struct diagnostics){ .file = input_name(file) };
	code = conftext_read(file, &conftext, err);
	if (code == ERR_INVALID) {
		diagnostics_error(diagnostics, conftext.error_line, "%s", err->text);
		return not_loaded(diagnostics, err);
	}
	if (code != ERR_OK)
		return code;
	parse.inventory = inventory_new();
	if (parse.inventory == NULL)
		code = err_set(err, ERR_NOMEM, "%s: out of memory", diagnostics->file);
	else
		code = parse_text(&parse, &conftext, err);
	free(conftext.text);
	if (code == ERR_OK)
		*ret = parse.inventory;
	else
		inventory_free(parse.inventory);
	return code;
}
