/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Private to the files of the data plane IPVS. A poll reads the services of the cluster from the
 * kernel, and removes those that lbcluster made and the store no longer has. Commands become the
 * changes between the table of that poll and the wanted table.
 */
#ifndef PLANE_IPVS_PRIVATE_H
#define PLANE_IPVS_PRIVATE_H

#include <limits.h>

#include "plane/ipvs/ipvs_answer.h"

struct plane {
	struct loop		*loop;
	uint32_t		 cluster_id;
	char			 cluster[MODEL_NAME_MAX + 1];	/* for messages */
	char			 store[PATH_MAX];
	bool			 settings_only;	/* manage = settings */
	struct ipvs_socket	*socket;
	struct ipvs_poll	*polling;
	struct ipvs_owned	 owned;
	struct ipvs_rows	 rows;
	struct ipvs_table	 have, before;	/* of the latest poll, of the one before */
	bool			 polled_before;
	size_t			 n_removed;	/* services that the store no longer had */
	struct plane_poll	 poll;
	size_t			 servers_room;	/* of its servers */
	struct plane_error	 error;
	void			*arg;		/* of 'polled' or 'applied' */
	plane_polled_fn		 polled;
	plane_applied_fn	 applied;
	struct plane_command	*commands;
	size_t			 n_commands;
	/* The changes of the commands, or the removals of a poll. */
	struct ipvs_request	*requests;
	size_t			 n_requests;
	/* The first ones are of services. They have the order of ipvs_key_compare(). */
	size_t			 n_services;
	/* Why the latest commands made no new service; ERR_OK: all could be recorded. */
	struct err		 unrecorded;
};

/* -- ipvs_plane.c: the functions of struct plane_kind_ops -------------------------------- */

enum err_code ipvs_plane_open(struct loop *loop, const struct plane_cluster *cluster,
    int timeout_ms, struct plane **ret, struct err *err);
void ipvs_plane_close(struct plane *plane);
enum err_code ipvs_plane_targets_set(struct plane *plane, const struct plane_target *targets,
    size_t n, struct err *err);
void ipvs_plane_settings_set(struct plane *plane, const struct plane_target *targets, size_t n);
void ipvs_plane_poll(struct plane *plane, plane_polled_fn fn, void *arg);

/* Frees the requests of a poll or an apply. */
void ipvs_plane_requests_free(struct plane *plane);

/* What ipvs_answer.h needs of the plane. */
struct ipvs_view ipvs_plane_view(const struct plane *plane);

/* -- ipvs_apply.c ------------------------------------------------------------------------ */

void ipvs_plane_apply(struct plane *plane, struct plane_command *commands, size_t n,
    plane_applied_fn fn, void *arg);

/* -- ipvs_withdraw.c --------------------------------------------------------------------- */

enum err_code ipvs_plane_adopt(const struct plane_cluster *cluster,
    const struct plane_target *targets, size_t n, size_t *ret_n, struct err *err);
enum err_code ipvs_plane_withdraw(const struct plane_cluster *cluster, int timeout_ms,
    size_t *ret_n, struct err *err);
void ipvs_plane_sweep(const char *store, const uint32_t *cluster_ids, size_t n);

#endif
