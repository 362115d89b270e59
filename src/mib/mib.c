/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Creates, configures and frees an engine; see mib.h.
 */
#include "mib/mib.h"

#include <stdlib.h>

#include "mib/mib_private.h"
#include "util/clock.h"

struct mib *
mib_new(struct image *image, struct store *store, const struct mib_config *config)
{
	struct mib *mib = calloc(1, sizeof(*mib));

	if (mib == NULL)
		return NULL;
	mib->image = image;
	mib->store = store;
	mib->started = clock_wall_s();
	mib->at_start = *image_totals(image);
	mib->reject.reason = REJECT_NONE;
	mib->told.status = STORE_OK;
	mib->reject.object.n = 2;	/* zeroDotZero */
	mib->notify = notify_new();
	if (mib->notify == NULL) {
		free(mib);
		return NULL;
	}
	mib_config_set(mib, config);
	image_events_set(image, mib_event, mib);
	return mib;
}

void
mib_free(struct mib *mib)
{
	if (mib == NULL)
		return;
	image_events_set(mib->image, NULL, NULL);
	mib_sets_free(mib);
	notify_free(mib->notify);
	free(mib);
}

void
mib_config_set(struct mib *mib, const struct mib_config *config)
{
	mib->version = config->version;
	notify_interval_set(mib->notify, config->notify_interval_s);
	image_stale_after_set(mib->image, config->stale_after_s, clock_wall_s());
}
