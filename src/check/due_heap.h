/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A heap of due times. An item is the first member of its owner's struct.
 */
#ifndef CHECK_DUE_HEAP_H
#define CHECK_DUE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_item {
	int64_t	at_ms;
	size_t	place;	/* from 1; 0: not in the heap */
};

/* All zeros is an empty heap without memory. */
struct due_heap {
	struct due_item	**items;
	size_t		 n, room;
};

void due_heap_done(struct due_heap *heap);

/* Makes room for 'n' items, so that due_heap_set() cannot fail for that many. False without
 * memory. */
bool due_heap_reserve(struct due_heap *heap, size_t n) __attribute__((warn_unused_result));

/* Adds the item, or moves it, to 'at_ms'. Expects room. */
void due_heap_set(struct due_heap *heap, struct due_item *item, int64_t at_ms);

/* Removes the item if it is in the heap. */
void due_heap_remove(struct due_heap *heap, struct due_item *item);

/* The item with the earliest time; NULL if the heap is empty. */
struct due_item *due_heap_first(const struct due_heap *heap);

#endif
