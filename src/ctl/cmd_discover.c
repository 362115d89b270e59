/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command discover: reads what balances the traffic now, and writes it as an inventory file or
 * loads it into the store.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/discover.h"
#include "util/memory.h"

enum { MISSING_SHOWN_MAX = 10 };

static const struct discover_source *const sources[] = {
	&discover_haproxy, &discover_ipvs, &discover_ldirectord
};

/* -- rows of the store ------------------------------------------------------------------ */

static enum err_code
row_check(void *arg, const struct store_real_view *view)
{
	struct discovery *discovery = arg;
	const struct inventory_service *service =
	    inventory_service(discovery->cluster, view->path.service);
	char text[PATH_TEXT_SIZE];

	if (service != NULL && inventory_real(service, view->path.real) != NULL)
		return ERR_OK;
	if (discovery->missing++ < MISSING_SHOWN_MAX)
		ctl_message(discovery->ctl, "%s: %s has no such server", path_text(&view->path,
		    text), discovery->source->title);
	return ERR_OK;
}

/* Reports the rows of the cluster that the source does not have. */
static enum ctl_exit
rows_check(struct discovery *discovery)
{
	struct ctl *ctl = discovery->ctl;
	enum err_code code;

	ctl->path_given = path_of(discovery->cluster->name, "", "");
	ctl->path = &ctl->path_given;
	code = store_each_real(ctl->store, ctl->path, row_check, discovery, &ctl->error);
	/* -n does not add a new cluster. */
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return ctl_finish(ctl, code);
	if (discovery->missing > 0)
		ctl_message(ctl, "rows that %s does not have: %zu; --prune removes them, "
		    "\"lbclusterctl remove PATH\" removes one", discovery->source->title,
		    discovery->missing);
	return CTL_OK;
}

/* Refuses --prune where it would remove rows that the source has, or all rows of the cluster: the
 * kernel has no service before lbcluster-ipvs has started. */
static enum ctl_exit
prune_check(struct discovery *discovery)
{
	struct ctl *ctl = discovery->ctl;

	if ((ctl->flags & CTL_PRUNE_DISCOVERED) == 0)
		return CTL_OK;
	if (discovery->left_out > 0)
		return ctl_failure(ctl, "--prune: nothing was loaded, because rows that are left "
		    "out would be removed");
	if (discovery->cluster->services == NULL)
		return ctl_failure(ctl, "%s has no service: nothing was loaded, because --prune "
		    "would remove all rows of %s; \"lbclusterctl remove\" removes rows",
		    discovery->source->title, discovery->cluster->name);
	ctl->flags |= CTL_PRUNE;
	return CTL_OK;
}

/* -- the command ------------------------------------------------------------------------ */

static enum ctl_exit
inventory_write_or_load(struct discovery *discovery)
{
	struct ctl *ctl = discovery->ctl;
	enum ctl_exit status;

	if ((ctl->flags & CTL_LOAD) != 0) {
		if ((status = prune_check(discovery)) != CTL_OK)
			return status;
		status = cmd_load_inventory(ctl, discovery->inventory, discovery->from);
		return status == CTL_OK && (ctl->flags & CTL_PRUNE) == 0 ? rows_check(discovery) :
		    status;
	}
	return inventory_write(discovery->inventory, ctl->out, &ctl->error) ? CTL_OK :
	    ctl_failure(ctl, "%s", ctl->error.text);
}

/* Reads the rows of the store, whose names a source of plane ipvs keeps. It has a store of its own
 * for that, because a snapshot can be read only, and a lock would make SETs wait. */
static enum ctl_exit
stored_read(struct discovery *discovery)
{
	struct ctl *ctl = discovery->ctl;
	struct store *store;
	enum err_code code;

	/* ctl_open() reports why the store cannot be opened, or creates it. */
	if (store_open(ctl->store_dir, STORE_READ, CTL_STORE_WAIT_MS, &store, &ctl->error) !=
	    ERR_OK)
		return CTL_OK;
	code = store_snapshot(store, &ctl->error);
	if (code == ERR_OK)
		code = inventory_from_store(store, NULL, &discovery->stored, &ctl->error);
	store_close(store);
	return ctl_finish(ctl, code);
}

