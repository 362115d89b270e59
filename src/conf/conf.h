/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads a file of options and nested sections with libConfuse, and passes each value to the
 * function of its option:
 *
 *   cluster web {                   # a section with the title "web"
 *       plane = haproxy             # an option
 *       socket = { /run/a, /run/b } # an option with a list of values
 *   }
 *
 * Tables describe the sections and their options. A kind of section contains at most one other
 * kind. An error in the syntax ends the reading. After any other error the reading goes on, so
 * that the diagnostics have all of them.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdint.h>

#include "conf/diagnostics.h"
#include "util/err.h"

struct cfg_t;	/* of libConfuse */
struct conf;

struct conf_option {
	const char	*name;
	/* Checks one value and stores it at 'into'. Reports an error in conf->diagnostics. */
	void		(*set)(struct conf *conf, const struct conf_option *option, void *into,
			    const char *value);
	size_t		 at;		/* offset of 'into' in the struct of the section */
	double		 min, max;	/* of a number */
	const char	*text;		/* free for the owner of the table */
	bool		 list;		/* the option may have several values */
};

struct conf_section {
	const char			*name;		/* the file itself: "root" */
	const struct conf_option	*options;
	size_t				 n_options;	/* at most CONF_OPTIONS_MAX */
	/* Returns the struct that receives the options; NULL: out of memory. Not used for the
	 * file itself. */
	void				*(*open)(struct conf *conf, const char *title);
	void				 (*close)(struct conf *conf);	/* may be NULL */
	/* An unknown option is not an error. Only for a file without sections. */
	bool				 ignores_unknown;
};

enum { CONF_OPTIONS_MAX = 40, CONF_DEPTHS_MAX = 4, CONF_PLACE_SIZE = 4 + CONF_DEPTHS_MAX * 65 };

/* An open section. */
struct conf_level {
	struct cfg_t	*cfg;
	void		*into;				/* the struct that receives the options */
	int		 line;				/* of the section's start */
	int		 lines[CONF_OPTIONS_MAX];	/* of options; 0: not given */
};

/* A file while it is read. */
struct conf {
	const struct conf_section	*sections;	/* each is inside the one before it */
	size_t				 n_sections;
	struct diagnostics		*diagnostics;
	int				 line;		/* of the value or of the section's start */
	size_t				 depth;		/* of the innermost open section */
	bool				 no_memory;	/* set() and close() may set it */
	struct conf_level		 open[CONF_DEPTHS_MAX];
	char				 place[CONF_PLACE_SIZE];
};

/* Reads 'file' ("-": standard input) into 'into', the struct of sections[0]. ERR_INVALID: the
 * errors are in 'diagnostics', and 'err' has their number. Other errors have their message in
 * 'err'. Warnings may be in 'diagnostics' with ERR_OK. Not for several threads: libConfuse
 * passes no argument to its callbacks. */
enum err_code conf_read(const char *file, const struct conf_section *sections, size_t n,
    void *into, struct diagnostics *diagnostics, struct err *err);

/* Returns the line of an option of the innermost open section; 0: it was not given. */
int conf_line_of(const struct conf *conf, const char *option);

/* Returns the titles of the open sections, "web/http/web-1"; "" outside of sections. Valid until
 * the next call of conf_path() or conf_place(). */
const char *conf_path(struct conf *conf);
/* Returns " of " and the path, to follow the name of an option in a message; "" outside of
 * sections. */
const char *conf_place(struct conf *conf);

/* Adds an error at the line of the value or of the section's start. */
#define conf_error(conf, ...) \
	diagnostics_error((conf)->diagnostics, (conf)->line, __VA_ARGS__)

/* Functions for conf_option.set: a whole number (uint32_t), yes or no (bool). */
void conf_number(struct conf *conf, const struct conf_option *option, void *into,
    const char *value);
void conf_bool(struct conf *conf, const struct conf_option *option, void *into, const char *value);

/* Parses a decimal number between option->min and option->max; without 'whole' it may have a
 * fraction. On an error it adds a diagnostic and returns false. */
bool conf_decimal(struct conf *conf, const struct conf_option *option, const char *value,
    bool whole, double *ret);

/* Stores a copy of 'value' in *text. */
void conf_keep(struct conf *conf, char **text, const char *value);

#endif
