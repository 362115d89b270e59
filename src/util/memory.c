/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 16 };

bool
memory_string_assign(char **text, const char *value)
{
	char *copy;

	if (*text != NULL && strcmp(*text, value) == 0)
		return true;
	copy = strdup(value);
	if (copy == NULL)
		return false;
	free(*text);
	*text = copy;
	return true;
}

void *
memory_array_reserve(void *array, size_t n, size_t *room, size_t size)
{
	size_t more = *room == 0 ? ROOM_FIRST : 2 * *room;
	void *bigger;

	if (n < *room)
		return array;
	bigger = reallocarray(array, more, size);
	if (bigger != NULL)
		*room = more;
	return bigger;
}
