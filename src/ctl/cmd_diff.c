/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command diff: what "discover --load --prune" would change in the clusters of the store. It
 * merges what each data plane has into a copy of the store in memory.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/change_lines.h"
#include "ctl/discover.h"

struct diff {
	struct ctl			*ctl;
	struct inventory		*stored;
	struct changes			 changes;
	const struct inventory_cluster	*cluster;	/* which is compared now */
	char				 source[256];	/* "haproxy /run/haproxy/admin.sock" */
	bool				 headed;	/* its header was printed */
	size_t				 compared;	/* data planes */
	bool				 differs, failed;
};

/* -- one data plane ----------------------------------------------------------------------- */

static void
on_change(void *arg, const struct merge_change *change)
{
	struct diff *diff = arg;

	if (!diff->headed && diff->changes.out == NULL)
		fprintf(diff->ctl->out, "--- %s\n+++ %s\n", diff->cluster->name, diff->source);
	diff->headed = diff->differs = true;
	changes_print(&diff->changes, change);
}

/* Prints the rows that differ from the inventory of the data plane. */
static enum err_code
inventory_compare(struct diff *diff, const struct discovery *discovery)
{
	struct diagnostics diagnostics = { .file = discovery->from };
	struct ctl *ctl = diff->ctl;
	struct progress progress;
	struct merge merge = { .store = ctl->store, .file = discovery->inventory,
	    .prune = MERGE_PRUNE_NAMED, .reset = (ctl->flags & CTL_COMPARE_SETTINGS) != 0,
	    .keep_plane = true, .diagnostics = &diagnostics, .progress = &progress,
	    .err = &ctl->error, .report = on_change, .report_arg = diff };
	enum err_code code;

	progress_begin(&progress, ctl_terminal(ctl), "diff", discovery->inventory->rows);
	if ((code = store_begin(ctl->store, &ctl->error)) == ERR_OK) {
		code = merge_run(&merge);
		store_rollback(ctl->store);
	}
	progress_end(&progress);
	merge_done(&merge);
	diagnostics_free(&diagnostics);
	return code;
}

static void
left_out_report(struct diff *diff, const struct discovery *discovery)
{
	if (discovery->left_out == 0)
		return;
	diff->differs = true;
	ctl_message(diff->ctl, "%s: %s has %zu services or servers that the store cannot "
	    "have; \"lbclusterctl discover %s\" names them", diff->cluster->name,
	    discovery->source->title, discovery->left_out, diff->source);
}

/* Compares the cluster with a data plane, of which 'from' is the operand of discover. A data plane
 * that cannot be read is a message. */
static enum err_code
plane_compare(struct diff *diff, const struct discover_source *source, const char *from)
{
	struct discovery discovery = { .ctl = diff->ctl, .source = source, .from = from,
	    .stored = diff->stored, .silent = true };
	enum err_code code;
	struct err err;

	snprintf(diff->source, sizeof(diff->source), "%s%s%s", source->name,
	    from[0] != '\0' ? " " : "", from);
	diff->headed = false;
	diff->compared++;
	if (source->read(&discovery, &err) != ERR_OK) {
		ctl_message(diff->ctl, "%s: %s; \"lbclusterctl doctor\" says what to do",
		    diff->cluster->name, err.text);
		diff->failed = true;
		return ERR_OK;
	}
	if (discover_inventory_make(&discovery, diff->cluster->name) &&
	    memory_string_assign(&discovery.cluster->params, diff->cluster->params))
		code = inventory_compare(diff, &discovery);
	else
		code = err_set(&diff->ctl->error, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	if (code == ERR_OK)
		left_out_report(diff, &discovery);
	inventory_free(discovery.inventory);
	source->done(&discovery);
	return code;
}

/* -- clusters ------------------------------------------------------------------------------- */

/* Compares the cluster with each HAProxy whose socket it has. */
static enum err_code
sockets_compare(struct diff *diff)
{
	json_t *params = json_loads(diff->cluster->params, 0, NULL), *socket;
	const json_t *sockets = json_object_get(params, "socket");
	enum err_code code = ERR_OK;
	size_t i;

	json_array_foreach(sockets, i, socket) {
		if (json_is_string(socket) && code == ERR_OK)
			code = plane_compare(diff, &discover_haproxy, json_string_value(socket));
	}
	json_decref(params);
	return code;
}

static enum err_code
clusters_compare(struct diff *diff)
{
	const struct path *path = diff->ctl->path;
	const struct inventory_cluster *cluster = diff->stored->clusters;
	enum err_code code = ERR_OK;

	for (; cluster != NULL && code == ERR_OK; cluster = cluster->next) {
		if (path != NULL && strcmp(path->cluster, cluster->name) != 0)
			continue;
		diff->cluster = cluster;
		if (strcmp(cluster->plane, "haproxy") == 0)
			code = sockets_compare(diff);
		else if (strcmp(cluster->plane, "ipvs") == 0)
			code = plane_compare(diff, &discover_ipvs, "");
	}
	return code;
}

static enum ctl_exit
diff_finish(struct diff *diff, enum err_code code)
{
	enum ctl_exit status = ctl_finish(diff->ctl, code);

	if (status == CTL_FAILURE)
		return CTL_UNKNOWN;	/* 1 means that there are differences */
	if (status != CTL_OK)
		return status;
	if (diff->compared == 0) {
		ctl_message(diff->ctl, "no cluster has a data plane to compare with; plane = "
		    "haproxy and plane = ipvs have one");
		return CTL_UNKNOWN;
	}
	return diff->failed ? CTL_UNKNOWN : diff->differs ? CTL_FAILURE : CTL_OK;
}

static enum err_code
diff_run(struct diff *diff)
{
	struct ctl *ctl = diff->ctl;
	enum err_code code;

	diff->changes.source = diff->source;
	if (!changes_begin(&diff->changes, ctl->out, ctl->format))
		return err_set(&ctl->error, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	code = store_snapshot(ctl->store, &ctl->error);
	if (code == ERR_OK)
		code = inventory_from_store(ctl->store, NULL, &diff->stored, &ctl->error);
	if (code == ERR_OK)
		code = clusters_compare(diff);
	inventory_free(diff->stored);
	changes_end(&diff->changes, code == ERR_OK);
	return code;
}

enum ctl_exit
cmd_diff(struct ctl *ctl)
{
	struct diff diff = { .ctl = ctl };
	enum err_code code;
	uint32_t cluster, service, real;

	if (ctl->path != NULL && path_depth(ctl->path) > DEPTH_CLUSTER)
		return ctl_usage(ctl, "%s: is not a cluster; diff compares whole clusters",
		    ctl->operands[0]);
	if (ctl->path != NULL && (code = store_find(ctl->store, ctl->path, &cluster, &service,
	    &real, &ctl->error)) != ERR_OK)
		return ctl_finish(ctl, code);
	return diff_finish(&diff, diff_run(&diff));
}
