/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Strings and arrays on the heap. The caller owns and frees what these functions return.
 */
#ifndef UTIL_MEMORY_H
#define UTIL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The number of elements of an array, not of a pointer. */
#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* Replaces *text (may be NULL, is freed) by a copy of 'value'. False if out of memory: *text
 * is unchanged then. */
bool memory_string_assign(char **text, const char *value) __attribute__((warn_unused_result));

/* Makes room for one more element in 'array' (NULL while *room is 0), which has 'n' elements
 * of 'size' bytes. Returns the array, maybe moved, and sets *room to its capacity. NULL if
 * out of memory: array and *room are unchanged then. */
void *memory_array_reserve(void *array, size_t n, size_t *room, size_t size)
    __attribute__((warn_unused_result));

#endif
