/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Plane none: no data plane. Other programs balance the traffic, and lbcluster knows nothing of
 * them. The driver lbcluster-checks checks the real services, and changes nothing.
 */
#ifndef PLANE_NONE_NONE_H
#define PLANE_NONE_NONE_H

#include "plane/plane.h"

extern const struct plane_kind_ops none_plane;

#endif
