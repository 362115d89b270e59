/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command load: an inventory file over the store, in one transaction; a dry
 * run does it as well, tells the difference and takes it back. The file is read
 * and judged before the store is opened.
 */
#include <stdlib.h>

#include "ctl/ctl.h"
#include "ctl/inventory.h"
#include "ctl/merge.h"
#include "ctl/progress.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

enum { VALUE_SIZE = 2048 };

/* The difference, as JSON. */
static const struct out_column change_columns[] = {
	{ "change", NULL, OUT_TEXT },
	{ "path", NULL, OUT_TEXT },
	{ "column", NULL, OUT_TEXT },
	{ "from", NULL, OUT_TEXT },
	{ "to", NULL, OUT_TEXT },
};

static const struct out_column summary_columns[] = {
	{ "added", NULL, OUT_NUMBER },
	{ "updated", NULL, OUT_NUMBER },
	{ "removed", NULL, OUT_NUMBER },
	{ "unchanged", NULL, OUT_NUMBER },
	{ "jobs", NULL, OUT_NUMBER },
};

struct load {
	struct ctl		*ctl;
	struct inventory	*file;
	bool			 keep_plane;
	struct diagnostics	 diagnostics;
	struct merge		 merge;
	struct progress		 progress;
	/* The difference. It is printed once the transaction is over: a pager must
	 * not hold the store, and one that is left early must not end us in it. */
	FILE			*difference;
	char			*text;
	size_t			 text_size;
	struct out		*out;		/* as JSON */
	struct err		 err;
};

static bool
is_dry(const struct load *load)
{
	return (load->ctl->flags & CTL_DRY_RUN) != 0;
}

/* -- telling ---------------------------------------------------------------------- */

static const char *
words_of(char sign)
{
	return sign == '+' ? "add" : sign == '-' ? "remove" : "update";
}

static const char *
value_text(const char *value, char buf[VALUE_SIZE])
{
	return value[0] == '\0' ? "\"\"" : out_printable(value, buf, VALUE_SIZE);
}

static void
tell_table(struct load *load, const struct merge_change *change)
{
	char text[PATH_TEXT_SIZE], from[VALUE_SIZE], to[VALUE_SIZE];
	FILE *file = load->difference;

	fprintf(file, "%c %s", change->sign, path_text(change->path, text));
	if (change->column != NULL)
		fprintf(file, " %s %s -> %s", change->column, value_text(change->from, from),
		    value_text(change->to, to));
	fputc('\n', file);
}

static void
tell_json(struct load *load, const struct merge_change *change)
{
	struct out_value values[ROWS(change_columns)];
	bool row = change->column == NULL;
	char text[PATH_TEXT_SIZE];

	values[0] = (struct out_value){ .text = words_of(change->sign) };
	values[1] = (struct out_value){ .text = path_text(change->path, text) };
	values[2] = (struct out_value){ .text = change->column, .absent = row };
	values[3] = (struct out_value){ .text = change->from, .absent = row };
	values[4] = (struct out_value){ .text = change->to, .absent = row };
	out_row(load->out, values);
}

static void
tell(void *arg, const struct merge_change *change)
{
	struct load *load = arg;

	if (load->out != NULL)
		tell_json(load, change);
	else
		tell_table(load, change);
}

/* Where the difference is an array of JSON, the summary is talk. */
static void
summary_print(const struct load *load)
{
	const struct merge *merge = &load->merge;
	bool listed = load->ctl->format == OUT_JSON && is_dry(load);
	FILE *file = listed ? load->ctl->err : load->ctl->out;
	const size_t counts[] = { merge->added, merge->updated, merge->removed,
	    merge->unchanged, merge->jobs };
	struct out_value values[ROWS(counts)];

	for (size_t i = 0; i < ROWS(counts); i++)
		values[i] = (struct out_value){ .number = counts[i] };
	if (load->ctl->format == OUT_JSON && !listed) {
		out_object(file, OUT_JSON, summary_columns, ROWS(counts), values);
		return;
	}
	fprintf(file, "added %zu, updated %zu, removed %zu, unchanged %zu", merge->added,
	    merge->updated, merge->removed, merge->unchanged);
	if (merge->jobs > 0)
		fprintf(file, ", jobs %zu", merge->jobs);
	fputc('\n', file);
}

