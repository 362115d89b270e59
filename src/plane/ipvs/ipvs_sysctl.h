/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings of the kernel in /proc/sys/net/ipv4/vs. The driver reads them and never writes
 * them, because they belong to all programs of the network namespace.
 */
#ifndef PLANE_IPVS_SYSCTL_H
#define PLANE_IPVS_SYSCTL_H

#include "plane/ipvs/ipvs_rows.h"

/* Writes the first setting that is not as the rows need it, and what to do; "" if all are.
 * *ret_counts: the kernel counts traffic. */
void ipvs_sysctl_remark(const struct ipvs_rows *rows, char remark[MODEL_MESSAGE_MAX + 1],
    bool *ret_counts);

#endif
