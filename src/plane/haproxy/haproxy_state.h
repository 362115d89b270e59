/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * "show servers state" of HAProxy: words between spaces with a header, for each
 * server who took it out of service, and its weight as it was set.
 */
#ifndef PLANE_HAPROXY_STATE_H
#define PLANE_HAPROXY_STATE_H

#include "plane/haproxy/haproxy_answer.h"

/* True for the header, with which the rows begin. */
bool haproxy_state_begins(const char *line);

/* Reads the rows below 'header' up to an empty line and adds them to the servers that
 * 'view' has. A server it does not have came after "show stat" and is left for the
 * next look. ERR_INVALID with words. */
enum err_code haproxy_state_parse(char *header, struct haproxy_text *text,
    struct haproxy_view *view, struct err *err);

#endif
