/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterctl, run in this process on a store in file_dir(), for fuzz targets.
 */
#ifndef TESTS_FUZZ_CTL_RUN_H
#define TESTS_FUZZ_CTL_RUN_H

#include "ctl/ctl.h"

/* What a command said. */
struct said {
	enum ctl_exit	 status;
	char		*out, *err;
};

/* Runs "lbclusterctl -s STORE ...", at most 8 words and then NULL; "@x" is the file x of
 * file_dir(). Frees what 'said' has from before: zero it first. It must not end in another
 * way than lbclusterctl(1) names. */
void ctl_run(struct said *said, ...) __attribute__((sentinel));
void said_free(struct said *said);

/* Every line of 'text' begins with one of the two. */
void lines_begin(const char *text, const char *one, const char *other);

/* Makes a store of 2 clusters, 3 services, 4 real services, 2 of them with statistics, 3
 * jobs, and keeps it as the first one. */
void store_make(void);

/* The store as it is now, to be had again; two may be kept. No one has it open
 * meanwhile. */
enum { STORES_KEPT = 2 };
void store_keep(size_t which);
void store_put_back(size_t which);

#endif
