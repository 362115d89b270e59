/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command load: the difference between an inventory file and the store, made
 * in one transaction; a dry run makes it as well and takes it back. The file is
 * read and judged before the store is opened. Weight, fallback and enabled of a
 * real service that exists belong to those who operate it: they change only with
 * --reset, and then as any other setting does, by the rules and with jobs.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/inventory.h"
#include "ctl/progress.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

enum { VALUE_SIZE = 2048 };

/* What happens to a row, as a dry run shows it. */
static const struct out_column changes_columns[] = {
	{ "change", NULL, OUT_TEXT },
	{ "path", NULL, OUT_TEXT },
	{ "column", NULL, OUT_TEXT },
	{ "from", NULL, OUT_TEXT },
	{ "to", NULL, OUT_TEXT },
};

static const struct out_column summary_columns[] = {
	{ "added", "ADDED", OUT_NUMBER },
	{ "updated", "UPDATED", OUT_NUMBER },
	{ "removed", "REMOVED", OUT_NUMBER },
	{ "unchanged", "UNCHANGED", OUT_NUMBER },
	{ "jobs", "JOBS", OUT_NUMBER },
};

/* A setting that --reset changes. */
struct setting {
	struct path	path;
	int		line;
};

struct load {
	struct ctl		*ctl;
	struct inventory	*file, *stored;
	struct complaints	 complaints;
	struct out		*out;		/* the difference, as JSON */
	struct progress		 progress;
	size_t			 added, updated, removed, unchanged, jobs;
	/* One of each for every setting to change. */
	struct change		*changes;
	struct setting		*settings;
	size_t			 n, room;
	struct err		*err;
};

static bool
flag(const struct load *load, unsigned int which)
{
	return (load->ctl->flags & which) != 0;
}

