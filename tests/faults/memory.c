/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Allocations that fail; see memory.h.
 */
#include "memory.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>

/* The number of allocations until one fails. */
static long ours_left, sqlite_left;
static bool memory_out;

static bool
fails_now(long *left)
{
	if (*left == 0 || --*left > 0)
		return false;
	memory_out = true;
	return true;
}

bool
memory_failed(void)
{
	return memory_out;
}

/* -- our own objects --------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);

void *
__wrap_malloc(size_t size)
{
	return fails_now(&ours_left) ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails_now(&ours_left) ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return fails_now(&ours_left) ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return fails_now(&ours_left) ? NULL : __real_reallocarray(old, n, size);
}

char *
__wrap_strdup(const char *text)
{
	return fails_now(&ours_left) ? NULL : __real_strdup(text);
}

void
memory_fails_at(long n)
{
	ours_left = n;
	memory_out = false;
}

/* -- SQLite --------------------------------------------------------------------------- */

static sqlite3_mem_methods sqlite_real;

static void *
sqlite_malloc(int size)
{
	return fails_now(&sqlite_left) ? NULL : sqlite_real.xMalloc(size);
}

static void *
sqlite_realloc(void *old, int size)
{
	return fails_now(&sqlite_left) ? NULL : sqlite_real.xRealloc(old, size);
}

void
memory_sqlite_set_up(void)
{
	sqlite3_mem_methods ours;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_real) != SQLITE_OK)
		abort();
	ours = sqlite_real;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	/* Without the lookaside memory of SQLite, which never fails. */
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
		abort();
}

void
memory_sqlite_fails_at(long n)
{
	sqlite_left = n;
	memory_out = false;
}
