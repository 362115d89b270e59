/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store for each test, and lbclusterctl run on it; see ctl_fixture.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_fixture.h"

const char inventory[] =
    "cluster web {\n"
    "    service http {\n"
    "        address = 192.0.2.10  port = 80\n"
    "        real web-1 { address = 10.0.0.1  port = 80  weight = 10 }\n"
    "        real web-2 { address = 10.0.0.2  port = 80  weight = 20  enabled = no }\n"
    "        real sorry { address = \"2001:db8::9\"  port = 80  fallback = yes }\n"
    "    }\n"
    "    service empty { protocol = udp }\n"
    "}\n"
    "cluster ha {\n"
    "    plane = haproxy  socket = /run/x\n"
    "    service s { real a { address = 10.0.0.1 } }\n"
    "}\n";

enum { WORDS_MAX = 12 };

void
output_clear(struct ctl_fixture *world)
{
	free(world->out);
	free(world->err);
	world->out = NULL;
	world->err = NULL;
}

int
run(struct ctl_fixture *world, const char *first, ...)
{
	char *argv[WORDS_MAX + 1];
	size_t out_size, err_size;
	const char *word = first;
	FILE *out, *err;
	int argc = 0;
	va_list ap;
	int status;

	output_clear(world);
	argv[argc++] = strdup("lbclusterctl");
	argv[argc++] = strdup("-s");
	argv[argc++] = strdup(world->dir);
	va_start(ap, first);
	for (; word != NULL; word = va_arg(ap, const char *)) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = strdup(word);
	}
	va_end(ap);
	argv[argc] = NULL;
	out = open_memstream(&world->out, &out_size);
	err = open_memstream(&world->err, &err_size);
	{
		/* getopt(3) changes the order of the arguments. */
		char *words[WORDS_MAX + 1];

		memcpy(words, argv, sizeof(words));
		status = (int)ctl_main(argc, words, out, err);
	}
	fclose(out);
	fclose(err);
	while (argc > 0)
		free(argv[--argc]);
	return status;
}

void
file_write(const struct ctl_fixture *world, const char *name, const char *text, char path[128])
{
	FILE *file;

	snprintf(path, 128, "%s/%s", world->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

int
load(struct ctl_fixture *world, const char *text, const char *option, const char *option2)
{
	char path[128];

	file_write(world, "clusters.conf", text, path);
	return run(world, "load", path, option, option2, NULL);
}

int
import(struct ctl_fixture *world, const char *text)
{
	char path[128];

	file_write(world, "stats.jsonl", text, path);
	return run(world, "import-statistics", path, NULL);
}

int
ctl_setup(void **state)
{
	struct ctl_fixture *world = calloc(1, sizeof(*world));

	strcpy(world->dir, "/tmp/lbc-ctl-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	assert_int_equal(load(world, inventory, NULL, NULL), CTL_OK);
	*state = world;
	return 0;
}

int
ctl_teardown(void **state)
{
	struct ctl_fixture *world = *state;
	DIR *dir = opendir(world->dir);
	const struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(world->dir), 0);
	output_clear(world);
	free(world);
	return 0;
}

json_t *
json_of(const struct ctl_fixture *world)
{
	json_error_t error;
	json_t *json = json_loads(world->out, JSON_REJECT_DUPLICATES, &error);

	assert_non_null(json);
	return json;
}

void
assert_keys(const json_t *object, const char *keys)
{
	char text[1024] = "";
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (text[0] != '\0')
			strcat(text, " ");
		strcat(text, key);
	}
	assert_string_equal(text, keys);
}

void
assert_json(const struct ctl_fixture *world, const char *wanted)
{
	json_t *json = json_of(world);
	char *text;

	if (json_is_integer(json_object_get(json, "age")))
		json_object_set_new(json, "age", json_integer(0));
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(json);
}
