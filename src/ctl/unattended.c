/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/unattended.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/memory.h"

struct reading {
	struct unattended	*list;
	struct store		*store;
	struct err		*err;
};

static enum err_code
cluster_add(void *arg, const struct cluster_row *row)
{
	struct reading *reading = arg;
	struct unattended *list = reading->list;
	struct unattended_cluster *clusters;
	struct plane_view view;
	enum err_code code = store_plane_view(reading->store, row, clock_wall_s(), &view,
	    reading->err);

	if (code != ERR_OK || view.status != PLANE_STATUS_UNATTENDED)
		return code;
	clusters = memory_array_reserve(list->clusters, list->n, &list->room, sizeof(*clusters));
	if (clusters == NULL)
		return err_set(reading->err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	list->clusters = clusters;
	clusters += list->n++;
	snprintf(clusters->name, sizeof(clusters->name), "%s", row->name);
	snprintf(clusters->message, sizeof(clusters->message), "%s", view.message);
	return ERR_OK;
}

enum err_code
unattended_read(struct unattended *list, struct store *store, struct err *err)
{
	struct reading reading = { .list = list, .store = store, .err = err };

	list->n = 0;
	return store_each_cluster(store, NULL, cluster_add, &reading, err);
}

void
unattended_free(struct unattended *list)
{
	free(list->clusters);
	*list = (struct unattended){ 0 };
}

const char *
unattended_message(const struct unattended *list, const struct job_row *job)
{
	if (!job_state_open(job->state) || (job->real_id == 0 && job->service_id == 0))
		return NULL;
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->clusters[i].name, job->cluster) == 0)
			return list->clusters[i].message;
	}
	return NULL;
}
