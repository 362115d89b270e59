/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A map from a row's id to the row in memory, for up to millions of rows: open
 * addressing, 16 bytes a slot, no allocation for each entry. Owns its slots,
 * never what the pointers point to.
 */
#ifndef UTIL_IDMAP_H
#define UTIL_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_slot;

/* Embedded in its owner; all zero is an empty map as well. The members are the
 * map's own. */
struct idmap {
	struct idmap_slot	*slots;
	uint32_t		 count;
	uint32_t		 bits;	/* 2^bits slots */
};

/* An empty map; takes no memory until the first idmap_put(). */
void idmap_init(struct idmap *map);

/* Frees the slots; the map is empty then and may be used again. */
void idmap_done(struct idmap *map);

/* The pointer of 'id'; NULL if 'id' is not in the map or 0. */
void *idmap_get(const struct idmap *map, uint32_t id);

/* Maps 'id' to 'value' (not NULL); replaces an earlier value. False if out of memory and for
 * id 0: the map is unchanged then. Replacing never fails. */
bool idmap_put(struct idmap *map, uint32_t id, void *value) __attribute__((warn_unused_result));

/* Removes 'id'; returns its pointer, NULL if 'id' was not in the map. */
void *idmap_remove(struct idmap *map, uint32_t id);

/* Number of ids in the map. */
size_t idmap_count(const struct idmap *map);

#endif
