/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/inventory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/path_hint.h"
#include "plane/params.h"
#include "util/memory.h"
#include "util/text.h"

/* -- to a file ------------------------------------------------------------------------ */

/* Writes a value in quotes, unless it needs none. In quotes "\$" keeps libConfuse from reading
 * "${" as a variable. */
static void
value_write(FILE *file, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._";

	if (value[0] != '\0' && value[strspn(value, plain)] == '\0') {
		fputs(value, file);
		return;
	}
	fputc('"', file);
	for (size_t n; *value != '\0'; value += n) {
		n = text_printable(value);
		if (*value == '"' || *value == '\\' || *value == '$')
			fprintf(file, "\\%c", *value);
		else if (n > 0)
			fwrite(value, 1, n, file);
		else
			fprintf(file, "\\x%02x", (unsigned char)*value);
		n += n == 0;
	}
	fputc('"', file);
}

static void
option_write(FILE *file, const char *before, const char *name, const char *value)
{
	fprintf(file, "%s%s = ", before, name);
	value_write(file, value);
}

/* Writes the parameters of a service or real service of 'path', in the order of the table. False
 * if one has no form in an inventory file. */
static bool
params_write(const char *text, enum param_depth depth, const char *before, const char *after,
    const struct path *path, FILE *file, struct err *err)
{
	json_t *params = text[0] == '\0' ? json_object() : json_loads(text, 0, NULL);
	char buf[PARAM_TEXT_SIZE], name[PATH_TEXT_SIZE];
	size_t n = 0;

	for (const struct param_key *key = param_keys; key->name != NULL; key++) {
		const json_t *param = (key->depths & depth) == 0 ? NULL :
		    json_object_get(params, key->name);
		const char *value = param == NULL ? NULL : param_json_text(param, buf);

		if (value == NULL)
			continue;
		option_write(file, before, key->name, value);
		fputs(after, file);
		n++;
	}
	if (!json_is_object(params) || n != json_object_size(params)) {
		err_set(err, ERR_INVALID, "%s: parameters %.300s cannot be written to a file",
		    path_text(path, name), text);
		n = SIZE_MAX;
	}
	json_decref(params);
	return n != SIZE_MAX;
}

static bool
real_write(const struct inventory_real *real, struct path *path, FILE *file, struct err *err)
{
	bool ok;

	fputs("        real ", file);
	value_write(file, real->name);
	fputs(" {", file);
	if (real->address_given)
		option_write(file, " ", "address", real->address);
	if (real->port[0] != '\0')
		option_write(file, "  ", "port", real->port);
	fprintf(file, "  weight = %u", real->weight);
	if (real->fallback)
		fputs("  fallback = yes", file);
	if (!real->enabled)
		fputs("  enabled = no", file);
	*path = path_of(path->cluster, path->service, real->name);
	ok = params_write(real->params, PARAM_REAL, "  ", "", path, file, err);
	fputs(" }\n", file);
	return ok;
}

static bool
service_write(const struct inventory_service *service, const char *cluster, FILE *file,
    struct err *err)
{
	struct path path = path_of(cluster, service->name, "");
	bool ok;

	fputs("    service ", file);
	value_write(file, service->name);
	fputs(" {\n", file);
	if (service->address[0] != '\0') {
		option_write(file, "        ", "address", service->address);
		fputc('\n', file);
	}
	if (service->port[0] != '\0') {
		option_write(file, "        ", "port", service->port);
		fputc('\n', file);
	}
	fprintf(file, "        protocol = %s\n", protocol_name(service->protocol));
	if (!service->enabled)
		fputs("        enabled = no\n", file);
	ok = params_write(service->params, PARAM_SERVICE, "        ", "\n", &path, file, err);
	for (const struct inventory_real *real = service->reals; real != NULL; real = real->next)
		ok &= real_write(real, &path, file, err);
	fputs("    }\n", file);
	return ok;
}

/* Writes a parameter. False if it is not a list of texts, the only form of an inventory file. */
static bool
parameter_write(const char *name, const json_t *list, FILE *file)
{
	const json_t *value;
	size_t i;

	json_array_foreach(list, i, value) {
		if (!json_is_string(value))
			return false;
	}
	if (json_array_size(list) == 0)
		return false;
	fprintf(file, "    %s = {", name);
	json_array_foreach(list, i, value) {
		fputs(i == 0 ? " " : ", ", file);
		value_write(file, json_string_value(value));
	}
	fputs(" }\n", file);
	return true;
}

