/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Going into the background, in the way that tells the caller how it went: the
 * first process waits until the daemon serves or gives up, and ends with its
 * status.
 */
#ifndef UTIL_BACKGROUND_H
#define UTIL_BACKGROUND_H

/* Returns in the new process only, with a descriptor for background_ready(); -1 with
 * errno on failure. Before any file of the store is open: SQLite's connections do
 * not live through fork(2). */
int background_enter(void);

/* Ends the first process with 'status' and lets go of the terminal if it is 0.
 * fd -1: nothing to do. */
void background_ready(int fd, int status);

#endif
