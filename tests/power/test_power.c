/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Power cuts: after a cut at any operation on the disk, every acknowledged write is there and
 * no write is there in part. "make power" tries more disks for each cut: POWER_VARIANTS.
 * POWER_SEED selects other ones, POWER_ONLY some tests.
 */
#include "unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut.h"
#include "workloads.h"

enum {
	NAMES_FACTOR = 8,	/* more disks where a name changed: such cuts are few */
	FAILURES_MAX = 20,
};

/* strtoul(3) returns 0 for a text without digits. The test would try no disk. */
static unsigned long
option(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (text == NULL)
		return otherwise;
	value = strtoul(text, &end, 0);
	if (value == 0 || *end != '\0')
		fail_msg("%s=%s: not a number above 0", name, text);
	return value;
}

/* Checks one disk. Returns the number of broken promises, 0 or 1. */
static size_t
disk_check(const struct subject *subject, const struct cut *cut, enum loss loss, uint64_t seed,
    char message[MESSAGE_SIZE])
{
	struct disk disk;
	bool good;

	cut_disk(cut, loss, seed, &disk);
	disk_write(&disk, subject->root);
	good = subject_check(subject, cut->begun, cut->done, message);
	disk_free(&disk);
	return !good;
}

/* Checks the disks that a power cut behind the last operation may leave, unless the cut
 * before it left the same. Returns the number of broken promises. */
static size_t
cut_check(const struct subject *subject, const struct cut *cut, size_t *disks, bool quiet)
{
	const struct op *op = &cut->recording->ops[cut->at - 1];
	unsigned long seed = (option("POWER_SEED", 1) * 1000003 + cut->at) * 1000003;
	unsigned long n = cut->n_pending < 2 ? 2 : 2 + option("POWER_VARIANTS", 1) *
	    (cut_is_at_name(cut) ? NAMES_FACTOR : 1);
	bool adds = op->kind < OP_SYNC;
	char message[MESSAGE_SIZE];
	size_t failures = 0;

	for (unsigned long i = adds; i < (adds ? n : 1); i++) {
		enum loss loss = i == 0 ? LOSS_ALL : i == 1 ? LOSS_NONE : LOSS_SOME;

		++*disks;
		if (disk_check(subject, cut, loss, seed + i, message) == 0)
			continue;
		if (failures++ == 0 && !quiet)
			print_error("cut after operation %zu, %s %s, disk %lu (steps begun %zu,"
			    " done %zu): %s\n", cut->at, op_names[op->kind], op->name, i,
			    cut->begun, cut->done, message);
	}
	return failures;
}

/* Cuts the recording after each operation. 'expect_failure': ends at the first broken
 * promise, and fails if there is none. */
static void
cuts_check(const struct subject *subject, const struct recording *recording,
    bool expect_failure)
{
	size_t disks = 0, failures = 0;
	struct cut cut;

	alarm(0);	/* "make power" takes longer than the fixture allows */
	cut_start(&cut, recording);
	while (failures < (expect_failure ? 1 : FAILURES_MAX) && cut_next(&cut))
		failures += cut_check(subject, &cut, &disks, expect_failure);
	print_message("%zu operations, %zu disks, %zu broken promises\n", recording->n, disks,
	    failures);
	cut_end(&cut);
	assert_int_equal(failures > 0, expect_failure);
}

/* An empty disk for the subject. */
static void
subject_new(const struct fixture *f, struct subject *subject)
{
	static const struct disk empty;
	char root[sizeof(f->dir) + 8];

	snprintf(root, sizeof(root), "%s/disk", f->dir);
	if (!file_exists(root))
		assert_int_equal(mkdir(root, 0770), 0);
	disk_write(&empty, root);
	subject_start(subject, root);
}

static void
workload_check(void **state, void (*prepare)(struct subject *subject),
    void (*workload)(struct subject *subject), bool expect_failure)
{
	struct recording recording;
	struct subject subject;

	subject_new(*state, &subject);
	if (prepare != NULL)
		prepare(&subject);
	subject_ready(&subject);
	record_start(&recording, subject.root);
	workload(&subject);
	record_stop();
	cuts_check(&subject, &recording, expect_failure);
	record_free(&recording);
}

static void
sets_survive_every_cut(void **state)
{
	workload_check(state, workload_fill, workload_sets, false);
}

static void
note_of_an_undo_survives_every_cut(void **state)
{
	workload_check(state, workload_fill, workload_undo_note, false);
}

static void
statistics_are_whole_after_every_cut(void **state)
{
	workload_check(state, workload_fill, workload_statistics, false);
}

