/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Runs a program without a shell and keeps what it prints.
 */
#ifndef CTL_RUN_PROGRAM_H
#define CTL_RUN_PROGRAM_H

enum { RUN_TEXT_MAX = 65536 };

/* Runs argv[0], looked for in PATH, to its end; one that takes longer is killed. 'text'
 * gets what it prints, errors as well, as far as there is room, and 'ret_exit' (may be
 * NULL) its exit status, -1 if a signal ended it. Returns 0, or errno where it could not be
 * run (ENOENT: no such program), or ETIMEDOUT. */
int run_program(char *const argv[], int timeout_ms, char text[RUN_TEXT_MAX], int *ret_exit);

#endif
