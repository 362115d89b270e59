/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The servers of the store beside those of the data plane, by name. Only services of the store
 * are compared: a data plane may serve more than the cluster has. Pure functions.
 */
#ifndef DRIVER_DIFFERENCE_H
#define DRIVER_DIFFERENCE_H

#include "driver/driver_tree.h"

/* Writes how many servers only one of the two has, and the first names of each kind; "" if
 * there are none, or without memory. It begins with PLANE_MESSAGE_DIFFERS. 'title' is the
 * data plane's, for people. */
void difference_write(const struct driver_cluster *cluster, const struct plane_poll *poll,
    const char *title, char buf[MODEL_MESSAGE_MAX + 1]);

#endif
