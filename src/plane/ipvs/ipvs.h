/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * IPVS of the kernel as a data plane: services are its virtual services, real services are their
 * destinations. lbcluster makes both, and removes both when the store no longer has them.
 */
#ifndef PLANE_IPVS_H
#define PLANE_IPVS_H

#include "plane/plane.h"

extern const struct plane_kind_ops ipvs_plane;

#endif