static bool
cluster_write(const struct inventory_cluster *cluster, FILE *file, struct err *err)
{
	json_t *params = json_loads(cluster->params, 0, NULL);
	const char *name;
	bool ok = true;
	json_t *value;

	fputs("cluster ", file);
	value_write(file, cluster->name);
	fputs(" {\n", file);
	option_write(file, "    ", "plane", cluster->plane);
	fputc('\n', file);
	json_object_foreach(params, name, value) {
		if (parameter_write(name, value, file))
			continue;
		err_set(err, ERR_INVALID, "%s: parameter %s cannot be written to a file",
		    cluster->name, name);
		ok = false;
	}
	json_decref(params);
	for (const struct inventory_service *service = cluster->services; service != NULL;
	    service = service->next)
		ok &= service_write(service, cluster->name, file, err);
	fputs("}\n", file);
	return ok;
}

bool
inventory_write(const struct inventory *inventory, FILE *file, struct err *err)
{
	bool ok = true;

	for (const struct inventory_cluster *cluster = inventory->clusters; cluster != NULL;
	    cluster = cluster->next) {
		if (cluster != inventory->clusters)
			fputc('\n', file);
		if (!cluster_write(cluster, file, err))
			ok = false;
	}
	return ok;
}

/* -- from the store ------------------------------------------------------------------- */

/* Copies the parameters of the store into a new row, which has none. A text that is not JSON stays
 * as it is. */
static bool
params_copy(char **ret, const char *text)
{
	json_t *params = text[0] == '\0' ? NULL : json_loads(text, 0, NULL);
	bool is_empty = json_is_object(params) && json_object_size(params) == 0;
	bool ok = params == NULL ? memory_string_assign(ret, text) :
	    is_empty || inventory_params_set(ret, params);

	json_decref(params);
	return ok;
}

static enum err_code
cluster_read(void *arg, const struct cluster_row *row)
{
	struct inventory_cluster *cluster = inventory_add_cluster(arg, row->name);

	if (cluster == NULL || !memory_string_assign(&cluster->plane, row->plane) ||
	    !params_copy(&cluster->params, row->plane_params))
		return ERR_NOMEM;
	cluster->id = row->id;
	return ERR_OK;
}

/* ERR_GONE: another program added the parent after the clusters were read. */
static enum err_code
service_read(void *arg, const struct path *path, const struct service_row *row)
{
	struct inventory_cluster *cluster = inventory_cluster(arg, path->cluster);
	struct inventory_service *service;

	if (cluster == NULL)
		return ERR_GONE;
	service = inventory_add_service(arg, cluster, row->name);
	if (service == NULL || !memory_string_assign(&service->address, row->address) ||
	    !memory_string_assign(&service->port, row->port) ||
	    !params_copy(&service->params, row->params))
		return ERR_NOMEM;
	service->protocol = row->protocol;
	service->enabled = row->enabled;
	service->address_given = service->port_given = service->protocol_given = true;
	service->id = row->id;
	return ERR_OK;
}

static enum err_code
real_read(void *arg, const struct store_real_view *view)
{
	const struct inventory_cluster *cluster = inventory_cluster(arg, view->path.cluster);
	struct inventory_service *service = cluster == NULL ? NULL :
	    inventory_service(cluster, view->path.service);
	struct inventory_real *real;

	if (service == NULL)
		return ERR_GONE;
	real = inventory_add_real(arg, service, view->row.name);
	if (real == NULL || !memory_string_assign(&real->address, view->row.address) ||
	    !memory_string_assign(&real->port, view->row.port) ||
	    !params_copy(&real->params, view->row.params))
		return ERR_NOMEM;
	real->address_given = real->port_given = true;
	real->weight = view->row.weight;
	real->fallback = view->row.fallback;
	real->enabled = view->row.enabled;
	real->id = view->row.id;
	real->pending = view->pending_jobs > 0;
	return ERR_OK;
}

enum err_code
inventory_from_store(struct store *store, const struct path *path, struct inventory **ret,
    struct err *err)
{
	struct inventory *inventory = inventory_new();
	enum err_code code = ERR_NOMEM;
	struct path cluster, service;

	if (path != NULL) {
		cluster = path_cut(path, DEPTH_CLUSTER);
		service = path_cut(path, DEPTH_SERVICE);
	}
	if (inventory != NULL)
		code = store_each_cluster(store, path == NULL ? NULL : &cluster, cluster_read,
		    inventory, err);
	if (code == ERR_OK)
		code = store_each_service(store, path == NULL ? NULL : &service, service_read,
		    inventory, err);
	if (code == ERR_OK)
		code = store_each_real(store, path, real_read, inventory, err);
	if (code == ERR_OK) {
		*ret = inventory;
		return ERR_OK;
	}
	inventory_free(inventory);
	if (code == ERR_NOMEM)
		err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	else if (code == ERR_GONE)
		code = err_set(err, ERR_BUSY, "the store changed while it was read; try again");
	return code;
}
