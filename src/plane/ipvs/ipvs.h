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
 * of RUNTIME_DIRECTORY (systemd.exec(5)), or IPVS_OWNED_DIR. The text is valid until the environment
 * changes. */
const char *ipvs_directory(void);

/* The result: the number of virtual services that were removed, and a message if 'code' is not
 * ERR_OK. */
typedef void (*ipvs_withdrawn_fn)(void *arg, enum err_code code, size_t n, const char *message);

struct ipvs_withdrawal;

/* Removes what lbcluster made for a cluster, and its file. Calls fn(arg) once, from the loop. NULL
 * without memory. */
struct ipvs_withdrawal *ipvs_withdraw(struct loop *loop, const struct plane_cluster *cluster,
    int timeout_ms, ipvs_withdrawn_fn fn, void *arg);
/* Not allowed in its callback. NULL is allowed. */
void ipvs_withdrawal_free(struct ipvs_withdrawal *withdrawal);

/* Writes the file of a cluster so that lbcluster owns the virtual services of these rows, whether
 * they exist yet or not. *ret_n is their number. ERR_INVALID and other errors with a message. */
enum err_code ipvs_adopt(const struct plane_cluster *cluster, const struct plane_target *targets,
    size_t n, size_t *ret_n, struct err *err);

#endif
