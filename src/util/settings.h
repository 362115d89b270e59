/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The configuration file of a daemon: a table says what there is, and where in the
 * program's own struct it goes. libConfuse reads it.
 */
#ifndef UTIL_SETTINGS_H
#define UTIL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

enum setting_kind {
	SETTING_PATH,		/* absolute; char *, to be freed */
	SETTING_LEVEL,		/* enum log_level */
	SETTING_NUMBER,		/* uint32_t */
	SETTING_SECONDS,	/* with a fraction if need be; uint32_t milliseconds */
};

struct setting {
	const char		*name;
	enum setting_kind	 kind;
	size_t			 at;		/* offset in the struct */
	const char		*text;		/* the default of a path or a level */
	double			 number;	/* that of a number or seconds, */
	double			 min, max;	/* and their bounds */
};

enum { SETTINGS_MAX = 32 };

/* Reads the file at 'path' over the defaults of the 'n' settings (at most
 * SETTINGS_MAX) into the struct at 'into'. 'optional': the file need not exist.
 * ERR_INVALID, ERR_NOT_FOUND, ERR_IO or ERR_NOMEM with words that begin with
 * FILE:LINE; nothing is set then. */
enum err_code settings_load(const struct setting *settings, size_t n, const char *path,
    bool optional, void *into, struct err *err);

/* Frees the texts; fine to repeat, and for a struct of zeros. */
void settings_done(const struct setting *settings, size_t n, void *into);

#endif
