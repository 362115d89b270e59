/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A temporary store for each test of lbclusterctl, and lbclusterctl run on it. Include it after
 * cmocka.h.
 */
#ifndef TESTS_CTL_FIXTURE_H
#define TESTS_CTL_FIXTURE_H

#include <jansson.h>

#include "ctl/ctl.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The inventory file that ctl_setup() loads: 9 rows. */
extern const char inventory[];

struct ctl_fixture {
	char	 dir[96];
	char	*out, *err;	/* of the last command */
};

/* Runs "lbclusterctl -s DIR ..."; the arguments end with NULL. Returns the exit status. */
int run(struct ctl_fixture *world, const char *first, ...) __attribute__((sentinel));

/* Frees what the last command printed. */
void output_clear(struct ctl_fixture *world);

/* Writes a file in the directory of the store, and its path to 'path'. */
void file_write(const struct ctl_fixture *world, const char *name, const char *text,
    char path[128]);

/* Loads a text as clusters.conf; options may be NULL. */
int load(struct ctl_fixture *world, const char *text, const char *option, const char *option2);

/* Imports a text as stats.jsonl. */
int import(struct ctl_fixture *world, const char *text);

/* Setup and teardown of a test: a store with 'inventory'. */
int ctl_setup(void **state);
int ctl_teardown(void **state);

/* Returns the JSON of the last command; the caller frees it. */
json_t *json_of(const struct ctl_fixture *world);

/* Compares the keys of an object, in their order, with "a b c". */
void assert_keys(const json_t *object, const char *keys);

/* Compares the JSON of the last command, as compact text. An age counts as 0, because it depends
 * on the clock. */
void assert_json(const struct ctl_fixture *world, const char *wanted);

#define CTL_TEST(test) cmocka_unit_test_setup_teardown(test, ctl_setup, ctl_teardown)

/* The keys of statistics() in the API, then freshness and age. */
#define API_KEYS "active active_connections bps_in bps_out connections_per_second " \
	"inactive_connections last_update persistent_connections pps_in pps_out freshness age"

#endif
