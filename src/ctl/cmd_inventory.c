/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands export and remove, which read the rows at and below a path into memory.
 */
#include "ctl/ctl.h"
#include "ctl/inventory.h"

/* Writes an inventory file from which "load" restores the same store. */
enum ctl_exit
cmd_export(struct ctl *ctl)
{
	struct inventory *inventory = NULL;
	enum ctl_exit status = CTL_OK;
	enum err_code code;

	code = store_snapshot(ctl->store, &ctl->error);
	if (code == ERR_OK)
		code = inventory_from_store(ctl->store, ctl->path, &inventory, &ctl->error);
	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	if (!inventory_write(inventory, ctl->out, &ctl->error))
		status = ctl_failure(ctl, "%s", ctl->error.text);
	inventory_free(inventory);
	return status;
}

static const struct out_column columns[] = {
	{ "path", NULL, OUT_TEXT },
	{ "removed", NULL, OUT_NUMBER },
};

struct removal {
	struct ctl	*ctl;
	uint64_t	 rows;
};

/* Removes the row of the path and the rows below it, and counts them. */
static enum err_code
rows_remove(void *arg)
{
	struct removal *removal = arg;
	struct ctl *ctl = removal->ctl;
	static const enum store_kind kinds[] = {
		[DEPTH_CLUSTER] = STORE_CLUSTER,
		[DEPTH_SERVICE] = STORE_SERVICE,
		[DEPTH_REAL] = STORE_REAL,
	};
	enum path_depth depth = path_depth(ctl->path);
	uint32_t ids[DEPTH_REAL + 1] = { 0 };
	struct inventory *inventory;
	enum err_code code;

	code = store_find(ctl->store, ctl->path, &ids[DEPTH_CLUSTER], &ids[DEPTH_SERVICE],
	    &ids[DEPTH_REAL], &ctl->error);
	if (code == ERR_OK)
		code = inventory_from_store(ctl->store, ctl->path, &inventory, &ctl->error);
	if (code != ERR_OK)
		return code;
	/* The inventory also has the rows above. */
	removal->rows = inventory->rows - (depth - DEPTH_CLUSTER);
	inventory_free(inventory);
	return store_remove(ctl->store, kinds[depth], ids[depth], &ctl->error);
}

enum ctl_exit
cmd_remove(struct ctl *ctl)
{
	struct removal removal = { .ctl = ctl };
	char text[PATH_TEXT_SIZE];
	enum err_code code = store_change(ctl->store, rows_remove, NULL, &removal,
	    &ctl->error);

	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	out_object(ctl->out, ctl->format, columns, 2, (const struct out_value[]){
	    { .text = path_text(ctl->path, text) }, { .number = removal.rows } });
	return CTL_OK;
}
