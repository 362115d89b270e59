/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A small world in a store, and whether an image of it is true: what an image derives is
 * derived again by SQL, from the words of LBCLUSTER-MIB.
 */
#ifndef IMAGE_WORLD_H
#define IMAGE_WORLD_H

#include "store_fixture.h"

#include <inttypes.h>

#include "image/image.h"

enum { STALE_AFTER_S = 300 };
#define NOW INT64_C(1000000)

/* Cluster web, service http, real services a, b, and c the fallback, all up. */
void small_make(struct fixture *f);
/* What is measured of a real service. */
void statistics_set(struct fixture *f, uint32_t id, int active, int64_t update);

struct image *image_make(void);
/* In slices of 'limit' rows. */
void refresh(struct fixture *f, struct image *image, size_t limit, int64_t now);
struct image_real *real_of(struct image *image, uint32_t id);

/* All there is as text, line by line: as the image has it, and as the files do. Both are
 * to be freed. */
char *picture_text(struct image *image, int64_t now);
char *truth_text(struct fixture *f, int64_t now);
/* cmocka cuts long texts: shows the line that differs. */
void texts_are_equal(const char *picture, const char *truth);

/* Each row is found by its name, and has its place. */
void all_names_are_right(struct image *image);

/* All of that. */
void image_is_true(struct fixture *f, struct image *image, int64_t now);

#endif
