/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * "show stat" of HAProxy: comma separated values with a header, management.txt 9.1.
 */
#ifndef PLANE_HAPROXY_CSV_H
#define PLANE_HAPROXY_CSV_H

#include "plane/haproxy/haproxy_answer.h"

/* True for the header, with which the values begin. */
bool haproxy_csv_begins(const char *line);

/* Reads the rows below 'header' up to an empty line into the servers and backends of
 * 'view'. ERR_INVALID: a column is missing, or a row has more or fewer values than the
 * header. ERR_NOMEM. */
enum err_code haproxy_csv_parse(char *header, struct haproxy_text *text,
    struct haproxy_view *view, struct err *err);

#endif
