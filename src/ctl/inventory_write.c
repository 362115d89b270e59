/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * An inventory to a file, and from the store; see inventory.h.
 */
#include "ctl/inventory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

/* -- to a file ------------------------------------------------------------------------ */

/* Quoted unless it is plain, as libConfuse takes it: "\$" keeps "${" from being a
 * variable. */
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
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\' || c == '$')
			fprintf(file, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(file, "\\x%02x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

static void
option_write(FILE *file, const char *before, const char *name, const char *value)
{
	fprintf(file, "%s%s = ", before, name);
	value_write(file, value);
}

static void
real_write(const struct inventory_real *real, FILE *file)
{
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
	fputs(" }\n", file);
}

static void
service_write(const struct inventory_service *service, FILE *file)
{
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
	for (const struct inventory_real *real = service->reals; real != NULL;
	    real = real->next)
		real_write(real, file);
	fputs("    }\n", file);
}

/* A list of texts is what a file can say. */
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
		service_write(service, file);
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

/* Rows come by name within their parents; each one's parent is mostly that of the
 * row before. */
struct reading {
	struct inventory		*inventory;
	struct inventory_cluster	*cluster;
	struct inventory_service	*service;
};

/* The store's JSON in the one form that is compared. */
static char *
params_normal(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	char *normal;

	if (json == NULL)
		return strdup(text);
	normal = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	return normal;
}

static enum err_code
read_cluster(void *arg, const struct cluster_row *row)
{
	struct reading *reading = arg;
	struct inventory_cluster *cluster;
	char *params;

	cluster = inventory_add_cluster(reading->inventory, row->name);
	if (cluster == NULL || !memory_string_assign(&cluster->plane, row->plane))
		return ERR_NOMEM;
	params = params_normal(row->plane_params);
	if (params == NULL)
		return ERR_NOMEM;
	free(cluster->params);
	cluster->params = params;
	cluster->id = row->id;
	return ERR_OK;
}

/* ERR_GONE: the row above came after the clusters were read. */
static enum err_code
parent_find(struct reading *reading, const struct path *path, bool and_service)
{
	if (reading->cluster == NULL || strcmp(reading->cluster->name, path->cluster) != 0) {
		reading->cluster = inventory_cluster(reading->inventory, path->cluster);
		reading->service = NULL;
	}
	if (reading->cluster == NULL)
		return ERR_GONE;
	if (!and_service)
		return ERR_OK;
	if (reading->service == NULL || strcmp(reading->service->name, path->service) != 0)
		reading->service = inventory_service(reading->cluster, path->service);
	return reading->service == NULL ? ERR_GONE : ERR_OK;
}

static enum err_code
read_service(void *arg, const struct path *path, const struct service_row *row)
{
	struct reading *reading = arg;
	struct inventory_service *service;
	enum err_code code;

	code = parent_find(reading, path, false);
	if (code != ERR_OK)
		return code;
	service = inventory_add_service(reading->inventory, reading->cluster, row->name);
	if (service == NULL || !memory_string_assign(&service->address, row->address) ||
	    !memory_string_assign(&service->port, row->port))
		return ERR_NOMEM;
	service->protocol = row->protocol;
	service->address_given = service->port_given = service->protocol_given = true;
	service->id = row->id;
	return ERR_OK;
}

static enum err_code
read_real(void *arg, const struct store_real_view *view)
{
	struct reading *reading = arg;
	struct inventory_real *real;
	enum err_code code;

	code = parent_find(reading, &view->path, true);
	if (code != ERR_OK)
		return code;
	real = inventory_add_real(reading->inventory, reading->service, view->row.name);
	if (real == NULL || !memory_string_assign(&real->address, view->row.address) ||
	    !memory_string_assign(&real->port, view->row.port))
		return ERR_NOMEM;
	real->address_given = real->port_given = true;
	real->weight = view->row.weight;
	real->fallback = view->row.fallback;
	real->enabled = view->row.enabled;
	real->id = view->row.id;
	real->pending = view->pending_jobs > 0;
	return ERR_OK;
}

static enum err_code
read_rows(struct store *store, const struct path *path, struct reading *reading,
    struct err *err)
{
	struct path above;
	enum err_code code;

	if (path != NULL) {
		above = *path;
		above.real[0] = '\0';
	}
	code = store_each_service(store, path == NULL ? NULL : &above, read_service, reading,
	    err);
	return code == ERR_OK ? store_each_real(store, path, read_real, reading, err) : code;
}

enum err_code
inventory_from_store(struct store *store, const struct path *path, struct inventory **ret,
    struct err *err)
{
	struct reading reading = { .inventory = inventory_new() };
	struct path above = { 0 };
	enum err_code code = ERR_NOMEM;

	if (path != NULL)
		memcpy(above.cluster, path->cluster, sizeof(above.cluster));
	if (reading.inventory != NULL)
		code = store_each_cluster(store, path == NULL ? NULL : &above, read_cluster,
		    &reading, err);
	if (code == ERR_OK)
		code = read_rows(store, path, &reading, err);
	if (code == ERR_OK) {
		*ret = reading.inventory;
		return ERR_OK;
	}
	inventory_free(reading.inventory);
	if (code == ERR_NOMEM)
		err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	else if (code == ERR_GONE)
		code = err_set(err, ERR_BUSY, "the store changed while it was read; try again");
	return code;
}
