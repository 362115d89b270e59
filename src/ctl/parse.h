/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The inside of inventory_read(): the options of an inventory file as data, each
 * with the function that judges its value and keeps it. Only inventory_read.c
 * includes this.
 */
#ifndef CTL_PARSE_H
#define CTL_PARSE_H

#include "ctl/inventory.h"

struct cfg_t;	/* libConfuse's */

enum parse_depth { PARSE_ROOT, PARSE_CLUSTER, PARSE_SERVICE, PARSE_REAL, PARSE_DEPTHS };

enum { PARSE_OPTIONS = 11 };

struct parse_kind {
	const char	*section;	/* as the file names it */
	const char	*words;
};

extern const struct parse_kind parse_kinds[PARSE_DEPTHS];

/* A file while it is read. One section of each kind is open at most. */
struct parse {
	struct diagnostics		*diagnostics;
	struct inventory		*inventory;
	struct inventory_cluster	*cluster;
	struct inventory_service	*service;
	struct inventory_real		*real;
	struct inventory_real		*fallback;	/* of the service, so far */
	struct cfg_t			*cfgs[PARSE_DEPTHS];
	enum parse_depth		 depth;		/* the innermost that is open */
	int				 lines[PARSE_OPTIONS];	/* 0: not given */
	bool				 no_memory;
	char				 where[PATH_TEXT_SIZE];
};

/* 'plane': a parameter of this data plane. Those are lists of texts. */
struct parse_option {
	enum parse_depth	 depth;
	const char		*name;
	const char		*plane;
	void			(*take)(struct parse *parse, const char *value, int line);
};

extern const struct parse_option parse_options[PARSE_OPTIONS];

/* Where it is among parse_options[]; it has to be there. */
size_t parse_option_index(enum parse_depth depth, const char *name);

/* Where it was given in the section that is open; 0: not. */
int parse_line_of(const struct parse *parse, enum parse_depth depth, const char *name);

/* The path of what is open, or down to 'depth', for words; valid until the next
 * call. */
const char *parse_where(struct parse *parse);
const char *parse_where_at(struct parse *parse, enum parse_depth depth);

#endif
