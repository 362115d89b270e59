/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration file of a daemon: a table lists its options and the members of the
 * program's struct that receive them. libConfuse parses the file.
 */
#ifndef UTIL_SETTINGS_H
#define UTIL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

enum setting_kind {
	SETTING_PATH,		/* absolute; char *, to be freed */
	SETTING_AGENTX,		/* an address that endpoint_parse() takes; char *, to be freed */
	SETTING_LEVEL,		/* enum log_level */
	SETTING_NUMBER,		/* uint32_t */
	SETTING_SECONDS,	/* with a fraction if need be; uint32_t milliseconds */
};

struct setting {
	const char		*name;
	enum setting_kind	 kind;
	size_t			 at;		/* offset in the struct */
	const char		*text;		/* the default of a path, an address or a level */
	double			 number;	/* that of a number or seconds, */
	double			 min, max;	/* and their bounds */
};

enum { SETTINGS_MAX = 32 };

/* Sets the 'n' settings (at most SETTINGS_MAX) in the struct at 'into' to their defaults and
 * then to the values of the file at 'path'. 'optional': the file may be missing.
 * ERR_INVALID, ERR_NOT_FOUND, ERR_IO or ERR_NOMEM with a message that begins with FILE:LINE;
 * no setting is changed then. */
enum err_code settings_load(const struct setting *settings, size_t n, const char *path,
    bool optional, void *into, struct err *err);

/* Frees the strings. May be repeated, and called for a zeroed struct. */
void settings_done(const struct setting *settings, size_t n, void *into);

#endif
