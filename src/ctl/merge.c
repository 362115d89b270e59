/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * An inventory over the store; see merge.h.
 */
#include "ctl/merge.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

static enum err_code
no_memory(struct merge *merge)
{
	return err_set(merge->err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
}

static void
tell(struct merge *merge, char sign, const struct path *path, const char *column,
    const char *from, const char *to)
{
	const struct merge_change change = { .sign = sign, .path = path, .column = column,
	    .from = from, .to = to };

	if (merge->tell != NULL)
		merge->tell(merge->tell_arg, &change);
}

/* Tells of a text that differs; true if it does. */
static bool
differs(struct merge *merge, const struct path *path, const char *column, const char *from,
    const char *to)
{
	if (strcmp(from, to) == 0)
		return false;
	tell(merge, '~', path, column, from, to);
	return true;
}

static void
count(struct merge *merge, bool changed)
{
	if (changed)
		merge->updated++;
	else
		merge->unchanged++;
	progress_step(merge->progress);
}

static void
count_added(struct merge *merge, const struct path *path)
{
	merge->added++;
	progress_step(merge->progress);
	tell(merge, '+', path, NULL, NULL, NULL);
}

static struct path
path_of(const char *cluster, const char *service, const char *real)
{
	struct path path;

	snprintf(path.cluster, sizeof(path.cluster), "%s", cluster);
	snprintf(path.service, sizeof(path.service), "%s", service);
	snprintf(path.real, sizeof(path.real), "%s", real);
	return path;
}

/* -- settings, with --reset ------------------------------------------------------------ */

static bool
settings_grow(struct merge *merge)
{
	size_t room = merge->room == 0 ? 64 : 2 * merge->room;
	struct change *changes = realloc(merge->changes, room * sizeof(*changes));
	struct merge_setting *settings;

	if (changes == NULL)
		return false;
	merge->changes = changes;
	settings = realloc(merge->settings, room * sizeof(*settings));
	if (settings == NULL)
		return false;
	merge->settings = settings;
	merge->room = room;
	return true;
}

static enum err_code
setting_ask(struct merge *merge, const struct path *path, uint32_t id, int line,
    enum real_column column, uint32_t to)
{
	if (merge->n == merge->room && !settings_grow(merge))
		return no_memory(merge);
	merge->changes[merge->n] = (struct change){ .real_id = id, .column = column, .value = to };
	merge->settings[merge->n] = (struct merge_setting){ .path = *path, .line = line };
	merge->n++;
	return ERR_OK;
}

static enum err_code
setting_add(struct merge *merge, const struct path *path, uint32_t id, int line,
    enum real_column column, uint32_t from, uint32_t to)
{
	enum err_code code = setting_ask(merge, path, id, line, column, to);
	char old[16], new[16];

	if (code != ERR_OK)
		return code;
	if (column == REAL_WEIGHT) {
		snprintf(old, sizeof(old), "%u", from);
		snprintf(new, sizeof(new), "%u", to);
	} else {
		snprintf(old, sizeof(old), "%s", from ? "yes" : "no");
		snprintf(new, sizeof(new), "%s", to ? "yes" : "no");
	}
	tell(merge, '~', path, real_column_name(column), old, new);
	return ERR_OK;
}

/* What the file says otherwise of a real service that exists. Where a job is open, it may be a
 * held one, and the store decides whether the setting changes. */
static enum err_code
settings_compare(struct merge *merge, const struct path *path, const struct inventory_real *old,
    const struct inventory_real *real, bool *ret_changed)
{
	const struct {
		enum real_column	column;
		uint32_t		from, to;
		int			line;	/* 0: the file does not say it */
	} settings[] = {
		{ REAL_WEIGHT, old->weight, real->weight, real->weight_line },
		{ REAL_FALLBACK, old->fallback, real->fallback, real->fallback_line },
		{ REAL_ENABLED, old->enabled, real->enabled, 0 },
	};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ROWS(settings) && code == ERR_OK; i++) {
		int line = settings[i].line != 0 ? settings[i].line : real->line;
		bool changed = settings[i].from != settings[i].to;

		*ret_changed |= changed;
		if (changed)
			code = setting_add(merge, path, old->id, line, settings[i].column,
			    settings[i].from, settings[i].to);
		else if (old->pending)
			code = setting_ask(merge, path, old->id, line, settings[i].column,
			    settings[i].to);
	}
	return code;
}

