/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A fuzz target: tests/fuzz/fuzz_NAME.c. Linked with libFuzzer (configure
 * --enable-fuzzer) it looks for inputs; linked with replay.c it runs those of
 * tests/fuzz/corpus/NAME, in every "make check". What an input does depends on that
 * input alone, so that a finding comes again.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../unit/require.h"

extern const char fuzz_corpus[];	/* NAME */

/* As libFuzzer calls it. What must not be ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -- an input that is read octet by octet -------------------------------------------- */

struct input {
	const uint8_t	*data;
	size_t		 left;
};

/* 0 at the end. */
uint8_t take(struct input *in);
/* Small ones mostly, and those where something may end. */
uint32_t take_number(struct input *in);
/* So many octets, or what is left; they stay in the input. */
const uint8_t *take_octets(struct input *in, size_t wanted, size_t *ret_n);

/* -- files ------------------------------------------------------------------------------ */

enum { FUZZ_PATH = 128 };

/* Writes a file into a directory of this process, made at first use in $TMPDIR, else in
 * memory where there is such a place, and removed at the end. */
void file_put(const char *name, const void *data, size_t size, char ret_path[FUZZ_PATH]);
/* That directory. */
const char *file_dir(void);

#endif
