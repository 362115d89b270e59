/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * lbclusterctl and a store for fuzz targets; see ctl_run.h.
 */
#include "ctl_run.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { WORDS_MAX = 12 };

void
said_free(struct said *said)
{
	free(said->out);
	free(said->err);
	*said = (struct said){ 0 };
}

void
ctl_run(struct said *said, ...)
{
	char program[] = "lbclusterctl", option[] = "-s", store[FUZZ_PATH], words[WORDS_MAX][256];
	char *argv[WORDS_MAX + 1] = { program, option, store };
	size_t out_size, err_size;
	const char *word;
	FILE *out, *err;
	int argc = 3;
	va_list ap;

	said_free(said);
	snprintf(store, sizeof(store), "%s", file_dir());
	va_start(ap, said);
	while ((word = va_arg(ap, const char *)) != NULL && argc < WORDS_MAX) {
		snprintf(words[argc], sizeof(words[argc]), "%s", word);
		argv[argc] = words[argc];
		argc++;
	}
	va_end(ap);
	out = open_memstream(&said->out, &out_size);
	err = open_memstream(&said->err, &err_size);
	must(out != NULL && err != NULL, "no memory");
	said->status = ctl_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	must(said->status >= CTL_OK && said->status <= CTL_REFUSED, "exit status %d",
	    said->status);
	must(said->status == CTL_OK || said->err[0] != '\0', "exit status %d without a word",
	    said->status);
}

void
lines_begin(const char *text, const char *one, const char *other)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		must(strncmp(text, one, strlen(one)) == 0 ||
		    strncmp(text, other, strlen(other)) == 0, "a strange line: %.*s",
		    (int)length, text);
		must(text[length] == '\n', "a line without end: %s", text);
		text += length + 1;
	}
}

/* -- the store ----------------------------------------------------------------------- */

static struct {
	const char	*name;
	char		*data;
	size_t		 size;
} kept[] = { { "lbcluster.db", NULL, 0 }, { "lbcluster-stats.db", NULL, 0 } };

#define KEPT (sizeof(kept) / sizeof(kept[0]))

void
store_keep(void)
{
	char path[FUZZ_PATH];

	for (size_t i = 0; i < KEPT; i++) {
		FILE *data = open_memstream(&kept[i].data, &kept[i].size), *file;
		int octet;

		snprintf(path, sizeof(path), "%s/%s", file_dir(), kept[i].name);
		file = fopen(path, "rb");
		must(data != NULL && file != NULL, "%s cannot be read", path);
		while ((octet = getc(file)) != EOF)
			putc(octet, data);
		fclose(file);
		fclose(data);
	}
}

void
store_put_back(void)
{
	static const char *const tails[] = { "-journal", "-wal", "-shm", ".ill", "" };
	char path[FUZZ_PATH];

	for (size_t i = 0; i < KEPT; i++) {
		for (size_t j = 0; j < sizeof(tails) / sizeof(tails[0]); j++) {
			snprintf(path, sizeof(path), "%s/%s%s", file_dir(), kept[i].name, tails[j]);
			unlink(path);
		}
		file_put(kept[i].name, kept[i].data, kept[i].size, path);
	}
}
