/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/input.h"

#include <string.h>

const char *
input_name(const char *file)
{
	return strcmp(file, "-") == 0 ? "standard input" : file;
}

size_t
input_bom_length(const char *text, size_t length)
{
	static const char mark[] = { '\xEF', '\xBB', '\xBF' };

	return length >= sizeof(mark) && memcmp(text, mark, sizeof(mark)) == 0 ? sizeof(mark) : 0;
}
