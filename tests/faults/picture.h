/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The content of a store as text, for comparison, and its files, for restoration.
 */
#ifndef TESTS_FAULTS_PICTURE_H
#define TESTS_FAULTS_PICTURE_H

#include "../unit/store_fixture.h"

enum { PICTURE_SIZE = 32 * 1024 };

/* Leaves out times and the change counter, which a second attempt increases again. A missing
 * file is an empty text. */
struct picture {
	char	all[PICTURE_SIZE];		/* of lbcluster.db */
	char	settings[PICTURE_SIZE];		/* the values that an undo restores */
	char	statistics[PICTURE_SIZE];
};

/* Fails the test unless both files are intact. */
void picture_take(const struct fixture *f, struct picture *ret);

/* Removes all files. 'strict': fails the test if one is not a file of a store. */
void files_clear(const struct fixture *f, bool strict);
/* Keep the files of a store in memory, restore them, and free the memory. */
void files_keep(const struct fixture *f);
void files_restore(const struct fixture *f, bool strict);
void files_forget(void);

#endif
