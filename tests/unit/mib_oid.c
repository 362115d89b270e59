/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * OIDs for tests; see mib_oid.h.
 */
#include "mib_oid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
oid_add(struct mib_oid *oid, uint32_t sub)
{
	if (oid->n == MIB_OID_MAX)
		abort();
	oid->sub[oid->n++] = sub;
}

struct mib_oid
oid_make(const char *text)
{
	struct mib_oid oid = { 0 };

	if (*text == '.') {
		text++;
		for (size_t i = 0; i < mib_root_length; i++)
			oid_add(&oid, mib_root[i]);
	}
	while (*text != '\0') {
		size_t length = strcspn(text, *text == '$' ? "" : ".");

		if (*text == '$') {
			oid_add(&oid, (uint32_t)length - 1);
			for (size_t i = 1; i < length; i++)
				oid_add(&oid, (uint8_t)text[i]);
		} else {
			oid_add(&oid, (uint32_t)strtoul(text, NULL, 10));
		}
		text += length + (text[length] == '.');
	}
	return oid;
}

const char *
oid_text(const struct mib_oid *oid, char buf[OID_TEXT_SIZE])
{
	size_t n = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < oid->n; i++)
		n += (size_t)snprintf(buf + n, OID_TEXT_SIZE - n, "%s%u", i == 0 ? "" : ".",
		    oid->sub[i]);
	return buf;
}

int
oid_order(const struct mib_oid *a, const struct mib_oid *b)
{
	uint32_t i = 0;

	while (i < a->n && i < b->n && a->sub[i] == b->sub[i])
		i++;
	if (i == a->n || i == b->n)
		return a->n == b->n ? 0 : i == a->n ? -1 : 1;
	return a->sub[i] < b->sub[i] ? -1 : 1;
}

bool
oid_starts(const struct mib_oid *oid, const struct mib_oid *prefix)
{
	for (uint32_t i = 0; i < prefix->n; i++)
		if (i == oid->n || oid->sub[i] != prefix->sub[i])
			return false;
	return true;
}
