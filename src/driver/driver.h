/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A driver as a program. It serves each cluster of the store whose data plane is of its kind.
 * A driver for another data plane is a main() with another struct plane_kind_ops.
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "plane/plane.h"

struct check_ops;

/* Runs the program; returns its exit status, lbcluster-haproxy(8). 'kinds' is check_kinds of
 * check/checks.h, or NULL for a data plane that checks its servers itself. The registry of kinds
 * (plane_kind_find()) has the kind of 'ops', and the name of the program. */
int driver_main(const struct plane_kind_ops *ops, const struct check_ops *const *kinds,
    int argc, char **argv);

#endif
