/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The store's files in file_dir(), with other rules than the schema has, and rows that no
 * rule of it allows.
 */
#ifndef TESTS_FUZZ_LOOSE_H
#define TESTS_FUZZ_LOOSE_H

#include "fuzz.h"

/* Makes both files anew with the same rows, where every column takes anything: no types,
 * no CHECK, NOT NULL, UNIQUE or references. */
void loose_make(void);

/* Both files, while rows are spoilt: no CHECK is looked at, and no trigger runs unless the
 * store is to see what changes. */
void loose_open(bool triggers);
void loose_close(void);

/* Each writes to a column or row, as the input wants it. What is refused is not written. */
void loose_put(struct input *in);
void loose_delete(struct input *in);
/* A row becomes more than are read at a time. */
void loose_multiply(struct input *in);

#endif
