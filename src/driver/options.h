/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command line of a plane driver.
 */
#ifndef DRIVER_OPTIONS_H
#define DRIVER_OPTIONS_H

#include <stdbool.h>

struct driver_options {
	bool		 foreground, check, once;
	const char	*config_file, *store, *level;	/* NULL: not given */
};

/* -1: go on; otherwise the exit status. */
int driver_options_parse(const char *name, int argc, char **argv, struct driver_options *ret);

#endif
