/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What is stored, as texts to compare, and a store's files to put back.
 */
#ifndef TESTS_FAULTS_PICTURE_H
#define TESTS_FAULTS_PICTURE_H

#include "../unit/store_fixture.h"

enum { PICTURE_SIZE = 32 * 1024 };

/* Without times, and without the counter: a second attempt may count on. Files that are not
 * there are empty texts. */
struct picture {
	char	all[PICTURE_SIZE];		/* of lbcluster.db */
	char	settings[PICTURE_SIZE];		/* what goes back when a SET is undone */
	char	statistics[PICTURE_SIZE];
};

/* Fails unless both files are whole. */
void picture_take(const struct fixture *f, struct picture *ret);

/* Removes all files; fails if one is none of a store's and 'strict'. */
void files_clear(const struct fixture *f, bool strict);
/* Keeps what makes up a store in memory, and puts it back. files_forget() at the end. */
void files_keep(const struct fixture *f);
void files_restore(const struct fixture *f, bool strict);
void files_forget(void);

#endif
