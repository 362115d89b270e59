/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Faults of every operation on a store: the n-th read, write, sync, open, lock or allocation
 * fails, for n from 1 until the operation succeeds. Each error is a permitted one with a message.
 * The store has the old or the new content, completely. Nothing leaks. The same call succeeds
 * without the fault.
 *
 * "make check" skips numbers and kinds, different ones for each operation. With FAULTS_ALL, which
 * "make faults" sets, it skips none and prints the counts. FAULTS_ONLY is a part of the name of
 * the operations to run.
 */
#include "operations.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "picture.h"

enum { LOCK_WAIT_MS = 3, LATER_MS = 2000, FAULTS_MAX = 100000,
	HANGS_AFTER_S = 120 };

/* -- one fault ------------------------------------------------------------------------------ */

/* The remedy in the message of each error. A system call may have its strerror() instead. */
static const struct {
	enum err_code	 code;
	const char	*remedy, *or_remedy;
} remedies[] = {
	{ ERR_IO, "see the kernel's log", NULL },
	{ ERR_DOUBT, "see the kernel's log", NULL },
	{ ERR_FULL, "the disk is full", NULL },
	{ ERR_BUSY, "locked by another program", NULL },
	{ ERR_NOMEM, "out of memory", "Too many open files" },
};

/* Of the present trial. */
static struct picture before, after, now;

static size_t
descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

struct trial {
	struct world		 w;
	const struct operation	*operation;
	const struct fault_kind	*kind;
	long			 n;
	char			 said[SAID_SIZE];	/* without a fault */
};

static bool
now_is(const struct trial *t, const struct picture *expected)
{
	return strcmp(now.all, expected->all) == 0 &&
	    (strcmp(now.statistics, expected->statistics) == 0 ||
	    (t->operation->statistics_may_stay &&
	    strcmp(now.statistics, before.statistics) == 0));
}

#define WRONG(t, what)                                                         \
	fail_msg("%s, %s %ld: %s (%d, %s)", (t)->operation->name, (t)->kind->name, (t)->n, what, \
	    (int)(t)->w.f->err.code, (t)->w.f->err.text)

static void
trial_begin(struct trial *t)
{
	struct fixture *f = t->w.f;

	files_restore(f, true);
	if (!t->operation->opens)
		assert_int_equal(store_open(f->dir, t->operation->mode, LOCK_WAIT_MS, &f->store,
		    &f->err), ERR_OK);
	if (t->operation->before != NULL)
		assert_int_equal(t->operation->before(&t->w), ERR_OK);
	t->w.said[0] = '\0';
}

static bool
message_has(const struct err *err, const char *text)
{
	return text != NULL && strstr(err->text, text) != NULL;
}

static void
message_check(struct trial *t, enum err_code code)
{
	const struct err *err = &t->w.f->err;

	if (!(t->kind->codes & FAULT_CODE(code)))
		WRONG(t, "not an error of this fault");
	if (err->code != code)
		WRONG(t, "the code and the message differ");
	for (size_t i = 0; i < COUNT(remedies); i++)
		if (remedies[i].code == code && !message_has(err, remedies[i].remedy) &&
		    !message_has(err, remedies[i].or_remedy) && !message_has(err,
		    strerror((int)t->kind->what)))
			WRONG(t, "the message has no remedy");
	if (strstr(err->text, t->w.f->dir) == NULL)
		WRONG(t, "the message does not name the file");
}

/* Recovers like a daemon: checks the store after some time. */
static void
recover(struct trial *t)
{
	struct store_cursor cursor = { 0 };
	enum err_code code;
	int clusters;

	clock_advance(LATER_MS);
	if (t->w.f->store == NULL || t->operation->opens)
		return;
	store_changed(t->w.f->store);
	code = fixture_read_changes(t->w.f, &cursor, &clusters);
	if (code == ERR_GONE)
		code = fixture_read_changes(t->w.f, &cursor, &clusters);
	if (code != ERR_OK)
		WRONG(t, "the store does not recover");
	clock_advance(LATER_MS);
	store_changed(t->w.f->store);
	if (store_status(t->w.f->store) != STORE_OK)
		WRONG(t, "the store stays unusable");
}

static void
in_doubt(struct trial *t)
{
	bool done = now_is(t, &after);

	if (!done && !now_is(t, &before))
		WRONG(t, "done in part, with an unknown result");
	if (t->operation->settle != NULL) {
		if (t->operation->settle(&t->w) != ERR_OK)
			WRONG(t, "the recovery failed");
		picture_take(t->w.f, &now);
		if (strcmp(now.settings, t->operation->before == NULL ||
		    t->operation->run != t->operation->settle ? before.settings :
		    after.settings) != 0)
			WRONG(t, "the recovery left wrong values");
	} else if (!done && t->operation->run(&t->w) != ERR_OK) {
		WRONG(t, "the second attempt fails");
	}
}

