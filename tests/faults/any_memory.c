/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Allocations of the whole process that fail; see any_memory.h.
 */
#include "any_memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static long left;
static bool out;

void
any_memory_fails_at(long n)
{
	left = n;
	if (n > 0)
		out = false;
}

bool
any_memory_failed(void)
{
	return out;
}

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#ifdef HAS_SANITIZER

bool
any_memory_possible(void)
{
	return false;
}

#else

/* The names of these functions inside the GNU C library. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool
fails_now(void)
{
	if (left == 0 || --left > 0)
		return false;
	out = true;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails_now() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t nmemb, size_t size)
{
	return fails_now() ? NULL : __libc_calloc(nmemb, size);
}

void *
realloc(void *ptr, size_t size)
{
	return fails_now() ? NULL : __libc_realloc(ptr, size);
}

bool
any_memory_possible(void)
{
	/* Without volatile the compiler assumes that malloc(3) changes no variable here. */
	void *(*volatile allocate)(size_t size) = malloc;

	any_memory_fails_at(1);
	free(allocate(1));
	any_memory_fails_at(0);
	return out;
}

#endif
