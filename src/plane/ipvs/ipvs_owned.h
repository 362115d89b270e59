/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The file that names the virtual services which lbcluster made for a cluster: one line for each,
 * as ipvs_key_text() writes it. The driver writes the file before it makes a service, so it never
 * owns a service that the file does not name. The directory is on a file system that ends with the
 * kernel's table, such as /run.
 */
#ifndef PLANE_IPVS_OWNED_H
#define PLANE_IPVS_OWNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plane/ipvs/ipvs_key.h"
#include "util/err.h"

#define IPVS_OWNED_DIR "/run/lbcluster-ipvs"

/* The directory of the files: the first directory of RUNTIME_DIRECTORY (systemd.exec(5)), or
 * IPVS_OWNED_DIR. The text is valid until the environment changes. */
const char *ipvs_directory(void);

struct ipvs_owned {
	struct ipvs_key	*keys;	/* by ipvs_key_compare() */
	size_t		 n, room;
};

/* Reads the file of a cluster. Without the file the cluster owns nothing. ERR_INVALID names the
 * file and the line. 'ret' needs ipvs_owned_done() in each case. */
enum err_code ipvs_owned_read(const char *dir, uint32_t cluster_id, struct ipvs_owned *ret,
    struct err *err);
void ipvs_owned_done(struct ipvs_owned *owned);

/* Replaces the file at once and syncs it; removes it if 'owned' is empty. Creates the directory,
 * and records the directory 'store' of the store that the cluster is of. */
enum err_code ipvs_owned_write(const char *dir, const char *store, uint32_t cluster_id,
    const struct ipvs_owned *owned, struct err *err);

/* ERR_INVALID if the files are those of another store: its clusters have the same ids, so a driver
 * that is started with the wrong store would remove their services. The message says what to do. */
enum err_code ipvs_owned_store_check(const char *dir, const char *store, struct err *err);

bool ipvs_owned_has(const struct ipvs_owned *owned, const struct ipvs_key *key);

/* Change the list and not the file. False: no memory. A key that is there, or is not there, is no
 * error. */
bool ipvs_owned_add(struct ipvs_owned *owned, const struct ipvs_key *key)
    __attribute__((warn_unused_result));
void ipvs_owned_remove(struct ipvs_owned *owned, const struct ipvs_key *key);

/* Sets *ret to the ids of the clusters that have a file; the caller frees it. A directory that does
 * not exist has none. */
enum err_code ipvs_owned_clusters(const char *dir, uint32_t **ret, size_t *ret_n,
    struct err *err);

#endif