bool
discover_inventory_make(struct discovery *discovery, const char *name)
{
	discovery->inventory = inventory_new();
	if (discovery->inventory == NULL)
		return false;
	discovery->cluster = inventory_add_cluster(discovery->inventory, name);
	return discovery->cluster != NULL &&
	    memory_string_assign(&discovery->cluster->plane, discovery->source->plane) &&
	    discovery->source->rows_add(discovery);
}

static enum ctl_exit
discover(struct discovery *discovery, const char *name)
{
	struct ctl *ctl = discovery->ctl;
	enum ctl_exit status = CTL_OK;

	if (discovery->source->read(discovery, &ctl->error) != ERR_OK)
		return ctl_failure(ctl, "%s", ctl->error.text);
	if ((ctl->flags & CTL_LOAD) != 0 && discovery->source->keeps_names)
		status = stored_read(discovery);
	if ((ctl->flags & CTL_LOAD) != 0 && status == CTL_OK)
		status = ctl_open(ctl);
	if (status == CTL_OK && !discover_inventory_make(discovery, name))
		status = ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	else if (status == CTL_OK)
		status = inventory_write_or_load(discovery);
	if (discovery->left_out > 0) {
		ctl_message(ctl, "left out: %zu; the messages above say why", discovery->left_out);
		status = status == CTL_OK ? CTL_FAILURE : status;
	}
	inventory_free(discovery->inventory);
	inventory_free(discovery->stored);
	discovery->source->done(discovery);
	return status;
}

/* Sets the source that the operands name. */
static enum ctl_exit
source_find(struct discovery *discovery)
{
	struct ctl *ctl = discovery->ctl;
	const struct discover_source *source = NULL;

	for (size_t i = 0; i < ROWS(sources); i++) {
		if (strcmp(sources[i]->name, ctl->operands[0]) == 0)
			source = sources[i];
	}
	if (source == NULL)
		return ctl_usage(ctl, "%s: cannot be discovered; give haproxy SOCKET, ipvs or "
		    "ldirectord FILE", ctl->operands[0]);
	if (source->operand != NULL && ctl->n_operands < 2)
		return ctl_usage(ctl, "discover %s: the operand %s is missing", source->name,
		    source->operand);
	if (source->operand == NULL && ctl->n_operands > 1)
		return ctl_usage(ctl, "%s: is one operand too many", ctl->operands[1]);
	discovery->source = source;
	discovery->from = source->operand == NULL ? source->name : ctl->operands[1];
	return CTL_OK;
}

enum ctl_exit
cmd_discover(struct ctl *ctl)
{
	struct discovery discovery = { .ctl = ctl };
	enum ctl_exit status = source_find(&discovery);
	const char *name = ctl_argument(ctl, CTL_CLUSTER);

	if (status != CTL_OK)
		return status;
	if (name == NULL)
		name = discovery.source->cluster;
	if (!model_name_valid(name))
		return ctl_usage(ctl, "--cluster: invalid name %.80s; a name is 1 to %d of "
		    "A-Z a-z 0-9 - . _", name, MODEL_NAME_MAX);
	/* A dry run is of --load: without it nothing would be changed. */
	if ((ctl->flags & CTL_DRY_RUN) != 0)
		ctl->flags |= CTL_LOAD;
	if ((ctl->flags & (CTL_PRUNE_DISCOVERED | CTL_LOAD)) == CTL_PRUNE_DISCOVERED)
		return ctl_usage(ctl, "--prune: removes rows of the store; give also --load, or -n "
		    "to see the differences");
	return discover(&discovery, name);
}
