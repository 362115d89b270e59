/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Input files of a command: their names in messages, and the byte order mark.
 */
#ifndef UTIL_INPUT_H
#define UTIL_INPUT_H

#include <stddef.h>

/* The name of an input file in messages: "standard input" for "-". */
const char *input_name(const char *file);

/* Length of the byte order mark of UTF-8 at the start of a text: 3, or 0 without one. Some
 * editors write a mark, which is not content. */
size_t input_bom_length(const char *text, size_t length);

#endif
