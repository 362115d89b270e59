/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/merge.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "util/memory.h"

/* A column of a row that exists: its stored value and the value to store. */
struct field {
	const char	*column, *from, *to;
};

static void
report(struct merge *merge, char sign, const struct path *path, const struct field *field)
{
	static const struct field none;
	const struct field *of = field != NULL ? field : &none;
	const struct merge_change change = { sign, path, of->column, of->from, of->to };

	if (merge->report != NULL)
		merge->report(merge->report_arg, &change);
}

static void
count_added(struct merge *merge, const struct path *path)
{
	merge->added++;
	progress_step(merge->progress);
	report(merge, '+', path, NULL);
}

static void
count_existing(struct merge *merge, bool changed)
{
	if (changed)
		merge->updated++;
	else
		merge->unchanged++;
	progress_step(merge->progress);
}

/* Reports the fields that differ. True if there is one. */
static bool
fields_compare(struct merge *merge, const struct path *path, const struct field *fields, size_t n)
{
	bool changed = false;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(fields[i].from, fields[i].to) == 0)
			continue;
		report(merge, '~', path, &fields[i]);
		changed = true;
	}
	return changed;
}

/* Counts and reports a row. True if it is new or has a field that differs. */
static bool
row_compare(struct merge *merge, const struct path *path, bool exists, const struct field *fields,
    size_t n)
{
	bool changed = !exists || fields_compare(merge, path, fields, n);

	if (exists)
		count_existing(merge, changed);
	else
		count_added(merge, path);
	return changed;
}

/* -- settings, with --reset ------------------------------------------------------------ */

static enum err_code
setting_add(struct merge *merge, const struct path *path, int line, const struct change *change)
{
	struct merge_setting *settings = memory_array_reserve(merge->settings, merge->n,
	    &merge->n_room, sizeof(*settings));

	if (settings == NULL)
		return err_set(merge->err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	merge->settings = settings;
	settings[merge->n++] = (struct merge_setting){ *change, *path, line };
	return ERR_OK;
}

static void
setting_report(struct merge *merge, const struct path *path, const struct change *change,
    uint32_t from)
{
	bool weight = change->column == REAL_WEIGHT;
	char old[16], new[16];

	snprintf(old, sizeof(old), "%u", from);
	snprintf(new, sizeof(new), "%u", change->value);
	report(merge, '~', path, &(const struct field){ real_column_name(change->column),
	    weight ? old : from ? "yes" : "no", weight ? new : change->value ? "yes" : "no" });
}

/* Adds the settings of the file that differ from those of a real service in the store. A job
 * that has not ended may be held: the store decides whether an equal setting makes a job. */
static enum err_code
settings_compare(struct merge *merge, const struct path *path, const struct inventory_real *old,
    const struct inventory_real *real, bool *ret_changed)
{
	const struct {
		enum real_column	column;
		uint32_t		from, to;
		int			line;	/* 0: not in the file */
	} settings[] = {
		{ REAL_WEIGHT, old->weight, real->weight, real->weight_line },
		{ REAL_FALLBACK, old->fallback, real->fallback, real->fallback_line },
		{ REAL_ENABLED, old->enabled, real->enabled, 0 },
	};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ROWS(settings) && code == ERR_OK; i++) {
		const struct change change = { .id = old->id,
		    .column = settings[i].column, .value = settings[i].to };
		bool changed = settings[i].from != settings[i].to;

		if (!changed && !old->pending)
			continue;
		code = setting_add(merge, path,
		    settings[i].line != 0 ? settings[i].line : real->line, &change);
		if (changed && code == ERR_OK)
			setting_report(merge, path, &change, settings[i].from);
		*ret_changed |= changed;
	}
	return code;
}

static enum err_code
fallback_change(struct merge *merge, const struct path *path, uint32_t id, int line, bool fallback)
{
	const struct change change = { .id = id, .column = REAL_FALLBACK, .value = fallback };
	enum err_code code = setting_add(merge, path, line, &change);

	if (code == ERR_OK)
		setting_report(merge, path, &change, !fallback);
	return code;
}

/* Adds 'enabled' of a service that the store has. The store decides whether it makes a job. */
static enum err_code
service_setting(struct merge *merge, const struct path *path, const struct inventory_service *old,
    const struct inventory_service *service)
{
	const struct change change = { .id = old->id, .column = SERVICE_ENABLED,
	    .value = service->enabled };

	return setting_add(merge, path,
	    service->enabled_line != 0 ? service->enabled_line : service->line, &change);
}