static void
failed(struct trial *t, enum err_code code)
{
	message_check(t, code);
	picture_take(t->w.f, &now);
	recover(t);
	if ((code == ERR_DOUBT && !t->operation->opens) || t->operation->settle_always) {
		in_doubt(t);
		return;
	}
	if (!t->operation->opens && !now_is(t, &before))
		WRONG(t, "done in part");
	if (t->operation->run(&t->w) != ERR_OK)
		WRONG(t, "the operation fails without the fault");
	if (strcmp(t->w.said, t->said) != 0)
		WRONG(t, "wrong rows were read");
	picture_take(t->w.f, &now);
	if (!now_is(t, &after))
		WRONG(t, "the stored values are wrong");
}

/* Returns false if the fault did not happen: all operations were tried. */
static bool
trial(struct trial *t)
{
	size_t open_before = descriptors();
	sqlite3_int64 memory_before;
	enum err_code code;
	bool came;

	alarm(HANGS_AFTER_S);
	memory_before = sqlite3_memory_used();
	trial_begin(t);
	t->w.f->err.text[0] = '\0';
	t->w.f->err.code = ERR_OK;
	t->kind->arm(t->w.f, t->kind->what, t->n);
	code = t->operation->run(&t->w);
	came = fault_came();
	faults_disarm();
	if (code != ERR_OK) {
		failed(t, code);
	} else {
		if (strcmp(t->w.said, t->said) != 0)
			WRONG(t, "wrong rows were read without an error");
		picture_take(t->w.f, &now);
		if (!now_is(t, &after))
			WRONG(t, "success was reported, but nothing was done");
	}
	fixture_close(t->w.f);
	if (descriptors() != open_before)
		WRONG(t, "a descriptor leaks");
	if (sqlite3_memory_used() != memory_before)
		WRONG(t, "memory leaks");
	return came;
}

/* -- all of them ------------------------------------------------------------------------ */

static long
next_number(long n, bool each)
{
	return each ? n + 1 : 4 * n;
}

/* Records what the operation does without a fault. */
static void
reference_record(struct trial *t)
{
	struct fixture *f = t->w.f;

	files_clear(f, false);
	operations_base(f);
	if (t->operation->files != NULL)
		t->operation->files(f);
	files_keep(f);
	trial_begin(t);
	picture_take(f, &before);
	if (t->operation->run(&t->w) != ERR_OK)
		WRONG(t, "fails without a fault");
	snprintf(t->said, sizeof(t->said), "%s", t->w.said);
	picture_take(f, &after);
	fixture_close(f);
}

static void
every_fault_of_an_operation_leaves_old_or_new(void **state)
{
	const char *only = getenv("FAULTS_ONLY");
	bool each = getenv("FAULTS_ALL") != NULL;
	size_t tried = 0;
	long all = 0;

	for (size_t i = 0; i < operations_count; i++) {
		static const struct fault_kind none = { .name = "no fault" };
		struct trial t = { .w.f = *state, .operation = &operations[i], .kind = &none };
		long faults = 0;

		if (only != NULL && strstr(operations[i].name, only) == NULL)
			continue;
		tried++;
		reference_record(&t);
		for (size_t j = 0; j < fault_kinds_count; j++) {
			/* Every second kind, the others for the next operation. */
			if (!each && (i + j) % 2 != 0)
				continue;
			t.kind = &fault_kinds[j];
			for (t.n = each ? 1 : 1 + (long)(i + j) % 3; trial(&t);
			    t.n = next_number(t.n, each)) {
				assert_true(t.n < FAULTS_MAX);
				faults++;
			}
		}
		if (each)
			print_message("%-24s %6ld faults\n", t.operation->name, faults);
		all += faults;
	}
	if (only != NULL && tried == 0)
		fail_msg("FAULTS_ONLY=%s: no operation has this in its name", only);
	print_message("%ld faults in %zu operations\n", all, tried);
	files_forget();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_fault_of_an_operation_leaves_old_or_new,
		    fixture_setup, fixture_teardown),
	};

	memory_sqlite_set_up();
	disk_set_up();
	disk_hurry(true);
	return cmocka_run_group_tests_name("store_faults", tests, NULL, NULL);
}
