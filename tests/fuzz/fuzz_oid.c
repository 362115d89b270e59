/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of OIDs and paths: the input becomes OIDs for GET and GETNEXT on a constant store.
 * The model is a sorted list of all names, from the tables of columns and indexes: the next name
 * is the first greater one of the list. Texts become paths and texts again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mib/table.h"
#include "world.h"

const char fuzz_corpus[] = "oid";

enum { NAMES_MAX = 2000 };

/* -- the model -------------------------------------------------------------------------- */

static struct mib_oid names[NAMES_MAX];
static size_t n_names;

/* The indexes of each kind of row in world.c. */
static const struct {
	const char	*rows, *indexes;
} rows[] = {
	{ "scalar", ".0" },
	{ "cluster", ".1 .2 .7" },
	{ "service", ".1.1 .1.5 .2.2" },
	{ "real service", ".1.1.1 .1.1.2 .1.1.3 .2.2.4 .2.2.5" },
	{ "job", ".1 .2" },
	{ "server", ".1.1 .1.2 .1.3 .2.4 .2.5" },
};

static const struct {
	const char	*table, *indexes;
} by_name[] = {
	{ "lbcClusterByNameEntry", ".$web .$lb .$empty" },
	{ "lbcServiceByNameEntry", ".1.$http .2.$http .1.$none" },
	{ "lbcRealByNameEntry", ".1.1.$web-1 .1.1.$web-2 .1.1.$web-10 .2.2.$a .2.2.$b" },
	{ "lbcServerByNameEntry", ".1.$web-1 .1.$web-2 .1.$web-10 .2.$a .2.$b" },
};

static const char *
indexes_of(const struct mib_table *table)
{
	for (size_t i = 0; i < COUNT(by_name); i++)
		if (strcmp(by_name[i].table, table->name) == 0)
			return by_name[i].indexes;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].rows, table->rows->name) == 0)
			return rows[i].indexes;
	require(false, "unknown rows of %s", table->name);
	return "";
}

/* Columns without a measured value have no instance. */
static void
name_add(const struct mib_table *table, uint32_t column, const char *index)
{
	char text[OID_TEXT_SIZE] = "";
	struct mib_value value;
	size_t n = 0;

	for (size_t i = 0; i < table->prefix_n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ".%u", table->prefix[i]);
	snprintf(text + n, sizeof(text) - n, ".%u%s", column, index);
	require(n_names < NAMES_MAX, "too many names");
	names[n_names] = oid_make(text);
	mib_get(f.mib, &names[n_names], &value);
	n_names += value.type != MIB_NO_SUCH_INSTANCE && value.type != MIB_NO_SUCH_OBJECT;
}

static int
by_order(const void *a, const void *b)
{
	return oid_order(a, b);
}

static void
model_make(void)
{
	char text[256], *rest, *index;

	for (size_t i = 0; i < mib_tables_count; i++) {
		const struct mib_column *column = mib_tables[i].columns;

		for (; column->sub != 0; column++) {
			if (column->access == ACCESS_NONE)
				continue;
			snprintf(text, sizeof(text), "%s", indexes_of(&mib_tables[i]));
			rest = text;
			while ((index = strsep(&rest, " ")) != NULL)
				name_add(&mib_tables[i], column->sub, index);
		}
	}
	qsort(names, n_names, sizeof(names[0]), by_order);
	require(n_names > 250, "only %zu names", n_names);
}

/* The first name at or after 'oid', NULL if there is none. */
static const struct mib_oid *
model_from(const struct mib_oid *oid, bool inclusive)
{
	size_t low = 0, high = n_names;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = oid_order(&names[middle], oid);

		if (order < 0 || (order == 0 && !inclusive))
			low = middle + 1;
		else
			high = middle;
	}
	return low < n_names ? &names[low] : NULL;
}

/* -- what is asked ------------------------------------------------------------------------- */

static void
next_try(struct mib_oid *at, bool inclusive, const struct mib_oid *end)
{
	const struct mib_oid *wanted = model_from(at, inclusive);
	struct mib_value value;
	struct mib_oid name;

	if (wanted != NULL && end->n > 0 && oid_order(wanted, end) >= 0)
		wanted = NULL;
	mib_next(f.mib, at, inclusive, end, &name, &value);
	must_at((wanted == NULL) == (value.type == MIB_END_OF_VIEW), "end or not, after", at);
	must_at(oid_order(&name, wanted == NULL ? at : wanted) == 0, "another next one after", at);
	*at = name;
}

static void
get_try(const struct mib_oid *at)
{
	const struct mib_oid *found = model_from(at, true);
	bool exists = found != NULL && oid_order(found, at) == 0;
	struct mib_value value;

	mib_get(f.mib, at, &value);
	must_at(exists == (value.type != MIB_NO_SUCH_OBJECT && value.type != MIB_NO_SUCH_INSTANCE),
	    "exists or not:", at);
}

/* The parts that mib_find() returns make the OID again. */
static void
find_try(const struct mib_oid *at)
{
	const struct mib_column *column;
	const struct mib_table *table;
	const uint32_t *index;
	struct mib_oid again;
	size_t n;

	if (!mib_find(at, &table, &column, &index, &n))
		return;
	mib_name_make(&again, table, column->sub, index, n);
	must_at(oid_order(at, &again) == 0, "taken apart and put together otherwise:", at);
}

static void
path_try(struct input *in)
{
	char text[256], again[PATH_TEXT_SIZE];
	struct path path, same;
	struct err err = { 0 };
	size_t n;
	const uint8_t *octets = take_octets(in, take(in), &n);

	memcpy(text, octets, n);
	text[n] = '\0';
	if (path_parse(text, &path, &err) != ERR_OK) {
		require(err.code == ERR_INVALID && err.text[0] != '\0',
		    "refused without a message");
		return;
	}
	require(strcmp(path_text(&path, again), text) == 0, "%s became %s", text, again);
	require(path_parse(again, &same, &err) == ERR_OK && memcmp(&path, &same, sizeof(path)) == 0,
	    "%s is another path", again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .left = size };
	struct mib_oid at = { .n = 0 }, none = { .n = 0 }, end;

	if (f.mib == NULL) {
		world_make();
		model_make();
	}
	while (in.left > 0) {
		uint8_t op = take(&in);

		if (op == UINT8_MAX) {
			path_try(&in);
			continue;
		}
		if ((op & 8) == 0)
			at = take_oid(&in, &at);
		end = (op & 4) != 0 ? take_oid(&in, &at) : none;
		find_try(&at);
		if ((op & 1) != 0)
			get_try(&at);
		else
			next_try(&at, (op & 2) != 0, &end);
	}
	return 0;
}
