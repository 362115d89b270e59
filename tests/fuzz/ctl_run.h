/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Runs lbclusterctl in this process on a store in file_dir(), for fuzz targets.
 */
#ifndef TESTS_FUZZ_CTL_RUN_H
#define TESTS_FUZZ_CTL_RUN_H

#include "ctl/ctl.h"

/* The output of a command. */
struct said {
	enum ctl_exit	 status;
	char		*out, *err;
};

/* Runs "lbclusterctl -s STORE ..." with at most 8 arguments and then NULL. "@x" is the file x
 * of file_dir(). Frees the former content of 'said', which the caller initializes with zeros.
 * The exit status must be one of lbclusterctl(1). */
void ctl_run(struct said *said, ...) __attribute__((sentinel));
void said_free(struct said *said);

/* Each line of 'text' begins with one of both texts. */
void lines_begin(const char *text, const char *one, const char *other);

/* Creates a store with 2 clusters, 3 services, 4 real services, statistics of 2 of them and 3
 * jobs, and keeps it as the first of two copies. */
void store_make(void);

/* Keep a copy of the store, and replace the store by a copy. The store must be closed. */
enum { STORES_KEPT = 2 };
void store_keep(size_t which);
void store_put_back(size_t which);

#endif
