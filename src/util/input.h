/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Input files that a person names: their names in messages, and what their texts begin with.
 */
#ifndef UTIL_INPUT_H
#define UTIL_INPUT_H

#include <stddef.h>

/* The name of an input file in messages: "standard input" for "-". */
const char *input_name(const char *file);

/* How many bytes the byte order mark of UTF-8 takes at the start of a text: 3, or 0 if there
 * is none. Some editors write one; it is not content. */
size_t input_bom_length(const char *text, size_t length);

#endif
