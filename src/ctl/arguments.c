/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/arguments.h"

#include <string.h>

/* -- words ------------------------------------------------------------------ */

bool
option_is_of(const struct ctl_option *option, const struct command *command)
{
	return option->flag == 0 || command == NULL || (option->flag & command->flags) != 0;
}

static const struct ctl_option *
letter_find(const struct words *words, char letter)
{
	for (size_t i = 0; i < words->table->n_options; i++) {
		const struct ctl_option *option = &words->table->options[i];

		if (option->letter == letter && option_is_of(option, words->command))
			return option;
	}
	return NULL;
}

/* Finds a long option by the first 'length' letters of 'name'. *ret_n: how many begin so; 1 for
 * an exact name. */
static const struct ctl_option *
name_find(const struct words *words, const char *name, size_t length, size_t *ret_n)
{
	const struct ctl_option *found = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < words->table->n_options; i++) {
		const struct ctl_option *option = &words->table->options[i];

		if (!option_is_of(option, words->command) ||
		    strncmp(option->name, name, length) != 0)
			continue;
		found = option;
		*ret_n += 1;
		if (option->name[length] == '\0') {
			*ret_n = 1;
			break;
		}
	}
	return found;
}

static bool
argument_is_needed(const struct ctl_option *option)
{
	return option->argument != NULL && option->argument[0] != '[';
}

/* Takes the next word as the argument of an option. */
static void
argument_take(struct words *words, struct word *word)
{
	if (words->at < words->n)
		word->argument = words->words[words->at++];
	else
		word->kind = WORD_ARGUMENT_MISSING;
}

/* Reads the next letter of a word such as "-ab" or "-sDIR". */
static void
letter_read(struct words *words, struct word *word)
{
	const char *rest = words->letters + 1;

	word->kind = WORD_OPTION;
	word->letter = words->letters[0];
	word->option = letter_find(words, word->letter);
	words->letters = rest[0] != '\0' ? rest : NULL;
	if (word->option == NULL) {
		word->kind = WORD_UNKNOWN;
	} else if (argument_is_needed(word->option)) {
		words->letters = NULL;
		word->argument = rest;
		if (rest[0] == '\0')
			argument_take(words, word);
	}
}

/* Reads a word such as "--name" or "--name=argument". */
static void
name_read(struct words *words, struct word *word)
{
	const char *name = word->text + 2, *equals = strchr(name, '=');
	size_t n, length = equals != NULL ? (size_t)(equals - name) : strlen(name);

	word->kind = WORD_OPTION;
	word->option = name_find(words, name, length, &n);
	if (n != 1) {
		word->kind = n == 0 ? WORD_UNKNOWN : WORD_AMBIGUOUS;
		word->option = NULL;
	} else if (equals != NULL) {
		word->argument = equals + 1;
		if (word->option->argument == NULL)
			word->kind = WORD_ARGUMENT_REFUSED;
	} else if (argument_is_needed(word->option)) {
		argument_take(words, word);
	}
}

static bool
is_option(const char *text)
{
	return text[0] == '-' && text[1] != '\0' && (text[1] < '0' || text[1] > '9');
}

struct word
word_next(struct words *words)
{
	struct word word = { .kind = WORD_OPERAND, .argument = "" };

	if (words->letters != NULL) {
		word.text = words->words[words->at - 1];
		letter_read(words, &word);
		return word;
	}
	if (!words->ended && words->at < words->n && strcmp(words->words[words->at], "--") == 0) {
		words->ended = true;
		words->at++;
	}
	if (words->at >= words->n) {
		word.kind = WORD_END;
		return word;
	}
	word.text = words->words[words->at++];
	if (words->ended || !is_option(word.text))
		return word;
	if (word.text[1] == '-') {
		name_read(words, &word);
	} else {
		words->letters = word.text + 1;
		letter_read(words, &word);
	}
	return word;
}

/* -- commands --------------------------------------------------------------- */

const struct command *
command_find(const struct ctl_table *table, const char *name)
{
	const struct command *found = NULL;
	size_t n = 0, length = strlen(name);

	for (size_t i = 0; i < table->n_commands; i++) {
		const struct command *command = &table->commands[i];

		if (strncmp(command->name, name, length) != 0)
			continue;
		if (command->name[length] == '\0')
			return command;
		found = command;
		n++;
	}
	return n == 1 ? found : NULL;
}

enum ctl_exit
command_refuse(struct ctl *ctl, const char *name)
{
	struct names begin = { .wanted = NULL }, all = { .wanted = name };
	char text[NAMES_TEXT_SIZE];

	for (size_t i = 0; i < ctl->table->n_commands; i++) {
		const char *other = ctl->table->commands[i].name;

		names_add(&all, other);
		if (name[0] != '\0' && strncmp(other, name, strlen(name)) == 0)
			names_add(&begin, other);
	}
	if (begin.count > 1)
		return ctl_usage(ctl, "%s: is ambiguous: %s", name, names_list(&begin, text));
	return ctl_usage(ctl, "%s: is not a command%s", name, names_similar(&all, NULL, text));
}

/* -- options ---------------------------------------------------------------- */

