/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A fuzz target is tests/fuzz/fuzz_NAME.c. Linked with libFuzzer (configure --enable-fuzzer) it
 * searches for inputs. Linked with replay.c it runs the inputs of tests/fuzz/corpus/NAME in "make
 * check". The result of an input depends on that input alone, so a finding can be repeated.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../unit/require.h"

extern const char fuzz_corpus[];	/* NAME */

/* libFuzzer calls it. A violation ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -- an input that is read octet by octet -------------------------------------------- */

struct input {
	const uint8_t	*data;
	size_t		 left;
};

/* 0 at the end. */
uint8_t take(struct input *in);
/* Mostly small numbers and numbers at a bound. */
uint32_t take_number(struct input *in);
/* So many bytes, or the rest of the input. They stay in the input. */
const uint8_t *take_octets(struct input *in, size_t wanted, size_t *ret_n);

/* -- files ------------------------------------------------------------------------------ */

enum { FUZZ_PATH = 128 };

/* Writes a file to a private directory in $TMPDIR or in memory. The first call creates the
 * directory; it is removed at the end. */
void file_put(const char *name, const void *data, size_t size, char ret_path[FUZZ_PATH]);
/* That directory. */
const char *file_dir(void);

#endif
