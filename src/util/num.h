/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Numbers from text, with their bounds checked.
 */
#ifndef UTIL_NUM_H
#define UTIL_NUM_H

#include <stdint.h>

#include "util/err.h"

/* Parses a decimal number of digits only: no sign, no space, nothing after it. Returns
 * ERR_INVALID for any other text (not NULL), ERR_RANGE if the number is outside
 * min..max. Sets *ret only on ERR_OK. */
enum err_code num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

#endif
