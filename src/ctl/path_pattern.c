/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/path_pattern.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

enum err_code
path_pattern_parse(const char *text, struct path_pattern *ret, struct err *err)
{
	char plain[PATH_TEXT_SIZE + 1];
	struct path_pattern pattern = { .has_wildcard = strpbrk(text, "*?") != NULL };
	char *const names[] = { pattern.path.cluster, pattern.path.service, pattern.path.real };
	enum err_code code;

	/* A text that is cut is too long for a path in any case. */
	snprintf(plain, sizeof(plain), "%s", text);
	for (char *at = plain; (at = strpbrk(at, "*?")) != NULL;)
		*at = '_';	/* a name in place of the pattern, for the rules for names */
	code = ctl_path_parse(pattern.has_wildcard ? plain : text, &pattern.path, err);
	if (code != ERR_OK)
		return code;
	pattern.depth = path_depth(&pattern.path);
	for (size_t i = 0; i < ROWS(names) && i < (size_t)pattern.depth; i++) {
		size_t length = strcspn(text, "/");

		memcpy(names[i], text, length);
		text += length + 1;
	}
	*ret = pattern;
	return ERR_OK;
}

enum path_match
path_pattern_match(const struct path_pattern *pattern, const char *const names[],
    enum path_depth depth)
{
	const char *const patterns[] = { pattern->path.cluster, pattern->path.service,
		pattern->path.real };

	for (size_t i = 0; i < ROWS(patterns) && i < (size_t)depth && i < (size_t)pattern->depth;
	    i++) {
		if (fnmatch(patterns[i], names[i], 0) != 0)
			return PATH_OTHER;
	}
	return depth < pattern->depth ? PATH_ABOVE : PATH_MATCHES;
}
