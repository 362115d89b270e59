/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A store on a recorded disk and what it promises. After each acknowledged step the whole
 * content must be found again, or the content of the step that was under way. A promise is
 * an additional condition that holds from its step on.
 */
#ifndef TESTS_POWER_SUBJECT_H
#define TESTS_POWER_SUBJECT_H

#include "record.h"

#include "store/store.h"

enum { STEPS_MAX = 48, PROMISES_MAX = 48, SQL_SIZE = 320 };
enum { MESSAGE_SIZE = ERR_TEXT_SIZE + SQL_SIZE };

struct subject {
	char		 root[PATH_SIZE];	/* of the disk */
	char		 dir[PATH_SIZE];	/* of the store: root/store */
	char		 main_path[PATH_SIZE + 32], stats_path[PATH_SIZE + 32];
	struct store	*store;
	struct err	 err;
	bool		 migrates;		/* opening changes the files: compare before */
	bool		 damaged_statistics;	/* before the first step */
	/* Digests of both files after each step; [0] is before the first. 0: no file. */
	struct {
		uint64_t	main, stats;
	} steps[STEPS_MAX];
	size_t		 n_steps;
	struct {
		size_t	step;
		char	sql[SQL_SIZE];		/* of lbcluster.db; 1 means kept */
	} promises[PROMISES_MAX];
	size_t		 n_promises;
};

/* An empty disk. */
void subject_start(struct subject *subject, const char *root);
/* Opens the store as lbclusterd does. Fails the test on an error. */
void subject_open(struct subject *subject);
void subject_close(struct subject *subject);
/* The content before the first step is the present one. */
void subject_ready(struct subject *subject);
/* A step is one transaction of the store. */
void subject_step_begin(struct subject *subject);
void subject_step_done(struct subject *subject);
/* A promise of the last step that began. */
void subject_promise(struct subject *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Compares the store on the disk with what 'begun' steps and 'done' acknowledged ones
 * promised: opens it as lbclusterd does at its start, and makes a SET. Returns false, with a
 * message, if a promise is broken. */
bool subject_check(const struct subject *subject, size_t begun, size_t done,
    char message[MESSAGE_SIZE]);

#endif