static enum err_code
settings_apply(struct merge *merge)
{
	struct store_set set = { .changes = merge->changes, .n = merge->n, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_CLI, .token = ctl_token() };
	char text[PATH_TEXT_SIZE];
	struct verdict verdict;
	enum err_code code;
	uint32_t first_job;

	if (merge->n == 0)
		return ERR_OK;
	code = store_set(merge->store, &set, STORE_SET_NOW, &verdict, &first_job,
	    &merge->jobs, merge->err);
	if (code == ERR_PRECOND && verdict.index < merge->n)
		err_set(merge->err, code, "%s:%d: %s: %s: %s", merge->diagnostics->file,
		    merge->settings[verdict.index].line,
		    path_text(&merge->settings[verdict.index].path, text), err_name(code),
		    ctl_without_path(verdict.text, &merge->settings[verdict.index].path));
	return code;
}

/* -- removing, with --prune --------------------------------------------------------------- */

static void
tell_removed(struct merge *merge, const struct path *path)
{
	tell(merge, '-', path, NULL, NULL, NULL);
	merge->removed++;
}

static void
tell_removed_service(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_service *service)
{
	struct path path = path_of(cluster->name, service->name, "");

	tell_removed(merge, &path);
	for (const struct inventory_real *real = service->reals; real != NULL;
	    real = real->next) {
		path = path_of(cluster->name, service->name, real->name);
		tell_removed(merge, &path);
	}
}

static enum err_code
prune_reals(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_service *service, const struct inventory_service *named)
{
	enum err_code code = ERR_OK;

	for (const struct inventory_real *real = service->reals; real != NULL && code == ERR_OK;
	    real = real->next) {
		struct path path = path_of(cluster->name, service->name, real->name);

		if (inventory_real(named, real->name) != NULL)
			continue;
		tell_removed(merge, &path);
		code = store_remove(merge->store, STORE_REAL, real->id, merge->err);
	}
	return code;
}

static enum err_code
prune_services(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_cluster *named)
{
	enum err_code code = ERR_OK;

	for (const struct inventory_service *service = cluster->services;
	    service != NULL && code == ERR_OK; service = service->next) {
		const struct inventory_service *other = inventory_service(named, service->name);

		if (other != NULL) {
			code = prune_reals(merge, cluster, service, other);
			continue;
		}
		tell_removed_service(merge, cluster, service);
		code = store_remove(merge->store, STORE_SERVICE, service->id, merge->err);
	}
	return code;
}

static enum err_code
prune(struct merge *merge)
{
	enum err_code code = ERR_OK;

	for (const struct inventory_cluster *cluster = merge->stored->clusters;
	    cluster != NULL && code == ERR_OK; cluster = cluster->next) {
		const struct inventory_cluster *other;
		struct path path = path_of(cluster->name, "", "");

		other = inventory_cluster(merge->file, cluster->name);
		if (other != NULL) {
			code = prune_services(merge, cluster, other);
			continue;
		}
		tell_removed(merge, &path);
		for (const struct inventory_service *service = cluster->services;
		    service != NULL; service = service->next)
			tell_removed_service(merge, cluster, service);
		code = store_remove(merge->store, STORE_CLUSTER, cluster->id, merge->err);
	}
	return code;
}

/* -- adding and updating --------------------------------------------------------------------- */

/* Who holds the fallback of a service once what is pruned is gone. */
static const struct inventory_real *
holder_of(const struct merge *merge, const struct inventory_service *old,
    const struct inventory_service *service)
{
	const struct inventory_real *holder = old == NULL ? NULL : inventory_fallback(old);

	if (holder != NULL && merge->prune &&
	    inventory_real(service, holder->name) == NULL)
		return NULL;
	return holder;
}

