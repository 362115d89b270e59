/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Plane none; see none.h. Each real service of the store exists and is ready. It has no numbers.
 */
#include "plane/none/none.h"

#include <stdlib.h>

struct plane {
	struct plane_poll	 poll;
};

static enum err_code
plane_open(struct loop *loop, const struct plane_cluster *cluster, int timeout_ms,
    struct plane **ret, struct err *err)
{
	(void)loop;
	(void)cluster;
	(void)timeout_ms;
	*ret = calloc(1, sizeof(**ret));
	return *ret != NULL ? ERR_OK : err_set(err, ERR_NOMEM, "out of memory");
}

static void
plane_close(struct plane *plane)
{
	if (plane != NULL)
		free(plane->poll.servers);
	free(plane);
}

static enum err_code
plane_targets_set(struct plane *plane, const struct plane_target *targets, size_t n,
    struct err *err)
{
	struct plane_server *servers = calloc(n + 1, sizeof(*servers));
	size_t reals = 0;

	if (servers == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for the rows");
	for (size_t i = 0; i < n; i++) {
		if (!targets[i].is_service)
			servers[reals++] = (struct plane_server){ .exists = true, .up = true,
			    .state = PLANE_READY, .role = ROLE_MEMBER,
			    .weight = targets[i].weight };
	}
	free(plane->poll.servers);
	plane->poll.servers = servers;
	return ERR_OK;
}

static void
plane_poll(struct plane *plane, plane_polled_fn fn, void *arg)
{
	fn(arg, &plane->poll, NULL);
}

const struct plane_kind_ops none_plane = {
	.kind = "none",
	.open = plane_open,
	.close = plane_close,
	.targets_set = plane_targets_set,
	.poll = plane_poll,
};
