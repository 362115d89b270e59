/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * HAProxy as a data plane: services are its backends, real services are its servers.
 */
#ifndef PLANE_HAPROXY_H
#define PLANE_HAPROXY_H

#include "plane/haproxy/haproxy_answer.h"
#include "plane/haproxy/haproxy_endpoint.h"
#include "plane/haproxy/haproxy_match.h"
#include "plane/plane.h"

extern const struct plane_kind_ops haproxy_plane;

/* Translates a server of HAProxy. 'ret' has the texts of 'server'. */
void haproxy_server_read(const struct haproxy_server *server, struct haproxy_found *ret);

/* Polls 'socket' and waits for the answer, for commands of a person. *ret_view points into
 * *ret_answer: call haproxy_view_done() first, then free(). ERR_INVALID, ERR_IO, ERR_NOMEM
 * with a message. */
enum err_code haproxy_poll_wait(const char *socket, int timeout_ms, char **ret_answer,
    struct haproxy_view *ret_view, struct err *err);

#endif
