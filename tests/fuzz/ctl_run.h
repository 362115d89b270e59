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

/* Runs "lbclusterctl -s STORE ...", at most 8 words and then NULL, and frees what 'said'
 * has from before. Zero it first. It must not end in another way than lbclusterctl(1)
 * names. */
void ctl_run(struct said *said, ...) __attribute__((sentinel));
void said_free(struct said *said);

/* Every line of 'text' begins with one of the two. */
void lines_begin(const char *text, const char *one, const char *other);

/* The store as it is now, to be had again. No one has it open meanwhile. */
void store_keep(void);
void store_put_back(void);

#endif
