/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of text that comes from outside: the input is an address, a reason, a message of a
 * job and of a data plane in the store, and an argument of an error, a message, a table and JSON.
 * What comes out is printable UTF-8 of one line.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/out.h"
#include "mib/table.h"
#include "util/text.h"
#include "world.h"

const char fuzz_corpus[] = "text";

enum { TEXT_MAX = 255, ADDRESS_MAX = 240, PORT_MAX = 5, SQL_SIZE = 2 * TEXT_MAX + 32 };

/* Not with text_is_clean(), which is under test: jansson knows UTF-8 as well. */
static void
must_be_printable(const char *what, const char *text, size_t length)
{
	json_t *json = json_stringn(text, length);

	require(json != NULL, "%s is not UTF-8", what);
	json_decref(json);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		require(byte >= 0x20 && byte != 0x7f, "%s has the byte %02x", what, byte);
		require(byte != 0xc2 || (unsigned char)text[i + 1] >= 0xa0, "%s has a C1 character",
		    what);
	}
}

/* True of the columns that have text, and no DateAndTime, InetAddress or BITS. */
static bool
is_text(const struct mib_oid *name)
{
	static const char *const ends[] = {
		"Endpoint", "Message", "Name", "Path", "Plane", "Reason", "Text", "Version",
	};
	const struct mib_column *column;
	const struct mib_table *table;
	const uint32_t *index;
	size_t n;

	must_at(mib_find(name, &table, &column, &index, &n), "a name without a column", name);
	for (size_t i = 0; i < COUNT(ends); i++) {
		size_t end = strlen(ends[i]), length = strlen(column->name);

		if (length > end && strcmp(column->name + length - end, ends[i]) == 0)
			return true;
	}
	return false;
}

/* Writes up to 'most' bytes of the text as an expression of SQL. */
static void
blob_write(const char *text, size_t most, char sql[SQL_SIZE])
{
	size_t n = (size_t)sprintf(sql, "CAST(x'");

	for (size_t i = 0; i < most && text[i] != '\0'; i++)
		n += (size_t)sprintf(sql + n, "%02x", (unsigned char)text[i]);
	sprintf(sql + n, "' AS TEXT)");
}

static void
snmp_try(const char *text)
{
	struct mib_oid at = oid_make(""), none = { .n = 0 };
	char whole[SQL_SIZE], address[SQL_SIZE], port[SQL_SIZE];
	struct mib_value value;

	if (f.mib == NULL)
		world_make();
	blob_write(text, TEXT_MAX, whole);
	blob_write(text, ADDRESS_MAX, address);
	blob_write(text, PORT_MAX, port);
	fixture_sql(f.main, "BEGIN; UPDATE cluster SET plane_message = %s;"
	    " UPDATE service SET address = %s, port = %s;"
	    " UPDATE real_service SET reason = %s, address = %s, port = %s;"
	    " UPDATE job SET message = %s; COMMIT", whole, address, port, whole, address, port,
	    whole);
	fixture_refresh(&f);
	for (;;) {
		mib_next(f.mib, &at, false, &none, &at, &value);
		if (value.type == MIB_END_OF_VIEW)
			break;
		if (value.type == MIB_OCTETS && is_text(&at))
			must_be_printable("a value", (const char *)value.octets.data,
			    value.octets.length);
	}
}

static void
output_try(const char *text)
{
	static const struct out_column columns[] = { { "a", "A", OUT_TEXT } };
	const struct out_value values[] = { { .text = text } };
	char *output = NULL, *line, *rest;
	struct err err;
	size_t size;
	FILE *file = open_memstream(&output, &size);

	err_set(&err, ERR_INVALID, "%s", text);
	err_prefix(&err, "%s", text);
	must_be_printable("an error", err.text, strlen(err.text));
	require(file != NULL, "no memory");
	text_line_print(file, "%s", text);
	require(out_object(file, OUT_TABLE, columns, 1, values) &&
	    out_object(file, OUT_JSON, columns, 1, values), "no output");
	fclose(file);
	rest = output;
	for (unsigned int lines = 0; (line = strsep(&rest, "\n")) != NULL; lines++) {
		must_be_printable("output", line, strlen(line));
		require(lines < 4, "more lines than were printed");
	}
	free(output);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];
	size_t n = size < TEXT_MAX ? size : TEXT_MAX;

	memcpy(text, data, n);
	text[n] = '\0';
	snmp_try(text);
	output_try(text);
	return 0;
}
