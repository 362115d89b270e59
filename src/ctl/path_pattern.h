/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Paths whose names may have "*", any characters, and "?", one character, as web-* and web-?.
 */
#ifndef CTL_PATH_PATTERN_H
#define CTL_PATH_PATTERN_H

#include <stdbool.h>

#include "ctl/path_hint.h"
#include "util/err.h"

struct path_pattern {
	struct path	path;		/* its names are patterns of fnmatch(3) */
	enum path_depth	depth;
	bool		has_wildcard;
};

/* Reads a pattern, which may end with a slash as ctl_path_parse() allows. ERR_INVALID names the
 * invalid part and the rule for names. */
enum err_code path_pattern_parse(const char *text, struct path_pattern *ret, struct err *err);

enum path_match {
	PATH_OTHER,
	PATH_ABOVE,	/* a row below this one may match */
	PATH_MATCHES,	/* the row, or a row above it, matches */
};

/* Compares a pattern with the row that has the first 'depth' names. */
enum path_match path_pattern_match(const struct path_pattern *pattern, const char *const names[],
    enum path_depth depth);

#endif
