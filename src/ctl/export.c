/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command export: an inventory file that load reads back to the same store.
 */
#include "ctl/ctl.h"
#include "ctl/inventory.h"

enum ctl_exit
ctl_export(struct ctl *ctl, char **operands, int n)
{
	enum ctl_exit status;
	struct inventory *inventory;
	struct path path;
	struct err err;

	if (ctl->format == OUT_JSON)
		return ctl_usage(ctl, "-f json: export writes an inventory "
		    "file; \"lbclusterctl -f json list -r\" writes JSON");
	status = ctl_open_path(ctl, n > 0 ? operands[0] : NULL, &path);
	if (status != CTL_OK)
		return status;
	if (store_snapshot(ctl->store, &err) != ERR_OK ||
	    inventory_from_store(ctl->store, n > 0 ? &path : NULL, &inventory, &err) != ERR_OK)
		return ctl_error(ctl, n > 0 ? &path : NULL, &err);
	if (!inventory_write(inventory, ctl->out, &err))
		status = ctl_failure(ctl, "%s", err.text);
	inventory_free(inventory);
	return status;
}
