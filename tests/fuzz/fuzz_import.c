/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of import-statistics: the input is JSON lines of a collector. Each line is imported
 * or reported with its number, and counted. The store has no row that its schema forbids, and can
 * be listed.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ctl_run.h"
#include "util/file.h"

const char fuzz_corpus[] = "import";

static struct said said;

static void
finish(void)
{
	said_free(&said);
}

static bool
is_space(uint8_t octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r';
}

/* The number of lines that are not blank. */
static uint64_t
lines_count(const uint8_t *data, size_t size)
{
	uint64_t n = 0;
	bool blank = true;

	for (size_t i = file_bom_length((const char *)data, size); i < size; i++) {
		if (data[i] == '\n')
			blank = true;
		else if (blank && !is_space(data[i])) {
			blank = false;
			n++;
		}
	}
	return n;
}

static uint64_t
number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	require(json_is_integer(value), "no %s", key);
	return (uint64_t)json_integer_value(value);
}

static void
counts_check(uint64_t lines)
{
	json_t *counts = json_loads(said.out, 0, NULL);
	uint64_t imported, bad;

	require(counts != NULL, "no JSON: %s", said.out);
	imported = number_of(counts, "imported");
	bad = number_of(counts, "bad");
	require(imported + bad == lines, "%llu lines, but imported %llu and bad %llu",
	    (unsigned long long)lines, (unsigned long long)imported, (unsigned long long)bad);
	require((bad == 0) == (said.status == CTL_OK), "exit status %d", said.status);
	require((bad == 0) == (said.err[0] == '\0'), "bad lines: %s", said.err);
	json_decref(counts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH], head[FUZZ_PATH + 1];

	if (said.out == NULL) {
		store_make();
		atexit(finish);
	}
	file_put("lines", data, size, path);
	snprintf(head, sizeof(head), "%s:", path);
	ctl_run(&said, "-f", "json", "import-statistics", path, NULL);
	require(said.status == CTL_OK || said.status == CTL_FAILURE, "exit status %d: %s",
	    said.status, said.err);
	lines_begin(said.err, head, head);
	counts_check(lines_count(data, size));
	ctl_run(&said, "statistics", NULL);
	require(said.status == CTL_OK, "cannot be listed: %s", said.err);
	store_put_back(0);
	return 0;
}
