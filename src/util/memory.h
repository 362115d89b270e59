/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Texts and arrays on the heap that change. Owns nothing: what it gives is the
 * caller's, for free().
 */
#ifndef UTIL_MEMORY_H
#define UTIL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* A copy of 'value' takes the place of *text (may be NULL), which is freed. False
 * without memory: *text is as it was then. */
bool memory_text_set(char **text, const char *value) __attribute__((warn_unused_result));

/* 'array' (NULL while *room is 0) of 'n' elements of 'size' octets, with room for one
 * more: the same, or what it was moved to, and *room is what it holds now. NULL without
 * memory: array and *room are as they were then. */
void *memory_array_room(void *array, size_t n, size_t *room, size_t size)
    __attribute__((warn_unused_result));

#endif
