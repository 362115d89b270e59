/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command load: merges an inventory file into the store in one transaction. It prepares the
 * transaction in a copy of the store. A dry run prints the differences and drops its copy. The
 * file is read and checked before the store is opened.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/change_lines.h"
#include "ctl/ctl.h"
#include "ctl/inventory.h"
#include "ctl/merge.h"
#include "ctl/progress.h"

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
	bool			 of_plane;	/* the inventory is of discover */
	struct diagnostics	 diagnostics;
	size_t			 n_diagnostics, n_warnings;	/* of the file, before the merge */
	struct merge		 merge_start;	/* before any row */
	struct merge		 merge;
	struct progress		 progress;
	/* The differences in memory. They are printed after the transaction: a slow pager
	 * must not block the store, and SIGPIPE must not end the program within it. */
	FILE			*differences;
	char			*text;
	size_t			 text_size;
	struct changes		 changes;	/* to 'differences' */
};

static bool
is_dry(const struct load *load)
{
	return (load->ctl->flags & CTL_DRY_RUN) != 0;
}

/* -- output ----------------------------------------------------------------------- */

static void
on_change(void *arg, const struct merge_change *change)
{
	struct load *load = arg;

	changes_print(&load->changes, change);
}

/* Prints the counts: to the standard error if the standard output has an array of JSON. */
static void
summary_print(const struct load *load)
{
	const struct merge *merge = &load->merge;
	const struct ctl *ctl = load->ctl;
	FILE *file = ctl->format == OUT_JSON ? ctl->err : ctl->out;

	if (ctl->format == OUT_JSON && !is_dry(load)) {
		out_object(ctl->out, OUT_JSON, summary_columns, ROWS(summary_columns),
		    (const struct out_value[ROWS(summary_columns)]){ { .number = merge->added },
		    { .number = merge->updated }, { .number = merge->removed },
		    { .number = merge->unchanged }, { .number = merge->jobs } });
		return;
	}
	if (ctl->quiet)
		return;
	fprintf(file, "added %zu, updated %zu, removed %zu, unchanged %zu", merge->added,
	    merge->updated, merge->removed, merge->unchanged);
	if (merge->jobs > 0)
		fprintf(file, ", jobs %zu", merge->jobs);
	fputc('\n', file);
}

/* -- loading ---------------------------------------------------------------------- */

/* Merges into the rows of a transaction that has begun. The store may call it again, for rows that
 * other programs have changed. */
static enum err_code
rows_merge(void *arg)
{
	struct load *load = arg;
	enum err_code code;

	merge_done(&load->merge);
	load->merge = load->merge_start;
	diagnostics_truncate(&load->diagnostics, load->n_diagnostics, load->n_warnings);
	progress_begin(&load->progress, ctl_terminal(load->ctl), "load", load->file->rows);
	code = merge_run(&load->merge);
	progress_end(&load->progress);
	return code;
}

/* Sets what --reset changes, in the same transaction. */
static enum err_code
settings_merge(void *arg)
{
	struct load *load = arg;

	return merge_settings_apply(&load->merge);
}

static enum err_code
load_transaction(struct load *load)
{
	struct store *store = load->ctl->store;
	struct err *err = &load->ctl->error;
	enum err_code code;

	load->n_diagnostics = load->diagnostics.n;
	load->n_warnings = load->diagnostics.warnings;
	if (!is_dry(load))
		return store_change(store, rows_merge, settings_merge, load, err);
	/* A dry run changes a copy in memory, so that no SET waits for it. */
	if ((code = store_snapshot(store, err)) != ERR_OK ||
	    (code = store_begin(store, err)) != ERR_OK)
		return code;
	if ((code = rows_merge(load)) == ERR_OK)
		code = settings_merge(load);
	store_rollback(store);
	return code;
}

static bool
differences_begin(struct load *load)
{
	load->differences = open_memstream(&load->text, &load->text_size);
	return load->differences != NULL &&
	    changes_begin(&load->changes, load->differences, load->ctl->format);
}

