/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Standard input, output and error of a program whose caller closed some of them.
 */
#ifndef UTIL_STANDARD_H
#define UTIL_STANDARD_H

#include <stdbool.h>

/* Opens those of the three that are not, so that no file of ours gets their numbers: what
 * is printed or logged would go into it, and going into the background would close it.
 * They fail at each read and write, as they did. First of all in main(). False, with errno,
 * if that cannot be had. */
bool standard_open(void);

#endif