/* -- removing, with --prune --------------------------------------------------------------- */

static void
report_removed(struct merge *merge, const char *cluster, const char *service, const char *real)
{
	struct path path = path_of(cluster, service, real);

	report(merge, '-', &path, NULL);
	merge->removed++;
}

static enum err_code
real_prune(struct merge *merge, const char *cluster, const char *service,
    const struct inventory_real *real)
{
	report_removed(merge, cluster, service, real->name);
	return store_remove(merge->store, STORE_REAL, real->id, merge->err);
}

/* Reports a service and its real services, which the store removes with one of the rows above. */
static void
service_report_removed(struct merge *merge, const char *cluster,
    const struct inventory_service *service)
{
	const struct inventory_real *real;

	report_removed(merge, cluster, service->name, "");
	for (real = service->reals; real != NULL; real = real->next)
		report_removed(merge, cluster, service->name, real->name);
}

static enum err_code
service_prune(struct merge *merge, const char *cluster, const struct inventory_service *service,
    const struct inventory_service *named)
{
	const struct inventory_real *real;
	enum err_code code = ERR_OK;

	if (named == NULL) {
		service_report_removed(merge, cluster, service);
		return store_remove(merge->store, STORE_SERVICE, service->id, merge->err);
	}
	for (real = service->reals; real != NULL && code == ERR_OK; real = real->next) {
		if (inventory_real(named, real->name) == NULL)
			code = real_prune(merge, cluster, service->name, real);
	}
	return code;
}

static enum err_code
cluster_prune(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_cluster *named)
{
	const struct inventory_service *service = cluster->services;
	enum err_code code = ERR_OK;

	if (named == NULL && merge->prune == MERGE_PRUNE_NAMED) {
		merge->clusters_kept++;
		return ERR_OK;
	}
	if (named == NULL) {
		report_removed(merge, cluster->name, "", "");
		for (; service != NULL; service = service->next)
			service_report_removed(merge, cluster->name, service);
		return store_remove(merge->store, STORE_CLUSTER, cluster->id, merge->err);
	}
	for (; service != NULL && code == ERR_OK; service = service->next)
		code = service_prune(merge, cluster->name, service,
		    inventory_service(named, service->name));
	return code;
}

/* -- real services --------------------------------------------------------------------------- */

/* Returns the stored fallback of a service that --prune leaves; NULL if there is none. */
static const struct inventory_real *
fallback_stored(const struct merge *merge, const struct inventory_service *old,
    const struct inventory_service *service)
{
	const struct inventory_real *fallback = old == NULL ? NULL : inventory_fallback(old);

	if (fallback != NULL && merge->prune != MERGE_PRUNE_NONE &&
	    inventory_real(service, fallback->name) == NULL)
		return NULL;
	return fallback;
}

/* Adds a real service. If its service has another fallback, it is added without fallback, and
 * --reset makes it the fallback by a job. */
static enum err_code
real_add(struct merge *merge, const struct path *path, uint32_t service_id,
    const struct inventory_real *real, const struct inventory_real *fallback)
{
	const struct real_row row = { .service_id = service_id, .name = real->name,
	    .address = real->address, .port = real->port, .params = real->params, .reason = "",
	    .weight = (uint16_t)real->weight, .enabled = real->enabled,
	    .fallback = real->fallback && fallback == NULL };
	char text[PATH_TEXT_SIZE];
	enum err_code code;
	uint32_t id;

	count_added(merge, path);
	code = store_put_real(merge->store, &row, &id, NULL, merge->err);
	if (code != ERR_OK || !real->fallback || fallback == NULL)
		return code;
	if (merge->reset)
		return fallback_change(merge, path, id, real->fallback_line, true);
	diagnostics_warn(merge->diagnostics, real->fallback_line,
	    "%s is added without fallback: %s is fallback already", path_text(path, text),
	    fallback->name);
	return ERR_OK;
}

static enum err_code
real_update(struct merge *merge, const struct path *path, uint32_t service_id,
    const struct inventory_real *old, const struct inventory_real *real)
{
	const struct real_row row = { .service_id = service_id, .name = real->name, .reason = "",
	    .address = real->address_given ? real->address : old->address,
	    .port = real->port_given ? real->port : old->port,
	    .params = real->params_given ? real->params : old->params };
	const struct field fields[] = {
		{ "address", old->address, row.address },
		{ "port", old->port, row.port },
		{ "parameters", old->params, row.params },
	};
	enum err_code code = ERR_OK;
	bool changed;

	changed = fields_compare(merge, path, fields, ROWS(fields));
	if (changed)
		code = store_put_real(merge->store, &row, NULL, NULL, merge->err);
	if (code == ERR_OK && merge->reset)
		code = settings_compare(merge, path, old, real, &changed);
	count_existing(merge, changed);
	return code;
}

