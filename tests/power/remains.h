/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is on a disk: directories and files below a root, as bytes.
 */
#ifndef TESTS_POWER_REMAINS_H
#define TESTS_POWER_REMAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATH_SIZE = 160, NAME_SIZE = 80, REMAINS_MAX = 24 };

struct remains_file {
	char		 name[NAME_SIZE];	/* below the root; parents come first */
	bool		 directory;
	size_t		 size;
	unsigned char	*data;			/* owned */
	size_t		 first;			/* the first name of the same file: itself */
};

struct remains {
	struct remains_file	files[REMAINS_MAX];
	size_t			n;
};

/* Adds one; takes over 'data'. */
void remains_add(struct remains *remains, const char *name, bool directory,
    unsigned char *data, size_t size);
/* Reads what is below 'root', one level of directories. *ret is filled anew. */
void remains_read(struct remains *ret, const char *root);
/* Makes this, and nothing else, what is below 'root'. */
void remains_write(const struct remains *remains, const char *root);
uint64_t remains_hash(const struct remains *remains);
void remains_free(struct remains *remains);

/* FNV-1a, from 'hash' on; HASH_START to begin with. */
#define HASH_START UINT64_C(14695981039346656037)
uint64_t hash_more(uint64_t hash, const void *data, size_t n);

#endif
