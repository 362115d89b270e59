/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Commands of HAProxy's Runtime API as text, and the answers to them.
 */
#ifndef PLANE_HAPROXY_COMMAND_H
#define PLANE_HAPROXY_COMMAND_H

#include "plane/haproxy/haproxy_answer.h"
#include "plane/plane.h"

enum { HAPROXY_LINE_MAX = 8192 };	/* HAProxy accepts tune.bufsize, by default 16384 */

/* The message of a command that needs a higher level of the socket. */
#define HAPROXY_DENIED "HAProxy: Permission denied"

/* Writes as many of the first commands as fit into one line, with its newline. names[command->at]
 * is the name of the server. The line ends with "show info", which names the process that answers.
 * Returns the number of commands and the length of the line. A command with a name that
 * model_name_valid() refuses is not written, because the name would need quotes: it ends the line
 * before it. If it is the first one, the result is 0. */
size_t haproxy_command_line(const struct plane_command *commands, size_t n,
    const struct plane_name *names, char line[HAPROXY_LINE_MAX], size_t *ret_length);

/* Reads the answer to a line of 'n' commands into their results. 'expected' is the process that
 * answered the poll. answer[length] must be writable. A command keeps the refusal of another
 * process of a pair. If 'expected' stops or another process answered, returns false, and each
 * refusal becomes UNREACHABLE: the process that takes its place may carry the command out. */
bool haproxy_command_results(char *answer, size_t length,
    const struct haproxy_identity *expected, struct plane_command *commands, size_t n);

#endif
