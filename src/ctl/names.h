/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Names for messages: what exists where a path does not, and which name is similar to a
 * wrong one.
 */
#ifndef CTL_NAMES_H
#define CTL_NAMES_H

#include "ctl/ctl.h"

/* An error's text has room for ERR_TEXT_SIZE. */
enum {
	NAMES_SHOWN = 8,
	NAMES_NEAR = 4,
	NAMES_TEXT_SIZE = (NAMES_SHOWN + 2) * (PATH_TEXT_SIZE + 2),
};

/* Some names out of many: the similar ones, and the first ones. All zero but 'wanted' is an
 * empty one. */
struct names {
	const char	*wanted;	/* what was given; NULL: nothing is similar */
	size_t		 count;		/* of all */
	size_t		 n, n_near;	/* kept below */
	char		 first[NAMES_SHOWN][MODEL_NAME_MAX + 1];
	char		 near[NAMES_NEAR][MODEL_NAME_MAX + 1];
};

/* Longer names are cut. */
void names_add(struct names *names, const char *name);

/* "a, b and 3 more" of the first ones; "" for none. Returns 'buf'. */
const char *names_list(const struct names *names, char buf[NAMES_TEXT_SIZE]);

/* What to do where the part of 'path' that has 'depth' does not exist: "; similar: web/http"
 * or "; services of web: http, https". "" where the store cannot be read. */
const char *names_hint(struct ctl *ctl, const struct path *path, enum path_depth depth,
    char buf[NAMES_TEXT_SIZE]);

/* "web/http is a service, not a real service; its real services: web-1, web-2", of a path
 * that ends above a real service. If the row does not exist: as names_hint(), after its
 * path. */
const char *names_above(struct ctl *ctl, const struct path *path, char buf[NAMES_TEXT_SIZE]);

#endif
