/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Clusters that no driver polls: their jobs wait until the driver runs.
 */
#ifndef CTL_UNATTENDED_H
#define CTL_UNATTENDED_H

#include "model/model.h"
#include "store/store.h"

/* Initialize it with zeros. */
struct unattended {
	struct unattended_cluster {
		char	name[MODEL_NAME_MAX + 1];
		char	message[MODEL_MESSAGE_MAX + 1];
	}		*clusters;
	size_t		 n, room;
};

/* Reads the list again. unattended_free() frees it, also after an error. */
enum err_code unattended_read(struct unattended *list, struct store *store, struct err *err);
void unattended_free(struct unattended *list);

/* Returns lbcClusterPlaneMessage of a job's cluster if the job is open and no driver polls the
 * cluster, otherwise NULL. */
const char *unattended_message(const struct unattended *list, const struct job_row *job);

#endif
