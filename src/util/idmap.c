/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A map from ids to pointers; see idmap.h. It uses linear probing without tombstones: a removal
 * moves later entries back. So a map stays fast after months of insertions and removals.
 */
#include "util/idmap.h"

#include <stdlib.h>

enum { BITS_MIN = 4, BITS_MAX = 31 };

struct idmap_slot {
	uint32_t	 id;	/* 0: free */
	void		*value;
};

static uint32_t
slot_mask(const struct idmap *map)
{
	return (uint32_t)((UINT64_C(1) << map->bits) - 1);
}

/* The slot where a search for 'id' starts. Fibonacci hashing spreads consecutive ids, which the
 * store mostly has, evenly. */
static uint32_t
slot_home(const struct idmap *map, uint32_t id)
{
	return (uint32_t)(id * UINT32_C(2654435769)) >> (32 - map->bits);
}

/* The slot of 'id', or the free slot for it. */
static uint32_t
slot_find(const struct idmap *map, uint32_t id)
{
	uint32_t mask = slot_mask(map), i = slot_home(map, id);

	while (map->slots[i].id != 0 && map->slots[i].id != id)
		i = (i + 1) & mask;
	return i;
}

static bool
map_grow(struct idmap *map)
{
	struct idmap bigger = { .count = map->count };

	bigger.bits = map->slots == NULL ? BITS_MIN : map->bits + 1;
	if (bigger.bits > BITS_MAX)
		return false;
	bigger.slots = calloc((size_t)1 << bigger.bits, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (size_t i = 0; map->slots != NULL && i <= slot_mask(map); i++)
		if (map->slots[i].id != 0)
			bigger.slots[slot_find(&bigger, map->slots[i].id)] = map->slots[i];
	free(map->slots);
	*map = bigger;
	return true;
}

void
idmap_done(struct idmap *map)
{
	free(map->slots);
	*map = (struct idmap){ 0 };
}

void *
idmap_get(const struct idmap *map, uint32_t id)
{
	if (map->slots == NULL || id == 0)
		return NULL;
	return map->slots[slot_find(map, id)].value;
}

bool
idmap_put(struct idmap *map, uint32_t id, void *value)
{
	struct idmap_slot *slot;

	if (id == 0)
		return false;
	if (map->slots != NULL) {
		slot = &map->slots[slot_find(map, id)];
		if (slot->id == id) {
			slot->value = value;
			return true;
		}
	}
	/* At most 70 % full. Above that, searches by linear probing become long. */
	if (map->slots == NULL ||
	    ((uint64_t)map->count + 1) * 10 > ((uint64_t)slot_mask(map) + 1) * 7)
		if (!map_grow(map))
			return false;
	map->slots[slot_find(map, id)] = (struct idmap_slot){ .id = id, .value = value };
	map->count++;
	return true;
}

/* Closes the gap at slot 'gap' with later entries of the run. An entry stays if its search
 * starts after the gap. */
static void
gap_close(struct idmap *map, uint32_t gap)
{
	uint32_t mask = slot_mask(map);

	for (uint32_t i = (gap + 1) & mask; map->slots[i].id != 0; i = (i + 1) & mask) {
		uint32_t away = (i - slot_home(map, map->slots[i].id)) & mask;

		if (away >= ((i - gap) & mask)) {
			map->slots[gap] = map->slots[i];
			gap = i;
		}
	}
	map->slots[gap] = (struct idmap_slot){ 0 };
}

void *
idmap_remove(struct idmap *map, uint32_t id)
{
	void *value;
	uint32_t i;

	if (map->slots == NULL || id == 0)
		return NULL;
	i = slot_find(map, id);
	if (map->slots[i].id == 0)
		return NULL;
	value = map->slots[i].value;
	gap_close(map, i);
	map->count--;
	return value;
}

size_t
idmap_count(const struct idmap *map)
{
	return map->count;
}
