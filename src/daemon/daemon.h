/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterd: connects the store, the MIB engine and the AgentX session, and serves.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

/* Runs the program; returns its exit status, lbclusterd(8). */
int daemon_main(int argc, char **argv);

#endif
