/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A hash of bytes, FNV-1a of 64 bits (isthe.com/chongo/tech/comp/fnv). It distinguishes equal from
 * different content of this process; it does not protect against a chosen collision.
 */
#ifndef UTIL_DIGEST_H
#define UTIL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* The digest of no bytes. */
#define DIGEST_EMPTY UINT64_C(0xcbf29ce484222325)

/* Returns the digest of the bytes of 'digest', followed by these. */
uint64_t digest_add(uint64_t digest, const void *data, size_t length);

#endif
