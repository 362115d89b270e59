/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store with rows of each kind, as SQL, and the expected value of each column and row. The
 * values are written by hand, here only.
 */
#ifndef TESTS_UNIT_MIB_WORLD_H
#define TESTS_UNIT_MIB_WORLD_H

#include "mib_fixture.h"

#define M "2147483647"
#define M_1 "2147483646"
#define N64 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define START "2023-11-14T22:13:20"	/* 1700000000: start of the engine */
#define LATER "2023-11-14T22:14:20"	/* 60 s later: time of the requests */
#define NEVER ""

enum { START_S = 1700000000, LATER_S = START_S + 60 };

/* SQL: the store at the start of the engine, */
extern const char world_inventory[], world_jobs[], world_statistics[];
/* and changes in the minute after it */
extern const char world_changes[], world_measured[];

enum { ROWS_MAX = 12 };

/* i INTEGER, u Gauge32, c Counter32, C Counter64, s text, x octets in hex,
 * t DateAndTime, o OBJECT IDENTIFIER. */
struct column {
	uint32_t	 sub;
	char		 type;
	const char	*values[ROWS_MAX];	/* NULL: absent */
};

struct table {
	const char		*oid;
	const char		*rows[ROWS_MAX];	/* index, in the order of the walk */
	const struct column	*columns;
	size_t			 n;
};

enum { WORLD_TABLES = 13 };

extern const struct table world_tables[WORLD_TABLES];
/* Of an empty store only the scalars have values. */
extern const struct table empty_tables[WORLD_TABLES];

/* -- the same as one array, in the order of the walk ------------------------------- */

struct entry {
	struct mib_oid		name;
	struct mib_value	value;
};

enum { ENTRIES_MAX = 1000, COLUMNS_MAX = 200 };

extern struct entry entries[ENTRIES_MAX];
extern size_t entries_count;
extern struct mib_oid columns[COLUMNS_MAX];	/* all readable columns */
extern size_t columns_count;

void world_expect(const struct table tables[WORLD_TABLES]);
/* Makes a value from type and text, as in struct column. */
void world_value(struct mib_value *value, char type, const char *text);

#endif
