/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A driver as a program. It serves each cluster of the store whose data plane is of its kind.
 * A driver for another data plane is a main() with a struct driver_program.
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "plane/plane.h"

struct driver_program {
	const char			*name;		/* "lbcluster-haproxy" */
	const char			*conf_file;	/* without -c; need not exist */
	const struct plane_kind_ops	*ops;
};

/* Runs the program; returns its exit status, lbcluster-haproxy(8). */
int driver_main(const struct driver_program *program, int argc, char **argv);

#endif
