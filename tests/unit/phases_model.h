/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What must come of SETs whose phases arrive in any order, told a second time and
 * without a store: the answer to each event, the settings, the jobs. Two managers ask,
 * in transactions 1 and 2, for settings that overlap. Rows as in mib_pdu.h.
 */
#ifndef TESTS_PHASES_MODEL_H
#define TESTS_PHASES_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The events, a letter each. In small letters those of transaction 2. */
enum {
	EVENT_TEST = 'T',	/* its SET; again what was sent, once that is committed */
	EVENT_BAD = 'B',	/* a SET of a row that is not there, by its number */
	EVENT_COMMIT = 'C',
	EVENT_UNDO = 'U',
	EVENT_CLEANUP = 'X',
	EVENT_STRANGER = 'S',	/* each phase, of a transaction that never was */
	EVENT_WRONG = 'W',	/* each phase of transaction 1, of another session */
	EVENT_LOST = 'L',	/* the connection ends; the numbers come again */
	EVENT_OTHER = 'O',	/* another program sets A's weight, another manager the lock */
	EVENT_REPAIR = 'R',	/* lbclusterd's timer */
};

#define EVENTS_ALL "TBCUXtbcuxSWLOR"

enum setting { A_WEIGHT, H_WEIGHT, X_FALLBACK, Y_FALLBACK, SETTINGS };

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
	size_t		latest;		/* of them to be tested */
};

struct model_answer {
	unsigned int	error, index;
};

/* What pdu_store_fill() makes. */
void model_begin(struct model *model);

/* The SET that EVENT_TEST or EVENT_BAD of transaction 'number' sends now. */
const char *model_pdu(struct model *model, size_t number, bool bad);

/* One phase of a transaction: EVENT_TEST to EVENT_CLEANUP. */
struct model_answer model_phase(struct model *model, size_t number, int event);
void model_lost(struct model *model);
void model_other(struct model *model);

/* Jobs that a manager sees as unfinished. */
uint32_t model_jobs_active(const struct model *model);
/* "10 10 1 0 0": settings and lock; "1 10>5 3, ": row, values and state of each job. */
const char *model_settings(const struct model *model);
const char *model_jobs(const struct model *model);

#endif