static enum err_code
reals_merge(struct merge *merge, const char *cluster, const struct inventory_service *service,
    const struct inventory_service *old, uint32_t service_id)
{
	const struct inventory_real *fallback = fallback_stored(merge, old, service);
	const struct inventory_real *wanted = inventory_fallback(service), *real;
	enum err_code code = ERR_OK;
	struct path path;

	/* --reset takes the fallback from a real service that the file does not name. */
	if (merge->reset && wanted != NULL && fallback != NULL &&
	    inventory_real(service, fallback->name) == NULL) {
		path = path_of(cluster, service->name, fallback->name);
		merge->updated++;
		code = fallback_change(merge, &path, fallback->id, wanted->fallback_line, false);
	}
	for (real = service->reals; real != NULL && code == ERR_OK; real = real->next) {
		const struct inventory_real *before;

		before = old == NULL ? NULL : inventory_real(old, real->name);
		path = path_of(cluster, service->name, real->name);
		code = before == NULL ? real_add(merge, &path, service_id, real, fallback) :
		    real_update(merge, &path, service_id, before, real);
	}
	return code;
}

/* -- services and clusters ------------------------------------------------------------------- */

static enum err_code
service_merge(struct merge *merge, const char *cluster, const struct inventory_service *service,
    const struct inventory_service *old, uint32_t cluster_id)
{
	const struct inventory_service *before = old == NULL ? service : old;
	const struct service_row row = { .cluster_id = cluster_id, .name = service->name,
	    .address = service->address_given ? service->address : before->address,
	    .port = service->port_given ? service->port : before->port,
	    .params = service->params_given ? service->params : before->params,
	    .enabled = service->enabled,
	    .protocol = service->protocol_given ? service->protocol : before->protocol };
	const bool enabled = merge->reset ? service->enabled : before->enabled;
	const struct field fields[] = {
		{ "address", before->address, row.address },
		{ "port", before->port, row.port },
		{ "parameters", before->params, row.params },
		{ "enabled", before->enabled ? "yes" : "no", enabled ? "yes" : "no" },
		{ "protocol", protocol_name(before->protocol), protocol_name(row.protocol) },
	};
	struct path path = path_of(cluster, service->name, "");
	uint32_t id = before->id;
	enum err_code code = ERR_OK;

	if (row_compare(merge, &path, old != NULL, fields, ROWS(fields)))
		code = store_put_service(merge->store, &row, &id, NULL, merge->err);
	if (code == ERR_OK && merge->reset && old != NULL)
		code = service_setting(merge, &path, old, service);
	return code == ERR_OK ? reals_merge(merge, cluster, service, old, id) : code;
}

/* True if 'all' has each value of each parameter of 'some'. The second socket of a pair and
 * foreign-changes cannot be discovered, so 'all' may have more. Parameters are lists. */
static bool
params_within(const char *some, const char *all)
{
	json_t *few = json_loads(some, 0, NULL), *many = json_loads(all, 0, NULL), *list;
	const char *name;
	bool within = true;

	json_object_foreach(few, name, list) {
		const json_t *stored = json_object_get(many, name);
		const json_t *value, *other;
		size_t i, j;

		json_array_foreach(list, i, value) {
			bool found = false;

			json_array_foreach(stored, j, other)
				found |= json_equal(value, other);
			within &= found;
		}
	}
	json_decref(few);
	json_decref(many);
	return within;
}

/* Refuses another plane or socket of a cluster that exists: by mistake, it would take the
 * servers of the cluster from their driver. */
