/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Power cuts: whatever is done to the store, and wherever the power goes, what was
 * acknowledged is there and nothing is half done. "make power" looks longer:
 * POWER_VARIANTS disks at each cut, POWER_AGAIN, one in so many of them cut again while
 * the store recovers, POWER_SEED.
 */
#include "unit/store_fixture.h"

#include <fnmatch.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "play.h"
#include "works.h"

/* A number that is none would be 0, and all disks of no variant are good. */
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

static struct play_options
options(void)
{
	/* The alarm of the fixture is for what hangs. */
	alarm(0);
	return (struct play_options){ .variants = (unsigned)option("POWER_VARIANTS", 2),
		.again = (unsigned)option("POWER_AGAIN", 200), .seed = option("POWER_SEED", 1) };
}

/* -- a store that is another ----------------------------------------------- */

/* In place of a statement of the store. */
static struct {
	const char	*statement, *instead;
} swaps[3];

int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags,
    sqlite3_stmt **ret, const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags,
    sqlite3_stmt **ret, const char **tail);

int
__wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags,
    sqlite3_stmt **ret, const char **tail)
{
	for (size_t i = 0; i < COUNT(swaps); i++)
		if (swaps[i].statement != NULL && strcmp(sql, swaps[i].statement) == 0)
			return __real_sqlite3_prepare_v3(db, swaps[i].instead, n, flags, ret,
			    tail);
	return __real_sqlite3_prepare_v3(db, sql, n, flags, ret, tail);
}

static void
swap(size_t i, const char *statement, const char *instead)
{
	swaps[i].statement = instead == NULL ? NULL : statement;
	swaps[i].instead = instead;
}

/* -- works ----------------------------------------------------------------- */

/* A disk of its own for the scene. */
static void
scene_new(const struct fixture *f, struct scene *scene)
{
	static const struct remains nothing;
	char root[sizeof(f->dir) + 8];

	snprintf(root, sizeof(root), "%s/disk", f->dir);
	if (!file_exists(root))
		assert_int_equal(mkdir(root, 0770), 0);
	remains_write(&nothing, root);
	scene_start(scene, root);
}

static void
work_play(const struct fixture *f, void (*before)(struct scene *scene),
    void (*work)(struct scene *scene), const struct play_options *how,
    struct figures *figures)
{
	struct scene scene;
	struct tape tape;

	scene_new(f, &scene);
	if (before != NULL)
		before(&scene);
	scene_first(&scene);
	tape_start(&tape, scene.root);
	work(&scene);
	tape_stop();
	play(&scene, &tape, how, figures);
	tape_free(&tape);
}

/* Of all works so far. */
static struct figures all_figures;

static void
survived(const char *name, const struct figures *figures)
{
	figures_print(name, figures);
	figures_add(&all_figures, figures);
	assert_int_equal(figures_harms(figures), 0);
}

static void
work_survives(void **state, const char *name, void (*before)(struct scene *scene),
    void (*work)(struct scene *scene))
{
	const struct play_options how = options();
	struct figures figures = { .cuts = 0 };

	work_play(*state, before, work, &how, &figures);
	survived(name, &figures);
}

static void
sets_survive_every_cut(void **state)
{
	work_survives(state, "SETs", works_fill, works_sets);
}

static void
note_of_an_undo_survives_every_cut(void **state)
{
	work_survives(state, "note of an undo", works_fill, works_note);
}

static void
jobs_of_a_driver_survive_every_cut(void **state)
{
	work_survives(state, "driver", works_fill, works_driver);
}

static void
statistics_survive_every_cut_or_are_old(void **state)
{
	work_survives(state, "statistics", works_fill, works_statistics);
}

static void
statistics_made_anew_survive_every_cut(void **state)
{
	work_survives(state, "statistics made anew", works_mend_before, works_mend);
}

static void
creation_survives_every_cut(void **state)
{
	work_survives(state, "creation", NULL, works_create);
}

