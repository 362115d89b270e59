/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A model of SETs whose phases arrive in any order, without a store: the answer to each event,
 * the settings, the jobs. Two managers send transactions 1 and 2, which set some rows both.
 * Rows are those of mib_pdu.h.
 */
#ifndef TESTS_PHASES_MODEL_H
#define TESTS_PHASES_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The events, one letter each. Lower case letters are events of transaction 2. */
enum {
	EVENT_TEST = 'T',	/* the SET; after CommitSet the same PDU again */
	EVENT_BAD = 'B',	/* a SET of a missing row */
	EVENT_COMMIT = 'C',
	EVENT_UNDO = 'U',
	EVENT_CLEANUP = 'X',
	EVENT_STRANGER = 'S',	/* each phase of an unknown transaction */
	EVENT_WRONG = 'W',	/* each phase of transaction 1 in an unknown session */
	EVENT_LOST = 'L',	/* the connection ends; a new session uses the same numbers */
	EVENT_OTHER = 'O',	/* another program sets A's weight, another manager the lock */
	EVENT_FLUSH = 'R',	/* the timer of lbclusterd */
};

#define EVENTS_ALL "TBCUXtbcuxSWLOR"

enum setting { A_WEIGHT, H_WEIGHT, X_FALLBACK, Y_FALLBACK, R_ENABLED, SETTINGS };

enum { MODEL_JOBS_MAX = 512, MODEL_SETS = 2 };

struct model {
	uint32_t	values[SETTINGS];
	uint32_t	lock;
	struct {
		enum setting	setting;
		uint32_t	before, after;
		enum { HELD, QUEUED, SUCCEEDED = 3, CANCELLED = 5, SUPERSEDED } state;
		size_t		set;		/* that made it */
	} jobs[MODEL_JOBS_MAX];
	size_t		n_jobs;
	struct {
		enum { NOTHING, TESTED, FAILED, APPLIED } state;
		uint32_t	lock;		/* that it expects */
		char		pdu[64];
	} sets[MODEL_SETS];
	size_t		latest;		/* the set that was tested last */
};

struct model_answer {
	unsigned int	error, index;
};

/* Starts with the values of pdu_store_fill(). */
void model_begin(struct model *model);

/* The PDU of EVENT_TEST, or with 'bad' of EVENT_BAD, of transaction 'number'. */
const char *model_pdu(struct model *model, size_t number, bool bad);

/* One phase of a transaction: EVENT_TEST to EVENT_CLEANUP. */
struct model_answer model_phase(struct model *model, size_t number, int event);
void model_lost(struct model *model);
void model_other(struct model *model);

/* The number of unfinished jobs that a manager sees. */
uint32_t model_jobs_active(const struct model *model);
/* "10 10 1 0 0": settings and lock; "1 10>5 3, ": row, values and state of each job. */
const char *model_settings(const struct model *model);
const char *model_jobs(const struct model *model);

#endif
