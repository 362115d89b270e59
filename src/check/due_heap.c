/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "check/due_heap.h"

#include <stdlib.h>

void
due_heap_done(struct due_heap *heap)
{
	free(heap->items);
	*heap = (struct due_heap){ 0 };
}

bool
due_heap_reserve(struct due_heap *heap, size_t n)
{
	size_t room = heap->room == 0 ? 64 : heap->room;
	struct due_item **items;

	while (room < n)
		room *= 2;
	if (room == heap->room)
		return true;
	items = reallocarray(heap->items, room, sizeof(void *));
	if (items == NULL)
		return false;
	heap->items = items;
	heap->room = room;
	return true;
}

static void
put(struct due_heap *heap, struct due_item *item, size_t place)
{
	heap->items[place - 1] = item;
	item->place = place;
}

/* Puts the item at 'place' or where the order wants it, up or down from there. */
static void
sift(struct due_heap *heap, struct due_item *item, size_t place)
{
	size_t child;

	for (; place > 1 && heap->items[place / 2 - 1]->at_ms > item->at_ms; place /= 2)
		put(heap, heap->items[place / 2 - 1], place);
	for (; (child = 2 * place) <= heap->n; place = child) {
		if (child < heap->n && heap->items[child]->at_ms < heap->items[child - 1]->at_ms)
			child++;
		if (heap->items[child - 1]->at_ms >= item->at_ms)
			break;
		put(heap, heap->items[child - 1], place);
	}
	put(heap, item, place);
}

void
due_heap_set(struct due_heap *heap, struct due_item *item, int64_t at_ms)
{
	item->at_ms = at_ms;
	if (item->place == 0)
		put(heap, item, ++heap->n);
	sift(heap, item, item->place);
}

void
due_heap_remove(struct due_heap *heap, struct due_item *item)
{
	struct due_item *last;

	if (item->place == 0)
		return;
	last = heap->items[--heap->n];
	if (last != item)
		sift(heap, last, item->place);
	item->place = 0;
}

struct due_item *
due_heap_first(const struct due_heap *heap)
{
	return heap->n == 0 ? NULL : heap->items[0];
}