/* With little memory: what does not fit is written before the commit, as it is where
 * thousands of rows are loaded. */
static void
load_survives_every_cut(void **state)
{
	swap(0, "PRAGMA cache_size = -512", "PRAGMA cache_size = 2");
	work_survives(state, "load", works_fill, works_load);
	swap(0, NULL, NULL);
}

/* From each version to the next; more than one at an open are transactions of their own. */
static void
migrations_survive_every_cut(void **state)
{
	const struct play_options how = options();
	struct figures figures = { .cuts = 0 };
	struct migration migration;
	struct scene scene;
	struct tape tape;

	for (int statistics = 0; statistics <= 1; statistics++) {
		migration = (struct migration){ .statistics = statistics, .version = 1 };
		for (; migration_exists(&migration); migration.version++) {
			scene_new(*state, &scene);
			migration_before(&scene, &migration);
			scene_first(&scene);
			tape_start(&tape, scene.root);
			migration_run(&scene, &migration);
			tape_stop();
			play(&scene, &tape, &how, &figures);
			tape_free(&tape);
		}
	}
	survived("migrations", &figures);
}

/* -- who only reads -------------------------------------------------------- */

/* The first moment at which a commit is on the disk in part. */
static void
remains_of_a_commit(struct tape *tape, struct remains *ret)
{
	struct cut cut;
	const struct op *op = tape->ops;

	cut_start(&cut, tape);
	while (cut_next(&cut) && !(op->kind == OP_WRITE &&
	    strcmp(op->name, "store/lbcluster.db") == 0))
		op++;
	assert_true(cut.at < tape->n);
	cut_remains(&cut, LOSS_NONE, 1, ret);
	cut_end(&cut);
}

/* Everybody may read the store, and only its owner write. */
static void
show_to_all(const struct scene *scene)
{
	static const char *const below[] = { "/../..", "/..", "", "/lbcluster.db",
	    "/lbcluster.db-journal" };	/* from the fixture's directory on */
	char path[PATH_SIZE + 32];

	for (size_t i = 0; i < COUNT(below); i++) {
		snprintf(path, sizeof(path), "%s%s", scene->dir, below[i]);
		assert_int_equal(chmod(path, 0755), 0);
	}
}

static void
half_a_commit_is_taken_back_by_who_reads_and_may_write(void **state)
{
	enum { NOBODY = 65534 };
	struct remains remains;
	struct scene scene;
	struct tape tape;

	scene_new(*state, &scene);
	works_fill(&scene);
	tape_start(&tape, scene.root);
	works_sets(&scene);
	tape_stop();
	remains_of_a_commit(&tape, &remains);
	remains_write(&remains, scene.root);
	if (geteuid() == 0) {
		show_to_all(&scene);
		assert_int_equal(seteuid(NOBODY), 0);
		assert_int_equal(store_open(scene.dir, STORE_READ, WAIT_MS, &scene.store,
		    &scene.err), ERR_READONLY);
		assert_int_equal(seteuid(0), 0);
		assert_error_contains(&scene.err, "lbcluster.db", "start lbclusterd");
	}
	assert_int_equal(store_open(scene.dir, STORE_READ, WAIT_MS, &scene.store, &scene.err),
	    ERR_OK);
	scene_close(&scene);
	remains_free(&remains);
	tape_free(&tape);
}

/* -- the test itself ------------------------------------------------------- */

#define JOURNAL "PRAGMA journal_mode = TRUNCATE"
#define FULL "PRAGMA synchronous = FULL"
#define NORMAL "PRAGMA synchronous = NORMAL"

