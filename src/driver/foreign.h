/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Foreign changes: changes of a setting in the data plane that lbcluster did not make. HAProxy
 * (a SRV record, an agent-check), a script or a person makes them. Decides whether the driver
 * restores a setting or keeps the change, and counts the repairs. Pure functions.
 *
 * A difference between the store and the data plane is a foreign change if a poll found the wanted
 * value, and since then the store did not change, no job came, and no process of the data plane was
 * restarted.
 */
#ifndef DRIVER_FOREIGN_H
#define DRIVER_FOREIGN_H

#include "plane/plane.h"

/* What something outside lbcluster may change: two settings of a server, and a service as a whole.
 * Each is judged alone. The value of a service is 1 if it differs. */
enum foreign_setting {
	FOREIGN_WEIGHT, FOREIGN_STATE, FOREIGN_REAL_SETTINGS,
	FOREIGN_SERVICE = FOREIGN_REAL_SETTINGS
};

/* One setting of one server. Initialize with zeros. */
struct foreign {
	bool		known;		/* an earlier round set 'wanted' */
	bool		confirmed;	/* a poll found 'wanted' */
	bool		job;		/* the next round has a job for this setting */
	bool		kept;		/* the driver keeps a foreign change */
	bool		repairing;	/* this round restores the setting */
	uint32_t	wanted, found;	/* 'found': the latest value other than 'wanted' */
	/* Repairs in a row. The message shows the values of 'shown', once a minute. */
	uint32_t	repairs, shown_repairs;
	int64_t		first_ms, last_ms, gap_ms, shown_ms;
};

/* What a round knows of the data plane. */
struct foreign_round {
	bool	keep;		/* foreign-changes = keep */
	bool	restarted;	/* a process was restarted since the round before */
	bool	resumed;	/* the first round of a driver, no process was restarted */
};

/* Compares a setting with the value of the poll. True if the driver must set 'wanted'. */
bool foreign_update(struct foreign *foreign, uint32_t wanted, uint32_t found,
    const struct foreign_round *round);

/* Records the value that the poll after the commands found. All processes of the data plane
 * answered that poll. */
void foreign_confirm(struct foreign *foreign, uint32_t found);

/* Records a repair: the data plane carried out the command that foreign_update() requested. */
void foreign_repaired(struct foreign *foreign, int64_t now_ms);

/* True while something outside lbcluster keeps changing the setting. That is the case after three
 * repairs, until the last repair is older than three times the longest pause between two
 * repairs. */
bool foreign_contested(const struct foreign *foreign, int64_t now_ms);

/* Writes what happens to a kept or contested setting, and what to do; "" for any other one.
 * Returns 'buf'. */
const char *foreign_message(const struct foreign *foreign, enum foreign_setting setting,
    const struct plane_kind_ops *ops, int64_t now_ms, char buf[MODEL_MESSAGE_MAX + 1]);

#endif
