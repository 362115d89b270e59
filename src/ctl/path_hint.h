/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Hints for messages about a wrong path: similar names, or the names that exist.
 */
#ifndef CTL_PATH_HINT_H
#define CTL_PATH_HINT_H

#include "model/model.h"
#include "store/store.h"

/* How many parts a path has. */
enum path_depth { DEPTH_NONE, DEPTH_CLUSTER, DEPTH_SERVICE, DEPTH_REAL };

enum path_depth path_depth(const struct path *path);

/* Returns a path of these parts, of which the last ones may be "". */
struct path path_of(const char *cluster, const char *service, const char *real);

/* Returns the first 'depth' parts of a path. */
struct path path_cut(const struct path *path, enum path_depth depth);

/* A hint is at most as long as the text of a struct err. */
enum {
	NAMES_SHOWN = 8,
	NAMES_NEAR = 4,
	NAMES_TEXT_SIZE = (NAMES_SHOWN + 2) * (PATH_TEXT_SIZE + 2),
};

/* A selection of many names: the first ones, and those similar to 'wanted'. Initialize it with
 * zeros and 'wanted'. */
struct names {
	const char	*wanted;	/* the wrong name; NULL: no name is similar */
	size_t		 count;		/* of all names */
	size_t		 n, n_near;	/* of the names below */
	char		 first[NAMES_SHOWN][MODEL_NAME_MAX + 1];
	char		 near[NAMES_NEAR][MODEL_NAME_MAX + 1];
};

/* Adds a name, cut at MODEL_NAME_MAX bytes. */
void names_add(struct names *names, const char *name);

/* Formats the first names as "a, b and 3 more", "" if there are none. Returns 'buf'. */
const char *names_list(const struct names *names, char buf[NAMES_TEXT_SIZE]);

/* Formats the similar names as "; similar: web/http, web/https", each with 'parent' (may be
 * NULL) before it; "" if there are none. Returns 'buf'. */
const char *names_similar(const struct names *names, const struct path *parent,
    char buf[NAMES_TEXT_SIZE]);

/* Formats a hint for 'path', whose last part does not exist: names_similar(), or the names that
 * exist, "; services of web: http, https". "" if the store (may be NULL) cannot be read. */
const char *names_hint(struct store *store, const struct path *path, char buf[NAMES_TEXT_SIZE]);

/* Formats the message about a path that should name a row of depth 'least' (DEPTH_SERVICE: or of
 * DEPTH_REAL) and ends above: "web/http is a service, not a real service; its real services:
 * web-1, web-2". */
const char *names_above(struct store *store, const struct path *path, enum path_depth least,
    char buf[NAMES_TEXT_SIZE]);

#endif
