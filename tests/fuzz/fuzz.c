/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What fuzz targets share; see fuzz.h.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
require(bool condition, const char *fmt, ...)
{
	va_list ap;

	if (condition)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* -- the input --------------------------------------------------------------------- */

uint8_t
take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

uint32_t
take_number(struct input *in)
{
	uint32_t number = 0;
	uint8_t b = take(in);

	switch (b) {
	case 255:
		return UINT32_MAX;
	case 254:
		return (uint32_t)INT32_MAX + 1;
	case 253:
		return INT32_MAX;
	case 252:
		for (int i = 0; i < 4; i++)
			number = number << 8 | take(in);
		return number;
	case 251:
		return 256u + take(in);
	default:
		return b;
	}
}

const uint8_t *
take_octets(struct input *in, size_t wanted, size_t *ret_n)
{
	const uint8_t *data = in->data;

	*ret_n = wanted < in->left ? wanted : in->left;
	in->data += *ret_n;
	in->left -= *ret_n;
	return data;
}

/* -- files ------------------------------------------------------------------------- */

static char dir[64];

static void
dir_remove(void)
{
	DIR *list = opendir(dir);
	const struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL)
		(void)unlinkat(dirfd(list), entry->d_name, 0);
	if (list != NULL)
		closedir(list);
	rmdir(dir);
}

const char *
file_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (dir[0] != '\0')
		return dir;
	if (tmp == NULL || strlen(tmp) > 32)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(dir, sizeof(dir), "%s/lbcluster-fuzz-XXXXXX", tmp);
	require(mkdtemp(dir) != NULL, "%s cannot be made", dir);
	atexit(dir_remove);
	return dir;
}

void
file_put(const char *name, const void *data, size_t size, char ret_path[FUZZ_PATH])
{
	int fd;

	snprintf(ret_path, FUZZ_PATH, "%s/%s", file_dir(), name);
	fd = open(ret_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	require(fd != -1 && write(fd, data, size) == (ssize_t)size && close(fd) == 0,
	    "%s cannot be written", ret_path);
}