static enum err_code
plane_check(struct merge *merge, const struct inventory_cluster *cluster,
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
cluster_merge(struct merge *merge, const struct inventory_cluster *cluster,
    const struct inventory_cluster *old)
{
	const struct inventory_cluster *before = old == NULL ? cluster : old;
	const struct cluster_row row = { .name = cluster->name, .plane = cluster->plane,
	    .plane_params = merge->keep_plane ? before->params : cluster->params,
	    .plane_status = PLANE_STATUS_NONE, .plane_message = "" };
	const struct field fields[] = {
		{ "plane", before->plane, row.plane },
		{ "parameters", before->params, row.plane_params },
	};
	const struct inventory_service *service;
	struct path path = path_of(cluster->name, "", "");
	uint32_t id = before->id;
	enum err_code code = ERR_OK;

	if (old != NULL && merge->keep_plane && (code = plane_check(merge, cluster, old)) != ERR_OK)
		return code;
	if (row_compare(merge, &path, old != NULL, fields, ROWS(fields)))
		code = store_put_cluster(merge->store, &row, &id, NULL, merge->err);
	for (service = cluster->services; service != NULL && code == ERR_OK;
	    service = service->next)
		code = service_merge(merge, cluster->name, service,
		    old == NULL ? NULL : inventory_service(old, service->name), id);
	return code;
}

/* -- rules of the data plane ------------------------------------------------------------ */

/* Keeps the first broken rule as the error, with the line of its row if the file has the row. */
static void
on_broken_rule(void *arg, const struct rules_service *service, const struct rules_real *real,
    const char *text)
{
	const struct merge *merge = arg;
	const struct inventory_cluster *cluster = inventory_cluster(merge->file, service->cluster);
	const struct inventory_service *of_service = cluster == NULL ? NULL :
	    inventory_service(cluster, service->name);
	const struct inventory_real *of_real = of_service == NULL || real == NULL ? NULL :
	    inventory_real(of_service, real->name);
	int line = of_real != NULL ? of_real->line : of_service != NULL ? of_service->line : 0;

	if (merge->err->code == ERR_INVALID)
		return;
	if (line != 0)
		err_set(merge->err, ERR_INVALID, "%s:%d: %s", merge->diagnostics->file, line, text);
	else
		err_set(merge->err, ERR_INVALID, "%s", text);
}

/* Judges the rows that the store has after the merge: a row of the file may have the endpoint of a
 * row that the file does not name. */
static enum err_code
rules_check(const struct merge *merge)
{
	const struct inventory_cluster *cluster = merge->file->clusters;
	struct inventory *merged;
	enum err_code code;

	while (cluster != NULL && !plane_rules_exist(cluster->plane))
		cluster = cluster->next;
	if (cluster == NULL)
		return ERR_OK;
	code = inventory_from_store(merge->store, NULL, &merged, merge->err);
	if (code != ERR_OK)
		return code;
	merge->err->code = ERR_OK;
	code = inventory_judge(merged, on_broken_rule, (void *)(uintptr_t)merge, merge->err);
	inventory_free(merged);
	return code == ERR_OK ? merge->err->code : code;
}

/* -- the whole inventory ------------------------------------------------------ */

enum err_code
merge_run(struct merge *merge)
{
	const struct inventory_cluster *cluster;
	enum err_code code;

	code = inventory_from_store(merge->store, NULL, &merge->stored, merge->err);
	if (code != ERR_OK)
		return code;
	cluster = merge->prune == MERGE_PRUNE_NONE ? NULL : merge->stored->clusters;
	for (; cluster != NULL && code == ERR_OK; cluster = cluster->next)
		code = cluster_prune(merge, cluster, inventory_cluster(merge->file, cluster->name));
	for (cluster = merge->file->clusters; cluster != NULL && code == ERR_OK;
	    cluster = cluster->next)
		code = cluster_merge(merge, cluster,
		    inventory_cluster(merge->stored, cluster->name));
	if (code == ERR_OK)
		code = rules_check(merge);
	return code;
}

enum err_code
merge_settings_apply(struct merge *merge)
{
	struct change *changes = calloc(merge->n + 1, sizeof(*changes));
	char origin[CTL_ORIGIN_SIZE];
	const struct store_set set = { .changes = changes, .n = merge->n, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_CLI, .origin = ctl_origin(origin), .token = store_set_token() };
	const struct merge_setting *setting;
	char text[PATH_TEXT_SIZE];
	struct verdict verdict;
	enum err_code code;
	uint32_t first_job;

	if (changes == NULL)
		return err_set(merge->err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	for (size_t i = 0; i < merge->n; i++)
		changes[i] = merge->settings[i].change;
	code = merge->n == 0 ? ERR_OK : store_set(merge->store, &set, STORE_SET_NOW, &verdict,
	    &first_job, &merge->jobs, merge->err);
	free(changes);
	if (code != ERR_PRECOND || verdict.index >= merge->n)
		return code;
	setting = &merge->settings[verdict.index];
	return err_set(merge->err, code, "%s:%d: %s: %s: %s", merge->diagnostics->file,
	    setting->line, path_text(&setting->path, text), err_name(code),
	    ctl_without_path(verdict.text, &setting->path));
}

void
merge_done(struct merge *merge)
{
	inventory_free(merge->stored);
	free(merge->settings);
}
