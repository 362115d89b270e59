/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Changes that HAProxy itself or somebody else makes to a setting lbcluster has set: the
 * weight of a SRV record, an agent-check, a script, a person at the runtime socket. Decides
 * whether the driver restores the setting or keeps the change, and counts what it restored.
 * Pure functions.
 *
 * A difference between the store and the data plane is such a change where the data plane
 * was seen with the wanted value, and since then neither the store changed, nor a job came,
 * nor the data plane was restarted.
 */
#ifndef DRIVER_FOREIGN_H
#define DRIVER_FOREIGN_H

#include "plane/plane.h"

/* The settings of a server, each judged alone. */
enum foreign_setting { FOREIGN_WEIGHT, FOREIGN_STATE, FOREIGN_SETTINGS };

/* What is known of one setting of one server; zero at first. */
struct foreign {
	bool		known;		/* 'wanted' is of an earlier round */
	bool		agreed;		/* the data plane was seen with 'wanted' */
	bool		job;		/* a job of the next round asks for it */
	bool		kept;		/* the change of somebody else stays */
	bool		repairing;	/* this round restores it */
	uint32_t	wanted, found;	/* 'found': the last value that was not 'wanted' */
	/* Repairs one after the other; what the message says of them changes once a minute. */
	uint32_t	repairs, shown_repairs;
	int64_t		first_ms, last_ms, gap_ms, shown_ms;
};

/* What a round knows of the data plane. */
struct foreign_round {
	bool	keep;		/* foreign-changes = keep */
	bool	restarted;	/* a process was restarted since the last round */
	bool	resumed;	/* the first round: the driver before saw the data plane agree */
};

/* Judges a setting that is to be 'wanted' and was seen as 'found'. Returns true where the
 * driver is to command 'wanted'. */
bool foreign_judge(struct foreign *foreign, uint32_t wanted, uint32_t found,
    const struct foreign_round *round);

/* The value that was seen after the commands, in all processes of the data plane. */
void foreign_see(struct foreign *foreign, uint32_t found);

/* The data plane took the command that foreign_judge() asked for. */
void foreign_repaired(struct foreign *foreign, int64_t now_ms);

/* True while the setting is changed back again and again: three repairs, the last of them not
 * longer ago than three times the longest pause between two. */
bool foreign_fights(const struct foreign *foreign, int64_t now_ms);

/* What is to be said of a setting that is kept or fought for, and what a person can do;
 * returns 'buf', "" if nothing. */
const char *foreign_text(const struct foreign *foreign, enum foreign_setting setting,
    int64_t now_ms, char buf[MODEL_MESSAGE_MAX + 1]);

#endif
