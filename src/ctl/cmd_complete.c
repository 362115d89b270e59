/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command complete: completes the last word of a command line, for the completions of bash and
 * zsh. It prints each candidate with a tab and a description. A candidate that ends with "/" or "="
 * is not a whole word. The line ":files" requests the names of files. A store that cannot be read
 * has no rows, and no error is printed, because that would disturb the command line of a person.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/arguments.h"
#include "ctl/ctl.h"
#include "mib/table.h"
#include "model/address.h"

/* A command line and its last word. */
struct completion {
	struct ctl		*ctl;
	const struct command	*command;	/* NULL: none before the word */
	const struct ctl_option	*option;	/* whose argument the word is, or NULL */
	const char		*store_dir;
	char			*word;
	const char		*before;	/* "--option=" before the word, or "" */
	size_t			 before_length;
	int			 operands;	/* before the word, after the command */
	bool			 options_ended;
	enum path_depth		 deepest;	/* of a path */
};

/* Prints a candidate if it begins with the word. 'parent' and 'suffix' may be "". */
static void
candidate_print(const struct completion *completion, const char *parent, const char *name,
    const char *suffix, const char *description)
{
	size_t length = strlen(completion->word), parent_length = strlen(parent);

	if (length > parent_length && strncmp(name, completion->word + parent_length,
	    length - parent_length) != 0)
		return;
	fprintf(completion->ctl->out, "%.*s%s%s%s\t%s\n", (int)completion->before_length,
	    completion->before, parent, name, suffix, description);
}

/* -- paths -------------------------------------------------------------------------------- */

/* Rows below 'parent', which is "", "web/" or "web/http/". */
struct rows {
	const struct completion	*completion;
	const char		*parent, *suffix;
};

static void
endpoint_print(const struct rows *rows, const char *name, const char *address, const char *port)
{
	char endpoint[MODEL_ADDRESS_MAX + MODEL_PORT_TEXT_MAX + 4];

	address_endpoint(address, port, endpoint, sizeof(endpoint));
	candidate_print(rows->completion, rows->parent, name, rows->suffix, endpoint);
}

static enum err_code
cluster_print(void *arg, const struct cluster_row *row)
{
	const struct rows *rows = arg;

	candidate_print(rows->completion, rows->parent, row->name, rows->suffix, row->plane);
	return ERR_OK;
}

static enum err_code
service_print(void *arg, const struct path *path, const struct service_row *row)
{
	(void)path;
	endpoint_print(arg, row->name, row->address, row->port);
	return ERR_OK;
}

static enum err_code
real_print(void *arg, const struct store_real_view *view)
{
	endpoint_print(arg, view->row.name, view->row.address, view->row.port);
	return ERR_OK;
}

static void
rows_print(struct store *store, struct rows *rows, const char *parent_path)
{
	const struct completion *completion = rows->completion;
	struct path parent = path_of("", "", "");
	enum path_depth depth = DEPTH_NONE;
	struct err err;

	if (parent_path[0] != '\0') {
		if (ctl_path_parse(parent_path, &parent, &err) != ERR_OK)
			return;
		depth = path_depth(&parent);
	}
	if (depth >= completion->deepest)
		return;
	rows->suffix = depth + 1 < completion->deepest ? "/" : "";
	if (depth == DEPTH_NONE)
		store_each_cluster(store, NULL, cluster_print, rows, NULL);
	else if (depth == DEPTH_CLUSTER)
		store_each_service(store, &parent, service_print, rows, NULL);
	else
		store_each_real(store, &parent, real_print, rows, NULL);
}

/* Completes a path to the next slash. */
static void
path_complete(struct completion *completion)
{
	const char *slash = strrchr(completion->word, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - completion->word) + 1;
	char parent[PATH_TEXT_SIZE];
	struct rows rows = { .completion = completion, .parent = parent };
	struct store *store;
	struct err err;

	if (length >= sizeof(parent))
		return;
	snprintf(parent, sizeof(parent), "%.*s", (int)length, completion->word);
	if (store_open(completion->store_dir, STORE_READ, CTL_HINT_WAIT_MS, &store, &err) !=
	    ERR_OK)
		return;
	rows_print(store, &rows, parent);
	store_close(store);
}

static void
row_complete(struct completion *completion)
{
	completion->deepest = DEPTH_REAL;
	path_complete(completion);
}

static void
cluster_complete(struct completion *completion)
{
	completion->deepest = DEPTH_CLUSTER;
	path_complete(completion);
}

/* -- other words -------------------------------------------------------------------------- */

static void
files_complete(struct completion *completion)
{
	fputs(":files\n", completion->ctl->out);
}

static void
commands_complete(struct completion *completion)
{
	const struct ctl_table *table = completion->ctl->table;

	for (size_t i = 0; i < table->n_commands; i++)
		candidate_print(completion, "", table->commands[i].name, "",
		    table->commands[i].help);
}

static void
options_complete(const struct completion *completion)
{
	const struct ctl_table *table = completion->ctl->table;

	for (size_t i = 0; i < table->n_options; i++) {
		const struct ctl_option *option = &table->options[i];

		if (option->flag == 0 || (completion->command != NULL &&
		    option_is_of(option, completion->command)))
			candidate_print(completion, "--", option->name, "", option->help);
	}
}

