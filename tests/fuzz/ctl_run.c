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
		snprintf(words[argc], sizeof(words[argc]), "%s%s%s", word[0] == '@' ? store : "",
		    word[0] == '@' ? "/" : "", word + (word[0] == '@'));
		argv[argc] = words[argc];
		argc++;
	}
	va_end(ap);
	out = open_memstream(&said->out, &out_size);
	err = open_memstream(&said->err, &err_size);
	require(out != NULL && err != NULL, "no memory");
	said->status = ctl_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	require(said->status >= CTL_OK && said->status <= CTL_REFUSED, "exit status %d",
	    said->status);
	require(said->status == CTL_OK || said->err[0] != '\0', "exit status %d without a message",
	    said->status);
}

void
lines_begin(const char *text, const char *one, const char *other)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		require(strncmp(text, one, strlen(one)) == 0 ||
		    strncmp(text, other, strlen(other)) == 0, "unexpected line: %.*s",
		    (int)length, text);
		require(text[length] == '\n', "line without a newline: %s", text);
		text += length + 1;
	}
}

/* -- the store --------------------------------------------------------------------- */

enum { FILES = 2 };

static const char *const files[FILES] = { "lbcluster.db", "lbcluster-stats.db" };
static struct {
	char	*data;
	size_t	 size;
} kept[STORES_KEPT][FILES];

void
store_keep(size_t which)
{
	char path[FUZZ_PATH];

	for (size_t i = 0; i < FILES; i++) {
		FILE *data = open_memstream(&kept[which][i].data, &kept[which][i].size), *file;
		int octet;

		snprintf(path, sizeof(path), "%s/%s", file_dir(), files[i]);
		file = fopen(path, "rb");
		require(data != NULL && file != NULL, "%s cannot be read", path);
		while ((octet = getc(file)) != EOF)
			putc(octet, data);
		fclose(file);
		fclose(data);
	}
}

void
store_put_back(size_t which)
{
	static const char *const tails[] = { "-journal", "-wal", "-shm", ".ill", "" };
	char path[FUZZ_PATH];

	for (size_t i = 0; i < FILES; i++) {
		for (size_t j = 0; j < sizeof(tails) / sizeof(tails[0]); j++) {
			snprintf(path, sizeof(path), "%s/%s%s", file_dir(), files[i], tails[j]);
			unlink(path);
		}
		file_put(files[i], kept[which][i].data, kept[which][i].size, path);
	}
}

static const char inventory[] =
    "cluster web {\n"
    "  service http { address = 192.0.2.1 port = 80\n"
    "    real web-1 { address = 10.0.0.1 port = 80 weight = 10 }\n"
    "    real web-2 { address = 10.0.0.2 fallback = yes }\n"
    "    real web-3 { address = 10.0.0.3 enabled = no } }\n"
    "  service smtp { protocol = udp }\n"
    "}\n"
    "cluster lb { plane = haproxy socket = { /run/a, /run/b } service http {\n"
    "  real a { address = ::1 weight = 256 } } }\n";

static const char statistics[] =
    "{\"path\": \"web/http/web-1\", \"active\": true, \"bps_in\": 5000000000}\n"
    "{\"path\": \"lb/http/a\", \"active\": false, \"total_connections\": 7}\n";

void
store_make(void)
{
	struct said said = { 0 };
	char path[FUZZ_PATH];

	file_put("inventory", inventory, sizeof(inventory) - 1, path);
	ctl_run(&said, "load", path, NULL);
	require(said.status == CTL_OK, "%s", said.err);
	file_put("statistics", statistics, sizeof(statistics) - 1, path);
	ctl_run(&said, "import-statistics", path, NULL);
	require(said.status == CTL_OK, "%s", said.err);
	ctl_run(&said, "set-weight", "web/http/web-1", "11", NULL);
	ctl_run(&said, "enable", "web/http/web-3", NULL);
	ctl_run(&said, "set-weight", "lb/http/a", "1", "--no-wait", NULL);
	require(said.status == CTL_OK, "%s", said.err);
	said_free(&said);
	store_keep(0);
}
