/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Compares the servers of the store with those of the data plane. Services that the store does
 * not have are not compared, because a data plane may serve more than the cluster. Pure.
 */
#ifndef DRIVER_DIFFERENCE_H
#define DRIVER_DIFFERENCE_H

#include "driver/driver_tree.h"

/* Writes how many servers only one side has, and the first names of each side; "" if there are
 * none. The text begins with PLANE_MESSAGE_DIFFERS. Call plan_bind() before. 'title' is that of
 * the data plane. */
void difference_write(const struct driver_cluster *cluster, const struct plane_poll *poll,
    const char *title, char buf[MODEL_MESSAGE_MAX + 1]);

#endif
