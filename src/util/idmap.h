/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A map from the id of a row to the row in memory, for up to millions of rows: open addressing,
 * 16 bytes a slot. The map owns its slots and not the rows.
 */
#ifndef UTIL_IDMAP_H
#define UTIL_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_slot;

/* A member of its owner's struct. All zeros is an empty map without memory. The members are
 * private to idmap.c. */
struct idmap {
	struct idmap_slot	*slots;
	uint32_t		 count;
	uint32_t		 bits;	/* 2^bits slots */
};

/* Frees the slots. The map is empty afterwards. */
void idmap_done(struct idmap *map);

/* The pointer of 'id'; NULL if 'id' is not in the map or 0. */
void *idmap_get(const struct idmap *map, uint32_t id);

/* Maps 'id' to 'value' (not NULL); replaces an earlier value. False if out of memory and for
 * id 0; the map is unchanged then. Replacing never fails. */
bool idmap_put(struct idmap *map, uint32_t id, void *value) __attribute__((warn_unused_result));

/* Removes 'id'; returns its pointer, NULL if 'id' was not in the map. */
void *idmap_remove(struct idmap *map, uint32_t id);

/* Number of ids in the map. */
size_t idmap_count(const struct idmap *map);

#endif
