/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The image's inside. Only src/image includes this.
 */
#ifndef IMAGE_INSIDE_H
#define IMAGE_INSIDE_H

#include "image/image.h"
#include "util/idmap.h"

struct image {
	struct image_list	clusters;
	struct image_names	cluster_names;
	struct image_list	jobs;
	struct idmap		cluster_by_id;
	struct idmap		service_by_id;
	struct idmap		real_by_id;
	struct store_cursor	cursor;
	struct store_totals	totals;
	uint64_t		version;	/* of what rows there are */
	uint32_t		stale_after_s;
	uint32_t		reals_stale;
	uint32_t		jobs_active;
	uint8_t			generation;	/* of the load under way */
	bool			loading;	/* a full load is not complete yet */
	bool			loaded;		/* one was */
};

/* Marks what is to be derived again. */
void image_dirty(struct image_service *service);

/* Makes status and sums again where marked. 'found' is true for states merely
 * found, which are no changes: at the first load. */
void image_derive(struct image *image, int64_t now, bool found);

#endif