/* A new real service. One fallback to a service: where another has it, that one
 * keeps it, unless --reset hands it over. */
static enum err_code
add_real(struct merge *merge, const struct path *path, uint32_t service_id,
    const struct inventory_real *real, const struct inventory_real *holder)
{
	struct real_row row = { .service_id = service_id, .name = real->name,
	    .address = real->address, .port = real->port, .reason = "",
	    .weight = (uint16_t)real->weight, .enabled = real->enabled,
	    .fallback = real->fallback && holder == NULL };
	char text[PATH_TEXT_SIZE];
	enum err_code code;
	uint32_t id;

	count_added(merge, path);
	code = store_put_real(merge->store, &row, &id, NULL, merge->err);
	if (code != ERR_OK || !real->fallback || holder == NULL)
		return code;
	if (merge->reset)
		return setting_add(merge, path, id, real->fallback_line, REAL_FALLBACK, 0, 1);
	diagnostics_warn(merge->diagnostics, real->fallback_line,
	    "%s is added without fallback: %s is fallback already", path_text(path, text),
	    holder->name);
	return ERR_OK;
}

static enum err_code
update_real(struct merge *merge, const struct path *path, uint32_t service_id,
    const struct inventory_real *old, const struct inventory_real *real)
{
	struct real_row row = { .service_id = service_id, .name = real->name, .reason = "",
	    .address = real->address_given ? real->address : old->address,
	    .port = real->port_given ? real->port : old->port };
	enum err_code code = ERR_OK;
	bool changed;

	changed = differs(merge, path, "address", old->address, row.address);
	changed |= differs(merge, path, "port", old->port, row.port);
	if (changed)
		code = store_put_real(merge->store, &row, NULL, NULL, merge->err);
	if (code == ERR_OK && merge->reset)
		code = settings_compare(merge, path, old, real, &changed);
	count(merge, changed);
	return code;
}

static enum err_code
merge_reals(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_service *service, const struct inventory_service *old,
    uint32_t service_id)
{
	const struct inventory_real *holder = holder_of(merge, old, service);
	const struct inventory_real *wanted = inventory_fallback(service);
	enum err_code code = ERR_OK;
	struct path path;

	/* A fallback that the file does not name gives way. */
	if (merge->reset && wanted != NULL && holder != NULL &&
	    inventory_real(service, holder->name) == NULL) {
		path = path_of(cluster->name, service->name, holder->name);
		merge->updated++;
		code = setting_add(merge, &path, holder->id, wanted->fallback_line, REAL_FALLBACK,
		    1, 0);
	}
	for (const struct inventory_real *real = service->reals; real != NULL && code == ERR_OK;
	    real = real->next) {
		const struct inventory_real *before;

		before = old == NULL ? NULL : inventory_real(old, real->name);
		path = path_of(cluster->name, service->name, real->name);
		code = before == NULL ? add_real(merge, &path, service_id, real, holder) :
		    update_real(merge, &path, service_id, before, real);
	}
	return code;
}

static enum err_code
merge_service(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_service *service, const struct inventory_service *old,
    uint32_t cluster_id)
{
	struct service_row row = { .cluster_id = cluster_id, .name = service->name,
	    .address = service->address, .port = service->port,
	    .protocol = service->protocol };
	struct path path = path_of(cluster->name, service->name, "");
	uint32_t id = old == NULL ? 0 : old->id;
	enum err_code code = ERR_OK;
	bool changed = true;

	if (old == NULL) {
		count_added(merge, &path);
	} else {
		if (!service->address_given)
			row.address = old->address;
		if (!service->port_given)
			row.port = old->port;
		if (!service->protocol_given)
			row.protocol = old->protocol;
		changed = differs(merge, &path, "address", old->address, row.address);
		changed |= differs(merge, &path, "port", old->port, row.port);
		changed |= differs(merge, &path, "protocol", protocol_name(old->protocol),
		    protocol_name(row.protocol));
		count(merge, changed);
	}
	if (changed)
		code = store_put_service(merge->store, &row, &id, NULL, merge->err);
	return code == ERR_OK ? merge_reals(merge, cluster, service, old, id) : code;
}