/* Completes the name of a column of LBCLUSTER-MIB. */
static void
objects_complete(struct completion *completion)
{
	for (size_t i = 0; i < mib_tables_count; i++) {
		const struct mib_column *column = mib_tables[i].columns;

		for (; column->sub != 0; column++) {
			if (column->access != ACCESS_NONE)
				candidate_print(completion, "", column->name, "", "");
		}
	}
}

/* Completes one of "table|json". */
static void
choice_complete(const struct completion *completion, const char *choices)
{
	char name[MODEL_NAME_MAX + 1];

	for (size_t length; choices[0] != '\0'; choices += length + (choices[length] == '|')) {
		length = strcspn(choices, "|");
		snprintf(name, sizeof(name), "%.*s", (int)length, choices);
		candidate_print(completion, "", name, "", "");
	}
}

/* What the names of operands and arguments in the tables of ctl_table.c mean. */
static const struct {
	const char	*name;
	void		(*complete)(struct completion *completion);	/* or */
	const char	*choices;
} words[] = {
	{ "PATH", row_complete, NULL },
	{ "ID|PATH", row_complete, NULL },
	{ "CLUSTER", cluster_complete, NULL },
	{ "NAME", cluster_complete, NULL },
	{ "COMMAND", commands_complete, NULL },
	{ "FILE", files_complete, NULL },
	{ "DIR", files_complete, NULL },
	{ "ADDRESS", files_complete, NULL },
	{ "ACTION", NULL, "create|migrate|status|copy" },
	{ "STORE", files_complete, NULL },
	{ "TO", files_complete, NULL },
	{ "SOURCE", NULL, "haproxy|ipvs|ldirectord" },
	{ "FORMAT", NULL, "table|json|html" },
	{ "OBJECT", objects_complete, NULL },
	{ "=all", NULL, "all" },
	{ "NAME=VALUE", NULL, "enabled=yes|enabled=no|fallback=yes|fallback=no|weight=" },
};

/* Completes an operand or argument by its name as usage shows it: "[PATH", "PATH...]". */
static void
word_complete(struct completion *completion, const char *name)
{
	size_t length;

	name += strspn(name, "[");
	length = strcspn(name, " ].");
	for (size_t i = 0; i < ROWS(words); i++) {
		if (strlen(words[i].name) != length || strncmp(words[i].name, name, length) != 0)
			continue;
		if (words[i].complete != NULL)
			words[i].complete(completion);
		else
			choice_complete(completion, words[i].choices);
	}
}

/* Completes an operand by its name. "..." repeats a name, until the next name begins. */
static void
operand_complete(struct completion *completion)
{
	const char *name = completion->command->operands, *next = strchr(name, ' ');
	bool repeats = strncmp(name + strcspn(name, " ."), "...", 3) == 0;

	for (int i = 0; i < completion->operands && !repeats; i++) {
		if (next == NULL)
			return;
		name = next + 1;
		next = strchr(name, ' ');
		repeats = strncmp(name + strcspn(name, " ."), "...", 3) == 0;
	}
	word_complete(completion, name);
	if (repeats && completion->operands > 0 && next != NULL)
		word_complete(completion, next + 1);
}

/* -- the command line --------------------------------------------------------------------- */

static void
line_read(struct completion *completion, char *const *line, int n)
{
	struct words words_before = { .table = completion->ctl->table, .words = line, .n = n };
	struct word word;
	bool has_command = false;

	while ((word = word_next(&words_before)).kind != WORD_END) {
		if (word.kind == WORD_ARGUMENT_MISSING)
			completion->option = word.option;
		else if (word.kind == WORD_OPTION && word.option->letter == 's' &&
		    word.option->flag == 0)
			completion->store_dir = word.argument;
		if (word.kind != WORD_OPERAND)
			continue;
		if (has_command)
			completion->operands++;
		else
			completion->command = words_before.command =
			    command_find(completion->ctl->table, word.text);
		has_command = true;
	}
	completion->options_ended = words_before.ended;
	/* An unknown command has no operands to complete. */
	if (has_command && completion->command == NULL)
		completion->operands = -1;
}

/* Completes the argument in "--option=argument". */
static void
argument_complete(struct completion *completion, char *equals)
{
	struct words line = { .table = completion->ctl->table, .command = completion->command,
	    .words = &completion->word, .n = 1 };
	const struct ctl_option *option = word_next(&line).option;

	completion->before = completion->word;
	completion->before_length = (size_t)(equals - completion->word) + 1;
	completion->word = equals + 1;
	if (option != NULL && option->argument != NULL)
		word_complete(completion, option->argument);
}

enum ctl_exit
cmd_complete(struct ctl *ctl)
{
	struct completion completion = { .ctl = ctl, .store_dir = ctl->store_dir, .before = "",
	    .word = ctl->operands[ctl->n_operands - 1] };
	char *equals = strchr(completion.word, '=');

	line_read(&completion, ctl->operands, ctl->n_operands - 1);
	if (completion.option != NULL)
		word_complete(&completion, completion.option->argument);
	else if (completion.word[0] == '-' && !completion.options_ended && equals != NULL)
		argument_complete(&completion, equals);
	else if (completion.word[0] == '-' && !completion.options_ended)
		options_complete(&completion);
	else if (completion.command != NULL)
		operand_complete(&completion);
	else if (completion.operands == 0)
		commands_complete(&completion);
	return CTL_OK;
}
