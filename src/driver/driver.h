/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A plane driver as a program: it serves every cluster of the store whose data plane
 * is of its kind. Meets the other programs only in the store.
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "plane/plane.h"

struct driver_program {
	const char			*name;		/* "lbcluster-haproxy" */
	const char			*conf_file;	/* read unless -c names another */
	const struct plane_kind_ops	*ops;
};

/* The whole program; returns its exit status, lbcluster-haproxy(8). */
int driver_main(const struct driver_program *program, int argc, char **argv);

#endif
