/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of inventory files: loads bytes over a store with rows. Each line of the message
 * about a refused file begins with FILE:LINE, and the store does not change. After an accepted
 * file, the export is read, written and compared with itself byte by byte.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/inventory.h"
#include "ctl_run.h"

const char fuzz_corpus[] = "inventory";

static struct said said;
static char path[FUZZ_PATH], again[FUZZ_PATH];

static void
finish(void)
{
	said_free(&said);
}

static void
load_nothing_new(const char *file)
{
	ctl_run(&said, "load", "--prune=all", "--reset", "--dry-run", file, NULL);
	require(said.status == CTL_OK, "the second load is refused: %s", said.err);
	require(strncmp(said.out, "added 0, updated 0, removed 0,", 30) == 0 &&
	    strstr(said.out, "jobs") == NULL, "the second load changes rows: %s", said.out);
}

static void
written_is_read(const char *text)
{
	struct diagnostics diagnostics;
	struct inventory *inventory;
	char *written;
	size_t size;
	FILE *file;
	struct err err;

	file_put("again", text, strlen(text), again);
	require(inventory_read(again, &inventory, &diagnostics, &err) == ERR_OK,
	    "the written file cannot be read: %s", err.text);
	file = open_memstream(&written, &size);
	require(file != NULL && inventory_write(inventory, file, &err), "not written: %s",
	    err.text);
	fclose(file);
	require(strcmp(written, text) == 0, "first file:\n%s\nsecond file:\n%s", text, written);
	free(written);
	diagnostics_free(&diagnostics);
	inventory_free(inventory);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char head[FUZZ_PATH + 1], tail[FUZZ_PATH + 20];

	if (said.out == NULL) {
		store_make();
		atexit(finish);
	}
	file_put("conf", data, size, path);
	snprintf(head, sizeof(head), "%s:", path);
	snprintf(tail, sizeof(tail), "lbclusterctl: %s:", path);
	ctl_run(&said, "load", "--prune=all", "--reset", path, NULL);
	lines_begin(said.err, head, tail);
	if (said.status != CTL_OK)
		return 0;
	load_nothing_new(path);
	ctl_run(&said, "export", NULL);
	require(said.status == CTL_OK, "not exported: %s", said.err);
	written_is_read(said.out);
	load_nothing_new(again);
	store_put_back(0);
	return 0;
}
