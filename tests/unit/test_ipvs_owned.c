/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/plane/ipvs/ipvs_owned.c and ipvs_key.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plane/ipvs/ipvs_owned.h"
#include "util/memory.h"

static char dir[64];

static int
dir_make(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/lbcluster-owned.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
dir_remove(void **state)
{
	static const char *const names[] = { "5", "7", "9", "notes", "store" };
	char path[80];

	(void)state;
	for (size_t i = 0; i < ROWS(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);	/* fails if a file was left */
}

static void
file_write(const char *name, const char *text)
{
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct ipvs_key
key_of(const char *text)
{
	struct ipvs_key key;

	assert_true(ipvs_key_parse(text, &key));
	return key;
}

static const char *const keys[] = { "udp [2001:db8::1]:53", "tcp 192.0.2.1:80", "fwmark 7 ipv6",
    "fwmark 7 ipv4", "sctp 192.0.2.1:80", "tcp 192.0.2.1:443", "tcp 10.0.0.1:80" };

static void
a_key_and_its_text_are_the_same(void **state)
{
	static const char *const invalid[] = { "", "tcp", "tcp ", "tcp 192.0.2.1",
	    "tcp 192.0.2.1:65536", "icmp 192.0.2.1:1", "tcp [192.0.2.1:80", "fwmark 0 ipv4",
	    "fwmark 7", "fwmark 7 ipv5", "fwmark 4294967296 ipv4", "tcp www.example.org:80",
	    "tcp 192.0.2.1:80 ", " tcp 192.0.2.1:80", "tcp 192.0.2.1:080x" };
	char text[IPVS_KEY_TEXT_SIZE];
	struct ipvs_key key;

	(void)state;
	for (size_t i = 0; i < ROWS(keys); i++) {
		key = key_of(keys[i]);
		assert_string_equal(ipvs_key_text(&key, text), keys[i]);
	}
	for (size_t i = 0; i < ROWS(invalid); i++)
		assert_false(ipvs_key_parse(invalid[i], &key));
}

static void
what_is_written_is_read(void **state)
{
	struct ipvs_owned owned = { 0 }, read;
	struct ipvs_key key;
	struct err err;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ROWS(keys); i++) {
			key = key_of(keys[i]);
			assert_true(ipvs_owned_add(&owned, &key));
		}
	}
	assert_int_equal(owned.n, ROWS(keys));
	assert_int_equal(ipvs_owned_write(dir, "/", 5, &owned, &err), ERR_OK);
	key = key_of(keys[3]);
	ipvs_owned_remove(&owned, &key);
	ipvs_owned_remove(&owned, &key);
	assert_int_equal(ipvs_owned_write(dir, "/", 7, &owned, &err), ERR_OK);
	ipvs_owned_done(&owned);

	assert_int_equal(ipvs_owned_read(dir, 5, &read, &err), ERR_OK);
	for (size_t i = 0; i < ROWS(keys); i++) {
		key = key_of(keys[i]);
		assert_true(ipvs_owned_has(&read, &key));
	}
	ipvs_owned_done(&read);
	assert_int_equal(ipvs_owned_read(dir, 7, &read, &err), ERR_OK);
	assert_int_equal(read.n, ROWS(keys) - 1);
	key = key_of(keys[3]);
	assert_false(ipvs_owned_has(&read, &key));
	ipvs_owned_done(&read);
}

static void
a_cluster_without_services_has_no_file(void **state)
{
	struct ipvs_owned owned = { 0 };
	struct ipvs_key key = key_of(keys[0]);
	uint32_t *ids;
	struct err err;
	size_t n;

	(void)state;
	assert_true(ipvs_owned_add(&owned, &key));
	assert_int_equal(ipvs_owned_write(dir, "/", 5, &owned, &err), ERR_OK);
	assert_int_equal(ipvs_owned_write(dir, "/", 9, &owned, &err), ERR_OK);
	file_write("notes", "a file of another program\n");
	ipvs_owned_remove(&owned, &key);
	assert_int_equal(ipvs_owned_write(dir, "/", 5, &owned, &err), ERR_OK);
	assert_int_equal(ipvs_owned_write(dir, "/", 5, &owned, &err), ERR_OK);
	ipvs_owned_done(&owned);
	assert_int_equal(ipvs_owned_clusters(dir, &ids, &n, &err), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(ids[0], 9);
	free(ids);
	assert_int_equal(ipvs_owned_read(dir, 5, &owned, &err), ERR_OK);
	assert_int_equal(owned.n, 0);
	ipvs_owned_done(&owned);
	assert_int_equal(ipvs_owned_clusters("/nonexistent", &ids, &n, &err), ERR_OK);
	assert_int_equal(n, 0);
}

static void
a_damaged_file_is_reported_with_its_line(void **state)
{
	static const char *const texts[] = { "tcp 192.0.2.1:80\ntcp 192.0.2.1\n",
	    "tcp 192.0.2.1:80\nudp 192.0.2.1:53",	/* no end of the line */
	    /* a long line */
	    "udp 192.0.2.1:80\ntcp 0000000000000000000000000000000000000000000000192.0.2.1\n" };
	struct ipvs_owned owned;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		char expected[80];

		file_write("5", texts[i]);
		assert_int_equal(ipvs_owned_read(dir, 5, &owned, &err), ERR_INVALID);
		snprintf(expected, sizeof(expected), "%s/5:2: ", dir);
		assert_memory_equal(err.text, expected, strlen(expected));
		ipvs_owned_done(&owned);
	}
}

static void
a_directory_that_does_not_exist_is_reported(void **state)
{
	struct ipvs_owned owned = { 0 };
	struct ipvs_key key = key_of(keys[0]);
	struct err err;

	(void)state;
	assert_true(ipvs_owned_add(&owned, &key));
	assert_int_not_equal(ipvs_owned_write("/nonexistent/dir", "/", 5, &owned, &err), ERR_OK);
	assert_string_equal(err.text,
	    "/nonexistent/dir/5: cannot be written: No such file or directory");
	ipvs_owned_done(&owned);
}

/* The driver, which owns the directory, reads what "--adopt" of root writes. */
static void
a_file_that_root_writes_belongs_to_the_owner_of_the_directory(void **state)
{
	static const char *const names[] = { "5", "store" };
	struct ipvs_owned owned = { 0 };
	char path[80];
	struct stat st;
	struct err err;
	struct ipvs_key key = key_of(keys[0]);

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(dir, 60001, 60002), 0);
	assert_true(ipvs_owned_add(&owned, &key));
	assert_int_equal(ipvs_owned_write(dir, "/", 5, &owned, &err), ERR_OK);
	ipvs_owned_done(&owned);
	for (size_t i = 0; i < ROWS(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, 60001);
		assert_int_equal(st.st_gid, 60002);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_and_its_text_are_the_same),
		cmocka_unit_test_setup_teardown(what_is_written_is_read, dir_make, dir_remove),
		cmocka_unit_test_setup_teardown(
		    a_file_that_root_writes_belongs_to_the_owner_of_the_directory, dir_make,
		    dir_remove),
		cmocka_unit_test_setup_teardown(a_cluster_without_services_has_no_file, dir_make,
		    dir_remove),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_reported_with_its_line, dir_make,
		    dir_remove),
		cmocka_unit_test(a_directory_that_does_not_exist_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
