/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterd: wires the rooms together and serves until it is told to end.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

/* The whole program; returns its exit status, lbclusterd(8). */
int daemon_main(int argc, char **argv);

#endif
