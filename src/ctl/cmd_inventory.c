/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands export and remove, which read the rows at and below a path into memory.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* -- remove ------------------------------------------------------------------- */

static const struct out_column columns[] = {
	{ "path", "PATH", OUT_TEXT },
	{ "removed", "REMOVED", OUT_NUMBER },
};

/* A row to remove. */
struct removal_row {
	enum store_kind	kind;
	uint32_t	id;
	int		operand;	/* the first one that names the row or a row above it */
	bool		named;		/* an operand names the row itself */
};

struct removal {
	struct ctl		*ctl;
	struct path		*paths;		/* of the operands; may be patterns */
	int			 operand;	/* whose rows are read */
	struct removal_row	*rows;		/* sorted by kind and id */
	size_t			 n, room;
	size_t			 confirmed;	/* how many rows the user agreed to remove */
};

static enum err_code
row_add(struct removal *removal, enum store_kind kind, enum path_depth depth, uint32_t id)
{
	struct removal_row *rows = memory_array_reserve(removal->rows, removal->n, &removal->room,
	    sizeof(*rows));

	if (rows == NULL)
		return err_set(&removal->ctl->error, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	removal->rows = rows;
	rows[removal->n++] = (struct removal_row){ .kind = kind, .id = id,
	    .operand = removal->operand,
	    .named = path_depth(&removal->paths[removal->operand]) == depth };
	return ERR_OK;
}

static enum err_code
cluster_add(void *arg, const struct cluster_row *row)
{
	return row_add(arg, STORE_CLUSTER, DEPTH_CLUSTER, row->id);
}

static enum err_code
service_add(void *arg, const struct path *path, const struct service_row *row)
{
	(void)path;
	return row_add(arg, STORE_SERVICE, DEPTH_SERVICE, row->id);
}

static enum err_code
real_add(void *arg, const struct store_real_view *view)
{
	return row_add(arg, STORE_REAL, DEPTH_REAL, view->row.id);
}

static int
row_compare(const void *a, const void *b)
{
	const struct removal_row *one = a, *other = b;

	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	if (one->id != other->id)
		return one->id < other->id ? -1 : 1;
	return one->operand - other->operand;
}

/* Merges the entries of a row that several operands name into one entry. */
static void
rows_unite(struct removal *removal)
{
	size_t n = 0;

	if (removal->n == 0)
		return;
	qsort(removal->rows, removal->n, sizeof(*removal->rows), row_compare);
	for (size_t i = 1; i < removal->n; i++) {
		struct removal_row *last = &removal->rows[n], *row = &removal->rows[i];

		if (last->kind == row->kind && last->id == row->id)
			last->named = last->named || row->named;
		else
			removal->rows[++n] = *row;
	}
	removal->n = n + 1;
}

/* Reads the rows at and below all operands. */
static enum err_code
rows_read(struct removal *removal)
{
	const struct ctl_rows rows = { cluster_add, service_add, real_add, &removal->n };
	enum err_code code = ERR_OK;

	removal->n = 0;
	for (int i = 0; i < removal->ctl->n_operands && code == ERR_OK; i++) {
		removal->operand = i;
		code = ctl_rows_each(removal->ctl, &removal->paths[i], false, &rows, removal);
	}
	rows_unite(removal);
	return code;
}

/* Removes the rows. The removal of a cluster or service has removed the rows below it. */
static enum err_code
rows_remove(void *arg)
{
	struct removal *removal = arg;
	struct ctl *ctl = removal->ctl;
	enum err_code code = rows_read(removal);

	if (code == ERR_OK && removal->n != removal->confirmed) {
		ctl->path = NULL;
		return err_set(&ctl->error, ERR_PRECOND, "another program added or removed rows "
		    "below these paths meanwhile; run the command again");
	}
	for (size_t i = 0; i < removal->n && code == ERR_OK; i++) {
		const struct removal_row *row = &removal->rows[i];

		if (!row->named)
			continue;
		code = store_remove(ctl->store, row->kind, row->id, &ctl->error);
		if (code == ERR_NOT_FOUND)
			code = ERR_OK;
	}
	return code;
}

/* Formats "1 cluster, 2 services, 5 real services". */
static const char *
counts_text(const struct removal *removal, char text[128])
{
	static const struct { enum store_kind kind; const char *name; } kinds[] = {
		{ STORE_CLUSTER, "cluster" }, { STORE_SERVICE, "service" },
		{ STORE_REAL, "real service" },
	};
	size_t length = 0;

	for (size_t i = 0; i < ROWS(kinds); i++) {
		size_t n = 0;

		for (size_t row = 0; row < removal->n; row++)
			n += removal->rows[row].kind == kinds[i].kind;
		if (n > 0)
			length += (size_t)snprintf(text + length, 128 - length, "%s%zu %s%s",
			    length > 0 ? ", " : "", n, kinds[i].name, n > 1 ? "s" : "");
	}
	return text;
}

/* Asks the user on a terminal. CTL_OK: the rows may be removed. */
static enum ctl_exit
removal_confirm(struct removal *removal)
{
	struct ctl *ctl = removal->ctl;
	char text[128], answer[16] = "";
	FILE *terminal = ctl_terminal(ctl);

	if ((ctl->flags & CTL_YES) != 0)
		return CTL_OK;
	counts_text(removal, text);
	if (terminal == NULL || isatty(STDIN_FILENO) == 0)
		return ctl_usage(ctl, "%s would be removed; give --yes to remove them "
		    "without asking", text);
	fprintf(terminal, "Remove %s? [y/N] ", text);
	fflush(terminal);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return CTL_OK;
	return ctl_failure(ctl, "nothing is removed");
}

/* Prints how many rows each operand removes, one row for each operand. */
static enum ctl_exit
removal_print(const struct removal *removal)
{
	struct ctl *ctl = removal->ctl;
	enum out_shape shape = ctl->n_operands == 1 && !path_is_pattern(&removal->paths[0]) ?
	    OUT_OBJECT : OUT_LIST;
	struct out *out = out_begin(ctl->out, ctl->format, shape, columns, ROWS(columns));
	char text[PATH_TEXT_SIZE];
	bool ok = out != NULL;

	for (int i = 0; i < ctl->n_operands && ok; i++) {
		uint64_t n = 0;

		for (size_t row = 0; row < removal->n; row++)
			n += removal->rows[row].operand == i;
		ok = out_row(out, (const struct out_value[]){
		    { .text = path_text(&removal->paths[i], text) }, { .number = n } });
	}
	out_finish(out, ok);
	if ((ctl->flags & CTL_DRY_RUN) != 0 && ctl->format == OUT_TABLE)
		fprintf(ctl->out, "dry run: %s would be removed\n", counts_text(removal, text));
	return ok ? CTL_OK : ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
}

static enum ctl_exit
removal_run(struct removal *removal)
{
	struct ctl *ctl = removal->ctl;
	enum err_code code = rows_read(removal);
	enum ctl_exit status;

	if (code != ERR_OK)
		return ctl_finish(ctl, code);
	removal->confirmed = removal->n;
	if ((ctl->flags & CTL_DRY_RUN) == 0) {
		if ((status = removal_confirm(removal)) != CTL_OK)
			return status;
		code = store_change(ctl->store, rows_remove, NULL, removal, &ctl->error);
		if (code != ERR_OK)
			return ctl_finish(ctl, code);
	}
	return removal_print(removal);
}

/* Removes rows and the rows below them: all or nothing. */
enum ctl_exit
cmd_remove(struct ctl *ctl)
{
	struct removal removal = { .ctl = ctl };
	enum ctl_exit status = CTL_OK;

	removal.paths = calloc((size_t)ctl->n_operands, sizeof(*removal.paths));
	if (removal.paths == NULL)
		return ctl_failure(ctl, "%s", err_name(ERR_NOMEM));
	for (int i = 0; i < ctl->n_operands && status == CTL_OK; i++) {
		if (ctl_pattern_parse(ctl->operands[i], &removal.paths[i], &ctl->error) != ERR_OK)
			status = ctl_usage(ctl, "%s", ctl->error.text);
	}
	if (status == CTL_OK && (status = ctl_open(ctl)) == CTL_OK)
		status = removal_run(&removal);
	ctl->path = NULL;
	free(removal.paths);
	free(removal.rows);
	return status;
}
