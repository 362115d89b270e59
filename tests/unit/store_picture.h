/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What a reader of the store knows, as a text for each row: put together from what
 * store_changes() handed out and nothing else, and compared with the files.
 */
#ifndef TESTS_STORE_PICTURE_H
#define TESTS_STORE_PICTURE_H

#include "store_fixture.h"

enum { KINDS = STORE_STATISTICS + 1, IDS = 400 };

struct picture {
	char			*rows[KINDS][IDS];
	struct store_cursor	 cursor;
	struct store_totals	 totals;
	size_t			 handed;	/* rows in all */
	size_t			 fail_after;	/* of them; 0: never */
	bool			 orphan;	/* a child came before its parent */
};

/* One call of store_changes(). */
enum err_code changes(struct fixture *f, struct picture *picture, size_t limit, bool *ret_more);
/* As many as it takes; fails the test where rows come out of turn. */
void read_all(struct fixture *f, struct picture *picture, size_t limit);
void picture_is_true(struct fixture *f, const struct picture *picture);
/* All zero again. */
void picture_forget(struct picture *picture);

#endif