/* Prints the differences if the merge succeeded. */
static void
differences_end(struct load *load, bool ok)
{
	changes_end(&load->changes, ok);
	if (load->differences != NULL && fclose(load->differences) == 0 && ok)
		fwrite(load->text, 1, load->text_size, load->ctl->out);
	free(load->text);
}

/* Reports how many clusters --prune did not remove. Before version 0.2.0 --prune removed them. */
static void
kept_report(const struct load *load)
{
	size_t n = load->merge.clusters_kept;

	if (n > 0 && !load->ctl->quiet && !load->of_plane)
		ctl_message(load->ctl, "clusters that %s does not name: %zu, kept; --prune=all "
		    "removes them", load->diagnostics.file, n);
}

static enum merge_prune
prune_of(const struct ctl *ctl)
{
	const char *argument = ctl_argument(ctl, CTL_PRUNE);

	if ((ctl->flags & CTL_PRUNE) == 0)
		return MERGE_PRUNE_NONE;
	return argument != NULL && argument[0] != '\0' ? MERGE_PRUNE_ALL : MERGE_PRUNE_NAMED;
}

static enum ctl_exit
load_run(struct load *load)
{
	struct ctl *ctl = load->ctl;
	enum ctl_exit status = ctl->store == NULL ? ctl_open(ctl) : CTL_OK;
	enum err_code code = ERR_OK;

	if (status != CTL_OK)
		return status;
	if (is_dry(load) && !differences_begin(load))
		code = ERR_NOMEM;
	load->merge_start = (struct merge){ .store = ctl->store, .file = load->file,
	    .prune = prune_of(ctl), .reset = (ctl->flags & CTL_RESET) != 0,
	    .keep_plane = load->of_plane && (ctl->flags & CTL_CHANGE_PLANE) == 0,
	    .diagnostics = &load->diagnostics, .progress = &load->progress,
	    .err = &load->ctl->error, .report = is_dry(load) ? on_change : NULL,
	    .report_arg = load };
	if (code == ERR_OK)
		code = load_transaction(load);
	merge_done(&load->merge);
	diagnostics_print(&load->diagnostics, ctl->err);
	differences_end(load, code == ERR_OK);
	if (code == ERR_OK) {
		summary_print(load);
		kept_report(load);
	}
	return ctl_finish(ctl, code);
}

enum ctl_exit
cmd_load(struct ctl *ctl)
{
	const char *argument = ctl_argument(ctl, CTL_PRUNE);
	struct load load = { .ctl = ctl };
	enum ctl_exit status;
	enum err_code code;

	if (argument != NULL && argument[0] != '\0' && strcmp(argument, "all") != 0)
		return ctl_usage(ctl, "--prune: unknown argument %s; give all or none", argument);
	code = inventory_read(ctl->operands[0], &load.file, &load.diagnostics, &ctl->error);
	if (code != ERR_OK) {
		diagnostics_print(&load.diagnostics, ctl->err);
		return ctl_failure(ctl, "%s", ctl->error.text);
	}
	/* An empty file is probably a mistake, and --prune=all would remove all rows. */
	if (load.file->rows == 0 && (ctl->flags & CTL_PRUNE) != 0)
		status = ctl_failure(ctl, "%s: has no cluster; --prune needs a file with the rows "
		    "to keep, \"lbclusterctl remove\" removes rows", load.diagnostics.file);
	else
		status = load_run(&load);
	diagnostics_free(&load.diagnostics);
	inventory_free(load.file);
	return status;
}

enum ctl_exit
cmd_load_inventory(struct ctl *ctl, struct inventory *inventory, const char *name)
{
	struct load load = { .ctl = ctl, .file = inventory, .diagnostics = { .file = name },
	    .of_plane = true };
	enum ctl_exit status = load_run(&load);

	diagnostics_free(&load.diagnostics);
	return status;
}
