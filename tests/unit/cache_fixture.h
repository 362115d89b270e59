/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A small inventory in a store, and a cache compared with the files of the store: SQL derives
 * the same status and sums again, as LBCLUSTER-MIB describes them.
 */
#ifndef CACHE_FIXTURE_H
#define CACHE_FIXTURE_H

#include "store_fixture.h"

#include <inttypes.h>

#include "cache/cache.h"

enum { STALE_AFTER_S = 300 };
#define NOW INT64_C(1000000)

/* Cluster web, service http, real services a, b, and c the fallback, all up. */
void inventory_make(struct fixture *f);
/* Stores statistics of a real service. */
void statistics_set(struct fixture *f, uint32_t id, int active, int64_t update);

struct cache *cache_make(void);
/* Reads all changes, at most 'limit' rows at a time. */
void refresh(struct fixture *f, struct cache *cache, size_t limit, int64_t now);
struct cache_real *real_of(struct cache *cache, uint32_t id);

/* Return all rows as text, line by line: those of the cache, and those of the files. The caller
 * frees the text. */
char *cache_dump(struct cache *cache, int64_t now);
char *expected_dump(struct fixture *f, int64_t now);
/* Reports the line that differs, because cmocka cuts long texts. */
void assert_texts_equal(const char *actual, const char *expected);

/* Asserts that each row is found by its name and by its id. */
void assert_names_found(struct cache *cache);

/* Asserts all of that. */
void assert_cache_equals_store(struct fixture *f, struct cache *cache, int64_t now);

#endif