/* -- loading ---------------------------------------------------------------------- */

static enum err_code
load_transaction(struct load *load)
{
	struct store *store = load->ctl->store;
	enum err_code code;

	code = store_begin(store, &load->err);
	if (code != ERR_OK)
		return code;
	progress_begin(&load->progress, load->ctl->err, "load", load->file->rows);
	code = merge_run(&load->merge);
	if (code == ERR_OK && !is_dry(load))
		code = store_commit(store, &load->err);
	else
		store_rollback(store);
	progress_end(&load->progress);
	return code;
}

static bool
difference_begin(struct load *load)
{
	load->difference = open_memstream(&load->text, &load->text_size);
	if (load->difference == NULL || load->ctl->format != OUT_JSON)
		return load->difference != NULL;
	load->out = out_begin(load->difference, OUT_JSON, change_columns, ROWS(change_columns));
	return load->out != NULL;
}

/* Prints it, if the run went well. */
static void
difference_end(struct load *load, bool ok)
{
	if (ok)
		out_end(load->out);
	else
		out_cancel(load->out);
	if (load->difference != NULL && fclose(load->difference) == 0 && ok)
		fwrite(load->text, 1, load->text_size, load->ctl->out);
	free(load->text);
}

static enum ctl_exit
load_run(struct load *load)
{
	struct ctl *ctl = load->ctl;
	enum ctl_exit status = ctl->store == NULL ? ctl_open(ctl) : CTL_OK;
	enum err_code code = ERR_OK;

	if (status != CTL_OK)
		return status;
	if (is_dry(load) && !difference_begin(load))
		code = err_set(&load->err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	load->merge = (struct merge){ .store = ctl->store, .file = load->file,
	    .prune = (ctl->flags & CTL_PRUNE) != 0, .reset = (ctl->flags & CTL_RESET) != 0,
	    .keep_plane = load->keep_plane, .diagnostics = &load->diagnostics,
	    .progress = &load->progress, .err = &load->err,
	    .tell = is_dry(load) ? tell : NULL, .tell_arg = load };
	if (code == ERR_OK)
		code = load_transaction(load);
	merge_done(&load->merge);
	diagnostics_print(&load->diagnostics, ctl->err);
	difference_end(load, code == ERR_OK);
	if (code != ERR_OK)
		return ctl_error(ctl, NULL, &load->err);
	summary_print(load);
	return CTL_OK;
}

enum ctl_exit
ctl_load(struct ctl *ctl, char **operands, int n)
{
	struct load load = { .ctl = ctl };
	enum ctl_exit status;
	enum err_code code;

	(void)n;
	code = inventory_read(operands[0], &load.file, &load.diagnostics, &load.err);
	if (code != ERR_OK) {
		diagnostics_print(&load.diagnostics, ctl->err);
		return ctl_failure(ctl, "%s", load.err.text);
	}
	/* A file cut short to nothing would take everything with it. */
	if (load.file->rows == 0 && (ctl->flags & CTL_PRUNE) != 0)
		status = ctl_failure(ctl, "%s: has no cluster, and --prune would remove all; use "
		    "\"lbclusterctl remove\" for that", load.diagnostics.file);
	else
		status = load_run(&load);
	diagnostics_free(&load.diagnostics);
	inventory_free(load.file);
	return status;
}

enum ctl_exit
ctl_load_inventory(struct ctl *ctl, struct inventory *inventory, const char *name)
{
	struct load load = { .ctl = ctl, .file = inventory, .diagnostics = { .file = name },
	    .keep_plane = (ctl->flags & CTL_CHANGE_PLANE) == 0 };
	enum ctl_exit status = load_run(&load);

	diagnostics_free(&load.diagnostics);
	return status;
}
