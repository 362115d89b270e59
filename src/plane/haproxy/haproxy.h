/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * HAProxy as a data plane: services are its backends, real services its servers.
 */
#ifndef PLANE_HAPROXY_H
#define PLANE_HAPROXY_H

#include "plane/haproxy/haproxy_answer.h"
#include "plane/haproxy/haproxy_endpoint.h"
#include "plane/haproxy/haproxy_text.h"
#include "plane/plane.h"

extern const struct plane_kind_ops haproxy_plane;

/* Makes a server for a look of what HAProxy tells of it. 'ret' has a view's texts. */
void haproxy_server_read(const struct haproxy_server *server, struct plane_server *ret);

/* One look without a driver, for a person who waits. 'ret_answer' is what 'ret_view'
 * points into; free() it after haproxy_view_done(). ERR_INVALID, ERR_IO, ERR_NOMEM
 * with words. */
enum err_code haproxy_look_now(const char *socket, int timeout_ms, char **ret_answer,
    struct haproxy_view *ret_view, struct err *err);

#endif
