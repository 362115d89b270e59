/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * OIDs of instances: the root, a table, a column, an index; see mib.h and table.h.
 */
#include <string.h>

#include "mib/table.h"
#include "model/oid.h"

const uint32_t mib_root[] = { OID_LBC_MIB };
const size_t mib_root_length = sizeof(mib_root) / sizeof(mib_root[0]);

void
mib_name_make(struct mib_oid *ret, const struct mib_table *table, uint32_t column,
    const uint32_t *index, size_t n)
{
	uint32_t *to = ret->sub;

	memcpy(to, mib_root, mib_root_length * sizeof(uint32_t));
	to += mib_root_length;
	memcpy(to, table->prefix, table->prefix_n * sizeof(uint32_t));
	to += table->prefix_n;
	*to++ = column;
	memcpy(to, index, n * sizeof(uint32_t));
	ret->n = (uint32_t)(mib_root_length + table->prefix_n + 1 + n);
}
