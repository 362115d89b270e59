/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Lines of an answer; see haproxy_text.h.
 */
#include "plane/haproxy/haproxy_text.h"

#include <stddef.h>
#include <string.h>

char *
haproxy_line_next(struct haproxy_text *text)
{
	char *line = text->at, *end;

	if (line >= text->end)
		return NULL;
	end = memchr(line, '\n', (size_t)(text->end - line));
	if (end == NULL)
		end = text->end;
	*end = '\0';
	text->at = end < text->end ? end + 1 : end;
	return line;
}
