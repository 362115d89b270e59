/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A driver as a program. It serves each cluster of the store whose data plane is of its kind.
 * A driver for another data plane is a main() with another struct plane_kind_ops.
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "plane/plane.h"

/* Runs the program; returns its exit status, lbcluster-haproxy(8). The registry of kinds
 * (plane_kind_find()) has the kind of 'ops', and the name of the program. */
int driver_main(const struct plane_kind_ops *ops, int argc, char **argv);

#endif
