/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Orders as commands of HAProxy's Runtime API, and what it answered to them. Text
 * only.
 */
#ifndef PLANE_HAPROXY_COMMAND_H
#define PLANE_HAPROXY_COMMAND_H

#include "plane/plane.h"

enum {
	/* HAProxy takes a line of tune.bufsize (16384) octets at most. */
	HAPROXY_LINE_MAX = 8192,
};

/* Writes the commands of the first orders, as many as fit into a line, with its end.
 * Returns how many; *ret_length is that of the line. An order whose names are not
 * those of model_name_valid() is never written: it would need quoting. It ends the
 * line, and as the first of all gives 0. */
size_t haproxy_command_line(const struct plane_order *orders, size_t n,
    char line[HAPROXY_LINE_MAX], size_t *ret_length);

/* Reads the answer to a line of 'n' commands into the outcomes of its orders. An order
 * that was refused already keeps that outcome. */
void haproxy_command_outcomes(char *answer, size_t length, struct plane_order *orders,
    size_t n);

#endif