static void
repair_of_statistics_survives_every_cut(void **state)
{
	workload_check(state, workload_damage_statistics, workload_repair_statistics, false);
}

static void
creation_survives_every_cut(void **state)
{
	workload_check(state, NULL, workload_create, false);
}

static void
load_survives_every_cut(void **state)
{
	workload_check(state, workload_fill, workload_load, false);
}

/* From each version to the next one: each migration is a transaction of its own. */
static void
migrations_survive_every_cut(void **state)
{
	struct recording recording;
	struct migration migration;
	struct subject subject;

	for (int statistics = 0; statistics <= 1; statistics++) {
		migration = (struct migration){ .statistics = statistics, .version = 1 };
		for (; migration_exists(&migration); migration.version++) {
			subject_new(*state, &subject);
			migration_prepare(&subject, &migration);
			subject_ready(&subject);
			record_start(&recording, subject.root);
			migration_run(&subject, &migration);
			record_stop();
			cuts_check(&subject, &recording, false);
			record_free(&recording);
		}
	}
}

/* -- a program that only reads -------------------------------------------------------- */

/* All users may read the store, and only its owner may write it. */
static void
make_readable(const struct subject *subject)
{
	static const char *const below[] = { "/../..", "/..", "", "/lbcluster.db",
	    "/lbcluster.db-journal" };	/* from the fixture's directory on */
	char path[PATH_SIZE + 32];

	for (size_t i = 0; i < COUNT(below); i++) {
		snprintf(path, sizeof(path), "%s%s", subject->dir, below[i]);
		assert_int_equal(chmod(path, 0755), 0);
	}
}

/* A journal is left at the first write of lbcluster.db. */
static void
journal_is_rolled_back_by_a_reader_that_may_write(void **state)
{
	enum { NOBODY = 65534 };
	struct recording recording;
	struct subject subject;
	const struct op *op;
	struct disk disk;
	struct cut cut;

	subject_new(*state, &subject);
	workload_fill(&subject);
	record_start(&recording, subject.root);
	workload_sets(&subject);
	record_stop();
	cut_start(&cut, &recording);
	for (op = recording.ops; cut_next(&cut) && !(op->kind == OP_WRITE &&
	    strcmp(op->name, "store/lbcluster.db") == 0); op++)
		;
	assert_true(cut.at < recording.n);
	cut_disk(&cut, LOSS_NONE, 1, &disk);
	disk_write(&disk, subject.root);
	if (geteuid() == 0) {
		make_readable(&subject);
		assert_int_equal(seteuid(NOBODY), 0);
		assert_int_equal(store_open(subject.dir, STORE_READ, WAIT_MS, &subject.store,
		    &subject.err), ERR_READONLY);
		assert_int_equal(seteuid(0), 0);
		assert_error_contains(&subject.err, "lbcluster.db", "start lbclusterd");
	}
	assert_int_equal(store_open(subject.dir, STORE_READ, WAIT_MS, &subject.store,
	    &subject.err), ERR_OK);
	subject_close(&subject);
	disk_free(&disk);
	cut_end(&cut);
	record_free(&recording);
}

/* -- the test itself ------------------------------------------------------------------ */

/* Each sync that is left out breaks a promise. */
static void
missing_syncs_are_found(void **state)
{
	static const struct {
		const char	*name;
		void		(*workload)(struct subject *subject);
	} cases[] = {
		{ "store/lbcluster.db", workload_sets },
		{ "store/lbcluster.db-journal", workload_sets },
		{ "store", workload_undo_note },
		{ "store", workload_create },
		{ "", workload_create },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("no sync of \"%s\": ", cases[i].name);
		record_without_sync_of = cases[i].name;
		workload_check(state, cases[i].workload == workload_create ? NULL : workload_fill,
		    cases[i].workload, true);
		record_without_sync_of = NULL;
	}
}

#define POWER_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POWER_TEST(sets_survive_every_cut),
		POWER_TEST(note_of_an_undo_survives_every_cut),
		POWER_TEST(statistics_are_whole_after_every_cut),
		POWER_TEST(repair_of_statistics_survives_every_cut),
		POWER_TEST(creation_survives_every_cut),
		POWER_TEST(load_survives_every_cut),
		POWER_TEST(migrations_survive_every_cut),
		POWER_TEST(journal_is_rolled_back_by_a_reader_that_may_write),
		POWER_TEST(missing_syncs_are_found),
	};

	/* The recorded disk may be in memory. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	cmocka_set_test_filter(getenv("POWER_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
