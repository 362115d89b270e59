/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Puts a program into the background. The first process waits until the daemon serves or
 * fails, and exits with the daemon's status.
 */
#ifndef SERVICE_DAEMONIZE_H
#define SERVICE_DAEMONIZE_H

/* Returns only in the new process, with a descriptor for daemonize_done(); -1 with errno on
 * failure. Call it before a file of the store is open, because SQLite connections must not be
 * carried over fork(2) (sqlite.org/howtocorrupt.html). */
int daemonize(void);

/* Ends the first process with 'status'. If 'status' is 0, closes the terminal (standard input,
 * output, error become /dev/null). Does nothing for fd -1. */
void daemonize_done(int fd, int status);

#endif
