/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/num.h"

#include <stdbool.h>

enum err_code
num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	bool over = false;

	if (*text == '\0')
		return ERR_INVALID;
	for (const char *p = text; *p != '\0'; p++) {
		uint64_t digit;

		if (*p < '0' || *p > '9')
			return ERR_INVALID;
		digit = (uint64_t)(*p - '0');
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			over = true;
	}
	if (over || value < min || value > max)
		return ERR_RANGE;
	*ret = value;
	return ERR_OK;
}