/* Reports a long option that is unknown or ambiguous. */
static enum ctl_exit
name_refuse(struct ctl *ctl, const struct word *word)
{
	size_t length = strcspn(word->text, "=");
	struct names begin = { .wanted = NULL }, all = { .wanted = NULL };
	char hint[NAMES_TEXT_SIZE], text[MODEL_NAME_MAX + 1], option[MODEL_NAME_MAX + 1];
	bool others = false;

	snprintf(text, sizeof(text), "%.*s", (int)length, word->text);
	all.wanted = text;
	for (size_t i = 0; i < ctl->table->n_options; i++) {
		const struct ctl_option *row = &ctl->table->options[i];

		snprintf(option, sizeof(option), "--%s", row->name);
		if (!option_is_of(row, ctl->command)) {
			others |= strcmp(option, text) == 0;
			continue;
		}
		names_add(&all, option);
		if (strncmp(option, text, strlen(text)) == 0)
			names_add(&begin, option);
	}
	if (word->kind == WORD_AMBIGUOUS)
		return ctl_usage(ctl, "%s: is ambiguous: %s", text, names_list(&begin, hint));
	if (others && ctl->command != NULL)
		return ctl_usage(ctl, "%s: is not an option of %s", text, ctl->command->name);
	return ctl_usage(ctl, "%s: is not an option%s", word->text,
	    names_similar(&all, NULL, hint));
}

static enum ctl_exit
letter_refuse(struct ctl *ctl, char letter)
{
	for (size_t i = 0; i < ctl->table->n_options && ctl->command != NULL; i++) {
		if (ctl->table->options[i].letter == letter)
			return ctl_usage(ctl, "-%c: is not an option of %s", letter,
			    ctl->command->name);
	}
	return ctl_usage(ctl, "-%c: is not an option", letter);
}

static enum ctl_exit
format_set(struct ctl *ctl, const char *name)
{
	static const char *const names[] = { [OUT_TABLE] = "table", [OUT_JSON] = "json",
		[OUT_HTML] = "html" };

	for (size_t i = 0; i < ROWS(names); i++) {
		if (strcmp(names[i], name) == 0) {
			ctl->format = (enum out_format)i;
			return CTL_OK;
		}
	}
	return ctl_usage(ctl, "-f: unknown format %s; give table, json or html", name);
}

/* Applies an option of all commands. */
static enum ctl_exit
option_apply(struct ctl *ctl, int letter, const char *argument)
{
	switch (letter) {
	case 's':
		ctl->store_dir = argument;
		break;
	case 'f':
		return format_set(ctl, argument);
	case 'j':
		ctl->format = OUT_JSON;
		break;
	case 'q':
		ctl->quiet = true;
		break;
	case 'h':
		ctl->help = true;
		break;
	case 'V':
		ctl->version = true;
		break;
	default:
		break;
	}
	return CTL_OK;
}

static enum ctl_exit
option_read(struct ctl *ctl, const struct word *word)
{
	const struct ctl_option *option = word->option;
	char name[MODEL_NAME_MAX + 1];

	if (option == NULL)
		return word->letter != 0 ? letter_refuse(ctl, word->letter) :
		    name_refuse(ctl, word);
	if (word->letter != 0)
		snprintf(name, sizeof(name), "-%c", word->letter);
	else
		snprintf(name, sizeof(name), "--%s", option->name);
	if (word->kind == WORD_ARGUMENT_REFUSED)
		return ctl_usage(ctl, "%s: accepts no argument", name);
	if (word->kind == WORD_ARGUMENT_MISSING)
		return ctl_usage(ctl, "%s: its argument %s is missing", name, option->argument);
	/* An unset variable of a script is an empty argument; no option accepts one. */
	if (argument_is_needed(option) && word->argument[0] == '\0')
		return ctl_usage(ctl, "%s: the argument is empty; give %s", name,
		    option->argument);
	if (option->flag == 0)
		return option_apply(ctl, option->letter, word->argument);
	ctl->flags |= option->flag;
	ctl->arguments[__builtin_ctz(option->flag)] = word->argument;
	return CTL_OK;
}

/* Returns the command that the first operand names; NULL if there is none. Words before the command
 * may be arguments: -w needs one for status and none for doctor, so in "-w 2 status" the word 2 is
 * read as an operand that names no command. */
static const struct command *
command_scan(const struct ctl *ctl, int n, char *const *argv)
{
	struct words words = { .table = ctl->table, .words = argv, .n = n };
	struct word word;

	const struct command *command = NULL;

	while (command == NULL && (word = word_next(&words)).kind != WORD_END)
		if (word.kind == WORD_OPERAND)
			command = command_find(ctl->table, word.text);
	return command;
}

enum ctl_exit
arguments_read(struct ctl *ctl, int argc, char **argv, int *ret_n)
{
	struct words words = { .table = ctl->table, .words = argv + 1, .n = argc - 1 };
	enum ctl_exit status = CTL_OK;
	struct word word;

	ctl->command = words.command = command_scan(ctl, argc - 1, argv + 1);
	*ret_n = 0;
	while (status == CTL_OK && (word = word_next(&words)).kind != WORD_END) {
		if (word.kind == WORD_OPERAND)
			argv[1 + (*ret_n)++] = word.text;
		else
			status = option_read(ctl, &word);
	}
	if (*ret_n > 0 && command_find(ctl->table, argv[1]) != ctl->command)
		ctl->command = NULL;	/* another operand is the name of a command */
	return status;
}
