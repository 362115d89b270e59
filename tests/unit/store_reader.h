/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A reader of the store that keeps a text for each row. It uses store_changes() only, and its
 * rows are then compared with the files.
 */
#ifndef TESTS_STORE_READER_H
#define TESTS_STORE_READER_H

#include "store_fixture.h"

enum { KINDS = STORE_SERVICE_STATISTICS + 1, IDS = 400 };

struct reader {
	char			*rows[KINDS][IDS];
	struct store_cursor	 cursor;
	struct store_totals	 totals;
	size_t			 received;	/* rows in all */
	size_t			 fail_after;	/* of them a row fails; 0: never */
	bool			 orphan;	/* a child came before its parent */
};

/* Calls store_changes() once. */
enum err_code reader_read(struct fixture *f, struct reader *reader, size_t limit, bool *ret_more);
/* Calls store_changes() until there is no more; fails the test if a child comes before its
 * parent. */
void reader_read_all(struct fixture *f, struct reader *reader, size_t limit);
void assert_reader_current(struct fixture *f, const struct reader *reader);
/* Frees all rows and sets all members to zero. */
void reader_reset(struct reader *reader);

#endif
