/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The files of a store in file_dir() with a schema without constraints, and invalid rows.
 */
#ifndef TESTS_FUZZ_LOOSE_H
#define TESTS_FUZZ_LOOSE_H

#include "fuzz.h"

/* Creates both files again with the same rows and without types, CHECK, NOT NULL, UNIQUE and
 * references. */
void loose_make(void);

/* Opens both files for changes: SQLite ignores CHECK, and runs triggers only if the store has
 * to see the changes. */
void loose_open(bool triggers);
void loose_close(void);

/* Each writes to a column or row that the input selects, unless SQLite refuses it. */
void loose_put(struct input *in);
void loose_delete(struct input *in);
/* Copies a row until there are more than the store reads at a time. */
void loose_multiply(struct input *in);

#endif