static enum err_code
no_memory(struct load *load)
{
	return err_set(load->err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
}

/* -- telling ------------------------------------------------------------------------ */

/* 'column' NULL: the row as a whole. */
static void
tell(struct load *load, char sign, const struct path *path, const char *column,
    const char *from, const char *to)
{
	const char *words = sign == '+' ? "add" : sign == '-' ? "remove" : "update";
	char text[PATH_TEXT_SIZE], old[VALUE_SIZE], new[VALUE_SIZE];
	struct out_value values[ROWS(changes_columns)];

	if (!flag(load, CTL_DRY_RUN))
		return;
	path_text(path, text);
	if (load->out != NULL) {
		values[0] = (struct out_value){ .text = words };
		values[1] = (struct out_value){ .text = text };
		values[2] = (struct out_value){ .text = column, .absent = column == NULL };
		values[3] = (struct out_value){ .text = from, .absent = column == NULL };
		values[4] = (struct out_value){ .text = to, .absent = column == NULL };
		out_row(load->out, values);
	} else if (column == NULL)
		fprintf(load->ctl->out, "%c %s\n", sign, text);
	else
		fprintf(load->ctl->out, "%c %s %s %s -> %s\n", sign, text, column,
		    from[0] == '\0' ? "\"\"" : out_printable(from, old, sizeof(old)),
		    to[0] == '\0' ? "\"\"" : out_printable(to, new, sizeof(new)));
}

/* Tells of a text that differs; true if it does. */
static bool
differs(struct load *load, const struct path *path, const char *column, const char *from,
    const char *to)
{
	if (strcmp(from, to) == 0)
		return false;
	tell(load, '~', path, column, from, to);
	return true;
}

static void
count(struct load *load, bool changed)
{
	if (changed)
		load->updated++;
	else
		load->unchanged++;
	progress_step(&load->progress);
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
settings_grow(struct load *load)
{
	size_t room = load->room == 0 ? 64 : 2 * load->room;
	struct change *changes = realloc(load->changes, room * sizeof(*changes));
	struct setting *settings;

	if (changes == NULL)
		return false;
	load->changes = changes;
	settings = realloc(load->settings, room * sizeof(*settings));
	if (settings == NULL)
		return false;
	load->settings = settings;
	load->room = room;
	return true;
}

static enum err_code
setting_add(struct load *load, const struct path *path, uint32_t id, int line,
    enum real_column column, uint32_t from, uint32_t to)
{
	char old[16], new[16];

	if (load->n == load->room && !settings_grow(load))
		return no_memory(load);
	load->changes[load->n] = (struct change){ .real_id = id, .column = column, .value = to };
	load->settings[load->n] = (struct setting){ .path = *path, .line = line };
	load->n++;
	if (column == REAL_WEIGHT) {
		snprintf(old, sizeof(old), "%u", from);
		snprintf(new, sizeof(new), "%u", to);
	} else {
		snprintf(old, sizeof(old), "%s", from ? "yes" : "no");
		snprintf(new, sizeof(new), "%s", to ? "yes" : "no");
	}
	tell(load, '~', path, real_column_name(column), old, new);
	return ERR_OK;
}

/* What the file says otherwise of a real service that exists. */
static enum err_code
settings_compare(struct load *load, const struct path *path, const struct inventory_real *old,
    const struct inventory_real *real)
{
	const struct {
		enum real_column	column;
		uint32_t		from, to;
	} settings[] = {
		{ REAL_WEIGHT, old->weight, real->weight },
		{ REAL_FALLBACK, old->fallback, real->fallback },
		{ REAL_ENABLED, old->enabled, real->enabled },
	};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ROWS(settings) && code == ERR_OK; i++) {
		if (settings[i].from != settings[i].to)
			code = setting_add(load, path, old->id, real->line, settings[i].column,
			    settings[i].from, settings[i].to);
	}
	return code;
}

static enum err_code
settings_apply(struct load *load)
{
	struct store_set set = { .changes = load->changes, .n = load->n, .lock = STORE_NO_LOCK,
	    .source = JOB_SOURCE_CLI, .token = ctl_token() };
	char text[PATH_TEXT_SIZE];
	struct verdict verdict;
	enum err_code code;
	uint32_t first_job;

	if (load->n == 0)
		return ERR_OK;
	code = store_set(load->ctl->store, &set, STORE_SET_NOW, &verdict, &first_job,
	    &load->jobs, load->err);
	if (code == ERR_PRECOND && verdict.index < load->n)
		err_set(load->err, code, "%s:%d: %s: %s: %s", load->complaints.file,
		    load->settings[verdict.index].line,
		    path_text(&load->settings[verdict.index].path, text), err_name(code),
		    verdict.text);
	return code;
}

/* -- removing, with --prune --------------------------------------------------------------- */

static void
tell_removed(struct load *load, const struct path *path)
{
	tell(load, '-', path, NULL, NULL, NULL);
	load->removed++;
}

static void
tell_removed_service(struct load *load, const struct inventory_cluster *cluster,
    const struct inventory_service *service)
{
	struct path path = path_of(cluster->name, service->name, "");

	tell_removed(load, &path);
	for (const struct inventory_real *real = service->reals; real != NULL;
	    real = real->next) {
		path = path_of(cluster->name, service->name, real->name);
		tell_removed(load, &path);
	}
}

static enum err_code
prune_reals(struct load *load, const struct inventory_cluster *cluster,
    const struct inventory_service *service, const struct inventory_service *named)
{
	enum err_code code = ERR_OK;

	for (const struct inventory_real *real = service->reals; real != NULL && code == ERR_OK;
	    real = real->next) {
		struct path path = path_of(cluster->name, service->name, real->name);

		if (inventory_real(named, real->name) != NULL)
			continue;
		tell_removed(load, &path);
		code = store_remove(load->ctl->store, STORE_REAL, real->id, load->err);
	}
	return code;
}

static enum err_code
prune_services(struct load *load, const struct inventory_cluster *cluster,
    const struct inventory_cluster *named)
{
	enum err_code code = ERR_OK;

	for (const struct inventory_service *service = cluster->services;
	    service != NULL && code == ERR_OK; service = service->next) {
		const struct inventory_service *other = inventory_service(named, service->name);

		if (other != NULL) {
			code = prune_reals(load, cluster, service, other);
			continue;
		}
		tell_removed_service(load, cluster, service);
		code = store_remove(load->ctl->store, STORE_SERVICE, service->id, load->err);
	}
	return code;
}

static enum err_code
prune(struct load *load)
{
	enum err_code code = ERR_OK;

	for (const struct inventory_cluster *cluster = load->stored->clusters;
	    cluster != NULL && code == ERR_OK; cluster = cluster->next) {
		const struct inventory_cluster *other;
		struct path path = path_of(cluster->name, "", "");

		other = inventory_cluster(load->file, cluster->name);
		if (other != NULL) {
			code = prune_services(load, cluster, other);
			continue;
		}
		tell_removed(load, &path);
		for (const struct inventory_service *service = cluster->services;
		    service != NULL; service = service->next)
			tell_removed_service(load, cluster, service);
		code = store_remove(load->ctl->store, STORE_CLUSTER, cluster->id, load->err);
	}
	return code;
}

/* -- adding and updating --------------------------------------------------------------------- */

/* Who holds the fallback of a service once what is pruned is gone. */
static const struct inventory_real *
holder_of(const struct load *load, const struct inventory_service *old,
    const struct inventory_service *service)
{
	const struct inventory_real *holder = old == NULL ? NULL : inventory_fallback(old);

	if (holder != NULL && flag(load, CTL_PRUNE) &&
	    inventory_real(service, holder->name) == NULL)
		return NULL;
	return holder;
}

/* A new real service. One fallback to a service: where another has it, that one
 * keeps it, unless --reset hands it over. */
static enum err_code
add_real(struct load *load, const struct path *path, uint32_t service_id,
    const struct inventory_real *real, const struct inventory_real *holder)
{
	struct real_row row = { .service_id = service_id, .name = real->name,
	    .address = real->address, .port = real->port, .reason = "",
	    .weight = (uint16_t)real->weight, .enabled = real->enabled,
	    .fallback = real->fallback && holder == NULL };
	char text[PATH_TEXT_SIZE];
	enum err_code code;
	uint32_t id;

	tell(load, '+', path, NULL, NULL, NULL);
	load->added++;
	progress_step(&load->progress);
	code = store_put_real(load->ctl->store, &row, &id, NULL, load->err);
	if (code != ERR_OK || !real->fallback || holder == NULL)
		return code;
	if (flag(load, CTL_RESET))
		return setting_add(load, path, id, real->fallback_line, REAL_FALLBACK, 0, 1);
	complaints_warn(&load->complaints, real->fallback_line,
	    "%s is added without fallback: %s is fallback already", path_text(path, text),
	    holder->name);
	return ERR_OK;
}

static enum err_code
update_real(struct load *load, const struct path *path, uint32_t service_id,
    const struct inventory_real *old, const struct inventory_real *real)
{
	struct real_row row = { .service_id = service_id, .name = real->name,
	    .address = real->address, .port = real->port, .reason = "" };
	size_t settings = load->n;
	enum err_code code = ERR_OK;
	bool changed;

	changed = differs(load, path, "address", old->address, real->address);
	changed |= differs(load, path, "port", old->port, real->port);
	if (changed)
		code = store_put_real(load->ctl->store, &row, NULL, NULL, load->err);
	if (code == ERR_OK && flag(load, CTL_RESET))
		code = settings_compare(load, path, old, real);
	count(load, changed || load->n != settings);
	return code;
}

static enum err_code
load_reals(struct load *load, const struct inventory_cluster *cluster,
    const struct inventory_service *service, const struct inventory_service *old,
    uint32_t service_id)
{
	const struct inventory_real *holder = holder_of(load, old, service);
	const struct inventory_real *wanted = inventory_fallback(service);
	enum err_code code = ERR_OK;
	struct path path;

	/* A fallback that the file does not name gives way. */
	if (flag(load, CTL_RESET) && wanted != NULL && holder != NULL &&
	    inventory_real(service, holder->name) == NULL) {
		path = path_of(cluster->name, service->name, holder->name);
		load->updated++;
		code = setting_add(load, &path, holder->id, wanted->fallback_line, REAL_FALLBACK,
		    1, 0);
	}
	for (const struct inventory_real *real = service->reals; real != NULL && code == ERR_OK;
	    real = real->next) {
		const struct inventory_real *before;

		before = old == NULL ? NULL : inventory_real(old, real->name);
		path = path_of(cluster->name, service->name, real->name);
		code = before == NULL ? add_real(load, &path, service_id, real, holder) :
		    update_real(load, &path, service_id, before, real);
	}
	return code;
}

static enum err_code
load_service(struct load *load, const struct inventory_cluster *cluster,
    const struct inventory_service *service, const struct inventory_service *old,
    uint32_t cluster_id)
{
	struct service_row row = { .cluster_id = cluster_id, .name = service->name,
	    .address = service->address, .port = service->port,
	    .protocol = service->protocol };
	struct path path = path_of(cluster->name, service->name, "");
	uint32_t id = old == NULL ? 0 : old->id;
	enum err_code code = ERR_OK;
	bool changed;

	if (old == NULL) {
		changed = true;
		load->added++;
		progress_step(&load->progress);
		tell(load, '+', &path, NULL, NULL, NULL);
	} else {
		changed = differs(load, &path, "address", old->address, service->address);
		changed |= differs(load, &path, "port", old->port, service->port);
		changed |= differs(load, &path, "protocol", protocol_name(old->protocol),
		    protocol_name(service->protocol));
		count(load, changed);
	}
	if (changed)
		code = store_put_service(load->ctl->store, &row, &id, NULL, load->err);
	return code == ERR_OK ? load_reals(load, cluster, service, old, id) : code;
}

static enum err_code
load_cluster(struct load *load, const struct inventory_cluster *cluster,
    const struct inventory_cluster *old)
{
	struct cluster_row row = { .name = cluster->name, .plane = cluster->plane,
	    .plane_params = cluster->params, .plane_status = PLANE_STATUS_NONE,
	    .plane_message = "" };
	struct path path = path_of(cluster->name, "", "");
	uint32_t id = old == NULL ? 0 : old->id;
	enum err_code code = ERR_OK;
	bool changed;

	if (old == NULL) {
		changed = true;
		load->added++;
		progress_step(&load->progress);
		tell(load, '+', &path, NULL, NULL, NULL);
	} else {
		changed = differs(load, &path, "plane", old->plane, cluster->plane);
		changed |= differs(load, &path, "parameters", old->params, cluster->params);
		count(load, changed);
	}
	if (changed)
		code = store_put_cluster(load->ctl->store, &row, &id, NULL, load->err);
	for (const struct inventory_service *service = cluster->services;
	    service != NULL && code == ERR_OK; service = service->next)
		code = load_service(load, cluster, service,
		    old == NULL ? NULL : inventory_service(old, service->name), id);
	return code;
}

/* -- the whole ------------------------------------------------------------------------------------ */

static enum err_code
load_all(struct load *load)
{
	enum err_code code;

	code = inventory_from_store(load->ctl->store, NULL, &load->stored, load->err);
	if (code == ERR_OK && flag(load, CTL_PRUNE))
		code = prune(load);
	for (const struct inventory_cluster *cluster = load->file->clusters;
	    cluster != NULL && code == ERR_OK; cluster = cluster->next)
		code = load_cluster(load, cluster,
		    inventory_cluster(load->stored, cluster->name));
	return code == ERR_OK ? settings_apply(load) : code;
}

static enum err_code
load_transaction(struct load *load)
{
	struct store *store = load->ctl->store;
	enum err_code code;

	code = store_begin(store, load->err);
	if (code != ERR_OK)
		return code;
	progress_begin(&load->progress, load->ctl->err, "load", load->file->rows);
	code = load_all(load);
	if (code == ERR_OK && !flag(load, CTL_DRY_RUN))
		code = store_commit(store, load->err);
	else
		store_rollback(store);
	progress_end(&load->progress);
	return code;
}

static void
summary_print(const struct load *load)
{
	bool listed = load->out != NULL;
	FILE *file = listed ? load->ctl->err : load->ctl->out;
	const size_t counts[] = { load->added, load->updated, load->removed, load->unchanged,
	    load->jobs };
	struct out_value values[ROWS(counts)];

	for (size_t i = 0; i < ROWS(counts); i++)
		values[i] = (struct out_value){ .number = counts[i] };
	if (load->ctl->format == OUT_JSON && !listed) {
		out_object(file, OUT_JSON, summary_columns, ROWS(counts), values);
		return;
	}
	fprintf(file, "added %zu, updated %zu, removed %zu, unchanged %zu", load->added,
	    load->updated, load->removed, load->unchanged);
	if (load->jobs > 0)
		fprintf(file, ", jobs %zu", load->jobs);
	fputc('\n', file);
}

static enum ctl_exit
load_run(struct load *load)
{
	enum ctl_exit status = ctl_open(load->ctl);
	enum err_code code;

	if (status != CTL_OK)
		return status;
	if (load->ctl->format == OUT_JSON && flag(load, CTL_DRY_RUN)) {
		load->out = out_begin(load->ctl->out, OUT_JSON, changes_columns,
		    ROWS(changes_columns));
		if (load->out == NULL)
			return ctl_failure(load->ctl, "%s", err_name(ERR_NOMEM));
	}
	code = load_transaction(load);
	complaints_print(&load->complaints, load->ctl->err);
	if (code == ERR_OK) {
		summary_print(load);
		out_end(load->out);
		return CTL_OK;
	}
	out_cancel(load->out);
	return ctl_error(load->ctl, NULL, load->err);
}

enum ctl_exit
ctl_load(struct ctl *ctl, char **operands, int n)
{
	struct load load = { .ctl = ctl };
	enum ctl_exit status;
	enum err_code code;
	struct err err;

	(void)n;
	load.err = &err;
	code = inventory_read(operands[0], &load.file, &load.complaints, &err);
	if (code != ERR_OK) {
		complaints_print(&load.complaints, ctl->err);
		return ctl_failure(ctl, "%s", err.text);
	}
	/* A file cut short to nothing would take everything with it. */
	if (load.file->rows == 0 && flag(&load, CTL_PRUNE))
		status = ctl_failure(ctl, "%s: names no cluster: --prune would remove all",
		    operands[0]);
	else
		status = load_run(&load);
	complaints_free(&load.complaints);
	inventory_free(load.file);
	inventory_free(load.stored);
	free(load.changes);
	free(load.settings);
	return status;
}
