/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Runs a program without a shell and returns its output.
 */
#ifndef CTL_RUN_PROGRAM_H
#define CTL_RUN_PROGRAM_H

enum { RUN_TEXT_MAX = 65536 };

/* Runs argv[0], searched in PATH, to its end, or kills it after 'timeout_ms'. 'text' gets its
 * standard output and error, cut at the size; 'ret_exit' (may be NULL) its exit status, -1 if a
 * signal ended it. Returns 0, ETIMEDOUT, or errno if it cannot run (ENOENT: no such program). */
int run_program(char *const argv[], int timeout_ms, char text[RUN_TEXT_MAX], int *ret_exit);

#endif
