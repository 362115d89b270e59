/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Runs a fuzz target on its corpus, or on the files that are arguments.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

/* True if the file could be read. */
static int
replay(const char *path)
{
	/* A block of its exact size, so that valgrind sees a read behind it. */
	uint8_t *buffer = malloc(INPUT_MAX), *input;
	FILE *file = fopen(path, "rb");
	size_t n;

	if (file == NULL || buffer == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(buffer, 1, INPUT_MAX, file);
	fclose(file);
	input = malloc(n + (n == 0));
	if (input == NULL)
		exit(1);
	memcpy(input, buffer, n);
	free(buffer);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(input, n);
	free(input);
	return 1;
}

static int
replay_corpus(void)
{
	const char *top = getenv("abs_top_srcdir");
	char directory[512], path[1024];
	struct dirent *entry;
	int done = 0;
	DIR *dir;

	snprintf(directory, sizeof(directory), "%s/tests/fuzz/corpus/%s", top == NULL ? "." : top,
	    fuzz_corpus);
	dir = opendir(directory);
	if (dir == NULL) {
		perror(directory);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		done += replay(path);
	}
	closedir(dir);
	return done;
}

int
main(int argc, char *argv[])
{
	int done = 0;

	for (int i = 1; i < argc; i++)
		done += replay(argv[i]);
	if (argc == 1)
		done = replay_corpus();
	printf("%d inputs\n", done);
	return done > 0 ? 0 : 1;
}