/* A store that is less careful. */
static const struct {
	const char	*name;
	const char	*journal;	/* in place of JOURNAL */
	const char	*synchronous;	/* in place of FULL */
	const char	*statistics;	/* in place of NORMAL */
	const char	*deaf;		/* of this the syncs are not done */
	/* What shows it; works_sets() if NULL. */
	void		(*work)(struct scene *scene);
	bool		 survives;	/* it is careful enough */
} careless[] = {
	{ "synchronous OFF", .synchronous = "PRAGMA synchronous = OFF" },
	{ "synchronous NORMAL", .synchronous = NORMAL },
	{ "journal DELETE", .journal = "PRAGMA journal_mode = DELETE" },
	{ "journal DELETE, synchronous EXTRA", .journal = "PRAGMA journal_mode = DELETE",
	    .synchronous = "PRAGMA synchronous = EXTRA", .survives = true },
	{ "journal PERSIST", .journal = "PRAGMA journal_mode = PERSIST", .survives = true },
	{ "journal MEMORY", .journal = "PRAGMA journal_mode = MEMORY" },
	{ "WAL, synchronous NORMAL", .journal = "PRAGMA journal_mode = WAL",
	    .synchronous = NORMAL },
	{ "WAL, synchronous FULL", .journal = "PRAGMA journal_mode = WAL", .survives = true },
	{ "statistics OFF", .statistics = "PRAGMA synchronous = OFF",
	    .work = works_statistics },
	{ "no sync of lbcluster.db", .deaf = "store/lbcluster.db" },
	{ "no sync of the journal", .deaf = "store/lbcluster.db-journal" },
	{ "no sync of a note", .deaf = "store", .work = works_note },
	{ "no sync of the store's directory", .deaf = "store", .work = works_create },
	{ "no sync of the directory above", .deaf = "", .work = works_create },
};

/* Each is found; it ends at the first harm, but for "make power". */
static void
carelessness_is_found(void **state)
{
	const bool all = getenv("POWER_VARIANTS") != NULL;
	struct play_options how = options();

	how.quiet = true;
	how.again = 0;
	how.enough = !all;
	how.variants = 4;	/* they need not be many to be found */
	for (size_t i = 0; i < COUNT(careless); i++) {
		void (*work)(struct scene *scene) = careless[i].work != NULL ?
		    careless[i].work : works_sets;
		struct figures figures = { .cuts = 0 };

		if (careless[i].survives && !all)
			continue;
		swap(0, JOURNAL, careless[i].journal);
		swap(1, FULL, careless[i].synchronous);
		swap(2, NORMAL, careless[i].statistics);
		tape_deaf = careless[i].deaf;
		work_play(*state, work == works_create ? NULL : works_fill, work, &how, &figures);
		memset(swaps, 0, sizeof(swaps));
		tape_deaf = NULL;
		figures_print(careless[i].name, &figures);
		if ((figures_harms(&figures) == 0) != careless[i].survives)
			fail_msg("%s: %zu harms", careless[i].name, figures_harms(&figures));
	}
}

/* cmocka takes a filter that leaves no test for success. */
static bool
is_any(const char *only, const struct CMUnitTest *tests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fnmatch(only, tests[i].name, 0) == 0)
			return true;
	return false;
}

#define ON_A_DISK(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_DISK(sets_survive_every_cut),
		ON_A_DISK(note_of_an_undo_survives_every_cut),
		ON_A_DISK(jobs_of_a_driver_survive_every_cut),
		ON_A_DISK(statistics_survive_every_cut_or_are_old),
		ON_A_DISK(statistics_made_anew_survive_every_cut),
		ON_A_DISK(creation_survives_every_cut),
		ON_A_DISK(load_survives_every_cut),
		ON_A_DISK(migrations_survive_every_cut),
		ON_A_DISK(half_a_commit_is_taken_back_by_who_reads_and_may_write),
		ON_A_DISK(carelessness_is_found),
	};
	const char *only = getenv("POWER_ONLY");
	int failed;

	if (only != NULL && !is_any(only, tests, COUNT(tests))) {
		fprintf(stderr, "POWER_ONLY=%s: no test has that name ('*' stands for the rest)\n",
		    only);
		return 1;
	}
	/* The disk that is played with need not be one. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	cmocka_set_test_filter(only);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	figures_print("all works", &all_figures);
	return failed;
}
