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

/* The directory of the files that name what lbcluster made, see ipvs_owned.h: the first directory
 * of RUNTIME_DIRECTORY (systemd.exec(5)), or IPVS_OWNED_DIR. The text is valid until the
 * environment changes. */
const char *ipvs_directory(void);

#endif
