/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "mib/mib.h"

#include <stdlib.h>

#include "mib/mib_private.h"
#include "util/clock.h"

struct mib *
mib_new(struct cache *cache, struct store *store, const struct mib_config *config)
{
	struct mib *mib = calloc(1, sizeof(*mib));

	if (mib == NULL)
		return NULL;
	mib->cache = cache;
	mib->store = store;
	mib->started = clock_wall_s();
	mib->at_start = cache->totals;
	mib->reject.reason = REJECT_NONE;
	mib->reported.status = STORE_OK;
	mib->reject.object.n = 2;	/* zeroDotZero */
	mib->notify = notify_new();
	if (mib->notify == NULL) {
		free(mib);
		return NULL;
	}
	mib_config_set(mib, config);
	cache_events_set(cache, mib_event, mib);
	return mib;
}

void
mib_free(struct mib *mib)
{
	if (mib == NULL)
		return;
	cache_events_set(mib->cache, NULL, NULL);
	mib_sets_free(mib);
	notify_free(mib->notify);
	free(mib);
}

void
mib_config_set(struct mib *mib, const struct mib_config *config)
{
	mib->version = config->version;
	notify_interval_set(mib->notify, config->notify_interval_s);
	cache_stale_after_set(mib->cache, config->stale_after_s, clock_wall_s());
}
