/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A table of the operations that programs do on a store.
 */
#ifndef TESTS_FAULTS_OPERATIONS_H
#define TESTS_FAULTS_OPERATIONS_H

#include "../unit/store_fixture.h"

enum { SAID_SIZE = 2048 };

/* The world of an operation: the fixture's directory and store. 'said' has what a reading operation
 * found, as text. */
struct world {
	struct fixture	*f;
	char		 said[SAID_SIZE];
};

struct operation {
	const char	*name;
	enum store_mode	 mode;		/* the store is opened so before, */
	bool		 opens;		/* unless this is what it does */
	/* Run before the operation, without faults: 'files' with the store closed (NULL: see
	 * operations_base()), then 'before' with the store open. */
	void		(*files)(struct fixture *f);
	enum err_code	(*before)(struct world *w);
	/* Sets w->f->err on an error. */
	enum err_code	(*run)(struct world *w);
	/* What store.h says is to be done when a commit is in doubt, or after any error, so
	 * that all settings are the old ones. NULL: to check, and to repeat it if it was not
	 * done. */
	enum err_code	(*settle)(struct world *w);
	bool		 settle_always;
	bool		 statistics_may_stay;	/* of removed rows: they do no harm */
};

extern const struct operation operations[];
extern const size_t operations_count;

/* The files from which each operation starts: clusters plain (1, no data plane) and proxy
 * (2, haproxy); services 1 and 2 of them; real services 1, 2, 3 (fallback) of 1; 4, 5,
 * 6 (fallback) of 2; statistics of 1 and 4. */
void operations_base(struct fixture *f);

#endif
