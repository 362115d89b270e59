/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads a command line by the tables of commands and options. Commands and long options may be
 * abbreviated to any beginning that only one of them has.
 */
#ifndef CTL_ARGUMENTS_H
#define CTL_ARGUMENTS_H

#include "ctl/ctl.h"

enum word_kind {
	WORD_END,
	WORD_OPERAND,
	WORD_OPTION,			/* with its argument */
	WORD_UNKNOWN,			/* no such option */
	WORD_AMBIGUOUS,			/* the beginning of several options */
	WORD_ARGUMENT_MISSING,		/* the words end before the argument of the option */
	WORD_ARGUMENT_REFUSED,		/* the option accepts none */
};

/* An operand, or an option with its argument. 'text' is the word with it, such as "-ab". */
struct word {
	enum word_kind			 kind;
	char				*text;
	char				 letter;	/* of a short option, or 0 */
	const struct ctl_option		*option;	/* NULL for an operand, or if unknown */
	const char			*argument;	/* "" if there is none */
};

/* The arguments of a command line, which word_next() reads one after the other. The caller sets
 * 'table', 'command', 'words' and 'n'; all other members are zero at first. Options may be anywhere
 * before "--". A word such as "-5" is an operand. */
struct words {
	const struct ctl_table	*table;
	const struct command	*command;	/* whose options exist; NULL: all options exist */
	char *const		*words;
	int			 n;
	int			 at;		/* the next word */
	const char		*letters;	/* the rest of a word such as "-ab", or NULL */
	bool			 ended;		/* "--" was read */
};

struct word word_next(struct words *words);

/* True if the option is one of all commands, or of 'command' (NULL: any). */
bool option_is_of(const struct ctl_option *option, const struct command *command);

/* Finds a command by its name, or by an abbreviation that no other one has. NULL if there is
 * none. */
const struct command *command_find(const struct ctl_table *table, const char *name);

/* Prints that 'name' is not a command, with similar ones. */
enum ctl_exit command_refuse(struct ctl *ctl, const char *name);

/* Reads the arguments of lbclusterctl into 'ctl'. Moves the *ret_n operands, of which the first
 * is the command, to the front of 'argv', after the name of the program. CTL_USAGE: with a
 * message. */
enum ctl_exit arguments_read(struct ctl *ctl, int argc, char **argv, int *ret_n);

#endif
