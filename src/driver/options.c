/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Options; see options.h.
 */
#include "driver/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

#include "util/log.h"

enum { EXIT_OK = 0, EXIT_USAGE = 2 };

static int
usage(const char *name, FILE *to)
{
	fprintf(to, "usage: %s [-f] [-c FILE] [-s STORE] [-l LEVEL] [--check] [--once] "
	    "[--version]\n", name);
	return EXIT_USAGE;
}

int
driver_options_parse(const char *name, int argc, char **argv, struct driver_options *ret)
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, 'C' },
		{ "once", no_argument, NULL, 'O' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	enum log_level level;
	int option;

	while ((option = getopt_long(argc, argv, "fc:s:l:h", longs, NULL)) != -1) {
		switch (option) {
		case 'f': ret->foreground = true; break;
		case 'c': ret->config_file = optarg; break;
		case 's': ret->store = optarg; break;
		case 'l': ret->level = optarg; break;
		case 'C': ret->check = true; break;
		case 'O': ret->once = true; break;
		case 'V': printf("%s %s\n", name, PACKAGE_VERSION); return EXIT_OK;
		case 'h': usage(name, stdout); return EXIT_OK;
		default: return usage(name, stderr);
		}
	}
	if (optind != argc)
		return usage(name, stderr);
	/* An unset variable of a script, and not the root directory. */
	if (ret->store != NULL && ret->store[0] == '\0') {
		fprintf(stderr, "%s: -s: the name of the directory is empty\n", name);
		return EXIT_USAGE;
	}
	if (ret->level != NULL && !log_level_parse(ret->level, &level)) {
		fprintf(stderr, "%s: -l %s: not one of error, warn, info, debug\n", name,
		    ret->level);
		return EXIT_USAGE;
	}
	return -1;
}