/* All values of all parameters of 'some' are in 'all', too: the second socket of a pair and
 * foreign-changes cannot be discovered. Parameters are lists, as inventory_read() makes them. */
static bool
params_within(const char *some, const char *all)
{
	json_t *few = json_loads(some, 0, NULL), *many = json_loads(all, 0, NULL), *list;
	const char *name;
	bool ok = true;

	json_object_foreach(few, name, list) {
		const json_t *stored = json_object_get(many, name);
		const json_t *value, *other;
		size_t i, j;

		json_array_foreach(list, i, value) {
			bool found = false;

			json_array_foreach(stored, j, other)
				found |= json_equal(value, other);
			ok &= found;
		}
	}
	json_decref(few);
	json_decref(many);
	return ok;
}

/* A plane, or a socket of it, that is changed by mistake takes the servers of a cluster out
 * of the hands of their driver. Parameters that the cluster has besides are no mistake. */
static enum err_code
plane_keep(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_cluster *old)
{
	static const char advice[] = "give the discovered one another name with --cluster, or "
	    "change this one with --change-plane";

	if (strcmp(old->plane, cluster->plane) != 0)
		return err_set(merge->err, ERR_PRECOND, "%s: exists with plane %s, not %s; %s",
		    cluster->name, old->plane, cluster->plane, advice);
	if (!params_within(cluster->params, old->params))
		return err_set(merge->err, ERR_PRECOND, "%s: exists with the parameters %.80s of "
		    "its plane, not %.80s; %s", cluster->name, old->params, cluster->params,
		    advice);
	return ERR_OK;
}

static enum err_code
merge_cluster(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_cluster *old)
{
	struct cluster_row row = { .name = cluster->name, .plane = cluster->plane,
	    .plane_params = cluster->params, .plane_status = PLANE_STATUS_NONE,
	    .plane_message = "" };
	struct path path = path_of(cluster->name, "", "");
	uint32_t id = old == NULL ? 0 : old->id;
	enum err_code code = ERR_OK;
	bool changed = true;

	if (old != NULL && merge->keep_plane)
		code = plane_keep(merge, cluster, old);
	if (code != ERR_OK)
		return code;
	if (old == NULL) {
		count_added(merge, &path);
	} else {
		if (merge->keep_plane)
			row.plane_params = old->params;
		changed = differs(merge, &path, "plane", old->plane, cluster->plane);
		changed |= differs(merge, &path, "parameters", old->params, row.plane_params);
		count(merge, changed);
	}
	if (changed)
		code = store_put_cluster(merge->store, &row, &id, NULL, merge->err);
	for (const struct inventory_service *service = cluster->services;
	    service != NULL && code == ERR_OK; service = service->next)
		code = merge_service(merge, cluster, service,
		    old == NULL ? NULL : inventory_service(old, service->name), id);
	return code;
}

/* -- the whole ------------------------------------------------------------ */

enum err_code
merge_run(struct merge *merge)
{
	enum err_code code;

	code = inventory_from_store(merge->store, NULL, &merge->stored, merge->err);
	if (code == ERR_OK && merge->prune)
		code = prune(merge);
	for (const struct inventory_cluster *cluster = merge->file->clusters;
	    cluster != NULL && code == ERR_OK; cluster = cluster->next)
		code = merge_cluster(merge, cluster,
		    inventory_cluster(merge->stored, cluster->name));
	return code == ERR_OK ? settings_apply(merge) : code;
}

void
merge_done(struct merge *merge)
{
	inventory_free(merge->stored);
	free(merge->changes);
	free(merge->settings);
}
