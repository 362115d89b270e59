/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lines of an answer of HAProxy.
 */
#ifndef PLANE_HAPROXY_TEXT_H
#define PLANE_HAPROXY_TEXT_H

/* The part of an answer that is not read yet. Readers write NULs into it. *end may be written
 * as well. */
struct haproxy_text {
	char	*at, *end;
};

/* Returns the next line, NUL-terminated and without its newline; NULL at the end. */
char *haproxy_line_next(struct haproxy_text *text);

#endif
