/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store on a disk that is recorded, and what it promised on the way: after each step
 * that was acknowledged the whole content must be found again, or that of the step which
 * was under way; and what single steps promise for ever after.
 */
#ifndef TESTS_POWER_SCENE_H
#define TESTS_POWER_SCENE_H

#include "tape.h"

#include <sqlite3.h>

#include "store/store.h"

enum { STEPS_MAX = 48, PROMISES_MAX = 96, SQL_SIZE = 320 };

struct step {
	uint64_t	main, stats;	/* raw_picture() once it was done; 0: no file */
};

struct promise {
	size_t		step;		/* it holds once this one is done */
	char		sql[SQL_SIZE];	/* about lbcluster.db, and 1 if it is kept */
};

struct scene {
	char		 root[PATH_SIZE];	/* of the disk */
	char		 dir[PATH_SIZE];	/* of the store: root/store */
	char		 main_path[PATH_SIZE + 32], stats_path[PATH_SIZE + 32];
	struct store	*store;
	struct err	 err;
	bool		 migrates;		/* whoever opens it changes it: look before */
	bool		 ill_statistics;	/* before the first step */
	struct step	 steps[STEPS_MAX];	/* [0]: before the first */
	size_t		 n_steps;
	struct promise	 promises[PROMISES_MAX];
	size_t		 n_promises;
};

/* Nothing is there yet. */
void scene_start(struct scene *scene, const char *root);
/* As lbclusterd does; fails the test if it cannot be. */
void scene_open(struct scene *scene);
void scene_close(struct scene *scene);
/* What is there now is what is expected, before any step. */
void scene_first(struct scene *scene);
/* A step, one transaction of the store, is begun; is done and acknowledged. */
void scene_begin(struct scene *scene);
void scene_done(struct scene *scene);
/* Of the step that is next to be begun, or under way; of all if there was none. */
void scene_promise(struct scene *scene, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* -- past our own code ---------------------------------------------------- */

/* A connection to one of the files as it is. */
struct raw {
	sqlite3	*db;
	char	 words[ERR_TEXT_SIZE];	/* of what failed */
};

/* False, with words, if it cannot be opened; raw_close() in any case. */
bool raw_open(struct raw *raw, const char *path);
void raw_close(struct raw *raw);
/* A number for all that is stored, but for what is random in it. False, with words, if
 * it cannot be read. */
bool raw_picture(struct raw *raw, uint64_t *ret);
/* The first column of the first row, 0 without a row; false, with words. */
bool raw_number(struct raw *raw, const char *sql, int64_t *ret);

#endif
