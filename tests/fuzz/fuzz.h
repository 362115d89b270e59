/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A fuzz target: tests/fuzz/fuzz_NAME.c. Linked with libFuzzer (configure
 * --enable-fuzzer) it looks for inputs; linked with replay.c it runs those of
 * tests/fuzz/corpus/NAME, in every "make check".
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

extern const char fuzz_corpus[];	/* NAME */

/* As libFuzzer calls it. What must not be ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
